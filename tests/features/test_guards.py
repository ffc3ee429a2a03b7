"""What is looked for first, to spare the long search: it is there wherever the long search finds something."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.features.text import counted, links, normalise, scripts
from adverdict.features.text import signals as text
from tests.effort import examples

SAID = r"""
free money www www. http:// https:// x.com a.b.co.uk cl1ck v14gr4 ca$h !!! aaa iii @ user@mail.com (at) [email] gmail.com yahoo usd eur kr
rs руб лв $ € 5 20 1,200.50 dollars - _ . ' ’ é देखो खेल 中文 Привет 😀
"""
PIECES = st.sampled_from([*SAID.split(), "\u200d", "\u0301"])
TEXTS = st.lists(st.tuples(PIECES, st.sampled_from(["", " ", ".", "\n"])), max_size=9).map(lambda found: "".join(a + b for a, b in found))

GUARDED: list[tuple[re.Pattern[str], re.Pattern[str]]] = [
    (normalise.DISGUISED, normalise.STAND_IN),
    (text.EMAIL, counted.MAYBE_AN_EMAIL),
    (links.MAYBE_A_LINK, counted.MAYBE_A_LINK),
    (normalise.LETTERS, normalise.SPACED_HINT),
    (normalise.STRETCHED, normalise.THRICE),
]


@pytest.mark.parametrize(("long", "first"), GUARDED)
@given(said=TEXTS)
@examples(300)
def test_nothing_is_found_without_what_is_looked_for_first(long: re.Pattern[str], first: re.Pattern[str], said: str) -> None:
    assert first.search(said) or not long.search(said)


@given(said=TEXTS | st.text(max_size=40))
@examples(300)
def test_words_are_the_same_whichever_pattern_finds_them(said: str) -> None:
    slow = scripts.ASCII_WORD if said.isascii() else scripts._word()
    assert scripts.words(said) == slow.findall(said)


@given(said=TEXTS)
@examples(300)
def test_a_part_read_again_reads_alike(said: str) -> None:
    assert normalise.normalise(said) == normalise.normalise(said) == normalise._normalise(said)
