"""``adverdict benchmark audits``: what it takes and what it prints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from adverdict.cli.door import door


def audits(
    quick: Annotated[bool, typer.Option("--quick", help="60 runs a base rate instead of 500.")] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of everything drawn.")] = 0,
    json: Annotated[Path | None, typer.Option("--json", help="Write the figures here, for machines.")] = None,
) -> None:
    """How often the audit stream's 95 % intervals cover the truth, with simulated reviewers who err."""
    from adverdict.cli.console import Bars, write_json

    with door():
        from adverdict.benchmarks.truth.audits import QUICK_RUNS, RUNS, audit_stream

        with Bars() as bars:
            figures = audit_stream(QUICK_RUNS if quick else RUNS, seed, bars)
        show(figures)
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
