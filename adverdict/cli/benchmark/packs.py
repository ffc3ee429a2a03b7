"""``adverdict benchmark packs``: the whole training on labelled ads, nested."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from adverdict.cli.console import Bars, out, write_json
from adverdict.cli.door import door
from adverdict.cli.options import Data, Encoder, EncoderEpochs, EncoderPrefix, Json, Policies, Seed, Tune, Vectors
from adverdict.cli.tables import columns
from adverdict.domain.formats import interval, number


def packs(
    data: Data,
    split: Annotated[
        list[str] | None,
        typer.Option(
            help="advertiser, in-order, or without:US+GB to leave markets out. Repeat for several, and their mean.",
            show_default="advertiser",
        ),
    ] = None,
    policies: Policies = None,
    vectors: Vectors = "multilingual",
    beside: Annotated[str | None, typer.Option("--beside-vectors", help="Train with these word vectors too, and pair the two.")] = None,
    encoder: Encoder = "minilm",
    tune: Tune = False,
    encoder_epochs: EncoderEpochs = 2,
    encoder_prefix: EncoderPrefix = "",
    history: Annotated[bool, typer.Option(help="Whether the models see what raters said of an advertiser before.")] = True,
    live_history: Annotated[bool, typer.Option("--live-history", help="Let held-out labels become history once they are known.")] = False,
    by: Annotated[str | None, typer.Option("--by", help="Also report each value of this field of an ad, such as creative_format.")] = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Deal advertisers into folds so many times; figures are the mean.")] = 1,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Nested evaluation of the whole training on labelled ads."""
    from adverdict.cli.models import fit_settings, show_figures

    with door():
        from adverdict.benchmarks.packs.run import Asked, run

        settings = fit_settings(vectors, encoder, seed, tune, encoder_epochs, encoder_prefix, history)
        other = None if beside is None else fit_settings(beside, "none", seed).vectors
        asked = Asked(tuple(split or ("advertiser",)), tuple(policies or ()), seeds, by, live_history, other)
        with Bars() as bars:
            figures = run(data, asked, settings, bars)
        show_figures(figures)
        for field, values in figures.get("slices", {}).items():
            for value, policies_of in values.items():
                show_figures({"split": f"{field} = {value}", "models": {"blend": {"policies": policies_of}}})
        if "over" in figures:
            _show_over(figures["over"])
        if json:
            write_json(json, figures)


def _show_over(over: dict[str, Any]) -> None:
    """Means over splits and partitions into folds, and what they are above those of other word vectors."""
    said = f"mean over {', '.join(over['splits'])}; {len(over['seeds'])} times dealt into folds"
    paired = ("AP beside", "above it", "95 % of it") if over["beside"] else ()
    table = columns(("policy", "model", "AP", "95 %", "AUROC", *paired), left=("policy", "model"), title=said)
    for policy, models in over["policies"].items():
        for model, found in models.items():
            cells = [policy, model, number(found["ap"], ".3f"), _ends(found["ap_interval"]), number(found["auroc"], ".3f")]
            if paired:
                cells += [number(found["beside"], ".3f"), number(found["difference"], "+.3f"), _ends(found["difference_interval"])]
            table.add_row(*cells)
    out.print(table)


def _ends(ends: list[float] | None) -> str:
    return interval(ends[0], ends[1], ".3f") if ends else "–"
