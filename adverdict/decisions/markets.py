"""What markets are called, and what is spoken there, as the Unicode CLDR has it."""

from __future__ import annotations

from functools import cache


@cache
def market_name(code: str, language: str = "en") -> str:
    """``Germany`` for ``DE``; the code itself where nobody knows it. ``language``: ISO 639-1, of the name."""
    from babel import Locale, UnknownLocaleError

    try:
        return str(Locale.parse(language).territories.get(code, code))
    except (UnknownLocaleError, ValueError):
        return code


def named_market(code: str) -> str:
    """``Germany (DE)``: with the code that files and addresses have."""
    name = market_name(code)
    return code if name == code else f"{name} ({code})"


@cache
def languages_of(code: str) -> tuple[str, ...]:
    """Languages of a market, ISO 639-1 where they have such a code, those of most people first; empty for a code nobody knows."""
    from babel.languages import get_official_languages

    return tuple(dict.fromkeys(name.partition("_")[0] for name in get_official_languages(code, de_facto=True)))


@cache
def language_name(code: str) -> str:
    """``Swedish`` for ``sv``; the code itself where nobody knows it."""
    from babel import Locale, UnknownLocaleError

    try:
        return str(Locale.parse("en").languages.get(code, code))
    except (UnknownLocaleError, ValueError):
        return code
