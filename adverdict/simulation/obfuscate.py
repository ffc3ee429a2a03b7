"""Ways in which evasive advertisers hide words from machines while people still read them."""

from __future__ import annotations

from collections.abc import Callable

_CONFUSABLE = str.maketrans(
    "aceiopxyABCEHIKMOPTXkn",
    "\u0430\u0441\u0435\u0456\u043e\u0440\u0445\u0443\u0410\u0412\u0421\u0415\u041d\u0406\u041a\u041c\u041e\u0420\u0422\u0425\u03ba\u0578",
)
LEET = str.maketrans("aeiostAEIOST", "@310$7@310$7")
_LATIN_TWIN = str.maketrans("\u0430\u0441\u0435\u043e\u0440\u0445\u0443\u03bf\u03bd\u03b9", "aceopxyovi")
_ZERO_WIDTH = ("\u200b", "\u200c", "\u2060", "\ufeff")
METHODS = ("confusables", "zero_width", "leet", "letter_spacing", "bidi")


def confusables(text: str, turn: int) -> str:
    """Latin letters become Cyrillic, Greek or Armenian twins; Cyrillic and Greek letters become Latin ones. Two words of three."""
    return _words(text, lambda word: word.translate(_CONFUSABLE if word[0].isascii() else _LATIN_TWIN), turn)


def zero_width(text: str, turn: int) -> str:
    """An invisible character inside two words of three."""
    mark = _ZERO_WIDTH[turn % 4]
    return _words(text, lambda word: word[: len(word) // 2] + mark + word[len(word) // 2 :], turn)


def leet(text: str, turn: int) -> str:
    """Digits and signs for letters, in two words of three."""
    return _words(text, lambda word: word.translate(LEET), turn)


def letter_spacing(text: str, turn: int) -> str:
    """One or two long words spelt o u t."""
    return _words(text, lambda word: " ".join(word) if len(word) > 5 else word, turn)


def bidi(text: str, turn: int) -> str:
    """Words written backwards between a right-to-left override and its end: the screen turns them round again."""
    return _words(text, lambda word: f"\u202e{word[::-1]}\u202c" if len(word) > 4 else word, turn)


_BY_METHOD: dict[str, Callable[[str, int], str]] = {
    "confusables": confusables,
    "zero_width": zero_width,
    "leet": leet,
    "letter_spacing": letter_spacing,
    "bidi": bidi,
}


def obfuscate(text: str, language: str, draw: int) -> tuple[str, str]:
    """The hidden text and the method used. Scripts without Latin twins take an invisible character instead of twins or digits.

    A text that the drawn method would leave as it is gets zero-width characters, so an obfuscated ad always shows a trace.
    """
    method = METHODS[draw % len(METHODS)]
    if language in ("hi", "ja", "ar") and method != "letter_spacing":
        method = "zero_width"
    hidden = _BY_METHOD[method](text, draw >> 4)
    if hidden == text:
        method, hidden = "zero_width", zero_width(text, draw >> 4)
    return hidden, method


def _words(text: str, hide: Callable[[str], str], turn: int) -> str:
    words = text.split(" ")
    if len(words) == 1:
        return hide(text)
    return " ".join(hide(word) if word and (number + turn) % 3 else word for number, word in enumerate(words))
