"""The parts of the pages that can be said without a page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from domain.ad import Ad
from domain.decision import PolicyVerdict, Reason
from domain.risk import RiskScore
from domain.verdict import Verdict
from serving.console.bars import WIDTH, bar, position
from serving.console.card import TALL, WIDE, card
from serving.console.marking import HIDDEN, pieces
from serving.console.shares import Seen, interval
from serving.console.words import many, percent, signed, span
from tests.serving.console.filled import NOW


def reason(signal: str, effect: float = 1.0) -> Reason:
    return Reason(policy="deceptive", kind="phrase", signal=signal, text=f'the text says "{signal}"', effect=effect)


@pytest.mark.parametrize(
    ("text", "signal", "marked"),
    [
        ("Guaranteed returns, no risk.", "guaranteed returns", ["Guaranteed returns"]),
        ("FREE money! Free money?", "free money", ["FREE money", "Free money"]),
        ("Get fr\u200bee spins", "free spins", ["fr", "U+200B", "ee spins"]),
        ("Win at the \u0441asino tonight", "casino", ["\u0441asino"]),
        ("M1racle cure", "miracle", ["M1racle"]),
        ("nothing of the kind", "casino", []),
        ("casinos are not it", "casino", []),
        ("«Jackpot!»", "jackpot", ["Jackpot"]),
        ("", "casino", []),
    ],
)
def test_a_phrase_is_marked_where_the_model_read_it(text: str, signal: str, marked: list[str]) -> None:
    assert [piece.text for piece in pieces(text, [reason(signal)]) if piece.kind] == marked


def test_the_stronger_of_two_phrases_that_overlap_is_marked() -> None:
    found = pieces("free spins today", [reason("free spins", -0.5), reason("spins today", 2.0)])
    assert [(piece.text, piece.kind) for piece in found] == [("free ", ""), ("spins today", "towards")]


@given(st.text(max_size=200), st.lists(st.text(min_size=1, max_size=8), max_size=3))
def test_marking_loses_no_character_and_lets_none_hide(text: str, signals: list[str]) -> None:
    found = pieces(text, [reason(signal) for signal in signals])
    shown = "".join(chr(int(piece.text[2:], 16)) if piece.kind == "hidden" else piece.text for piece in found)
    assert shown == text.replace("\r\n", "\n")
    assert not any(HIDDEN.search(piece.text) for piece in found)


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_higher_risk_is_never_drawn_to_the_left(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert 0 <= position(low) <= position(high) <= WIDTH


def test_a_policy_without_a_risk_has_no_bar() -> None:
    assert bar(None) is None
    assert bar(PolicyVerdict(policy="a", verdict=Verdict.REVIEW, because="no risk is known")) is None
    risk = RiskScore(policy="a", p=0.5, p_low=0.4, p_high=0.6)
    drawn = bar(PolicyVerdict(policy="a", verdict=Verdict.REVIEW, risk=risk, because="no thresholds"))
    assert drawn is not None
    assert (drawn.at, drawn.approve) == (WIDTH / 2, None)


@pytest.mark.parametrize(("width", "height"), [(1.0, 1e9), (1e9, 1.0), (0.0, 0.0), (1200.0, 628.0), (None, 600.0)])
def test_a_frame_of_any_size_stays_drawable(width: float | None, height: float | None) -> None:
    ad = Ad(
        ad_id="a", advertiser_id="b", market="SE", submitted_at=NOW, creative_format="image", creative_width=width, creative_height=height
    )
    media = card(ad).media
    assert media is not None
    assert TALL - 0.01 <= media.width / media.height <= WIDE + 0.02


@pytest.mark.parametrize(("k", "n"), [(0, 10), (3, 10), (10, 10), (1, 200)])
def test_with_equal_weights_the_interval_is_clopper_pearsons(k: int, n: int) -> None:
    exact = stats.binomtest(k, n).proportion_ci(0.95, method="exact")
    assert interval(k / n, n) == pytest.approx((exact.low, exact.high), abs=1e-9)


def test_a_split_counts_what_the_thresholds_would_do() -> None:
    #        risk, weight, violating, rejectable
    rows = [(0.01, 10.0, True, True), (0.02, 10.0, False, True), (0.5, 1.0, True, True), (0.9, 3.0, False, True), (0.95, 0.0, False, True)]
    split = Seen.of(rows[::-1]).split(0.05, 0.9)
    assert (split.ads, split.approved, split.reviewed, split.rejected) == (5, 2, 1, 2)
    assert (split.leakage.value, split.leakage.errors, split.leakage.read, split.leakage.effective) == (0.5, 1, 2, 2.0)
    assert (split.wrongful.value, split.wrongful.errors, split.wrongful.read) == (1.0, 1, 1)


def test_read_ads_stand_for_as_many_as_their_probability_says() -> None:
    split = Seen.of([(0.1, 1.0, True, True), (0.1, 3.0, False, True)]).split(0.2, 1.0)
    assert split.leakage.value == 0.25
    assert split.leakage.effective == pytest.approx(1.6)
    assert split.wrongful.value is None


def test_a_policy_that_only_restricts_rejects_nobody() -> None:
    seen = Seen.of([(0.99, 1.0, False, False)])
    assert not seen.rejects
    assert (seen.split(0.1, 0.5).rejected, seen.split(0.1, 0.5).reviewed) == (0, 1)


def test_nothing_on_record_splits_into_nothing() -> None:
    assert Seen.of([]).split(0.1, 0.9).ads == 0


@pytest.mark.parametrize(
    ("share", "written"),
    [
        (None, "–"),
        (0, "0 %"),
        (1, "100 %"),
        (1e-7, "< 0.01 %"),
        (0.0123, "1.2 %"),
        (0.5, "50 %"),
        (0.996, "99.6 %"),
        (0.99999, "> 99.99 %"),
    ],
)
def test_shares_are_written_without_pretending(share: float | None, written: str) -> None:
    assert percent(share) == written


def test_spans_counts_and_effects_are_written_as_people_do() -> None:
    assert [span(seconds) for seconds in (None, 0, 95, 7200, 200_000, 500_000)] == ["–", "0 s", "95 s", "2 h", "2 d", "6 d"]
    assert [many(n, "ad") for n in (0, 1, 2000)] == ["0 ads", "1 ad", "2,000 ads"]
    assert [signed(effect) for effect in (1.25, -0.7)] == ["+1.2", "−0.7"]
