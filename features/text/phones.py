"""Phone numbers, as ``phonenumbers`` knows them for the ad's market; where a text says that it is one, also numbers of elsewhere."""

from __future__ import annotations

import re

from adverdict.features.text.lexicon import TO_CALL

MASKED = re.compile(r"[\[<(](?:phone|tel)(?: number)?[\])>]", re.IGNORECASE)
"""What is left where a phone number was masked."""
MAYBE = re.compile(r"\d(?:[^\w\n]{0,3}\d){6}")
"""Seven digits with little between them; found wherever there is a number to find."""
CANDIDATE = re.compile(r"\+?\(?\d(?:[ ().\-–/+]{0,3}\d){6,}")
"""Digits and what may stand between those of a number."""
ONE_BY_ONE = re.compile(r"(?<![\w+])\+?\d(?:[ .*_-]\d){6,}(?!\w)")
"""Digits strewn with signs."""
CUE = re.compile(rf"(?:{'|'.join(sorted(map(re.escape, TO_CALL), reverse=True))})[^\w\n]{{0,3}}(?:\w{{1,8}}[^\w\n]{{1,3}}){{0,2}}\+?\(?\Z")
"""Just before a number: it is one to call."""
BEFORE = 40
"""Characters before a number in which a cue is looked for."""
NO_PHONE = re.compile(
    r"(?:19|20)\d\d[^\d]{1,3}(?:19|20)\d\d|\d{1,2}[-./ ]\d{1,2}[-./ ](?:\d{4}|\d\d)|\d{4}[-./ ]\d{1,2}[-./ ]\d{1,2}"
    r"|[1-9]\d{0,2}(?:[ .,'’]000|[ .,'’]\d{3}){2,}"
)
"""Years, dates, amounts in thousands."""
DIGITS = range(7, 16)
"""How many a number to call has (ITU-T E.164)."""


def phone_numbers(text: str, market: str) -> int:
    """How many phone numbers a normalised text holds, read in a market (ISO 3166-1)."""
    if MAYBE.search(text) is None:
        return 0
    from phonenumbers import SUPPORTED_REGIONS

    text = ONE_BY_ONE.sub(lambda match: re.sub(r"[^\d+]", "", match[0]), text)
    region = market if market in SUPPORTED_REGIONS else None
    return sum(
        _numbers(text[max(0, match.start() - 1) : match.end() + 1], text[max(0, match.start() - BEFORE) : match.start()], region)
        for match in CANDIDATE.finditer(text)
    )


def _numbers(said: str, before: str, region: str | None) -> int:
    """How many numbers are in ``said``, where there are only digits and what may stand between them."""
    from phonenumbers import Leniency, PhoneNumberMatcher

    valid = [match.raw_string for match in PhoneNumberMatcher(said, region)]
    if valid or not (said.lstrip(" (").startswith("+") or CUE.search(before)):
        return sum(NO_PHONE.fullmatch(number) is None for number in valid)
    possible = (match.raw_string for match in PhoneNumberMatcher(said, region or "US", leniency=Leniency.POSSIBLE))
    return sum(NO_PHONE.fullmatch(number) is None and sum(map(str.isdigit, number)) in DIGITS for number in possible)
