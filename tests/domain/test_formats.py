"""Numbers for people: the same rule wherever they are printed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from adverdict.domain.formats import counted, day, interval, moment, number, percent, roughly, share_of, with_interval


@pytest.mark.parametrize(
    ("value", "form", "shown"),
    [(None, ",.0f", "–"), (1234.6, ",.0f", "1,235"), (0.0, ".3f", "0.000"), (-0.12, "+.1f", "-0.1"), (0.125, ".1%", "12.5%")],
)
def test_a_number_that_there_is_none_of_is_a_dash(value: float | None, form: str, shown: str) -> None:
    assert number(value, form) == shown


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0.0281, "2.81 %"), (0.02, "2 %"), (0.95, "95 %"), (0.9999, "99.99 %"), (0.9996, "99.96 %"), (1.0, "100 %"), (0.0, "0 %")],
)
def test_a_share_below_all_is_never_said_to_be_all(share: float, shown: str) -> None:
    assert percent(share) == shown


def test_an_estimated_need_is_told_to_two_digits_and_never_as_less_than_it_is() -> None:
    assert [roughly(one) for one in (0, 5, 99, 163, 1536, 431_136)] == ["0", "5", "99", "170", "1,600", "440,000"]


def test_a_rate_has_its_denominator() -> None:
    assert [share_of(3, 24), share_of(1234, 2468), share_of(0, 0)] == ["12.5 % (3 of 24)", "50.0 % (1,234 of 2,468)", "none of none"]


def test_an_interval_stands_beside_what_was_estimated() -> None:
    assert interval(0.012, 0.034, ".3f") == "0.012–0.034"
    assert with_interval(0.021, 0.012, 0.034) == "2.1 % (1.2–3.4 %)"


def test_what_is_counted_is_named_in_its_number() -> None:
    assert [counted(1, "task"), counted(2000, "task"), counted(0, "entry", "entries")] == ["1 task", "2,000 tasks", "0 entries"]


def test_a_moment_says_that_it_is_utc() -> None:
    at = datetime(2026, 11, 8, 9, 5, 59, tzinfo=UTC)
    assert (moment(at), day(at)) == ("2026-11-08 09:05 UTC", "2026-11-08")
