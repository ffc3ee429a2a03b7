"""Letters dressed up as others: look-alikes from another script, and Latin letters in fancy dress.

A look-alike counts only where the script gives it away: inside a word that mixes scripts and is one word of one script once mapped, or
as a word made of nothing but look-alikes in a text that is otherwise Latin. Data: Unicode's confusables (UTS 39), as
``confusable_homoglyphs`` carries them.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import cache
from itertools import groupby

from adverdict.features.text.characters import (
    FULL_WIDTH,
    IN_BRACKETS,
    NEGATIVE,
    REGIONAL,
    STYLED,
    classes,
    from_latin,
    phonetic,
    small_capitals,
    to_latin,
)
from adverdict.features.text.lexicon import WORTH_HIDING
from adverdict.features.text.scripts import script

EAST_ASIAN = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
NEGATIVE_WORD = re.compile(f"{NEGATIVE.pattern}{{3,}}")
"""Two of them are a blood group or a car park, three are a word."""
HOMES = ("CYRILLIC", "GREEK")
"""Scripts into which a Latin look-alike is mapped back where they are the text's own."""
WORD = re.compile("[lcxdk]+")
"""A word, in classes of characters."""
ALONE = frozenset("\u0430\u0435\u0456\u043e\u0443\u0410\u0415\u0406\u041e\u0423")
"""Cyrillic letters that look like words of one Latin letter (a, e, i, o, y); Greek ones by themselves are the sciences'."""


def undo_styled(text: str, counts: Counter[str]) -> str:
    """Fancy letters to plain ones; those that NFKC will fold are only counted here."""
    counts["styled"] += sum(map(len, STYLED.findall(text)))
    if FULL_WIDTH.search(text) and not EAST_ASIAN.search(text):
        counts["styled"] += len(FULL_WIDTH.findall(text))
    text = NEGATIVE_WORD.sub(lambda match: _positive(match[0], counts), text)
    text = IN_BRACKETS.sub(lambda match: _bare(match[0], counts), _undo_flags(text, counts))
    for trick, table in (("styled", small_capitals()), ("confusables", phonetic())):
        for letter in sorted(set(text) & table.keys()):
            counts[trick] += text.count(letter)
            text = text.replace(letter, table[letter])
    return text


def _undo_flags(text: str, counts: Counter[str]) -> str:
    """Regional letters that spell words to letters. Flags stay: pairs that are countries, unless they spell a word worth hiding."""
    runs = REGIONAL.findall(text)
    if not runs:
        return text
    spelt = [_regional(run) for run in runs]
    flags = all(len(run) % 2 == 0 and all(run[at : at + 2].upper() in _regions() for at in range(0, len(run), 2)) for run in spelt)
    if flags and not any(len(run) > 2 and run in WORTH_HIDING for run in spelt):
        return text
    counts["styled"] += sum(map(len, runs))
    return REGIONAL.sub(lambda match: _regional(match[0]), text)


def _regional(run: str) -> str:
    return "".join(chr(ord("a") + ord(letter) - 0x1F1E6) for letter in run)


@cache
def _regions() -> frozenset[str]:
    from phonenumbers import SUPPORTED_REGIONS

    return frozenset(SUPPORTED_REGIONS) | {"AQ", "BV", "CP", "DG", "EA", "EU", "GS", "HM", "IC", "PN", "TF", "UM", "UN"}


def _bare(letters: str, counts: Counter[str]) -> str:
    counts["styled"] += len(letters)
    return "".join(next(sign for sign in unicodedata.normalize("NFKC", letter) if sign.isalpha()) for letter in letters)


def undo_confusables(text: str, counts: Counter[str]) -> str:
    """Look-alikes to the letters they stand for, where they do. Before NFKC too, which makes other letters of some (``ϲ``)."""
    kinds = classes(text)
    if "c" not in kinds or "l" not in kinds:
        return text
    spans = [match.span() for match in WORD.finditer(kinds) if match.end() - match.start() > 1 or text[match.start()] in ALONE]
    hidden, home = _hidden_scripts(text, kinds, spans)
    read: dict[str, str] = {}
    parts, end = [], 0
    for start, stop in spans:
        kind = kinds[start:stop]
        if "c" in kind and ("l" in kind or (hidden and "x" not in kind)):
            word = text[start:stop]
            plain = read.get(word) or read.setdefault(word, _plain(word, hidden, home))
            if plain != word:
                counts["confusables"] += sum(a != b for a, b in zip(word, plain, strict=True))
                parts += [text[end:start], plain]
                end = stop
    return "".join([*parts, text[end:]])


def _plain(word: str, hidden: set[str], home: str) -> str:
    """The word in one script, or as it is when no mapping gets it there."""
    scripts = set(map(script, word)) - {""}
    if "LATIN" not in scripts and not scripts <= hidden:
        return word
    targets = ["LATIN", *HOMES]
    if home in HOMES:
        targets.remove(home)
        targets.insert(0, home)
    for target in targets:
        if target != "LATIN" and (scripts != {"LATIN", target} or _two_parts(word)):
            continue
        table = to_latin() if target == "LATIN" else from_latin(target)
        mapped = "".join(letter if script(letter) in ("", target) else table.get(letter, letter) for letter in word)
        if target == "LATIN":
            mapped = _with_capital_i(word, mapped)
        if all(script(letter) in ("", target) for letter in mapped):
            return mapped
    return word


def _with_capital_i(word: str, mapped: str) -> str:
    """An upright stroke that is a capital, where a capital may stand, is an I; after a small letter it passes for an l (``hеІІо``)."""
    letters = list(mapped)
    for place, letter in enumerate(word):
        if mapped[place] == "l" and letter.isupper() and not any(map(str.islower, word[:place])):
            letters[place] = "I"
    return "".join(letters)


def _two_parts(word: str) -> bool:
    """A foreign name with an ending of the text's own script: two runs, not letters strewn in."""
    return [name for name, _ in groupby(map(script, word)) if name][2:] == [] and sum(map(str.isascii, word)) >= 3


def _hidden_scripts(text: str, kinds: str, spans: list[tuple[int, int]]) -> tuple[set[str], str]:
    """Scripts that occur in look-alike words only, in a text with at least twice as many Latin letters; and the text's main script."""
    genuine: set[str] = set()
    letters: Counter[str] = Counter(LATIN=kinds.count("l"))
    for start, stop in spans:
        kind = kinds[start:stop]
        if "l" not in kind and ("c" in kind or "x" in kind):
            name = next(name for name in map(script, text[start:stop]) if name)
            letters[name] += stop - start
            if "x" in kind:
                genuine.add(name)
    latin = letters["LATIN"]
    return {name for name, n in letters.items() if name not in genuine and latin >= 2 * n}, letters.most_common(1)[0][0]


def _positive(letters: str, counts: Counter[str]) -> str:
    counts["styled"] += len(letters)
    return "".join(chr(ord("a") + (ord(letter) - (0x1F150 if ord(letter) < 0x1F170 else 0x1F170))) for letter in letters)
