"""Who tries out what is approved: near copies of what was stopped, changed word by word until one passes.

decisions and checked drafts of an advertiser, in order -> groups of near copies -> a notice where copies of something stopped come
nearer and nearer to passing, or in numbers that no campaign has

Advertisers of whom nothing was stopped are not looked at: most are never more than a number here. An honest advertiser mends a stopped
ad once or twice, and often at one go; who probes takes many steps, each a little nearer.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Literal

from pydantic import JsonValue

from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision
from adverdict.domain.degraded import Cause, degradations
from adverdict.domain.formats import counted
from adverdict.domain.verdict import Verdict
from adverdict.features.text.normalise import HasWords, ad_text
from adverdict.features.text.scripts import words

WINDOW = timedelta(days=7)
ALIKE = 0.5
"""Share of the words of two texts together that both have, from which one is a near copy of the other (Jaccard)."""
TRIES, NEARER = 5, 3
"""Changed copies after the one that was stopped, and times that one was nearer to passing than all before, that make a climb."""
STEP = 0.2
"""Log-odds by which it must be nearer: less is what any other word does."""
STUBBORN, STOPPED = 20, 10
"""Changed copies, and how many of these were stopped, that make a notice without coming nearer."""
BURST, BURST_SPAN = 50, timedelta(minutes=1)
"""Changed copies of something stopped within a minute."""
COMPARED, KEPT = 30, 200
"""Copies of a group that a new one is compared with, and that are kept: the last ones."""
GROUPS = 20
"""Of an advertiser, the last ones."""
MOST = 6.0
"""Log-odds beyond which a level is no more telling."""
HOLD = timedelta(days=7)
Kind = Literal["climb", "burst", "stubborn"]


@dataclass(frozen=True, slots=True)
class Try:
    """A decision, or a draft that was checked."""

    advertiser: str
    at: datetime
    words: frozenset[int]
    """Hashes."""
    level: float
    """How far it is above what passes, in log-odds; 0 or below: it passes."""
    stopped: bool
    decision_id: str | None = None
    """None: a draft that was checked."""
    ad_id: str = ""


@dataclass(frozen=True)
class Notice:
    """What was noticed of one advertiser."""

    advertiser: str
    kind: Kind
    copies: int
    """Changed ones, after the first that was stopped."""
    nearer: int
    checked: int
    """Of the copies, drafts that were only checked."""
    passed: tuple[str, ...]
    """Ads, copies of it, that were approved."""
    examples: tuple[str, ...]
    since: datetime
    at: datetime

    @property
    def says(self) -> str:
        span = _span(self.at - self.since)
        how = {
            "climb": f"{self.nearer} of them nearer to passing than all before",
            "burst": f"{BURST} or more of them within a minute",
            "stubborn": "most of them stopped, too",
        }[self.kind]
        drafts = f", {self.checked} of them drafts that were only checked" if self.checked else ""
        back = "is" if len(self.passed) == 1 else "are"
        passed = f" {len(self.passed)} passed and {back} back in line for people." if self.passed else ""
        return f"{self.copies} changed copies of an ad that was stopped came within {span}{drafts}; {how}.{passed}"

    @property
    def figures(self) -> dict[str, JsonValue]:
        return {"kind": self.kind, "copies": self.copies, "nearer": self.nearer, "checked": self.checked, "passed": len(self.passed)}


@dataclass
class _Group:
    """Near copies, in order, from the first that was stopped on."""

    tries: deque[Try] = field(default_factory=lambda: deque(maxlen=KEPT))
    best: float = math.inf
    nearer: int = 0
    copies: int = 0
    stopped: int = 0
    checked: int = 0

    def takes(self, one: Try) -> bool:
        return any(alike(one.words, other.words) >= ALIKE for other in list(self.tries)[-COMPARED:])

    def add(self, one: Try) -> None:
        changed = all(one.words != other.words for other in self.tries)
        if self.tries and changed:
            self.copies += 1
            self.stopped += one.stopped
            self.checked += one.decision_id is None
            if one.level <= self.best - STEP:
                self.nearer += 1
        self.best = min(self.best, one.level)
        self.tries.append(one)

    def kind(self, now: datetime) -> Kind | None:
        if self.copies >= TRIES and self.nearer >= NEARER:
            return "climb"
        if len({one.words for one in self.tries if now - one.at <= BURST_SPAN}) > BURST:
            return "burst"
        return "stubborn" if self.copies >= STUBBORN and self.stopped >= STOPPED else None


class ProbingDetector:
    """Give it everything in order. What it holds grows with advertisers of whom something was stopped within ``WINDOW``."""

    def __init__(self) -> None:
        self._groups: dict[str, list[_Group]] = {}

    def see(self, one: Try) -> Notice | None:
        """Whether this try makes a notice. An advertiser that was noticed begins anew."""
        groups = self._groups.get(one.advertiser)
        if groups is None:
            if one.stopped:
                self._groups[one.advertiser] = [_new(one)]
            return None
        groups[:] = [group for group in groups if one.at - group.tries[-1].at <= WINDOW]
        home = next((group for group in reversed(groups) if group.takes(one)), None)
        if home is None:
            if one.stopped:
                groups.append(_new(one))
                del groups[:-GROUPS]
            return None
        home.add(one)
        kind = home.kind(one.at)
        if kind is None:
            return None
        del self._groups[one.advertiser]
        decided = [one.decision_id for one in home.tries if one.decision_id is not None]
        passed = tuple(dict.fromkeys(one.ad_id for one in home.tries if one.decision_id is not None and not one.stopped))
        examples = tuple(decided[-5:])
        return Notice(one.advertiser, kind, home.copies, home.nearer, home.checked, passed, examples, home.tries[0].at, one.at)

    def watches(self, advertiser: str) -> bool:
        """Whether anything of theirs was stopped lately."""
        return advertiser in self._groups

    def forget(self, now: datetime) -> None:
        """Advertisers of whom nothing came for long."""
        old = [name for name, groups in self._groups.items() if all(now - group.tries[-1].at > WINDOW for group in groups)]
        for name in old:
            del self._groups[name]


def try_of(decision: Decision, ad: Ad, secret: bytes) -> Try:
    """A decision as a try. One that stands in line only because its advertiser was noticed before is judged by its risks."""
    return Try(
        ad.advertiser_id,
        decision.decided_at,
        words_of(ad, secret),
        level_of(decision),
        is_stopped(decision),
        decision.decision_id,
        ad.ad_id,
    )


def is_stopped(decision: Decision) -> bool:
    """Whether the ad would not have run, whoever sent it."""
    held = any(one.cause is Cause.PROBING for one in degradations(decision.degraded))
    return level_of(decision) > 0 if held else decision.verdict is not Verdict.APPROVE


def level_of(decision: Decision, approve_below: Mapping[str, float] | None = None) -> float:
    """The most that any risk is above what its policy approves, in log-odds within ``MOST``; where no threshold decided, ``MOST`` for
    whatever does not approve."""
    told, limits = decision.policies, approve_below or {}
    return level(
        (one.risk.p if one.risk else None, limits.get(one.policy, one.approve_below), one.verdict is Verdict.APPROVE) for one in told
    )


def level(policies: Iterable[tuple[float | None, float | None, bool]]) -> float:
    """The same: of each policy its risk, what it approves below, and whether it approves."""
    found = [-MOST]
    for p, limit, approves in policies:
        if p is not None and limit is not None and limit > 0:
            found.append(_logit(p) - _logit(limit))
        elif not approves and p is not None:
            found.append(_logit(p))
    return max(-MOST, min(MOST, max(found)))


def words_of(ad: HasWords, secret: bytes) -> frozenset[int]:
    """Hashes of the normalised words by a secret: enough to compare, and no text."""
    key = secret[:32]
    return frozenset(_hash(word, key) for word in words(ad_text(ad).text))


@lru_cache(maxsize=1 << 14)
def _hash(word: str, key: bytes) -> int:
    return int.from_bytes(blake2b(word.encode(), digest_size=7, key=key).digest())


def alike(one: frozenset[int], other: frozenset[int]) -> float:
    """Jaccard's measure, in [0, 1]; of two without words 1."""
    both = len(one & other)
    return both / (len(one) + len(other) - both) if one or other else 1.0


def _new(one: Try) -> _Group:
    group = _Group()
    group.add(one)
    return group


def _logit(p: float) -> float:
    p = min(max(p, 1e-6), 1 - 1e-6)
    return math.log(p / (1 - p))


def _span(time: timedelta) -> str:
    seconds = time.total_seconds()
    if seconds < 120:
        return counted(max(1, math.ceil(seconds)), "second")
    return counted(math.ceil(seconds / 60), "minute") if seconds < 7200 else counted(math.ceil(seconds / 3600), "hour")
