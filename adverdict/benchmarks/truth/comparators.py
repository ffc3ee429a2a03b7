"""Ways to thresholds from the same labelled ads: ours, and what others would do.

Those that promise anything are asked for the same: the limits lowered for what raters miss, and the same chance of error a side.
"""

from __future__ import annotations

import importlib.util
import warnings
from dataclasses import replace
from typing import Any

import numpy as np

from adverdict.benchmarks.truth.deployments import Method, Trial
from adverdict.certification.certificate import LabelNoise
from adverdict.certification.thresholds.answers import nearest, sequence_tests
from adverdict.certification.thresholds.empirical import solve
from adverdict.certification.thresholds.sequence import FixedSequenceTest, LabelledAds, Side, fixed_sequence_test
from adverdict.decisions.policy import Thresholds

OURS = "certified"
BOLDEST = "boldest within the targets"
TRUSTING = "labels taken as true"
TOGETHER = "advertisers in one piece"
MAPIE = "MAPIE"
MAPIE_THRESHOLDS = 60
"""Thresholds MAPIE chooses among: of 30, 60, 100 and 200, spread by quantile or in log-odds, tested in any of its three ways, about the
best on real ads. Its correction for many tests costs more with each."""


def certified(ads: LabelledAds, trial: Trial) -> Thresholds:
    """As ``certification.thresholds.solve.certify`` does."""
    noise = LabelNoise(sensitivity=trial.sensitivity, specificity=trial.specificity, source="assumed")
    return nearest(*sequence_tests(ads, trial.stratum, noise, trial.aim), trial.aim)


def boldest(ads: LabelledAds, trial: Trial) -> Thresholds:
    """As much as the same tests certify, without an aim and without limits on single ads: the whole of each average is spent."""
    level = trial.stratum.level
    approve = fixed_sequence_test(ads, Side.APPROVE, trial.targets.max_leakage * trial.sensitivity, level)
    wrongful = trial.targets.max_wrongful_reject * trial.specificity
    reject = fixed_sequence_test(ads, Side.REJECT, wrongful, level) if trial.stratum.rejects else None
    return most(approve, reject)


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


def trusting(ads: LabelledAds, trial: Trial) -> Thresholds:
    """The same where nobody allows for the raters' errors."""
    return certified(ads, replace(trial, sensitivity=1.0, specificity=1.0))


def together(ads: LabelledAds, trial: Trial) -> Thresholds:
    """The same where the ads of an advertiser are taken to stand or fall all together, whatever they show."""
    return certified(replace(ads, alike=1.0), trial)


def plain_binomial(ads: LabelledAds, trial: Trial) -> Thresholds:
    """The same test with every ad counted as independent of all others."""
    return certified(replace(ads, group=np.arange(len(ads))), trial)


def empirical(ads: LabelledAds, trial: Trial) -> Thresholds:
    """The point that meets the targets on the labelled ads themselves."""
    return solve(ads.risk, ads.violating, trial.targets)


def fixed(ads: LabelledAds, trial: Trial) -> Thresholds:
    """The same two numbers everywhere, whatever the targets."""
    return Thresholds(0.05, 0.95 if trial.stratum.rejects else 1.0)


def mapie(ads: LabelledAds, trial: Trial) -> Thresholds:
    """MAPIE's ``BinaryClassificationController``, once a side with its default correction (Holm): precision of rejections, negative
    predictive value of approvals; of the thresholds that hold, those that decide the most. Where both sides could take an ad it is
    rejected."""
    from mapie.risk_control import negative_predictive_value, precision

    level = trial.stratum.level
    reject_at = 1.0
    if trial.stratum.rejects:
        wrongful = trial.targets.max_wrongful_reject * trial.specificity
        reject_at = min(_controlled(ads, precision, 1.0 - wrongful, level), default=1.0)
    leakage = trial.targets.max_leakage * trial.sensitivity
    approving = [one for one in _controlled(ads, negative_predictive_value, 1.0 - leakage, level) if one <= reject_at]
    return Thresholds(max(approving, default=0.0), reject_at)


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


def ours(trial: Trial) -> dict[str, Method]:
    """Certified thresholds and their variants, as far as those differ here."""
    found: dict[str, Method] = {OURS: certified, TOGETHER: together}
    if min(trial.sensitivity, trial.specificity) < 1.0:
        found[TRUSTING] = trusting
    return found


def others(mapie_installed: bool = importlib.util.find_spec("mapie") is not None) -> tuple[dict[str, Method], dict[str, str]]:
    """By name; and for each that cannot be run here the reason."""
    found: dict[str, Method] = {BOLDEST: boldest, "plain binomial": plain_binomial, "empirical": empirical, "fixed .05/.95": fixed}
    if not mapie_installed:
        return found, {MAPIE: "not installed; pip install 'adverdict[bench]' brings it"}
    return {MAPIE: mapie, **found}, {}
