"""The parts of the pages that can be said without a page."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from adverdict.domain.ad import Ad
from adverdict.domain.decision import PolicyVerdict, Reason
from adverdict.domain.errors import InvalidInput, Mistake
from adverdict.domain.risk import RiskScore
from adverdict.domain.verdict import Verdict
from adverdict.review.reasons.marking import HIDDEN, pieces
from adverdict.serving.console.bars import WIDTH, bar, position
from adverdict.serving.console.card import TALL, WIDE, card
from adverdict.serving.console.policies.shares import ScoredDecisions
from adverdict.serving.console.standing.measured import measured
from adverdict.serving.console.tasks.spoken import speaks
from adverdict.serving.console.words import (
    count,
    direction,
    many,
    missing,
    mistaken,
    odds,
    percent,
    plainly,
    signed,
    span,
    unfamiliar,
    worth,
)
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


TRICKY = st.text(st.characters() | st.sampled_from("!\u203c\u2764\ufe0f\ufe0e\u845b\U000e01001\u20e3\u200b\u2800ab "), max_size=60)


@given(TRICKY, st.lists(st.text(min_size=1, max_size=8) | st.sampled_from(["a", "b", "ab"]), max_size=3))
def test_marking_loses_no_character_and_lets_none_hide(text: str, signals: list[str]) -> None:
    found = pieces(text, [reason(signal) for signal in signals])
    shown = [(chr(int(piece.text[2:], 16)) if piece.kind == "hidden" else piece.text, piece.kind == "hidden") for piece in found]
    whole = "".join(part for part, _ in shown)
    assert whole == text.replace("\r\n", "\n")
    assert [hidden for part, hidden in shown for _ in part] == [bool(HIDDEN.match(whole, at)) for at in range(len(whole))]


@pytest.mark.parametrize(
    "text",
    [
        *(f"a{chr(one)}b" for one in (0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180E, 0x180F)),
        *(f"a{chr(one)}b" for one in (0x200B, 0x200E, 0x202E, 0x2060, 0x2066, 0x2800, 0x3164, 0xFE00, 0xFE0E, 0xFE0F, 0xFEFF, 0xFFA0)),
        *(f"a{chr(one)}b" for one in (0x1BCA0, 0x1BCA3, 0x1D173, 0x1D17A, 0xE0001, 0xE0041, 0xE0100, 0xE01EF, 0xE0FFF)),
        "1\ufe0fb",  # a digit is no emoji, unless a keycap follows
        "\u2764\ufe0f\ufe0f",  # a second selector selects nothing
        "\u845b\U000e0100\U000e0101",
        "\u2764\U000e0100",
        "\ufe0f",
    ],
)
def test_what_cannot_be_seen_is_shown_by_its_code(text: str) -> None:
    assert [piece.kind for piece in pieces(text)].count("hidden") == 1


@pytest.mark.parametrize(
    "text",
    [
        "\u2764\ufe0f\u200d\U0001f525",  # a heart on fire
        "1\ufe0f\u20e3 and #\ufe0f\u20e3",
        "\u203c\ufe0f",
        "\u845b\U000e0100\u98fe",  # a name that is written with its own form of a Han character
        "\u795e\ufe00",
        "\u0915\u094d\u200d\u0937",  # Devanagari, with a joiner
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian, with a non-joiner
        "two\nlines\tand \u00a0\u3000 spaces",
    ],
)
def test_what_scripts_and_emoji_need_stays_as_it_is(text: str) -> None:
    assert [piece.text for piece in pieces(text)] == [text]


def test_a_mark_does_not_part_an_emoji_from_its_selector() -> None:
    found = pieces("\u203c\ufe0fcasino\u203c\ufe0f", [reason("casino")])
    assert [piece.kind for piece in found if piece.kind] == ["towards"]
    assert "".join(piece.text for piece in found) == "\u203c\ufe0fcasino\u203c\ufe0f"


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


def test_endless_numbers_are_shown_in_few_digits() -> None:
    """Whatever the limits were when an ad came."""
    numbers = dict.fromkeys(("creative_width", "creative_height", "creative_duration_s", "creative_n_images", "impressions"), 1e308)
    plain = Ad(ad_id="a", advertiser_id="b", market="SE", submitted_at=NOW, creative_format="video")
    drawn = card(plain.model_copy(update=numbers))
    assert drawn.media is not None
    assert drawn.media.told == "video, 1e308 × 1e308, 1e308 s, 1e308 images"
    assert dict(drawn.facts)["expected impressions"] == "1e308"


def test_with_equal_weights_the_interval_is_clopper_pearsons() -> None:
    leakage = ScoredDecisions.of([(0.01, 4.0, number < 3, True) for number in range(10)]).split(0.05, 0.9).leakage
    exact = stats.binomtest(3, 10).proportion_ci(0.95, method="exact")
    assert (leakage.low, leakage.high) == pytest.approx((exact.low, exact.high), abs=1e-9)


def test_a_split_counts_what_the_thresholds_would_do() -> None:
    #        risk, weight, violating, rejectable
    rows = [(0.01, 10.0, True, True), (0.02, 10.0, False, True), (0.5, 1.0, True, True), (0.9, 3.0, False, True), (0.95, 0.0, False, True)]
    split = ScoredDecisions.of(rows[::-1]).split(0.05, 0.9)
    assert (split.ads, split.approved, split.reviewed, split.rejected) == (5, 2, 1, 2)
    assert (split.leakage.value, split.leakage.errors, split.leakage.read, split.leakage.effective) == (0.5, 1, 2, 2.0)
    assert (split.wrongful.value, split.wrongful.errors, split.wrongful.read) == (1.0, 1, 1)


def test_read_ads_stand_for_as_many_as_their_probability_says() -> None:
    split = ScoredDecisions.of([(0.1, 1.0, True, True), (0.1, 3.0, False, True)]).split(0.2, 1.0)
    assert split.leakage.value == 0.25
    assert split.leakage.effective == pytest.approx(1.6)
    assert split.wrongful.value is None


def test_a_policy_that_only_restricts_rejects_nobody() -> None:
    seen = ScoredDecisions.of([(0.99, 1.0, False, False)])
    assert not seen.rejects
    assert (seen.split(0.1, 0.5).rejected, seen.split(0.1, 0.5).reviewed) == (0, 1)


def test_nothing_on_record_splits_into_nothing() -> None:
    assert ScoredDecisions.of([]).split(0.1, 0.9).ads == 0


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
    assert [count(n) for n in (1e11, 1.234e12, 1e308, -1e300)] == ["100,000,000,000", "1.23e12", "1e308", "-1e300"]
    assert worth(1e300) == "1e300 ads"
    assert [signed(effect) for effect in (1.25, -0.7)] == ["+1.2", "−0.7"]


def test_what_is_strange_about_an_ad_is_said_apart_from_what_was_missing() -> None:
    degraded = ("unfamiliar:language:zh", "no_risk:gambling", "unfamiliar:script:CJK")
    assert unfamiliar(degraded) == "The model has hardly seen texts like this (language zh, script CJK): its risks say little."
    assert unfamiliar(["unfamiliar:text"]) == "The model has hardly seen texts like this: its risks say little."
    assert unfamiliar(["no_risk:gambling"]) == ""
    assert missing(degraded) == ["no model could say the risk of gambling"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Luxury watches", "ltr"),
        ("مقهى ليلي", "rtl"),
        ("50% — עכשיו", "rtl"),
        ("\u200eمرحبا", "rtl"),
        ("123 !", "auto"),
        ("", "auto"),
    ],
)
def test_a_text_runs_as_its_first_strong_letter_does(text: str, told: str) -> None:
    assert direction(pieces(text)) == told


@pytest.mark.parametrize(
    ("p", "told"),
    [
        (0.0001, "fewer than 1 in 2,000"),
        (0.002, "1 in 500"),
        (0.0168, "1 in 60"),
        (0.09, "1 in 11"),
        (0.34, "1 in 3"),
        (0.5, "5 in 10"),
        (0.95, "19 in 20"),
        (0.98, "98 in 100"),
        (0.999, "nearly all"),
    ],
)
def test_a_risk_is_said_as_people_say_it(p: float, told: str) -> None:
    assert odds(p) == told


@pytest.mark.parametrize(
    ("kind", "signal", "text", "told"),
    [
        ("phrase", "win big", 'the text says "win big"', True),
        ("phrase", "the", 'the text says "the"', False),
        ("phrase", "of a", 'the text says "of a"', False),
        ("phrase", "1", 'the text says "1"', False),
        ("phrase", "当選", 'the text says "当選"', True),
        ("fact", "non_latin_share", "100 % of the letters are of another script than Latin", False),
        ("fact", "detected_language", "reads as language ar", False),
        ("fact", "advertiser_age_days", "advertiser age days is not known", False),
        ("fact", "undone_confusables", "hides 3 letters behind look-alikes of another script", True),
    ],
)
def test_no_script_no_language_no_stop_word_and_nothing_missing_is_offered_as_a_reason(
    kind: Any, signal: str, text: str, told: bool
) -> None:
    assert speaks(Reason(policy="deceptive", kind=kind, signal=signal, text=text, effect=1.0)) is told


def test_an_error_is_said_as_a_sentence_and_a_line_for_each_mistake() -> None:
    told = str(InvalidInput("nothing can be forecast yet:", [Mistake("ads_per_day", 3, "at least 14 whole days on record")]))
    assert mistaken(told) == ("Nothing can be forecast yet:", [("ads per day", "3", "at least 14 whole days on record")])
    assert mistaken("the registry does not answer") == ("The registry does not answer", [])


def test_average_precision_without_an_interval_is_no_figure_and_what_is_not_understood_is_left_out() -> None:
    adult = {"n": 450, "positives": 2, "advertisers": 226, "ap": 0.57, "ap_interval": None, "calibration": {"expected": 11.05}}
    weapons = {**adult, "positives": 45, "ap_interval": [0.2, 0.7], "calibration": {}}
    told = measured({"policies": {"weapons": weapons, "adult": adult, "other": 0.4, "older": {"ap": 0.3}}})
    assert [(one.policy, one.ap, one.expected, one.chance) for one in told] == [
        ("adult", None, 11.05, 2 / 450),
        ("weapons", 0.57, None, 0.1),
    ]
    assert measured({}) == ()


def test_why_a_policy_decided_is_said_without_settings_names_and_thresholds_that_are_none() -> None:
    told = "the model has hardly seen texts like this, familiarity 0.00071 is not above unfamiliar_share 0.01: "
    assert plainly(f"{told}a person decides (when_unfamiliar: review)") == "the model has hardly seen texts like this: a person decides"
    never = "risk 0.932 is at least 0.028 and below 1.000: a person decides"
    assert plainly(never) == "the risk is at least 0.028, and nothing is rejected automatically: a person decides"
    between = "risk 0.300 is at least 0.100 and below 0.900: a person decides"
    assert plainly(between) == between
