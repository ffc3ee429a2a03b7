"""What the audit stream tells: how many automatic decisions are wrong, and how many ads violate, from readings by people who err.

Every automatic decision is audited with a recorded probability, the same throughout a stratum. An audited ad is read blind by one reviewer
or more; who reads is drawn at random, and further readings may depend on what the first ones said (``review.quality.audit_design``) but on
nothing else. Golden tasks, whose truth is known, go to the same reviewers in proportion to what they audit. Under one policy that gives a
likelihood (``review.quality.latent_class``) with every stratum's share, and one sensitivity and one specificity of the mean reviewer;
nothing is taken as true because somebody read it.

The interval is that of the likelihood ratio (Wilks 1938), the rest maximised out: unlike estimate plus or minus it is right where few ads
violate, and where nothing tells the reviewers' rates it is wide. What was audited is itself part of the decisions on record: that part of
the sampling variance is taken off (Cochran 1977, section 2.6), so an interval is one for the decisions on record, not for those to come.

Not covered: readings of one ad that err together because the ad is hard to read. They make violations that nobody sees, which no audit
shows, and false alarms that look like violations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import optimize, stats

from adverdict.domain.errors import InvalidInput, Mistake
from adverdict.domain.verdict import Verdict
from adverdict.review.quality.latent_class import Floats, LatentClass, Point

Patterns = Mapping[tuple[int, int], float]
"""(readings of an ad, how many of them say violating) -> ads. Whole numbers, except where a plan expects so many."""

CRITICAL = float(stats.chi2.ppf(0.95, 1))
_TOPS = 5
"""Tops of the likelihood that are tried in turn; more than two were never seen."""
_SLACK = 0.01
"""Of the root of the likelihood ratio, whose limit is about 2."""
_IMPOSSIBLE = 1e-9
"""More audits than the recorded probability gives with this chance were not drawn with it."""


@dataclass(frozen=True)
class AuditStratum:
    """Automatic decisions with one verdict that were audited with one probability."""

    name: str
    verdict: Verdict
    decisions: int
    """On record, audited or not."""
    inclusion: float
    """Probability with which each was audited, in (0, 1]."""
    patterns: Patterns
    """The audited ads that were read. Fewer than drawn is no harm while which ones wait for a reviewer is chance."""


@dataclass(frozen=True)
class GoldenReadings:
    """Readings of ads of known truth, all reviewers together."""

    violating: int = 0
    """Readings of ads that violate."""
    called_violating: int = 0
    """Of these, right."""
    harmless: int = 0
    """Readings of ads that do not."""
    called_harmless: int = 0
    """Of these, right."""


@dataclass(frozen=True)
class AuditShare:
    """A share of the automatic decisions on record, with its 95 % interval; low <= value <= high, all in [0, 1]."""

    value: float
    low: float
    high: float
    audited: int
    said_violating: int
    """Audited ads most readings of which say violating, a tie included."""
    decisions: int

    def reversed(self) -> AuditShare:
        """The share that does not violate; the counts stay what they were."""
        return AuditShare(1 - self.value, 1 - self.high, 1 - self.low, self.audited, self.said_violating, self.decisions)


@dataclass(frozen=True)
class Audit:
    """What the audits of one policy tell."""

    prevalence: AuditShare
    """Violating ads among all automatic decisions."""
    leakage: AuditShare | None
    """Violating ads among the approved; None without such a stratum."""
    wrongful_rejection: AuditShare | None
    """Ads that do not violate among the rejected."""
    strata: Mapping[str, AuditShare]
    """Share violating in each, by name; empty unless asked for."""
    sensitivity: float
    specificity: float
    """The mean reviewer's likeliest rates."""


@dataclass
class _Search:
    """The likelihood of one audit, with its top."""

    model: LatentClass
    top: Point
    counts: Sequence[AuditStratum]
    audited: Floats = field(init=False)
    decisions: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.audited = np.array([sum(stratum.patterns.values()) for stratum in self.counts])
        self.decisions = np.array([stratum.decisions for stratum in self.counts], dtype=np.float64)


def audit(
    strata: Sequence[AuditStratum], golden: GoldenReadings | None = None, also_read: Patterns | None = None, each: bool = False
) -> Audit:
    """Shares of the automatic decisions on record under one policy, strata weighing as many as they hold.

    ``also_read`` are ads read blind elsewhere by the same reviewers, which tell of their errors only: also those read once, where a second
    reading depends on the first. ``each`` asks for the strata one by one too. Takes some tens of milliseconds a share, however many ads.
    Raises InvalidInput with every mistake found.
    """
    golden, also_read = golden or GoldenReadings(), also_read or {}
    mistakes = list(_mistakes(strata, golden, also_read))
    if mistakes:
        raise InvalidInput("these audits cannot be used", mistakes)
    search = _search(strata, golden, also_read)
    approved, rejected = ([stratum.verdict is verdict for stratum in strata] for verdict in (Verdict.APPROVE, Verdict.REJECT))
    prevalence = _share(search, [True] * len(strata))
    leakage = (prevalence if all(approved) else _share(search, approved)) if any(approved) else None
    wrongful = (prevalence if all(rejected) else _share(search, rejected)).reversed() if any(rejected) else None
    single = {one.name: _share(search, [one is other for other in strata]) for one in strata} if each else {}
    sensitivity, specificity = (1 / (1 + np.exp(-search.top.errors))).tolist()
    return Audit(prevalence, leakage, wrongful, single, sensitivity, specificity)


def _search(strata: Sequence[AuditStratum], golden: GoldenReadings, also_read: Patterns) -> _Search:
    tables: list[Patterns] = [stratum.patterns for stratum in strata] + ([also_read] if also_read else [])
    patterns = sorted({pattern for table in tables for pattern in table}) or [(1, 0)]
    readings, violating = np.array(patterns, dtype=np.float64).T
    ads = np.array([[table.get(pattern, 0) for pattern in patterns] for table in tables], dtype=np.float64)
    right = np.array([golden.called_violating, golden.called_harmless], dtype=np.float64)
    wrong = np.array([golden.violating, golden.harmless]) - right
    model = LatentClass(readings, violating, ads, np.stack([right, wrong], axis=1))
    return _Search(model, model.likeliest(), strata)


def _share(search: _Search, chosen: Sequence[bool]) -> AuditShare:
    """The share violating among the chosen strata."""
    own = np.where(chosen, search.decisions, 0.0)
    weights = np.concatenate([own / own.sum(), np.zeros(len(search.top.share) - len(own))])
    value = float(weights @ search.top.share)
    variance, kept = _variance(search, weights)
    limit = float(np.sqrt(CRITICAL * kept))
    step = limit * float(np.sqrt(variance))
    ends = [_end(search, weights, value, direction * step, limit) for direction in (-1, 1)]
    picked = [stratum for stratum, is_chosen in zip(search.counts, chosen, strict=True) if is_chosen]
    tallies = [(ads, 2 * yes >= n) for stratum in picked for (n, yes), ads in stratum.patterns.items()]
    return AuditShare(
        value=value,
        low=min(ends[0], value),
        high=max(ends[1], value),
        audited=round(sum(ads for ads, _ in tallies)),
        said_violating=round(sum(ads for ads, yes in tallies if yes)),
        decisions=int(own.sum()),
    )


def _variance(search: _Search, weights: Floats) -> tuple[float, float]:
    """Of the weighted share as if decisions went on for ever, and the part of it that is left for the decisions on record."""
    n = len(search.counts)
    share = search.top.share[:n]
    variance = float(weights @ search.model.covariance(search.top) @ weights)
    sampling = weights[:n] ** 2 * share * (1 - share) / np.maximum(search.audited, 1.0)
    return variance, max(1.0 - float(sampling @ (search.audited / search.decisions)) / variance, 1e-4)


def _end(search: _Search, weights: Floats, value: float, step: float, limit: float) -> float:
    """Where, going from ``value`` in the direction of ``step``, the root of the likelihood ratio reaches ``limit`` for good."""
    last, near = value, search.top
    for _ in range(_TOPS):
        last, near = _crossing(search, weights, (last, near), step, limit)
        if last in (0.0, 1.0):
            break
        other = search.model.likeliest_with(weights, last, search.top, anywhere=True)
        near = max(near, other, key=lambda point: point.log_likelihood)
        if _root(search, near) >= limit - _SLACK:
            break  # otherwise other rates of error explain the readings better from here on: further
    return last


def _crossing(search: _Search, weights: Floats, begin: tuple[float, Point], step: float, limit: float) -> tuple[float, Point]:
    """The same, climbing from the last point within the limit only; 0 or 1 where the limit is not reached."""
    last, near = begin
    known = {last: min(_root(search, near), limit - _SLACK) - limit}

    def beyond(total: float) -> float:
        nonlocal near
        if total not in known:
            point = search.model.likeliest_with(weights, total, near)
            known[total] = _root(search, point) - limit
            near = point if known[total] < 0 else near
        return known[total]

    wall = 0.0 if step < 0 else 1.0
    while last != wall:
        total = min(max(last + step, 0.0), 1.0)
        if beyond(total) >= 0:
            last = float(optimize.brentq(beyond, last, total, xtol=abs(step) * 1e-3, rtol=1e-6))
            return last, search.model.likeliest_with(weights, last, near)
        last, step = total, step * 1.7
    return wall, near


def _root(search: _Search, point: Point) -> float:
    return float(np.sqrt(max(2 * (search.top.log_likelihood - point.log_likelihood), 0.0)))


def _mistakes(strata: Sequence[AuditStratum], golden: GoldenReadings, also_read: Patterns) -> Iterator[Mistake]:
    if not strata:
        yield Mistake("strata", 0, "at least one")
    for name in {one.name for one in strata if sum(one.name == other.name for other in strata) > 1}:
        yield Mistake("name", name, "one stratum of this name")
    for stratum in strata:
        audited = sum(stratum.patterns.values())
        if stratum.verdict is Verdict.REVIEW:
            yield Mistake("verdict", str(stratum.verdict), "approve or reject: an automatic decision", stratum.name)
        if not stratum.decisions >= 1 or audited > stratum.decisions:
            yield Mistake("decisions", stratum.decisions, f"at least 1, and as many as were audited ({audited:g})", stratum.name)
        elif not 0 < stratum.inclusion <= 1:
            yield Mistake("inclusion", stratum.inclusion, "a probability above 0", stratum.name)
        elif stats.binom.sf(audited - 1, stratum.decisions, stratum.inclusion) < _IMPOSSIBLE:
            most = stratum.decisions * stratum.inclusion
            yield Mistake("audited", audited, f"about {most:.0f}: {stratum.inclusion:g} of {stratum.decisions}", stratum.name)
        yield from _wrong_patterns(stratum.patterns, stratum.name)
    yield from _wrong_patterns(also_read, "also_read")
    for name, right, n in (
        ("called_violating", golden.called_violating, golden.violating),
        ("called_harmless", golden.called_harmless, golden.harmless),
    ):
        if not 0 <= right <= n:
            yield Mistake(name, right, f"0 to {n}", "golden")


def _wrong_patterns(patterns: Patterns, where: str) -> Iterator[Mistake]:
    for (readings, violating), ads in patterns.items():
        if not (readings >= 1 and 0 <= violating <= readings and ads >= 0):
            yield Mistake("pattern", ((readings, violating), ads), "readings, of them violating, and a number of ads", where)
