"""Ways to thresholds from the same labelled ads: ours, and what others would do.

Those that promise anything are asked for the same: the limits lowered for what raters miss, and the same chance of error a side.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from adverdict.benchmarks.truth.deployments import Deployment, Method
from adverdict.benchmarks.truth.trial import Trial
from adverdict.certification.thresholds.answers import nearest
from adverdict.certification.thresholds.empirical import solve
from adverdict.certification.thresholds.sequence import BettingCounts, Counts, FixedSequenceTest, LabelledAds, Side, fixed_sequence_test
from adverdict.decisions.policy import Thresholds

OURS = "certified"
BOLDEST = "boldest within the targets"
UNCERTIFIED = "least harm, uncertified"
REVIEWED = "all reviewed"
TRUSTING = "labels taken as true"
TOGETHER = "advertisers in one piece"
MAPIE = "MAPIE"
MAPIE_THRESHOLDS = 60
"""Thresholds MAPIE chooses among: of 30, 60, 100 and 200, spread by quantile or in log-odds, tested in any of its three ways, about the
best on real ads. Its correction for many tests costs more with each."""


def certified(deployment: Deployment, trial: Trial) -> Thresholds:
    """As ``certification.thresholds.answers.answer`` does where a market has labels of its own; a test holds it to that."""
    return _certified(trial, {side: deployment.counts(side, trial.furthest[side]) for side in trial.limits})


def betting(deployment: Deployment, trial: Trial) -> Thresholds:
    """As it does with labels that are looked at more than once."""
    return _certified(trial, {side: BettingCounts(deployment.of_side(side, trial.furthest[side]), side) for side in trial.limits})


def _certified(trial: Trial, counts: Mapping[Side, Counts]) -> Thresholds:
    aim = {Side.APPROVE: trial.aim.approve_below, Side.REJECT: trial.aim.reject_at}
    tests = {
        side: fixed_sequence_test(counts[side], limit, trial.stratum.level, furthest=trial.furthest[side], aim=aim[side])
        for side, limit in trial.limits.items()
    }
    return nearest(tests[Side.APPROVE], tests.get(Side.REJECT), trial.aim)


def boldest(deployment: Deployment, trial: Trial) -> Thresholds:
    """As much as the same tests certify, without an aim and without limits on single ads: the whole of each average is spent."""
    level = trial.stratum.level
    tests = {side: fixed_sequence_test(deployment.counts(side, 0.0), limit, level) for side, limit in trial.limits.items()}
    return most(tests[Side.APPROVE], tests.get(Side.REJECT))


def most(approve: FixedSequenceTest, reject: FixedSequenceTest | None) -> Thresholds:
    """The thresholds that decide most within what both sides certify. Where both could take an ad it is rejected, if that is certified."""
    if approve.first is None or approve.last is None:
        return Thresholds(0.0, reject.last.threshold if reject and reject.last else 1.0)
    if reject is None or reject.first is None or reject.last is None:
        return Thresholds(approve.last.threshold, 1.0)
    if approve.last.threshold <= reject.last.threshold:
        return Thresholds(approve.last.threshold, reject.last.threshold)
    # Every threshold from first to last is certified on its side: one that both ranges hold serves both.
    common = max(reject.last.threshold, approve.first.threshold)
    if common <= min(approve.last.threshold, reject.first.threshold):
        return Thresholds(common, common)
    return Thresholds(approve.last.threshold, 1.0)


def uncertified(deployment: Deployment, trial: Trial) -> Thresholds:
    """What ours aim at, whatever the labels show."""
    return trial.aim


def reviewed(deployment: Deployment, trial: Trial) -> Thresholds:
    """Nothing without a person."""
    return Thresholds(0.0, 1.0)


def trusting(deployment: Deployment, trial: Trial) -> Thresholds:
    """Ours where nobody allows for the raters' errors."""
    return certified(deployment, replace(trial, sensitivity=1.0, specificity=1.0))


def together(deployment: Deployment, trial: Trial) -> Thresholds:
    """Ours where the ads of an advertiser are taken to stand or fall all together, whatever they show."""
    return certified(Deployment(replace(deployment.ads, alike=1.0)), trial)


def plain_binomial(deployment: Deployment, trial: Trial) -> Thresholds:
    """The same test with every ad counted as independent of all others."""
    return certified(Deployment(replace(deployment.ads, group=np.arange(len(deployment.ads)))), trial)


def empirical(deployment: Deployment, trial: Trial) -> Thresholds:
    """The point that meets the targets on the labelled ads themselves, as much as they allow."""
    return solve(deployment.ads.risk, deployment.ads.violating, trial.targets)


def fixed(deployment: Deployment, trial: Trial) -> Thresholds:
    """The same two numbers everywhere, whatever the targets."""
    return Thresholds(0.05, 0.95 if trial.stakes.rejects else 1.0)


def mapie(deployment: Deployment, trial: Trial) -> Thresholds:
    """MAPIE's ``BinaryClassificationController``, once a side with its default correction (Holm): precision of rejections, negative
    predictive value of approvals; of the thresholds that hold, those that decide the most. Where both sides could take an ad it is
    rejected."""
    from mapie.risk_control import negative_predictive_value, precision

    ads, level, limits = deployment.ads, trial.stratum.level, trial.limits
    reject_at = 1.0
    if Side.REJECT in limits:
        reject_at = min(_controlled(ads, precision, 1.0 - limits[Side.REJECT], level), default=1.0)
    held = _controlled(ads, negative_predictive_value, 1.0 - limits[Side.APPROVE], level)
    return Thresholds(max((one for one in held if one <= reject_at), default=0.0), reject_at)


def _controlled(ads: LabelledAds, performance: Any, least: float, level: float) -> list[float]:
    """The thresholds at which ``performance`` is at least ``least``, with confidence ``1 - level`` in all of them at once."""
    from mapie.risk_control import BinaryClassificationController

    controller = BinaryClassificationController(
        predict_function=lambda risk: np.column_stack([1.0 - risk, risk]),
        risk=performance,
        target_level=least,
        confidence_level=1.0 - level,
        best_predict_param_choice="predicted_positive_fraction",
        # Quantiles of the risks, which takes no label. Its default, 0.00 to 0.99, has no room below a risk of 0.01.
        list_predict_params=np.unique(np.quantile(ads.risk, np.linspace(0, 1, MAPIE_THRESHOLDS + 2)[1:-1])),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where no threshold holds; here that is an answer
        controller.calibrate(ads.risk, ads.violating.astype(np.int64))
    return [float(one) for one in controller.valid_predict_params]


def always() -> dict[str, Method]:
    """Ours, and what is cheap to run beside it."""
    return {OURS: certified, UNCERTIFIED: uncertified, REVIEWED: reviewed, "fixed .05/.95": fixed}


def variants(trial: Trial) -> dict[str, Method]:
    """Ours with one assumption changed, as far as that makes a difference here."""
    found: dict[str, Method] = {TOGETHER: together}
    if min(trial.sensitivity, trial.specificity) < 1.0:
        found[TRUSTING] = trusting
    return found


def others(mapie_installed: bool = importlib.util.find_spec("mapie") is not None) -> tuple[dict[str, Method], dict[str, str]]:
    """What takes its time, by name; and for each that cannot be run here the reason."""
    found: dict[str, Method] = {BOLDEST: boldest, "plain binomial": plain_binomial, "empirical": empirical}
    if not mapie_installed:
        return found, {MAPIE: "not installed; pip install 'adverdict[bench]' brings it"}
    return {MAPIE: mapie, **found}, {}
