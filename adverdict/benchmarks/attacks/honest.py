"""Honest texts that nobody here has typed: names in many languages from Unicode's CLDR, and names of products that are full of signs."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata

from babel import Locale
from pygments.lexers import get_all_lexers

LANGUAGES = (
    "en", "de", "fr", "es", "it", "pt", "nl", "sv", "fi", "da", "nb", "is", "pl", "cs", "sk", "hu", "ro", "hr", "sl", "lt",
    "lv", "et", "ga", "cy", "tr", "az", "vi", "id", "sw", "yo", "ru", "uk", "bg", "sr", "kk", "el", "he", "ar", "fa", "ur",
    "hi", "bn", "ta", "te", "th", "ka", "hy", "am", "ja", "ko", "zh",
)  # fmt: skip
A_LANGUAGE = 400
"""Texts at most; a language of which fewer than 200 are known is left out."""
FEWEST = 200


def texts() -> dict[str, list[str]]:
    """By language: names of countries, languages, currencies, scripts and units."""
    found = {language: list(dict.fromkeys(_names(Locale(language))))[:: _step(language)][:A_LANGUAGE] for language in LANGUAGES}
    return {language: names for language, names in found.items() if len(names) >= FEWEST}


def _names(locale: Locale) -> Iterator[str]:
    for names in (locale.territories, locale.languages, locale.currencies, locale.scripts, locale.unit_display_names):
        yield from (name for name in names.values() if isinstance(name, str) and name.strip())


def _step(language: str) -> int:
    return max(1, len(dict.fromkeys(_names(Locale(language)))) // A_LANGUAGE)


def products() -> list[str]:
    """Names of languages and formats (C++, F#, 3D, T-SQL), the short forms they go by, and of what is installed here."""
    names = [name for lexer in get_all_lexers() for name in (lexer[0], *lexer[1])]
    names += [str(one.metadata["Name"]) for one in metadata.distributions() if one.metadata["Name"]]
    return list(dict.fromkeys(names))
