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

LEFT = ("reviews a day", "thresholds", "curves")


def capacity(seed: int, quick: bool, json: Path | None) -> None:
    with door():
        from adverdict.benchmarks.truth.capacity import CapacityBenchmark, run

        with Bars() as bars:
            figures = run(CapacityBenchmark(seed, quick), bars)
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
    """Tables for each set of targets: every capacity, within certificates and beyond them, beside fixed thresholds of the same load; and
    what the limits cost."""
    for found in figures["targets"]:
        targets, needed, before = found["targets"], found["reviews_needed"], found["without_limits"]
        title = (
            f"simulated; targets {targets['max_leakage']:g}/{targets['max_wrongful_reject']:g}: within the policies' limits at least "
            f"{needed['mean']:,.0f} of {figures['ads_a_day']:,.0f} ads a day are for people"
        )
        names = ("reviews a day", "thresholds", "reviews", "fixed's", "harm", "foreseen", "fixed's harm", "ratio", "95 %", "better")
        table = columns(names, left=LEFT, title=title, no_wrap=True)
        for case in found["cases"]:
            table.add_row(*_case(case))
        out.print(table)
        out.print(_rates(found["cases"]), highlight=False)
        out.print(
            f"without limits on single ads certified thresholds left {before['mean']:,.0f} to people: feasible within them in "
            f"{found['without_limits_feasible']} of {found['halvings']} halvings",
            highlight=False,
        )
        out.print(_costs(found))
        out.print(_worth(found["cases"], figures["reviews_a_reviewer"]), highlight=False)
    out.print(
        f"harm of a day, by the truth, in wrongly rejected ads; {figures['splits']} halvings of the advertisers of "
        f"{figures['populations']} populations, planned on one half and judged on the other",
        highlight=False,
    )


def _costs(found: Mapping[str, Any]) -> Table:
    """Reviews a day spared if one policy alone gave one thing up; last, what is left if all do."""
    levers = list(found["given_up"])
    table = columns(
        ("spared if it gave way", *levers), left=("spared if it gave way",), title="what limits cost in reviews a day", no_wrap=True
    )
    for policy, spared in found["costs"].items():
        table.add_row(policy, *(number(spared[lever]) for lever in levers))
    table.add_row("left, if all gave way", *(number(found["given_up"][lever]) for lever in levers))
    return table


def _worth(cases: Sequence[Mapping[str, Any]], a_reviewer: float) -> str:
    """What one reviewer more would prevent, as the plan's price says."""
    told = [
        f"{case['price'] * a_reviewer:,.0f} at {case['times']:g} x needed"
        for case in cases
        if case["kind"] == "certified" and case["price"] is not None
    ]
    return f"one reviewer more ({a_reviewer:g} reviews a day) would prevent harm of about {', '.join(told) or '–'}"


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
        f"{case['times']:g} x needed, {number(case['capacity'])}",
        case["kind"],
        *(number(case[name]) for name in ("reviews", "fixed_reviews", "harm", "foreseen", "fixed_harm")),
        number(ratio["mean"] if ratio else None, ".2f"),
        interval(ratio["low"], ratio["high"], ".2f") if ratio else "–",
        f"{case['better']} of {case['compared']}" if ratio else "infeasible" if not case["feasible"] else "–",
    )


def _rates(cases: Sequence[Mapping[str, Any]]) -> Table:
    table = columns(
        ("reviews a day", "thresholds", "leakage", "fixed's", "wrongly rejected", "fixed's"),
        left=LEFT,
        title="true rates over all policies",
        no_wrap=True,
    )
    for case in cases:
        if case["feasible"]:
            rates = (case[name] for name in ("leakage", "fixed_leakage", "wrongful", "fixed_wrongful"))
            table.add_row(f"{case['times']:g} x needed", case["kind"], *(number(rate, ".1%") for rate in rates))
    return table
