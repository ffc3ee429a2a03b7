"""The figures have the promised shape, and nothing undefined is passed off as a number."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from adverdict.training.evaluation.metrics import Scored, measure
from tests.training.scores import MARKETS, scored

SHAPE = {
    "n",
    "positives",
    "advertisers",
    "violators",
    "auroc",
    "auroc_interval",
    "ap",
    "ap_interval",
    "brier",
    "brier_interval",
    "calibration",
}


def test_every_policy_and_market_has_the_same_figures_and_they_are_json() -> None:
    found = json.loads(json.dumps(measure(scored(), "blend", bootstrap=50), allow_nan=False))
    assert set(found["policies"]) == {"deceptive", "gambling"}
    for policy in found["policies"].values():
        assert set(policy) == SHAPE | {"markets"}
        assert set(policy["markets"]) == set(MARKETS)
        assert all(set(market) == SHAPE for market in policy["markets"].values())
        assert sum(market["n"] for market in policy["markets"].values()) == policy["n"]
        assert {"slope", "intercept", "slope_interval", "intercept_interval"} <= set(policy["calibration"])


def test_the_figures_are_scikit_learns_and_lie_in_their_intervals() -> None:
    sample = scored()
    found = measure(sample, "blend", bootstrap=300)["policies"]["deceptive"]
    rated = sample.labelled("blend", "deceptive")
    assert found["n"] == rated.y.size < 600
    assert found["positives"] == rated.y.sum()
    for name, score in (("ap", average_precision_score), ("auroc", roc_auc_score), ("brier", brier_score_loss)):
        assert found[name] == pytest.approx(score(rated.y, rated.p))
        assert found[f"{name}_interval"][0] < found[name] < found[f"{name}_interval"][1]


@pytest.mark.parametrize(
    ("targets", "n", "positives", "defined"),
    [
        pytest.param([np.nan] * 4, 0, 0, set(), id="nobody rated"),
        pytest.param([0.0, 0.0, np.nan, 0.0], 3, 0, {"brier"}, id="no violation"),
        pytest.param([1.0, 1.0, 1.0, 1.0], 4, 4, {"ap", "brier"}, id="violations only"),
        pytest.param([0.5, 0.49, 0.0, 1.0], 4, 2, {"ap", "auroc", "brier"}, id="half of the raters is a violation"),
    ],
)
def test_one_class_has_null_figures(targets: list[float], n: int, positives: int, defined: set[str]) -> None:
    ads = Scored(("1", "2", "3", "4"), ("SE",) * 4, ("a", "b", "c", "d"), ("p",), np.array([targets]).T, {"m": np.full((4, 1), 0.5)})
    found = measure(ads, "m", bootstrap=20)["policies"]["p"]
    assert (found["n"], found["positives"]) == (n, positives)
    assert {name for name in ("ap", "auroc", "brier") if found[name] is not None} == defined
    json.dumps(found, allow_nan=False)


def test_violations_of_one_advertiser_only_give_no_interval() -> None:
    targets = np.zeros((60, 1))
    targets[:10] = 1
    groups = ("bad",) * 10 + tuple(f"good-{i}" for i in range(50))
    ads = Scored(tuple(map(str, range(60))), ("SE",) * 60, groups, ("p",), targets, {"m": np.linspace(0, 1, 60)[:, None]})
    found = measure(ads, "m", bootstrap=200)["policies"]["p"]
    assert found["ap"] is not None
    assert found["ap_interval"] is None
    assert found["brier_interval"] is not None


def test_every_array_that_does_not_fit_is_named() -> None:
    good = scored(n=10)
    with pytest.raises(ValueError, match="cannot be measured") as refusal:
        replace(good, markets=("SE",), targets=good.targets + 2, p={"blend": good.p["blend"][:, :1], "gbm": good.p["blend"] * np.nan})
    for part in (
        "markets: 1 entries, expected 10",
        "targets: values outside",
        "p['blend']: shape (10, 1), expected (10, 2)",
        "p['gbm']: 20 are NaN",
    ):
        assert part in str(refusal.value)


def test_a_model_or_policy_there_is_not_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="tobacco"):
        scored(n=10).labelled("blend", "tobacco")
    with pytest.raises(KeyError, match="oracle"):
        measure(scored(n=10), "oracle")
