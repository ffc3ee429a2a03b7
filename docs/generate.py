"""Writes the pages of ``docs/reference/`` from the code: ``make reference``. A test says when they are not what the code says.

``docs/settings.md`` is made from the code as well, by the test that holds it.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "reference"
sys.path.insert(0, str(ROOT / "docs"))


def commands() -> str:
    """Every command with its arguments and options, as ``--help`` says them, written by Typer itself."""
    import typer
    from typer import cli
    from typer.main import get_command

    from adverdict.cli.main import app

    root = get_command(app)
    _told_whole(root)
    text = cli.get_docs_for_click(obj=root, ctx=typer.Context(root), name="adverdict")
    text = text.replace(
        "# `adverdict`\n", "# Commands\n\nAs `adverdict COMMAND --help` says them. A list of values: repeat the option.\n", 1
    )
    text = re.sub(r"^\* `--help`: .*\n", "", text, flags=re.MULTILINE)
    return re.sub(r"\*\*Options\*\*:\n\n(?=\n|\Z|##)", "", text).rstrip() + "\n"


def _told_whole(command: Any) -> None:
    """Lists of commands with the whole first sentence of each, which would end after 45 characters otherwise."""
    for one in getattr(command, "commands", {}).values():
        first = " ".join((one.help or "").split("\n\n")[0].split())
        one.short_help = one.short_help or re.split(r"(?<=\.) ", first)[0]
        _told_whole(one)


def http() -> str:
    """Every address and the fields of its bodies, from the OpenAPI document."""
    from adverdict.serving.http.app import ENDPOINTS
    from adverdict.serving.http.errors import MEANING
    from adverdict.serving.http.openapi import document

    told = document(ENDPOINTS, "")
    lines = ["# HTTP", "", "From the OpenAPI document, which the service gives at `/docs.json` and shows at `/docs`, with examples.", ""]
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            lines += [f"## `{method.upper()} {path}`", "", *_operation(operation)]
    lines += ["## Errors", "", "Each is an [ErrorBody](#errorbody).", "", "| status | meaning |", "|---|---|"]
    lines += [f"| {status} | {_cell(words)} |" for status, (_, words) in sorted(MEANING.items())]
    lines += ["", "## Bodies", ""]
    for name, schema in sorted(told["components"]["schemas"].items()):
        lines += [f"### {name}", "", *_fields(schema)]
    return "\n".join(lines).rstrip() + "\n"


def _operation(operation: dict[str, Any]) -> list[str]:
    lines = [f"{operation['summary']}.", ""]
    if "description" in operation:
        lines += [operation["description"], ""]
    for parameter in operation.get("parameters", ()):
        about = f": {_flat(parameter['description'])}" if "description" in parameter else ""
        lines.append(f"- `{parameter['name']}` ({parameter['in']}{', required' if parameter.get('required') else ''}){about}")
    if "requestBody" in operation:
        lines.append(f"- takes {_body(operation['requestBody']['content'])}")
    errors = [status for status in operation["responses"] if int(status) >= 400]
    for status, answer in operation["responses"].items():
        if status not in errors:
            lines.append(
                f"- gives {status}, {_flat(answer['description'])}{': ' + _body(answer['content']) if answer.get('content') else ''}"
            )
    return [*lines, *([f"- [errors](#errors): {', '.join(errors)}"] if errors else []), ""]


def _body(content: dict[str, Any]) -> str:
    [(media, one)] = content.items()
    return _type(one["schema"]) if "$ref" in one["schema"] else f"`{media}`"


def _fields(schema: dict[str, Any]) -> list[str]:
    about = [_prose(schema["description"]), ""] if "description" in schema else []
    if "properties" not in schema:
        return [*about, _type(schema), ""]
    needed = set(schema.get("required", ()))
    rows = [
        f"| `{name}`{chr(92) + '*' if name in needed else ''} | {_type(one)} | {_cell(one.get('description', ''))} |"
        for name, one in schema["properties"].items()
    ]
    return [*about, "| field | type | meaning |", "|---|---|---|", *rows, "", *(["\\* required", ""] if needed else [])]


def _type(schema: dict[str, Any]) -> str:
    """A JSON schema in a few words, for a cell of a table."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return f"[{name}](#{name.lower()})"
    if "const" in schema or "enum" in schema:
        return " or ".join(f"`{json.dumps(one).strip(chr(34))}`" for one in schema.get("enum", [schema.get("const")]))
    if "anyOf" in schema or "oneOf" in schema:
        return " or ".join(dict.fromkeys(_type(one) for one in schema.get("anyOf", schema.get("oneOf", ()))))
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}" if schema.get("items") else "list"
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_type(schema['additionalProperties'])}"
    kind = {"string": "text", "null": "null", "boolean": "true/false"}.get(schema.get("type", ""), schema.get("type", "anything"))
    return f"time ({schema['format']})" if schema.get("format") in ("date-time", "date") else str(kind)


def metrics() -> str:
    """Every metric of ``/metrics``, as Prometheus reads it."""
    from adverdict.serving.worker.metrics import Metrics

    lines = ["# Metrics", "", "As `GET /metrics` names them. [Serving](../serving.md) says what to watch.", ""]
    lines += ["| metric | kind | labels | what is counted |", "|---|---|---|---|"]
    for one in vars(Metrics(_book())).values():
        if hasattr(one, "_labelnames"):
            name = f"{one._name}_total" if one._type == "counter" else one._name
            labels = ", ".join(f"`{label}`" for label in one._labelnames)
            lines.append(f"| `{name}` | {one._type} | {labels} | {_cell(one._documentation)} |")
    return "\n".join(lines) + "\n"


def _book() -> Any:
    from adverdict.decisions.files.read import read_policies

    return read_policies()


def chain() -> str:
    """Every kind of entry of the ledger's chain, with its fields."""
    from adverdict.ledger.entries import KINDS

    lines = [
        "# Entries of the chain",
        "",
        "What an entry of the [ledger](../ledger.md) can say, by its kind; the chain's digest covers it as it is",
    ]
    lines += ["written. A field outside these is refused, in what is written and in what is read.", ""]
    for kind, body in sorted(KINDS.items()):
        lines += [f"## {kind}", "", *_fields(_resolved(body.model_json_schema()))]
    return "\n".join(lines).rstrip() + "\n"


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """With what it refers to written out as far as a table has place for: an object is named, a choice of values is told."""
    parts = schema.get("$defs", {})

    def read(value: Any) -> Any:
        if isinstance(value, dict) and "$ref" in value:
            name = value["$ref"].rsplit("/", 1)[-1]
            return parts[name] if "enum" in parts[name] else {"type": name}
        if isinstance(value, dict):
            return {key: read(one) for key, one in value.items() if key != "$defs"}
        return [read(one) for one in value] if isinstance(value, list) else value

    found: dict[str, Any] = read(schema)
    return found


def licences() -> str:
    """The licence of everything that ``constraints.txt`` names, as its own metadata says it."""
    from licensing import page

    return page(ROOT / "constraints.txt")


def _prose(text: str) -> str:
    """A docstring as Markdown."""
    return " ".join(text.split()).replace("``", "`")


def _flat(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    return _prose(text).replace("|", "\\|")


PAGES: dict[str, Callable[[], str]] = {
    "commands.md": commands,
    "http.md": http,
    "metrics.md": metrics,
    "chain.md": chain,
    "licences.md": licences,
}

if __name__ == "__main__":
    for name in sys.argv[1:] or PAGES:
        (FOLDER / name).write_text(PAGES[name](), encoding="utf-8")
