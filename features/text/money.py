"""Amounts of money: a number beside a currency's sign, code or name. Signs are Unicode's (Sc); codes, and the signs of a market's own
currency, CLDR's, as ``babel`` carries it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import cache

import regex

from adverdict.features.text.lexicon import CODES_ALSO_WORDS, CURRENCIES, MONEY_SIGNS

CURRENCY_SIGN = regex.compile(r"\p{Sc}")
AMOUNT = regex.compile(
    r"(?P<before>\p{Sc}|(?<![^\W\d_])[^\W\d_]{1,6}(?:[.$/]|(?=[\s\d])))?+[^\S\n]?+(?<![\d.,])\d[\d.,]*+(?=[^\S\n]?(?P<after>\p{Sc}|[^\W\d_]{1,10}))?"
)
"""A number with what stands before and after it."""
BEGINS = regex.compile(r"(?<![\d.,])\d")
"""Where each match of ``AMOUNT`` has its number, and nothing else."""
REACH = 8
"""Characters that a match may begin before its number: six letters, a sign and a blank."""
BESIDE_A_NUMBER = frozenset("元円圆圓원")
"""In scripts without spaces a sign is the first letter of what follows."""
SINCE = date(2010, 1, 1)
"""Money that was no longer used by then is not advertised."""


def amounts(text: str, market: str) -> int:
    """How many amounts a normalised text names, read in a market (ISO 3166-1)."""
    found, sign_read = 0, -1
    own = signs_of(market)
    for number in numbers(text):
        if number["before"] and number.start("before") >= sign_read and _is_money(number["before"], own):
            found += 1
        elif number["after"] and _is_money(number["after"], own):
            found += 1
            sign_read = number.end("after")
    return found


def numbers(text: str) -> Iterator[regex.Match[str]]:
    """What ``AMOUNT.finditer`` finds, in a tenth of its time: looked for only around where a number begins."""
    end = 0
    for begins in BEGINS.finditer(text):
        number = AMOUNT.search(text, max(end, begins.start() - REACH))
        if number is not None:
            end = number.end()
            yield number


def _is_money(word: str, own: frozenset[str]) -> bool:
    if word in own or word in MONEY_SIGNS or word in CURRENCIES or CURRENCY_SIGN.search(word) or word[0] in BESIDE_A_NUMBER:
        return True
    return (word in codes() and word not in CODES_ALSO_WORDS) or (word[-1] == "." and _is_money(word[:-1], own))


@cache
def codes() -> frozenset[str]:
    """ISO 4217's codes of money in use, in small letters."""
    from babel.core import get_global

    used = get_global("territory_currencies").values()
    return frozenset(
        code.lower() for currencies in used for code, _, end, tender in currencies if tender and (end is None or date(*end) >= SINCE)
    )


@cache
def signs_of(market: str) -> frozenset[str]:
    """Codes and signs of a market's own currencies, as its languages write them; none for a market that is no country."""
    from babel import Locale, UnknownLocaleError
    from babel.core import get_global
    from babel.languages import get_official_languages

    own = {code for code, _, end, tender in get_global("territory_currencies").get(market, ()) if tender and end is None}
    found = {code.lower() for code in own}
    for language in get_official_languages(market):
        try:
            symbols = Locale.parse(f"{language}_{market}").currency_symbols
        except (UnknownLocaleError, ValueError):
            continue
        found |= {symbols[code].strip("\u200e\u200f").lower() for code in own if code in symbols}
    return frozenset(sign for sign in found if len(sign) > 1)
