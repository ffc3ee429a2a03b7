"""How often leaving the models early changes a verdict, on ads of advertisers the bundle was neither trained nor certified on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from adverdict.benchmarks.batch.batch_setup import Advance, BatchSetup, Figures, Write
from adverdict.benchmarks.batch.counts import flipped_of, left_early
from adverdict.benchmarks.batch.packs import halved
from adverdict.benchmarks.batch.scoring import OpenedPack, opened
from adverdict.benchmarks.shared import beside
from adverdict.benchmarks.shared.certified_exit import CERTIFIED_ON, QUICK_CERTIFIED_ON
from adverdict.domain.decision import Decision
from adverdict.domain.errors import AdverdictError


@dataclass(frozen=True)
class FlipsPlan:
    """Ads of every advertiser come along: ``ads`` is how many marketplaces are simulated with."""

    ads: int = 24_000
    certified_on: int = CERTIFIED_ON


QUICK = FlipsPlan(ads=4000, certified_on=QUICK_CERTIFIED_ON)


def steps(data: Sequence[Path]) -> int:
    return 1 + len(data)


def flips(setup: BatchSetup, data: Sequence[Path], write: Write, advance: Advance) -> Figures:
    """On simulated ads, then on each pack of ``data``. Every figure also goes to ``write``, as it comes."""
    found: Figures = {"left_out": {}, "packs": {}}
    try:
        others = setup.certifying() if setup.certificates is None else None
        found |= beside.threaded(_flips, 1, setup.bundle(), setup.rules(), setup.certified(), setup.ads(), others)
    except AdverdictError as error:
        found["left_out"]["simulated ads"] = str(error)
    advance()
    write(found)
    for pack in data:
        try:
            found["packs"][pack.name] = halved(setup, pack)
        except AdverdictError as error:
            found["left_out"][pack.name] = str(error)
        advance()
        write(found)
    return found


def _flips(bundle: Path, rules: Path, certificates: Path, pack: Path, others: Path | None) -> Figures:
    ours = opened(bundle, rules, certificates, pack, others)
    return {"rule": ours.rule, "why_no_exit": ours.why, **beside_each_other(ours)}


def beside_each_other(ours: OpenedPack) -> Figures:
    """Verdicts of the early exit beside those of the whole bundle, ad by ad; and what would flip if every ad left early."""
    from adverdict.training.dataset import groups_of

    whole, cascade, early = ours.decide(ours.ads, "full"), ours.decide(ours.ads, "cascade"), ours.decide_early(ours.ads)
    groups = np.unique(groups_of(ours.ads), return_inverse=True)[1].astype(np.int64)
    return compared(whole, cascade, early, groups)


def compared(whole: Sequence[Decision], cascade: Sequence[Decision], early: Sequence[Decision], groups: NDArray[np.int64]) -> Figures:
    """Figures of decisions on the same ads, in the same order; ``groups`` int64 (n,): ads of one number are of one advertiser.

    ``flipped``: a verdict under any policy differs. The bound knows that flips come advertiser by advertiser: how alike an advertiser's ads
    are is measured on the many that would flip if every ad left early, as when the exit is certified.
    """
    from adverdict.certification.statistics.alikeness import alikeness

    flipped = differing(whole, cascade)
    disagreeing = differing(whole, early)
    alike = alikeness(disagreeing, groups) if len(groups) else 1.0
    left = np.array([one.exit == "early" for one in cascade], dtype=bool)
    market = np.array([one.market for one in whole])
    markets = {name: market == name for name in sorted(set(market.tolist()))}
    return {
        **flipped_of(flipped, groups, alike),
        **left_early(left),
        "alike": alike,
        "decisions_flipped": sum(a.verdict != b.verdict for a, b in zip(whole, cascade, strict=True)),
        "if_all_left_early": {"flipped": int(disagreeing.sum()), "flipped_share": float(disagreeing.mean()) if len(groups) else None},
        "by_policy": _by_policy(whole, cascade),
        "verdicts": dict(Counter(str(one.verdict) for one in whole)),
        "markets": {name: {**flipped_of(flipped[of], groups[of], alike), **left_early(left[of])} for name, of in markets.items()},
    }


def differing(whole: Sequence[Decision], other: Sequence[Decision]) -> NDArray[np.bool_]:
    """Which ads have another verdict under any policy, ``bool (n,)``."""
    return np.array([_verdicts(a) != _verdicts(b) for a, b in zip(whole, other, strict=True)], dtype=bool)


def _verdicts(decision: Decision) -> dict[str, str]:
    return {one.policy: str(one.verdict) for one in decision.policies}


def _by_policy(whole: Sequence[Decision], cascade: Sequence[Decision]) -> dict[str, dict[str, int]]:
    """How often which verdict became which, by policy."""
    found: dict[str, Counter[str]] = {}
    for a, b in zip(whole, cascade, strict=True):
        became = _verdicts(b)
        for policy, verdict in _verdicts(a).items():
            if became.get(policy) != verdict:
                found.setdefault(policy, Counter())[f"{verdict} -> {became.get(policy)}"] += 1
    return {policy: dict(counts) for policy, counts in sorted(found.items())}
