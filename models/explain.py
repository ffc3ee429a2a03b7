"""Why a risk is what it is: the phrases and facts that moved it most, in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from adverdict.domain.ad import Ad
from adverdict.domain.decision import Reason
from adverdict.features.phrases import phrase
from adverdict.features.text.ngrams import NgramText, character_grams, ngram_text
from adverdict.models.blend import BlendModel
from adverdict.models.bundle import Bundle, Scores
from adverdict.models.gbm import gbm_columns, gbm_input
from adverdict.models.ngram import NamedEffects, sums
from adverdict.models.plugins import PREFIX

Effects = NDArray[np.float64]

SAME_FACT = {"category": "creative_category", "format": "creative_format", "surface": "surface"}
"""Facts that both the n-grams and LightGBM read, and the feature they are."""

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
"""A word as the n-grams see it (``features.text.ngrams``)."""
LONGEST_PHRASE = 3
SMALLEST_EFFECT = 0.05
"""Log-odds; what moves a risk by less is not a reason."""


class _Phrase(NamedTuple):
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
    grams, facts = bundle.ridge.ngram.effects(text, indices)
    numbers = _numbers(bundle, scores, row, text)
    words = list(WORD.finditer(text.text))
    by_word = _word_effects([word.group() for word in words], grams)
    for column, (policy, index) in enumerate(zip(policies, indices, strict=True)):
        moved, through_ngram = _booster_facts(bundle, scores, row, index)
        named = dict(zip(facts.rows, facts.values[:, column].tolist(), strict=True))
        factor = _ngram_factor(
            _blend(bundle, scores, row),
            bundle.first,
            index,
            float(grams.values[:, column].sum()) + sum(named.values()) + float(numbers.effects[:, index].sum()),
            through_ngram,
        )
        moved = numbers.with_those_of(moved, index, factor)
        told = _facts(bundle, policy, moved, {word: effect * factor for word, effect in named.items()}, top)
        phrases = _phrases(policy, text.text, words, (by_word[:, column] * factor).tolist())
        own = _of_plugins(bundle, ad, scores, row, policy, index)
        found += sorted([*told, *_strongest(phrases, top), *_strongest(own, top)], key=_strength)
    return tuple(found)


class _Moved(NamedTuple):
    """One feature's value and the effect it had through the booster."""

    value: float
    effect: float


class _Numbers(NamedTuple):
    """What the facts that the ridge reads as numbers say: names, values of one ad, and ``effects`` ``(n_facts, n_policies)``."""

    names: tuple[str, ...]
    values: tuple[float, ...]
    effects: Effects

    def with_those_of(self, moved: Mapping[str, _Moved], policy: int, factor: float) -> dict[str, _Moved]:
        """Each fact once, with what both models make of it."""
        both = dict(moved)
        for name, value, effect in zip(self.names, self.values, (self.effects[:, policy] * factor).tolist(), strict=True):
            both[name] = _Moved(value, effect + (both[name].effect if name in both else 0.0))
        return both


def _numbers(bundle: Bundle, scores: Scores, row: int, text: NgramText) -> _Numbers:
    shared, columns, names = scores.table.shared[[row]], bundle.contract.shared, bundle.ridge.scale.names
    if not names or not bundle.ridge.kernels:
        return _Numbers((), (), np.zeros((0, len(bundle.policies))))
    values = tuple(shared[0, [columns.index(name) for name in names]].tolist())
    return _Numbers(names, values, bundle.ridge.fact_effects(bundle.views([text], shared)))


def _booster_facts(bundle: Bundle, scores: Scores, row: int, policy: int) -> tuple[dict[str, _Moved], float]:
    """By feature, and the effect that reached the blend through the booster's n-gram column."""
    if bundle.gbm is None:
        return {}, 0.0
    table = scores.table
    columns = gbm_columns(bundle.contract.shared, bundle.contract.per_policy)
    values = gbm_input(table.shared[[row]], table.per_policy[[row]], scores.parts[bundle.first][[row]], policy)
    effects = (bundle.gbm.effects(values, policy)[0] * _weight(_blend(bundle, scores, row), "gbm", policy)).tolist()
    moved = dict(zip(columns[:-1], map(_Moved, values[0].tolist(), effects), strict=False))
    return moved, effects[-1]


def _of_plugins(bundle: Bundle, ad: Ad, scores: Scores, row: int, policy: str, index: int) -> Iterable[Reason]:
    """What plug-ins' models say of the ad beside what they said on average in training."""
    for name, one in bundle.plugins.fitted.items():
        baseline = 0.0 if bundle.plugins.baselines is None else float(bundle.plugins.baselines[name][index])
        component = PREFIX + name
        moved = float(scores.parts[component][row, index]) - baseline
        effect = moved * _weight(_blend(bundle, scores, row), component, index)
        if abs(effect) >= SMALLEST_EFFECT:
            yield Reason(policy=policy, kind="fact", signal=component, text=one.in_words(ad, policy), effect=effect)


def _ngram_factor(blend: BlendModel, first: str, policy: int, through_words: float, through_booster: float) -> float:
    """How much of the blend's log-odds one unit of the first model's makes: directly, and by way of the booster's column of it."""
    direct = _weight(blend, first, policy)
    if direct == 0 or through_words * through_booster <= 0:
        return direct
    # Bounded: an n-gram score near 0 must not turn a booster's small step into huge effects of single words.
    return direct + min(through_booster / through_words, 2.0)


def _phrases(policy: str, text: str, words: Sequence[re.Match[str]], effects: Sequence[float]) -> list[Reason]:
    """Phrases of up to three words, each word of the text used once."""
    merged: dict[str, float] = {}
    for part in _best(effects):
        shown = " ".join(text[words[part.start].start() : words[part.end - 1].end()].split())
        merged[shown] = merged.get(shown, 0.0) + part.effect
    return [
        Reason(policy=policy, kind="phrase", signal=shown, text=_phrase_in_words(shown, effect), effect=effect)
        for shown, effect in merged.items()
    ]


def _word_effects(words: Sequence[str], grams: NamedEffects) -> Effects:
    """Each word's own n-gram, its share of two-word n-grams, and of the character n-grams in it: log-odds ``(n_words, n_policies)``."""
    inside = {word: _grams_of(word, grams.rows) for word in set(words)}
    pieces = [(i, piece) for i, word in enumerate(words) for piece in PIECE.findall(word)]
    pairs = [(grams.rows.get(f"{first} {second}"), i, j) for (i, first), (j, second) in pairwise(pieces)]
    held = [*chain.from_iterable(map(inside.__getitem__, words)), *(both for both, _, _ in pairs if both is not None for _ in range(2))]
    gram = np.array(held, dtype=np.intp)
    holders = [word for both, i, j in pairs if both is not None for word in (i, j)]
    at = np.concatenate([np.repeat(np.arange(len(words)), [len(inside[word]) for word in words]), np.array(holders, dtype=np.intp)])
    # Gram by gram, in the order in which they come: sums in one order, whatever else there is.
    first = np.empty(len(grams.rows), dtype=np.intp)
    first[gram[::-1]] = np.arange(len(gram))[::-1]
    order = np.argsort(first[gram], kind="stable")
    gram, at = gram[order], at[order]
    share = 1 / np.bincount(gram, minlength=1)[gram]
    return sums(at, grams.values[gram] * share[:, None], len(words))


def _grams_of(word: str, rows: Mapping[str, int]) -> list[int]:
    """A word's own n-grams, as rows in their order: sums in one order, or a near tie falls otherwise in each process."""
    names = chain(character_grams(word), PIECE.findall(word))
    return sorted({row for row in map(rows.get, names) if row is not None})


def _best(effects: Sequence[float]) -> Iterable[_Phrase]:
    """Non-overlapping runs of up to three words with the largest effects, strongest first."""
    least = SMALLEST_EFFECT / 4
    # A phrase starts and ends with words that pull the way the whole does; otherwise the shorter one says it better.
    ways = [1 if effect > least else -1 if effect < -least else 0 for effect in effects]
    runs = [
        _Phrase(start, end, total)
        for start, way in enumerate(ways)
        if way
        for end in range(start + 1, min(start + LONGEST_PHRASE, len(effects)) + 1)
        if ways[end - 1] == way and (total := sum(effects[start:end])) * way > 0
    ]
    taken = [False] * len(effects)
    for run in sorted(runs, key=lambda run: (-abs(run.effect), run.start, run.end)):
        if not any(taken[run.start : run.end]):
            taken[run.start : run.end] = [True] * (run.end - run.start)
            yield run


def _phrase_in_words(shown: str, effect: float) -> str:
    return f'the text says "{shown}"' if effect > 0 else f'the text says "{shown}", as harmless ads do'


def _blend(bundle: Bundle, scores: Scores, row: int) -> BlendModel:
    """The one that made the ad's risk: that of the early exit where it left early."""
    return bundle.cascade.blend if bundle.cascade is not None and scores.early[row] else bundle.blend


def _weight(blend: BlendModel, component: str, policy: int) -> float:
    return float(blend.weights[policy, blend.components.index(component)])


def _facts(bundle: Bundle, policy: str, moved: Mapping[str, _Moved], words: Mapping[str, float], top: int) -> list[Reason]:
    """The strongest of the booster's facts and the first model's, a fact that both read only once."""
    effects = {signal: one.effect for signal, one in moved.items()}
    for word, effect in words.items():
        known = SAME_FACT.get(word.partition("=")[0], "")
        signal = known if known in moved else word
        effects[signal] = effects.get(signal, 0.0) + effect
    strongest = sorted((pair for pair in effects.items() if abs(pair[1]) >= SMALLEST_EFFECT), key=lambda pair: (-abs(pair[1]), pair[0]))
    return [
        Reason(policy=policy, kind="fact", signal=signal, text=_fact_in_words(bundle, signal, moved.get(signal)), effect=effect)
        for signal, effect in strongest[:top]
    ]


def _fact_in_words(bundle: Bundle, signal: str, moved: _Moved | None) -> str:
    if moved is not None:
        return phrase(signal, _shown(bundle, signal, moved.value))
    name, _, value = signal.partition("=")
    return f"its {FACT_NAMES[name]} is {value.replace('_', ' ')}"


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
