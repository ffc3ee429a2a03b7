"""``adverdict benchmark capacity`` and ``adverdict benchmark solve``: what they print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adverdict.cli.console import Bars, out, write_json
from adverdict.cli.door import door
from adverdict.cli.tables import columns
from adverdict.domain.formats import interval, number

if TYPE_CHECKING:
    from rich.table import Table

    from adverdict.training.fit.everything import FitSettings

LEFT = ("reviewers", "thresholds", "curves")


def capacity(settings: FitSettings, quick: bool, json: Path | None) -> None:
    with door():
        from adverdict.benchmarks.truth.capacity import CapacityBenchmark, run

        with Bars() as bars:
            figures = run(CapacityBenchmark(settings, quick), bars)
        show_capacity(figures)
        if json:
            write_json(json, figures)


def solve(seed: int, quick: bool, json: Path | None) -> None:
    with door():
        from adverdict.benchmarks.truth.scale import ScaleBenchmark, run

        with Bars() as bars:
            figures = run(ScaleBenchmark(quick, seed), bars)
        show_solve(figures)
        if json:
            write_json(json, figures)


def show_capacity(figures: Mapping[str, Any]) -> None:
    """One table a set of targets: every capacity, within certificates and beyond them, beside fixed thresholds of the same load."""
    for found in figures["targets"]:
        targets, needed = found["targets"], found["reviews_needed"]
        title = (
            f"simulated; targets {targets['max_leakage']:g}/{targets['max_wrongful_reject']:g}: the boldest certified thresholds leave "
            f"{needed['mean']:,.0f} of {figures['ads_a_day']:,.0f} ads a day to people"
        )
        names = (
            "reviewers",
            "thresholds",
            "have",
            "missing",
            "reviews",
            "fixed's",
            "harm",
            "foreseen",
            "fixed's harm",
            "ratio",
            "95 %",
            "better",
        )
        table = columns(names, left=LEFT, title=title, no_wrap=True)
        for case in found["cases"]:
            table.add_row(*_case(case))
        out.print(table)
        out.print(_rates(found["cases"]), highlight=False)
    out.print(
        f"harm of a day, by the truth, in wrongly rejected ads; {figures['splits']} halvings of the advertisers of "
        f"{figures['populations']} populations, planned on one half and judged on the other; "
        f"{figures['reviews_a_reviewer']:g} reviews a reviewer and day",
        highlight=False,
    )


def show_solve(figures: Mapping[str, Any]) -> None:
    """Every size, how they grow, and a plain loop beside."""
    title = f"synthetic; {figures['policies']} policies in {figures['markets']} markets, every ad labelled under all of them"
    names = ("ads", "curves", "strata", "deciding", "seconds", "CPU", "tests", "certificates", "peak MiB", "data MiB")
    table = columns(names, left=LEFT, title=title, no_wrap=True)
    for one in (*figures["sizes"], figures["with_curves"]):
        table.add_row(
            f"{one['ads']:,}",
            "yes" if one["curves"] else "no",
            f"{one['strata']:,}",
            f"{one['deciding']:,}",
            f"{one['seconds']:,.1f}",
            f"{one['cpu_seconds']:,.1f}",
            f"{one['seconds_answers']:,.1f}",
            f"{one['seconds_certificates']:,.1f}",
            f"{one['peak_mib']:,.0f}",
            f"{one['data_mib']:,.0f}",
        )
    out.print(table)
    out.print(
        f"CPU seconds grow with ads to the power of {figures['exponent']:.2f}; over the last step {figures['last_exponent']:.2f}",
        highlight=False,
    )
    plain = figures["plain_loop"]
    out.print(
        f"{plain['ads']:,} ads: a plain loop of binomial tests over the same thresholds of {plain['strata']:,} strata takes "
        f"{plain['cpu_seconds']:,.1f} CPU s, the tests here {plain['cpu_seconds_answers']:,.1f} s ({plain['ratio']:.1f} times as long)",
        highlight=False,
    )


def _case(case: Mapping[str, Any]) -> tuple[str, ...]:
    ratio = case["ratio"]
    return (
        f"{case['times']:g} x needed",
        case["kind"],
        f"{case['reviewers']:.1f}",
        f"[red]{case['reviewers_missing']:.1f}[/]" if case["reviewers_missing"] else "–",
        *(number(case[name]) for name in ("reviews", "fixed_reviews", "harm", "foreseen", "fixed_harm")),
        number(ratio["mean"] if ratio else None, ".2f"),
        interval(ratio["low"], ratio["high"], ".2f") if ratio else "–",
        f"{case['better']} of {case['compared']}" if ratio else "infeasible" if not case["feasible"] else "–",
    )


def _rates(cases: Sequence[Mapping[str, Any]]) -> Table:
    table = columns(
        ("reviewers", "thresholds", "leakage", "fixed's", "wrongly rejected", "fixed's"),
        left=LEFT,
        title="true rates over all policies",
        no_wrap=True,
    )
    for case in cases:
        if case["feasible"]:
            rates = (case[name] for name in ("leakage", "fixed_leakage", "wrongful", "fixed_wrongful"))
            table.add_row(f"{case['times']:g} x needed", case["kind"], *(number(rate, ".1%") for rate in rates))
    return table
