"""The truth follows its table."""

from __future__ import annotations

import numpy as np
import pytest

from adverdict.simulation.mix import mix
from adverdict.simulation.truth import LANDING_BETRAYS, LANDING_CLEARS, Circumstances, applicable, violations
from adverdict.simulation.world import KIDS_VIDEO, MARKET_CODES, POLICIES, Intent, Stance

MANY = 20_000


def rate(
    policy: str,
    stance: Stance,
    market: str = "US",
    *,
    judged: str | None = None,
    intent: Intent = Intent.HONEST,
    surface: int = 0,
    verified: bool = False,
    brand_domain: bool = False,
    cause: bool = False,
    made_for_kids: bool = False,
) -> float:
    """Share of ads alike in everything but their landing page that violate ``judged`` (by default the policy itself)."""

    def all_of(value: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.full(MANY, value, dtype=np.int64)

    def flags(value: bool) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        return np.full(MANY, value, dtype=np.bool_)

    table = violations(
        Circumstances(
            creative=mix(1, np.arange(MANY)),
            subject=all_of(POLICIES.index(policy)),
            stance=all_of(stance),
            intent=all_of(intent),
            market=all_of(MARKET_CODES.index(market)),
            surface=all_of(surface),
            verified=flags(verified),
            brand_domain=flags(brand_domain),
            cause=flags(cause),
            made_for_kids=flags(made_for_kids),
        )
    )
    return float(table[:, POLICIES.index(judged or policy)].mean())


OFFERED, UNCLEAR, DENIED = Stance.OFFERED, Stance.UNCLEAR, Stance.DENIED


@pytest.mark.parametrize("policy", [name for name in POLICIES if name != "kids_unsuitable"])
def test_an_offer_violates_and_a_denial_does_not_but_for_a_few_landing_pages(policy: str) -> None:
    assert rate(policy, OFFERED) == pytest.approx(1 - LANDING_CLEARS, abs=0.005)
    assert rate(policy, DENIED) == pytest.approx(LANDING_BETRAYS, abs=0.003)


def test_the_circumstances_decide() -> None:
    """Each line: what the table in ``adverdict/simulation/truth.py`` says, as (measured share, expected)."""
    yes = pytest.approx(1 - LANDING_CLEARS, abs=0.005)
    cases = [
        (rate("gambling", OFFERED, "US", verified=True), 0.0),
        (rate("gambling", OFFERED, "BR", verified=True), yes),
        (rate("gambling", UNCLEAR, "US"), 0.0),
        (rate("gambling", UNCLEAR, "EG"), 1.0),
        (rate("weapons", OFFERED, "US", verified=True), 0.0),
        (rate("weapons", OFFERED, "GB", verified=True), yes),
        (rate("weapons", UNCLEAR, intent=Intent.RING), 1.0),
        (rate("deceptive", UNCLEAR), 0.0),
        (rate("deceptive", UNCLEAR, intent=Intent.EVASIVE), 1.0),
        (rate("phishing", OFFERED, brand_domain=True), 0.0),
        (rate("phishing", UNCLEAR, intent=Intent.EVASIVE), 1.0),
        (rate("counterfeit", UNCLEAR), 1.0),
        (rate("counterfeit", UNCLEAR, verified=True), 0.0),
        (rate("political_issue", UNCLEAR, cause=True), 1.0),
        (rate("political_issue", UNCLEAR), 0.0),
        (rate("adult", UNCLEAR, "IN"), 1.0),
        (rate("adult", UNCLEAR, "SE"), 0.0),
        (rate("adult", UNCLEAR, "SE", surface=KIDS_VIDEO), 1.0),
        (rate("kids_unsuitable", UNCLEAR, surface=KIDS_VIDEO), 1.0),
        (rate("kids_unsuitable", UNCLEAR, surface=KIDS_VIDEO, made_for_kids=True), 0.0),
        (rate("kids_unsuitable", OFFERED), 0.0),
        (rate("weapons", OFFERED, surface=KIDS_VIDEO, judged="kids_unsuitable"), yes),
        (rate("phishing", OFFERED, surface=KIDS_VIDEO, judged="kids_unsuitable"), 0.0),
    ]
    assert [measured for measured, _ in cases] == [expected for _, expected in cases]


def test_kids_unsuitable_applies_only_beside_childrens_videos() -> None:
    mask = applicable(np.array([0, KIDS_VIDEO]))
    assert mask.sum(axis=1).tolist() == [len(POLICIES) - 1, len(POLICIES)]
