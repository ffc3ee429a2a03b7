"""What MkDocs does besides, for the site of ``make docs``: pages from outside ``docs/``, links to source, and nothing fetched."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
OUTSIDE = {"CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
"""Files at the top of the repository that are pages of the site as well, by what they are called there."""
LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")
FETCHED = re.compile(r"""<(?:script|img|iframe|link)\b[^>]*\b(?:src|href)=["']?(?:https?:)?//[^>]*>""")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Completes the navigation: each decision about the design, and pages that no section names."""
    decisions = [f"adr/{path.name}" for path in sorted((ROOT / "docs" / "adr").glob("0*.md"))]
    _section(config.nav, "Explanation").append({"Decisions": [*decisions]})
    named = set(re.findall(r"[\w/.-]+\.md", str(config.nav)))
    left = sorted(path.name for path in (ROOT / "docs").glob("*.md") if path.name not in named)
    if left:
        _section(config.nav, "How to").append({"More": left})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages that lie outside ``docs/``, as if they lay in it."""
    for source, page in OUTSIDE.items():
        text = (ROOT / source).read_text(encoding="utf-8").replace("](docs/", "](")
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Names what lies outside the site, which has no place to link to; links between pages stay as they are."""
    here = (ROOT / "docs" / page.file.src_uri).parent

    def linked(match: re.Match[str]) -> str:
        words, target = match.groups()
        path, _, anchor = target.partition("#")
        if ":" in path or not path:
            return match[0]
        found = (here / path).resolve()
        outside = OUTSIDE.get(found.name) if found.parent == ROOT else None
        if outside:
            up = "../" * page.file.src_uri.count("/")
            return f"[{words}]({up}{outside}{'#' + anchor if anchor else ''})"
        at_top = (ROOT / path).resolve() if page.file.src_uri in OUTSIDE.values() else found
        inside = found.is_relative_to(ROOT / "docs") and not re.match(r"(examples|branded)\b", found.relative_to(ROOT / "docs").as_posix())
        if (inside and found.exists()) or not at_top.exists():
            return match[0]
        return f"{words} (`{at_top.relative_to(ROOT).as_posix()}`)"

    return LINK.sub(linked, markdown)


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Refuses a page that would fetch anything from elsewhere when it is read."""
    fetched = FETCHED.search(output)
    if fetched:
        raise PluginError(f"{page.file.src_uri} would fetch from elsewhere: {fetched[0]}")
    return output


def _section(nav: Any, title: str) -> list[Any]:
    """The list of what stands in one section of the navigation."""
    found: list[Any] = next(part[title] for part in nav if isinstance(part, dict) and title in part)
    return found
