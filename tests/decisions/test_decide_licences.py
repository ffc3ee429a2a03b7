"""An advertiser's licence: shown on conditions to its holders, prohibited to who holds none, left to a person where nobody told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from adverdict.decisions.policy import Licence, PolicyInForce, Stance
from tests.decisions.build import POLICY, decided
from tests.golden import Golden

RESTRICTED = replace(POLICY, stance=Stance.RESTRICTED)
ASKED = replace(RESTRICTED, licence=Licence.REQUIRED)
ALLOWED = replace(POLICY, stance=Stance.ALLOWED)

HELD = ("weapons:US", "gambling:SE")
ELSEWHERE = ("gambling:GB", "weapons:SE")
NOT_HELD: tuple[str, ...] = ()
NOT_TOLD = None

CASES = [
    ("held, low risk", ASKED, HELD, 0.01, "approve", ()),
    ("held, between", ASKED, HELD, 0.5, "review", ()),
    ("held, high risk", ASKED, HELD, 0.9, "review", ()),
    ("not held, low risk", ASKED, NOT_HELD, 0.01, "approve", ()),
    ("not held, at the lower threshold", ASKED, NOT_HELD, 0.08, "review", ()),
    ("not held, between", ASKED, NOT_HELD, 0.5, "review", ()),
    ("not held, at the upper threshold", ASKED, NOT_HELD, 0.9, "reject", ()),
    ("not held, high risk", ASKED, NOT_HELD, 0.97, "reject", ()),
    ("held for other markets and policies only", ASKED, ELSEWHERE, 0.97, "reject", ()),
    ("not told, low risk", ASKED, NOT_TOLD, 0.01, "approve", ()),
    ("not told, between: it would not have mattered", ASKED, NOT_TOLD, 0.5, "review", ()),
    ("not told, at the upper threshold", ASKED, NOT_TOLD, 0.9, "review", ("licence_unknown:gambling",)),
    ("not told, high risk", ASKED, NOT_TOLD, 0.97, "review", ("licence_unknown:gambling",)),
    ("restricted without asking, held", RESTRICTED, HELD, 0.97, "review", ()),
    ("restricted without asking, not held", RESTRICTED, NOT_HELD, 0.97, "review", ()),
    ("restricted without asking, not told", RESTRICTED, NOT_TOLD, 0.97, "review", ()),
    ("prohibited, held: a licence is no excuse", POLICY, HELD, 0.97, "reject", ()),
    ("prohibited, not told", POLICY, NOT_TOLD, 0.97, "reject", ()),
    ("allowed, not held", ALLOWED, NOT_HELD, 0.97, "approve", ()),
]


@pytest.mark.parametrize(("_case", "policy", "licences", "p", "verdict", "flags"), CASES, ids=[case[0] for case in CASES])
def test_a_licence_matters_only_where_a_restricted_policy_asks_for_it(
    _case: str, policy: PolicyInForce, licences: tuple[str, ...] | None, p: float, verdict: str, flags: tuple[str, ...]
) -> None:
    decision = decided([policy], {"gambling": p}, licences=licences)
    assert (decision.verdict, decision.degraded) == (verdict, flags)
    assert decision.policies[0].advertiser_reason == (policy.reason if verdict == "reject" else None)


def test_who_holds_no_licence_is_told_so_and_not_that_such_ads_are_prohibited(golden: Golden) -> None:
    said = [f"{case}: {decided([policy], {'gambling': p}, licences=held).policies[0].because}" for case, policy, held, p, _, _ in CASES]
    golden.check("because_licences.txt", "\n".join(said))


@pytest.mark.parametrize("stance", [Stance.PROHIBITED, Stance.ALLOWED])
def test_only_a_restricted_policy_can_ask_for_a_licence(stance: Stance) -> None:
    with pytest.raises(Exception, match=f"licence = 'required'; expected none, because the stance is {stance}"):
        replace(POLICY, stance=stance, licence=Licence.REQUIRED)


def test_a_missing_risk_is_not_rejected_for_want_of_a_licence() -> None:
    decision = decided([ASKED], {}, licences=NOT_HELD)
    assert (decision.verdict, decision.degraded) == ("review", ("no_risk:gambling",))
