"""Strikes: rejections of an advertiser's ads that count against it, and the limits that policy files set to them. Pure.

A strike is a rejection by people, or by a certified threshold, that stands. What an advertiser had submitted before it could know of a
rejection counts with that rejection: nobody can heed what has not been said, and a launch of fifty ads is one mistake.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol

HEED = timedelta(hours=1)
"""An ad counts by itself if it was submitted this long after the rejection before it: uploads take a while to stop."""
MOST_STRIKES, MOST_DAYS = 100, 3650


class StrikesThen(StrEnum):
    """What a reached limit causes."""

    REVIEW = "review"
    """People decide all of the advertiser's ads, as long as the limit is reached."""
    HOLD = "hold"
    """The same until somebody lifts it."""


class StrikesCounted(StrEnum):
    """What is counted together."""

    POLICY = "policy"
    SEVERITY = "severity"
    """All policies of the same severity, in force at the same place, that have a limit."""


@dataclass(frozen=True, slots=True)
class StrikeLimit:
    """``limit`` strikes within ``days``."""

    limit: int
    """1 to ``MOST_STRIKES``."""
    days: int
    """1 to ``MOST_DAYS``; a strike counts for that long."""
    then: StrikesThen
    counted: StrikesCounted = StrikesCounted.POLICY

    def __str__(self) -> str:
        together = ", counted by severity" if self.counted is StrikesCounted.SEVERITY else ""
        return f"{self.limit} within {self.days} days, then {self.then.value}{together}"


class Strike(NamedTuple):
    """One rejection that stands, under one policy."""

    policy: str
    at: datetime
    """Since when it stands, aware."""
    submitted_at: datetime
    """Of the ad, aware."""
    ad_id: str
    decision_id: str
    by: str
    """``people``, ``model`` (a certified threshold) or ``copy`` (carried from what people made of one)."""


class HasLimit(Protocol):
    """What is looked at of a policy in force."""

    @property
    def name(self) -> str: ...
    @property
    def severity(self) -> str: ...
    @property
    def strikes(self) -> StrikeLimit | None: ...


class KnownStrikes(Protocol):
    """Who knows of strikes, as of one entry of the ledger."""

    def of(self, advertisers: Collection[str]) -> Mapping[str, Sequence[Strike]]:
        """Those that stand and were not lifted, by advertiser; who has none may be left out. Raises Unavailable."""
        ...


@dataclass(frozen=True)
class StrikesListed:
    """Those that were written down: implements ``KnownStrikes`` where there is no ledger."""

    by_advertiser: Mapping[str, Sequence[Strike]]

    def of(self, advertisers: Collection[str]) -> Mapping[str, Sequence[Strike]]:
        return {name: self.by_advertiser[name] for name in advertisers if name in self.by_advertiser}


@dataclass(frozen=True, slots=True)
class StrikesReached:
    """A limit that an advertiser has reached."""

    policy: str
    limit: StrikeLimit
    strikes: tuple[Strike, ...]
    """Those that reached it, each counting by itself, the oldest first."""
    until: datetime | None
    """When it ends by itself, if nothing is added; None: when somebody lifts it."""

    def __str__(self) -> str:
        what = "policies as severe as" if self.limit.counted is StrikesCounted.SEVERITY else "policy"
        return f"{len(self.strikes)} strikes within {self.limit.days} days under {what} {self.policy}, whose limit is {self.limit.limit}"


def counting(strikes: Iterable[Strike]) -> list[Strike]:
    """Those that count by themselves, the oldest first: of ads that were submitted when the one before was known."""
    found: list[Strike] = []
    for strike in sorted(strikes, key=lambda one: (one.at, one.submitted_at, one.ad_id, one.policy)):
        if not found or strike.submitted_at >= found[-1].at + HEED:
            found.append(strike)
    return found


def strikes_reached(policies: Sequence[HasLimit], strikes: Sequence[Strike], now: datetime) -> list[StrikesReached]:
    """The limits of the policies in force at a place that an advertiser with these strikes has reached at ``now`` (aware), in order."""
    if not strikes:
        return []
    found = []
    for policy in policies:
        if policy.strikes is None:
            continue
        names = {policy.name}
        if policy.strikes.counted is StrikesCounted.SEVERITY:
            names = {one.name for one in policies if one.strikes is not None and one.severity == policy.severity}
        told = _reached(policy.name, policy.strikes, counting(one for one in strikes if one.policy in names), now)
        if told is not None:
            found.append(told)
    return found


def _reached(policy: str, limit: StrikeLimit, strikes: Sequence[Strike], now: datetime) -> StrikesReached | None:
    span = timedelta(days=limit.days)
    if limit.then is StrikesThen.REVIEW:
        recent = [one for one in strikes if one.at > now - span]
        if len(recent) < limit.limit:
            return None
        return StrikesReached(policy, limit, tuple(recent), recent[-limit.limit].at + span)
    for last in range(limit.limit - 1, len(strikes)):
        within = [one for one in strikes[: last + 1] if one.at > strikes[last].at - span]
        if len(within) >= limit.limit:
            return StrikesReached(policy, limit, tuple(within), None)
    return None
