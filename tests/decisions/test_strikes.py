"""Strikes: which rejections count, what a limit causes, and how policy files say it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.decisions.decide import decide
from adverdict.decisions.files.read import read_policies
from adverdict.decisions.policy import PolicyBook, Severity
from adverdict.decisions.strikes import Strike, StrikeLimit, StrikesCounted, StrikesThen, counting, strikes_reached
from adverdict.domain.decision import Decision
from adverdict.domain.errors import InvalidPolicy
from tests.decisions.build import CONTEXT, DEFAULT_YAML, NONE_SOLVED, POLICY, WHEN, an_ad, book, risk, write_folder

REVIEW, HOLD = StrikesThen
LIMITED = replace(POLICY, strikes=StrikeLimit(3, 30, REVIEW))
HELD = replace(POLICY, strikes=StrikeLimit(3, 30, HOLD))


def strike(days_ago: float, *, policy: str = "gambling", sent: float | None = None, ad: str | None = None) -> Strike:
    """Of an ad that was submitted ``sent`` days ago, ten minutes before it was rejected unless told."""
    at = WHEN - timedelta(days=days_ago)
    submitted = at - timedelta(minutes=10) if sent is None else WHEN - timedelta(days=sent)
    return Strike(policy, at, submitted, ad or f"ad-{days_ago}", f"dec-{days_ago}", "people")


def under(strikes: Sequence[Strike], p: float = 0.01, limited: PolicyBook | None = None) -> Decision:
    context = replace(CONTEXT, strikes=strikes)
    return decide(an_ad(), {"gambling": risk(p)}, limited or book([LIMITED]), NONE_SOLVED, context=context)


@pytest.mark.parametrize(
    ("days_ago", "verdict"),
    [((1, 2), "approve"), ((1, 2, 3), "review"), ((1, 2, 29), "review"), ((1, 2, 30), "approve"), ((40, 41, 42), "approve")],
)
def test_strikes_within_the_days_reach_a_limit_and_expire(days_ago: tuple[float, ...], verdict: str) -> None:
    assert under([strike(one) for one in days_ago]).verdict == verdict


@pytest.mark.parametrize("p", [0.01, 0.5, 0.95])
def test_whoever_has_reached_a_limit_is_decided_nothing_automatically_either_way(p: float) -> None:
    assert under([strike(one) for one in (1, 2, 3)], p).verdict == "review"


def test_a_limit_that_is_reached_says_so_in_words_and_as_a_cause() -> None:
    decision = under([strike(one) for one in (1, 2, 3)])
    assert decision.degraded == ("strikes:gambling",)
    assert decision.policies[0].because == (
        "the advertiser has 3 strikes within 30 days under policy gambling, whose limit is 3: a person decides"
    )
    held = under([strike(one) for one in (1, 2, 3)], limited=book([HELD]))
    assert held.policies[0].because.endswith("whose limit is 3: a person decides until somebody lifts it")


def test_a_limit_of_one_policy_leaves_the_verdicts_of_all_to_people() -> None:
    adult = replace(POLICY, name="adult")
    context = replace(CONTEXT, strikes=[strike(one) for one in (1, 2, 3)])
    risks = {"gambling": risk(0.01), "adult": risk(0.01, "adult")}
    decision = decide(an_ad(), risks, book([LIMITED, adult]), NONE_SOLVED, context=context)
    assert [one.verdict for one in decision.policies] == ["review", "review"]


def test_a_hold_does_not_expire() -> None:
    strikes = [strike(one) for one in (400, 401, 402)]
    assert (under(strikes).verdict, under(strikes, limited=book([HELD])).verdict) == ("approve", "review")
    apart = [strike(one) for one in (400, 430, 460)]
    assert under(apart, limited=book([HELD])).verdict == "approve"


def test_without_a_limit_strikes_change_nothing() -> None:
    strikes = [strike(one) for one in (1, 2, 3)]
    assert under(strikes, limited=book([POLICY])) == under([], limited=book([POLICY]))


def test_what_was_submitted_before_a_rejection_was_known_counts_with_it() -> None:
    at_once = [strike(5 - 0.001 * one, sent=6, ad=f"ad-{one}") for one in range(50)]
    assert len(counting(at_once)) == 1
    assert len(counting([*at_once, strike(4, sent=4.1), strike(3, sent=3.5), strike(2.9, sent=3.5)])) == 3


def test_severity_counts_policies_of_one_severity_together_and_no_others() -> None:
    limit = StrikeLimit(3, 30, REVIEW, StrikesCounted.SEVERITY)
    alike, other = replace(POLICY, name="adult", strikes=limit), replace(POLICY, name="scam", severity=Severity.SEVERE, strikes=limit)
    policies = [replace(POLICY, strikes=limit), alike, other]
    told = [strike(1), strike(2, policy="adult"), strike(3)]
    assert [one.policy for one in strikes_reached(policies, told, WHEN)] == ["gambling", "adult"]
    assert strikes_reached(policies, [strike(1), strike(2, policy="scam"), strike(3)], WHEN) == []


@given(days=st.lists(st.floats(0, 100), max_size=12), later=st.floats(0, 200))
def test_a_review_ends_when_it_says(days: list[float], later: float) -> None:
    found = strikes_reached([LIMITED], [strike(one) for one in days], WHEN)
    for one in found:
        assert one.until is not None
        just_before, then = one.until - timedelta(microseconds=1), one.until
        assert strikes_reached([LIMITED], [strike(day) for day in days], just_before)
        assert not strikes_reached([LIMITED], [strike(day) for day in days], then)


def test_policy_files_say_it_and_a_narrower_file_takes_it_away(tmp_path: Path) -> None:
    default = DEFAULT_YAML.replace(
        "    reason: The ad misleads.\n", "    strikes: {limit: 3, days: 90, then: hold}\n    reason: The ad misleads.\n"
    )
    market = "extends: default\npolicies:\n  deceptive:\n    strikes: none\n"
    read = read_policies(write_folder(tmp_path, default=default, GB=market))
    [se] = [one for one in read.in_force("SE", None) if one.name == "deceptive"]
    [gb] = [one for one in read.in_force("GB", None) if one.name == "deceptive"]
    assert (se.strikes, gb.strikes) == (StrikeLimit(3, 90, HOLD), None)
    assert PolicyBook.from_json(read.to_json()) == read
    assert read.counts_strikes


def test_a_book_without_limits_has_the_hash_it_had(tmp_path: Path) -> None:
    """The hashes of books on record do not change because there is such a key now."""
    plain = read_policies(write_folder(tmp_path / "a"))
    said = read_policies(write_folder(tmp_path / "b", SE="extends: default\npolicies:\n  deceptive:\n    strikes: none\n"))
    assert plain.hash == said.hash
    assert not plain.counts_strikes


def test_all_mistakes_of_a_block_are_told_at_once(tmp_path: Path) -> None:
    market = "extends: default\npolicies:\n  deceptive:\n    strikes: {limit: 0, days: 9000, the: hold}\n  gambling:\n    strikes: 3\n"
    with pytest.raises(InvalidPolicy) as refused:
        read_policies(write_folder(tmp_path, SE=market))
    assert [(one.field, one.value) for one in refused.value.mistakes] == [
        ("key of policies.deceptive.strikes", "the"),
        ("policies.deceptive.strikes.days", "9000"),
        ("policies.deceptive.strikes.limit", "0"),
        ("policies.deceptive.strikes.then", None),
        ("policies.gambling.strikes", "3"),
    ]
