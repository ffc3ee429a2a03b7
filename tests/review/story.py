"""What happens on a platform, told entry by entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any, Literal

from adverdict.domain.ad import Ad, Label
from adverdict.domain.decision import Audit, Decision, PolicyVerdict
from adverdict.domain.risk import RiskScore
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import Answered, Appealed, Body, DecisionMade, Labelled, Resolved, Ruled
from adverdict.ledger.store import Ledger
from tests.ledger.made import RISK, Kind, a_label, about, an_ad, minutes

POLICIES = ("deceptive", "gambling")


@dataclass
class Story:
    """Every entry a minute after the one before, unless said otherwise."""

    ledger: Ledger
    clock: Any = field(default_factory=lambda: count(100))

    def decide(self, ad: Ad, verdict: Verdict, *, first: bool = True, at: datetime | None = None, **told: Any) -> DecisionMade:
        decision_id = f"dec-{ad.ad_id}-{self.ledger.end()[0]}"
        made = DecisionMade(ad=ad, decision=a_decision(ad, verdict, decision_id=decision_id, at=at or self._now(), **told), first=first)
        self._append(made.decision.decision_id, made, made.decision.decided_at)
        return made

    def label(self, made: DecisionMade, *labels: Label) -> str:
        return self._append(f"lab-{self.ledger.end()[0]}", Labelled(**about(made), labels=labels or (a_label(made.ad),), by="key"))

    def answer(
        self,
        made: DecisionMade,
        verdict: Literal["approve", "reject", "unsure", "escalate"],
        violated: Sequence[str] = (),
        *,
        kind: Kind = "review",
        source: str | None = None,
        reviewer: str = "rita",
        asked: Sequence[str] = POLICIES,
        seconds: float | None = 30.0,
    ) -> str:
        task_id, at = f"tsk-{self.ledger.end()[0]}", self._now()
        said = {"approve": tuple(asked), "reject": tuple(violated)}.get(verdict, ())
        labels = tuple(
            a_label(made.ad, policy=policy, violates=verdict == "reject", at=at, source=source or _SOURCES[kind], rater_id=reviewer)
            for policy in said
            if kind != "golden"
        )
        body = Answered(
            **about(made),
            task_id=task_id,
            case_id=made.decision.decision_id,
            task_kind=kind,
            reviewer=reviewer,
            token=1,
            verdict=verdict,
            asked=tuple(asked),
            violated=tuple(violated),
            seconds=seconds,
            labels=labels,
        )
        return self._append(f"ans-{task_id}", body, at)

    def resolve(
        self,
        made: DecisionMade,
        verdict: Literal[Verdict.APPROVE, Verdict.REJECT],
        by: Literal["review", "audit", "appeal"] = "review",
        violated: Sequence[str] = (),
    ) -> str:
        body = Resolved(**about(made), verdict=verdict, by=by, violated=tuple(violated), task_id="tsk-0")
        return self._append(f"res-{self.ledger.end()[0]}", body)

    def appeal(self, made: DecisionMade, at: datetime | None = None) -> str:
        return self._append(f"app-{self.ledger.end()[0]}", Appealed(**about(made), statement="We only advise.", by="key"), at)

    def rule(
        self,
        made: DecisionMade,
        appeal_id: str,
        outcome: Literal["upheld", "overturned"],
        retracted: Sequence[str] = (),
        policies: Sequence[str] = ("deceptive",),
        at: datetime | None = None,
    ) -> str:
        overturned = outcome == "overturned"
        body = Ruled(
            **about(made),
            appeal_id=appeal_id,
            outcome=outcome,
            task_id="tsk-0",
            reviewer="sven",
            retracted=tuple(retracted),
            policies=tuple(policies) if overturned else (),
        )
        ruled = self._append(f"rul-{appeal_id}", body, at)
        if overturned:
            self.resolve(made, Verdict.APPROVE, "appeal")
        return ruled

    def _now(self) -> datetime:
        return minutes(next(self.clock))

    def _append(self, entry_id: str, body: Body, at: datetime | None = None) -> str:
        with self.ledger.write() as writing:
            writing.append(entry_id, body, at or self._now())
        return entry_id


_SOURCES = {"review": "review", "double": "review", "senior": "review", "audit": "audit", "appeal": "appeal", "golden": "golden"}


def a_decision(
    ad: Ad,
    verdict: Verdict,
    *,
    decision_id: str = "dec-1",
    at: datetime | None = None,
    audit: tuple[float, bool] = (0.1, False),
    policies: Sequence[str] = POLICIES,
    stopped_by: Sequence[str] = ("deceptive",),
    known: bool = True,
    design: str | None = None,
) -> Decision:
    """``stopped_by``: the policies under which the ad was not approved; ``known`` False: no model could score it."""
    return Decision(
        decision_id=decision_id,
        ad_id=ad.ad_id,
        advertiser_id=ad.advertiser_id,
        market=ad.market,
        surface=ad.surface,
        decided_at=at or ad.submitted_at,
        verdict=verdict,
        policies=tuple(_ruling(name, verdict if name in stopped_by else Verdict.APPROVE, known) for name in policies),
        uncertified=True,
        audit=None if verdict is Verdict.REVIEW else Audit(probability=audit[0], chosen=audit[1], design=design),
        bundle_version="v1",
        policy_hash="0" * 64,
        threshold_set=None,
    )


def _ruling(policy: str, verdict: Verdict, known: bool) -> PolicyVerdict:
    p = RISK[verdict]
    return PolicyVerdict(
        policy=policy,
        verdict=verdict,
        risk=RiskScore(policy=policy, p=p, p_low=p, p_high=p) if known else None,
        approve_below=0.1,
        reject_at=0.9,
        because=f"risk {p} is at least 0.9: rejected automatically (uncertified threshold)",
        advertiser_reason=f"The ad is {policy}." if verdict is Verdict.REJECT else None,
    )


__all__ = ["POLICIES", "Story", "a_decision", "an_ad", "minutes"]
