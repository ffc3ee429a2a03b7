"""Strangers' text in a CSV file for people is never a formula."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.domain.spreadsheet import inert


@pytest.mark.parametrize("text", ["=cmd|'/c calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1"])
def test_what_would_be_run_begins_with_an_apostrophe(text: str) -> None:
    assert inert(text) == f"'{text}"


@given(st.text())
def test_any_other_text_stays_and_no_cell_is_a_formula(text: str) -> None:
    assert inert(text) in (text, f"'{text}")
    assert inert(text)[:1] not in set("=+-@\t\r\n")
