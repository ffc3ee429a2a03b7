"""The one process that watches roll-outs: it ends what does harm, lets leases go on, and advances what is shown to do none.

Every step is one transaction whose entry's id says what it is (a roll-out's third stage, its abort), so a watcher that is killed between
two, or runs beside another, does nothing twice and skips nothing. While nobody watches, the lease of a candidate on trial runs out.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import JsonValue
from sqlalchemy.exc import IntegrityError

from adverdict.decisions.rollout import Stage
from adverdict.domain.errors import Conflict
from adverdict.domain.formats import moment, percent
from adverdict.domain.verdict import Verdict
from adverdict.ledger.in_force.rollouts import Rollout, rollouts_now
from adverdict.ledger.leases import lease
from adverdict.ledger.store import Ledger, now
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.rollout.stages import evidence, guards, steps
from adverdict.rollout.stages.freezes import Freeze, frozen
from adverdict.rollout.stages.guards import Look, Trial
from adverdict.rollout.stages.shadow import Shadow, ShadowVerdict, judged, shadow_of

log = logging.getLogger("adverdict.rollout")

BY = "guard"
"""Who ends and advances, on record."""
WORK = "rollouts"
EVERY = timedelta(minutes=1)
HELD = 3 * EVERY
UNSETTLED = 0.05
"""Of audits: with more that nobody has answered for good, nothing advances by itself, as contested ones settle last."""
MISSING, FEWEST = 0.001, 1000
"""Share of decisions of an arm that the candidate's policies could not be had for, and of how many, at which a roll-out is paused."""


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
    return Watched(rollout, told, trial, tuple(_in_the_way(rollout, told, trial, at, freezes, shown)), shadow, shown)


def watch(
    ledger: Ledger,
    holder: str,
    clock: Callable[[], datetime] = now,
    *,
    freezes: Sequence[Freeze] = (),
    settings: ReviewSettings | None = None,
    shadows: dict[str, Shadow] | None = None,
    tell: Callable[[Sequence[Watched]], None] = lambda seen: None,
) -> list[str]:
    """One look at every roll-out under way, and what follows from it: what was done, in words. Nothing while somebody else holds the
    lease of this work. ``shadows``: those of an earlier look, which go on; ``tell`` hears of all that was seen. Raises Unavailable."""
    shadows = {} if shadows is None else shadows
    with ledger.change() as connection:
        if not lease(connection, WORK, holder, clock(), HELD):
            return []
    done: list[str] = []
    found: list[Watched] = []
    for rollout in rollouts_now(ledger).on:
        shadow = _shadow(ledger, rollout, shadows, settings or ReviewSettings(), clock())
        seen = look(ledger, rollout, clock(), freezes=freezes, shadow=shadow)
        found.append(seen)
        try:
            told = _follow(ledger, seen, clock, freezes)
        except (Conflict, IntegrityError) as error:  # somebody was first; the next look sees what they did
            log.info("%s: %s", rollout.rollout_id, error)
            continue
        if told:
            log.info("%s: %s", rollout.rollout_id, told)
            done.append(f"{rollout.rollout_id}: {told}")
    tell(found)
    return done


def _shadow(ledger: Ledger, rollout: Rollout, shadows: dict[str, Shadow], settings: ReviewSettings, at: datetime) -> Shadow | None:
    """That of a roll-out which is tried beside what decides, caught up; None where it has come further."""
    told = rollout.stage
    if told is None or told.stage is None or told.stage.share > 0:
        return shadows.get(rollout.rollout_id)
    if rollout.rollout_id not in shadows:
        shadows[rollout.rollout_id] = Shadow.begin(ledger, rollout)
    shadows[rollout.rollout_id].catch_up(ledger, settings, at)
    return shadows[rollout.rollout_id]


def _follow(ledger: Ledger, seen: Watched, clock: Callable[[], datetime], freezes: Sequence[Freeze]) -> str | None:
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
        with ledger.write() as writing:
            entered = steps.advance(
                writing, rollout.rollout_id, why, BY, clock(), freezes=freezes, evidence=seen.told(), expected=stage.number + 1
            )
        return f"stage {entered.name}"
    if rollout.until is not None and rollout.until - clock() < steps.LEASE / 2:
        with ledger.write() as writing:
            steps.renew(writing, rollout.rollout_id, BY, clock())
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
    }[guard.kind]
    allowed = "" if guard.kind == "worse" else f", and up to {guard.limit:.3g} times the control's is allowed"
    return f"in {look.errors:,} of {look.units:,} cases that tell the arms apart {what}{allowed}"


def _trouble(stage: Stage, trial: Trial) -> str | None:
    """Why nothing that is compared could be trusted."""
    if steps.on_trial(stage) and guards.unequal_arms(trial):
        return "the arms do not have as many advertisers as they should, so they cannot be compared"
    if trial.decisions >= FEWEST and trial.missing / trial.decisions > MISSING:
        return f"for {trial.missing:,} of {trial.decisions:,} ads the candidate's policies could not be had"
    return None


def _in_the_way(
    rollout: Rollout, looks: Sequence[Look], trial: Trial, at: datetime, freezes: Sequence[Freeze], shown: ShadowVerdict | None
) -> list[str]:
    """Of the next stage, all at once."""
    told, since = rollout.stage, rollout.since
    if not rollout.on or told is None or told.stage is None or since is None:
        return [f"it is {rollout.state}"]
    stages, stage, found = rollout.proposal.plan.stages, told.stage, list[str]()
    following = stages[told.number + 1] if told.number + 1 < len(stages) else None
    if at < since + timedelta(hours=stage.min_hours):
        found.append(f"{stage.name} lasts at least {stage.min_hours:g} hours, until {moment(since + timedelta(hours=stage.min_hours))}")
    if missing := steps.missing_signatures(rollout, following):
        found.append(f"somebody has to sign for {', '.join(missing)}")
    if rollout.paused:
        found.append(f"{rollout.paused.by} paused it: {rollout.paused.why}")
    if hold := frozen(freezes, at, rollout.proposal.markets):
        found.append(f"nothing advances during {hold.name}, until {moment(hold.until)}")
    if rollout.until is not None and at >= rollout.until:
        found.append("its lease has run out, and the candidate decides nothing: a person resumes or aborts it")
    if stage.share == 0:
        found += _unread(stage, shown)
    if stage.share > 0:
        found += _inconclusive(looks, trial)
    if found and at >= since + timedelta(days=stage.max_days):
        found.append(f"{stage.name} was to last {stage.max_days:g} days at most: a person decides")
    return found


def _unread(stage: Stage, shown: ShadowVerdict | None) -> list[str]:
    """What the differences of a shadow leave open."""
    read, found = (shown.read if shown else 0), []
    if stage.readings > read:
        found.append(f"{read:,} differences were read, and {stage.readings:,} are to be")
    if shown is not None and shown.said == "worse":
        times = f"it was wrong for {shown.candidate_wrong:,} advertisers, and what decides for {shown.control_wrong:,}"
        found.append(f"what was read says that it does more harm: {times}")
    return found


def _inconclusive(looks: Sequence[Look], trial: Trial) -> list[str]:
    """What the audits do not show yet."""
    if looks and not any(trial.made.values()):
        return ["the candidate has decided nothing yet"]
    found = []
    settled = len(trial.settled)
    if trial.unsettled > UNSETTLED * (settled + trial.unsettled):
        found.append(f"{trial.unsettled:,} of {settled + trial.unsettled:,} audits are not settled: contested ones settle last")
    for look in looks:
        side = {"leakage": Verdict.APPROVE, "wrongful_rejection": Verdict.REJECT}.get(look.guard.kind)
        if side is None or look.clears or not trial.made.get(side):
            continue
        between = (
            "nobody has read one" if look.low is None else f"of advertisers, between {percent(look.low)} and {percent(look.high or 0.0)}"
        )
        found.append(
            f"{look.guard.name.replace('_', ' ')} is not shown to be under {percent(look.guard.limit or 0.0)} ({between}, "
            f"from {look.units:,} advertisers): more audits would tell, or a person decides"
        )
    return found
