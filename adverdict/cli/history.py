"""``adverdict history``: the store of advertisers' histories that all workers of this machine share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from adverdict.cli.door import door, ledger_of
from adverdict.cli.options import Json, Memory

if TYPE_CHECKING:
    from adverdict.domain.settings import Settings
    from adverdict.ledger.stored.folder import HistoryFolder

app = typer.Typer(help="Build, look at and check the store of advertisers' histories on this machine.", no_args_is_help=True)


@app.command("build")
def build_command(
    anew: Annotated[bool, typer.Option("--anew", help="From the first entry of the ledger, whatever is there.")] = False,
    if_due: Annotated[
        bool, typer.Option("--if-due", help="Only where a tenth of the ledger came since the last build, or something was erased.")
    ] = False,
    memory: Memory = None,
    json: Json = None,
) -> None:
    """Bring the store to the end of the ledger, so that workers start without reading all of it. The service does it by itself."""
    from adverdict.cli.console import Bars, out, write_json
    from adverdict.domain.formats import counted

    with door() as settings:
        size = _bytes(memory)
        folder = _folder(settings)
        with ledger_of(settings) as ledger, Bars() as bars:
            before = folder.standing(ledger)
            if before.due or not if_due:
                folder.refresh(ledger, memory=size, anew=anew, progress=bars)
            standing = folder.standing(ledger)
        came = counted(standing.seq - before.seq, "entry", "entries")
        out.print(f"the history store knows {counted(standing.seq, 'entry', 'entries')} of {standing.end:,}, {came} more than before")
        if json:
            write_json(json, _figures(folder, standing.end))


@app.command("show")
def show_command(json: Json = None) -> None:
    """What the store knows, where it stands in the ledger, and whether it is time to build."""
    from adverdict.cli.console import out, write_json
    from adverdict.domain.formats import counted

    with door() as settings:
        folder = _folder(settings)
        with ledger_of(settings) as ledger:
            standing = folder.standing(ledger)
        if not standing.seq:
            out.print(f"there is no history store of this ledger in {folder.folder}; workers read the ledger when they start")
        else:
            figures = _figures(folder, standing.end)
            for kind, number in figures["entities"].items():
                out.print(f"{kind:<12}{number:>14,}", highlight=False)
            out.print(f"{counted(standing.seq, 'entry', 'entries')} of {standing.end:,}, {figures['bytes'] / 2**20:,.0f} MiB")
        if standing.erased:
            out.print("something was erased since it was built: nobody counts it, and the next build forgets it", style="yellow")
        if standing.due:
            out.print("it is time to build: 'adverdict history build'; a service does it within minutes")
        if json:
            write_json(json, _figures(folder, standing.end) if standing.seq else {"seq": 0, "end": standing.end})


@app.command("check")
def check_command(memory: Memory = None, json: Json = None) -> None:
    """Count everything anew from the ledger, beside the store, and compare: takes as long as building it from the first entry."""
    from adverdict.cli.console import Bars, err, out, write_json

    with door() as settings:
        folder = _folder(settings)
        with ledger_of(settings) as ledger, Bars() as bars:
            expected, found = folder.check(ledger, memory=_bytes(memory), progress=bars)
        same = expected == found
        if json:
            write_json(json, {"same": same, "expected": expected, "found": found})
        if not same:
            err.print("[bold red]the history store is not what the ledger tells[/]: 'adverdict history build --anew' makes it so")
            raise typer.Exit(1)
        out.print(f"the history store is what the ledger tells: {found}", highlight=False)


def _folder(settings: Settings) -> HistoryFolder:
    from adverdict.ledger.stored.folder import HistoryFolder

    return HistoryFolder(settings.history)


def _bytes(memory: str | None) -> int:
    from adverdict.ledger.stored.folder import MEMORY
    from adverdict.rescoring.memory import parse

    return MEMORY if memory is None else parse(memory)


def _figures(folder: HistoryFolder, end: int) -> dict[str, Any]:
    """Of a store that there is."""
    store = folder.store()
    if store is None:
        return {"seq": 0, "end": end}
    stands_on = store.listing.stands_on
    return {
        "seq": stands_on.seq,
        "end": end,
        "chain": stands_on.chain,
        "digest": store.listing.digest,
        "entities": {kind: len(names.hi) for kind, names in store.names.items()},
        "bytes": sum(file.stat().st_size for file in store.folder.iterdir() if file.is_file()),
    }
