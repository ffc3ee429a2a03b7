"""Two folders of policy files that differ in everything a difference can tell."""

from __future__ import annotations

from pathlib import Path

from adverdict.decisions.files.read import PolicyFolder, read_folder

DEFAULT = """\
policies:
  gambling:
    title: Gambling
    severity: serious
    stance: prohibited
    targets: {max_leakage: 0.02, max_wrongful_reject: 0.1, confidence: 0.95}
    reason: Gambling may not be advertised here.
  kids_unsuitable:
    title: Unsuitable for children
    severity: severe
    stance: prohibited
    surfaces: [kids_video]
    targets: {max_leakage: 0.01, max_wrongful_reject: 0.1, confidence: 0.95}
    when_degraded: hold
    reason: Not for children.
surfaces:
  kids_video:
    gambling: {severity: severe}
"""
MARKETS = {
    "BR": "extends: default\npolicies:\n  gambling:\n    targets: {max_leakage: 0.015}\n",
    "DE": "extends: default\n",
    "GB": "extends: default\nsurfaces:\n  search:\n    gambling:\n      stance: restricted\n",
    "SE": "extends: default\npolicies:\n  gambling:\n    stance: restricted\n    reason: Only with a licence.\n",
}


def folder_of(path: Path, **files: str) -> PolicyFolder:
    """The folder above with some files replaced or added; an empty text leaves a file out."""
    path.mkdir()
    for name, text in {"default": DEFAULT, **MARKETS, **files}.items():
        if text:
            (path / f"{name}.yaml").write_text(text, encoding="utf-8")
    return read_folder(path)
