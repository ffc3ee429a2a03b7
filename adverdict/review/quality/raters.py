"""How far each reviewer can be trusted under one policy, and what the ads they read truly are, from readings that contradict each other.

Dawid and Skene (1979, Applied Statistics 28, 20-28) with two classes: an ad violates or not, a reviewer has a sensitivity and a
specificity, readings are independent given the ad's truth. EM finds the likeliest rates, and P(violates) of every ad; golden tasks enter
with their truth fixed. Beta priors keep it identified. First all reviewers are taken as one, ``PRIOR`` saying that this one is right three
times in four, with the weight of two ads: so "everybody is mostly wrong" does not win. Then each has the rate of all as prior, again with
the weight of two ads; one prior at 0.75 for each would pull a large team of seldom seen reviewers towards it. Prevalence has Jeffreys'
prior.

An ad whose truth is itself estimated is worth less than a golden task. The observed information (Louis 1982, JRSS B 44, 226-233) says how
much less, all rates together; each reviewer's interval is Jeffreys' from so many ads, so that without any it is all of [0, 1] but for its
ends, whatever the others are like. Where nearly every ad is read once they cover in about 93 % instead of 95 %. The readings'
independence is taken for granted: reviewers who err on the same ads look better than they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, special

from adverdict.domain.errors import InvalidInput, Mistake
from adverdict.review.quality.estimates import Estimate, jeffreys

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PRIOR = (1.5, 0.5)
"""Right and wrong readings supposed beforehand of all reviewers together, on either kind of ad; each one's prior has the same sum."""
PREVALENCE_PRIOR = (0.5, 0.5)
_ROUNDS = 5000
_SETTLED = 1e-7


class Reading(NamedTuple):
    """One reviewer's answer for one ad."""

    item: str
    reviewer: str
    says_violating: bool


@dataclass(frozen=True)
class Quality:
    """One reviewer. Each estimate's ``n``: ads of known truth that the readings are worth, of those that violate or do not."""

    reviewer: str
    sensitivity: Estimate
    """P(says violating | violates)."""
    specificity: Estimate
    """P(says not | does not)."""
    readings: int
    golden: int
    """Of these, of golden tasks."""


@dataclass(frozen=True)
class Consensus:
    """What readings under one policy say together."""

    prevalence: Estimate
    """Violating ads among those whose truth is not known; golden tasks were chosen and do not count."""
    reviewers: Mapping[str, Quality]
    violates: Mapping[str, float]
    """P(violates) of each ad read; 0 or 1 for golden tasks."""
    rounds: int
    settled: bool
    """Whether EM came to rest; if not, nothing here should be relied on."""


@dataclass(frozen=True)
class _Table:
    """Readings as numbers: ``item`` and ``reviewer`` int64, ``says`` 0 or 1, one entry a reading; ``known`` one an item, NaN if unknown."""

    item: Ints
    reviewer: Ints
    says: Floats
    known: Floats
    reviewers: int

    def by_reviewer(self, weight: Floats) -> Floats:
        return np.bincount(self.reviewer, weight, self.reviewers).astype(np.float64)

    def by_item(self, weight: Floats) -> Floats:
        return np.bincount(self.item, weight, len(self.known)).astype(np.float64)


def dawid_skene(readings: Iterable[tuple[str, str, bool]], known: Mapping[str, bool] | None = None) -> Consensus:
    """Consensus of ``readings`` (item, reviewer, says violating); ``known`` is the truth of golden tasks, by item.

    Raises InvalidInput where a reviewer reads an ad twice: the second reading is no independent one.
    """
    given = [Reading(*reading) for reading in readings]
    refuse_twice(given)
    items, reviewers = sorted({reading.item for reading in given}), sorted({reading.reviewer for reading in given})
    table = _table(given, items, reviewers, known or {})
    together = replace(table, reviewer=np.zeros_like(table.reviewer), reviewers=1)
    votes = (table.by_item(table.says) + 0.25) / (table.by_item(np.ones(len(given))) + 0.5)  # towards one half
    right = np.full((2, 1), PRIOR[0])
    violates, _, _ = _settle(together, np.where(np.isnan(table.known), votes, table.known), right)
    right = sum(PRIOR) * np.stack(_rates(together, violates, right)[1:])
    violates, rounds, settled = _settle(table, violates, right)
    prevalence, found = _estimates(table, violates, right)
    golden = table.by_reviewer(1.0 - np.isnan(table.known[table.item])).astype(np.int64).tolist()
    total = table.by_reviewer(np.ones(len(given))).astype(np.int64).tolist()
    quality = {name: Quality(name, *found[number], total[number], golden[number]) for number, name in enumerate(reviewers)}
    return Consensus(prevalence, quality, dict(zip(items, violates.tolist(), strict=True)), rounds, settled)


def refuse_twice(readings: Iterable[tuple[str, str, bool]]) -> None:
    """Raises InvalidInput, with every (item, reviewer) that is read more than once."""
    seen: set[tuple[str, str]] = set()
    mistakes = []
    for item, reviewer, says in readings:
        if (item, reviewer) in seen:
            mistakes.append(Mistake("reading", says, f"one reading of {item!r} by {reviewer!r}"))
        seen.add((item, reviewer))
    if mistakes:
        raise InvalidInput("these readings cannot be used", mistakes)


def _table(given: list[Reading], items: list[str], reviewers: list[str], known: Mapping[str, bool]) -> _Table:
    item_number, reviewer_number = ({name: number for number, name in enumerate(names)} for names in (items, reviewers))
    return _Table(
        item=np.array([item_number[reading.item] for reading in given], dtype=np.int64),
        reviewer=np.array([reviewer_number[reading.reviewer] for reading in given], dtype=np.int64),
        says=np.array([reading.says_violating for reading in given], dtype=np.float64),
        known=np.array([float(known[item]) if item in known else np.nan for item in items]),
        reviewers=len(reviewers),
    )


def _settle(table: _Table, violates: Floats, right: Floats) -> tuple[Floats, int, bool]:
    """EM from a first P(violates) of each item, (n_items,): the last one, rounds, whether it came to rest. ``right`` as in ``_rates``."""
    for done in range(1, _ROUNDS + 1):
        now = _violates(table, *_rates(table, violates, right))
        change = float(np.abs(now - violates).max(initial=0.0))
        violates = now
        if change < _SETTLED:
            return violates, done, True
    return violates, _ROUNDS, False


def _rates(table: _Table, violates: Floats, right: Floats) -> tuple[float, Floats, Floats]:
    """Prevalence, and sensitivity and specificity (n_reviewers,), given P(violates) of each item.

    ``right`` (2, 1): of the prior's readings, those right on ads that violate and on those that do not.
    """
    unknown = violates[np.isnan(table.known)]
    q = violates[table.item]
    sensitivity = (table.by_reviewer(q * table.says) + right[0]) / (table.by_reviewer(q) + sum(PRIOR))
    specificity = (table.by_reviewer((1 - q) * (1 - table.says)) + right[1]) / (table.by_reviewer(1 - q) + sum(PRIOR))
    return float((unknown.sum() + PREVALENCE_PRIOR[0]) / (len(unknown) + sum(PREVALENCE_PRIOR))), sensitivity, specificity


def _violates(table: _Table, prevalence: float, sensitivity: Floats, specificity: Floats) -> Floats:
    """P(violates) of each item given the rates, (n_items,)."""
    own, other = sensitivity[table.reviewer], specificity[table.reviewer]
    evidence = np.where(table.says > 0, np.log(own) - np.log1p(-other), np.log1p(-own) - np.log(other))
    found = special.expit(table.by_item(evidence) + special.logit(prevalence))
    return np.asarray(np.where(np.isnan(table.known), found, table.known))


def _estimates(table: _Table, violates: Floats, right: Floats) -> tuple[Estimate, list[tuple[Estimate, Estimate]]]:
    """Intervals from as many ads as the observed information of all rates' log-odds, (2 * n_reviewers + 1,), is worth."""
    n = table.reviewers
    prevalence, sensitivity, specificity = _rates(table, violates, right)
    q = violates[table.item]
    rates = np.concatenate([sensitivity, specificity, [prevalence]])
    ads = np.concatenate([table.by_reviewer(q), table.by_reviewer(1 - q), [float(np.isnan(table.known).sum())]])
    prior = np.repeat([sum(PRIOR), sum(PREVALENCE_PRIOR)], [2 * n, 1])
    complete = (ads + prior) * rates * (1 - rates)
    scale = np.sqrt(complete)
    values, vectors = np.linalg.eigh((np.diag(complete) - _lost(table, violates, sensitivity, specificity)) / np.outer(scale, scale))
    inflation = (vectors**2 / np.maximum(values, 1e-6)).sum(axis=1)  # variance over that with the truth known, at least 1
    worth = np.clip((ads + prior) / inflation - prior, 0.0, ads)
    found = [jeffreys(float(rate), float(size)) for rate, size in zip(rates, worth, strict=True)]
    return found[-1], list(zip(found[:n], found[n : 2 * n], strict=True))


def _lost(table: _Table, violates: Floats, sensitivity: Floats, specificity: Floats) -> Floats:
    """Information that not knowing the truth takes: the complete-data score's variance given the readings, summed over items."""
    n = table.reviewers
    entries = np.concatenate([table.says - sensitivity[table.reviewer], specificity[table.reviewer] - (1 - table.says)])
    rows = np.concatenate([table.item, table.item])
    columns = np.concatenate([table.reviewer, table.reviewer + n])
    unknown = np.flatnonzero(np.isnan(table.known))
    rows, columns = np.concatenate([rows, unknown]), np.concatenate([columns, np.full(len(unknown), 2 * n)])
    entries = np.concatenate([entries, np.ones(len(unknown))])
    score = sparse.csr_array((entries, (rows, columns)), shape=(len(violates), 2 * n + 1))
    doubt = sparse.dia_array((violates * (1 - violates), [0]), shape=(len(violates), len(violates)))
    return np.asarray((score.T @ doubt @ score).toarray())
