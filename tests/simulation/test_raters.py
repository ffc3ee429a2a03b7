"""Raters err as often as their record says, take their time, and are late when it is busy."""

from __future__ import annotations

import numpy as np
import pytest

from adverdict.simulation.raters import RATERS, Verdicts, Work, hire, judge
from adverdict.simulation.world import POLICIES, Stance

ADS = 20_000


def verdicts(*, violating: bool, stance: Stance = Stance.OFFERED, spike: float = 1.0) -> Verdicts:
    """Everybody's answers on ads whose subject is ``deceptive`` and whose truth is ``violating``."""
    table = np.zeros((ADS, len(POLICIES)), dtype=np.bool_)
    table[:, 0] = violating
    work = Work(
        truth=table,
        applicable=np.ones_like(table),
        subject=np.zeros(ADS, dtype=np.int64),
        stance=np.full(ADS, stance, dtype=np.int64),
        submitted=np.full(ADS, 1_000_000, dtype=np.int64),
        spike=np.full(ADS, spike),
    )
    return judge(hire(5), work, np.random.default_rng(1))


def test_misses_and_false_alarms_match_the_raters_record() -> None:
    team = hire(5)
    missed, alarmed = verdicts(violating=True), verdicts(violating=False)
    on_subject = missed.policy == 0
    assert 1 - missed.violates[on_subject].mean() == pytest.approx(1 - team.sensitivity.mean(), abs=0.01)
    assert alarmed.violates[alarmed.policy == 0].mean() == pytest.approx(1 - team.specificity.mean(), abs=0.004)
    assert alarmed.violates[alarmed.policy != 0].mean() < 0.002


def test_unclear_ads_are_judged_worse_and_slower() -> None:
    clear, unclear = (verdicts(violating=True, stance=stance) for stance in (Stance.OFFERED, Stance.UNCLEAR))
    answers = [(v.violates[v.policy == 0].mean(), v.seconds[v.policy == 0].mean()) for v in (clear, unclear)]
    assert answers[0][0] > answers[1][0] + 0.02
    assert answers[1][1] > 1.5 * answers[0][1]


def test_no_verdict_comes_before_the_ad_and_a_spike_makes_everybody_wait() -> None:
    calm, busy = verdicts(violating=True), verdicts(violating=True, spike=3.0)
    assert min(calm.at) > 1_000_000
    assert np.median(busy.at - 1_000_000) > 2 * np.median(calm.at - 1_000_000)


def test_the_raters_of_one_ad_are_different_people() -> None:
    answers = verdicts(violating=True)
    told = np.stack([answers.ad, answers.policy, answers.rater])
    assert np.unique(told, axis=1).shape[1] == told.shape[1]
    team = np.bincount(answers.ad[answers.policy == 0], minlength=ADS)
    assert set(team.tolist()) == {0, 1, 2, 3}
    assert answers.rater.max() < RATERS


def test_an_audited_ad_is_judged_by_three_on_every_policy() -> None:
    answers = verdicts(violating=True)
    audited = answers.audit
    per_ad = np.bincount(answers.ad[audited], minlength=ADS)
    assert set(per_ad.tolist()) == {0, 3 * len(POLICIES)}
    assert 0.03 < (per_ad > 0).mean() < 0.05
