"""Branded content that does not say so: something was given, a brand is named, it is recommended, and nobody says that it is advertising.

A rule, not a model: the risk is one of three numbers, and no certificate is about them. In force only where a policy file defines it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from adverdict.decisions.disclosure.words import DENIALS, DISCLOSURES, INCENTIVES, PERSONS, RECOMMENDATIONS
from adverdict.domain.ad import Ad
from adverdict.domain.risk import RiskScore

POLICY = "undisclosed_partnership"
ALL, SOME, NONE = 0.9, 0.2, 0.02
"""Risk where all signs are there; where no brand is found or nothing is recommended; where neither is, nothing was given, no one person
speaks, or it is disclosed."""
HANDLE = re.compile(r"(?<![\w.])@[\w.]{2,40}")
HASHTAG = re.compile(r"#\w+")
CODE = re.compile(r"\b[A-Z][A-Z0-9]{3,14}\d{0,3}\b")
NAMED = re.compile(r"(?<=[\w,;:] )[A-ZÅÄÖÜÉÈ][\w&'’-]{2,}")
BEFORE = re.compile(r"([A-ZÅÄÖÜÉÈ][\w&'’-]{2,})\s+(?:\w+\s+)?$")
FOREIGN = re.compile(r"[A-Za-z][A-Za-z&'-]{2,}")
"""A name in Latin letters amid another script."""
OTHER = re.compile(r"[\u0370-\u1fff\u3040-\u9fff]")


@dataclass(frozen=True)
class Signs:
    """What an ad's text shows. ``disclosed``: in words, or by the advertiser's ``paid_partnership``."""

    incentive: str | None
    brand: str | None
    recommendation: str | None
    person: str | None
    """A word of one person who speaks for themself; a brand that praises its own goods is nobody's partner."""
    disclosed: str | None
    denied: str | None

    @property
    def risk(self) -> float:
        if self.disclosed or self.denied or not (self.incentive and self.person):
            return NONE
        return ALL if self.brand and self.recommendation else SOME if self.brand or self.recommendation else NONE


def signs(ad: Ad) -> Signs:
    """Of title, body, call to action and the text in the picture. Linear in the text."""
    raw = "\n".join(part for part in (ad.title, ad.body, ad.call_to_action, ad.creative_ocr_text) if part)
    text = raw.lower().replace("’", "'")
    disclosed = "paid_partnership" if ad.paid_partnership else _first(_disclosures(), text)
    denied = _first(_denials(), text)
    # What says that nobody paid must not pass for what somebody gave.
    rest = _denials().sub(lambda found: " " * len(found[0]), text)
    given = _incentives().search(rest)
    return Signs(
        given[0] if given else None, _brand(raw, rest, given), _first(_recommendations(), rest), _first(_persons(), text), disclosed, denied
    )


def with_disclosure(ad: Ad, risks: Mapping[str, RiskScore], defined: bool) -> Mapping[str, RiskScore]:
    """The risks, with this policy's where a file defines it and no model says one."""
    if not defined or POLICY in risks:
        return risks
    p = signs(ad).risk
    return {**risks, POLICY: RiskScore(policy=POLICY, p=p, p_low=0.0, p_high=1.0)}


def _brand(raw: str, text: str, given: re.Match[str] | None) -> str | None:
    """A handle, a discount code, a name with a capital amid a sentence or before what was given (*Velmora sent me*), or one in Latin
    letters amid another script."""
    if given and len(raw) == len(text) and (found := BEFORE.search(raw[: given.start()])):
        return found[1]
    for pattern in (HANDLE, CODE, NAMED):
        if found := pattern.search(HASHTAG.sub(" ", raw) if pattern is not HANDLE else raw):
            return found[0]
    found = FOREIGN.search(raw) if OTHER.search(raw) else None
    return found[0] if found else None


def _first(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.search(text)
    return found[0] if found else None


@cache
def _incentives() -> re.Pattern[str]:
    return _words(*INCENTIVES.values())


@cache
def _recommendations() -> re.Pattern[str]:
    return _words(*RECOMMENDATIONS.values())


@cache
def _persons() -> re.Pattern[str]:
    return _words(PERSONS)


@cache
def _disclosures() -> re.Pattern[str]:
    return _words(DISCLOSURES)


@cache
def _denials() -> re.Pattern[str]:
    return _words(DENIALS)


def _words(*lists: str) -> re.Pattern[str]:
    """Whole words where the script sets spaces; Japanese does not."""
    spaced: list[str] = []
    unspaced: list[str] = []
    for one in "|".join(lists).lower().split("|"):
        (unspaced if re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", one) else spaced).append(one)
    whole = rf"(?<!\w)(?:{'|'.join(spaced)})(?!\w)"
    return re.compile(whole if not unspaced else rf"{whole}|{'|'.join(unspaced)}")
