"""What is watched besides verdicts while two models are tried against each other: how long they take, and what they fail on."""

from __future__ import annotations

import pytest

from adverdict.decisions.rollout import Guard
from adverdict.rollout.stages.guards import Event, FirstAd, Look, Trial, TrialSide, looks
from adverdict.rollout.stages.watch import sentence

LATENCY = Guard(kind="latency", limit=1.5, alpha=0.0015)
SIDES: tuple[TrialSide, ...] = ("candidate", "control")
ERRORS = Guard(kind="errors", limit=1.5, alpha=0.0015)


def of_latency(candidate: float, control: float, pairs: int = 40) -> Look:
    """Of first ads that take their arm's milliseconds, one a little more than the next."""
    sides: tuple[tuple[TrialSide, float], ...] = (("candidate", candidate), ("control", control))
    ads = [FirstAd(side, f"{side}-{number}", False, took) for number in range(pairs) for side, took in sides]
    [found] = looks([LATENCY], Trial(first_ads=ads))
    return found


@pytest.mark.parametrize(("candidate", "ends"), [(40.0, True), (31.0, True), (29.0, False), (20.0, False)])
def test_a_candidate_that_takes_more_than_the_limit_times_as_long_as_its_control_is_ended(candidate: float, ends: bool) -> None:
    told = of_latency(candidate, 20.0)
    assert (told.ends, told.units, told.errors > told.units / 2) == (ends, 40, ends)
    assert "the candidate took more than 1.5 times as long" in sentence(told)


def test_a_few_slow_ads_end_nothing() -> None:
    assert not of_latency(200.0, 20.0, pairs=8).ends


def test_where_no_model_is_tried_nobody_says_how_long_it_took() -> None:
    [told] = looks([LATENCY], Trial(first_ads=[FirstAd("candidate", "a", False), FirstAd("control", "b", False)]))
    assert (told.units, told.ends) == (0, False)


def failing(candidate: int, control: int) -> Look:
    """Of so many advertisers of each, in turn."""
    each = [Event(side, f"{side}-{number}") for number in range(max(candidate, control)) for side in SIDES]
    most = {"candidate": candidate, "control": control}
    [found] = looks([ERRORS], Trial(failures=[one for one in each if int(one.advertiser.rpartition("-")[2]) < most[one.side]]))
    return found


def test_a_candidate_that_fails_on_ads_of_many_advertisers_is_ended_and_one_that_fails_as_its_control_does_is_not() -> None:
    assert failing(20, 0).ends
    assert not failing(20, 20).ends
    assert "the model that failed on an ad was the candidate's" in sentence(failing(20, 0))


def test_an_advertiser_counts_once_however_many_of_its_ads_fail() -> None:
    [told] = looks([ERRORS], Trial(failures=[Event("candidate", "one")] * 100))
    assert (told.units, told.ends) == (1, False)
