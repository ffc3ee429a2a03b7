"""Advertisers whose ad was rejected and who change it word by word until it passes, knowing more or less.

verdicts   of submissions alone
checks     which rules a draft meets and with which words, then a submission once nothing is told
risks      of every submission: what an advertiser learns where a platform hands them on
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import numpy as np

from adverdict.benchmarks.probing.model import Platform, text_of
from adverdict.certification.statistics.intervals import clopper_pearson
from adverdict.domain.progress import Progress
from adverdict.monitoring.drafts import A_DAY, AN_HOUR, LOWEST
from adverdict.monitoring.probing import ProbingDetector, Try

Knows = Literal["verdicts", "checks", "risks"]
KNOWS: tuple[Knows, ...] = ("verdicts", "checks", "risks")
MOST = 200
"""Queries of one climber."""
PACE = timedelta(minutes=1)
"""Between queries; a climber whose checks are spent waits."""
KEPT = 0.5
"""Probability with which a change that changes no verdict is kept."""
RANK = {"approve": 0, "review": 1, "reject": 2}


@dataclass
class _Climb:
    """One climber's way."""

    words: list[str]
    queries: int = 0
    passed: int | None = None
    """The query at which an ad passed."""
    noticed: int | None = None
    """The query at which somebody noticed."""


class _World:
    """What answers, and who watches."""

    def __init__(self, platform: Platform, name: str) -> None:
        self.platform, self.name, self.at = platform, name, datetime(2027, 1, 4)
        self.detector, self.climb = ProbingDetector(), _Climb([])
        self._checks: list[datetime] = []
        self._edge = LOWEST + (1 - LOWEST) * (hash_of(name) % 1000) / 1000

    def submit(self, words: list[str]) -> tuple[str, float]:
        risk = float(self.platform.risk([" ".join(words)])[0])
        verdict = self.platform.verdict(risk)
        self._see(words, risk, verdict != "approve", "dec")
        if verdict == "approve" and self.climb.passed is None:
            self.climb.passed = self.climb.queries
        return verdict, risk

    def check(self, words: list[str]) -> list[str] | None:
        """The words that meet a rule; None: it meets none."""
        for limit, span in ((AN_HOUR, timedelta(hours=1)), (A_DAY, timedelta(days=1))):
            recent = [at for at in self._checks if self.at - at < span]
            if len(recent) >= limit:
                self.at = recent[0] + span
        self._checks.append(self.at)
        risk = float(self.platform.risk([" ".join(words)])[0])
        self._see(words, risk, risk >= self.platform.approve_below, None)
        if risk < self.platform.approve_below * self._edge:
            return None
        weights = self.platform.weights(words)
        return [words[i] for i in np.argsort(-weights)[:3] if weights[i] > 0]

    def _see(self, words: list[str], risk: float, stopped: bool, decision: str | None) -> None:
        self.climb.queries += 1
        self.at += PACE
        level = _logit(risk) - _logit(self.platform.approve_below)
        hashed = frozenset(hash_of(word) for word in words)
        one = Try(self.name, self.at, hashed, level, stopped, decision, str(self.climb.queries))
        if self.climb.noticed is None and self.detector.see(one) is not None:
            self.climb.noticed = self.climb.queries


def climbs(platform: Platform, count: int, seed: int, progress: Progress) -> dict[str, Any]:
    """Of each way of knowing, how many ads pass and after how many queries, were nobody to notice and as it is noticed."""
    rng = np.random.default_rng([seed, 24])
    rejected = np.flatnonzero((platform.risks >= 0.8) & platform.violates)
    chosen = rng.choice(rejected, min(count, len(rejected)), replace=False)
    harmless = np.flatnonzero(platform.risks < platform.approve_below)[:4000]
    pools: dict[str, list[str]] = {}
    for number in harmless:
        ad = platform.ads[number]
        pools.setdefault(ad.language or "", []).extend(text_of(ad).split())
    found: dict[str, Any] = {}
    for knows in KNOWS:
        progress.stage(f"climbers who know {knows}", len(chosen))
        told = []
        for number in chosen:
            ad = platform.ads[number]
            pool = pools.get(ad.language or "") or pools[max(pools, key=lambda one: len(pools[one]))]
            own = np.random.default_rng([seed, 25, int(number)])
            told.append(_climb(platform, f"{knows} {number}", text_of(ad).split(), pool, knows, own))
            progress.advance()
        found[knows] = _figures(told)
    return found


def _climb(platform: Platform, name: str, words: list[str], pool: list[str], knows: Knows, rng: np.random.Generator) -> _Climb:
    world = _World(platform, name)
    verdict, risk = world.submit(words)
    hints: list[str] = []
    while world.climb.queries < MOST and world.climb.passed is None and words:
        changed = list(words)
        at = [i for i, word in enumerate(words) if word in hints] or list(range(len(words)))
        place = int(rng.choice(at))
        if rng.random() < 0.5 and len(changed) > 3:
            del changed[place]
        else:
            changed[place] = str(rng.choice(pool))
        if knows == "checks":
            told = world.check(changed)
            words, hints = changed, told or []
            if told is None:
                world.submit(words)
            continue
        new_verdict, new_risk = world.submit(changed)
        better = new_risk < risk if knows == "risks" else RANK[new_verdict] < RANK[verdict]
        same = knows == "verdicts" and new_verdict == verdict and rng.random() < KEPT
        if better or same:
            words, verdict, risk = changed, new_verdict, new_risk
    return world.climb


def _figures(told: list[_Climb]) -> dict[str, Any]:
    passed = [one for one in told if one.passed is not None]
    free = [one for one in passed if one.noticed is None or (one.passed or 0) < one.noticed]
    back = [one for one in told if one.noticed is not None and one.passed is not None and one.passed < one.noticed]
    return {
        "ads": len(told),
        "passed_unnoticed_watch_off": len(passed),
        "passed_interval": list(clopper_pearson(len(passed), len(told))),
        "median_queries": float(np.median([one.passed for one in passed])) if passed else None,
        "passed_watched": len(free),
        "passed_watched_interval": list(clopper_pearson(len(free), len(told))),
        "noticed": sum(one.noticed is not None for one in told),
        "median_queries_noticed": float(np.median([one.noticed for one in told if one.noticed])) if any(o.noticed for o in told) else None,
        "passed_and_read_again": len(back),
        "first_try": sum((one.passed or 99) <= 3 for one in told),
    }


def false_notices(platform: Platform) -> dict[str, Any]:
    """Of advertisers of the marketplace, by their intent, those who are noticed as they go about their business."""
    detector, noticed = ProbingDetector(), set[str]()
    stopped, every = set[str](), dict[str, str]()
    for number, ad in enumerate(platform.ads):
        risk = float(platform.risks[number])
        every.setdefault(ad.advertiser_id, platform.intent[number])
        verdict = platform.verdict(risk)
        if verdict != "approve":
            stopped.add(ad.advertiser_id)
        words = frozenset(hash_of(word) for word in text_of(ad).split())
        level = _logit(risk) - _logit(platform.approve_below)
        one = Try(ad.advertiser_id, ad.submitted_at, words, level, verdict != "approve", ad.ad_id, ad.ad_id)
        if detector.see(one) is not None:
            noticed.add(ad.advertiser_id)
    found: dict[str, Any] = {}
    for intent in sorted(set(every.values())):
        theirs = {name for name, told in every.items() if told == intent}
        found[intent] = {"advertisers": len(theirs), "stopped": len(theirs & stopped), "noticed": len(theirs & noticed)}
        found[intent]["interval"] = list(clopper_pearson(len(theirs & noticed), len(theirs)))
    return found


def hash_of(word: str) -> int:
    from adverdict.domain.identity import number_of

    return number_of(word)


def _logit(p: float) -> float:
    p = min(max(p, 1e-6), 1 - 1e-6)
    return math.log(p / (1 - p))
