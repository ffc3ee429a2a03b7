"""What one language's copy writer needs: frames whose order decides the meaning, and phrases by topic.

A *yes* phrase is something that breaks the policy when it is offered; a *no* phrase is its harmless counterpart. A relation frame takes one
of each: putting the yes phrase where the frame promises something makes a violating sentence, swapping the two makes an honest one out of
exactly the same words. That is what a bag of words cannot see.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

TOPICS = ("deceptive", "gambling", "kids_unsuitable", "political_issue", "counterfeit", "weapons", "adult", "phishing")


@dataclass(frozen=True, slots=True)
class Topic:
    """Phrases of one policy's subject, in one language. ``{brand}`` in a phrase is the brand the ad names."""

    offers: tuple[str, ...]
    yes: tuple[str, ...]
    no: tuple[str, ...]
    blunt: tuple[str, ...]
    """Whole sentences that break the policy when an ad says them, and not when an ad quotes them as a warning."""
    late: tuple[str, ...]
    """Blunt sentences that only come into fashion in the last third of the simulated time."""


@dataclass(frozen=True, slots=True)
class Copy:
    """One language."""

    language: str
    joiner: str
    relation: tuple[str, ...]
    """Sentences that promise ``{yes}`` and deny ``{no}``; ``{f}`` and ``{g}`` are fillers that keep the words apart."""
    unclear: tuple[str, ...]
    """Sentences that name ``{a}`` and ``{b}`` without saying which of the two one gets."""
    warning: tuple[str, ...]
    pitch: tuple[str, ...]
    """Frames around a blunt sentence ``{x}``: the first kind denounces it, the second means it."""
    plain: tuple[str, ...]
    fillers: tuple[str, ...]
    goods: tuple[str, ...]
    claims: tuple[str, ...]
    calls: tuple[str, ...]
    topics: Mapping[str, Topic]


def phrases(text: str) -> tuple[str, ...]:
    """Split ``one | two | three``."""
    return tuple(part.strip() for part in text.split("|"))


def topic(*, offers: str, yes: str, no: str, blunt: str, late: str) -> Topic:
    return Topic(phrases(offers), phrases(yes), phrases(no), phrases(blunt), phrases(late))
