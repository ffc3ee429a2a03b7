"""``adverdict policy solve``: thresholds with a guarantee, printed for people and written for the service."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adverdict.cli.console import Bars, err, out, write_json
from adverdict.cli.door import door
from adverdict.cli.options import Data, Json, Model, PolicyFiles
from adverdict.cli.reading import reads
from adverdict.cli.tables import columns

if TYPE_CHECKING:
    from adverdict.certification.certificate import Certificate
    from adverdict.certification.exits.solve import ExitCertificate
    from adverdict.certification.thresholds.capacity import Priced
    from adverdict.domain.settings import Settings
    from adverdict.rollout.certify import Solved

SHOWN = 20
"""Findings printed; the page has all of them."""
BRIEF = 3
BUSIEST = 6
STYLES = {"certified": "green", "partly": "yellow", "infeasible": "red"}


@reads("data")
def solve_command(
    data: Data,
    model: Model = None,
    policy_files: PolicyFiles = None,
    capacity: Annotated[
        str | None,
        typer.Option("--capacity", help="Reviews a day, such as 400/day, or roster: what the operations folder's roster has time for."),
    ] = None,
    volume: Annotated[Path | None, typer.Option("--volume", help="CSV with market and ads_per_day; needed with --capacity.")] = None,
    label_noise: Annotated[
        bool, typer.Option("--label-noise/--no-label-noise", help="Lower the bounds by what the raters' disagreement leaves open.")
    ] = True,
    all_at_once: Annotated[
        bool, typer.Option("--all-at-once", help="One confidence for all policies of a market together, not for each by itself.")
    ] = False,
    valid_days: Annotated[int, typer.Option("--valid-days", min=1, max=3650, help="Days until the certificates expire.")] = 90,
    max_flipped: Annotated[
        float, typer.Option("--max-flipped", min=1e-6, max=0.5, help="Share of ads whose verdict leaving the models early may change.")
    ] = 0.001,
    folder: Annotated[Path | None, typer.Option("--out", help="Keep certificates.json and its page in this folder.")] = None,
    json: Json = None,
) -> None:
    """Solve and certify the thresholds of every policy in every market, on labelled ads the model has not seen."""
    with door(model=model, policies=policy_files) as settings:
        from adverdict.rollout.certify import SolveJob, figures
        from adverdict.rollout.certify import solve as run
        from adverdict.rollout.volume import read_capacity, read_volume

        _both_or_neither(capacity, volume)
        reviews = None if capacity is None else _of_the_roster(settings) if capacity == "roster" else read_capacity(capacity)
        job = SolveJob(
            data=data,
            settings=settings,
            measure_noise=label_noise,
            all_at_once=all_at_once,
            valid_for=timedelta(days=valid_days),
            max_flipped=max_flipped,
            capacity=reviews,
            volume=read_volume(volume) if volume else {},
            out=folder,
        )
        with Bars() as bars:
            solved = run(job, bars)
        show(solved, reviewers_for=reviews)
        if json:
            write_json(json, figures(solved))


def _of_the_roster(settings: Settings) -> float:
    """Reviews a day, and a line that says what they come from."""
    from adverdict.domain.errors import InvalidSettings, NotFound
    from adverdict.scoring.bootstrap import bootstrap
    from adverdict.workforce.capacity import roster_capacity
    from adverdict.workforce.operations.read import needed, read_operations

    installation, operations = bootstrap(settings), read_operations(needed(settings.operations))
    try:
        ledger = installation.ledger()
    except (InvalidSettings, NotFound):
        ledger = None
    try:
        found = roster_capacity(operations, ledger, installation.review.lease_seconds, installation.review.handling_seconds)
    finally:
        if ledger:
            ledger.close()
    out.print(f"roster        {found}", highlight=False, markup=False)
    return found.reviews


def _both_or_neither(capacity: str | None, volume: Path | None) -> None:
    from adverdict.domain.errors import InvalidSettings, Mistake

    if (capacity is None) != (volume is None):
        missing = "--volume" if volume is None else "--capacity"
        raise InvalidSettings("a capacity needs volumes, and volumes a capacity", [Mistake(missing, "(none)", "both or neither")])


def show(solved: Solved, *, brief: bool = False, reviewers_for: float | None = None) -> None:
    """A table of all certificates, then what is missing, then where everything lies. ``brief``: only what was certified, and of what is
    missing a few lines. ``reviewers_for``: the reviews a day that were asked for; None: nobody said."""
    sample, certificates = solved.sample, solved.solution.certificates
    if sample.seen:
        err.print(
            f"{sample.seen:,} of {sample.labelled:,} labelled ads left out: labels of their advertisers or creatives went into the model",
            style="yellow",
        )
    certified = [certificate for certificate in certificates if certificate.status != "infeasible"]
    if certified or not brief:
        out.print(_table(certified if brief else certificates))
    if brief and len(certified) < len(certificates):
        few = f"{len(certificates) - len(certified)} of {len(certificates)}"
        out.print(f"{few} certificates say infeasible: too few labels for the targets, as in")
    telling = sorted(certificates, key=lambda certificate: -certificate.ads) if brief else certificates
    missing = [
        f"  [dim]{certificate.policy} in {_markets(certificate)}:[/] {finding}"
        for certificate in telling
        for finding in certificate.findings
    ]
    shown = BRIEF if brief else SHOWN
    for line in missing[:shown]:
        out.print(line, highlight=False)
    if len(missing) > shown:
        out.print(f"  … and {len(missing) - shown} more on the page", style="dim")
    _show_price(solved.solution.priced, reviewers_for)
    auto = 1.0 - solved.solution.people
    out.print(
        f"of {len(sample.ads):,} ads {auto:.0%} are decided without a person, those approved provisionally among them", highlight=False
    )
    _show_audits(certificates)
    if solved.exits:
        _show_exits(solved.exits)
    until = f", until {certificates[0].expires_at:%Y-%m-%d}" if certificates else ": every threshold is in the policy files"
    out.print(f"certificates  {solved.file} ({len(certificates)}{until})")
    out.print(f"page          {solved.page}")
    if solved.attached:
        out.print(f"attached to   {solved.attached}; a service that follows it decides by them within seconds")
    else:
        out.print(f"to use them   --certificates {solved.file}, or ADVERDICT_CERTIFICATES")


def _show_price(priced: Priced, reviewers_for: float | None) -> None:
    """What a review is worth, and what follows from it."""
    from adverdict.certification.thresholds.least_harm import ANY_PRICE

    busiest = sorted(priced.reviews_by_market.items(), key=lambda item: -item[1])[:BUSIEST]
    seen = ", ".join(f"{market} {reviews:,.0f}" for market, reviews in busiest if reviews)
    worth = f"counts as {priced.price:.3g} wrongly rejected ads" if priced.price < ANY_PRICE else "is worth more than any mistake"
    there = "nobody said how many they can" if reviewers_for is None else f"there are reviewers for {reviewers_for:,.0f}"
    out.print(f"a review      {worth}: at that people would see {priced.reviews:,.0f} ads ({seen}); {there}")
    out.print(f"harm          {priced.harm:,.1f} expected by the calibrated risks, in wrongly rejected ads")
    if reviewers_for is None or not priced.feasible:
        out.print(
            f"              the policies' limits alone leave {priced.reviews_needed:,.0f} to people",
            style=None if priced.feasible else "yellow",
        )


def _show_audits(certificates: Sequence[Certificate]) -> None:
    """How much of what is approved is audited, so that the certificates can be renewed, or revoked in time."""
    from adverdict.domain.formats import percent

    shares = sorted(certificate.audit_share for certificate in certificates if certificate.audit_share is not None)
    if shares:
        between = percent(shares[0]) if shares[0] == shares[-1] else f"{percent(shares[0])} to {percent(shares[-1])}"
        out.print(f"audits        {between} of what a certificate approves, so that audits renew it in time, or revoke it")


def _show_exits(exits: ExitCertificate) -> None:
    """Who leaves the models early: as a share of ads, and what that may change."""
    before = f"{exits.left / max(exits.ads, 1):.0%} of {exits.ads:,} ads leave before the encoder"
    if exits.feasible:
        kept = f"{exits.flipped} of them with another verdict; at most {exits.upper:.2%} of all, {exits.confidence:.0%} confidence"
        out.print(f"early exit    {before}, {kept} ({exits.certificate_id})")
        return
    why = "verdicts differ even where there is least doubt"
    if exits.draws < exits.draws_needed:
        why = f"needs the worth of {exits.draws_needed:,} independent ads, these are worth {exits.draws:,.0f}"
    out.print(f"early exit    [yellow]infeasible[/] at {exits.max_flipped:.2%} flipped: {why}; {before}, on whom nothing hangs")


def _table(certificates: Sequence[Certificate]) -> object:
    names = ("policy", "markets", "", "approve below", "reject at", "labels", "leakage", "wrongful rejection")
    table = columns(names, left=("policy", "markets", ""), title="Thresholds and what is promised of them")
    for certificate in certificates:
        status = f"[{STYLES[certificate.status]}]{certificate.status}[/]"
        below = f"{certificate.approve_below:g}" if certificate.approve_below > 0 else "nobody"
        at = f"{certificate.reject_at:g}" if certificate.reject_at < 1 else "nobody"
        bounds = (_bound(certificate, "approve"), _bound(certificate, "reject"))
        table.add_row(certificate.policy, _markets(certificate), status, below, at, f"{certificate.ads:,}", *bounds)
    return table


def _markets(certificate: Certificate) -> str:
    return ", ".join(market.market for market in certificate.markets if not market.lends)


def _bound(certificate: Certificate, side: str) -> str:
    """Upper bound, target, and the counts behind it."""
    of_side = next((bound for bound in certificate.bounds if bound.side == side), None)
    if of_side is None:
        return "not asked for"
    if of_side.used is None or of_side.upper is None:
        return f"not shown (target {of_side.target:g})"
    return f"≤ {of_side.upper:.3f} of {of_side.target:g} ({of_side.used.errors}/{of_side.used.ads})"
