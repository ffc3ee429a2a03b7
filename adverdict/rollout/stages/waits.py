"""What is in the way of a roll-out's next stage, all at once and in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from adverdict.decisions.rollout import Stage
from adverdict.domain.formats import moment, percent
from adverdict.domain.verdict import Verdict
from adverdict.ledger.in_force.rollouts import Rollout
from adverdict.rollout.stages import steps
from adverdict.rollout.stages.freezes import Freeze, frozen
from adverdict.rollout.stages.guards import Look, Trial
from adverdict.rollout.stages.shadow import Shadow, ShadowVerdict

UNSETTLED = 0.05
"""Of audits: with more that nobody has answered for good, nothing advances by itself, as contested ones settle last."""


def in_the_way(
    rollout: Rollout,
    looks: Sequence[Look],
    trial: Trial,
    at: datetime,
    freezes: Sequence[Freeze],
    shadow: Shadow | None,
    shown: ShadowVerdict | None,
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
    if (until := rollout.second_name_until) is not None:
        found.append(f"it was begun in an emergency: a second person has to sign by {moment(until)}, when its lease ends")
    if rollout.paused:
        found.append(f"{rollout.paused.by} paused it: {rollout.paused.why}")
    if hold := frozen(freezes, at, rollout.proposal.markets):
        found.append(f"nothing advances during {hold.name}, until {moment(hold.until)}")
    if rollout.until is not None and at >= rollout.until:
        found.append("its lease has run out, and the candidate decides nothing: a person resumes or aborts it")
    if stage.share == 0:
        found += _unread(stage, shadow, shown)
    if stage.share > 0:
        found += _inconclusive(looks, trial)
    if found and at >= since + timedelta(days=stage.max_days):
        found.append(f"{stage.name} was to last {stage.max_days:g} days at most: a person decides")
    return found


def _unread(stage: Stage, shadow: Shadow | None, shown: ShadowVerdict | None) -> list[str]:
    """What the differences of a shadow leave open."""
    read, found = (shown.read if shown else 0), []
    if stage.readings > read:
        found.append(f"{read:,} differences were read, and {stage.readings:,} are to be")
    if shadow is not None and shadow.by_model is not None and not shadow.same.total() + len(shadow.differ):
        found.append("its model has scored nothing yet")
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
