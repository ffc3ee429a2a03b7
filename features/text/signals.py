"""Readable signals of an ad's text. A function's name is the signal's name; a share of nothing is NaN.

Words are looked for in the normalised text, so that a disguise changes nothing; how a text was dressed is read off the raw one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from math import nan

from adverdict.domain.identity import language_key, same_language
from adverdict.domain.visible import anything_to_see
from adverdict.features.text import phones
from adverdict.features.text.language import UNKNOWN
from adverdict.features.text.lexicon import MESSENGERS, MONEY, SUPERLATIVE, URGENT
from adverdict.features.text.money import amounts
from adverdict.features.text.scripts import WITHOUT_SPACES, script
from adverdict.features.text.view import TextView

TextSignal = Callable[[TextView], float | str | None]
TEXT_SIGNALS: dict[str, TextSignal] = {}
"""Name -> signal, in the order of this file."""
TEXT_CATEGORIES = frozenset(["detected_language"])
"""The signals that are a category and not a number."""

EMAIL = re.compile(r"(?<=[\w.+-])@[\w-]++\.\w|[\[<(]e-?mail[\])>]|[\[({] ?at ?[\])}] ?\w|(?:gmail|hotmail|outlook|yahoo) ?(?:dot|\.) ?com")


def signal(function: Callable[[TextView], float | str | None]) -> Callable[[TextView], float | str | None]:
    TEXT_SIGNALS[function.__name__] = function
    return function


def _share(part: float, whole: float) -> float:
    return part / whole if whole else nan


def _named(view: TextView, found: int, lexicon: frozenset[str]) -> int:
    """How often words of a lexicon occur, ``found`` so as words; anywhere in running text where the script sets no spaces."""
    if view.counted.scripts & WITHOUT_SPACES:
        running = _running(lexicon)
        found += sum(view.text.text.count(word) for word in running) - sum(token in running for token in view.tokens)
    return found


@cache
def _running(lexicon: frozenset[str]) -> frozenset[str]:
    return frozenset(word for word in lexicon if script(word[0]) in WITHOUT_SPACES)


@signal
def text_characters(view: TextView) -> float:
    """Length of the normalised text in characters."""
    return len(view.text.text)


@signal
def text_words(view: TextView) -> float:
    return view.counted.tokens


@signal
def text_sentences(view: TextView) -> float:
    return view.counted.sentences


@signal
def has_title(view: TextView) -> float:
    return anything_to_see(view.ad.title)


@signal
def has_body(view: TextView) -> float:
    return anything_to_see(view.ad.body)


@signal
def capitals_share(view: TextView) -> float:
    """Share of the letters that are capitals, in [0, 1]."""
    return _share(view.counted.capitals, view.counted.letters)


@signal
def all_capitals_words_share(view: TextView) -> float:
    """Share of the words of two letters or more written in capitals only."""
    return _share(view.counted.words_in_capitals, view.counted.words)


@signal
def digits_share(view: TextView) -> float:
    return _share(view.counted.digits, len(view.raw))


@signal
def currency_amounts(view: TextView) -> float:
    """Amounts of money: a number beside a currency's sign or code."""
    return amounts(view.text.text, view.ad.market) if view.counted.digits else 0


@signal
def currency_words(view: TextView) -> float:
    """Currencies named at all, by sign, code or word."""
    return view.counted.currency_signs + view.counted.currencies


@signal
def percent_signs(view: TextView) -> float:
    return view.counted.percent_signs


@signal
def exclamation_marks(view: TextView) -> float:
    return view.counted.exclamation_marks


@signal
def question_marks(view: TextView) -> float:
    return view.counted.question_marks


@signal
def emoji(view: TextView) -> float:
    return view.counted.emoji


@signal
def urgent_words(view: TextView) -> float:
    """Words that press for time, in the languages of ``features.text.lexicon``."""
    return _named(view, view.counted.urgent, URGENT)


@signal
def superlative_words(view: TextView) -> float:
    """Words that promise the utmost or guarantee it."""
    return _named(view, view.counted.superlative, SUPERLATIVE)


@signal
def money_words(view: TextView) -> float:
    return _named(view, view.counted.money, MONEY)


@signal
def phone_numbers(view: TextView) -> float:
    """Phone numbers by the numbering plans of the ad's market and of the world, and the marks left where one was masked."""
    masked = len(phones.MASKED.findall(view.raw)) if view.counted.maybe_masked else 0
    return masked + (phones.phone_numbers(view.text.text, view.ad.market) if view.counted.digits > 6 else 0)


@signal
def email_addresses(view: TextView) -> float:
    """E-mail addresses, also written around (``name (at) site``), and the marks left where one was masked."""
    return len(EMAIL.findall(view.text.text)) if view.counted.maybe_an_email else 0


@signal
def messengers(view: TextView) -> float:
    """Mentions of a messenger to write to."""
    return _named(view, view.counted.messengers, MESSENGERS)


@signal
def links(view: TextView) -> float:
    return len(view.domains)


@signal
def link_domains(view: TextView) -> float:
    """Distinct domains among the links."""
    return len(set(view.domains))


@signal
def hashtags(view: TextView) -> float:
    return view.counted.hashtags


@signal
def mentions(view: TextView) -> float:
    return view.counted.mentions


@signal
def scripts(view: TextView) -> float:
    """Scripts that letters come from."""
    return len(view.counted.scripts)


@signal
def non_latin_share(view: TextView) -> float:
    return _share(view.counted.non_latin, view.counted.letters)


@signal
def mixed_script_words(view: TextView) -> float:
    """Words holding Latin letters and those of another script."""
    return view.mixed_words


@signal
def undone_confusables(view: TextView) -> float:
    """Letters that were look-alikes from another script."""
    return view.text.undone.confusables


@signal
def undone_styled(view: TextView) -> float:
    """Letters in fancy dress: mathematical, enclosed, small capitals, struck out, written as HTML's entities."""
    return view.text.undone.styled + view.text.undone.encoded + view.text.undone.marked


@signal
def undone_zero_width(view: TextView) -> float:
    """Invisible characters that hid something."""
    return view.text.undone.zero_width


@signal
def undone_bidi(view: TextView) -> float:
    """Controls reordering text that runs left to right."""
    return view.text.undone.bidi


@signal
def undone_leet(view: TextView) -> float:
    """Words with digits or signs for letters."""
    return view.text.undone.leet


@signal
def undone_spaced(view: TextView) -> float:
    """Words written letter by letter."""
    return view.text.undone.spaced


@signal
def undone_repeated(view: TextView) -> float:
    """Letters beyond those that a word has."""
    return view.text.undone.repeated


@signal
def distinct_words_share(view: TextView) -> float:
    """Type-token ratio, in (0, 1]."""
    return _share(view.counted.distinct_tokens, view.counted.tokens)


@signal
def mean_word_length(view: TextView) -> float:
    return _share(view.counted.token_characters, view.counted.tokens)


@signal
def repeated_pairs_share(view: TextView) -> float:
    """Share of the pairs of neighbouring words that came before: listings repeat their titles."""
    return _share(view.counted.repeated_pairs, max(0, view.counted.tokens - 1))


@signal
def placeholder_share(view: TextView) -> float:
    """Share of the words that name the slot and not what is advertised: Advertisement, Sponsored, Report."""
    return _share(view.counted.placeholders, view.counted.tokens)


@signal
def detected_language(view: TextView) -> str | None:
    """BCP 47 tag of the language read, ``und`` where it cannot be told; missing without text."""
    return view.language[0] if view.counted.tokens else None


@signal
def detected_language_confidence(view: TextView) -> float:
    return view.language[1] if view.counted.tokens else nan


@signal
def language_not_as_stated(view: TextView) -> float:
    """1 when the text reads as another language than the advertiser states, 0 when as stated; NaN when either is unknown."""
    stated, read = view.ad.language, view.language[0]
    if stated is None or read == UNKNOWN:
        return nan
    return nan if language_key(stated) is None else not same_language(stated, read)
