"""A run carries the strikes of advertisers that may have reached a limit: workers ask no ledger, and other strikes are another run."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from adverdict.decisions.strikes import Strike, StrikeLimit, StrikesListed, StrikesThen
from adverdict.domain.verdict import Verdict
from adverdict.ledger.in_force.strikes import near_a_limit, strikes_at
from adverdict.ledger.store import Ledger
from adverdict.rescoring.folder.identity import SteeringUsed
from tests.decisions.build import POLICY, book
from tests.ledger.made import an_ad, append_decisions, decided, minutes
from tests.ledger.test_strikes import certified

LIMITED = book([replace(POLICY, name="deceptive", strikes=StrikeLimit(2, 30, StrikesThen.HOLD))])


def used(*strikes: Strike) -> SteeringUsed:
    return SteeringUsed(seq=3, brakes=(), revoked=(), strikes={"adv-7": strikes} if strikes else {})


def test_what_is_written_down_is_read_back_the_same_and_is_part_of_what_the_run_is() -> None:
    strike = Strike("deceptive", minutes(9), minutes(1), "ad-1", "dec-1", "people")
    told = SteeringUsed.model_validate_json(used(strike).model_dump_json())
    assert told == used(strike)
    assert StrikesListed(told.strikes).of({"adv-7", "adv-8"}) == {"adv-7": (strike,)}
    later = strike._replace(at=strike.at + timedelta(days=1))
    assert len({str(one.determining()) for one in (used(), used(strike), used(later))}) == 3
    assert "strikes" not in used().determining(), "runs of before keep their ids"


def test_only_advertisers_who_may_have_reached_a_limit_are_carried(ledger: Ledger) -> None:
    for number, advertiser in ((1, "adv-7"), (2, "adv-7"), (3, "adv-8")):
        append_decisions(ledger, certified(decided(an_ad(number, advertiser_id=advertiser), Verdict.REJECT)))
    with ledger.look() as connection:
        assert near_a_limit(connection, LIMITED, 3) == {"adv-7": strikes_at(connection, ["adv-7"], 3)["adv-7"]}
        assert near_a_limit(connection, book([POLICY]), 3) == {}
        assert near_a_limit(connection, LIMITED, 1) == {}
