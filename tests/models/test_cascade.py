"""The early exit: doubt that means something, and ads that go the way they would go alone, to the same numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.certification.exits.cuts import Cuts, CutTable, Exits
from adverdict.decisions.files.read import read_policies
from adverdict.domain.ad import Ad
from adverdict.models.blend import BlendModel
from adverdict.models.bundle import AFTER_EXIT, Bundle, Scores, load_bundle
from adverdict.models.calibration import FLOOR, Calibration, logit
from adverdict.models.cascade import Cascade, Spread
from adverdict.models.explain import reasons
from adverdict.storage.tables.pack import read_ads

NOBODY, EVERYBODY = -1.0, float("inf")


def knots(*values: float) -> Any:
    return np.array(values)


PLAIN = Spread(knots(-4, 0, 4), knots(-4.5, 0.1, 4.5), knots(0.5, 1.0, 0.5), knots(0.25, 1.0, 2.0))


def cascade(*spreads: Spread) -> Cascade:
    n = len(spreads)
    return Cascade(BlendModel(("ridge",), np.ones((n, 1)), np.zeros(n)), Calibration(()), spreads)


def doubts(p: float, below: float, at: float, spread: Spread = PLAIN) -> float:
    return float(cascade(spread).doubt(np.array([[p]]), np.array([[[below, at]]]))[0])


# Spreads ----------------------------------------------------------------------------------------------------------------------------


@given(st.floats(-15, 15), st.floats(-40, 40), st.floats(-40, 40))
def test_where_the_whole_risk_lies_is_a_distribution(early: float, one: float, other: float) -> None:
    low, high = PLAIN.below(np.array([early, early]), np.array(sorted([one, other])))
    assert 0 <= low <= high <= 1
    ends = PLAIN.below(np.full(2, early), np.array([-np.inf, np.inf]))
    assert ends.tolist() == [0.0, 1.0]
    centre = np.interp(early, PLAIN.score, PLAIN.centre)
    assert PLAIN.below(np.array([early]), np.array([centre]))[0] == pytest.approx(0.5)


def test_each_side_has_its_own_width_between_knots_and_level_beyond_them() -> None:
    def within(early: float, away: float) -> float:
        centre = float(np.interp(early, PLAIN.score, PLAIN.centre))
        return float(PLAIN.below(np.array([early]), np.array([centre + away]))[0])

    assert 1 - within(4, 2.0) == pytest.approx(within(4, -0.5))  # one width off, on either side
    assert within(2, 1.5) == pytest.approx(within(0, 1.0))
    assert within(9, 2.0) == pytest.approx(within(4, 2.0))


def damaged(**changes: list[float]) -> dict[str, Any]:
    return {**PLAIN.to_json(), **changes}


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        (damaged(down=[0.5, 1.0]), "equally many knots"),
        (damaged(score=[], centre=[], down=[], up=[]), "equally many knots"),
        (damaged(score=[[1.0]], centre=[[1.0]], down=[[1.0]], up=[[1.0]]), "equally many knots"),  # type: ignore[list-item]
        (damaged(score=[0, 0, 4]), "its scores rise"),
        (damaged(score=[4, 0, -4]), "its scores rise"),
        (damaged(centre=[0, float("nan"), 1]), "finite"),
        (damaged(up=[1, float("inf"), 1]), "finite"),
        (damaged(up=[1, 0, 1]), "widths be positive"),
        (damaged(down=[1, -1, 1]), "widths be positive"),
    ],
)
def test_a_spread_that_is_none_is_refused(stored: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Spread.from_json(stored)


def test_what_is_stored_reads_back(bundle: Bundle) -> None:
    assert bundle.cascade is not None
    assert Cascade.from_json(bundle.cascade.to_json()).to_json() == bundle.cascade.to_json()


# Doubt ------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [FLOOR, 0.001, 0.5, 1 - FLOOR])
@pytest.mark.parametrize("at", [(0.0, 1.0), (1.0, 1.0), (0.0, 0.0)])
def test_there_is_no_doubt_at_all_where_no_risk_changes_the_verdict(p: float, at: tuple[float, float]) -> None:
    assert doubts(p, *at) == 0.0


@given(st.floats(FLOOR, 1 - FLOOR), st.floats(0.001, 0.999), st.floats(0.001, 0.999))
def test_there_is_some_doubt_wherever_a_risk_could_change_it(p: float, one: float, other: float) -> None:
    low, high = sorted([one, other])
    assert 0 < doubts(p, low, high) < 1


def test_doubt_falls_with_the_distance_from_the_threshold_and_is_half_upon_it() -> None:
    even = Spread(knots(-20, 20), knots(-20, 20), knots(1, 1), knots(1, 1))
    found = [doubts(p, 0.2, 1.0, even) for p in (0.2, 0.1, 0.05, 0.01, 0.001)]
    assert found == sorted(found, reverse=True)
    assert found[0] == pytest.approx(0.5)
    assert found[-1] < 0.01


def test_doubt_is_that_of_leaving_the_verdict_the_early_risk_gives() -> None:
    early = float(logit(np.array([0.5]))[0])
    below = [float(PLAIN.below(np.array([early]), logit(np.array([cut])))[0]) for cut in (0.3, 0.6)]
    assert doubts(0.5, 0.3, 0.6) == pytest.approx(1 - (below[1] - below[0]))
    assert doubts(0.5, 0.6, 0.6) == pytest.approx(1 - below[1])
    assert doubts(0.5, 0.3, 0.3) == pytest.approx(below[0])


def test_doubts_of_policies_add_up() -> None:
    p, cuts = np.array([[0.1, 0.5]]), np.array([[[0.2, 0.9], [0.2, 0.9]]])
    assert cascade(PLAIN, PLAIN).doubt(p, cuts)[0] == pytest.approx(doubts(0.1, 0.2, 0.9) + doubts(0.5, 0.2, 0.9))


def test_risks_under_other_policies_are_refused() -> None:
    with pytest.raises(ValueError, match="risks under 1 policies, and the early exit knows 2"):
        cascade(PLAIN, PLAIN).doubt(np.array([[0.1]]), np.array([[[0.2, 0.9]]]))


# Bundles ----------------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bundle(tiny_bundle: Path) -> Bundle:
    return load_bundle(tiny_bundle)


@pytest.fixture(scope="module")
def ads(marketplace: Path) -> list[Ad]:
    return read_ads(marketplace)[-60:]


@pytest.fixture(scope="module")
def cuts(bundle: Bundle, ads: list[Ad]) -> Cuts:
    return CutTable(read_policies(), bundle.thresholds, bundle.policies)(ads)


@pytest.fixture(scope="module")
def parted(bundle: Bundle, ads: list[Ad], cuts: Cuts) -> tuple[Scores, float]:
    """Half of the ads leave early; and the limit by which they do."""
    limit = float(np.median(bundle.score(ads, exits=Exits(cuts, EVERYBODY)).doubt))
    return bundle.score(ads, exits=Exits(cuts, limit)), limit


def test_an_ad_goes_the_same_way_to_the_same_numbers_alone_as_in_any_company(
    bundle: Bundle, ads: list[Ad], cuts: Cuts, parted: tuple[Scores, float]
) -> None:
    together, limit = parted
    assert 10 < together.early.sum() < 50
    order = np.random.default_rng(0).permutation(len(ads))
    mixed = bundle.score([ads[row] for row in order], exits=Exits(cuts[order], limit))
    for row, ad in enumerate(ads):
        alone = bundle.score([ad], exits=Exits(cuts[[row]], limit))
        for one, at in ((alone, 0), (mixed, int(np.flatnonzero(order == row)[0]))):
            assert (one.early[at], one.doubt[at]) == (together.early[row], together.doubt[row])
            np.testing.assert_array_equal(one.risk[at], together.risk[row])


def test_an_ad_that_goes_all_the_way_scores_as_if_there_were_no_exit(bundle: Bundle, ads: list[Ad], parted: tuple[Scores, float]) -> None:
    together, _ = parted
    whole = bundle.score(ads)
    stayed = ~together.early
    np.testing.assert_array_equal(together.risk[stayed], whole.risk[stayed])
    np.testing.assert_array_equal(together.blend[stayed], whole.blend[stayed])
    for name, logits in whole.parts.items():
        np.testing.assert_array_equal(together.parts[name][stayed], logits[stayed])
    assert (together.risk[~stayed] != whole.risk[~stayed]).any()


def test_what_an_ad_was_not_read_by_says_nothing_of_it(bundle: Bundle, ads: list[Ad], parted: tuple[Scores, float]) -> None:
    together, _ = parted
    for name in ("transformer", "encoder"):
        np.testing.assert_array_equal(np.isnan(together.parts[name]).all(axis=1), together.early)
    assert np.isfinite(together.risk).all()
    assert ((together.risk[..., 1] <= together.risk[..., 0]) & (together.risk[..., 0] <= together.risk[..., 2])).all()


def test_nobody_or_everybody_may_leave(bundle: Bundle, ads: list[Ad], cuts: Cuts) -> None:
    nobody, everybody = (bundle.score(ads, exits=Exits(cuts, limit)) for limit in (NOBODY, EVERYBODY))
    assert not nobody.early.any()
    np.testing.assert_array_equal(nobody.risk, bundle.score(ads).risk)
    assert everybody.early.all()
    assert set(everybody.parts) == set(bundle.manifest.components) - AFTER_EXIT


def test_the_encoder_reads_nobody_who_left(bundle: Bundle, ads: list[Ad], cuts: Cuts, parted: tuple[Scores, float]) -> None:
    together, limit = parted
    read: list[int] = []

    class Counting:
        def run(self, texts: list[str]) -> Any:
            read.append(len(texts))
            assert bundle.encoder is not None
            return bundle.encoder.run(texts)

    replace(bundle, encoder=Counting()).score(ads, exits=Exits(cuts, limit))  # type: ignore[arg-type]
    assert sum(read) == int((~together.early).sum())


def test_a_bundle_without_an_early_exit_reads_everything(bundle: Bundle, ads: list[Ad], cuts: Cuts) -> None:
    scores = replace(bundle, cascade=None).score(ads, exits=Exits(cuts, EVERYBODY))
    assert not scores.early.any()
    np.testing.assert_array_equal(scores.risk, bundle.score(ads).risk)


def test_reasons_are_weighed_by_the_blend_that_made_the_risk(bundle: Bundle, ads: list[Ad], parted: tuple[Scores, float]) -> None:
    together, _ = parted
    assert bundle.cascade is not None
    weightless = replace(bundle.cascade.blend, weights=0 * bundle.cascade.blend.weights)
    other = replace(bundle, cascade=replace(bundle.cascade, blend=weightless))
    for row in range(20):
        before, after = (reasons(of, ads[row], together, row, bundle.policies) for of in (bundle, other))
        assert before
        assert after == (() if together.early[row] else before)
