"""``adverdict suitability``: tiers of ads, learnt from labels and certified."""

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
    from collections.abc import Sequence

    from adverdict.domain.ad import Ad, Label
    from adverdict.domain.settings import Settings
    from adverdict.suitability.model import TierModel

app = typer.Typer(help="Where ads may stand: tiers by category, learnt from labels and certified.", no_args_is_help=True)

File = Annotated[Path | None, typer.Option("--file", help="The file of tiers; ADVERDICT_SUITABILITY otherwise.")]


@app.command("train")
@reads("data")
def train_command(
    data: Annotated[
        list[Path] | None, typer.Option("--data", help="Folder with ads.* and labels.* (Parquet, CSV or JSONL). Repeat for several.")
    ] = None,
    file: File = None,
    reviewed: Annotated[bool, typer.Option("--reviewed", help="Also, or only, from what reviewers said of ads on record.")] = False,
    json: Json = None,
) -> None:
    """Learn tiers from labels under suitability_CATEGORY, certify them, and keep the model where the service finds it."""
    with door(suitability=file) as settings:
        from adverdict.cli.console import write_json
        from adverdict.decisions.suitability import read_rules
        from adverdict.domain.errors import InvalidSettings, Mistake
        from adverdict.storage.tables.pack import read_pack
        from adverdict.suitability.learning import learn, tiered

        if settings.suitability is None:
            raise InvalidSettings("tiers cannot be learnt:", [Mistake("--file", None, "a file of tiers, or ADVERDICT_SUITABILITY")])
        if not data and not reviewed:
            raise InvalidSettings("tiers cannot be learnt:", [Mistake("--data, --reviewed", None, "labels: one of them, or both")])
        rules = read_rules(settings.suitability)
        with Bars() as bars:
            bars.stage("learning tiers", len(data or ()) + 1)
            ads, labels = _reviewed(settings, tuple(rules.categories)) if reviewed else ([], [])
            for folder in data or ():
                pack = read_pack(folder)
                ads += pack.ads
                labels += pack.labels
                bars.advance()
            model = learn(tiered(ads, labels, tuple(rules.categories)), rules)
            bars.advance()
        model.save(settings.suitability_folder)
        show(model)
        say(f"kept in {settings.suitability_folder}; a service that runs takes it when it is started anew")
        if json:
            told = model.certificate.model_dump(mode="json") if model.certificate else None
            write_json(json, {"version": model.version, "ads": model.ads, "categories": list(model.categories), "certificate": told})


@app.command("show")
def show_command(file: File = None) -> None:
    """The file of tiers as it was read, and what is shown of the model."""
    with door(suitability=file) as settings:
        from adverdict.domain.errors import NotFound
        from adverdict.scoring.tiers import Grader

        grader = Grader.of(settings)
        if grader is None:
            raise NotFound("no file of tiers is set: --file, or ADVERDICT_SUITABILITY")
        for category, policy in grader.rules.categories.items():
            say(f"{category}  floor: what violates {policy}")
        for name, tier in grader.rules.accepts.items():
            say(f"{name}  accepts {tier} and less")
        show(grader.model)


def _reviewed(settings: Settings, categories: Sequence[str]) -> tuple[list[Ad], list[Label]]:
    from adverdict.scoring.tiers import tiers_said

    with ledger_of(settings) as ledger:
        return tiers_said(ledger, categories)


def show(model: TierModel) -> None:
    one = model.certificate
    say(f"model {model.version} of {model.ads:,} labelled ads: {', '.join(model.categories)}")
    if one is None:
        say("nothing is certified: no tier is told, a person says each")
        return
    say(f"{one.certificate_id}: of tiers told at most {one.upper:.1%} are wrong ({one.confidence:.0%} sure; limit {one.max_wrong:.1%})")
    say(f"shown by {one.wrong:,} wrong of {one.ads:,} ads of {one.advertisers:,} advertisers; {one.told:.1%} of ads are told a tier")
