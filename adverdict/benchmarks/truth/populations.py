"""Scored ads whose truth is known: a simulated marketplace, and labelled packs where the raters' majority is taken as the truth."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from adverdict.benchmarks.truth.trial import EVERYWHERE, Floats, Ints, Traffic, Trial
from adverdict.certification.statistics.bounds import Sizes, fewest_draws
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.certification.thresholds.strata import Stratum, questions, strata
from adverdict.decisions.policy import (
    MAX_RISK,
    MIN_RISK_REJECTED,
    MarketRules,
    PolicyBook,
    PolicyInForce,
    Severity,
    Stance,
    Targets,
    WhenDegraded,
)
from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.ad import Ad
from adverdict.domain.identity import surface_key
from adverdict.domain.progress import Progress
from adverdict.models.bundle import Bundle, load_bundle
from adverdict.simulation import write_marketplace
from adverdict.simulation.write import TRUTH_FOLDER
from adverdict.storage.tables.pack import Pack, read_pack
from adverdict.training.dataset import Dataset, dataset
from adverdict.training.evaluation.evaluate import BLEND_MODEL, ROWS
from adverdict.training.fit.bundling import write_bundle
from adverdict.training.fit.crossvalidate import held_out
from adverdict.training.fit.everything import fit
from adverdict.training.fit.facts import ridge_out_of_fold
from adverdict.training.fit.prepared import FitSettings, prepare
from adverdict.training.fit.splits import by_advertiser
from adverdict.training.fit.trainable import trainable

FOLDS = 5
TRAINING_ADS = 12_000
SIMULATED = "simulated"
SENSITIVITY = 1 - 0.14 * 1.6
"""What the worst of the simulated raters finds of violations where the ad is unclear (``simulation.raters``); a majority finds no less, a
tie being a violation."""
SPECIFICITY = (1 - 0.025 * 1.6) ** 2
"""And what they clear of other ads: with two raters both must clear it, which is the worst case of one, two or three."""


@dataclass(frozen=True)
class Population:
    """``truth`` float64 (n, n_policies): 1 violates, 0 does not, NaN where the policy does not apply or nobody knows."""

    name: str
    scored: ScoredAds
    truth: Floats
    sensitivity: float = 1.0
    specificity: float = 1.0


def simulated(ads: int, settings: FitSettings, progress: Progress, policies: Sequence[str] = ()) -> Population:
    """A marketplace of ``ads`` ads, scored by a bundle trained on another of 12,000. All policies that can be trained unless some are
    named."""
    with tempfile.TemporaryDirectory(prefix="adverdict-benchmark-") as work:
        folder = Path(work)
        for name, count, seed in (("training", TRAINING_ADS, 2 * settings.seed + 1), ("population", ads, 2 * settings.seed + 2)):
            write_marketplace(folder / name, count, seed)
        development, _ = trainable(dataset([read_pack(folder / "training")], policies))
        fitted = fit(development, settings, progress)
        write_bundle(fitted, SolvedThresholds(), development, folder / "bundle", datetime.now(UTC), {})
        return of_marketplace(folder / "population", load_bundle(folder / "bundle"), progress)


def of_marketplace(folder: Path, bundle: Bundle, progress: Progress) -> Population:
    """A simulated marketplace scored by a bundle that has not seen it: every ad with its truth, and the labels its raters gave."""
    pack = read_pack(folder)
    data = _with_unlabelled(dataset([pack], bundle.policies))
    scored = _scored(data, _risks(bundle, pack, data.ads, progress))
    return Population(SIMULATED, scored, _truth(folder, data), SENSITIVITY, SPECIFICITY)


def of_pack(folder: Path, settings: FitSettings, progress: Progress) -> Population:
    """A pack's labelled ads, each scored by a training without its advertiser."""
    pack = read_pack(folder)
    data, _ = trainable(dataset([pack]))
    scored = held_out(data, by_advertiser(data, FOLDS, settings.seed), settings, progress)
    row_of = {ad_id: row for row, ad_id in enumerate(scored.ad_ids)}
    data = data.with_policies(scored.policies)
    risk = scored.p[BLEND_MODEL][[row_of[ad.ad_id] for ad in data.ads]]
    truth = np.where(np.isnan(data.targets), np.nan, data.targets >= 0.5)
    return Population(folder.name, _scored(data, risk), truth)


def of_pack_by_words(folder: Path, settings: FitSettings, progress: Progress) -> Population:
    """The same in a tenth of the time: scored by the ridge alone, calibrated on the other folds' held-out scores."""
    pack = read_pack(folder)
    data, _ = trainable(dataset([pack]))
    settings = replace(settings, n_folds=FOLDS)
    prepared = prepare(data, settings, progress)
    progress.stage(f"{folder.name}, ridge", FOLDS)
    score = ridge_out_of_fold(data, prepared, settings.ridge, settings.seed, progress.advance).said.log_odds
    fold = prepared.fold
    risk = np.column_stack([_calibrated(score[:, column], data.targets[:, column], fold) for column in range(len(data.policies))])
    truth = np.where(np.isnan(data.targets), np.nan, data.targets >= 0.5)
    return Population(folder.name, _scored(data, risk), truth)


def _calibrated(score: Floats, target: Floats, fold: NDArray[np.intp]) -> Floats:
    """Risks from scores by a logistic regression (Platt) on the scores of the other folds."""
    from sklearn.linear_model import LogisticRegression

    known = ~np.isnan(target)
    risk = np.empty_like(score)
    for one in range(int(fold.max()) + 1):
        here, elsewhere = fold == one, known & (fold != one)
        model = LogisticRegression(C=1e3).fit(score[elsewhere, None], target[elsewhere] >= 0.5)
        risk[here] = model.predict_proba(score[here, None])[:, 1]
    return risk


def trials(
    population: Population,
    targets: Targets,
    severity: Severity = Severity.SERIOUS,
    stance: Stance = Stance.PROHIBITED,
    *,
    alone: bool = True,
    thin: float | None = None,
) -> list[Trial]:
    """Every policy with all markets as one, and with ``alone`` each market by itself in which any threshold could be certified.

    ``thin``: see ``Trial``.
    """
    asked = Asked(targets, severity, stance, thin)
    everywhere = np.full(len(population.scored), EVERYWHERE)
    found = _trials(replace(population, scored=replace(population.scored, market=everywhere)), asked)
    if alone and len(np.unique(population.scored.market)) > 1:
        found += [one for one in _trials(population, asked) if _could(one)]
    return found


@dataclass(frozen=True)
class Asked:
    """Of every policy of a population alike."""

    targets: Targets
    severity: Severity
    stance: Stance
    thin: float | None


def _trials(population: Population, asked: Asked) -> list[Trial]:
    found = strata(population.scored, questions(population.scored, _book(population, asked)))
    return [_trial(population, stratum, asked.thin) for stratum in found if len(stratum.rows)]


def _trial(population: Population, stratum: Stratum, thin: float | None) -> Trial:
    scored, column = population.scored, population.scored.policies.index(stratum.policy)
    truth, rows = population.truth[:, column], stratum.question.rows
    rows = rows[~np.isnan(truth[rows])]
    return Trial(
        population=population.name,
        stratum=stratum,
        sensitivity=population.sensitivity,
        specificity=population.specificity,
        labelled=scored.labelled(stratum.policy, stratum.rows),
        traffic=Traffic.of(scored.risk[rows, column], truth[rows] == 1.0, scored.group[rows]),
        groups=int(scored.group.max()) + 1,
        thin=thin,
    )


def _could(trial: Trial) -> bool:
    """Whether labels without a single error would certify anything."""
    sizes = Sizes.of(np.unique(trial.labelled.group, return_inverse=True)[1])
    return sizes.draws >= fewest_draws(trial.targets.max_leakage, trial.stratum.level)


def _book(population: Population, asked: Asked) -> PolicyBook:
    """Every policy under the same rules in every market, on the surfaces where it applies to any ad."""
    scored = population.scored
    everywhere = {surface_key(str(surface)) for surface in scored.surface}
    found: list[tuple[PolicyInForce, set[str]]] = []
    for column, name in enumerate(scored.policies):
        policy = PolicyInForce(
            name,
            name,
            asked.severity,
            asked.stance,
            asked.targets,
            None,
            WhenDegraded.REVIEW,
            name,
            max_risk=MAX_RISK[asked.severity],
            min_risk_rejected=MIN_RISK_REJECTED,
        )
        known = ~np.isnan(population.truth[:, column])
        found.append((policy, {surface_key(str(surface)) for surface in scored.surface[known]}))
    general = tuple(policy for policy, surfaces in found if surfaces == everywhere)
    named = set().union(*(surfaces for _, surfaces in found if surfaces != everywhere))
    rules = MarketRules(general, {one: tuple(policy for policy, surfaces in found if one in surfaces) for one in named})
    return PolicyBook(scored.policies, {str(market): rules for market in np.unique(scored.market)})


def _scored(data: Dataset, risk: Floats) -> ScoredAds:
    return ScoredAds(
        policies=data.policies,
        market=np.array([ad.market for ad in data.ads]),
        surface=np.array([ad.surface or "" for ad in data.ads]),
        group=_numbered(data.groups),
        risk=risk,
        verdict=data.targets,
    )


def _numbered(names: tuple[str, ...]) -> Ints:
    return np.unique(np.array(names), return_inverse=True)[1].astype(np.int64)


def _with_unlabelled(data: Dataset) -> Dataset:
    """All ads in order of submission, those without labels too, so that they have groups and risks."""
    known = dict(zip((ad.ad_id for ad in data.ads), data.targets, strict=True))
    nothing = np.full(len(data.policies), np.nan)
    ads = tuple(sorted(data.known_ads, key=lambda ad: ad.submitted_at))
    return replace(data, ads=ads, others=(), targets=np.array([known.get(ad.ad_id, nothing) for ad in ads]))


def _risks(bundle: Bundle, pack: Pack, ads: tuple[Ad, ...], progress: Progress) -> Floats:
    """Submissions are history, labels are not, as in ``training.evaluation.evaluate``."""
    history = bundle.fresh_history()
    history.observe_ads(pack.ads)
    progress.stage("scoring the population", len(ads))
    found: list[NDArray[np.float64]] = []
    for start in range(0, len(ads), ROWS):
        found.append(bundle.score(ads[start : start + ROWS], history).risk[:, :, 0])
        progress.advance(len(found[-1]))
    return np.concatenate(found)


def _truth(folder: Path, data: Dataset) -> Floats:
    import polars as pl

    table = pl.read_parquet(folder / TRUTH_FOLDER / "truth.parquet", columns=["ad_id", "policy", "violates"])
    row: Mapping[str, int] = {ad.ad_id: number for number, ad in enumerate(data.ads)}
    column = {policy: number for number, policy in enumerate(data.policies)}
    truth = np.full(data.targets.shape, np.nan)
    for ad_id, policy, violates in table.filter(pl.col("policy").is_in(data.policies)).iter_rows():
        truth[row[ad_id], column[policy]] = float(violates)
    return truth
