"""The one process that watches roll-outs: it ends what does harm, lets leases go on, and advances what is shown to do none.

Every step is one transaction whose entry's id says what it is (a roll-out's third stage, its abort), so a watcher that is killed between
two, or runs beside another, does nothing twice and skips nothing. While nobody watches, the lease of a candidate on trial runs out.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import JsonValue
from sqlalchemy.exc import IntegrityError

from adverdict.decisions.rollout import Stage
from adverdict.domain.errors import AdverdictError, Conflict
from adverdict.domain.formats import percent
from adverdict.ledger.bodies.rollout import StageEntered
from adverdict.ledger.in_force.rollouts import Rollout, rollouts_now
from adverdict.ledger.leases import lease
from adverdict.ledger.store import Ledger, now
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.rollout.stages import evidence, guards, steps
from adverdict.rollout.stages.capacity import Capacity, nobody_told
from adverdict.rollout.stages.entering import enter
from adverdict.rollout.stages.freezes import Freeze
from adverdict.rollout.stages.guards import Look, Trial
from adverdict.rollout.stages.models import MakeChampion, promote
from adverdict.rollout.stages.rescored import Rescored, shadow_by_model
from adverdict.rollout.stages.shadow import Shadow, ShadowVerdict, judged, shadow_of
from adverdict.rollout.stages.waits import in_the_way

log = logging.getLogger("adverdict.rollout")

BY = "guard"
"""Who ends and advances, on record."""
WORK = "rollouts"
EVERY = timedelta(minutes=1)
HELD = 3 * EVERY
MISSING, FEWEST = 0.001, 1000
"""Share of decisions of an arm that the candidate's policies could not be had for, and of how many, at which a roll-out is paused."""


@dataclass(frozen=True)
class Models:
    """What roll-outs of models need of a watcher."""

    candidate: Callable[[Rollout], Rescored]
    """Raises NotFound, Unavailable, UntrustedBundle or ContractMismatch."""
    make_champion: MakeChampion
    settle: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class Watched:
    """What a look came to."""

    rollout: Rollout
    looks: tuple[Look, ...]
    trial: Trial
    waits_for: tuple[str, ...]
    """What is in the way of the next stage, in words; empty: it may be entered."""
    shadow: Shadow | None = None
    shown: ShadowVerdict | None = None
    """What the readings of its shadow come to."""

    def told(self) -> dict[str, JsonValue]:
        """For an entry, or for machines."""
        return {**evidence.told(self.looks, self.trial), "shadow": self._shadow(), "predicted": self._scored()}

    def _scored(self) -> JsonValue:
        return evidence.scored(self.rollout.proposal.predicted, self.trial)

    def _shadow(self) -> JsonValue:
        if self.shadow is None or self.shown is None:
            return None
        return {
            "same": self.shadow.same.total(),
            "differ": {f"{before} -> {after}": count for (before, after), count in sorted(self.shadow.kinds.items())},
            "left_out": dict(self.shadow.left_out),
            "probability": self.shadow.probability,
            "read": self.shown.read,
            "candidate_wrong": self.shown.candidate_wrong,
            "control_wrong": self.shown.control_wrong,
            "worse": self.shown.worse,
            "better": self.shown.better,
            "said": self.shown.said,
            "as_of_seq": self.shadow.seq,
        }

    @property
    def ended_by(self) -> Look | None:
        """The guard that says it does harm."""
        return next((look for look in self.looks if look.ends), None)


def look(
    ledger: Ledger,
    rollout: Rollout,
    at: datetime,
    *,
    freezes: Sequence[Freeze] = (),
    until: int | None = None,
    shadow: Shadow | None = None,
) -> Watched:
    """How one stands, as of the entry ``until``; now when None. Puts nothing on record. ``shadow``: as it has followed the chain, found
    anew otherwise. Raises Unavailable."""
    with ledger.look() as connection:
        trial = evidence.gather(connection, rollout.rollout_id, until)
    told = tuple(guards.looks(rollout.proposal.guards, trial))
    shadow = shadow or shadow_of(ledger, rollout, until)
    shown = judged(shadow.readings(ledger)) if shadow else None
    return Watched(rollout, told, trial, tuple(in_the_way(rollout, told, trial, at, freezes, shadow, shown)), shadow, shown)


def watch(
    ledger: Ledger,
    holder: str,
    clock: Callable[[], datetime] = now,
    *,
    freezes: Sequence[Freeze] = (),
    settings: ReviewSettings | None = None,
    shadows: dict[str, Shadow] | None = None,
    tell: Callable[[Sequence[Watched]], None] = lambda seen: None,
    models: Models | None = None,
    capacity: Capacity = nobody_told,
) -> list[str]:
    """One look at every roll-out under way, and what follows from it: what was done, in words. Nothing while somebody else holds the
    lease of this work. ``shadows``: those of an earlier look, which go on; ``tell`` hears of all that was seen; ``models`` None: nothing
    is done for roll-outs of models but what needs none. Raises Unavailable."""
    shadows = {} if shadows is None else shadows
    with ledger.change() as connection:
        if not lease(connection, WORK, holder, clock(), HELD):
            return []
    done: list[str] = []
    found: list[Watched] = []
    told = rollouts_now(ledger)
    for rollout in told.promoting if models else ():
        if models and (told_of := promote(ledger, rollout, models.make_champion, BY, clock, models.settle)):
            done.append(f"{rollout.rollout_id}: {told_of}")
    for rollout in told.on:
        if models and rollout.brings_model and _in_shadow(rollout):
            _score(ledger, rollout, models)
        shadow = _shadow(ledger, rollout, shadows, settings or ReviewSettings(), clock())
        seen = look(ledger, rollout, clock(), freezes=freezes, shadow=shadow)
        found.append(seen)
        try:
            did = _follow(ledger, seen, clock, freezes, capacity)
        except (Conflict, IntegrityError) as error:  # somebody was first; the next look sees what they did
            log.info("%s: %s", rollout.rollout_id, error)
            continue
        if did:
            log.info("%s: %s", rollout.rollout_id, did)
            done.append(f"{rollout.rollout_id}: {did}")
    tell(found)
    return done


def _in_shadow(rollout: Rollout) -> bool:
    """Whether it is only tried beside what decides."""
    return rollout.stage is not None and rollout.stage.stage is not None and rollout.stage.stage.share == 0


def _score(ledger: Ledger, rollout: Rollout, models: Models) -> None:
    """Have a model that is tried beside score what is new. Where it cannot be had nothing is looked at, which holds the next stage back."""
    try:
        shadow_by_model(ledger, rollout, models.candidate(rollout))
    except AdverdictError as error:
        log.warning("%s cannot be tried beside what decides: %s", rollout.rollout_id, error)


def _shadow(ledger: Ledger, rollout: Rollout, shadows: dict[str, Shadow], settings: ReviewSettings, at: datetime) -> Shadow | None:
    """That of a roll-out which is tried beside what decides, caught up; None where it has come further."""
    if not _in_shadow(rollout):
        return shadows.get(rollout.rollout_id)
    if rollout.rollout_id not in shadows:
        shadows[rollout.rollout_id] = Shadow.begin(ledger, rollout)
    shadows[rollout.rollout_id].catch_up(ledger, settings, at)
    return shadows[rollout.rollout_id]


def _follow(ledger: Ledger, seen: Watched, clock: Callable[[], datetime], freezes: Sequence[Freeze], capacity: Capacity) -> str | None:
    rollout, stage = seen.rollout, seen.rollout.stage
    assert stage is not None
    assert stage.stage is not None
    if (ending := seen.ended_by) is not None:
        why = f"{sentence(ending)}: evidence {ending.against:.3g}, enough at {ending.bar:.3g}"
        with ledger.write() as writing:
            steps.abort(writing, rollout.rollout_id, why, BY, clock(), guard=ending.guard.name, evidence=seen.told())
        return f"aborted: {why}"
    if not rollout.paused and (trouble := _trouble(stage.stage, seen.trial)):
        with ledger.write() as writing:
            steps.pause(writing, rollout.rollout_id, trouble, BY, clock())
        return f"paused: {trouble}"
    if not seen.waits_for:
        why = "nothing speaks against it, and every limit is shown to be kept" if stage.stage.share else "its disagreements were read"
        going = _Going(ledger, clock, freezes, capacity)
        if (entered := going.on(seen, stage.number + 1, why)) is not None:
            return f"stage {entered.name}"
    if rollout.until is not None and rollout.until - clock() < steps.LEASE / 2:
        with ledger.write() as writing:
            steps.renew(writing, rollout.rollout_id, BY, clock())
    return None


@dataclass(frozen=True)
class _Going:
    ledger: Ledger
    clock: Callable[[], datetime]
    freezes: Sequence[Freeze]
    capacity: Capacity

    def on(self, seen: Watched, number: int, why: str) -> StageEntered | None:
        """None where something is in the way after all, such as that people cannot carry it: then its lease goes on."""
        its_id = seen.rollout.rollout_id
        try:
            return enter(self.ledger, its_id, why, BY, self.clock, seen.told, capacity=self.capacity, freezes=self.freezes, expected=number)
        except (Conflict, IntegrityError) as error:
            log.info("%s: %s", its_id, error)
            return None


def sentence(look: Look) -> str:
    """What a guard says, as a person reads it."""
    guard = look.guard
    whose = "weighed by their ads" if guard.by_ads else "each counted once"
    if guard.kind in ("leakage", "wrongful_rejection"):
        leaked = guard.kind == "leakage"
        wrong = f"violates {guard.policy} though it was approved" if leaked else f"does not violate {guard.policy} though it was rejected"
        return (
            f"of {look.units:,} advertisers ({whose}) whose first audit is settled, {look.errors:,} have an ad that {wrong}, "
            f"and at most {percent(guard.limit or 0.0)} may"
        )
    what = {
        "worse": "the candidate was wrong where the control was right",
        "load": "the candidate alone sent an advertiser's first ad to people",
        "appeals": "the appeal that was upheld was the candidate's",
        "latency": f"the candidate took more than {guard.limit or 1.0:.3g} times as long to score an advertiser's first ad",
        "errors": "the model that failed on an ad was the candidate's",
    }[guard.kind]
    allowed = "" if guard.kind in ("worse", "latency") else f", and up to {guard.limit:.3g} times the control's is allowed"
    cases = "pairs" if guard.kind == "latency" else "cases that tell the arms apart"
    return f"in {look.errors:,} of {look.units:,} {cases} {what}{allowed}"


def _trouble(stage: Stage, trial: Trial) -> str | None:
    """Why nothing that is compared could be trusted."""
    if steps.on_trial(stage) and guards.unequal_arms(trial):
        return "the arms do not have as many advertisers as they should, so they cannot be compared"
    if trial.decisions >= FEWEST and trial.missing / trial.decisions > MISSING:
        return f"for {trial.missing:,} of {trial.decisions:,} ads the candidate's policies or bundle could not be had"
    return None
