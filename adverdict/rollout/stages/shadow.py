"""A candidate tried beside what decides: every new decision decided again, and where the two differ, some drawn for people to read.

Nothing here is on the path of an ad. What it comes to is a function of the chain and of the roll-out: begun anew it finds the same
differences and draws the same ones, so it is held in memory and nowhere else. Where the two agree nothing is learnt from a label, so all
labels go to where they differ: one such label is worth 59 to 965 of two arms' (see the design of roll-outs in ADR 25).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import numpy as np
from scipy.stats import binomtest

from adverdict.certification.statistics.sequential import bets_on_pairs
from adverdict.decisions.policy import PolicyBook
from adverdict.decisions.rollout import another_model
from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.degraded import Cause, degradations
from adverdict.domain.identity import language_key
from adverdict.domain.verdict import Verdict
from adverdict.ledger.bodies.rollout import Proposed, stage_id
from adverdict.ledger.entries import Answered, DecisionMade, Resolved
from adverdict.ledger.history import end_of
from adverdict.ledger.in_force.rollouts import Rollout
from adverdict.ledger.store import Ledger, find
from adverdict.review.period import about_each, pages
from adverdict.review.tasks import tasks
from adverdict.review.tasks.draws import Draws, draw, draws_of, unkeyed_task_id
from adverdict.review.tasks.opening import in_question
from adverdict.review.tasks.priority import due
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.review.tasks.tasks import Draw, Task
from adverdict.rollout.stages.backtest import Rules
from adverdict.rollout.stages.rescored import FAILED, is_scored, scored_share, shadowed_between, shadowed_until

PAGE = 500
LEAST = 0.001
"""The smallest chance of a difference to be read."""
MOST = 300
"""Readings, at most; and once there are so many, a last look is taken."""
ALPHA, LAST = 0.05, 0.12
"""Chance that a candidate which is no worse is called so, however often one looks, and by the last look besides; and so for better."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A decision that the candidate would have made otherwise."""

    seq: int
    decision_id: str
    advertiser: str
    market: str
    before: Verdict
    after: Verdict
    probability: float
    """With which it is read, in (0, 1]."""
    drawn: bool

    @property
    def weight(self) -> float:
        return 1.0 / self.probability


@dataclass(frozen=True, slots=True)
class Reading:
    """One that people have settled."""

    of: Disagreement
    violates: bool

    @property
    def wrong(self) -> Literal["candidate", "control"] | None:
        """Whose verdict does harm where the other's does not; None: neither's, or both leave it to people or do."""
        harm = {side: _harms(verdict, self.violates) for side, verdict in (("control", self.of.before), ("candidate", self.of.after))}
        if harm["candidate"] == harm["control"]:
            return None
        return "candidate" if harm["candidate"] else "control"


@dataclass(frozen=True)
class ShadowVerdict:
    """What the readings come to."""

    read: int
    candidate_wrong: int
    """Advertisers, by the first reading of each that tells the two apart."""
    control_wrong: int
    worse: float
    """Evidence that the candidate does more harm."""
    better: float
    """Evidence that it does less."""

    @property
    def said(self) -> Literal["worse", "better", "cannot tell"]:
        if max(self.worse, self.better) >= 1 / ALPHA:
            return "worse" if self.worse > self.better else "better"
        told = self.candidate_wrong + self.control_wrong
        if self.read >= MOST and told:
            if binomtest(self.candidate_wrong, told, 0.5, alternative="greater").pvalue <= LAST:
                return "worse"
            if binomtest(self.control_wrong, told, 0.5, alternative="greater").pvalue <= LAST:
                return "better"
        return "cannot tell"


def judged(readings: Sequence[Reading]) -> ShadowVerdict:
    """``readings`` in the order in which they were settled. Each advertiser counts once."""
    first: dict[str, str] = {}
    for one in readings:
        if one.wrong is not None:
            first.setdefault(one.of.advertiser, one.wrong)
    told = np.array([wrong == "candidate" for wrong in first.values()], dtype=np.float64)
    bets, ones = bets_on_pairs(), np.ones_like(told)
    worse, better = (float(bets.running(bets.growth(side, ones)).max()) if len(told) else 1.0 for side in (told, 1.0 - told))
    wrong = int(told.sum())
    return ShadowVerdict(len(readings), wrong, len(told) - wrong, worse, better)


def chance(proposal: Proposed) -> float:
    """With which a difference is read, in (0, 1]: as many as are to be read over those that the backtest makes expect meanwhile.

    Those that are left to people anyway are drawn with the same chance, so that what was read is a fair part of what differs.
    """
    hours = proposal.plan.stages[0].min_hours
    flips, days = proposal.predicted.get("flips"), proposal.predicted.get("days")
    share = proposal.predicted.get("share")
    looked_at = share if isinstance(share, float) and share > 0 else 1.0
    a_day = sum(flips.values()) / days / looked_at if isinstance(flips, dict) and isinstance(days, float) and days > 0 else 0.0  # type: ignore[arg-type]
    if another_model(proposal.base, proposal.candidate):
        a_day *= scored_share(proposal)
    expected = a_day * max(hours, 24.0) / 24.0
    return min(1.0, max(LEAST, MOST / expected)) if expected > 0 else 1.0


@dataclass
class Shadow:
    """One roll-out's, as far as it has followed the chain."""

    rollout_id: str
    rules: Rules
    markets: tuple[str, ...]
    seq: int
    """The last entry it has looked at."""
    same: Counter[tuple[str, Verdict]] = field(default_factory=Counter)
    """(market, verdict) -> decisions that both make alike."""
    differ: list[Disagreement] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    probability: float = 1.0
    """With which a difference is read."""
    by_model: Rollout | None = None
    """The roll-out, where its candidate is another model: what that would have decided is looked up. None: it follows from the risks."""
    _drawn: int = 0

    @property
    def kinds(self) -> Counter[tuple[Verdict, Verdict]]:
        """(now, by the candidate) -> differences."""
        return Counter((one.before, one.after) for one in self.differ)

    @classmethod
    def begin(cls, ledger: Ledger, rollout: Rollout) -> Shadow:
        """From the first stage's entry on. Raises NotFound where the candidate's versions are not kept."""
        candidate = rollout.proposal.candidate
        book = PolicyBook.from_json(ledger.recall("policies", candidate.policies))
        kept = None if candidate.thresholds is None else ledger.recall("thresholds", candidate.thresholds).decode()
        with ledger.look() as connection:
            entered = find(connection, stage_id(rollout.rollout_id, 0)).seq
        return cls(
            rollout.rollout_id,
            Rules(book, SolvedThresholds.from_json(kept) if kept else SolvedThresholds()),
            rollout.proposal.markets,
            entered,
            probability=chance(rollout.proposal),
            by_model=rollout if rollout.brings_model else None,
        )

    def catch_up(self, ledger: Ledger, settings: ReviewSettings, now: datetime) -> int:
        """Look at what is new, and open the tasks of what is drawn; how many differences there are by then. Raises Unavailable.

        Run beside another, or again after having been killed, it opens nothing twice.
        """
        new = self.follow(ledger)
        drawn = [(one, made) for one, made in new if one.drawn and one.before is not Verdict.REVIEW]
        with ledger.change() as connection:
            draws = draws_of(connection)
            opened = [self._task(one, made, settings, now, draws) for one, made in drawn]
            names = {task.task_id: (task.task_id, unkeyed_task_id(task.case_id, 0)) for task in opened}
            there = tasks.existing(connection, [name for both in names.values() for name in both])
            tasks.add(connection, [task for task in opened if there.isdisjoint(names[task.task_id])])
        return len(self.differ)

    def follow(self, ledger: Ledger, until: int | None = None) -> list[tuple[Disagreement, DecisionMade]]:
        """Look at what is new, up to the entry ``until``, and open nothing: the new differences. Raises Unavailable."""
        with ledger.look() as connection:
            end = end_of(connection) if until is None else until
            if self.by_model is not None:
                end = min(end, shadowed_until(connection, self.rollout_id))
        new: list[tuple[Disagreement, DecisionMade]] = []
        for page in pages(ledger.read(self.seq, end, kinds=[DecisionMade.kind]), PAGE):
            decided: dict[int, str] = {}
            if self.by_model is not None:
                with ledger.look() as connection:
                    decided = shadowed_between(connection, self.rollout_id, page[0].seq, page[-1].seq)
            for entry in page:
                if isinstance(entry.body, DecisionMade) and (found := self._compared(entry.seq, entry.body, decided.get(entry.seq))):
                    new.append((found, entry.body))
        self.seq = max(self.seq, end)
        return new

    def readings(self, ledger: Ledger) -> list[Reading]:
        """Those that people have settled, in that order. Raises Unavailable."""
        found: list[tuple[int, Reading]] = []
        for page in pages([one for one in self.differ if one.drawn], PAGE):
            with ledger.look() as connection:
                ids = [one.decision_id for one in page]
                said = about_each(connection, ids, (Answered.kind, Resolved.kind))
            for one in page:
                entries = said.get(one.decision_id, ())
                resolved = [(entry.seq, entry.body.verdict) for entry in entries if isinstance(entry.body, Resolved)]
                answered = [(entry.seq, entry.body) for entry in entries if isinstance(entry.body, Answered)]
                agreed = [(seq, body.verdict) for seq, body in answered if body.verdict == one.before.value]
                if resolved:
                    found.append((resolved[-1][0], Reading(one, resolved[-1][1] is Verdict.REJECT)))
                elif agreed and len(agreed) > len(answered) / 2:  # nothing is resolved where people agree with what was decided
                    found.append((agreed[-1][0], Reading(one, one.before is Verdict.REJECT)))
        return [reading for _, reading in sorted(found, key=lambda pair: pair[0])]

    def _compared(self, seq: int, made: DecisionMade, decided: str | None) -> Disagreement | None:
        """None where both agree, or nothing can be said; either is counted. ``decided``: by a candidate that is another model."""
        ad, decision = made.ad, made.decision
        if not made.first or made.step is not None or (self.markets and ad.market not in self.markets) or decision.arm is not None:
            return None
        if decision.bundle_version is None or any(one.cause is Cause.BRAKE for one in degradations(decision.degraded)):
            self.left_out["no model, or a brake, decided it"] += 1
            return None
        after = self._after(made) if self.by_model is None else self._looked_up(made, decided)
        if after is None:
            return None
        if after is decision.verdict:
            self.same[ad.market, after] += 1
            return None
        if decision.exit == "early" and self.by_model is None:
            self.left_out["it left the models early"] += 1
            return None
        drawn = draw("shadow", self.rollout_id, decision.decision_id) < self.probability and self._drawn < MOST
        self._drawn += drawn
        one = Disagreement(seq, decision.decision_id, ad.advertiser_id, ad.market, decision.verdict, after, self.probability, drawn)
        self.differ.append(one)
        return one

    def _after(self, made: DecisionMade) -> Verdict | None:
        if self.rules.lacks(made):
            self.left_out["a risk is not on record"] += 1
            return None
        return self.rules.decide(made).verdict

    def _looked_up(self, made: DecisionMade, decided: str | None) -> Verdict | None:
        if decided is None or decided == FAILED:
            drawn = self.by_model is not None and is_scored(self.by_model, made)
            self.left_out["the candidate fails on it" if drawn else "not among those that are scored"] += 1
            return None
        return Verdict(decided)

    def _task(self, one: Disagreement, made: DecisionMade, settings: ReviewSettings, now: datetime, draws: Draws) -> Task:
        case = f"smp-{self.rollout_id}-{one.decision_id}"
        asked = in_question(made, self.rules.book)
        return Task(
            task_id=draws.task_id(case, 0),
            case_id=case,
            kind="sample",
            about=one.decision_id,
            ad_id=made.ad.ad_id,
            advertiser_id=one.advertiser,
            market=one.market,
            language=language_key(made.ad.language),
            policies=asked,
            senior=False,
            probability=one.probability,
            harm=0.0,
            opened_at=now,
            due_at=due(now, "review", 0.0, settings),
            drawn=dict.fromkeys(asked, Draw(f"shadow {self.rollout_id}", one.probability)),
        )


def shadow_of(ledger: Ledger, rollout: Rollout, until: int | None = None) -> Shadow | None:
    """As of the entry ``until``, now when None, opening nothing; None before its first stage, or where that has arms. Raises Unavailable,
    NotFound."""
    if not rollout.entered or rollout.proposal.plan.stages[0].share > 0:
        return None
    found = Shadow.begin(ledger, rollout)
    found.follow(ledger, until)
    return found


def _harms(verdict: Verdict, violates: bool) -> bool:
    return verdict is (Verdict.APPROVE if violates else Verdict.REJECT)
