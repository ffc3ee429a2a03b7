"""A decision that people were asked about, from when it was made until its day is counted: what it is on record for, and what was said."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from adverdict.domain.identity import number_of

STEP_OF_RISK = 0.05
"""Log-odds; risks are kept no finer, a quarter of which is the most that a risk is put off by on average."""
FURTHEST = 13.8
"""Log-odds of a risk of one in a million; beyond it risks are as good as sure."""


class Fact(NamedTuple):
    """What was decided under one policy."""

    bin: int | None
    """Of the risk: its log-odds in steps of ``STEP_OF_RISK``; None: there was no risk."""
    verdict: str
    certificate: str | None


class Outcome(NamedTuple):
    """What people settled on."""

    verdict: str
    violated: tuple[str, ...]

    def violates(self, policy: str) -> bool | None:
        """None where nothing was settled about the policy: the ad was rejected for another one."""
        if policy in self.violated:
            return True
        return False if self.verdict == "approve" else None


@dataclass
class Waiting:
    """``answers``: what readers said, in order, senior ones after ``senior:``."""

    seq: int
    day: int
    market: str
    advertiser: int
    ad: int
    verdict: str
    step: str | None
    facts: dict[str, Fact]
    answers: list[str] = field(default_factory=list)
    settled: Outcome | None = None

    @property
    def stream(self) -> tuple[str, str]:
        """Audits and reviews of a market are waited for apart from each other: they have other deadlines."""
        return ("review" if self.verdict == "review" else "audit", self.market)

    @property
    def outcome(self) -> Outcome | None:
        """None while it is open. Audits in which people agree with the verdict resolve nothing: then it stands."""
        if self.settled is not None or self.verdict == "review":
            return self.settled
        agreed = self.answers.count(self.verdict)
        stands = f"senior:{self.verdict}" in self.answers or agreed > 1 or self.answers == [self.verdict]
        if not stands:
            return None
        against = tuple(policy for policy, fact in self.facts.items() if fact.verdict == "reject") if self.verdict == "reject" else ()
        return Outcome(self.verdict, against)

    def to_json(self) -> str:
        settled = None if self.settled is None else [self.settled.verdict, list(self.settled.violated)]
        about = [self.day, self.market, self.advertiser, self.ad, self.verdict, self.step]
        return json.dumps([*about, self.facts, self.answers, settled], separators=(",", ":"))

    @classmethod
    def from_json(cls, seq: int, text: str) -> Waiting:
        day, market, advertiser, ad, verdict, step, facts, answers, settled = json.loads(text)
        known = {policy: Fact(*fact) for policy, fact in facts.items()}
        said = None if settled is None else Outcome(settled[0], tuple(settled[1]))
        return cls(seq, day, market, advertiser, ad, verdict, step, known, answers, said)

    @classmethod
    def of(cls, seq: int, day: int, told: Mapping[str, Any]) -> Waiting | None:
        """From the JSON of a decision's entry; None where nobody is asked about it."""
        decision = told["decision"]
        audit = decision.get("audit")
        if decision["verdict"] != "review" and not (audit and audit["chosen"]):
            return None
        facts = {
            one["policy"]: Fact(bin_of(one["risk"]["p"]) if one.get("risk") else None, one["verdict"], one.get("certificate_id"))
            for one in decision["policies"]
        }
        whose = number_of(decision["advertiser_id"]), number_of(decision["ad_id"])
        return cls(seq, day, decision["market"], *whose, decision["verdict"], told.get("step"), facts)


def bin_of(risk: float) -> int:
    if risk <= 0 or risk >= 1:
        return round(math.copysign(FURTHEST, risk - 0.5) / STEP_OF_RISK)
    return round(max(-FURTHEST, min(FURTHEST, math.log(risk / (1 - risk)))) / STEP_OF_RISK)
