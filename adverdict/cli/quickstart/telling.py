"""Decisions told to somebody who sees the first ones of their life."""

from __future__ import annotations

from rich.markup import escape

from adverdict.cli.console import out, printable
from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision, PolicyVerdict, Reason
from adverdict.domain.degraded import Cause, degradations
from adverdict.domain.verdict import Verdict

OUTCOME = {
    Verdict.APPROVE: "[bold green]APPROVED[/] without a person",
    Verdict.REVIEW: "[bold yellow]LEFT TO A PERSON[/]",
    Verdict.REJECT: "[bold red]REJECTED[/] without a person",
}
SHOWN_REASONS = 3
LONGEST = 160
STRANGE = "the model has hardly seen texts like this"


def heading(text: str) -> None:
    out.print(f"\n[bold]--> {text}[/]", highlight=False)


def text_of(ad: Ad) -> str:
    """What the ad says, on one line."""
    return printable(" / ".join(part for part in (ad.title, ad.body) if part)[:LONGEST])


def unfamiliar(decision: Decision) -> bool:
    return any(one.cause is Cause.UNFAMILIAR for one in degradations(decision.degraded))


def tell(ad: Ad, decision: Decision, url: str) -> None:
    """One decision in sentences: what became of the ad, which policies settled it, and what raised their risks."""
    out.print(f"\n[italic]{escape(text_of(ad))}[/]", highlight=False)
    out.print(f"  {OUTCOME[decision.verdict]}  ({decision.ad_id}, in {decision.market})", highlight=False)
    settled = [one for one in decision.policies if one.verdict is decision.verdict]
    if decision.verdict is Verdict.APPROVE:
        out.print(f"  under each of the {len(settled)} policies in force its risk is below the threshold", highlight=False)
        settled = []
    for one in sorted(settled, key=_risk, reverse=True):
        out.print(f"  [bold]{one.policy}[/]: {escape(printable(one.because))}", highlight=False)
        raising = sorted(
            (reason for reason in decision.reasons if reason.policy == one.policy and reason.effect > 0), key=_effect, reverse=True
        )
        for reason in raising[:SHOWN_REASONS]:
            out.print(f"    [dim]raises it:[/] {escape(printable(reason.text))}", highlight=False)
    out.print(f"  [dim]all of it: {url}/console/decisions/{decision.decision_id}[/]", highlight=False, soft_wrap=True)


def tell_typed(ads: list[Ad], decisions: list[Decision]) -> None:
    """Ads as anybody might type them, a line each, and what a model of a made-up marketplace can say of them."""
    for ad, decision in zip(ads, decisions, strict=True):
        why = STRANGE if unfamiliar(decision) else f"under {', '.join(_settled(decision))}"
        out.print(f"  {OUTCOME[decision.verdict]}: [italic]{escape(text_of(ad))}[/] ({why})", highlight=False)
    out.print(
        "The model has learnt the made-up marketplace above, and nothing of the world: whatever reads unlike it goes to people, and of "
        "the rest its risks say little. Trained on your own ads it knows those: docs/tutorials/retrain.md",
        highlight=False,
    )


def _settled(decision: Decision) -> list[str]:
    return [one.policy for one in decision.policies if one.verdict is decision.verdict]


def _effect(reason: Reason) -> float:
    return reason.effect


def _risk(ruling: PolicyVerdict) -> float:
    return ruling.risk.p if ruling.risk else 1.0
