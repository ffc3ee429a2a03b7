"""Human raters: how often each errs, how long each takes, and when the verdict arrives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adverdict.simulation.mix import Bools, Floats, Ints, below, mix, unit
from adverdict.simulation.world import Stance

RATERS = 48
AUDIT_SHARE = 0.04
REVIEW_SHARE = 0.86
POLICY_SHARE = 0.5
SEVERITIES = ("mild", "moderate", "extreme")
_SECONDS = np.array([30, 20, 45, 35, 40, 25, 20, 30])
"""Usual seconds for one question, by policy."""
_DELAY_MINUTES = np.array([9, 14, 20, 31, 45, 60, 80, 110, 150, 200, 280, 390, 540, 760, 1060, 1500, 2300, 3900])
"""Quantiles of the wait before a rater is free."""


@dataclass(frozen=True, slots=True)
class Raters:
    """One entry a rater. ``sensitivity`` = P(says so | violates); ``specificity`` = P(says not | does not), on the policy's subject."""

    sensitivity: Floats
    specificity: Floats
    pace: Floats
    """Multiplies the usual handling time."""


@dataclass(frozen=True, slots=True)
class Verdicts:
    """One entry a label. ``ad`` is the row in the block, ``severity`` -1 where nothing is violated, ``at`` Unix seconds."""

    ad: Ints
    policy: Ints
    rater: Ints
    violates: Bools
    severity: Ints
    at: Ints
    audit: Bools
    seconds: Ints


def hire(seed: int) -> Raters:
    key = mix(seed, "rater", np.arange(RATERS))
    return Raters(
        sensitivity=0.86 + 0.12 * unit(key, "sensitivity"),
        specificity=0.975 + 0.022 * unit(key, "specificity"),
        pace=0.6 + 1.2 * unit(key, "pace"),
    )


@dataclass(frozen=True, slots=True)
class Work:
    """What there is to judge: ``truth`` and ``applicable`` are ``(n_ads, n_policies)``, the rest one entry an ad."""

    truth: Bools
    applicable: Bools
    subject: Ints
    stance: Ints
    submitted: Ints
    spike: Floats


def judge(raters: Raters, work: Work, rng: np.random.Generator) -> Verdicts:
    """Labels in the order of ads, raters, policies. Some ads get none, most one rater, and the audited ones three on every policy."""
    ads, policies = work.truth.shape
    audited = np.asarray(rng.random(ads) < AUDIT_SHARE)
    reviewed = audited | (rng.random(ads) < REVIEW_SHARE)
    asked = work.applicable & reviewed[:, None] & (audited[:, None] | (rng.random((ads, policies)) < POLICY_SHARE))
    crowd = rng.random(ads)
    team = np.where(reviewed, np.where(audited | (crowd < 0.08), 3, np.where(crowd < 0.25, 2, 1)), 0)
    task_ad = np.repeat(np.arange(ads), team)
    turn = np.arange(len(task_ad)) - np.repeat(np.cumsum(team) - team, team)
    rater = (np.repeat(rng.integers(0, RATERS, ads), team) + turn * 17 + rng.integers(0, 14, len(task_ad))) % RATERS
    begin = _begin(work, task_ad, rng)
    task, policy = np.nonzero(asked[task_ad])
    return _answers(raters, work, audited, (task_ad[task], rater[task], begin[task], policy), rng)


def _begin(work: Work, task_ad: Ints, rng: np.random.Generator) -> Ints:
    """Unix seconds at which a rater turns to the ad; a spike of arrivals makes everybody wait longer."""
    minutes = _DELAY_MINUTES[rng.integers(0, len(_DELAY_MINUTES), len(task_ad))]
    wait = minutes * (40 + rng.integers(0, 40, len(task_ad))) * work.spike[task_ad]
    return np.asarray(work.submitted[task_ad] + wait.astype(np.int64))


def _answers(raters: Raters, work: Work, audited: Bools, asked: tuple[Ints, Ints, Ints, Ints], rng: np.random.Generator) -> Verdicts:
    ad, rater, begin, policy = asked
    truth, on_subject = work.truth[ad, policy], work.subject[ad] == policy
    unclear = on_subject & (work.stance[ad] == Stance.UNCLEAR)
    slip = np.where(truth, 1 - raters.sensitivity[rater], (1 - raters.specificity[rater]) * np.where(on_subject, 1.0, 0.05))
    violates = truth ^ (rng.random(len(ad)) < slip * np.where(unclear, 1.6, 1.0))
    grade = np.clip(work.stance[ad] - 1 + rng.integers(0, 2, len(ad)), 0, 2)
    seconds = (_SECONDS[policy] * raters.pace[rater] * (50 + rng.integers(0, 100, len(ad))) / 100 * np.where(unclear, 2.0, 1.0)).astype(
        np.int64
    ) + 2
    return Verdicts(
        ad=ad,
        policy=policy,
        rater=rater,
        violates=violates,
        severity=np.where(violates, grade, -1),
        at=begin + seconds,
        audit=audited[ad],
        seconds=seconds,
    )


def rater_ids(seed: int) -> list[str]:
    """Names that say nothing about the rater."""
    code = below(mix(seed, "rater", np.arange(RATERS)), "name", 900)
    return [f"rater-{number:02d}{mark}" for number, mark in enumerate((code + 100).tolist())]
