"""``adverdict market onboard``: what is known of a new market, and which of its ads to label first; and the benchmark of that."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adverdict.cli.console import Bars, err, out, printable, write_json
from adverdict.cli.door import door
from adverdict.cli.options import Json, Model, PolicyFiles, Seed
from adverdict.cli.reading import reads
from adverdict.cli.tables import columns
from adverdict.domain.formats import interval, number

if TYPE_CHECKING:
    from rich.table import Table

    from adverdict.certification.markets.onboarding import Onboarding
    from adverdict.certification.thresholds.sequence import Side
    from adverdict.rollout.onboard import OnboardedMarket
    from adverdict.training.fit.prepared import FitSettings

COLUMNS = ("policy", "ads", "mean risk", "rate", "95 %", "relied on", "labels to approve", "labels to reject", "approve below", "reject at")
SAID = ("market", "ads", "violating", "rate", "estimate", "95 %", "mixture p", "relied on", "advertisers to label")
SHOWN = ("uncorrected", "label shift", "chosen")
DECIDING = ("uncorrected", "label shift", "suggested")
WHERE = ("market", *(f"error {way}" for way in SHOWN), *(f"missed {way}" for way in DECIDING))
LEFT = ("market", "policy", "relied on")


app = typer.Typer(help="Open a market that nobody labelled an ad of.", no_args_is_help=True)


@app.command("onboard")
@reads("data", own=["markets_said"])
def onboard_command(
    country: Annotated[str, typer.Option("--market", help="Country code of the new market, such as JP.")],
    data: Annotated[
        list[Path], typer.Option("--data", help="Folder with ads of the market and labelled ads of other markets. Repeat for several.")
    ],
    model: Model = None,
    policy_files: PolicyFiles = None,
    table: Annotated[Path | None, typer.Option("--out", help="Write the ads to label here, in order, as CSV.")] = None,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Estimate how often ads violate in a market without labels, whether that can be relied on, and which ads to label first."""
    with door(model=model, policies=policy_files) as settings:
        from adverdict.rollout.onboard import OnboardJob, figures, open_market, write_list

        with Bars() as bars:
            opened = open_market(OnboardJob(country, data, settings, seed), bars)
        show(opened)
        if table:
            rows = write_list(table, opened)
            out.print(f"{rows:,} rows written to {table}: whom to label first, in order", markup=False, highlight=False)
        if json:
            write_json(json, figures(opened))


def benchmark(
    data: Sequence[Path],
    policies: Sequence[str],
    max_leakage: float,
    max_wrongful_reject: float,
    settings: FitSettings,
    json: Path | None,
) -> None:
    with door():
        from adverdict.benchmarks.truth.markets import run
        from adverdict.decisions.policy import Targets

        with Bars() as bars:
            figures = run(data, policies, Targets(max_leakage, max_wrongful_reject, 0.95), settings, bars)
        for policy, result in figures["policies"].items():
            show_benchmark(policy, result, figures["targets"])
        if json:
            write_json(json, figures)


def show(opened: OnboardedMarket) -> None:
    """Warnings, a table of all policies, then sentences for each."""
    from adverdict.certification.markets.wording import listed, sentences

    for warning in _warnings(opened):
        err.print(f"warning: {printable(warning)}", style="yellow", markup=False, highlight=False)
    out.print(_table(opened))
    for onboarding in opened.policies:
        out.print(f"\n[bold]{onboarding.title}[/]", highlight=False)
        for sentence in sentences(onboarding):
            out.print(f"  {sentence}", markup=False, highlight=False)
        out.print(f"  To label: {listed(onboarding)}.", markup=False, highlight=False)
    out.print()


def _warnings(opened: OnboardedMarket) -> list[str]:
    warnings = []
    if not opened.has_file:
        warnings.append(f"{opened.market} has no policy file, so no ad there is ever decided; the figures use the values of default.yaml")
    if opened.seen:
        warnings.append(f"{opened.seen:,} labelled ads elsewhere left out: labels of their advertisers or creatives went into the model")
    if opened.unseen_languages:
        n = sum(opened.unseen_languages.values())
        tags = ", ".join(f"{tag} {count:,}" for tag, count in opened.unseen_languages.items())
        warnings.append(f"{n:,} of {opened.readable:,} ads with text are in languages hardly any training ad was in ({tags})")
    if not opened.policies:
        warnings.append(f"no policy in {opened.market} leaves its thresholds to be solved and is scored by this model")
    return warnings


def _table(opened: OnboardedMarket) -> Table:
    table = columns(COLUMNS, left=LEFT, title=f"{opened.market}: {opened.here:,} ads; {opened.elsewhere:,} labelled ads elsewhere")
    for onboarding in opened.policies:
        table.add_row(*_row(onboarding))
    return table


def _row(onboarding: Onboarding) -> tuple[str, ...]:
    from adverdict.certification.thresholds.sequence import Side

    rate = onboarding.chosen
    suggested = onboarding.suggested
    return (
        onboarding.title,
        f"{onboarding.ads:,}",
        number(onboarding.mean_risk, ".3f"),
        number(None if rate is None else rate.rate, ".3f"),
        "–" if rate is None else interval(rate.low, rate.high, ".3f"),
        "[green]yes[/]" if onboarding.accepted else "[red]no[/]",
        _labels(onboarding, Side.APPROVE),
        _labels(onboarding, Side.REJECT),
        "nobody" if suggested is None or suggested.approve_below == 0 else f"{suggested.approve_below:g}",
        "nobody" if suggested is None or suggested.reject_at == 1 else f"{suggested.reject_at:g}",
    )


def _labels(onboarding: Onboarding, side: Side) -> str:
    forecast = onboarding.forecast(side)
    if forecast is None:
        return "not asked for"
    if forecast.advertisers_needed is not None:
        return f"{forecast.advertisers_needed:,}"
    return "never" if onboarding.accepted or forecast.at_least is None else f"{forecast.at_least:,} or more"


def show_benchmark(policy: str, result: dict[str, Any], targets: dict[str, float]) -> None:
    """One policy: what was said of each market, how far off that was, and what they come to together."""
    stated = f"targets: leakage {targets['max_leakage']:g}, wrongful rejection {targets['max_wrongful_reject']:g}"
    said = columns(SAID, left=LEFT, title=f"{policy}, each market left out; {stated}")
    off = columns(WHERE, left=LEFT, title=f"{policy}, error: mean risk less rate; missed: violating ads approved")
    for market, row in result["markets"].items():
        said.add_row(market, *_said(row))
        off.add_row(market, *_off(row))
    out.print(said)
    out.print()
    out.print(off)
    total = result["summary"]
    error, missed = total["mean_absolute_error"], total["violating_approved"]
    out.print(
        f"\nMean absolute error over {total['markets']} markets: {', '.join(f'{error[way]:.3f} {way}' for way in SHOWN)}. The interval "
        f"held the rate in {total['rate_in_interval']} of them; {total['accepted']} were relied on.",
        highlight=False,
    )
    counts = ", ".join(f"{missed[way]['k']} of {missed[way]['n']} {way}" for way in DECIDING)
    out.print(f"Violating ads approved: {counts}.", highlight=False)
    for way in DECIDING:
        ratio = total["false_negative_ratio"][way]
        ends = " to ".join(f"{end:.1f}" for end in ratio["interval"] or []) or "no interval"
        out.print(f"The worst market's share of them over the best's, {way}: {ratio['ratio']:.1f} ({ends}).", highlight=False)


def _said(row: dict[str, Any]) -> list[str]:
    estimate, approve = row["estimate"], row["forecast"].get("approve") or {}
    needed, least = approve.get("advertisers_needed"), approve.get("at_least")
    return [
        f"{row['ads']:,}",
        f"{row['violating']:,}",
        f"{row['rate']:.3f}",
        number(None if estimate is None else estimate["rate"], ".3f"),
        "–" if estimate is None else interval(estimate["interval"][0], estimate["interval"][1], ".3f"),
        number(row["mixture_p_value"], ".3f"),
        "yes" if row["accepted"] else "no",
        f"{needed:,}" if needed else "never" if row["accepted"] or not least else f"{least:,} or more",
    ]


def _off(row: dict[str, Any]) -> list[str]:
    errors = [row["calibration_error"][way] for way in SHOWN]
    missed = [row["false_negatives"][way] for way in DECIDING]
    return [
        *(f"{error['mean']:+.2f} ({', '.join(f'{end:+.2f}' for end in error['interval'] or [])})" for error in errors),
        *(f"{count['k']}/{count['n']}" for count in missed),
    ]
