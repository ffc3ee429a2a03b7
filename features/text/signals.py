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
from adverdict.features.text.lexicon import CURRENCIES, MESSENGERS, MONEY, PLACEHOLDERS, SUPERLATIVE, URGENT
from adverdict.features.text.money import CURRENCY_SIGN, amounts
from adverdict.features.text.scripts import WITHOUT_SPACES, script
from adverdict.features.text.view import TextView

TextSignal = Callable[[TextView], float | str | None]
TEXT_SIGNALS: dict[str, TextSignal] = {}
"""Name -> signal, in the order of this file."""
TEXT_CATEGORIES = frozenset(["detected_language"])
"""The signals that are a category and not a number."""

EMOJI = re.compile("[\u2600-\u27bf\u2b50\u2b55\U0001f1e6-\U0001f1ff\U0001f300-\U0001f64f\U0001f680-\U0001f6ff\U0001f900-\U0001faff]")
SENTENCE_END = re.compile(r"[.!?।。！？؟]+(?=\s|\Z)|\n")
EMAIL = re.compile(r"(?<=[\w.+-])@[\w-]++\.\w|[\[<(]e-?mail[\])>]|[\[({] ?at ?[\])}] ?\w|(?:gmail|hotmail|outlook|yahoo) ?(?:dot|\.) ?com")
MAYBE_EMAIL = re.compile(r"[@\[<({]|mail|outlook|yahoo")
"""Found wherever ``EMAIL`` is, in a fraction of its time where there is none."""
PERCENT = "%٪％﹪"
HASHTAG = re.compile(r"#\w")
MENTION = re.compile(r"(?<!\w)@\w")


def signal(function: Callable[[TextView], float | str | None]) -> Callable[[TextView], float | str | None]:
    TEXT_SIGNALS[function.__name__] = function
    return function


def _share(part: float, whole: float) -> float:
    return part / whole if whole else nan


def _named(view: TextView, lexicon: frozenset[str]) -> int:
    """How often words of a lexicon occur; anywhere in running text where the script sets no spaces."""
    found = sum(map(lexicon.__contains__, view.tokens))
    if view.scripts & WITHOUT_SPACES:
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
    return len(view.tokens)


@signal
def text_sentences(view: TextView) -> float:
    return len(SENTENCE_END.findall(view.text.text)) + 1 if view.tokens else 0


@signal
def has_title(view: TextView) -> float:
    return anything_to_see(view.ad.title)


@signal
def has_body(view: TextView) -> float:
    return anything_to_see(view.ad.body)


@signal
def capitals_share(view: TextView) -> float:
    """Share of the letters that are capitals, in [0, 1]."""
    return _share(view.capitals, view.letters)


@signal
def all_capitals_words_share(view: TextView) -> float:
    """Share of the words of two letters or more written in capitals only."""
    return _share(sum(word.isupper() and len(word) > 1 for word in view.words), len(view.words))


@signal
def digits_share(view: TextView) -> float:
    return _share(view.digits, len(view.raw))


@signal
def currency_amounts(view: TextView) -> float:
    """Amounts of money: a number beside a currency's sign or code."""
    return amounts(view.text.text, view.ad.market) if view.digits else 0


@signal
def currency_words(view: TextView) -> float:
    """Currencies named at all, by sign, code or word."""
    return len(CURRENCY_SIGN.findall(view.text.text)) + sum(map(CURRENCIES.__contains__, view.tokens))


@signal
def percent_signs(view: TextView) -> float:
    return sum(map(view.raw.count, PERCENT))


@signal
def exclamation_marks(view: TextView) -> float:
    return view.raw.count("!") + view.raw.count("！")


@signal
def question_marks(view: TextView) -> float:
    return view.raw.count("?") + view.raw.count("？") + view.raw.count("؟")


@signal
def emoji(view: TextView) -> float:
    return 0 if view.raw.isascii() else len(EMOJI.findall(view.raw))


@signal
def urgent_words(view: TextView) -> float:
    """Words that press for time, in the languages of ``features.text.lexicon``."""
    return _named(view, URGENT)


@signal
def superlative_words(view: TextView) -> float:
    """Words that promise the utmost or guarantee it."""
    return _named(view, SUPERLATIVE)


@signal
def money_words(view: TextView) -> float:
    return _named(view, MONEY)


@signal
def phone_numbers(view: TextView) -> float:
    """Phone numbers by the numbering plans of the ad's market and of the world, and the marks left where one was masked."""
    masked = len(phones.MASKED.findall(view.raw)) if "[" in view.raw or "<" in view.raw or "(" in view.raw else 0
    return masked + (phones.phone_numbers(view.text.text, view.ad.market) if view.digits > 6 else 0)


@signal
def email_addresses(view: TextView) -> float:
    """E-mail addresses, also written around (``name (at) site``), and the marks left where one was masked."""
    return len(EMAIL.findall(view.text.text)) if MAYBE_EMAIL.search(view.text.text) else 0


@signal
def messengers(view: TextView) -> float:
    """Mentions of a messenger to write to."""
    return _named(view, MESSENGERS)


@signal
def links(view: TextView) -> float:
    return len(view.domains)


@signal
def link_domains(view: TextView) -> float:
    """Distinct domains among the links."""
    return len(set(view.domains))


@signal
def hashtags(view: TextView) -> float:
    return len(HASHTAG.findall(view.raw)) if "#" in view.raw else 0


@signal
def mentions(view: TextView) -> float:
    return len(MENTION.findall(view.raw)) if "@" in view.raw else 0


@signal
def scripts(view: TextView) -> float:
    """Scripts that letters come from."""
    return len(view.scripts)


@signal
def non_latin_share(view: TextView) -> float:
    return _share(view.non_latin_letters, view.letters)


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
    return _share(len(set(view.tokens)), len(view.tokens))


@signal
def mean_word_length(view: TextView) -> float:
    return _share(sum(map(len, view.tokens)), len(view.tokens))


@signal
def repeated_pairs_share(view: TextView) -> float:
    """Share of the pairs of neighbouring words that came before: listings repeat their titles."""
    return _share(len(view.bigrams) - len(set(view.bigrams)), len(view.bigrams))


@signal
def placeholder_share(view: TextView) -> float:
    """Share of the words that name the slot and not what is advertised: Advertisement, Sponsored, Report."""
    return _share(sum(map(PLACEHOLDERS.__contains__, view.tokens)), len(view.tokens))


@signal
def detected_language(view: TextView) -> str | None:
    """BCP 47 tag of the language read, ``und`` where it cannot be told; missing without text."""
    return view.language[0] if view.tokens else None


@signal
def detected_language_confidence(view: TextView) -> float:
    return view.language[1] if view.tokens else nan


@signal
def language_not_as_stated(view: TextView) -> float:
    """1 when the text reads as another language than the advertiser states, 0 when as stated; NaN when either is unknown."""
    stated, read = view.ad.language, view.language[0]
    if stated is None or read == UNKNOWN:
        return nan
    return nan if language_key(stated) is None else not same_language(stated, read)
