"""An ad that stands rejected: how it came to be, and which policies it violates, from the entries about its decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from adverdict.decisions.policy import PolicyBook, Severity
from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import DecisionMade, Entry, Resolved, Ruled, Withdrawn
from adverdict.ledger.said import not_unwound

Automated = Literal["AUTOMATED_DECISION_FULLY", "AUTOMATED_DECISION_PARTIALLY", "AUTOMATED_DECISION_NOT_AUTOMATED"]


@dataclass(frozen=True)
class Rejection:
    """What became of a decision, as far as the record goes."""

    ad: Ad
    decision: Decision
    resolved: Resolved | None
    """What settled it, if not the decision itself."""
    rejected_at: datetime
    upheld_at: datetime | None

    @property
    def carried(self) -> bool:
        """Whether people read a copy of the ad, and nobody this one."""
        return self.resolved is not None and self.resolved.carried is not None and self.upheld_at is None


class Violated(NamedTuple):
    """A policy, as far as it is known."""

    name: str
    title: str
    severity: Severity | None
    sentence: str
    """What the advertiser reads."""
    because: str | None
    """The rule that rejected the ad automatically; None where people found it."""


def rejection_of(entries: Sequence[Entry]) -> Rejection | None:
    """None where the ad is not rejected (any more), or what was decided has been erased or withdrawn."""
    bodies = [(entry.at, entry.body) for entry in entries]
    recorded_at, made = next(((at, body) for at, body in bodies if isinstance(body, DecisionMade)), (None, None))
    if made is None or recorded_at is None:
        return None
    verdict: Verdict | None = None if any(isinstance(body, Withdrawn) for _, body in bodies) else made.decision.verdict
    rejected_at = made.decision.decided_at if made.step is None else recorded_at  # decided with others, and applied only then
    resolved: Resolved | None = None
    upheld_at: datetime | None = None
    for at, body in ((entry.at, entry.body) for entry in not_unwound(entries)):
        if isinstance(body, Resolved):
            rejected_at = rejected_at if verdict == body.verdict else at
            verdict, resolved = Verdict(body.verdict), body
        elif isinstance(body, Ruled) and body.outcome == "overturned":
            verdict = Verdict.APPROVE
        elif isinstance(body, Ruled):
            verdict, upheld_at = Verdict.REJECT, at
    return Rejection(made.ad, made.decision, resolved, rejected_at, upheld_at) if verdict is Verdict.REJECT else None


def violated_by(record: Rejection, book: PolicyBook) -> list[Violated]:
    """The most severe first. Words for the advertiser are those on record, or the policy's where people decided."""
    there = {policy.name: policy for _, _, policy in book.every()}
    there |= {policy.name: policy for policy in book.in_force(record.ad.market, record.ad.surface)}
    said = {one.policy: one for one in record.decision.policies if one.verdict is Verdict.REJECT}
    found = []
    for name in dict.fromkeys(said if record.resolved is None else record.resolved.violated):
        policy, automatic = there.get(name), said.get(name)
        sentence = (automatic.advertiser_reason if automatic else None) or (
            policy.reason if policy else f"The ad breaks the policy {name}."
        )
        because = automatic.because if automatic else None
        found.append(Violated(name, policy.title if policy else name, policy.severity if policy else None, sentence, because))
    order = list(Severity)
    return sorted(found, key=lambda one: order.index(one.severity) if one.severity else len(order))


def detected(decision: Decision) -> bool:
    """Whether a model's risk kept the ad from being approved. None did where an audit found the violation: audits are drawn at random."""
    return any(one.risk is not None and one.verdict is not Verdict.APPROVE for one in decision.policies)


def automated(decision: Decision, by_people: bool, *, carried: bool = False) -> Automated:
    """How far a rejection is automated; ``by_people``: somebody rejected the ad, or upheld its rejection; ``carried``: they rejected a copy
    of it, and it was rejected with that."""
    if carried:
        return "AUTOMATED_DECISION_PARTIALLY"
    if not by_people:
        return "AUTOMATED_DECISION_FULLY"
    return "AUTOMATED_DECISION_PARTIALLY" if detected(decision) else "AUTOMATED_DECISION_NOT_AUTOMATED"
