"""What is to open, and everything that is known about it. Plain values: ``facts`` gathers them, ``gates`` judges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from adverdict.decisions.policy import Severity

WEEKS = 4
"""For which something is claimed, and after which it is scored."""
MARGIN = 1.4
"""Times as many ads a day as were stated, for which people are planned: nobody knows beforehand how many will come, how long a new market's
tasks take, nor how large a declared event will be. With 1.2 three of 43 openings called *go* broke what was claimed."""


@dataclass(frozen=True)
class Launch:
    """``name`` of the new market, surface or product; ``markets`` it opens in, a new market alone."""

    what: Literal["market", "surface", "product"]
    name: str
    markets: tuple[str, ...]
    ads_per_day: float
    """Once it has grown up."""
    opens: date
    languages: tuple[str, ...]
    """Primary subtags of most of its ads."""
    like: tuple[str, ...] = ()
    """Of a new market: those that it is expected to be like."""

    @property
    def surface(self) -> str | None:
        return self.name if self.what == "surface" else None


@dataclass(frozen=True)
class PolicyReady:
    """One policy in one of the markets, on the day it opens."""

    policy: str
    market: str
    severity: Severity
    state: Literal["certified", "provisional", "expired", "not solved", "revoked", "by hand", "allowed"]
    decides: bool
    """Whether it decides any ad without a person."""
    max_leakage: float
    confidence: float
    audit_share: float
    reason_language: str | None
    """Of the sentence that advertisers read; None: it cannot be told."""
    limit: float | None = None
    """Of leakage, as is claimed of all policies at once; None: nothing is promised."""
    labels_needed: int | None = None
    """Labels, each of another advertiser, that would certify it 4 times in 5; None: not known."""


@dataclass(frozen=True)
class PeopleWeek:
    """One week with the launch in it."""

    week: date
    needed: float
    """Full-time people."""
    rostered: float
    met: float | None
    """Probability that the roster keeps its targets; None: not computed."""
    tasks: float
    extra: float
    """Tasks that the launch adds."""
    met_high: float | None = None
    """The largest that ``met`` may be, as far as its simulated weeks tell (95 %, one-sided)."""


@dataclass(frozen=True)
class LaunchFacts:
    """As of ``today``."""

    today: date
    files: frozenset[str]
    """Markets with a policy file."""
    in_force: frozenset[str]
    """Markets of the set of policies that decides now."""
    signed: tuple[str, ...]
    """Who brought that set into force, or signed it."""
    policies: tuple[PolicyReady, ...]
    model_languages: frozenset[str] | None
    """That the model learnt from; None: no model, or it does not say."""
    readers: Mapping[str, int]
    """Language -> active reviewers who may read it there."""
    seniors: Mapping[str, int]
    thin_hours: Mapping[str, float] | None
    """Language -> hours of the first week with fewer than two such people on duty, of those with anybody; None: nobody is rostered."""
    golden: Mapping[str, int]
    """Language -> items whose answer is known."""
    weeks: tuple[PeopleWeek, ...] | None
    """From its opening on; None: there is no past to plan from."""
    met_target: float
    in_time: float
    """Share of reviews that are to be answered before they are due."""
    review_share: float | None
    """Of its ads, that people read where everything is certified; None: there is no past."""
    rollouts: tuple[str, ...] = ()
    """Under way or proposed, in its markets."""
    freezes: tuple[tuple[str, date, date], ...] = ()
    """Name, begin and end of those in its markets."""
    stopped: tuple[str, ...] = field(default=())
    """Brakes that are on there."""

    @property
    def in_time_claimed(self) -> float:
        """Over several weeks: a plan keeps its target in a week with a probability only, and promises nothing of the weeks in which it
        does not."""
        return self.in_time * self.met_target

    @property
    def people_decide(self) -> dict[str, tuple[str, ...]]:
        """Market -> policies under which no ad is decided without a person, of those that look at ads."""
        found: dict[str, list[str]] = {}
        for one in self.policies:
            if not one.decides and one.state != "allowed":
                found.setdefault(one.market, []).append(one.policy)
        return {market: tuple(names) for market, names in found.items()}

    def strange(self, languages: tuple[str, ...]) -> tuple[str, ...]:
        """Languages that the model has not learnt from: their ads go to people."""
        return tuple(one for one in languages if self.model_languages is None or one not in self.model_languages)
