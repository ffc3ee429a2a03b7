"""``adverdict init``: policy files to start from, for what the data is about."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adverdict.cli.door import door
from adverdict.cli.options import Data
from adverdict.cli.reading import reads

if TYPE_CHECKING:
    from adverdict.storage.tables.pack import Pack


@reads("data")
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for the policy files.", show_default=False)],
    data: Data,
    force: Annotated[bool, typer.Option("--force", help="Also over files that are there.")] = False,
) -> None:
    """Write policy files for the policies that labels are about, and for the markets of the ads. Never over a file that is there."""
    with door():
        from adverdict.cli.tables import say
        from adverdict.decisions.files.read import read_policies
        from adverdict.decisions.files.starting import for_other_surfaces, starting_files
        from adverdict.domain.errors import Conflict, InvalidInput, Mistake
        from adverdict.domain.identity import surface_key
        from adverdict.storage.tables.pack import read_pack
        from adverdict.storage.whole import write_whole

        packs = [read_pack(path) for path in data]
        policies, markets, left = _found(packs)
        surfaces = {surface_key(ad.surface) for pack in packs for ad in pack.ads}
        if not markets:
            expected = "the market of an ad, or --market SE for all: rules are of a market"
            raise InvalidInput("nothing was written", [Mistake("market", ", ".join(left), expected)])
        texts = starting_files(policies, markets, surfaces)
        there = [name for name in texts if (folder / name).exists()]
        if there and not force:
            raise Conflict(
                f"{', '.join(str(folder / name) for name in there)}: already there, and nothing was written; --force writes over"
            )
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            write_whole(folder / name, text)
        say(f"wrote {', '.join(texts)} to {folder}: read them, mend them, and name them: ADVERDICT_POLICIES={folder}")
        for policy, theirs in for_other_surfaces(policies, surfaces).items():
            say(
                f"{policy}: the example is for {', '.join(theirs)}, where no ad here was booked, so it is written for all surfaces "
                f"(here: {', '.join(sorted(filter(None, surfaces))) or 'none is stated'})",
                style="yellow",
            )
        if left:
            say(f"no file for {', '.join(left)}, which is no country: ads there go to people", style="yellow")
        read_policies(folder)


def _found(packs: list[Pack]) -> tuple[list[str], list[str], list[str]]:
    """Policies; markets; and what the ads state as a market that is none."""
    from adverdict.decisions.files.countries import COUNTRIES

    markets = sorted({ad.market for pack in packs for ad in pack.ads})
    policies = sorted({label.policy for pack in packs for label in pack.labels})
    return policies, [name for name in markets if name in COUNTRIES], [name for name in markets if name not in COUNTRIES]
