"""The packaged phrases of letters to advertisers, by language; and which languages a market's advertisers may read.

A policy's title and reason are translated only where a phrase book has exactly these words: what somebody has changed is quoted as it
stands, never by what it said before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from adverdict.decisions.markets import languages_of

ENGLISH = "en"
RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})


@dataclass(frozen=True)
class Phrases:
    """One language's."""

    language: str
    said: Mapping[str, Any]
    """Key -> sentence, or a mapping of sentences."""
    titles: Mapping[str, str]
    """Of policies, as English files have them -> translated."""
    rules: Mapping[str, str]
    """The same for their reasons."""

    @property
    def direction(self) -> str:
        return "rtl" if self.language in RIGHT_TO_LEFT else "ltr"

    def say(self, key: str, which: str = "", **values: str) -> str:
        sentence = self.said[key][which] if which else self.said[key]
        return str(sentence).format(**values)

    def quoted(self, text: str) -> str:
        begin, end = self.said["quotes"]
        return f"{begin}{text}{end}"

    def title(self, title: str) -> str:
        return self.titles.get(title, title)

    def rule(self, sentence: str) -> tuple[str, bool]:
        """The sentence, and whether it is in this language."""
        return self.rules.get(sentence, sentence), self.language == ENGLISH or sentence in self.rules


@cache
def languages() -> tuple[str, ...]:
    """Those with phrases, by their ISO 639-1 codes."""
    return tuple(sorted(one.name.removesuffix(".yaml") for one in _folder().iterdir() if one.name.endswith(".yaml")))


@cache
def phrases(language: str) -> Phrases:
    """Raises KeyError for a language that has none."""
    if language not in languages():
        raise KeyError(language)
    told = yaml.safe_load(_folder().joinpath(f"{language}.yaml").read_text("utf-8"))
    rules = {" ".join(str(english).split()): str(said) for english, said in told.pop("rules", {}).items()}
    return Phrases(language, told, told.pop("titles", {}), rules)


def offered(market: str) -> tuple[str, ...]:
    """The market's languages that have phrases, the usual one first, and English."""
    return tuple(dict.fromkeys([*(one for one in languages_of(market) if one in languages()), ENGLISH]))


def lacking(market: str) -> str | None:
    """The market's first language where it has no phrases; None: it has."""
    first = next(iter(languages_of(market)), None)
    return None if first is None or first in languages() else first


def _folder() -> Any:
    return files("adverdict.review.reasons").joinpath("letters")
