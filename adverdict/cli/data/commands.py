"""``adverdict data``: what tables hold, before anything is made of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adverdict.cli.door import door
from adverdict.cli.options import Json
from adverdict.cli.reading import reads

if TYPE_CHECKING:
    from adverdict.storage.checking.looked import Checked

app = typer.Typer(help="Look at tables of ads and labels before anything is made of them.", no_args_is_help=True)


@app.command("check")
@reads("data")
def check_command(
    data: Annotated[Path, typer.Argument(metavar="DIR|FILE", help="Folder with ads.* and labels.*, or a table.", show_default=False)],
    write: Annotated[bool, typer.Option("--write", help="Write data.yaml beside the tables: what was said and assumed here.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Also over a data.yaml that is there.")] = False,
    json: Json = None,
) -> None:
    """Say how tables are understood, what had to be assumed, and what is not in the data contract. Ends with 1 if anything is not."""
    from adverdict.cli.console import write_json

    with door() as settings:
        from adverdict.cli.data.check import show
        from adverdict.decisions.files.read import read_policies
        from adverdict.storage.checking.looked import check, plain

        checked = check(data, {policy.name for _, _, policy in read_policies(settings.policies).every()})
        show(checked, kept=write)
        if json:
            write_json(json, plain(checked))
        if write:
            _write(checked, force)
    raise typer.Exit(0 if checked.good else 1)


@app.command("convert")
@reads("source")
def convert_command(
    out: Annotated[Path, typer.Option("--out", help="Folder to write, which must not exist; with --to adcom, a file ending in .jsonl.")],
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="Folder or table, as any command takes it.", show_default=False)],
    to: Annotated[str, typer.Option("--to", help="pack: Parquet as every command reads it; adcom: IAB's AdCOM 1.0.")] = "pack",
) -> None:
    """Write tables anew: as a pack, or as ads and audits of AdCOM. Says what is not kept."""
    with door():
        from adverdict.cli.tables import say
        from adverdict.domain.errors import Conflict, InvalidSettings, Mistake
        from adverdict.domain.formats import counted
        from adverdict.storage.tables.adcom import write_adcom
        from adverdict.storage.tables.pack import read_pack, write_ads, write_labels

        if to not in ("pack", "adcom"):
            raise InvalidSettings("it is not understood what to write", [Mistake("--to", to, "pack or adcom")])
        if out.exists():
            raise Conflict(f"{out} is already there")
        pack = read_pack(source, unlabelled=True)
        if to == "adcom":
            write_adcom(out, pack.ads, pack.labels)
            if pack.labels:
                say("of labels AdCOM keeps one answer an ad, and when: not who gave it, nor what an ad was approved under")
        else:
            out.mkdir(parents=True)
            write_ads(out / "ads.parquet", pack.ads)
            if pack.labels:
                write_labels(out / "labels.parquet", pack.labels)
        say(f"wrote {counted(len(pack.ads), 'ad')} and {counted(len(pack.labels), 'label')} to {out}")


def _write(checked: Checked, force: bool) -> None:
    from adverdict.cli.tables import say
    from adverdict.domain.errors import Conflict, InvalidSettings, Mistake
    from adverdict.storage.tables.reading import FILE
    from adverdict.storage.whole import write_whole

    if checked.beside is None:
        raise InvalidSettings(
            "nothing was written", [Mistake("--write", "(a query)", "a folder that data.yaml can lie in: --map and so on say it")]
        )
    file = checked.beside / FILE
    if not checked.reading:
        say("data.yaml was not written: the tables are in the data contract's own form")
        return
    if file.exists() and not force:
        raise Conflict(f"{file} is already there: --force writes over it")
    write_whole(file, checked.reading.yaml())
    say(f"wrote {file}: every command reads the tables of this folder so")
