"""Waiting is told before it happens: too long a line and too short a deadline are refused, and nobody is refused for ever."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.serving.http.errors import from_error
from adverdict.serving.worker.admission import FRESH, AdmissionControl, DeadlineMissed, Depth, Overloaded, ServiceTime

CHUNK = 16


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def a_line(most: float = 0.5, cascade: float = 0.001, early: float = 0.001, rounds: int = 200) -> AdmissionControl:
    """Before which rounds of 1 to 16 ads took 2 ms and so much an ad."""
    line = AdmissionControl(most, CHUNK, Clock())
    costs: list[tuple[Depth, float]] = [("cascade", cascade), ("early", early)]
    for number in range(rounds):
        for depth, each in costs:
            ads = 1 + number % CHUNK
            line.learn(depth, ads, 0.002 + each * ads)
    return line


@given(fixed=st.floats(0, 0.1), each=st.floats(0.0001, 0.1))
def test_what_a_round_takes_is_learnt_from_rounds_of_any_size(fixed: float, each: float) -> None:
    pace = ServiceTime()
    for number in range(300):
        ads = 1 + number * 7 % CHUNK
        pace.learn(ads, fixed + each * ads)
    assert pace.seconds(1, CHUNK) == pytest.approx(fixed + each * CHUNK, rel=0.1, abs=1e-4)
    assert pace.within(1, CHUNK) >= 0.9 * (fixed + each * CHUNK)


@given(rounds=st.lists(st.tuples(st.integers(1, 16), st.floats(0, 10)), max_size=40), ads=st.integers(0, 5000))
def test_no_history_of_rounds_makes_a_wait_negative_or_a_longer_line_quicker(rounds: list[tuple[int, float]], ads: int) -> None:
    pace = ServiceTime()
    for size, seconds in rounds:
        pace.learn(size, seconds)
    shorter, longer = (pace.seconds(-(-count // CHUNK), count) for count in (ads, ads + CHUNK))
    assert -1e-9 <= shorter <= longer + 1e-9


@pytest.mark.parametrize(
    ("requests", "ads_each", "asked", "refused"),
    [
        (0, 0, 256, False),  # an empty line refuses nobody, however much is asked
        (400, 1, 1, False),  # 25 rounds of 18 ms
        (500, 1, 1, True),
        (2, 256, 1, False),  # large batches take turns with single ads …
        (2, 256, 256, True),  # … and count whole for another batch
    ],
)
def test_a_request_is_refused_when_its_turn_would_come_too_late(requests: int, ads_each: int, asked: int, refused: bool) -> None:
    line = a_line(most=0.5)
    for _ in range(requests):
        line.joined(ads_each)
    if refused:
        with pytest.raises(Overloaded) as told:
            line.admit(asked)
        problem = from_error(told.value)
        assert (problem.status, problem.code, problem.headers["retry-after"]) == (429, "overloaded", "1")
    else:
        line.admit(asked)


def test_a_line_that_has_gone_refuses_nobody() -> None:
    line = a_line(most=0.1)
    line.joined(256)
    line.joined(256)
    with pytest.raises(Overloaded):
        line.admit(200)
    line.left(1, 256)
    line.left(1, 256)
    assert line.ads == 0
    line.admit(200)


@pytest.mark.parametrize(
    ("milliseconds", "told"),
    [(None, "cascade"), (500, "cascade"), (60, "early"), (1, "missed"), (0, "missed"), (-5, "missed")],
)
def test_a_deadline_gets_as_much_of_the_model_as_there_is_time_for(milliseconds: float | None, told: str) -> None:
    line = a_line(cascade=0.005, early=0.0001)  # a full round: 82 ms, or 3.6
    until = None if milliseconds is None else line.clock() + milliseconds / 1000
    if told == "missed":
        with pytest.raises(DeadlineMissed):
            line.depth(CHUNK, until)
    else:
        assert line.depth(CHUNK, until) == told


def test_the_line_counts_against_the_deadline() -> None:
    line = a_line(most=10)
    for _ in range(320):
        line.joined(1)  # 20 rounds of 18 ms
    line.admit(until=line.clock() + 0.5)
    with pytest.raises(DeadlineMissed):
        line.admit(until=line.clock() + 0.3)


@pytest.mark.parametrize("ask", [lambda line, until: line.depth(1, until) == "cascade", lambda line, until: line.admit(1, until) is None])
def test_what_once_took_too_long_is_tried_again(ask: Callable[[AdmissionControl, float], bool]) -> None:
    clock = Clock()
    line = AdmissionControl(1.0, CHUNK, clock)
    line.learn("cascade", 1, 30.0)
    line.learn("early", 1, 30.0)
    clock.now += 2 * FRESH

    def granted() -> bool:
        try:
            return ask(line, line.clock() + 0.1)
        except DeadlineMissed:
            return False

    assert not granted()
    assert any(granted() for _ in range(2000))


def test_callers_who_ask_for_the_impossible_do_not_have_others_answered_too_late() -> None:
    clock = Clock()
    line = AdmissionControl(10, CHUNK, clock)
    late = 0
    for _ in range(300):
        line.learn("cascade", 1, 0.03)
        line.learn("early", 1, 0.03)
        clock.now += 0.03
        for _ in range(30):
            with pytest.raises(DeadlineMissed):
                line.admit(until=clock.now + 0.001)
        try:
            line.depth(1, clock.now + 0.02)
        except DeadlineMissed:
            continue
        late += 1
    assert late == 0


def test_who_would_be_in_the_next_round_is_let_in_though_the_disk_has_stalled() -> None:
    line = a_line(most=0.1)
    line.learn("cascade", 1, 60.0)
    for _ in range(CHUNK):
        line.joined(1)
    line.admit()
    assert line.wait() < 0.1, "one stall is no measure of what comes next"


def test_nothing_is_refused_before_anything_is_known() -> None:
    line = AdmissionControl(0.001, CHUNK, Clock())
    for _ in range(1000):
        line.joined(1)
    line.admit(256, line.clock() + 0.001)


def offered(line: AdmissionControl, clock: Clock, seconds: float, arrivals: float, answers: float) -> tuple[int, int, int]:
    """How many were let in, refused, and the longest line of the last second, where so many come and go a second."""
    taken = refused = longest = 0
    credit = 0.0
    for number in range(round(seconds * arrivals)):
        clock.now += 1 / arrivals
        credit = min(credit + answers / arrivals, line.ads)
        line.left(int(credit), int(credit))
        credit -= int(credit)
        try:
            line.admit()
        except Overloaded:
            refused += 1
            continue
        line.joined(1)
        taken += 1
        if number > (seconds - 1) * arrivals:
            longest = max(longest, line.ads)
    return taken, refused, longest


@pytest.mark.parametrize(("each", "in_line"), [(0.0001, 2 * CHUNK), (0.001, 18), (0.006, 4)])
def test_where_more_comes_than_can_be_answered_the_line_is_short_and_as_many_are_answered(each: float, in_line: int) -> None:
    """What a round costs by itself is a fifth of it: of two ads, say."""
    line = a_line(most=500 * each, cascade=each, early=each)
    assert line.busy() == in_line
    clock = line.clock
    assert isinstance(clock, Clock)
    taken, refused, longest = offered(line, clock, seconds=10, arrivals=1600, answers=800)
    assert taken == pytest.approx(8000, rel=0.06), "what could be answered, and once a line of half a second"
    assert longest <= in_line
    _, refused, _ = offered(line, clock, seconds=3, arrivals=560, answers=800)
    assert refused <= 0.02 * 3 * 560, "when it is over nobody is refused any more"
    for _ in range(10 * CHUNK):
        line.joined(1)
    line.admit()


def test_callers_who_wait_for_their_answers_are_not_refused_however_many_they_are() -> None:
    line = a_line(most=0.5)
    clock = line.clock
    assert isinstance(clock, Clock)
    for _ in range(300):
        line.admit()
        line.joined(1)
    for _ in range(5000):
        clock.now += 1 / 800
        line.left(1, 1)
        line.admit()
        line.joined(1)
