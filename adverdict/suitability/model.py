"""A model of tiers: one ridge on hashed n-grams and a few facts, a score for each tier of each category."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError
from scipy import sparse

from adverdict.decisions.suitability import Graded
from adverdict.domain.ad import Ad
from adverdict.domain.errors import ContractMismatch, NotFound, UntrustedBundle
from adverdict.domain.identity import surface_key
from adverdict.domain.suitability import TIERS
from adverdict.features.text.ngrams import N_COLUMNS, SETTINGS, NgramRows, ngram_rows, ngram_text
from adverdict.features.text.normalise import ad_text
from adverdict.storage.whole import write_whole
from adverdict.suitability.certifying import TierCertificate

WEIGHTS, MANIFEST = "weights.safetensors", "suitability.json"
CONTRACT = hashlib.sha256(json.dumps(SETTINGS, sort_keys=True).encode()).hexdigest()
FEWEST = 3
"""Labelled ads that must have an n-gram for it to be read."""
STRENGTH = 1.0
"""Of the ridge's penalty, rows having length 1."""


class Manifest(BaseModel):
    """What the folder says of itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = 1
    contract: str
    categories: tuple[str, ...]
    weights: str
    """sha256 of the weights' file."""
    ads: int
    """Labelled ads it learnt from."""
    certificate: TierCertificate | None


@dataclass(frozen=True)
class TierModel:
    """``columns`` int64 (k,), ascending: those of ``rows_of`` that are read. ``weights`` float32 (k, categories x tiers), ``bias`` the same
    without the first axis."""

    categories: tuple[str, ...]
    columns: NDArray[np.int64]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    ads: int
    certificate: TierCertificate | None = None

    @cached_property
    def version(self) -> str:
        return hashlib.sha256(self.weights.tobytes() + self.columns.tobytes()).hexdigest()[:16]

    def scores(self, ads: Sequence[Ad]) -> NDArray[np.float64]:
        """``(n_ads, n_categories, 4)``: how much each tier of each category is like each ad; no probability."""
        values, columns, starts = _scaled(ads)
        at = np.minimum(np.searchsorted(self.columns, columns), len(self.columns) - 1)
        known = self.columns[at] == columns
        ad = np.repeat(np.arange(len(ads)), np.diff(starts))[known]
        found = np.tile(self.bias.astype(np.float64), (len(ads), 1))
        np.add.at(found, ad, self.weights[at[known]] * values[known, None])
        return found.reshape(len(ads), len(self.categories), len(TIERS))

    def grade(self, ads: Sequence[Ad]) -> list[Graded]:
        """One an ad, in order."""
        if not ads:
            return []
        scores, version = self.scores(ads), self.version
        best, sureness = scores.argmax(axis=2), sureness_of(scores)
        certificate = self.certificate
        return [
            Graded(
                {category: TIERS[tier] for category, tier in zip(self.categories, row, strict=True)},
                certificate is not None and sure >= certificate.sureness,
                version,
                certificate.certificate_id if certificate else None,
            )
            for row, sure in zip(best.tolist(), sureness.tolist(), strict=True)
        ]

    def save(self, folder: Path) -> None:
        from safetensors.numpy import save

        weights = save({"columns": self.columns, "weights": self.weights, "bias": self.bias})
        digest = hashlib.sha256(weights).hexdigest()
        told = Manifest(contract=CONTRACT, categories=self.categories, weights=digest, ads=self.ads, certificate=self.certificate)
        write_whole(folder / WEIGHTS, weights)
        write_whole(folder / MANIFEST, told.model_dump_json(indent=1) + "\n")

    @classmethod
    def load(cls, folder: Path) -> TierModel:
        """Raises NotFound, UntrustedBundle, ContractMismatch."""
        from safetensors.numpy import load

        if not (folder / MANIFEST).is_file():
            raise NotFound(f"no model of tiers in {folder}")
        try:
            told = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
            weights = (folder / WEIGHTS).read_bytes()
        except (ValidationError, OSError) as error:
            raise UntrustedBundle(f"the model of tiers in {folder} cannot be read: {type(error).__name__}") from error
        if hashlib.sha256(weights).hexdigest() != told.weights:
            raise UntrustedBundle(f"{folder / WEIGHTS} is not the file that {MANIFEST} promises")
        if told.contract != CONTRACT:
            raise ContractMismatch(f"the model of tiers in {folder} reads other n-grams than this installation: train it anew")
        found = load(weights)
        return cls(told.categories, found["columns"], found["weights"], found["bias"], told.ads, told.certificate)


def fit(ads: Sequence[Ad], tiers: NDArray[np.int64], categories: Sequence[str]) -> TierModel:
    """``tiers`` int64 (n_ads, n_categories): ranks of tiers, -1 where nobody said one. Ads without any are left out by the caller."""
    from sklearn.linear_model import Ridge

    rows = rows_of(ads)
    columns = np.flatnonzero(np.diff(rows.tocsc().indptr) >= FEWEST).astype(np.int64)
    rows = rows[:, columns]
    weights = np.zeros((len(columns), len(categories) * len(TIERS)), dtype=np.float32)
    bias = np.zeros(weights.shape[1], dtype=np.float32)
    for number in range(len(categories)):
        known = tiers[:, number] >= 0
        wanted = np.eye(len(TIERS))[tiers[known, number]]
        ridge = Ridge(alpha=STRENGTH, solver="sparse_cg", tol=1e-4).fit(rows[known], wanted)
        part = slice(number * len(TIERS), (number + 1) * len(TIERS))
        weights[:, part], bias[part] = ridge.coef_.T, ridge.intercept_
    return TierModel(tuple(categories), columns, weights, bias, len(ads))


def certified(model: TierModel, certificate: TierCertificate | None) -> TierModel:
    return replace(model, certificate=certificate)


def worst_of(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """int64 (n_ads,): rank of the most sensitive tier over all categories."""
    return np.asarray(scores.argmax(axis=2).max(axis=1), dtype=np.int64)


def sureness_of(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """float64 (n_ads,): by how much the best tier beats the next, in the category where that is least."""
    two = np.sort(scores, axis=2)[:, :, -2:]
    return np.asarray((two[:, :, 1] - two[:, :, 0]).min(axis=1))


def rows_of(ads: Sequence[Ad]) -> sparse.csr_matrix:
    """N-grams of the ads, and facts that tiers hang on: where it is shown, whether its advertiser is verified. Rows of length 1."""
    values, columns, starts = _scaled(ads)
    return sparse.csr_matrix((values, columns, starts), shape=(len(ads), N_COLUMNS))


def _scaled(ads: Sequence[Ad]) -> NgramRows:
    """The same as plain arrays: making a matrix of one row costs more than reading it."""
    texts = [ngram_text(ad, ad_text(ad)) for ad in ads]
    rows = ngram_rows([text._replace(facts=f"{text.facts} {_facts(ad)}") for ad, text in zip(ads, texts, strict=True)])
    ad = np.repeat(np.arange(len(ads)), np.diff(rows.starts))
    length = np.sqrt(np.bincount(ad, weights=rows.values**2, minlength=len(ads)))
    return rows._replace(values=rows.values / np.maximum(length, 1e-12)[ad])


def _facts(ad: Ad) -> str:
    verified = {True: "yes", False: "no", None: "unknown"}[ad.advertiser_verified]
    return f"verified={verified} shown={ad.market} shown={ad.market},{verified} beside={surface_key(ad.surface) or 'any'}"
