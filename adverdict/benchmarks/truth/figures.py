"""Counts of deployments -> figures of one stratum, and of all of them together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats

from adverdict.benchmarks.truth.comparators import OURS
from adverdict.benchmarks.truth.deployments import Tally
from adverdict.benchmarks.truth.looking import BETTING, SOLVING
from adverdict.benchmarks.truth.trial import Traffic, Trial
from adverdict.certification.statistics.bounds import Sizes
from adverdict.certification.statistics.intervals import clopper_pearson
from adverdict.decisions.policy import Thresholds

REFUTED = 0.01
"""A stratum counts as broken when a guarantee that holds would be exceeded this often with at most this probability."""
FEWEST_VIOLATING, FEWEST_ALONE = 50, 180
"""Strata that harm is averaged over: policies over all markets of a pack with as many violating ads, and, of its commonest policy, markets
alone with as many labels. The least possible harm of smaller ones is that of a handful of ads."""
HALVINGS = 40

Entry = Mapping[str, Any]


def stratum(trial: Trial) -> dict[str, Any]:
    """What a trial is about."""
    question, traffic, targets = trial.stratum.question, trial.traffic, trial.targets
    sizes = Sizes.of(np.unique(trial.labelled.group, return_inverse=True)[1])
    return {
        "population": trial.population,
        "simulated": trial.population.startswith("simulated"),
        "policy": question.policy,
        "market": question.market,
        "everywhere": trial.everywhere,
        "leaked": trial.stakes.leaked,
        "targets": {
            "max_leakage": targets.max_leakage,
            "max_wrongful_reject": targets.max_wrongful_reject,
            "confidence": targets.confidence,
        },
        "labelled": sizes.ads,
        "advertisers": sizes.groups,
        "traffic": len(traffic.risk),
        "violating": int(traffic.violating.sum()),
        "oracle": traffic.outcome(traffic.oracle(targets, trial.stakes.rejects)).auto_rate,
        "least_harm_per_1000": 1000.0 * _least(trial) / len(traffic.risk),
    }


def row(tally: Tally, trial: Trial) -> dict[str, Any]:
    """One method. ``harm_ratio``: mean harm over the least possible on the same ads; None where that is none. ``fixed_harm_ratio``: that of
    the fixed pair which leaves as many reviews on exactly these ads."""
    count, n, least = tally.exceeded, len(tally.outcomes), _least(trial)
    test = stats.binomtest(count, n, 1.0 - trial.targets.confidence, alternative="greater")
    reviewed = tally.mean(lambda one: one.reviewed) or 0.0
    a = fixed_for(trial.traffic, reviewed)
    same = trial.traffic.outcome(Thresholds(a, 1.0 - a if trial.stakes.rejects else 1.0)).harm(trial.stakes.leaked)
    return {
        "deployments": n,
        "exceeded": count,
        "exceeded_share": count / n,
        "exceeded_interval": list(clopper_pearson(count, n)),
        "p": float(test.pvalue),
        "broken": bool(test.pvalue < REFUTED),
        "auto_rate": tally.mean(lambda one: one.auto_rate),
        "leakage": tally.mean(lambda one: one.leakage),
        "wrongful": tally.mean(lambda one: one.wrongful),
        "edge": tally.edge,
        "harm_ratio": (tally.mean(lambda one: one.harm(trial.stakes.leaked)) or 0.0) / least if least else None,
        "fixed_harm_ratio": same / least if least else None,
    }


def fixed_for(traffic: Traffic, reviewed: float) -> float:
    """The smallest a, at most 1/2, for which a / 1 - a leaves at most so many of these ads to people."""
    low, high = 0.0, 0.5
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if traffic.outcome(Thresholds(middle, 1.0 - middle)).reviewed <= reviewed:
            high = middle
        else:
            low = middle
    return high


def headline(detail: Sequence[Entry]) -> dict[str, Any]:
    """All strata together; harm and edge over those of packs that ``counted`` takes."""
    looked = [entry for entry in detail if entry["looks"]]
    anew = [entry for entry in looked if SOLVING in entry["looks"]]
    kept = counted(detail)
    edges = [edge for entry in kept[5] if (edge := entry["methods"][OURS]["edge"]) is not None]
    return {
        "strata": len(detail),
        "strata_broken": _broken(detail, OURS),
        "strata_looked_at": len(looked),
        "strata_broken_peeking": sum(_refuted(entry, BETTING) or entry["methods"][OURS]["broken"] for entry in looked),
        "strata_solved_anew": len(anew),
        "strata_broken_solving_anew": sum(_refuted(entry, SOLVING) for entry in anew),
        "harm_ratio_c5": _harm(kept[5], OURS),
        "harm_ratio_c20": _harm(kept[20], OURS),
        "harm_strata": {f"c{leaked}": len(entries) for leaked, entries in kept.items()},
        "edge_c5": float(np.mean(edges)) if edges else None,
        "edge_c5_worst": max(edges, default=None),
        "edge_strata": len(edges),
        "comparators": {name: _method(detail, kept, name) for name in dict.fromkeys(name for one in detail for name in one["methods"])},
        "harm_ratio_fixed": {f"c{leaked}": _harm(entries, OURS, "fixed_harm_ratio") for leaked, entries in kept.items()},
    }


def counted(detail: Sequence[Entry]) -> dict[int, list[Entry]]:
    """The strata of packs over which harm is averaged, by what a leak counts for."""
    packs = [entry for entry in detail if not entry["simulated"]]
    commonest: dict[str, tuple[int, str]] = {}
    for entry in packs:
        if entry["everywhere"]:
            found = entry["violating"], entry["policy"]
            commonest[entry["population"]] = max(found, commonest.get(entry["population"], found))
    kept = [
        entry
        for entry in packs
        if (entry["violating"] >= FEWEST_VIOLATING if entry["everywhere"] else _alone(entry, commonest[entry["population"]][1]))
    ]
    return {leaked: [entry for entry in kept if entry["leaked"] == leaked] for leaked in (5, 20)}


def _alone(entry: Entry, policy: str) -> bool:
    return bool(entry["policy"] == policy and entry["labelled"] >= FEWEST_ALONE)


def _method(detail: Sequence[Entry], kept: Mapping[int, Sequence[Entry]], name: str) -> dict[str, Any]:
    has = [entry for entry in detail if name in entry["methods"]]
    return {
        "strata": len(has),
        "strata_broken": _broken(has, name),
        **{f"harm_ratio_c{leaked}": _harm(entries, name) for leaked, entries in kept.items()},
    }


def _broken(detail: Sequence[Entry], method: str) -> int:
    return sum(entry["methods"][method]["broken"] for entry in detail)


def _refuted(entry: Entry, way: str) -> bool:
    found, allowed = entry["looks"][way], 1.0 - entry["targets"]["confidence"]
    return bool(stats.binomtest(found["exceeded"], found["deployments"], allowed, alternative="greater").pvalue < REFUTED)


def _harm(entries: Sequence[Entry], method: str, of: str = "harm_ratio") -> float | None:
    """The mean over strata that have one."""
    ratios = [entry["methods"][method][of] for entry in entries if method in entry["methods"]]
    known = [ratio for ratio in ratios if ratio is not None]
    return float(np.mean(known)) if known else None


def _least(trial: Trial) -> float:
    return trial.traffic.least_harm(trial.stakes.leaked, trial.stakes.rejects)
