"""``adverdict benchmark audits``: what it takes and what it prints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from adverdict.cli.door import door


def audits(
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer runs: 60 a base rate instead of 500, 500 certificates instead of 2,000.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of everything drawn.")] = 0,
    json: Annotated[Path | None, typer.Option("--json", help="Write the figures here, for machines.")] = None,
) -> None:
    """How often the audit stream's 95 % intervals cover the truth, with simulated reviewers who err, and what it does to certificates: how
    often one that holds is revoked, how soon one that does not, and what their whole lives come to."""
    from adverdict.cli.console import Bars, write_json

    with door():
        from adverdict.benchmarks.truth import audits as stream
        from adverdict.benchmarks.truth import lives, revocation

        with Bars() as bars:
            figures = stream.audit_stream(stream.QUICK_RUNS if quick else stream.RUNS, seed, bars)
            certificates = revocation.QUICK_RUNS if quick else revocation.RUNS
            figures |= revocation.revocation(certificates, seed, bars)
            figures["lives"] = lives.lives(revocation.QUICK_RUNS, seed, bars)
        show(figures)
        show_certificates(figures)
        if json:
            write_json(json, figures)


def show(figures: Mapping[str, Any]) -> None:
    from adverdict.cli.console import out
    from adverdict.cli.tables import columns

    names = ("base rate", "share", "audits", "readings", "runs", "covered", "of them", "95 %", "mean width", "mean bias")
    table = columns(names, left=("share",), title="audit stream: simulated runs whose 95 % interval holds the truth")
    for rate in figures["base_rates"]:
        for name in ("leakage", "wrongful_rejection", "prevalence"):
            estimate = rate[name]
            low, high = estimate["interval"]
            table.add_row(
                f"{rate['base_rate']:g}",
                name.replace("_", " "),
                f"{rate['mean_audits']:,.0f}",
                f"{rate['mean_readings']:,.0f}",
                str(estimate["runs"]),
                str(estimate["covered"]),
                f"{estimate['share']:.1%}",
                f"{low * 100:.1f}–{high * 100:.1f}",
                f"{estimate['mean_width']:.2g}",
                f"{estimate['mean_bias']:+.1g}",
            )
    out.print(table)


def show_certificates(figures: Mapping[str, Any]) -> None:
    """What audits do to certificates: at the limit, after a drift, over a year."""
    from adverdict.cli.console import out
    from adverdict.cli.tables import columns
    from adverdict.domain.formats import interval, number, with_interval

    names = ("limit", "ads a day", "audits", "", "windows", "revoked", "renewed", "doubted")
    table = columns(names, left=("",), title="certificates of windows exactly at their limit (95 % intervals)")
    for row in figures["at_the_limit"]:
        shares = [with_interval(row[state]["share"], *row[state]["interval"]) for state in ("revoked", "renewed", "doubted")]
        burst = "a week's on one day" if row["bursts"] else ""
        table.add_row(
            f"{row['limit']:g}", f"{row['ads_a_day']:,}", f"{row['audits_a_day']:,.0f}", burst, f"{row['revoked']['runs']:,}", *shares
        )
    out.print(table)

    names = ("limit", "audits a day", "drift", "revoked within 70 days", "days, median", "days, 90 %", "95 %", "before the drift")
    table = columns(names, title="days until a certificate is revoked, from half the limit to so many times the limit")
    for row in figures["drifts"]:
        low, high = (number(end) for end in row["p90_interval"])
        table.add_row(
            f"{row['limit']:g}",
            f"{row['audits_a_day']:,}",
            f"{row['times']:g}x",
            with_interval(row["revoked"]["share"], *row["revoked"]["interval"]),
            *(number(row[name]) for name in ("median", "p90")),
            f"{low}–{high}",
            f"{row['revoked_before']['share']:.1%}",
        )
    out.print(table)
    _show_lives(figures["lives"])
    low, high = figures["false_revocation_interval"]
    out.print(f"revoked although it held: at most {figures['false_revocation']:.1%} ({interval(low, high, '.1%')})", highlight=False)


def _show_lives(lives: Mapping[str, Any]) -> None:
    from adverdict.cli.console import out
    from adverdict.domain.formats import number, with_interval

    rates = f"{lives['rate']:g} violating, from day 150 on four times the limit"
    out.print(f"a year of certificates of {lives['limit']:g} with {lives['audits_a_day']} audits a day; {rates}", highlight=False)
    said = {
        "by_sample": f"issued by the planned sample of {lives['planned_sample']:,}",
        "issued": "issued by it or by audits",
        "renewed": "renewed before the drift",
        "revoked_before": "revoked before the drift",
        "again": "revoked after it, solved and certified again",
    }
    for name, words in said.items():
        out.print(f"  {words}: {with_interval(lives[name]['share'], *lives[name]['interval'])}", highlight=False)
    days = lives["days_to_revoke"]
    out.print(f"  days to revoke: median {number(days['median'])}, 90 % within {number(days['p90'])}", highlight=False)
