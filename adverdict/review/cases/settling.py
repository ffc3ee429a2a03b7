"""What a case's readings settle. Plain rules, no I/O.

A *review* case settles an ad that the model left to people; an *audit* case checks an automatic verdict, which stands meanwhile. A
*sample* case measures an ad whatever was decided; where that was an automatic verdict, it is checked as by an audit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from adverdict.domain.verdict import Verdict

AUDIT_READINGS = 2
"""More readings of an audit, where the first is checked: three make a majority."""
UNSEEN = 2
"""Readers of a case who could not see or read the ad, from whom on somebody senior is asked."""


@dataclass(frozen=True)
class Reading:
    """One reviewer's answer in a case."""

    verdict: Literal["approve", "reject", "unsure", "escalate", "unseen"]
    violated: tuple[str, ...] = ()
    senior: bool = False
    asked: tuple[str, ...] = ()

    @property
    def told(self) -> tuple[str, ...]:
        """The policies it says something of: who rejects an ad looks no further."""
        return {"approve": self.asked, "reject": self.violated}.get(self.verdict, ())


@dataclass(frozen=True)
class Wait:
    """Others are still reading."""


@dataclass(frozen=True)
class More:
    """Somebody else has to read the case. ``again``: what was asked, of somebody else."""

    kind: Literal["double", "senior", "again"]
    count: int = 1
    probability: float = 1.0


@dataclass(frozen=True)
class Settle:
    """What people made of the ad."""

    verdict: Verdict
    violated: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stand:
    """The automatic verdict was looked at and stands."""


Step = Wait | More | Settle | Stand


def review_step(readings: Sequence[Reading], pending: int, senior_pending: bool) -> Step:
    """After an answer in a review case. ``pending``: tasks of the case not answered yet.

    One reading settles it; two blind ones do when they agree. A senior reviewer decides the rest.
    """
    decided = _by_senior(readings)
    if decided is not None:
        return decided
    if senior_pending:
        return Wait()
    unseen, readings = _unseen(readings)
    if unseen is not None:
        return unseen
    if any(one.verdict in ("unsure", "escalate") for one in readings):
        return More("senior")
    if pending:
        return Wait()
    agreed = _agreed(readings)
    return agreed if agreed is not None else More("senior")


def audit_step(automatic: Verdict, readings: Sequence[Reading], pending: int, senior_pending: bool, chance: float, share: float) -> Step:
    """After an answer in an audit case. ``chance`` in [0, 1) is drawn for the case: below ``share``, an agreeing reading is checked too.

    A reading that contradicts the automatic verdict never settles anything alone: two more people read blind, and two of three decide.
    All three readings are waited for, whatever the first two say: what is counted must not depend on when it is enough.
    """
    decided = _by_senior(readings)
    if decided is not None:
        return Stand() if decided.verdict is automatic else decided
    if senior_pending:
        return Wait()
    unseen, readings = _unseen(readings)
    if unseen is not None:
        return unseen
    if any(one.verdict == "escalate" for one in readings):
        return More("senior")
    if len(readings) == 1:
        return _after_first_audit(automatic, readings[0], chance, share)
    if pending:
        return Wait()
    for verdict in (Verdict.APPROVE, Verdict.REJECT):
        same = [one for one in readings if one.verdict == verdict.value]
        if len(same) > 1:
            return Stand() if verdict is automatic else Settle(verdict, _named(same))
    return More("senior")


def sample_step(automatic: Verdict | None, readings: Sequence[Reading], pending: int, senior_pending: bool) -> Step:
    """After an answer in a planned sample's case. ``automatic``: the verdict that stands and is checked; None: people spoke, or will.

    Readings that were asked for what earlier ones left unsaid are no verdicts.
    """
    whole = [one for one in readings if one.asked == readings[0].asked]
    if automatic is not None and readings[-1] in whole:
        return audit_step(automatic, whole, pending, senior_pending, 1.0, 0.0)
    if senior_pending:
        return Wait()
    unseen, _ = _unseen(readings)
    if unseen is not None:
        return unseen
    return Stand() if readings[-1].verdict in ("approve", "reject") else More("senior")


def recheck_step(standing: Verdict, readings: Sequence[Reading], pending: int, senior_pending: bool) -> Step:
    """After an answer about a live ad that was put back in line. Who agrees with what stands ends it; after who does not, somebody else
    reads it blind, and two who agree overturn it. A senior reviewer decides the rest."""
    decided = _by_senior(readings)
    if decided is not None:
        return Stand() if decided.verdict is standing else decided
    if senior_pending:
        return Wait()
    if any(one.verdict in ("unsure", "escalate") for one in readings):
        return More("senior")
    if pending:
        return Wait()
    if len(readings) == 1:
        return Stand() if readings[0].verdict == standing.value else More("double")
    agreed = _agreed(readings)
    return More("senior") if agreed is None else Stand() if agreed.verdict is standing else agreed


def unsaid(readings: Sequence[Reading]) -> tuple[str, ...]:
    """The policies that were asked and that no reading says anything of: a sample needs an answer under each, of somebody else."""
    told = {policy for one in readings for policy in one.told}
    return tuple(dict.fromkeys(policy for one in readings for policy in one.asked if policy not in told))


def _unseen(readings: Sequence[Reading]) -> tuple[More | None, Sequence[Reading]]:
    """Who else is asked after a reader who could not see or read the ad (None: the last one could); and the readings that say something.

    Somebody else is asked the same once; where they cannot either, somebody senior.
    """
    blind = sum(one.verdict == "unseen" for one in readings)
    said = [one for one in readings if one.verdict != "unseen"]
    if not readings or readings[-1].verdict != "unseen":
        return None, said
    return (More("senior") if blind >= UNSEEN else More("again")), said


def _after_first_audit(automatic: Verdict, first: Reading, chance: float, share: float) -> Step:
    if first.verdict == "unsure":
        return More("senior")
    if first.verdict != automatic.value:
        return More("double", AUDIT_READINGS)
    return More("double", AUDIT_READINGS, share) if chance < share else Stand()


def _by_senior(readings: Sequence[Reading]) -> Settle | None:
    for one in readings:
        if one.senior and one.verdict in ("approve", "reject"):
            return Settle(Verdict(one.verdict), one.violated)
    return None


def _agreed(readings: Sequence[Reading]) -> Settle | None:
    """One verdict, and for a rejection at least one policy that everybody names; else None."""
    if len({one.verdict for one in readings}) != 1:
        return None
    verdict = Verdict(readings[0].verdict)
    if verdict is Verdict.APPROVE:
        return Settle(verdict)
    shared = tuple(name for name in readings[0].violated if all(name in one.violated for one in readings))
    return Settle(verdict, shared) if shared else None


def _named(readings: Sequence[Reading]) -> tuple[str, ...]:
    """Policies that at least two name; all that were named where there is none."""
    named = Counter(name for one in readings for name in one.violated)
    return tuple(name for name, times in named.items() if times > 1) or tuple(named)
