"""Why a risk is what it is: the phrases and facts that moved it most, in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from domain.ad import Ad
from domain.decision import Reason
from features.ngrams import ngram_text
from features.phrases import phrase
from models.bundle import Bundle, Scores
from models.gbm import gbm_columns, gbm_input

Effects = NDArray[np.float64]

SAME_FACT = {"category": "creative_category", "format": "creative_format", "surface": "surface"}
"""Facts that both the n-gram model and LightGBM read, and the feature they are."""

FACT_NAMES = {
    "category": "category",
    "format": "format",
    "surface": "surface",
    "keyword": "keyword",
    "domain": "landing domain",
    "tld": "landing domain's ending",
    "label": "landing domain's part",
}

WORD = re.compile(r"[^\s.,;:!?|/()\[\]{}<>\"“”„«»…、。！？，]+")
"""A word as a reader sees it: letters with their marks, which are no letters to a regular expression."""
PIECE = re.compile(r"\w+")
"""A word as the n-grams see it (``features.ngrams``)."""
LONGEST_PHRASE = 3
SMALLEST_EFFECT = 0.05
"""Log-odds; what moves a risk by less is not a reason."""


@dataclass(frozen=True)
class _Phrase:
    start: int
    end: int
    effect: float


def reasons(bundle: Bundle, ad: Ad, scores: Scores, row: int, policies: Sequence[str], top: int = 3) -> tuple[Reason, ...]:
    """The ``top`` phrases and ``top`` facts that moved each policy's risk, strongest first; effects in log-odds of the blend.

    ``row`` is the ad's row in ``scores``. The encoder's part of a risk has no reasons of its own: the other two models read the same text.
    """
    found: list[Reason] = []
    text = ngram_text(ad, scores.table.texts[row])
    indices = [bundle.policies.index(policy) for policy in policies]
    for policy, index, (grams, words) in zip(policies, indices, bundle.ngram.effects(text, indices), strict=True):
        facts, through_ngram = _booster_facts(bundle, scores, row, index)
        factor = _ngram_factor(bundle, index, sum(grams.values()) + sum(words.values()), through_ngram)
        facts = _with_words(facts, policy, {word: effect * factor for word, effect in words.items()})
        phrases = _phrases(policy, text.text, {gram: effect * factor for gram, effect in grams.items()})
        found += sorted([*_strongest(facts, top), *_strongest(phrases, top)], key=_strength)
    return tuple(found)


def _booster_facts(bundle: Bundle, scores: Scores, row: int, policy: int) -> tuple[list[Reason], float]:
    """Facts with their effects, and the effect that reached the blend through the booster's n-gram column."""
    if bundle.gbm is None:
        return [], 0.0
    table = scores.table
    columns = gbm_columns(bundle.contract.shared, bundle.contract.per_policy)
    values = gbm_input(table.shared[[row]], table.per_policy[[row]], scores.parts["ngram"][[row]], policy)
    effects = bundle.gbm.effects(values, policy)[0] * _weight(bundle, "gbm", policy)
    name = bundle.policies[policy]
    return [
        Reason(policy=name, kind="fact", signal=signal, text=phrase(signal, _shown(bundle, signal, value)), effect=effect)
        for signal, value, effect in zip(columns[:-1], values[0].tolist(), effects.tolist(), strict=False)
    ], float(effects[-1])


def _ngram_factor(bundle: Bundle, policy: int, through_words: float, through_booster: float) -> float:
    """How much of the blend's log-odds one unit of the n-gram model's makes: directly, and by way of the booster's n-gram column."""
    direct = _weight(bundle, "ngram", policy)
    if direct == 0 or through_words * through_booster <= 0:
        return direct
    # Bounded: an n-gram score near 0 must not turn a booster's small step into huge effects of single words.
    return direct + min(through_booster / through_words, 2.0)


def _phrases(policy: str, text: str, grams: Mapping[str, float]) -> list[Reason]:
    """Phrases of up to three words, each word of the text used once."""
    words = list(WORD.finditer(text))
    if not words:
        return []
    merged: dict[str, float] = {}
    for part in _best(_word_effects([word.group() for word in words], grams)):
        shown = " ".join(text[words[part.start].start() : words[part.end - 1].end()].split())
        merged[shown] = merged.get(shown, 0.0) + part.effect
    return [
        Reason(policy=policy, kind="phrase", signal=shown, text=_phrase_in_words(shown, effect), effect=effect)
        for shown, effect in merged.items()
    ]


def _word_effects(words: Sequence[str], grams: Mapping[str, float]) -> Effects:
    """Log-odds of each word: its own n-gram, its share of the two-word n-grams, and of the character n-grams inside it."""
    holders: dict[str, list[int]] = {}
    for i, word in enumerate(words):
        padded = f" {word} "
        inside = {padded[a : a + n] for n in (3, 4, 5) for a in range(max(1, len(padded) - n + 1))}
        for gram in sorted(inside | set(PIECE.findall(word))):  # sums in one order, or a near tie falls otherwise in each process
            holders.setdefault(gram, []).append(i)
    pieces = [(i, piece) for i, word in enumerate(words) for piece in PIECE.findall(word)]
    for (i, first), (j, second) in pairwise(pieces):
        holders.setdefault(f"{first} {second}", []).extend((i, j))
    out = np.zeros(len(words))
    for gram, at in holders.items():
        np.add.at(out, at, grams.get(gram, 0.0) / len(at))
    return out


def _best(effect: Effects) -> Iterable[_Phrase]:
    """Non-overlapping runs of up to three words with the largest effects, strongest first."""
    runs = [
        _Phrase(start, end, float(effect[start:end].sum()))
        for start in range(len(effect))
        for end in range(start + 1, min(start + LONGEST_PHRASE, len(effect)) + 1)
        if _ends_matter(effect[start:end])
    ]
    taken = np.zeros(len(effect), dtype=bool)
    for run in sorted(runs, key=lambda run: (-abs(run.effect), run.start, run.end)):
        if not taken[run.start : run.end].any():
            taken[run.start : run.end] = True
            yield run


def _ends_matter(effect: Effects) -> bool:
    """A phrase starts and ends with words that pull the way the whole does; otherwise the shorter one says it better."""
    sign = np.sign(effect.sum())
    return bool(sign) and effect[0] * sign > SMALLEST_EFFECT / 4 and effect[-1] * sign > SMALLEST_EFFECT / 4


def _phrase_in_words(shown: str, effect: float) -> str:
    return f'the text says "{shown}"' if effect > 0 else f'the text says "{shown}", as harmless ads do'


def _weight(bundle: Bundle, component: str, policy: int) -> float:
    return float(bundle.blend.weights[policy, bundle.blend.components.index(component)])


def _with_words(facts: Sequence[Reason], policy: str, words: Mapping[str, float]) -> list[Reason]:
    """The booster's facts and the n-gram model's, a fact that both read only once."""
    found = {fact.signal: fact for fact in facts}
    for word, effect in words.items():
        known = found.get(SAME_FACT.get(word.partition("=")[0], ""))
        reason = _fact_in_words(policy, word, effect) if known is None else known.model_copy(update={"effect": known.effect + effect})
        found[reason.signal] = reason
    return list(found.values())


def _fact_in_words(policy: str, word: str, effect: float) -> Reason:
    name, _, value = word.partition("=")
    return Reason(policy=policy, kind="fact", signal=word, text=f"its {FACT_NAMES[name]} is {value.replace('_', ' ')}", effect=effect)


def _strongest(found: Iterable[Reason], top: int) -> list[Reason]:
    return sorted((reason for reason in found if abs(reason.effect) >= SMALLEST_EFFECT), key=_strength)[:top]


def _strength(reason: Reason) -> tuple[float, str]:
    return -abs(reason.effect), reason.signal


def _shown(bundle: Bundle, signal: str, value: float) -> float | str | None:
    """A feature's value as a person would say it: the category's name, a number, or None when missing."""
    if np.isnan(value):
        return None
    if signal not in bundle.contract.levels:
        return value
    return bundle.contract.level(signal, value) or "something not seen in training"
