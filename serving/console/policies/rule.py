"""From thresholds that were tried to the rule that puts them into force: the lines of the file, and what they cost in reviews."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from adverdict.decisions.files.edit import Edit, write_thresholds
from adverdict.decisions.files.read import read_texts
from adverdict.decisions.policy import PolicyInForce, Thresholds
from adverdict.domain.errors import AdverdictError, NotFound
from adverdict.domain.verdict import Verdict
from adverdict.policies import folder as packaged_policies
from adverdict.serving.console.parts import Parts

FEWEST_HOURS = 1.0
"""Of decisions on the page, from which on a day is said to bring so many."""


@dataclass(frozen=True)
class Asked:
    """Where thresholds were tried. ``surface`` None: every surface that the files do not name."""

    market: str
    surface: str | None
    policy: str
    thresholds: Thresholds

    def query(self) -> str:
        """Of an address: the page with these thresholds."""
        return urlencode(self.fields())

    def draft(self) -> str:
        """Of the address of a roll-out's draft."""
        told = {"what": "policies", "plan": "standard", "market": self.market, "of": self.market}
        return urlencode(told | {name: value for name, value in self.fields().items() if name != "market"})

    def fields(self) -> dict[str, str]:
        told = {"policy": self.policy, "market": self.market, "surface": self.surface or ""}
        told |= {"approve_below": f"{self.thresholds.approve_below:g}", "reject_at": f"{self.thresholds.reject_at:g}"}
        return {name: value for name, value in told.items() if value}


@dataclass(frozen=True)
class Rule:
    """``edit`` None: the files cannot be read, or not be edited. ``packaged``: they are those that come with the program."""

    edit: Edit | None
    packaged: bool
    folder: str
    limited: bool
    """Whether a limit of the policy holds the thresholds back."""


def rule(parts: Parts, policy: PolicyInForce, asked: Asked) -> Rule:
    folder = str(packaged_policies() if parts.files is None else parts.files)
    limited = policy.limited(asked.thresholds) != asked.thresholds
    try:
        edit = write_thresholds(read_texts(parts.files), asked.market, asked.surface, asked.policy, asked.thresholds)
    except (AdverdictError, OSError, ValueError):
        return Rule(None, parts.files is None, folder, limited)
    return Rule(edit, parts.files is None, folder, limited)


def edited_texts(parts: Parts, asked: Asked) -> dict[str, str]:
    """Every file of the folder, with the thresholds asked for. Raises NotFound."""
    if not parts.book.knows(asked.market):
        raise NotFound("There is no policy file for that market.")
    texts = read_texts(parts.files)
    made = write_thresholds(texts, asked.market, asked.surface, asked.policy, asked.thresholds)
    return {**texts, made.file: made.text}


@dataclass(frozen=True)
class Work:
    """What a change brings reviewers. ``days``: of the decisions it is told from."""

    to_people: int
    from_people: int
    days: float
    seconds: float
    """That a review is expected to take."""

    @property
    def known(self) -> bool:
        return self.days * 24 >= FEWEST_HOURS

    @property
    def a_day(self) -> float:
        """More reviews a day, or fewer."""
        return (self.to_people - self.from_people) / self.days

    @property
    def hours_a_day(self) -> float:
        return self.a_day * self.seconds / 3600


def work(flips: list[tuple[str, str, int]], since: datetime | None, now: datetime, seconds: float) -> Work:
    """``flips``: verdict before, verdict after, ads."""
    review = Verdict.REVIEW.value
    days = (now - since).total_seconds() / 86_400 if since is not None else 0.0
    return Work(
        sum(ads for _, after, ads in flips if after == review), sum(ads for before, _, ads in flips if before == review), days, seconds
    )
