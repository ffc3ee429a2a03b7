"""A certificate's life: every move, what does not move it, and that falsehoods are as rare as promised."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from adverdict.certification.life import (
    FEWEST_AUDITS,
    Audits,
    Cause,
    DayEnd,
    PlannedSample,
    Terms,
    audits_a_day,
    life,
)
from adverdict.certification.statistics.bounds import Sizes
from adverdict.certification.statistics.sequential import against, supporting
from adverdict.domain.errors import InvalidInput
from adverdict.domain.standing import Standing
from tests.effort import part_of

TERMS = Terms(limit=0.02)
PROVISIONAL = replace(TERMS, provisional=True)
CLEAN, DOUBTFUL, BAD = (20, 0), (20, 4), (20, 6)
"""Audits of a day, and errors among them. The second raises doubt where a week begins with it."""


def sample(day: int, errors: int = 0, ads: int = 200) -> PlannedSample:
    return PlannedSample(day, errors, Sizes.single(ads), ads, level=0.025)


def stream(*spans: tuple[int, tuple[int, int]], start: int = 0) -> list[Audits]:
    """So many days, each with (audited, errors)."""
    days = [counts for length, counts in spans for _ in range(length)]
    return [Audits(day, audited, errors) for day, (audited, errors) in enumerate(days, start)]


def moves(standings: Sequence[DayEnd]) -> list[tuple[int, Standing]]:
    """The first day, and every day on which the state is another than the day before or something moved it."""
    return [
        (one.day, one.standing)
        for before, one in zip([None, *standings], standings, strict=False)
        if not before or one.cause or one.standing != before.standing
    ]


def test_without_a_sample_nothing_is_shown_and_audits_of_nothing_show_nothing() -> None:
    assert moves(life(stream((60, CLEAN)), [], TERMS, 60)) == [(0, Standing.NONE)]


def test_a_planned_sample_issues_it_from_the_next_day_on() -> None:
    found = life([], [sample(3)], TERMS, 10)
    assert moves(found) == [(0, Standing.NONE), (4, Standing.CERTIFIED)]
    assert found[4].cause is Cause.SAMPLE


def test_a_sample_that_does_not_show_the_bound_moves_nothing() -> None:
    assert moves(life([], [sample(3, errors=2)], TERMS, 10)) == [(0, Standing.NONE)]


def test_audits_issue_what_is_provisional_on_the_day_their_evidence_is_enough() -> None:
    found = life(stream((60, CLEAN)), [], PROVISIONAL, 30)
    ((_, first), (issued, second)) = moves(found)[:2]
    assert (first, second) == (Standing.PROVISIONAL, Standing.CERTIFIED)
    assert found[issued].cause is Cause.AUDITS
    needed = [supporting(0, 20 * days, 0.02) >= 40 for days in (issued - 1, issued)]
    assert needed == [False, True]


def test_audits_end_what_is_provisional_where_they_speak_against_it() -> None:
    assert moves(life(stream((3, CLEAN), (60, BAD)), [], PROVISIONAL, 60)) == [(0, Standing.PROVISIONAL), (4, Standing.REVOKED)]


def test_clean_audits_renew_it_in_the_last_third_of_its_validity_and_only_then() -> None:
    assert moves(life(stream((200, CLEAN)), [sample(0)], TERMS, 200)) == [
        (0, Standing.NONE),
        (1, Standing.CERTIFIED),
        (62, Standing.RENEWED),
        (123, Standing.RENEWED),
        (184, Standing.RENEWED),
    ]


def test_too_few_audits_let_it_expire() -> None:
    few = stream((200, (1, 0)))
    assert moves(life(few, [sample(0)], TERMS, 200)) == [(0, Standing.NONE), (1, Standing.CERTIFIED), (91, Standing.NONE)]
    found = life(few, [sample(0)], PROVISIONAL, 200)
    assert moves(found) == [(0, Standing.PROVISIONAL), (1, Standing.CERTIFIED), (91, Standing.PROVISIONAL)]
    assert found[91].cause is Cause.EXPIRY


def test_a_new_sample_renews_it_before_it_would_expire() -> None:
    assert moves(life([], [sample(0), sample(50)], TERMS, 160)) == [
        (0, Standing.NONE),
        (1, Standing.CERTIFIED),
        (51, Standing.RENEWED),
        (141, Standing.NONE),
    ]


def test_a_few_errors_raise_doubt_which_clean_days_put_to_rest() -> None:
    found = life(stream((8, CLEAN), (1, DOUBTFUL), (60, CLEAN)), [sample(0)], TERMS, 60)
    assert [state for _, state in moves(found)] == [Standing.NONE, Standing.CERTIFIED, Standing.DOUBTED, Standing.CERTIFIED]
    doubt = [one for one in found if one.standing is Standing.DOUBTED]
    assert doubt[0].day == 8
    assert all(5 <= one.evidence_against < 20 for one in doubt)


def test_what_is_doubted_is_not_renewed_by_a_good_past_nor_by_a_sample() -> None:
    doubtful = stream((66, CLEAN), (1, DOUBTFUL), (2, (20, 0)))
    found = life(doubtful, [sample(9), sample(66)], TERMS, 69)
    assert moves(found)[2:3] == [(66, Standing.DOUBTED)]
    assert found[66].evidence_for > 40
    assert not any(one.cause is Cause.SAMPLE for one in found[11:])


def test_evidence_against_revokes_it_on_the_day_and_nothing_but_a_sample_brings_it_back() -> None:
    audits = stream((29, CLEAN), (1, DOUBTFUL), (3, BAD), (81, CLEAN))
    found = life(audits, [sample(0), sample(90)], PROVISIONAL, 114)
    assert [state for _, state in moves(found)] == [
        Standing.PROVISIONAL,
        Standing.CERTIFIED,
        Standing.DOUBTED,
        Standing.REVOKED,
        Standing.CERTIFIED,
    ]
    assert moves(found)[3][0] == 30
    assert (found[30].cause, found[29].evidence_against < 20 <= found[30].evidence_against) == (Cause.AUDITS, True)
    assert moves(found)[4][0] == 91


def test_a_long_good_past_does_not_pay_for_a_bad_present() -> None:
    found = life(stream((55, (50, 0)), (10, (50, 4))), [sample(0)], TERMS, 65)
    revoked = next(one.day for one in found if one.standing is Standing.REVOKED)
    assert revoked <= 62
    assert against(4 * (revoked - 54), 50 * revoked, 0.02) < 1, "all audits together would still speak for it"


def test_days_are_counted_in_order_and_only_when_their_audits_are_settled() -> None:
    audits = stream((30, CLEAN))
    audits[25] = replace(audits[25], open=1)
    assert len(life(audits, [], PROVISIONAL, 30)) == 25
    assert len(life(audits[:20], [], PROVISIONAL, 30)) == 30, "days without audits have none to wait for"


def test_an_audit_that_stays_open_counts_against_either_sentence() -> None:
    settled = stream((40, CLEAN))
    late = [replace(one, open=1) if one.day == 5 else one for one in settled]
    missing, found, clean = (
        life(audits, [], replace(PROVISIONAL, level=1e-9), 40)[-1]
        for audits in (late, stream((5, CLEAN), (1, (20, 1)), (34, CLEAN)), settled)
    )
    assert missing.evidence_for == found.evidence_for < clean.evidence_for
    assert missing.evidence_against == clean.evidence_against < found.evidence_against


def test_each_of_ads_audited_three_times_as_often_says_less() -> None:
    terms = replace(PROVISIONAL, floor=0.02, level=1e-9)
    usual, raised = ([replace(one, inclusion=q) for one in stream((20, CLEAN))] for q in (0.02, 0.06))
    found = [life(audits, [], terms, 20)[-1].evidence_for for audits in (usual, raised)]
    assert 1 < found[1] < found[0] / 10


def test_a_provisional_spell_has_a_floor_of_its_own() -> None:
    raised = [replace(one, inclusion=0.06) for one in stream((40, CLEAN))]
    terms = replace(PROVISIONAL, floor=0.02)
    issued = [
        next((one.day for one in life(raised, [], at, 40) if one.standing is Standing.CERTIFIED), 99)
        for at in (terms, replace(terms, provisional_floor=0.06))
    ]
    assert issued[1] < issued[0]


def test_audits_of_a_day_may_come_in_parts() -> None:
    whole = stream((30, (20, 1)))
    parts = [Audits(one.day, audited, errors) for one in whole for audited, errors in ((15, 1), (5, 0))]
    together, apart = (life(audits, [], replace(PROVISIONAL, alpha=1e-9), 30)[-1] for audits in (whole, parts))
    assert apart.evidence_for == pytest.approx(together.evidence_for)
    assert apart.evidence_against == pytest.approx(together.evidence_against)


def test_only_what_is_in_force_decides_and_doubt_asks_for_more_audits() -> None:
    assert {one for one in Standing if not one.in_force} == {Standing.NONE, Standing.REVOKED, Standing.EXPIRED}
    assert {one for one in Standing if one.audits_times > 1} == {Standing.PROVISIONAL, Standing.DOUBTED}


def test_one_issued_before_the_first_day_lives_on_as_one_issued_by_a_sample() -> None:
    audits = stream((1, (0, 0)), (30, CLEAN), (3, BAD))
    known = life([replace(one, day=one.day - 1) for one in audits[1:]], [], TERMS, 33, Standing.CERTIFIED)
    sampled = life(audits, [sample(0)], TERMS, 34)
    assert [one.evidence_against for one in known] == [one.evidence_against for one in sampled[1:]]
    assert known[-1].standing is Standing.REVOKED


@pytest.mark.parametrize(
    ("audits", "samples", "said"),
    [
        ([Audits(-1, 1, 0)], [], "day = -1; expected 0 or later"),
        ([Audits(4, 3, 2, open=2)], [], "day 4: audits = '2 errors and 2 open of 3'; expected no more errors and open audits than audits"),
        ([Audits(4, 3, 2, inclusion=0.0)], [], "day 4: inclusion = 0.0"),
        ([], [PlannedSample(2, 0, Sizes.single(250), 200, 0.025)], "sample of day 2: sample = '250 ads'; expected the 200 planned"),
        ([], [PlannedSample(2, 201, Sizes.single(200), 200, 0.0)], "level = 0.0"),
    ],
)
def test_counts_that_cannot_be_are_refused(audits: list[Audits], samples: list[PlannedSample], said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        life(audits, samples, TERMS, 10)
    assert said in str(refused.value)


def test_every_mistake_is_shown_at_once() -> None:
    with pytest.raises(InvalidInput) as refused:
        Terms(limit=0.0, alpha=1.0, doubt=0.0, renewable_days=0, patience=-1)
    assert [one.field for one in refused.value.mistakes] == ["limit", "alpha", "doubt", "renewable_days", "patience"]


@pytest.mark.parametrize(
    ("rate", "limit", "expected"), [(0.005, 0.02, FEWEST_AUDITS), (0.01, 0.02, 21.6), (0.0, 0.001, 62), (0.02, 0.02, None)]
)
def test_the_audits_due_are_those_that_renew_it(rate: float, limit: float, expected: float | None) -> None:
    due = audits_a_day(rate, limit, 0.025)
    assert due == (None if expected is None else pytest.approx(expected, rel=0.1))


@pytest.mark.sampled
@pytest.mark.parametrize(("rate", "limit"), [(0.01, 0.02), (0.0003, 0.001)])
def test_with_the_audits_due_it_is_renewed_about_four_times_in_five(rate: float, limit: float) -> None:
    a_day = audits_a_day(rate, limit, 0.025)
    assert a_day is not None
    audited = round(a_day)
    renewed = ended(lambda rng: audits_of(rng.binomial(audited, rate, 91), audited), Terms(limit), Standing.RENEWED)
    assert 0.65 < renewed < 0.95


@pytest.mark.sampled
def test_exactly_at_the_limit_it_is_revoked_falsely_or_renewed_falsely_as_rarely_as_promised() -> None:
    audited = 50
    at_the_limit = [
        ended(lambda rng: audits_of(rng.binomial(audited, 0.02, 92), audited), TERMS, end) for end in (Standing.REVOKED, Standing.RENEWED)
    ]
    assert at_the_limit[0] <= 0.05
    assert at_the_limit[1] <= 0.025


def audits_of(errors: np.ndarray, audited: int) -> list[Audits]:
    return [Audits(day, audited, int(k)) for day, k in enumerate(errors)]


def ended(drawn: Callable[[np.random.Generator], list[Audits]], terms: Terms, state: Standing, runs: int = 600) -> float:
    """The share of first spells of 90 days that end so."""
    rng, runs = np.random.default_rng(6), part_of(runs)
    return sum(any(one.standing is state for one in life(drawn(rng), [sample(0, ads=5000)], terms, 92)) for _ in range(runs)) / runs
