"""``adverdict settings``: what is in force, and where it comes from."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from adverdict.cli.door import door
from adverdict.cli.options import Json

if TYPE_CHECKING:
    from adverdict.domain.settings import Settings


def settings(json: Json = None) -> None:
    """Print every setting in force and where it comes from; passwords and keys are left out."""
    with door() as found:
        from adverdict.cli.console import out, printable, write_json
        from adverdict.domain.settings import Settings, origins
        from adverdict.domain.values import variable

        came = origins(os.environ)
        rows = {variable(field): (in_words(found, field), came[field]) for field in Settings.model_fields}
        widest = max(map(len, rows))
        for name, (value, origin) in rows.items():
            where = "default" if origin == "default" else "environment"
            out.print(printable(f"{name:<{widest}}  {where:<11}  {value}"), markup=False, highlight=False, soft_wrap=True)
        if json:
            write_json(json, {name: {"value": value, "from": origin} for name, (value, origin) in rows.items()})


def in_words(settings: Settings, field: str) -> str:
    """A setting as it holds, defaults that depend on others worked out, secrets left out."""
    from adverdict.domain.settings import NO_LEDGER, without_password

    value: Any = getattr(settings, field)
    if field == "database_url":
        return NO_LEDGER if settings.ledger_url is None else without_password(settings.ledger_url)
    if field == "tracking_uri":
        return without_password(settings.registry_uri)
    if field == "api_keys":
        return ", ".join(f"{key.name} ({'+'.join(sorted(key.scopes))})" for key in value) or "none: only this machine is served"
    if field in ("audit_secret", "certificate_key"):
        return "set, and not shown" if value else "none"
    if field == "policies" and value is None:
        return "those that come with Adverdict"
    if field == "certificates" and value is None:
        return "those of the registered model"
    return (
        "none"
        if value is None
        else str(value).lower()
        if isinstance(value, bool)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )


def table() -> str:
    """The settings as a table in Markdown, one row each, for the documentation."""
    from adverdict.domain.settings import Settings
    from adverdict.domain.values import variable

    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for field, info in Settings.model_fields.items():
        extra = info.json_schema_extra
        shown = extra.get("shown") if isinstance(extra, dict) else _plain(info.default)
        cell = shown if shown in ("packaged", "none") else f"`{shown}`"
        lines.append(f"| `{variable(field)}` | {cell} | {info.description} |")
    return "\n".join(lines) + "\n"


def _plain(default: Any) -> str:
    if default in (None, (), ""):
        return "none"
    return str(default).lower() if isinstance(default, bool) else f"{default:g}" if isinstance(default, float) else str(default)
