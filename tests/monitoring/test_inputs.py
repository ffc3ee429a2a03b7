"""What callers send and how reviewers read: told where it has changed for days, by enough, and not by chance or on few."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.store import Ledger
from adverdict.monitoring.following.fold import State
from adverdict.monitoring.inputs import BEFORE, LAST, InputChange, input_changes, volume_weeks
from adverdict.monitoring.readers import ReaderWeek, reader_changes, reader_weeks
from adverdict.review.tasks.routing import Reviewer
from adverdict.workforce.volume.history import History, Queue, Series
from tests.ledger.made import START, an_ad, decided
from tests.review.desk import Desk

TODAY = 400


def followed(missing: list[int], ads: int = 50) -> State:
    """A caller's ads of the last days, of which some come without a title."""
    state = State(today=TODAY)
    for number, count in enumerate(missing):
        day = TODAY - len(missing) + number
        state.tallies["data/shop/SE/ads", day, 0] = [ads, 5]
        if count:
            state.tallies["data/shop/SE/missing/title", day, 0] = [count, count]
    return state


def test_titles_that_stop_coming_are_told_once_every_one_of_four_days_lies_outside() -> None:
    usual = [1, 2, 0, 3] * (BEFORE // 4)
    [change] = input_changes(followed([*usual, 20, 22, 19, 25]))
    assert change == InputChange("shop", "SE", "missing/title", pytest.approx(0.03), pytest.approx(0.43), 200)
    assert change.sentence == "43% of the 200 ads of shop in SE come without title, where 3% did before"
    assert input_changes(followed([*usual, 20, 22, 2, 25])) == []
    assert input_changes(followed([*usual, 3, 3, 3, 3])) == []


def test_few_ads_and_few_days_say_nothing() -> None:
    assert input_changes(followed([0] * BEFORE + [9] * LAST, ads=15)) == []
    assert input_changes(followed([0] * 5 + [20] * LAST)) == []


def test_a_series_of_days_that_can_be_exchanged_is_hardly_ever_told() -> None:
    rng = np.random.default_rng(0)
    told = sum(len(input_changes(followed(rng.binomial(50, 0.2, BEFORE + LAST).tolist()))) for _ in range(300))
    assert told == 0


def test_what_a_caller_sends_is_counted_from_the_chain() -> None:
    state = State()
    made: DecisionMade = decided(an_ad(1, title=None, body="text", language="sv-SE"), Verdict.REVIEW, first=True)
    told = made.model_copy(update={"caller": "shop"}).model_dump(mode="json")
    state.follow(1, "decision", "dec-1", 10, told)
    counted = {what: counts for (what, _, _), counts in state.tallies.items()}
    assert counted["data/shop/SE/ads"] == [1, 1]
    assert counted["data/shop/SE/missing/title"] == [1, 1]
    assert "data/shop/SE/missing/body" not in counted
    assert counted["data/shop/SE/language/sv"] == [1, 1]


def test_a_week_that_its_past_did_not_foretell_is_off() -> None:
    days = np.tile([100.0, 110, 110, 110, 100, 60, 50], 6)
    series, queues = (Series("SE", ""), Series("DE", "")), (Queue("SE", "review"),)
    surge = days.copy()
    surge[-7:] *= 2
    history = History(START.date(), series, np.array([days, surge]), queues, np.array([days / 10]))
    quiet, off = volume_weeks(history, ())
    assert (quiet.market, quiet.off, off.off) == ("SE", False, True)
    assert quiet.forecast == pytest.approx(quiet.came, rel=0.1)
    assert volume_weeks(history.until(10), ()) == []


def test_a_reviewer_who_became_worse_is_told_and_one_who_may_have_by_chance_is_not() -> None:
    good, bad, fair = ReaderWeek(20, 19, 20, 19), ReaderWeek(20, 10, 20, 19), ReaderWeek(20, 17, 20, 17)
    found = reader_changes({"rita": [good] * 6 + [bad] * 2, "sven": [good] * 6 + [fair] * 2, "tove": [good] * 2 + [ReaderWeek(3, 0)]})
    assert [(one.reviewer, one.what, one.before, one.now) for one in found] == [("rita", "golden", (114, 120), (20, 40))]
    assert found[0].sentence.startswith("rita: golden tasks right 20 of 40 in the last 2 weeks (50%; 34% to 66%), 95% before")


def test_readings_are_counted_by_the_week_in_which_they_were_given(ledger: Ledger) -> None:
    desk = Desk(ledger)
    desk.staff(Reviewer("rita"), Reviewer("sven"), Reviewer("tove"))
    desk.decide(Verdict.APPROVE, audited=1.0)
    desk.say("rita", "reject")
    desk.say("sven", "approve")
    desk.say("tove", "approve")
    desk.clock.on(9 * 86_400)
    weeks = reader_weeks(ledger, desk.clock(), 3)
    assert {name: [one.read_twice for one in told] for name, told in weeks.items()} == {
        name: [0, 1, 0] for name in ("rita", "sven", "tove")
    }
    assert sum(one.agreed for told in weeks.values() for one in told) == 0
    assert reader_weeks(ledger, START - timedelta(days=1)) == {}
