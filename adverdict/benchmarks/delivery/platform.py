"""A ledger in which what stands about ads changes in every way there is: reviews, appeals, rescoring steps, withdrawals, erasures."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import DecisionMade, KnownHistory, Rescored, Resolved, Ruled, Withdrawn
from adverdict.ledger.erase import erase
from adverdict.ledger.store import Ledger, withdrawal_id

Settled = Literal[Verdict.APPROVE, Verdict.REJECT]
START = datetime(2027, 1, 4, tzinfo=UTC)
ADVERTISERS = 40


class Platform:
    """Each ``change`` appends one or several entries. Deterministic by its seed."""

    def __init__(self, ledger: Ledger, seed: int) -> None:
        self.ledger, self._draw, self._number = ledger, random.Random(seed), 0
        self._ads: dict[str, tuple[Ad, str]] = {}
        self._steps: list[str] = []

    def change(self, at: datetime = START) -> None:
        """A new ad that a person decides, or something that changes one or several that are there."""
        self._number += 1
        chance = self._draw.random()
        if chance < 0.5 or len(self._ads) < 5:
            self._decided(at)
        elif chance < 0.75:
            self._appealed(at)
        elif chance < 0.88:
            self._rescored(at)
        elif chance < 0.95 and self._steps:
            self._withdrawn(at)
        else:
            self._erased(at)

    def _decided(self, at: datetime) -> None:
        name = f"ad-{self._number}"
        ad = Ad(ad_id=name, advertiser_id=f"adv-{self._draw.randrange(ADVERTISERS)}", market="SE", submitted_at=at, title="An offer")
        with self.ledger.write() as writing:
            writing.append(f"dec-{self._number}", _made(ad, f"dec-{self._number}", Verdict.REVIEW, at), at)
            writing.append(f"res-{self._number}", self._resolved(ad, f"dec-{self._number}"), at)
        self._ads[name] = ad, f"dec-{self._number}"

    def _appealed(self, at: datetime) -> None:
        ad, decision = self._any()
        with self.ledger.write() as writing:
            told = Ruled(
                **_about(ad, decision),
                appeal_id=f"app-{self._number}",
                outcome=self._draw.choice(("upheld", "overturned")),
                task_id=f"tsk-a{self._number}",
                reviewer="sven",
            )
            writing.append(f"rul-{self._number}", told, at)

    def _rescored(self, at: datetime) -> None:
        step = f"stp-{self._number}"
        history = KnownHistory(kind="ledger", digest="0" * 64, seq=1)
        body = Rescored(
            run_id=step, bundle_version="v2", policy_hash="0" * 64, thresholds="0" * 64, as_of=at, history=history, by="benchmark"
        )
        some = self._draw.sample(sorted(self._ads), min(5, len(self._ads)))
        with self.ledger.write() as writing:
            writing.append(step, body, at)
            for number, name in enumerate(some):
                ad, _ = self._ads[name]
                decision = f"dec-{self._number}-{number}"
                verdict = self._draw.choice((Verdict.APPROVE, Verdict.REJECT))
                writing.append(decision, _made(ad, decision, verdict, at, step), at)
                self._ads[name] = ad, decision
        self._steps.append(step)

    def _withdrawn(self, at: datetime) -> None:
        step = self._steps.pop(self._draw.randrange(len(self._steps)))
        with self.ledger.write() as writing:
            writing.append(withdrawal_id(step), Withdrawn(step=step, why="a benchmark", by="benchmark"), at)

    def _erased(self, at: datetime) -> None:
        ad, _ = self._any()
        erase(self.ledger, advertiser=ad.advertiser_id, why="a benchmark", by="benchmark", now=at + timedelta(seconds=1), rewrite=False)
        self._ads = {name: one for name, one in self._ads.items() if one[0].advertiser_id != ad.advertiser_id}

    def _any(self) -> tuple[Ad, str]:
        return self._ads[self._draw.choice(sorted(self._ads))]

    def _resolved(self, ad: Ad, decision: str) -> Resolved:
        settled: tuple[Settled, Settled] = (Verdict.APPROVE, Verdict.REJECT)
        return Resolved(**_about(ad, decision), verdict=self._draw.choice(settled), by="review", task_id=f"tsk-{self._number}")


def _about(ad: Ad, decision: str) -> dict[str, Any]:
    return {"decision_id": decision, "ad_id": ad.ad_id, "advertiser_id": ad.advertiser_id, "market": ad.market}


def _made(ad: Ad, decision: str, verdict: Verdict, at: datetime, step: str | None = None) -> DecisionMade:
    told = Decision(
        decision_id=decision,
        ad_id=ad.ad_id,
        advertiser_id=ad.advertiser_id,
        market=ad.market,
        surface=ad.surface,
        decided_at=at,
        verdict=verdict,
        policies=(),
        uncertified=True,
        bundle_version="v1",
        policy_hash="0" * 64,
        threshold_set=None,
    )
    return DecisionMade(ad=ad, decision=told, first=step is None, step=step)
