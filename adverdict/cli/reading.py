"""The options that say how tables are to be read, the same on every command that reads some."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adverdict.cli.console import errors_end_the_command
from adverdict.cli.door import door

if TYPE_CHECKING:
    from adverdict.storage.tables.reading import Reading, Table

PANEL = "How the data is written (or data.yaml beside it says so)"

Mapped = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="FIELD=COLUMN", help="The column that holds a field: title=headline.", rich_help_panel=PANEL),
]
LabelColumn = Annotated[
    str | None, typer.Option("--label", metavar="COLUMN", help="Column of the ads that says yes or no: violates.", rich_help_panel=PANEL)
]
About = Annotated[str | None, typer.Option("--policy", metavar="POLICY", help="What --label is about.", rich_help_panel=PANEL)]
Markets = Annotated[
    list[str] | None,
    typer.Option("--market", metavar="CC|CODE=CC", help="Of ads that state none: SE. Or another code's: UK=GB.", rich_help_panel=PANEL),
]
Surface = Annotated[str | None, typer.Option("--surface", help="Of ads that state none.", rich_help_panel=PANEL)]
Timezone = Annotated[str | None, typer.Option("--timezone", help="Of times without one: Europe/Berlin.", rich_help_panel=PANEL)]
DateFormat = Annotated[str | None, typer.Option("--date-format", help="As strptime has it: %d.%m.%Y.", rich_help_panel=PANEL)]
Separator = Annotated[str | None, typer.Option("--separator", help="Of CSV: semicolon, tab, pipe, or a character.", rich_help_panel=PANEL)]
Encoding = Annotated[str | None, typer.Option("--encoding", help="Of CSV: cp1252, utf-16.", rich_help_panel=PANEL)]
Sheet = Annotated[str | None, typer.Option("--sheet", help="Of an Excel workbook: its name.", rich_help_panel=PANEL)]
HeaderRow = Annotated[
    int | None, typer.Option("--header-row", min=1, help="Line of CSV or row of a sheet that names the columns.", rich_help_panel=PANEL)
]
Format = Annotated[str | None, typer.Option("--format", help="adcom: JSON lines of IAB's AdCOM 1.0.", rich_help_panel=PANEL)]
Sql = Annotated[
    tuple[str, str] | None,
    typer.Option(
        "--sql",
        metavar="URL QUERY",
        help="Instead of files: the ads that a query gives, labels as a column (--label).",
        rich_help_panel=PANEL,
    ),
]

OPTIONS: Mapping[str, Any] = {
    "mapped": Mapped,
    "label_column": LabelColumn,
    "about": About,
    "markets_said": Markets,
    "surface_said": Surface,
    "timezone": Timezone,
    "date_format": DateFormat,
    "separator": Separator,
    "encoding": Encoding,
    "sheet": Sheet,
    "header_row": HeaderRow,
    "format": Format,
    "sql": Sql,
}

Command = Callable[..., None]


def reads(*places: str, own: Sequence[str] = ()) -> Callable[[Command], Command]:
    """Gives a command the options of reading; its parameters ``places`` then hold what was said beside the paths.

    ``own``: options that the command has itself, with a meaning of its own. Where a command has ``policies``, a label is about that one.
    """

    def decorated(command: Command) -> Command:
        signature = inspect.signature(command, eval_str=True)
        added = {name: option for name, option in OPTIONS.items() if name not in own}

        @functools.wraps(command)
        def with_reading(**given: Any) -> None:
            said = {name: given.pop(name) for name in added}
            if said.get("label_column") and len(given.get("policies") or ()) == 1:
                said["about"] = given["policies"][0]
            with errors_end_the_command():
                reading = reading_said(said)
                for place in places:
                    given[place] = _with(reading, _asked(given[place], said["sql"], signature.parameters[place]))
            command(**given)

        more = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=option) for name, option in added.items()]
        parameters = [*_without_need(signature, places), *more]
        with_reading.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        with_reading.__annotations__ = {one.name: one.annotation for one in parameters} | {"return": None}
        return with_reading

    return decorated


def _without_need(signature: inspect.Signature, places: Sequence[str]) -> list[inspect.Parameter]:
    """The parameters, of which those of files may be left away: a query stands in for them."""
    keywords = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in signature.parameters.values()]
    return [one.replace(default=None, annotation=one.annotation) if one.name in places else one for one in keywords]


def _asked(paths: Any, sql: tuple[str, str] | None, parameter: inspect.Parameter) -> Any:
    """The files, or the query in their place. Raises InvalidSettings where there is neither, or both."""
    from adverdict.domain.errors import InvalidSettings, Mistake
    from adverdict.storage.tables.reading import Query

    named = [one for one in getattr(parameter.annotation, "__metadata__", ()) if isinstance(one, typer.models.ArgumentInfo)]
    option = str(named[0].metavar) if named else f"--{parameter.name}"
    if sql and paths:
        raise InvalidSettings("the data comes from one place", [Mistake("--sql", "(a query)", f"no {option} beside it")])
    if not sql:
        if not paths and parameter.default is inspect.Parameter.empty:
            with door():  # what is wrong with the environment is told first, as by every command
                raise InvalidSettings("no data was given", [Mistake(option, None, "a folder or file of tables, or --sql URL QUERY")])
        return paths
    return [Query(*sql)] if "list" in str(parameter.annotation) else Query(*sql)


def reading_said(said: Mapping[str, Any]) -> Reading:
    """What the options say. Raises InvalidInput with every mistake."""
    from adverdict.domain.errors import InvalidSettings, Mistake
    from adverdict.storage.tables.reading import FIELDS, Reading

    told: dict[str, Any] = {"map": {}, "markets": {}}
    wrong = []
    for pair in said.get("mapped") or ():
        field, found, column = pair.partition("=")
        if not (found and field and column):
            wrong.append(Mistake("--map", pair, "FIELD=COLUMN, such as title=headline"))
        elif field not in FIELDS and column in FIELDS:
            told["map"][column] = field  # said the other way round, which has no other meaning
        else:
            told["map"][field] = column
    for code in said.get("markets_said") or ():
        theirs, found, ours = code.partition("=")
        told |= {"markets": {**told["markets"], theirs: ours}} if found else {"market": code}
    if wrong:
        raise InvalidSettings("it is not understood how the data is to be read", wrong)
    names = {"label": "label_column", "policy": "about", "surface": "surface_said"}
    for name in ("label", "policy", "surface", "timezone", "date_format", "separator", "encoding", "sheet", "header_row", "format"):
        if value := said.get(names.get(name, name)):
            told[name] = value
    reading = Reading.of(told)
    if reading.label and not reading.policy:
        expected = f"one policy, which {reading.label!r} is about"
        raise InvalidSettings("it is not understood what the labels say", [Mistake("--policy", None, expected)])
    return reading


def _with(reading: Reading, place: Table | Sequence[Table] | None) -> Any:
    from adverdict.storage.tables.reading import Query, Source

    def source(path: Table) -> Table | Source:
        return Source(path, reading) if reading or isinstance(path, Query) else path

    return [source(path) for path in place] if isinstance(place, list | tuple) else place if place is None else source(place)  # type: ignore[arg-type]
