"""Rules that are looked up once decide as those looked up each time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from adverdict.decisions.decide import DecisionContext, decide
from adverdict.decisions.policy import MarketRules, PolicyBook, PolicyInForce, Thresholds
from adverdict.decisions.rules import MOST_KEPT, PlainRule, RuleTable
from adverdict.decisions.steering import Moved, Steering
from adverdict.decisions.thresholds import SolvedFor, SolvedThresholds
from adverdict.domain.ad import Ad
from adverdict.domain.risk import RiskScore
from adverdict.domain.standing import Standing
from tests.decisions.build import POLICY, WHEN, an_ad, book
from tests.decisions.test_decide_properties import SOLVED as SOLVED_FOR_ANY
from tests.decisions.test_decide_properties import policies
from tests.ledger.made import START, minutes

AUTO = replace(POLICY, name="auto", thresholds=None)
CAPPED = replace(POLICY, name="capped", max_risk=0.02, min_risk_rejected=0.97)
RULES = {"SE": MarketRules((POLICY, CAPPED, AUTO), {"feed": (CAPPED, AUTO)}), "GB": MarketRules((AUTO,))}
BOOK = PolicyBook((POLICY.name, "capped", "auto"), RULES)
CERTIFIED = Thresholds(0.1, 0.8, "crt-1", minutes(1))
SOLVED = SolvedThresholds({SolvedFor("auto", "SE", AUTO.targets): CERTIFIED})
TABLE = RuleTable(BOOK, SOLVED)
STEERED = Steering(moved={"crt-1": Moved(Standing.DOUBTED, minutes(9))})


@given(
    market=st.sampled_from(["SE", "GB", "FR"]),
    surface=st.sampled_from([None, "feed", "Feed", "story"]),
    p=st.floats(0, 1),
    steering=st.sampled_from([Steering(), STEERED]),
    later=st.integers(0, 20),
)
def test_a_decision_is_the_same(market: str, surface: str | None, p: float, steering: Steering, later: int) -> None:
    told = {"ad_id": "ad-1", "advertiser_id": "adv-1", "market": market, "surface": surface, "submitted_at": START, "title": "x"}
    ad = Ad.model_validate(told)
    risks = {name: RiskScore(policy=name, p=p, p_low=p, p_high=p) for name in BOOK.names}
    context = DecisionContext("dec-1", minutes(later), "v1", steering=steering)
    assert decide(ad, risks, BOOK, SOLVED, context=context, rules=TABLE) == decide(ad, risks, BOOK, SOLVED, context=context)


def test_however_many_surfaces_callers_think_of_no_more_than_so_many_are_kept() -> None:
    table = RuleTable(BOOK, SOLVED)
    for number in range(MOST_KEPT + 10):
        assert table.at("SE", f"surface-{number}") == table.at("SE", None)
    assert len(table._kept) <= MOST_KEPT


class LookedAtClosely(RuleTable):
    """Without any short cut."""

    def plain(self, market: str, surface: str | None, steering: Steering, now: datetime) -> tuple[PlainRule | None, ...]:
        return (None,) * len(self.at(market, surface))


DAY = timedelta(days=1)
STEERINGS = [Steering(), Steering(revoked=frozenset(["cert-1"])), *(Steering(moved={"cert-1": Moved(how, WHEN + DAY)}) for how in Standing)]


@given(
    in_force=policies(),
    p=st.floats(0, 1) | st.sampled_from([0.2, 0.7, 0.1999, 0.7004, 0.0]),
    steerings=st.lists(st.sampled_from(STEERINGS), min_size=1, max_size=3),
    data=st.data(),
)
def test_a_plain_rule_says_what_a_close_look_says(
    in_force: Sequence[PolicyInForce], p: float, steerings: list[Steering], data: st.DataObject
) -> None:
    of = book(in_force)
    tables = RuleTable(of, SOLVED_FOR_ANY), LookedAtClosely(of, SOLVED_FOR_ANY)
    risks = {policy.name: RiskScore(policy=policy.name, p=p, p_low=p, p_high=p) for policy in in_force}
    for steering in steerings:
        at = WHEN + data.draw(st.integers(-1, 2)) * DAY
        context = DecisionContext("dec-1", at, "v1", steering=steering)
        short, close = (decide(an_ad(), risks, of, SOLVED_FOR_ANY, context=context, rules=table) for table in tables)
        assert short == close
