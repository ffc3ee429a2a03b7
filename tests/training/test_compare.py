"""A comparison tells a difference from luck, and refuses to compare what was not measured alike."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from adverdict.domain.errors import InvalidInput
from adverdict.models.calibration import logit, sigmoid
from adverdict.training.evaluation.compare import BETTER, SAME, UNKNOWN, WORSE, compare, render
from adverdict.training.evaluation.metrics import Scored, measure
from tests.training.scores import scored


def noisier(ads: Scored, noise: float, seed: int = 1) -> Scored:
    rng = np.random.default_rng(seed)
    return replace(ads, p={model: sigmoid(logit(p) + noise * rng.normal(size=p.shape)) for model, p in ads.p.items()})


@pytest.mark.parametrize(
    ("champion_noise", "challenger_noise", "verdict"),
    [pytest.param(0, 4, WORSE, id="worse"), pytest.param(4, 0, BETTER, id="better"), pytest.param(0.1, 0.1, SAME, id="alike")],
)
def test_the_verdict_says_which_is_better_in_each_figure(champion_noise: float, challenger_noise: float, verdict: str) -> None:
    ads = scored()
    found = compare(noisier(ads, champion_noise, 1), noisier(ads, challenger_noise, 2), bootstrap=300)
    for policy in found["policies"].values():
        assert [policy[figure]["verdict"] for figure in ("ap", "auroc", "brier")] == [verdict] * 3
    json.dumps(found, allow_nan=False)


def test_a_model_compared_with_itself_in_another_order_differs_by_nothing() -> None:
    ads = scored()
    back = slice(None, None, -1)
    turned = replace(
        ads,
        **{name: getattr(ads, name)[back] for name in ("ad_ids", "markets", "groups", "targets")},
        p={model: p[back] for model, p in ads.p.items()},
    )
    found = compare(ads, turned, bootstrap=100)
    for policy in found["policies"].values():
        for figure in ("ap", "auroc", "brier"):
            assert policy[figure]["difference"] == 0
            assert policy[figure]["interval"] == [0, 0]
            assert policy[figure]["verdict"] == SAME


def test_pairing_sees_a_difference_that_two_separate_intervals_hide() -> None:
    ads = scored(n=400)
    worse = noisier(ads, 0.8)
    apart = [measure(model, "blend", bootstrap=500)["policies"]["deceptive"]["auroc_interval"] for model in (ads, worse)]
    assert apart[1][1] > apart[0][0]
    assert compare(ads, worse, bootstrap=500)["policies"]["deceptive"]["auroc"]["verdict"] == WORSE


def test_policies_only_one_has_are_listed_and_the_rest_compared() -> None:
    old, new = scored(policies=("deceptive", "gambling")), scored(policies=("deceptive", "gambling"))
    found = compare(replace(old, policies=("deceptive", "gambling")), replace(new, policies=("deceptive", "weapons")), bootstrap=50)
    assert list(found["policies"]) == ["deceptive"]
    assert (found["only_champion"], found["only_challenger"]) == (["gambling"], ["weapons"])


def test_too_few_labels_to_compare_is_said() -> None:
    ads = scored(n=40, policies=("deceptive", "gambling"))
    targets = ads.targets.copy()
    targets[:, 0] = np.nan
    targets[:, 1] = 0
    ads = replace(ads, targets=targets)
    found = compare(ads, ads, bootstrap=50)["policies"]
    assert found["deceptive"]["n"] == 0
    assert found["gambling"]["positives"] == 0
    assert [found[policy]["ap"]["verdict"] for policy in found] == [UNKNOWN, UNKNOWN]


def test_other_ads_or_other_labels_are_refused_saying_how() -> None:
    ads = scored(n=20)
    fewer = replace(
        ads,
        **{name: getattr(ads, name)[:18] for name in ("ad_ids", "markets", "groups", "targets")},
        p={model: p[:18] for model, p in ads.p.items()},
    )
    with pytest.raises(InvalidInput, match="ads only the champion scored = '2: ad-18, ad-19'"):
        compare(ads, fewer)
    with pytest.raises(InvalidInput, match="ads only the challenger scored = '2: ad-18, ad-19'"):
        compare(fewer, ads)
    with pytest.raises(InvalidInput, match="champion's ads = '1 repeated ids'"):
        compare(replace(ads, ad_ids=("ad-1", *ads.ad_ids[1:])), ads)
    other = np.where(np.isnan(ads.targets), np.nan, 1 - ads.targets)
    with pytest.raises(InvalidInput, match="labelled differently") as refusal:
        compare(ads, replace(ads, targets=other, groups=ads.groups[::-1]))
    assert {mistake.field for mistake in refusal.value.mistakes} == {"deceptive", "gambling", "advertisers"}


def test_the_table_shows_every_policy_with_its_denominator_and_verdict() -> None:
    ads = scored()
    console = Console(width=80, record=True, file=None, quiet=False)
    with console.capture() as shown:
        console.print(render(compare(ads, replace(noisier(ads, 4), policies=("deceptive", "weapons")), bootstrap=100)))
    text = shown.get()
    n, positives = ads.labelled("blend", "deceptive").y.size, ads.labelled("blend", "deceptive").y.sum()
    for part in (
        f"{positives} of {n} violate",
        " worse",
        "only the",
        "weapons",
        "gambling",
        "AUROC",
        "Brier",
    ):
        assert part in text
    assert " ".join(text.split()).count("has it") == 2
