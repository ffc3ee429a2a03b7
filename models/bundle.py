"""A trained model as a folder of plain files, and the scoring of ads with it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adverdict.certification.exits.cuts import Exits
from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.ad import Ad
from adverdict.domain.errors import AdverdictError, UntrustedBundle
from adverdict.domain.familiarity import Familiarity
from adverdict.domain.identity import surface_key
from adverdict.domain.risk import RiskScore
from adverdict.features.contract import FeatureContract
from adverdict.features.contract import check as check_contract
from adverdict.features.history.known import History
from adverdict.features.history.snapshot import read_snapshot
from adverdict.features.history.state import HistoryState
from adverdict.features.table import FeatureTable, feature_table
from adverdict.features.text.ngrams import NgramText, ngram_windows
from adverdict.features.text.traits import traits
from adverdict.models.blend import BlendModel
from adverdict.models.calibration import Calibration
from adverdict.models.cascade import Cascade
from adverdict.models.encoder.encoder import EncoderModel, encoder_text
from adverdict.models.encoder.kernel import KernelModel
from adverdict.models.encoder.transformer import STATES, TransformerModel
from adverdict.models.familiarity.familiarity import FamiliarityModel, widened
from adverdict.models.gbm import GbmModel
from adverdict.models.manifest import Manifest, check
from adverdict.models.plugins import NO_PLUGINS, PluginComponents, refuse_without
from adverdict.models.ridge import FACTS, WORDS, RidgeModel
from adverdict.models.seen import Seen
from adverdict.models.vectors import WordVectors

BLEND = "blend.json"
CALIBRATION = "calibration.json"
THRESHOLDS = "thresholds.json"
HISTORY = "history.parquet"
AFTER_EXIT = frozenset({"transformer", "encoder", "kernel"})
"""What ads that leave early are not read by."""

Logits = NDArray[np.float64]
Windows = Sequence[Sequence[NgramText]]
"""Of each ad, the pieces it is read in."""


@dataclass(frozen=True)
class Scores:
    """Scores of ``n_ads`` ads under ``n_policies`` policies.

    ``risk`` is ``float64 (n_ads, n_policies, 3)``: calibrated P(violates) with the ends of its 90 % interval, in (0, 1), wider
    for strange ads.
    ``parts`` holds each component's log-odds before blending and ``blend`` those after it, ``float64 (n_ads, n_policies)``; NaN where an ad
    left before the component. ``early`` ``bool (n_ads,)``: which ads left before the encoder; their risk is the early exit's.
    ``doubt`` ``float64 (n_ads,)``: how likely the encoder was to change a verdict, 0 where nobody asked. ``table`` is what the models saw,
    kept for the reasons. ``familiarity``: of each ad; None where the bundle does not know it.
    """

    policies: tuple[str, ...]
    risk: NDArray[np.float64]
    parts: Mapping[str, Logits]
    blend: Logits
    table: FeatureTable
    early: NDArray[np.bool_]
    doubt: NDArray[np.float64]
    familiarity: tuple[Familiarity, ...] | None = None

    def risks(self, ad: int) -> dict[str, RiskScore]:
        """The risks of one ad, by policy."""
        rows = self.risk[ad].tolist()
        return {
            policy: RiskScore(policy=policy, p=p, p_low=low, p_high=high)
            for policy, (p, low, high) in zip(self.policies, rows, strict=True)
        }


@dataclass(frozen=True)
class Bundle:
    """Everything scoring needs, loaded. ``version`` is the manifest's digest."""

    manifest: Manifest
    version: str
    contract: FeatureContract
    ridge: RidgeModel
    """Of n-grams alone in a bundle made before words and facts joined them; its component is then called ``ngram``."""
    vectors: WordVectors | None
    """Of the words that the ridge reads; None: it reads none."""
    gbm: GbmModel | None
    encoder: EncoderModel | None
    transformer: TransformerModel | None
    kernel: KernelModel | None
    """Of a bundle made before the transformer's first layers were read instead of its last."""
    blend: BlendModel
    calibration: Calibration
    cascade: Cascade | None
    """None: there is nothing to skip, or the bundle was made before there was an early exit."""
    thresholds: SolvedThresholds
    seen: Seen
    familiarity: FamiliarityModel | None
    """None: nothing is known of it, for the bundle was made before there was any, or from violating ads alone."""
    folder: Path
    plugins: PluginComponents = NO_PLUGINS

    @property
    def policies(self) -> tuple[str, ...]:
        return self.manifest.policies

    @property
    def first(self) -> str:
        """The component that reads n-grams, by its name."""
        return "ridge" if "ridge" in self.manifest.components else "ngram"

    @cached_property
    def history(self) -> HistoryState:
        """What was known of advertisers, creatives, domains and markets when the bundle was made. Not to be added to."""
        return self.fresh_history()

    def fresh_history(self) -> HistoryState:
        """The same as a copy of its own, to observe more with."""
        return read_snapshot(self.folder / HISTORY)

    def score(self, ads: Sequence[Ad], history: History | None = None, exits: Exits | None = None) -> Scores:
        """Score ads with what ``history`` (the bundle's own unless given) knew strictly before each was submitted.

        ``exits``: which of them may leave before the encoder; None, or without a cascade: none does.
        """
        counts = (self.history if history is None else history).counts(ads, self.policies)
        return self.score_table(ads, feature_table(ads, counts, self.contract), exits)

    def score_table(self, ads: Sequence[Ad], table: FeatureTable, exits: Exits | None = None) -> Scores:
        """Score ads whose features are already computed."""
        markets = [ad.market for ad in ads]
        windows = [ngram_windows(ad, text) for ad, text in zip(ads, table.texts, strict=True)]
        parts = {self.first: self._worst_window(self.ridge, windows, table.shared)}
        if self.gbm is not None:
            parts["gbm"] = self.gbm.all_logits(table.shared, table.per_policy, parts[self.first])
        parts |= self.plugins.logits(ads, table.shared, len(self.policies))
        early, doubt, familiarity = np.zeros(len(ads), dtype=bool), np.zeros(len(ads)), self.familiarity_of(ads, table)
        if self.cascade is None or exits is None:
            parts |= self._read(ads, windows, table.shared, parts[self.first])
            blend = self.blend.logits(parts)
            risk = self.calibration.apply(blend, markets)
            risk = risk if familiarity is None else widened(risk, familiarity)
            return Scores(self.policies, risk, parts, blend, table, early, doubt, familiarity)
        blend = self.cascade.blend.logits(parts)
        risk = self.cascade.risk(blend, markets)
        doubt = self.cascade.doubt(risk[:, :, 0], exits.cuts)
        early = doubt <= exits.limit
        rest = np.flatnonzero(~early)
        if rest.size:
            some = rest.tolist()
            read = self._read([ads[row] for row in some], [windows[row] for row in some], table.shared[rest], parts[self.first][rest])
            whole = {name: logits[rest] for name, logits in parts.items()} | read
            blend[rest] = self.blend.logits(whole)
            risk[rest] = self.calibration.apply(blend[rest], [markets[row] for row in some])
            parts |= {name: _spread(logits, rest, len(ads)) for name, logits in read.items()}
        risk = risk if familiarity is None else widened(risk, familiarity)
        return Scores(self.policies, risk, parts, blend, table, early, doubt, familiarity)

    def familiarity_of(self, ads: Sequence[Ad], table: FeatureTable) -> tuple[Familiarity, ...] | None:
        """How much each ad is like those learnt from, whichever way it goes; None where the bundle does not know."""
        if self.familiarity is None:
            return None
        return self.familiarity.of([*map(traits, table.views)], [surface_key(ad.surface) for ad in ads])

    def early_risk(self, scores: Scores, markets: Sequence[str]) -> NDArray[np.float64] | None:
        """What the early exit says of ads in ``markets``, as ``Scores.risk``, whichever way they went; None without one."""
        return None if self.cascade is None else self.cascade.risk(self.cascade.blend.logits(scores.parts), markets)

    def views(self, texts: Sequence[NgramText], shared: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """What the ridge reads of texts beside their n-grams, with the ``shared`` features of the ad that each belongs to."""
        if not self.ridge.kernels:
            return {}
        facts = {FACTS: self.ridge.scale.of(shared, self.contract.shared)}
        return facts if self.vectors is None else facts | {WORDS: self.vectors.of([text.text for text in texts])}

    def _worst_window(
        self, ridge: RidgeModel, windows: Windows, shared: NDArray[np.float64], of_ads: Mapping[str, Logits] | None = None
    ) -> Logits:
        """What a ridge says of each ad: policy by policy, of the window that looks worst. ``of_ads``: views of whole ads beside those of
        windows."""
        texts, lengths = [*chain.from_iterable(windows)], [*map(len, windows)]
        one_each = len(texts) == len(windows)
        of_texts = shared if one_each else np.repeat(shared, lengths, axis=0)
        more = {name: view if one_each else np.repeat(view, lengths, axis=0) for name, view in (of_ads or {}).items()}
        logits = ridge.logits(ridge.ngram.logits(texts), self.views(texts, of_texts) | more)
        if one_each:
            return logits
        worst: Logits = np.maximum.reduceat(logits, np.cumsum([0, *lengths[:-1]]), axis=0)
        return worst

    def _read(self, ads: Sequence[Ad], windows: Windows, shared: NDArray[np.float64], first: Logits) -> dict[str, Logits]:
        """What is made of the texts by the models that leave nothing unread; nothing without an encoder."""
        if self.encoder is None:
            return {}
        prefix = self.manifest.encoder.prefix if self.manifest.encoder else ""
        return self.made_of(*self.encoder.run([encoder_text(ad, prefix) for ad in ads]), windows, shared, first)

    def made_of(
        self, logits: Logits | None, embedding: NDArray[np.float32], windows: Windows, shared: NDArray[np.float64], first: Logits
    ) -> dict[str, Logits]:
        """The components after the exit, from what the encoder gave for some ads, their ``windows``, ``shared`` features and what the
        ``first`` component says of them."""
        read = {}
        if self.transformer is not None:
            states = {STATES: self.transformer.directions.of(embedding)}
            read["transformer"] = self._worst_window(self.transformer.ridge, windows, shared, states) - first
        if logits is not None:
            read["encoder"] = logits
        if self.kernel is not None:
            read["kernel"] = self.kernel.logits(embedding)
        return read


def _spread(logits: Logits, rows: NDArray[np.intp], n: int) -> Logits:
    """The rows at their places among ``n``, NaN elsewhere."""
    out = np.full((n, logits.shape[1]), np.nan)
    out[rows] = logits
    return out


def load_bundle(folder: Path) -> Bundle:
    """Check the manifest, then load. Raises NotFound, UntrustedBundle, MissingPlugin, ContractMismatch with the difference in features."""
    manifest, version = check(folder)
    refuse_without(manifest.plugins)
    try:
        contract = FeatureContract.from_json(json.dumps(manifest.contract))
        check_contract(contract)
        n, vectors = len(manifest.policies), WordVectors.load(folder)
        ridge = RidgeModel.load(folder, n, {} if vectors is None else {WORDS: vectors.width})
        reads = "transformer" in manifest.components
        bundle = Bundle(
            manifest=manifest,
            version=version,
            contract=contract,
            ridge=ridge,
            vectors=vectors,
            gbm=GbmModel.load(folder, manifest.policies) if "gbm" in manifest.components else None,
            encoder=EncoderModel.load(folder, n, manifest.encoder.max_tokens) if manifest.encoder else None,
            transformer=TransformerModel.load(folder, n, 0 if vectors is None else vectors.width) if reads else None,
            kernel=KernelModel.load(folder, n) if "kernel" in manifest.components else None,
            blend=BlendModel.from_json(_json(folder / BLEND)),
            calibration=Calibration.from_json(_json(folder / CALIBRATION)),
            cascade=Cascade.load(folder),
            thresholds=SolvedThresholds.from_json((folder / THRESHOLDS).read_text(encoding="utf-8")),
            seen=Seen.load(folder),
            familiarity=FamiliarityModel.load(folder),
            folder=folder,
            plugins=PluginComponents.load(folder, manifest, contract),
        )
        _refuse_misfits(bundle)
        return bundle
    except AdverdictError:
        raise
    except Exception as error:
        # The files are those that were sealed, yet cannot be used: sealed by a broken or a hostile trainer. Each parser here has an
        # exception of its own for that, and none shares a base class short of this one.
        raise UntrustedBundle(f"bundle {folder}, version {version}, cannot be loaded: {error}") from error


def _refuse_misfits(bundle: Bundle) -> None:
    """Raises ValueError when the parts do not belong together; parses those that are otherwise parsed when first needed."""
    manifest, blend, n = bundle.manifest, bundle.blend, len(bundle.policies)
    fits = (
        bundle.contract.hash == manifest.contract_hash
        and blend.components == manifest.components
        and blend.weights.shape == (n, len(blend.components))
        and blend.bias.shape == (n,)
        and bool(np.isfinite(blend.weights).all() and np.isfinite(blend.bias).all())
        and len(bundle.calibration.policies) == n
        and ("ngram" in manifest.components) != ("ridge" in manifest.components)
        and (manifest.encoder is not None) == bool(AFTER_EXIT & {*manifest.components})
        and (bundle.gbm is None or len(bundle.gbm.boosters) == n)
        and (bundle.cascade is None or _fits_cascade(bundle.cascade, n, manifest.components))
    )
    if not fits:
        raise ValueError("its parts do not fit each other")
    _ = bundle.history


def _fits_cascade(cascade: Cascade, n: int, components: Sequence[str]) -> bool:
    blend = cascade.blend
    return (
        set(blend.components) == set(components) - AFTER_EXIT != set(components)
        and blend.weights.shape == (n, len(blend.components))
        and blend.bias.shape == (n,)
        and bool(np.isfinite(blend.weights).all() and np.isfinite(blend.bias).all())
        and len(cascade.calibration.policies) == len(cascade.spreads) == n
    )


def _json(path: Path) -> Any:
    return json.loads(path.read_bytes())
