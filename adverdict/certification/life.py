"""The life of a certificate: issued, renewed, doubted and revoked by the audits of the ads it decides. A function of daily counts.

    none --sample--> certified --audits--> renewed --audits--> renewed ...
    provisional --sample, audits--> certified      certified, renewed --audits--> doubted --audits--> as before, or revoked
    certified, renewed, doubted --validity over--> provisional, or none      revoked --sample--> certified

A spell is the time from one of these issues or renewals to the next; evidence begins anew with it. Of each spell is promised, about the
ads the certificate decided in it, whatever depends on what (see ``statistics.sequential``):

- it is issued or renewed by audits although ``limit`` of these ads or more were errors: with a chance of at most ``level``;
- it is revoked although since the beginning of no week of the spell more than ``limit`` were: at most ``alpha``;
- it is doubted although the same: at most ``alpha`` / ``doubt``.

A planned sample is a look of its own and spends what it says. Together with the audits of a provisional spell it is a second chance to be
wrong: let all of them together spend no more than the certificate's confidence leaves.

Counts are of settled answers: a reading that contradicts the verdict is read twice more first, or false alarms of single readings drown
rates as small as these. Those ads take longest, so days are counted in order, and one only when all its audits are settled. An audit that
is still open after ``patience`` days is counted against whichever sentence is to be shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from adverdict.certification.statistics.bounds import Sizes, draws_needed, p_value
from adverdict.certification.statistics.sequential import WEEK, Bets, Floats, bets_against, bets_for, weights
from adverdict.domain.errors import InvalidInput, Mistake
from adverdict.domain.standing import Standing

LOOKING_DAILY = 1.5
"""Ads that evidence to be looked at every day takes, for one that a test of a number known in advance takes (measured)."""
FEWEST_AUDITS = 10.0
"""A day. With a limit of .02 a drift to four times as much is then found in a fortnight, as often as not."""


class Cause(StrEnum):
    """What moved a certificate."""

    SAMPLE = "sample"
    AUDITS = "audits"
    EXPIRY = "expiry"


@dataclass(frozen=True)
class Audits:
    """Audits of the ads decided on one day. Ads audited with different probabilities are several of these."""

    day: int
    """From 0. Days without any need no entry."""
    audited: int
    errors: int
    """By the settled answers."""
    open: int = 0
    """Of those audited, still to be settled."""
    inclusion: float = 1.0
    """The recorded probability of the audit; only what it is beside ``Terms.floor`` matters."""


@dataclass(frozen=True)
class PlannedSample:
    """Labels of a number of ads that was announced before the first of them was looked at."""

    day: int
    """When it was complete."""
    errors: int
    sizes: Sizes
    planned: int
    level: float
    """The chance of error this look may spend."""

    def shows(self, limit: float) -> bool:
        """Whether the exact test does."""
        return p_value(self.errors, self.sizes, limit) <= self.level


@dataclass(frozen=True)
class Terms:
    """What is promised, and what moves a certificate. Raises InvalidInput, with every mistake."""

    limit: float
    """The share of errors promised, lowered for what raters miss; in (0, 1)."""
    level: float = 0.025
    """The chance that a spell is begun falsely by its audits."""
    alpha: float = 0.05
    """The chance that a spell is ended falsely by its audits."""
    doubt: float = 0.25
    """Evidence against, as a part of what revokes, from which there is doubt."""
    valid_days: int = 90
    renewable_days: int = 30
    """The last days of the validity, in which it can be renewed."""
    provisional: bool = False
    """Whether thresholds decide while nothing is shown."""
    patience: int = 14
    floor: float = 1.0
    """The smallest probability of an audit there is to be; ads audited less often count for less in the promise."""
    provisional_floor: float | None = None
    """The same while provisional; None: the same."""

    def __post_init__(self) -> None:
        shares = {"limit": self.limit, "level": self.level, "alpha": self.alpha}
        mistakes = [Mistake(name, value, "more than 0 and less than 1") for name, value in shares.items() if not 0 < value < 1]
        if not 0 < self.doubt <= 1:
            mistakes.append(Mistake("doubt", self.doubt, "more than 0 and at most 1"))
        if not 0 < self.renewable_days <= self.valid_days:
            mistakes.append(Mistake("renewable_days", self.renewable_days, f"1 to valid_days, {self.valid_days}"))
        if self.patience < 0:
            mistakes.append(Mistake("patience", self.patience, "0 or more days"))
        if mistakes:
            raise InvalidInput("no certificate can be kept on these terms", mistakes)


@dataclass(frozen=True)
class DayEnd:
    """How a certificate stands at the end of a day."""

    day: int
    standing: Standing
    evidence_for: float
    """Of this spell's ads having fewer errors than the limit; ``1 / level`` shows it."""
    evidence_against: float
    """Of more; ``1 / alpha`` revokes."""
    cause: Cause | None = None
    """What moved it on this day; None: it stands as the day before."""
    spell: int = 0
    """The day with which the spell began that it is of."""


def life(
    audits: Sequence[Audits], samples: Sequence[PlannedSample], terms: Terms, days: int, begins: Standing | None = None
) -> tuple[DayEnd, ...]:
    """The standing at the end of each day that can be counted, of the first ``days`` (the last of them is today).

    ``begins``: what it was issued as before the first day; None: nothing is shown yet.

    A revocation stands on the day that brings it, since nothing may be decided after it; what is issued or renewed begins the day after.
    Answers that come later may move a day that was counted with audits open. Raises InvalidInput for counts that cannot be.
    """
    _check(audits, samples)
    record = _Record(audits, samples, terms, days)
    standings: list[DayEnd] = []
    standing, cause = begins or (Standing.PROVISIONAL if terms.provisional else Standing.NONE), None
    while len(standings) < record.days:
        spell, standing, cause = _spell(record, len(standings), standing, cause)
        standings += spell
    return tuple(standings)


def audits_a_day(rate: float, limit: float, level: float, days: int = 90, at_least: float = FEWEST_AUDITS) -> float | None:
    """Audits a day with which a certificate is renewed 4 times in 5 where ``rate`` of its ads are errors; None where none would do.

    ``level``: as in ``Terms``. Times ``Standing.audits_times`` where there is doubt.
    """
    needed = draws_needed(rate, limit, level)
    return None if needed is None else max(at_least, LOOKING_DAILY * needed / days)


@dataclass(frozen=True)
class _Looks:
    """Evidence after each day of a spell, as if it went on to the end."""

    evidence_for: Floats
    evidence_against: Floats


class _Record:
    """What the audits and samples of all days come to."""

    def __init__(self, audits: Sequence[Audits], samples: Sequence[PlannedSample], terms: Terms, days: int) -> None:
        self.terms = terms
        self.days = _counted(audits, days, terms.patience)
        self.shown = {sample.day for sample in samples if sample.shows(terms.limit)}
        self._audits = [entry for entry in audits if entry.day < self.days]
        self._bets = bets_for(terms.limit), bets_against(terms.limit)
        floors = {Standing.CERTIFIED: terms.floor, Standing.PROVISIONAL: terms.provisional_floor or terms.floor}
        self._growth = {standing: self._of_each_day(floor) for standing, floor in floors.items()}

    def looks(self, start: int, end: int, standing: Standing) -> _Looks:
        """Of a spell from ``start`` to before ``end``."""
        provisional = standing is Standing.PROVISIONAL
        growth_for, growth_against = self._growth[Standing.PROVISIONAL if provisional else Standing.CERTIFIED]
        bets_on, bets_off = self._bets
        weeks = None if provisional else -(-self.terms.valid_days // WEEK)
        return _Looks(bets_on.running(growth_for[start:end]), bets_off.restarted(growth_against[start:end], WEEK, weeks))

    def _of_each_day(self, floor: float) -> tuple[Floats, Floats]:
        """The growth of bets for and against on each day; an audit still open counts against either sentence."""
        of = self._audits
        day = np.array([entry.day for entry in of], dtype=np.int64)
        errors, audited, still_open = (np.array(counts, dtype=np.float64) for counts in _columns(of))
        weight = weights([entry.inclusion for entry in of], floor)
        supporting, opposing = self._bets
        return (
            _summed(supporting, supporting.growth(errors + still_open, audited, weight), day, self.days),
            _summed(opposing, opposing.growth(errors, audited, weight), day, self.days),
        )


def _columns(audits: Sequence[Audits]) -> tuple[list[int], list[int], list[int]]:
    return [one.errors for one in audits], [one.audited for one in audits], [one.open for one in audits]


def _summed(bets: Bets, growth: Floats, day: np.ndarray, days: int) -> Floats:
    total = np.zeros((days, len(bets.stakes)))
    np.add.at(total, day, growth)
    return total


def _counted(audits: Sequence[Audits], days: int, patience: int) -> int:
    """Days before the first that has audits open and is not yet old."""
    waiting = [entry.day for entry in audits if entry.open and days - 1 - entry.day < patience]
    return max(0, min([days, *waiting]))


def _spell(record: _Record, start: int, standing: Standing, cause: Cause | None) -> tuple[list[DayEnd], Standing, Cause | None]:
    """One spell from ``start``: its days, and what the next one begins as, and why."""
    if not standing.in_force:
        return _waiting(record, start, standing, cause)
    terms = record.terms
    provisional = standing is Standing.PROVISIONAL
    end = record.days if provisional else min(record.days, start + terms.valid_days)
    looks = record.looks(start, end, standing)
    days: list[DayEnd] = []
    was = standing
    for day, (for_, against) in enumerate(zip(looks.evidence_for.tolist(), looks.evidence_against.tolist(), strict=True), start):
        if against >= 1 / terms.alpha:
            return [*days, DayEnd(day, Standing.REVOKED, for_, against, Cause.AUDITS, start)], Standing.REVOKED, None
        doubted = not provisional and against >= terms.doubt / terms.alpha
        now = Standing.DOUBTED if doubted else standing
        moved = cause if day == start else Cause.AUDITS if now is not was else None
        days.append(DayEnd(day, now, for_, against, moved, start))
        was = now
        if doubted:
            continue
        following = Standing.CERTIFIED if provisional else Standing.RENEWED
        if day in record.shown:
            return days, following, Cause.SAMPLE
        renewable = provisional or day - start + 1 > terms.valid_days - terms.renewable_days
        if renewable and for_ >= 1 / terms.level:
            return days, following, Cause.AUDITS
    return days, Standing.PROVISIONAL if terms.provisional else Standing.NONE, Cause.EXPIRY


def _waiting(record: _Record, start: int, standing: Standing, cause: Cause | None) -> tuple[list[DayEnd], Standing, Cause | None]:
    """Nothing is decided, until a sample shows the bound; it holds from the next day on."""
    days: list[DayEnd] = []
    for day in range(start, record.days):
        days.append(DayEnd(day, standing, 1.0, 1.0, cause if day == start else None, start))
        if day in record.shown:
            return days, Standing.CERTIFIED, Cause.SAMPLE
    return days, standing, None


def _check(audits: Sequence[Audits], samples: Sequence[PlannedSample]) -> None:
    mistakes = []
    for entry in audits:
        where = f"day {entry.day}"
        if entry.day < 0:
            mistakes.append(Mistake("day", entry.day, "0 or later"))
        if entry.open < 0 or entry.errors < 0 or entry.errors + entry.open > entry.audited:
            found = f"{entry.errors} errors and {entry.open} open of {entry.audited}"
            mistakes.append(Mistake("audits", found, "no more errors and open audits than audits", where))
        if not 0 < entry.inclusion <= 1:
            mistakes.append(Mistake("inclusion", entry.inclusion, "more than 0 and at most 1", where))
    for sample in samples:
        where = f"sample of day {sample.day}"
        if sample.sizes.ads != sample.planned:
            mistakes.append(Mistake("sample", f"{sample.sizes.ads} ads", f"the {sample.planned} planned: others are another look", where))
        if not 0 <= sample.errors <= sample.sizes.ads:
            mistakes.append(Mistake("errors", sample.errors, f"0 to {sample.sizes.ads}", where))
        if not 0 < sample.level < 1:
            mistakes.append(Mistake("level", sample.level, "more than 0 and less than 1", where))
    if mistakes:
        raise InvalidInput("these counts are not those of a certificate", mistakes)
