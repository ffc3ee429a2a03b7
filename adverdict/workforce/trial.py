"""What a roll-out does to people: its candidate tried on ads on record, and how long its ads took those who read them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta

import numpy as np

from adverdict.decisions.policy import PolicyBook
from adverdict.decisions.rollout import Versions
from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.errors import InvalidInput, Mistake
from adverdict.ledger.entries import Answered
from adverdict.ledger.in_force.rollouts import Rollout
from adverdict.ledger.store import Ledger
from adverdict.review.period import Period
from adverdict.workforce.change import Change
from adverdict.workforce.effects import Shares, change_of
from adverdict.workforce.handling import cut_off
from adverdict.workforce.practice import Practice
from adverdict.workforce.redecided import Rules, shares
from adverdict.workforce.returns import returns
from adverdict.workforce.volume.history import History

READ = 30
"""Readings of ads decided otherwise below which nothing is said of how long they take."""


@dataclass(frozen=True)
class Tried:
    """A roll-out on ads on record."""

    shadow: bool
    """Whether those are the ads that came since it was tried beside what decides; else those of the days before."""
    shares: tuple[Shares, ...]
    seconds: float
    """Times as long as others, reviews of ads that it decides otherwise took; 1 where too few were read."""
    read: int


def of_rollout(ledger: Ledger, history: History, practice: Practice, rollout: Rollout, days: int) -> tuple[Change, Tried]:
    """What a roll-out does to people, by its shadow where that has seen enough, or by the ads of the last ``days``.

    Raises InvalidInput where it changes the model, whose risks are on record nowhere, or too few ads are; NotFound, Unavailable.
    """
    proposal = rollout.proposal
    if proposal.candidate.bundle_version != proposal.base.bundle_version:
        expected = "a roll-out that keeps the model; rescore its ads by the new one, and give that as --rescoring"
        raise InvalidInput("the roll-out cannot be planned from ads on record:", [Mistake("rollout", rollout.rollout_id, expected)])
    before, after = (_rules(ledger, versions) for versions in (proposal.base, proposal.candidate))
    end = datetime.combine(history.end, time(), UTC)
    past, shadow, found = Period(end - timedelta(days=days), end), False, list[Shares]()
    if rollout.entered and proposal.plan.stages[0].share == 0:
        last = rollout.entered[1][0] if len(rollout.entered) > 1 else None
        with suppress(InvalidInput):  # while it has seen too few, the days before tell more
            found, shadow = shares(ledger, Period(rollout.entered[0][0], last), before, after, proposal.markets), True
    found = found or shares(ledger, past, before, after, proposal.markets)
    times, read = _read(ledger, rollout.rollout_id, practice)
    told = [replace(one, seconds=_mixed(one, times)) for one in found]
    back = returns(ledger, history)
    change = change_of(f"roll-out {rollout.rollout_id}", told, rejected_by_people=back.rejected_by_people, come_back=back.come_back)
    return change, Tried(shadow, tuple(told), times, read)


def _rules(ledger: Ledger, versions: Versions) -> Rules:
    """Raises NotFound where they are not kept."""
    book = PolicyBook.from_json(ledger.recall("policies", versions.policies))
    if versions.thresholds is None:
        return Rules(book, SolvedThresholds())
    return Rules(book, SolvedThresholds.from_json(ledger.recall("thresholds", versions.thresholds).decode()))


def _read(ledger: Ledger, rollout_id: str, practice: Practice) -> tuple[float, int]:
    """Mean time of its readings over what readers usually need there, and how many there are; 1 of fewer than ``READ``."""
    took, usual = list[float](), list[float]()
    for entry in ledger.read(kinds=[Answered.kind]):
        body = entry.body
        if isinstance(body, Answered) and body.case_id.startswith(f"smp-{rollout_id}-") and body.seconds is not None:
            took.append(body.seconds)
            usual.append(practice.of("review", body.market).seconds)
    if len(took) < READ:
        return 1.0, len(took)
    most = cut_off(np.array(took))
    return sum(min(one, most) for one in took) / sum(usual), len(took)


def _mixed(one: Shares, times: float) -> float:
    """Times as long as before a review takes, where only those of ads that newly go to people take ``times`` as long."""
    new = max(0, one.reviewed_after - one.reviewed_before)
    return 1 + (times - 1) * new / one.reviewed_after if one.reviewed_after else 1.0
