"""The base rate of a market without labels: right where its assumption holds, and tested where it does not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.certification.markets.cells import Unlabelled
from adverdict.certification.markets.label_shift import Assumption, base_rates, corrected, point_estimates
from adverdict.certification.markets.mixture import mixture_test
from adverdict.certification.markets.transfer import Transfer, transfer, widened
from adverdict.domain.errors import InvalidInput
from tests.certification.markets import ads, unlabelled

SHARE = st.floats(0.001, 0.999)


@given(SHARE, SHARE)
def test_a_rate_that_is_the_same_corrects_nothing(risk: float, rate: float) -> None:
    assert corrected(np.array([risk]), rate, rate)[0] == pytest.approx(risk, rel=1e-6)


@given(SHARE, SHARE, SHARE)
def test_a_correction_is_undone_by_its_opposite_and_rises_with_the_rate(risk: float, here: float, there: float) -> None:
    moved = corrected(np.array([risk]), here, there)
    assert corrected(moved, there, here)[0] == pytest.approx(risk, rel=1e-5)
    assert (moved[0] >= risk) == (there >= here) or moved[0] == pytest.approx(risk)


def test_the_ad_of_average_odds_gets_the_new_rate() -> None:
    assert corrected(np.array([0.2]), 0.2, 0.05)[0] == pytest.approx(0.05)


@pytest.mark.parametrize("rate", [0.02, 0.1, 0.4])
@pytest.mark.parametrize(("moved", "squeezed"), [(0.0, 1.0), (0.8, 1.0), (-0.8, 1.0), (0.0, 0.6)])
def test_where_label_shift_holds_its_rate_is_found_however_the_model_is_miscalibrated(rate: float, moved: float, squeezed: float) -> None:
    source, target = (ads(n, share, n, moved=moved, squeezed=squeezed) for n, share in ((6000, 0.2), (4000, rate)))
    found = base_rates(source, unlabelled(target), resamples=100)[Assumption.LABEL_SHIFT]
    assert found.rate == pytest.approx(float(target.violating.mean()), abs=0.02)
    assert found.low <= found.rate <= found.high
    assert float(found.corrected(target.risk).mean()) == pytest.approx(found.rate, abs=0.01)


def test_where_risks_carry_over_the_rate_is_their_mean_after_recalibration() -> None:
    source = ads(6000, 0.2, 1, moved=1.0)
    easy = source.part(source.risk < 0.5)  # other ads, but a risk means the same
    found = base_rates(source, unlabelled(easy), resamples=100)
    assert found[Assumption.CARRIED].rate == pytest.approx(float(easy.violating.mean()), abs=0.01)
    assert abs(found[Assumption.LABEL_SHIFT].rate - easy.violating.mean()) > 0.02


def test_the_interval_is_wider_where_fewer_advertisers_hold_the_ads() -> None:
    source = ads(3000, 0.2, 1)
    single, few = (unlabelled(ads(600, 0.2, 2, per_group=size)) for size in (1, 20))
    wide = [base_rates(source, target)[Assumption.LABEL_SHIFT] for target in (single, few)]
    assert wide[1].high - wide[1].low > 2 * (wide[0].high - wide[0].low)


def test_the_same_seed_gives_the_same_answer() -> None:
    source, target = ads(500, 0.2, 1), unlabelled(ads(100, 0.1, 2))
    assert base_rates(source, target, 5) == base_rates(source, target, 5)
    assert mixture_test(source, target, 5) == mixture_test(source, target, 5)


def test_too_few_ads_are_refused_with_everything_that_is_missing() -> None:
    with pytest.raises(InvalidInput) as refused:
        base_rates(ads(100, 0.05, 1), unlabelled(ads(29, 0.1, 2)))
    assert [mistake.field for mistake in refused.value.mistakes] == ["labelled elsewhere as violating", "ads of the new market"]


@pytest.mark.parametrize("rate", [0.02, 0.2, 0.5])
def test_another_base_rate_alone_is_accepted(rate: float) -> None:
    p_values = [mixture_test(ads(1500, 0.2, seed), unlabelled(ads(400, rate, 100 + seed)), seed, 100).p_value for seed in range(12)]
    assert sum(p < 0.05 for p in p_values) <= 3  # of 12 true assumptions; 4 would come in 1 run of 500


@pytest.mark.parametrize(("name", "change"), [("moved", 0.7), ("moved", -0.7), ("squeezed", 0.7)])
def test_ads_scored_otherwise_are_rejected(name: str, change: float) -> None:
    target = ads(400, 0.2, 7, **{name: change})  # type: ignore[arg-type]
    assert mixture_test(ads(1500, 0.2, 3), unlabelled(target), resamples=100).p_value < 0.05


def test_violating_ads_that_look_harmless_are_not_noticed_and_make_the_rate_too_low() -> None:
    source, target = ads(3000, 0.2, 1), ads(1000, 0.2, 2, hidden=0.5)
    assert mixture_test(source, unlabelled(target)).accepted
    assert point_estimates(source, unlabelled(target))[Assumption.LABEL_SHIFT] < 0.13


def test_one_advertiser_with_many_ads_does_not_make_a_market_unlike_the_others() -> None:
    market = ads(400, 0.2, 2)
    one = Unlabelled(np.append(market.risk, np.full(300, 0.3)), np.append(market.group, np.full(300, 400)))
    assert mixture_test(ads(3000, 0.2, 1), one).accepted


@pytest.mark.slow
@pytest.mark.parametrize("per_group", [1, 5])
def test_a_true_assumption_is_rejected_in_about_one_market_of_twenty(per_group: int) -> None:
    p_values = [
        mixture_test(
            ads(1500, 0.2, seed, per_group=per_group), unlabelled(ads(400, 0.1, 1000 + seed, per_group=per_group)), seed, 200
        ).p_value
        for seed in range(300)
    ]
    assert sum(p < 0.05 for p in p_values) <= 24  # of 300; 25 would come in 1 run of 100 at exactly 5 %
    assert sum(p < 0.5 for p in p_values) > 90


def _known(*, carried: bool) -> Transfer:
    """Five markets of different rates; where risks carry over, the rates differ by what ads there are, not by how they are scored."""
    rates = [0.05, 0.1, 0.2, 0.3, 0.4]
    markets = [ads(600, 0.2 if carried else rate, seed) for seed, rate in enumerate(rates)]
    if carried:
        rng = np.random.default_rng(0)
        markets = [one.part(rng.random(len(one)) < one.risk**power) for one, power in zip(markets, [0.0, 0.5, 0.0, 1.0, 0.3], strict=True)]
    everything = type(markets[0])(
        np.concatenate([one.risk for one in markets]),
        np.concatenate([one.violating for one in markets]),
        np.concatenate([one.group + 1000 * i for i, one in enumerate(markets)]),
    )
    return transfer(everything, np.repeat(list("ABCDE"), [len(one) for one in markets]))


@pytest.mark.parametrize(("carried", "better"), [(True, Assumption.CARRIED), (False, Assumption.LABEL_SHIFT)])
def test_known_markets_tell_which_assumption_to_use(carried: bool, better: Assumption) -> None:
    found = _known(carried=carried)
    assert len(found.markets) == 5
    assert found.better is better
    other = Assumption.CARRIED if better is Assumption.LABEL_SHIFT else Assumption.LABEL_SHIFT
    right, wrong = found.miss(better), found.miss(other)
    assert right is not None
    assert wrong is not None
    assert right < wrong


def test_too_few_known_markets_tell_nothing() -> None:
    found = transfer(ads(400, 0.2, 1), np.repeat(["SE", "DE"], 200))
    assert (len(found.markets), found.checked, found.miss(Assumption.CARRIED)) == (2, False, None)


@given(st.floats(0.01, 0.9), st.floats(0.5, 1.0), st.floats(1.0, 1.1), st.floats(0, 3))
def test_an_interval_is_only_ever_widened(rate: float, below: float, above: float, miss: float) -> None:
    low, high = widened(rate, rate * below, rate * above, miss)
    assert 0 <= low <= rate * below + 1e-9
    assert rate * above - 1e-9 <= high <= 1
