"""What ``adverdict data check`` prints, within 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from adverdict.cli.console import out, printable
from adverdict.cli.tables import columns, say
from adverdict.domain.formats import counted
from adverdict.domain.names import LEFT_OUT
from adverdict.storage.checking.looked import Checked, Column, Looked

SHOWN = 20
MARKETS = 12
ID_WIDE, NARROW, WIDE = 16, 10, 34
"""Cells of a terminal that an id takes of a row at most, and a text at least and at most."""
TEXTS = ("title", "body", "creative_ocr_text")
IN_ROWS = ("ad_id", "advertiser_id", "market", "submitted_at", "policy", "violates", "labelled_at", "title", "body", "creative_ocr_text")
PADDING = 2
"""Cells between two columns."""
NAMES = {
    "map": "columns",
    "label": "label",
    "policy": "label is about",
    "market": "market of all",
    "markets": "market codes",
    "policies": "policy names",
    "surface": "surface of all",
    "timezone": "time zone",
    "date_format": "date format",
    "separator": "separator",
    "encoding": "encoding",
    "sheet": "sheet",
    "header_row": "header in row",
    "format": "format",
}
"""What an option is called where it is told."""
SINGULAR = {"markets": "market", "policies": "policy"}


def show(checked: Checked, kept: bool = False) -> None:
    """Everything, worst last, so that it stands where a terminal ends. ``kept``: whether what was assumed is written down next."""
    for looked in (checked.ads, checked.labels):
        if looked is not None and (looked.columns or looked.groups):
            _show_table(looked)
    _show_contents(checked)
    _show_reading(checked)
    _listed("Noticed", [one for looked in (checked.ads, checked.labels) if looked for one in looked.warnings if not one.endswith(LEFT_OUT)])
    _listed("Not in the data contract", [one for looked in (checked.ads, checked.labels) if looked for one in _wrong(looked)], "red")
    _listed("What would help", checked.suggestions)
    out.print()
    if not checked.good:
        out.print("[bold red]not readable as it is[/]: what is listed above has to be mended, or said how it is meant")
    elif checked.assumed:
        keep = "" if kept else "; [bold]--write[/] keeps it in data.yaml for the other commands"
        out.print(f"[bold yellow]readable[/] if what was assumed is right{keep}")
    else:
        out.print("[bold green]readable[/] as it is")


def _show_table(looked: Looked[Any]) -> None:
    from rich.markup import escape

    out.print(f"\n[bold]{looked.title}[/] in {escape(printable(looked.path))}: ", end="")
    out.print(f"{counted(looked.rows, 'row')}, {looked.read:,} in the data contract", highlight=False)
    table = columns(["field (* expected)", "column", "present", "missing", "distinct", "wrong"], left=["field (* expected)", "column"])
    for one in looked.columns:
        if one.column is not None or one.required or one.out_of_contract:
            table.add_row(*_row(one))
    out.print(table)
    if left := looked.left_out:
        say(f"left out, as the data contract has no such field: {', '.join(map(repr, left))}", style="yellow")
    if looked.first:
        _show_first(looked)


def _show_first(looked: Looked[Any]) -> None:
    """A line a row: ids, times and flags whole, texts in what is left of the line. What only stands in for a value is not shown as one."""
    from rich.markup import escape

    out.print("[bold]first rows as read[/]")
    stated = [_stated(row) for row in looked.first]
    names = [name for name in IN_ROWS if any(name in row for row in stated)]
    texts = [name for name in TEXTS if name in names]
    fixed = {name: max(len(name), *(len(row.get(name, "")) for row in stated)) for name in names if name not in texts}
    left = out.width - sum(min(width, ID_WIDE) for width in fixed.values()) - PADDING * len(names)
    table = columns(names, left=names, no_wrap=True)
    for name, column in zip(names, table.columns, strict=True):
        column.max_width = min(WIDE, max(NARROW, left // len(texts))) if name in texts else ID_WIDE
    for row in stated:
        table.add_row(*(escape(row.get(name, "–")) for name in names))
    out.print(table)


def _stated(row: Any) -> dict[str, str]:
    """What a row says of the fields that are shown."""
    from adverdict.domain.ad import Ad
    from adverdict.storage.tables.reading import stands_in

    unsaid = set(stands_in(row)) if isinstance(row, Ad) else set()
    values = {name: getattr(row, name, None) for name in IN_ROWS}
    return {name: _value(value) for name, value in values.items() if value is not None and name not in unsaid}


def _row(column: Column) -> Sequence[str]:
    from rich.markup import escape

    name = f"{column.field}{' *' if column.required else ''}"
    there = "[yellow]none[/]" if column.column is None else escape(printable(column.column))
    wrong = f"[red]{column.out_of_contract:,}[/]" if column.out_of_contract else "0"
    return name, there, f"{column.present:,}", f"{column.missing:,}", f"{column.distinct:,}", wrong


def _show_contents(checked: Checked) -> None:
    lines = []
    if checked.markets:
        rest = len(checked.markets) - MARKETS
        listed = ", ".join(f"{market} {n:,}" for market, n in checked.markets.most_common(MARKETS))
        lines.append(f"markets: {listed}{f' and {rest} more' if rest > 0 else ''}".replace("ZZ", "ZZ (not stated)"))
    for policy, (n, yes) in checked.policies.items():
        lines.append(f"labels of {policy}: {n:,}, of which {yes:,} say that the ad violates it")
    if checked.times:
        lines.append(f"submitted from {checked.times[0]:%Y-%m-%d %H:%M} to {checked.times[1]:%Y-%m-%d %H:%M} UTC")
    for looked, what in ((checked.ads, "show the same as one before"), (checked.labels, "are the same as one before")):
        if looked and looked.alike:
            lines.append(f"{looked.alike:,} {looked.title} {what}")
    _listed("What is in it", lines)


def _show_reading(checked: Checked) -> None:
    table = columns(["how it was read", "", "why"], left=["how it was read", "", "why"])
    read = checked.reading.plain()
    for name, value in read.items():
        if name == "policy" and "label" in read:
            continue  # the line of the label says it
        for key, one in value.items() if isinstance(value, dict) else ((None, value),):
            told = f"{SINGULAR.get(name, name)} {key}={one}" if key else name
            why = checked.assumed.get(told)
            shown = f"{key} = {one}" if key else str(one).replace("\t", "tab")
            shown += f": yes violates {checked.reading.policy}" if name == "label" else ""
            table.add_row(NAMES[name], printable(shown), f"[yellow]assumed[/]: {why}" if why else "said")
    if table.row_count:
        out.print()
        out.print(table)


def _wrong(looked: Looked[Any]) -> Iterable[str]:
    for group in sorted(looked.groups, key=lambda group: -group.count):
        yield f"{f'{group.count:,} times, first: ' if group.count > 1 else ''}{group.first}"


def _listed(title: str, sentences: Sequence[str], style: str = "") -> None:
    if sentences:
        out.print(f"\n[bold {style}]{title}[/]" if style else f"\n[bold]{title}[/]")
    for sentence in sentences[:SHOWN]:
        say(f"- {sentence}")
    if len(sentences) > SHOWN:
        say(f"- and {len(sentences) - SHOWN} more")


def _value(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    text = "" if value is None else "yes" if value is True else "no" if value is False else str(value)
    return printable(text.strip()[: 2 * WIDE])
