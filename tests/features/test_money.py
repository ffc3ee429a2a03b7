"""Numbers are found where the whole pattern finds them, however a text is made."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from adverdict.features.text.money import AMOUNT, numbers

PIECES = ["a", "rs.", "usd", "$", "€", ".", ",", "/", " ", "\n", "12", "1.000,5", "٣", "_", "-", "元", "é", "abcdefg"]


@given(text=st.lists(st.sampled_from(PIECES) | st.characters(), max_size=14).map("".join))
@example("abcdef. 1")
@example("xabcdef 12 usd")
def test_they_are_those_of_the_whole_pattern(text: str) -> None:
    found = [(match.span(), match["before"], match["after"]) for match in numbers(text)]
    assert found == [(match.span(), match["before"], match["after"]) for match in AMOUNT.finditer(text)]
