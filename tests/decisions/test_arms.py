"""Which side of a roll-out an advertiser is on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.decisions.arms import TWIN, Arms, InForce, bucket, choose, overlapping, side

SALT = b"0123456789abcdef0123456789abcdef"
NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
shares = st.floats(0, TWIN)


def arms(share: float, control: float | None = None, *markets: str, until: datetime | None = None, rollout: str = "rol-1") -> Arms:
    twin = share if control is None else control
    return Arms(rollout, "base", "candidate", share, twin, frozenset(markets), 0.5, 4.0, until, SALT)


@given(st.floats(0, 1, exclude_max=True), shares, shares)
def test_a_larger_share_takes_nobody_out_of_either_arm(drawn: float, one: float, other: float) -> None:
    small, large = sorted((one, other))
    before = side(drawn, small, small)
    assert before == "outside" or side(drawn, large, large) == before


@given(st.floats(0, 1, exclude_max=True), shares)
def test_whom_the_candidate_decides_for_it_decides_for_at_the_end(drawn: float, share: float) -> None:
    if side(drawn, share, share) == "candidate":
        assert side(drawn, 1.0, 0.01) == "candidate"


def test_the_two_arms_are_of_one_size_and_the_salt_draws_them_anew() -> None:
    advertisers = [f"adv-{number}" for number in range(20_000)]
    sides = [side(bucket(SALT, one), 0.05, 0.05) for one in advertisers]
    for name in ("candidate", "control"):
        assert abs(sides.count(name) - 1_000) < 4 * np.sqrt(1_000)
    others = [side(bucket(b"another salt", one), 0.05, 0.05) for one in advertisers]
    both = sum(one == other == "candidate" for one, other in zip(sides, others, strict=True))
    assert both < 50 + 4 * np.sqrt(50), "a twentieth of the twentieth"


def test_an_ad_is_decided_by_its_advertisers_arm_where_the_roll_out_is_on() -> None:
    in_force = InForce("base", (arms(0.3, None, "SE"),))
    chosen = {choose(in_force, "SE", f"adv-{number}", NOW).policies for number in range(50)}
    assert chosen == {"base", "candidate"}
    elsewhere = choose(in_force, "BR", "adv-1", NOW)
    assert (elsewhere.policies, elsewhere.arm, elsewhere.audit_share) == ("base", None, 0.0)


def test_both_arms_are_audited_alike_and_the_rest_as_usual() -> None:
    in_force = InForce("base", (arms(0.1),))
    shares = {(one.arm.side, one.audit_share) for number in range(200) if (one := choose(in_force, "SE", f"adv-{number}", NOW)).arm}
    assert shares == {("candidate", 0.5), ("control", 0.5), ("outside", 0.0)}


def test_a_lease_that_has_run_out_leaves_everybody_to_what_was_before() -> None:
    in_force = InForce("base", (arms(0.5, until=NOW + timedelta(hours=1)),))
    late = NOW + timedelta(hours=1)
    for number in range(20):
        told = choose(in_force, "SE", f"adv-{number}", late)
        assert told.policies == "base"
        assert told.arm is not None
        assert (told.arm.side, told.arm.share) == ("outside", 0.0)


@pytest.mark.parametrize(
    ("mine", "theirs", "meet"), [(("SE",), ("SE", "BR"), True), (("SE",), ("BR",), False), ((), ("BR",), True), (("SE",), (), True)]
)
def test_roll_outs_meet_where_they_share_a_market(mine: tuple[str, ...], theirs: tuple[str, ...], meet: bool) -> None:
    assert (overlapping([arms(0.1, None, *theirs)], frozenset(mine)) is not None) == meet
