"""Each market of a pack left out in turn, as if it opened today: what was said of it without a label, beside what its labels say."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adverdict.certification.markets.label_shift import Assumption
from adverdict.certification.markets.onboarding import Onboarding, onboard
from adverdict.certification.statistics.intervals import clopper_pearson
from adverdict.certification.thresholds.empirical import solve
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.certification.thresholds.sequence import Side
from adverdict.decisions.policy import MarketRules, PolicyBook, PolicyInForce, Severity, Stance, Targets, Thresholds, WhenDegraded
from adverdict.decisions.thresholds import SolvedThresholds, severity_at
from adverdict.domain.errors import InvalidSettings, Mistake
from adverdict.domain.progress import Named, Progress
from adverdict.domain.verdict import Verdict
from adverdict.models.bundle import load_bundle
from adverdict.storage.tables.pack import read_pack
from adverdict.training.dataset import Dataset, dataset, groups_of
from adverdict.training.evaluation.resampling import draw, interval, weighted_mean
from adverdict.training.fit.bundling import write_bundle
from adverdict.training.fit.everything import fit
from adverdict.training.fit.prepared import FitSettings
from adverdict.training.fit.splits import without_markets
from adverdict.training.fit.trainable import trainable

Floats = NDArray[np.float64]
APPROVE, REJECT = Verdict.APPROVE.severity, Verdict.REJECT.severity
RESAMPLES = 1000
MIN_ADS = 30
"""A market with fewer labelled ads is not left out: its labels could not say whether an estimate was right."""
UNCORRECTED, CHOSEN = "uncorrected", "chosen"
"""The model's risks as they are, and as corrected by what ``onboard`` chose. Between them: each assumption."""
SUGGESTED = "suggested"
"""Not the thresholds of the other markets' labels but those that ``onboard`` suggests: none where it does not rely on the risks."""


@dataclass(frozen=True)
class LeftOut:
    """A market's ads under one policy, scored by a model that has seen neither the market nor its advertisers, and what was said of it."""

    market: str
    risk: Floats
    violating: NDArray[np.bool_]
    group: NDArray[np.intp]
    learnt: Thresholds
    """The empirical thresholds of the labels of the other markets."""
    found: Onboarding

    def risks(self, which: str) -> Floats:
        """Risks under one of the ways to correct them; as they are where none can be told."""
        if which == UNCORRECTED or self.found.chosen is None:
            return self.risk
        rate = self.found.chosen if which == CHOSEN else self.found.rates[Assumption(which)]
        return rate.corrected(self.risk)

    def approved(self, which: str) -> NDArray[np.bool_]:
        """Ads approved with one of the ways to correct risks, or by the suggested thresholds."""
        if which == SUGGESTED:
            suggested = self.found.suggested
            return np.asarray(_severity(self.risk, suggested) == APPROVE) if suggested else np.zeros(len(self.risk), dtype=bool)
        return np.asarray(_severity(self.risks(which), self.learnt) == APPROVE)


WAYS: tuple[str, ...] = (UNCORRECTED, *Assumption, CHOSEN)


def run(folders: Sequence[Path], policies: Sequence[str], targets: Targets, settings: FitSettings, progress: Progress) -> dict[str, Any]:
    """``{"policies": {POLICY: {"markets": {MARKET: …}, "summary": …}}, "targets": …}``.

    Raises InvalidSettings when there are not two markets with enough labels.
    """
    data, _ = trainable(dataset([read_pack(folder) for folder in folders], policies))
    markets = _markets(data)
    by_policy: dict[str, list[LeftOut]] = {}
    for number, market in enumerate(markets, start=1):
        for policy, one in _leave_out(data, market, targets, settings, Named(progress, f"{market}, {number} of {len(markets)}")).items():
            by_policy.setdefault(policy, []).append(one)
    stated = {"max_leakage": targets.max_leakage, "max_wrongful_reject": targets.max_wrongful_reject, "confidence": targets.confidence}
    return {
        "targets": stated,
        "policies": {
            policy: {"markets": {one.market: measured(one) for one in found}, "summary": summary(found)}
            for policy, found in by_policy.items()
        },
    }


def measured(one: LeftOut) -> dict[str, Any]:
    """One market: its labels, and each thing that was said before them."""
    n, violating = len(one.risk), int(one.violating.sum())
    counts = draw(int(one.group.max()) + 1, RESAMPLES, 0)
    chosen = one.found.chosen
    return {
        "ads": n,
        "advertisers": int(one.group.max()) + 1,
        "violating": violating,
        "rate": violating / n,
        "estimate": None
        if chosen is None
        else {"assumption": chosen.assumption, "rate": chosen.rate, "interval": [chosen.low, chosen.high]},
        "mixture_p_value": None if one.found.test is None else one.found.test.p_value,
        "accepted": one.found.accepted,
        "calibration_error": {
            which: {
                "mean": float((one.risks(which) - one.violating).mean()),
                "interval": interval(weighted_mean(one.risks(which) - one.violating, one.group, counts)),
            }
            for which in WAYS
        },
        "false_negatives": {which: _share(one.approved(which)[one.violating]) for which in (*WAYS, SUGGESTED)},
        "suggested": _suggested(one),
        "forecast": {side.side: _forecast(one, side.side) for side in one.found.forecasts},
    }


def summary(found: Sequence[LeftOut]) -> dict[str, Any]:
    """Over the markets: how far off on average, at worst, and how unlike each other they fared."""
    rate = np.array([one.violating.mean() for one in found])
    error = {which: np.array([one.risks(which).mean() for one in found]) - rate for which in WAYS}
    intervals = [(one.found.chosen.low, one.found.chosen.high) if one.found.chosen else (0.0, 1.0) for one in found]
    return {
        "markets": len(found),
        "accepted": sum(one.found.accepted for one in found),
        "rate_in_interval": int(sum(low <= one <= high for one, (low, high) in zip(rate, intervals, strict=True))),
        "mean_absolute_error": {which: float(np.abs(off).mean()) for which, off in error.items()},
        "largest_absolute_error": {which: float(np.abs(off).max()) for which, off in error.items()},
        "violating_approved": {
            which: _share(np.concatenate([one.approved(which)[one.violating] for one in found])) for which in (*WAYS, SUGGESTED)
        },
        "false_negative_ratio": {which: false_negative_ratio(found, which) for which in (*WAYS, SUGGESTED)},
    }


def false_negative_ratio(found: Sequence[LeftOut], which: str) -> dict[str, Any]:
    """The worst market's share of violating ads approved, over the best's, with a 95 % interval over resampled advertisers.

    Half an ad is added to approved and to not approved: with a dozen violating ads, a market without a miss is no proof of none.
    """
    shares = []
    for one in found:
        missed = one.approved(which) & one.violating
        counts = np.column_stack([np.ones(int(one.group.max()) + 1), draw(int(one.group.max()) + 1, RESAMPLES, 0)])
        k, n = (np.bincount(one.group, weights=part, minlength=len(counts)) @ counts for part in (missed, one.violating))
        shares.append((k + 0.5) / (n + 1.0))
    ratio = np.max(shares, axis=0) / np.min(shares, axis=0)
    return {"ratio": float(ratio[0]), "interval": interval(ratio[1:])}


def _leave_out(data: Dataset, market: str, targets: Targets, settings: FitSettings, progress: Progress) -> dict[str, LeftOut]:
    train, rows = without_markets(data, frozenset([market]))
    development, _ = trainable(data.part(train))
    fitted = fit(development, settings, progress)
    test = data.part(rows).with_policies(development.policies)
    with tempfile.TemporaryDirectory(prefix="adverdict-market-") as work:
        write_bundle(fitted, SolvedThresholds(), development, Path(work) / "bundle", datetime.now(UTC), {})
        bundle = load_bundle(Path(work) / "bundle")
        here = bundle.score(test.ads, bundle.fresh_history()).risk[:, :, 0]
    elsewhere = fitted.calibration.apply(fitted.held_out["blend"], [market] * len(development.ads))[:, :, 0]
    ads = [*development.ads, *test.ads]
    scored = ScoredAds(
        policies=development.policies,
        market=np.array([ad.market for ad in ads]),
        surface=np.array([""] * len(ads)),
        group=np.unique(groups_of(ads), return_inverse=True)[1].astype(np.int64),
        risk=np.concatenate([elsewhere, here]),
        verdict=np.concatenate([development.targets, np.full(test.targets.shape, np.nan)]),  # the market's own labels stay hidden
    )
    progress.stage("what is known", len(development.policies))
    return {
        policy: found
        for column, policy in enumerate(development.policies)
        if (found := _left_out(scored, test, policy, column, market, targets)) is not None
    }


def _left_out(scored: ScoredAds, test: Dataset, policy: str, column: int, market: str, targets: Targets) -> LeftOut | None:
    known = test.labelled(column)
    if len(known) < MIN_ADS:
        return None
    start = len(scored) - len(test.ads)
    rows = np.append(np.arange(start), start + known)
    part = ScoredAds(
        (policy,),
        scored.market[rows],
        scored.surface[rows],
        scored.group[rows],
        scored.risk[rows][:, [column]],
        scored.verdict[rows][:, [column]],
    )
    elsewhere = part.labelled(policy, np.arange(start))
    group = np.unique(scored.group[start + known], return_inverse=True)[1]
    return LeftOut(
        market=market,
        risk=scored.risk[start + known, column],
        violating=test.targets[known, column] >= 0.5,
        group=group,
        learnt=solve(elsewhere.risk, elsewhere.violating, targets),
        found=onboard(part, market, _book(policy, market, targets))[0],
    )


def _book(policy: str, market: str, targets: Targets) -> PolicyBook:
    in_force = PolicyInForce(policy, policy, Severity.SERIOUS, Stance.PROHIBITED, targets, None, WhenDegraded.REVIEW, policy)
    return PolicyBook((policy,), {market: MarketRules((in_force,))})


def _markets(data: Dataset) -> list[str]:
    names, counts = np.unique([ad.market for ad in data.ads], return_counts=True)
    enough = [str(name) for name, n in zip(names, counts, strict=True) if n >= MIN_ADS]
    if len(enough) < 2:
        expected = f"at least two markets of {MIN_ADS} labelled ads"
        raise InvalidSettings("no market can be left out", [Mistake("--data", f"{len(enough)} such markets", expected)])
    return enough


def _severity(risk: Floats, thresholds: Thresholds) -> NDArray[np.int64]:
    return np.asarray(severity_at(risk, thresholds.approve_below, thresholds.reject_at))


def _share(hit: NDArray[np.bool_]) -> dict[str, Any]:
    k, n = int(hit.sum()), len(hit)
    return {"k": k, "n": n, "share": k / n if n else None, "interval": list(clopper_pearson(k, n)) if n else None}


def _suggested(one: LeftOut) -> dict[str, Any] | None:
    """What the suggested thresholds would have done: violating ads among those approved, others among those rejected."""
    suggested = one.found.suggested
    if suggested is None:
        return None
    severity = _severity(one.risk, suggested)
    approved, rejected = severity == APPROVE, severity == REJECT
    return {
        "approve_below": suggested.approve_below,
        "reject_at": suggested.reject_at,
        "leakage": _share(one.violating[approved]),
        "wrongful_rejection": _share(~one.violating[rejected]),
        "decided": _share(approved | rejected),
    }


def _forecast(one: LeftOut, side: Side) -> Mapping[str, Any]:
    """Labels foreseen, and whether the errors foreseen at their threshold came."""
    forecast = one.found.forecast(side)
    if forecast is None or forecast.threshold is None:
        return {"advertisers_needed": None, "at_least": None if forecast is None else forecast.at_least}
    decided = one.risk < forecast.threshold if side is Side.APPROVE else one.risk >= forecast.threshold
    wrong = one.violating if side is Side.APPROVE else ~one.violating
    return {
        "advertisers_needed": forecast.advertisers_needed,
        "labels_needed": forecast.labels_needed,
        "at_least": forecast.at_least,
        "threshold": forecast.threshold,
        "decided": forecast.decided,
        "errors_foreseen": forecast.errors,
        "errors": int((decided & wrong).sum()),
    }
