"""What the quickstart says of decisions is understood without having read anything."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from io import StringIO

import pytest
from rich.console import Console

from adverdict.cli.quickstart import telling
from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision, PolicyVerdict, Reason
from adverdict.domain.risk import RiskScore
from adverdict.domain.verdict import Verdict

AD = Ad(
    ad_id="example-1", advertiser_id="a", market="SE", submitted_at=datetime(2026, 3, 1, tzinfo=UTC), title="Win [red]cash", body="Tonight"
)


def decision(verdicts: dict[str, Verdict], degraded: tuple[str, ...] = ()) -> Decision:
    """With a risk of .5 under each policy, raised by one signal and lowered by another."""
    rulings = tuple(
        PolicyVerdict(
            policy=policy, verdict=verdict, risk=RiskScore(policy=policy, p=0.5, p_low=0.4, p_high=0.6), because=f"rule of {policy}"
        )
        for policy, verdict in verdicts.items()
    )
    reasons = tuple(
        Reason(policy=policy, kind="phrase", signal="s", text=f"{policy} {word}", effect=effect)
        for policy in verdicts
        for word, effect in (("up", 1.0), ("down", -2.0))
    )
    worst = next(one for one in (Verdict.REJECT, Verdict.REVIEW, Verdict.APPROVE) if one in verdicts.values())
    return Decision(
        decision_id="dec-1",
        ad_id="example-1",
        advertiser_id="a",
        market="SE",
        surface=None,
        decided_at=datetime(2026, 3, 1, tzinfo=UTC),
        verdict=worst,
        policies=rulings,
        reasons=reasons,
        degraded=degraded,
        uncertified=False,
        bundle_version="v",
        policy_hash="h",
        threshold_set=None,
    )


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    file = StringIO()
    monkeypatch.setattr(telling, "out", Console(file=file, width=1000))
    return file


def test_an_ad_for_people_is_told_with_the_policy_that_left_it_to_them_and_what_raised_its_risk(said: StringIO) -> None:
    telling.tell(AD, decision({"gambling": Verdict.REVIEW, "adult": Verdict.APPROVE}), "http://127.0.0.1:1")
    text = said.getvalue()
    assert "Win [red]cash / Tonight" in text
    assert "LEFT TO A PERSON" in text
    assert "gambling: rule of gambling" in text
    assert "raises it: gambling up" in text
    assert "/console/decisions/dec-1" in text
    assert not re.search("adult|down", text)


def test_an_approved_ad_is_told_in_one_sentence(said: StringIO) -> None:
    telling.tell(AD, decision({"gambling": Verdict.APPROVE, "adult": Verdict.APPROVE}), "u")
    assert "APPROVED without a person" in said.getvalue()
    assert "under each of the 2 policies in force its risk is below the threshold" in said.getvalue()


def test_ads_of_the_world_are_told_as_strange_to_a_model_of_a_made_up_marketplace(said: StringIO) -> None:
    strange = decision({"gambling": Verdict.REVIEW}, degraded=("unfamiliar:text",))
    telling.tell_typed([AD, AD], [strange, decision({"gambling": Verdict.REJECT, "adult": Verdict.APPROVE})])
    text = said.getvalue()
    assert "LEFT TO A PERSON: Win [red]cash / Tonight (the model has hardly seen texts like this)" in text
    assert "REJECTED without a person: Win [red]cash / Tonight (under gambling)" in text
    assert "nothing of the world" in text
