"""``adjudicate market onboard``: what is known of a new market, and which of its ads to label first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cli.console import Bars, err, errors_end_the_command, out, write_json
from cli.models import home

if TYPE_CHECKING:
    from certification.onboarding import Onboarding
    from training.onboard import Opened

COLUMNS = ("policy", "ads", "mean risk", "rate", "95 %", "relied on", "labels to approve", "labels to reject", "approve below", "reject at")


def onboard(
    market: str, data: Sequence[Path], model: str, policy_files: Path | None, table: Path | None, seed: int, json: Path | None
) -> None:
    with errors_end_the_command():
        from training.onboard import OnboardJob, figures, open_market, write_list

        with Bars() as bars:
            opened = open_market(OnboardJob(market, model, data, home(), policy_files, seed), bars)
        show(opened)
        if table:
            rows = write_list(table, opened)
            out.print(f"{rows:,} rows written to {table}: whom to label first, in order", markup=False, highlight=False)
        if json:
            write_json(json, figures(opened))


def show(opened: Opened) -> None:
    """Warnings, a table of all policies, then sentences for each."""
    from certification.onboarding_words import listed, sentences

    for warning in _warnings(opened):
        err.print(f"warning: {warning}", style="yellow", markup=False, highlight=False)
    out.print(_table(opened))
    for one in opened.found:
        out.print(f"\n[bold]{one.title}[/]", highlight=False)
        for sentence in sentences(one):
            out.print(f"  {sentence}", markup=False, highlight=False)
        out.print(f"  To label: {listed(one)}.", markup=False, highlight=False)
    out.print()


def _warnings(opened: Opened) -> list[str]:
    found = []
    if not opened.has_file:
        found.append(f"{opened.market} has no policy file, so no ad there is ever decided; the figures use the values of default.yaml")
    if opened.seen:
        found.append(f"{opened.seen:,} labelled ads elsewhere left out: labels of their advertisers or creatives went into the model")
    if opened.unseen_languages:
        n = sum(opened.unseen_languages.values())
        tags = ", ".join(f"{tag} {count:,}" for tag, count in opened.unseen_languages.items())
        found.append(f"{n:,} of {opened.readable:,} ads with text are in languages hardly any training ad was in ({tags})")
    if not opened.found:
        found.append(f"no policy in {opened.market} leaves its thresholds to be solved and is scored by this model")
    return found


def _table(opened: Opened) -> object:
    from rich.table import Table

    title = f"{opened.market}: {opened.here:,} ads; {opened.elsewhere:,} labelled ads elsewhere"
    table = Table(box=None, header_style="bold", title=title, title_justify="left")
    for column in COLUMNS:
        table.add_column(column, justify="left" if column in ("policy", "relied on") else "right")
    for one in opened.found:
        table.add_row(*_row(one))
    return table


def _row(one: Onboarding) -> tuple[str, ...]:
    from certification.sequence import Side

    rate = one.chosen
    suggested = one.suggested
    return (
        one.title,
        f"{one.ads:,}",
        "–" if one.mean_risk is None else f"{one.mean_risk:.3f}",
        "–" if rate is None else f"{rate.rate:.3f}",
        "–" if rate is None else f"{rate.low:.3f}–{rate.high:.3f}",
        "[green]yes[/]" if one.accepted else "[red]no[/]",
        _labels(one, Side.APPROVE),
        _labels(one, Side.REJECT),
        "nobody" if suggested is None or suggested.approve_below == 0 else f"{suggested.approve_below:g}",
        "nobody" if suggested is None or suggested.reject_at == 1 else f"{suggested.reject_at:g}",
    )


def _labels(one: Onboarding, side: object) -> str:
    found = next((forecast for forecast in one.forecasts if forecast.side is side), None)
    if found is None:
        return "not asked for"
    if found.advertisers_needed is not None:
        return f"{found.advertisers_needed:,}"
    return "never" if one.accepted or found.at_least is None else f"{found.at_least:,} or more"
