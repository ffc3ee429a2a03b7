"""``adverdict creatives``: the pictures and videos that ads name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adverdict.cli.console import Bars
from adverdict.cli.door import door, ledger_of
from adverdict.cli.options import Json
from adverdict.cli.reading import reads
from adverdict.cli.tables import say

if TYPE_CHECKING:
    from adverdict.creatives.resolver import Resolver
    from adverdict.ledger.store import Ledger

app = typer.Typer(help="The pictures and videos that ads name: fetch them, look what becomes of one.", no_args_is_help=True)

ROUND = 20
SHOWN = 10


@app.command("check")
def check_command(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="As an ad would name it in creative_uri.")],
    pictures: Annotated[Path | None, typer.Option("--out", help="Write what would be shown into this folder.")] = None,
    json: Json = None,
) -> None:
    """Fetch one creative as the service would, and say what is shown of it or why nothing is. Nothing is kept on record."""
    with door() as settings:
        import hashlib

        from adverdict.cli.console import write_json
        from adverdict.creatives.fetching import with_text
        from adverdict.creatives.resolver import Resolver
        from adverdict.creatives.sources import Sources
        from adverdict.storage.whole import write_whole

        content, made = with_text(Resolver(Sources.of(settings)), address)
        digest = hashlib.sha256(content).hexdigest()
        length = f", {made.seconds:g} s" if made.seconds else ""
        say(f"{made.kind}, {made.width:,} x {made.height:,}{length}: {len(made.frames)} shown, of a file of {len(content):,} bytes")
        say(f"sha256  {digest}")
        if made.told:
            say(made.told)
        say(
            f"text, read by {made.read_by}  {made.text!r}"
            if made.read_by
            else "text  nothing here can read it (adverdict[media], tesseract)"
        )
        say(f"phash  {made.phash or 'none'}")
        cut = "without a network" if made.alone else "with a network: this system grants processes no namespace of their own"
        say(f"made by a process {cut}")
        if pictures:
            for number, frame in enumerate(made.frames):
                write_whole(pictures / f"{digest}-{number}.jpg", frame.body)
            say(f"written to {pictures}")
        if json:
            told = {"kind": made.kind, "width": made.width, "height": made.height, "seconds": made.seconds, "bytes": len(content)}
            shown = {
                "sha256": digest,
                "frames": len(made.frames),
                "alone": made.alone,
                "text": made.text,
                "read_by": made.read_by,
                "phash": made.phash,
            }
            write_json(json, {**told, **shown})


@app.command("fetch")
@reads("ads")
def fetch_command(
    ads: Annotated[
        Path | None, typer.Option("--ads", help="A table of ads, or a folder that holds one; without it, the ads on record with a task.")
    ] = None,
    target: Annotated[Path | None, typer.Option("--out", help="With --ads: the table to write, .parquet, .csv or .jsonl.")] = None,
    pictures: Annotated[Path | None, typer.Option("--pictures", help="With --ads: also write what was made into this folder.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Also try once more what was refused, as after a change of the settings.")] = False,
    json: Json = None,
) -> None:
    """Fetch creatives: of a table, to score it with the text in its pictures; or of ads on record, as the service does by itself."""
    with door() as settings:
        from adverdict.creatives.resolver import Resolver
        from adverdict.creatives.sources import Sources
        from adverdict.domain.errors import InvalidSettings, Mistake

        if (ads is None) != (target is None):
            given = "--ads" if ads else "--out"
            raise InvalidSettings("nothing was fetched:", [Mistake("--ads, --out", given, "both of them, or none")])
        sources = Sources.of(settings)
        if not sources.any:
            expected = "where creatives lie: ADVERDICT_CREATIVE_HOSTS, ADVERDICT_CREATIVE_FOLDERS or ADVERDICT_CREATIVE_STORES"
            raise InvalidSettings("nothing was fetched:", [Mistake("ADVERDICT_CREATIVE_…", "(none is set)", expected)])
        resolver = Resolver(sources)
        if ads is None or target is None:
            with ledger_of(settings) as ledger:
                _of_record(ledger, resolver, again, json)
        else:
            _of_table(resolver, ads, target, pictures, json)


@app.command("status")
def status_command(json: Json = None) -> None:
    """How many ads' creatives are kept, wait, or are not fetched, and why."""
    with door() as settings:
        from adverdict.cli.console import write_json
        from adverdict.creatives.keeping import counted, refusals

        with ledger_of(settings) as ledger, ledger.look() as connection:
            found, why = counted(connection), refusals(connection, SHOWN)
        say(f"{found['kept']:,} ads with pictures, of {found['files']:,} files ({found['bytes'] / 2**20:,.1f} MiB of pictures)")
        say(f"{found['waiting']:,} waiting, {found['refused']:,} not fetched, {found['none']:,} name none")
        for said, ads in why:
            say(f"  {ads:>6,}  {said}")
        if json:
            write_json(json, {**found, "why_refused": [{"said": said, "ads": ads} for said, ads in why]})


def _of_record(ledger: Ledger, resolver: Resolver, again: bool, json: Path | None) -> None:
    from adverdict.cli.console import write_json
    from adverdict.creatives.fetching import Fetched, fetch
    from adverdict.creatives.keeping import want_again
    from adverdict.ledger.store import now

    if again:
        with ledger.change() as connection:
            want_again(connection, now())
    done = Fetched()
    with Bars() as bars:
        bars.stage("fetching", 0)
        while (some := fetch(ledger, resolver, most=ROUND)).tried:
            done += some
            bars.advance(some.tried)
    say(f"{done.kept:,} creatives kept, {done.refused:,} not fetched, {done.later:,} to be tried again (adverdict creatives status)")
    if json:
        write_json(json, {"kept": done.kept, "refused": done.refused, "later": done.later})


def _of_table(resolver: Resolver, ads: Path, target: Path, pictures: Path | None, json: Path | None) -> None:
    from adverdict.cli.console import write_json
    from adverdict.creatives.packs import SHARD, Filled, fill
    from adverdict.storage.tables.pack import iter_ads
    from adverdict.storage.tables.writers import write_ads

    told = Filled()
    with Bars() as bars:
        bars.stage("fetching", 0)
        write_ads(target, fill((ad for some in iter_ads(ads, SHARD) for ad in some), resolver, told, pictures, bars))
    say(f"{told.ads:,} ads, {told.named:,} of them name a creative: {told.seen:,} seen; written to {target}")
    say(f"{told.texts:,} have text in the picture that was not known, {told.hashes:,} a perceptual hash")
    for said, count in told.refused.most_common(SHOWN):
        say(f"  {count:>6,}  {said}")
    if json:
        refused = [{"said": said, "ads": count} for said, count in told.refused.most_common()]
        figures = {"ads": told.ads, "named": told.named, "seen": told.seen, "texts": told.texts, "hashes": told.hashes}
        write_json(json, {**figures, "why_refused": refused})
