"""The rule by which ads leave early keeps its promise, follows the thresholds, and rests on evidence that reads back exactly."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from adverdict.certification.certificate import SCHEMA, Issued
from adverdict.certification.exits.cuts import Cuts, CutTable
from adverdict.certification.exits.evidence import ExitEvidence
from adverdict.certification.exits.solve import GRID, solve_exits, verdicts
from adverdict.decisions.policy import MarketRules, PolicyBook, Stance, Thresholds
from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.errors import UntrustedBundle
from adverdict.models.calibration import sigmoid
from tests.decisions.build import POLICY
from tests.effort import part_of

Floats = NDArray[np.float64]
SOLVED_AT = datetime(2026, 11, 1, tzinfo=UTC)
BOOK = PolicyBook(names=("gambling",), rules={"SE": MarketRules((replace(POLICY, thresholds=Thresholds(0.2, 0.8)),))})
MAX_FLIPPED = 0.02


def book(below: float, at: float) -> PolicyBook:
    return PolicyBook(names=("gambling",), rules={"SE": MarketRules((replace(POLICY, thresholds=Thresholds(below, at)),))})


def evidence(early: Floats, whole: Floats, group: NDArray[np.int64] | None = None, **changes: Any) -> ExitEvidence:
    """Of one policy; every ad somewhere in Sweden, alone unless ``group`` says otherwise."""
    fields: dict[str, Any] = {
        "max_flipped": MAX_FLIPPED,
        "confidence": 0.95,
        "bundle_version": "v1",
        "policies": ("gambling",),
        "solved_at": SOLVED_AT,
        "expires_at": SOLVED_AT + timedelta(days=90),
    } | changes
    places = fields.pop("places", [("SE", "feed")] * len(early))
    return ExitEvidence.of(early[:, None], whole[:, None], places, np.arange(len(early)) if group is None else group, **fields)


def nearness(p: Floats, cuts: Cuts) -> Floats:
    """A doubt that any model could have: 1 at a threshold, less away from it, 0 where there is none."""
    away = np.abs(p[:, :, None] - cuts)
    return np.asarray(np.where((cuts > 0) & (cuts < 1), np.exp(-20 * away), 0.0).max(axis=(1, 2)))


def traffic(ads: int, seed: int, alike: float = 0.0, size: int = 1) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Ads whose whole risk strays from the early one; within groups of ``size`` a share ``alike`` of both is the group's own."""
    rng = np.random.default_rng(seed)
    group = np.arange(ads) // size
    own, common = np.sqrt(1 - alike), np.sqrt(alike)
    early, strays = (own * rng.normal(size=ads) + common * rng.normal(size=group[-1] + 1)[group] for _ in range(2))
    score = -2.0 + 2.5 * early
    return sigmoid(score), sigmoid(score + 0.5 * strays), group


def flipping(early: Floats, whole: Floats, limit: float) -> float:
    """Share of all ads that leave with another verdict."""
    at = np.tile([0.2, 0.8], (len(early), 1, 1))
    other = verdicts(early[:, None], at) != verdicts(whole[:, None], at)
    return float((other[:, 0] & (nearness(early[:, None], at) <= limit)).mean())


# The promise ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("alike", "size"), [(0.0, 1), (0.9, 15)])
def test_no_more_verdicts_flip_than_was_promised_as_often_as_was_promised(alike: float, size: int) -> None:
    draws, sure = part_of(60), 0.95
    early, whole, _ = traffic(200_000, seed=1)
    truly = {limit: flipping(early, whole, limit) for limit in (0.0, *GRID)}
    assert truly[GRID[-1]] > 2 * MAX_FLIPPED, "else letting everybody leave would keep the promise too"
    found = [solve_exits(evidence(*traffic(3_000, seed, alike, size)), BOOK, SolvedThresholds(), nearness) for seed in range(2, draws + 2)]
    broken = sum(truly[one.limit] > MAX_FLIPPED for one in found)
    noise = 3 * np.sqrt(draws * sure * (1 - sure))
    assert broken <= draws * (1 - sure) + noise
    if size == 1:
        assert sum(one.feasible for one in found) > 0.9 * draws, "else nothing was promised"
        assert np.mean([truly[one.limit] for one in found]) > MAX_FLIPPED / 2, "else it could have been bolder"


@pytest.mark.sampled
def test_advertisers_whose_every_ad_surprises_far_from_the_thresholds_are_few_draws() -> None:
    """Disagreements near a threshold are anybody's, and hide that the flips that count come by the advertiser."""
    limit, group, draws = 0.01, np.arange(3_000) // 10, part_of(80)
    far = float(nearness(np.array([[0.01]]), np.array([[[0.2, 0.8]]]))[0])
    broken = 0
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        near = rng.random(3_000) < 0.3
        surprising = (rng.random(300) < 1.05 * limit / 0.7)[group]
        early = np.where(near, 0.19, 0.01)
        whole = np.where(near, np.where(rng.random(3_000) < 0.3, 0.21, 0.19), np.where(surprising, 0.5, 0.01))
        found = solve_exits(evidence(early, whole, group, max_flipped=limit), BOOK, SolvedThresholds(), nearness)
        broken += int(found.limit >= far)
    assert broken <= 0.05 * draws + 2


def test_the_bound_holds_the_flips_that_were_counted_and_the_limit_is_the_boldest_that_passes() -> None:
    early, whole, _ = traffic(6_000, seed=5)
    found = solve_exits(evidence(early, whole), BOOK, SolvedThresholds(), nearness)
    assert found.feasible
    assert found.flipped / found.ads == pytest.approx(flipping(early, whole, found.limit))
    assert found.flipped / found.ads < found.upper <= MAX_FLIPPED
    assert 0 < found.flipped < found.disagreeing
    assert found.left == int((nearness(early[:, None], np.tile([0.2, 0.8], (6_000, 1, 1))) <= found.limit).sum())
    bolder = GRID[GRID.index(found.limit) + 1]
    assert flipping(early, whole, bolder) > found.flipped / found.ads


def test_ads_of_few_advertisers_show_less() -> None:
    early, whole, _ = traffic(6_000, seed=5)
    alone, together = (
        solve_exits(evidence(early, whole, group), BOOK, SolvedThresholds(), nearness) for group in (None, np.arange(6_000) // 300)
    )
    assert together.limit < alone.limit
    assert (together.advertisers, alone.advertisers) == (20, 6_000)
    assert together.draws < alone.draws == 6_000


@pytest.mark.parametrize("ads", [0, 1, 148])
def test_with_too_few_ads_only_those_on_whom_nothing_hangs_leave(ads: int) -> None:
    risk = np.linspace(0.3, 0.7, ads)
    found = solve_exits(evidence(risk, risk), BOOK, SolvedThresholds(), nearness)
    assert (found.limit, found.feasible, found.left, found.flipped, found.disagreeing) == (0.0, False, 0, 0, 0)
    assert found.draws_needed == 149 > found.ads
    assert found.rule.limit == 0.0


def test_with_one_ad_more_it_begins() -> None:
    risk = np.full(149, 0.5)
    assert solve_exits(evidence(risk, risk), BOOK, SolvedThresholds(), nearness).feasible


def test_where_no_verdict_can_change_everybody_leaves() -> None:
    early, whole, _ = traffic(100, seed=5)
    allowed = PolicyBook(names=("gambling",), rules={"SE": MarketRules((replace(POLICY, stance=Stance.ALLOWED),))})
    found = solve_exits(evidence(early, whole), allowed, SolvedThresholds(), nearness)
    assert (found.limit, found.left, found.disagreeing) == (0.0, 100, 0)


def test_a_flip_under_any_policy_is_one_also_where_another_rejects_the_ad() -> None:
    names = ("gambling", "weapons")
    two = PolicyBook(names, {"SE": MarketRules(tuple(replace(POLICY, name=name, thresholds=Thresholds(0.2, 0.8)) for name in names))})
    early, whole = np.array([[0.9, 0.1]] * 200), np.array([[0.9, 0.3]] * 200)
    plain = evidence(early[:, 0], whole[:, 0])
    fields = {name: getattr(plain, name) for name in ("max_flipped", "confidence", "bundle_version", "solved_at", "expires_at")}
    both = ExitEvidence.of(early, whole, [("SE", "")] * 200, np.arange(200), policies=names, **fields)
    assert solve_exits(both, two, SolvedThresholds(), nearness).disagreeing == 200
    assert solve_exits(plain, BOOK, SolvedThresholds(), nearness).disagreeing == 0


# What it follows from ---------------------------------------------------------------------------------------------------------------


def test_the_rule_follows_the_thresholds_and_its_name_everything_it_follows_from() -> None:
    early, whole, _ = traffic(6_000, seed=5)
    made = evidence(early, whole)
    found = solve_exits(made, BOOK, SolvedThresholds(), nearness)
    again = solve_exits(Issued.from_json(Issued((), made).to_json()).exits or made, BOOK, SolvedThresholds(), nearness)
    assert again == found
    others = {
        "thresholds": solve_exits(made, book(0.02, 0.98), SolvedThresholds(), nearness),
        "solved thresholds": solve_exits(made, BOOK, solved_for_nobody(), nearness),
        "evidence": solve_exits(evidence(early, whole, max_flipped=0.03), BOOK, SolvedThresholds(), nearness),
        "one ad": solve_exits(evidence(early[1:], whole[1:]), BOOK, SolvedThresholds(), nearness),
    }
    assert len({one.certificate_id for one in (found, *others.values())}) == 5
    assert others["thresholds"].limit != found.limit
    assert others["evidence"].limit > found.limit
    assert others["solved thresholds"].limit == found.limit
    assert found.rule.expires_at == SOLVED_AT + timedelta(days=90)


def solved_for_nobody() -> SolvedThresholds:
    from adverdict.decisions.thresholds import SolvedFor

    return SolvedThresholds({SolvedFor("weapons", "SE", POLICY.targets): Thresholds(0.1, 0.9)})


@pytest.mark.parametrize("risk", [0.2, 0.8])
def test_a_risk_that_is_a_threshold_counts_as_it_decides(risk: float) -> None:
    """Many ads share a risk, and thresholds are taken from risks: a digit less in the evidence, and they all lie on the other side."""
    whole, early = np.full(200, risk), np.full(200, np.nextafter(risk, 0))
    assert solve_exits(evidence(early, whole), BOOK, SolvedThresholds(), nearness).disagreeing == 200
    assert solve_exits(evidence(whole, whole), BOOK, SolvedThresholds(), nearness).disagreeing == 0


# The evidence -----------------------------------------------------------------------------------------------------------------------


def test_evidence_reads_back_exactly() -> None:
    early, whole, group = traffic(500, seed=3, size=3)
    places = [("SE", "Kids-Video"), ("DE", None), ("SE", "kids video"), ("SE", "")] * 125
    made = evidence(early, whole, group + 7, places=places)
    read = ExitEvidence.model_validate_json(made.model_dump_json())
    assert read == made
    assert read.digest == made.digest
    np.testing.assert_array_equal(read.early_risk[:, 0], early)
    np.testing.assert_array_equal(read.whole_risk[:, 0], whole)
    np.testing.assert_array_equal(read.groups, group)
    assert read.where[:4] == [("SE", "kids_video"), ("DE", None), ("SE", "kids_video"), ("SE", None)]
    assert len(read.places) == 3


def packed(*values: float, kind: str = "<f8") -> str:
    return base64.b64encode(np.array(values, kind).tobytes()).decode()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"early": packed(0.1)}, "do not fit 2 ads under 1 policies"),
        ({"policies": ["gambling", "weapons"]}, "do not fit 2 ads under 2 policies"),
        ({"group": packed(0, kind="<i4")}, "do not fit"),
        ({"whole": packed(0.1, float("nan"))}, "outside 0 to 1"),
        ({"early": packed(0.1, 1.5)}, "outside 0 to 1"),
        ({"whole": packed(-0.1, 0.5)}, "outside 0 to 1"),
        ({"place": packed(0, 1, kind="<i4")}, "places or groups that are none"),
        ({"group": packed(0, -1, kind="<i4")}, "places or groups that are none"),
        ({"group": packed(0, 2_000_000_000, kind="<i4")}, "places or groups that are none"),
        ({"early": "AAAA"}, "numbers of 8 bytes each"),
        ({"early": "not base64"}, "numbers in base64"),
        ({"early": "ÄÖÜ="}, "early"),
        ({"max_flipped": 0}, "max_flipped"),
        ({"max_flipped": float("nan")}, "max_flipped"),
        ({"confidence": 1}, "confidence"),
        ({"policies": []}, "policies"),
        ({"expires_at": "2026-11-22T16:05:00"}, "expires_at"),
        ({"signed_by": "me"}, "signed_by"),
    ],
    ids=str,
)
def test_evidence_that_is_none_is_refused_whoever_reads_it(changes: dict[str, object], said: str) -> None:
    stored = evidence(np.array([0.1, 0.2]), np.array([0.1, 0.3])).model_dump(mode="json") | changes
    with pytest.raises(ValidationError, match=said):
        ExitEvidence.model_validate(stored)
    with pytest.raises(UntrustedBundle, match=said):
        Issued.from_json(json.dumps({"schema": SCHEMA, "certificates": [], "exits": stored}))


def test_certificates_without_evidence_say_nothing_of_it() -> None:
    assert json.loads(Issued(()).to_json()) == {"schema": SCHEMA, "certificates": []}
    assert Issued.from_json(json.dumps({"schema": SCHEMA, "certificates": []})) == Issued(())


def test_what_is_issued_tells_every_bundle_it_is_about() -> None:
    made = evidence(np.array([0.1]), np.array([0.1]))
    assert (Issued(()).versions, Issued((), made).versions) == (set(), {"v1"})


# Where ads are ----------------------------------------------------------------------------------------------------------------------


def test_cuts_are_those_of_the_market_and_surface_and_nothing_hangs_on_unknown_ones() -> None:
    kids = replace(POLICY, name="kids", thresholds=Thresholds(0.1, 0.2))
    here = MarketRules((replace(POLICY, thresholds=Thresholds(0.2, 0.8)),), {"kids_video": (kids,)})
    table = CutTable(PolicyBook(("gambling", "kids"), {"SE": here}), SolvedThresholds(), ("kids", "gambling"))
    nothing = [0.0, 1.0]
    found = table.at([("SE", None), ("SE", "Kids-Video"), ("SE", "elsewhere"), ("JP", None), ("JP", "kids_video")])
    assert found.tolist() == [
        [nothing, [0.2, 0.8]],
        [[0.1, 0.2], nothing],
        [nothing, [0.2, 0.8]],
        [nothing, nothing],
        [nothing, nothing],
    ]


def test_names_of_surfaces_that_callers_invent_are_not_kept() -> None:
    table = CutTable(BOOK, SolvedThresholds(), ("gambling",))
    table.at([("SE", f"surface-{n}") for n in range(50)] + [(f"market-{n}", None) for n in range(50)])
    assert table._of.cache_info().currsize <= 2
