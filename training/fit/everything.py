"""Fits everything a bundle holds, each stage only on scores that the stage before gave to ads it had not seen.

    ads -> features -> ridge, out of fold -> LightGBM on top, out of fold -> transformer, out of fold -> blend -> calibration

Out of fold: the advertisers are dealt into folds, and each fold is scored by models fitted to the others. The models that go into the
bundle are then fitted to all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adverdict.domain.progress import Progress
from adverdict.features.contract import FeatureContract
from adverdict.models.blend import BlendModel
from adverdict.models.bundle import AFTER_EXIT
from adverdict.models.calibration import Calibration, PolicyCalibration
from adverdict.models.cascade import Cascade
from adverdict.models.encoder.encoder import encoder_text
from adverdict.models.encoder.transformer import TransformerModel
from adverdict.models.familiarity.familiarity import FamiliarityModel
from adverdict.models.gbm import GbmModel, gbm_columns, gbm_input
from adverdict.models.plugins import PREFIX
from adverdict.models.ridge import RidgeModel
from adverdict.models.vectors import WordVectors
from adverdict.training.cache.contents import ContentCache
from adverdict.training.dataset import Dataset, Rows
from adverdict.training.encoder.encoder_cache import EncoderCache
from adverdict.training.encoder.prefix_cache import Pretrained
from adverdict.training.encoder.tune import EncoderSettings, encoder_logits, fit_encoder
from adverdict.training.evaluation.gains import Earned
from adverdict.training.fit.blend import OutOfFold, earn, fit_blend
from adverdict.training.fit.calibration import fit_calibration
from adverdict.training.fit.cascade import cheap, fit_spread
from adverdict.training.fit.facts import RidgeOutOfFold, ridge_out_of_fold
from adverdict.training.fit.familiarity import fit_familiarity
from adverdict.training.fit.gbm import fit_gbm
from adverdict.training.fit.plugins import OwnComponent, fit_components
from adverdict.training.fit.prepared import FitSettings, Prepared, prepare
from adverdict.training.fit.ridge.regression import fit_ridge
from adverdict.training.fit.transformer import Offered, fit_transformer
from adverdict.training.memory import give_back
from adverdict.training.parallel import side_by_side

Logits = NDArray[np.float64]


@dataclass(frozen=True)
class ReadEncoder:
    """A pretrained encoder, after how many of its layers a text is read, the ridge that reads it, and its fine-tuned top if any."""

    pretrained: Pretrained
    depth: int
    transformer: TransformerModel
    top: Any | None
    settings: EncoderSettings


@dataclass(frozen=True)
class Fitted:
    """What a bundle is made of, and how the development ads were scored by models that had not seen them.

    ``parts`` and ``blend`` of ``held_out`` are log-odds, ``risk`` is ``(n_ads, n_policies, 3)`` calibrated.
    """

    data: Dataset
    contract: FeatureContract
    ridge: RidgeModel
    vectors: WordVectors | None
    gbm: GbmModel
    encoder: ReadEncoder | None
    blend_model: BlendModel
    """Of every component that was fitted, at weight 0 where it has not earned its place."""
    earned: Sequence[Earned]
    calibration: Calibration
    cascade: Cascade | None
    """None without an encoder: there is nothing to leave before."""
    held_out: Mapping[str, Logits]
    held_out_risk: NDArray[np.float64]
    held_out_early: NDArray[np.float64] | None = None
    """The same at the early exit; None without a cascade."""
    familiarity: FamiliarityModel | None = None
    """None: no ad was found to break no policy."""
    plugins: Mapping[str, OwnComponent] = field(default_factory=dict)

    @property
    def served(self) -> tuple[str, ...]:
        return served(self.blend_model.components, self.earned)


def fit(
    data: Dataset, settings: FitSettings, progress: Progress, cache: EncoderCache | None = None, contents: ContentCache | None = None
) -> Fitted:
    """Fit all models to ``data``. ``cache`` saves running the frozen encoder again when the texts were already run through it, ``contents``
    taking the ads apart again; the result is the same with them and without."""
    prepared = prepare(data, settings, progress, contents)
    give_back()
    progress.stage("ridge", settings.n_folds + 1)
    found = ridge_out_of_fold(data, prepared, settings.ridge, settings.seed, progress.advance)
    ridge_held_out, everyone = found.said.log_odds, np.arange(len(data.ads))
    of_everyone = found.said.whole or fit_ridge(found.design, everyone, data.targets, settings.ridge.penalty, found.reads)
    found = replace(found, said=replace(found.said, whole=of_everyone))
    ridge = found.design.model(of_everyone)
    progress.advance()
    give_back()
    progress.stage("LightGBM", settings.n_folds + 1)
    gbm_held_out, gbm_fresh = gbm_out_of_fold(data, prepared, ridge_held_out, settings, progress)
    gbm = fit_gbm_twice(prepared, ridge_held_out, data.targets, everyone, settings)
    held_out, fresh = {"ridge": ridge_held_out, "gbm": gbm_held_out}, {"ridge": ridge_held_out, "gbm": gbm_fresh}
    own = fit_components(settings.components, data, prepared.table, prepared.contract, prepared.fold, settings.seed, progress)
    of_plugins = {PREFIX + name: one.held_out for name, one in own.items()}
    held_out |= of_plugins
    fresh |= of_plugins
    encoder = None
    give_back()
    if settings.encoder is not None:
        encoder, scored = _stage_encoder(data, prepared, found, settings, progress, cache or EncoderCache(settings.encoder))
        held_out |= scored
        fresh |= scored
    give_back()
    progress.stage("blend and calibration", len(data.policies))
    both = with_and_without_history(data, prepared.fold, held_out, fresh)
    earned = tuple(earn(both, data.policies, settings.keep))
    blend = fit_blend(both, earned, data.policies)
    calibration = _calibrate(data, blend.logits(both.parts), both.targets, both.weight, settings, progress)
    blended = blend.logits(held_out)
    risk = calibration.apply(blended, [ad.market for ad in data.ads])
    cascade = early = None
    if AFTER_EXIT & {*served(blend.components, earned)}:
        whole = calibration.apply(blend.logits(both.parts), _twice(data))
        cascade = _fit_early_exit(data, both, earned, whole, settings, progress)
        early = cascade.risk(cascade.blend.logits(held_out), [ad.market for ad in data.ads])
    logits = {**held_out, "blend": blended}
    familiarity = fit_familiarity(data, prepared.traits)
    return Fitted(
        data=data,
        contract=prepared.contract,
        ridge=ridge,
        vectors=prepared.vectors,
        gbm=gbm,
        encoder=encoder,
        blend_model=blend,
        earned=earned,
        calibration=calibration,
        cascade=cascade,
        held_out=logits,
        held_out_risk=risk,
        held_out_early=early,
        familiarity=familiarity,
        plugins=own,
    )


def with_and_without_history(data: Dataset, fold: NDArray[np.intp], known: Mapping[str, Logits], fresh: Mapping[str, Logits]) -> OutOfFold:
    """Each ad twice: as scored with what raters said of its advertiser before, and as if its advertiser were new. Both kinds come in."""
    return OutOfFold(
        {name: np.concatenate([known[name], fresh[name]]) for name in known},
        np.concatenate([data.targets] * 2),
        np.full(2 * len(data.ads), 0.5),
        np.tile(np.unique(data.groups, return_inverse=True)[1], 2),
        np.tile(fold, 2),
    )


def served(components: Sequence[str], earned: Sequence[Earned]) -> tuple[str, ...]:
    """The components that a bundle needs: the first, and those that earned their place for any policy."""
    kept = {one.component for one in earned if one.kept}
    return tuple(name for place, name in enumerate(components) if place == 0 or name in kept)


def gbm_out_of_fold(data: Dataset, prepared: Prepared, ridge: Logits, settings: FitSettings, progress: Progress) -> tuple[Logits, Logits]:
    """Log-odds of each ad from boosters fitted to the other folds: with its history, and as if its advertiser were new."""
    out, out_fresh = np.empty_like(data.targets), np.empty_like(data.targets)
    for train, held_out in _each_fold(prepared.fold):
        model = fit_gbm_twice(prepared, ridge, data.targets, train, settings)
        for table, scores in ((prepared.table, out), (prepared.fresh, out_fresh)):
            scores[held_out] = model.all_logits(table.shared[held_out], table.per_policy[held_out], ridge[held_out])
        progress.advance()
    return out, out_fresh


def fit_gbm_twice(prepared: Prepared, ridge: Logits, targets: NDArray[np.float64], rows: Rows, settings: FitSettings) -> GbmModel:
    """Each ad once with its history and once without, at half weight: a model that only knows old customers fails on new ones."""
    tables = prepared.table, prepared.fresh

    def twice(policy: int) -> NDArray[np.float64]:
        return np.concatenate([gbm_input(table.shared[rows], table.per_policy[rows], ridge[rows], policy) for table in tables])

    contract = prepared.contract
    return fit_gbm(
        twice,
        np.concatenate([targets[rows]] * 2),
        np.full(2 * len(rows), 0.5),
        gbm_columns(contract.shared, contract.per_policy),
        contract.levels,
        settings.gbm,
        settings.seed,
    )


def _stage_encoder(
    data: Dataset, prepared: Prepared, found: RidgeOutOfFold, settings: FitSettings, progress: Progress, cache: EncoderCache
) -> tuple[ReadEncoder, dict[str, Logits]]:
    chosen, depths = cache.settings, cache.pretrained.depths
    texts = [encoder_text(ad, chosen.prefix) for ad in data.ads]
    offered = Offered(
        states=lambda rows, some: cache.states([texts[row] for row in rows.tolist()], some, progress),
        depths=depths,
        read=prepared.read,
        design=found.design,
        settings=settings.ridge,
        facts=found.reads,
        ridge=found.said,
        targets=data.targets,
        fold=prepared.fold,
        tried=found.tried,
    )
    fitted = fit_transformer(offered, chosen.width, settings.seed, progress)
    scored = {"transformer": fitted.added}
    if not chosen.tune:
        return ReadEncoder(cache.pretrained, fitted.depth, fitted.model, None, chosen), scored

    hidden = cache.of(texts, progress)

    def tune(rows: Rows, part: str) -> Any:
        train, validation = _hold_back(rows, data.groups, settings.seed)
        return fit_encoder(cache.pretrained, hidden, data.targets, train, validation, chosen, settings.seed, progress, part)

    progress.stage("encoder, fine-tuning", chosen.epochs * len(data.ads) * settings.n_folds)
    out = np.empty_like(data.targets)
    for fold, (train, held_out) in enumerate(_each_fold(prepared.fold)):
        out[held_out] = encoder_logits(tune(train, f"fold_{fold}"), hidden, held_out, cache.pretrained.device)
    top = tune(np.arange(len(data.ads)), "all")
    return ReadEncoder(cache.pretrained, fitted.depth, fitted.model, top, chosen), scored | {"encoder": out}


def _calibrate(
    data: Dataset, scores: Logits, targets: NDArray[np.float64], weight: NDArray[np.float64], settings: FitSettings, progress: Progress
) -> Calibration:
    """One curve a policy, from the scores ``(2 n_ads, n_policies)`` of ads with and without their history.

    A risk is the probability of what a decision is judged by: that at least half of the raters say violating.
    """
    groups, markets = np.array(data.groups * 2), np.array([ad.market for ad in data.ads] * 2)

    def one(policy: int) -> PolicyCalibration:
        known = np.flatnonzero(~np.isnan(targets[:, policy]))
        return fit_calibration(
            scores[known, policy],
            (targets[known, policy] >= 0.5).astype(np.float64),
            weight[known],
            groups[known],
            markets[known],
            settings.seed,
            settings.calibration_prior,
        )

    curves = side_by_side(one, len(data.policies))
    progress.advance(len(curves))
    return Calibration(tuple(curves))


def _fit_early_exit(
    data: Dataset, both: OutOfFold, earned: Sequence[Earned], whole: NDArray[np.float64], settings: FitSettings, progress: Progress
) -> Cascade:
    """What the cheap models alone say, calibrated like the whole; ``whole`` are the whole model's risks ``(2 n_ads, n_policies, 3)``.

    The spread needs no label, so it is learned from every ad.
    """
    progress.stage("early exit", len(data.policies))
    blend = fit_blend(both.only(cheap(tuple(both.parts))), earned, data.policies)
    logits = blend.logits(both.parts)
    calibration = _calibrate(data, logits, both.targets, both.weight, settings, progress)
    early = calibration.apply(logits, _twice(data))
    return Cascade(blend, calibration, tuple(fit_spread(early[:, i, 0], whole[:, i, 0]) for i in range(len(data.policies))))


def _twice(data: Dataset) -> list[str]:
    """Markets of the ads with their history, and of the same ads without."""
    return [ad.market for ad in data.ads] * 2


def _each_fold(fold: NDArray[np.intp]) -> Iterator[tuple[Rows, Rows]]:
    for k in range(int(fold.max()) + 1):
        yield np.flatnonzero(fold != k), np.flatnonzero(fold == k)


def _hold_back(rows: Rows, groups: Sequence[str], seed: int) -> tuple[Rows, Rows]:
    """A tenth of the advertisers among ``rows`` for early stopping, the rest for training."""
    names = np.array([groups[row] for row in rows])
    chosen = np.random.default_rng(seed).permutation(np.unique(names))
    back = np.isin(names, chosen[: max(1, len(chosen) // 10)])
    return rows[~back], rows[back]
