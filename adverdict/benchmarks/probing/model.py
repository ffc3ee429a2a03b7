"""A platform whose model reads words, trained on a simulated marketplace, and ads of advertisers that it never saw."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression

from adverdict.domain.ad import Ad
from adverdict.domain.identity import number_of
from adverdict.domain.progress import Progress, Silent
from adverdict.features.text.normalise import ad_text
from adverdict.simulation import write_marketplace
from adverdict.storage.tables.pack import iter_ads

LEAKAGE, REJECT_AT = 0.02, 0.8
"""Approvals are as bold as keeps leakage below this on ads of other advertisers; from where on ads are rejected."""
HELD_BACK = 3
"""One advertiser in so many is not learnt from."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Platform:
    """What decides, and the ads it has not seen."""

    vectorizer: HashingVectorizer
    model: LogisticRegression
    approve_below: float
    ads: tuple[Ad, ...]
    """In the order in which they came."""
    violates: NDArray[np.bool_]
    intent: tuple[str, ...]
    risks: Floats

    def risk(self, texts: Sequence[str]) -> Floats:
        return np.asarray(self.model.predict_proba(self.vectorizer.transform(texts))[:, 1], dtype=np.float64)

    def verdict(self, risk: float) -> str:
        return "approve" if risk < self.approve_below else "reject" if risk >= REJECT_AT else "review"

    def weights(self, words: Sequence[str]) -> Floats:
        """What each word by itself adds, in log-odds."""
        return np.asarray(self.vectorizer.transform(words) @ self.model.coef_[0], dtype=np.float64)


def platform(ads: int, seed: int, progress: Progress) -> Platform:
    progress.stage("simulated marketplace", ads)
    with tempfile.TemporaryDirectory(prefix="adverdict-probing-") as work:
        folder = Path(work) / "marketplace"
        write_marketplace(folder, ads, seed, Silent())
        truth = pl.read_parquet(folder / "truth" / "truth.parquet", columns=["ad_id", "violates", "intent"])
        every = [ad for part in iter_ads(folder / "ads.parquet") for ad in part]
    told = truth.group_by("ad_id").agg(pl.col("violates").any(), pl.col("intent").first())
    violates = dict(zip(told["ad_id"], told["violates"], strict=True))
    intent = dict(zip(told["ad_id"], told["intent"], strict=True))
    progress.advance(len(every))
    vectorizer = HashingVectorizer(n_features=2**18, ngram_range=(1, 2), alternate_sign=False, lowercase=False, token_pattern=r"(?u)\S+")
    learnt = [ad for ad in every if number_of(ad.advertiser_id) % HELD_BACK]
    others = [ad for ad in every if not number_of(ad.advertiser_id) % HELD_BACK]
    model = LogisticRegression(C=20.0, max_iter=300)
    model.fit(vectorizer.transform([text_of(ad) for ad in learnt]), [violates[ad.ad_id] for ad in learnt])
    truths = np.array([violates[ad.ad_id] for ad in others])
    risks = np.asarray(model.predict_proba(vectorizer.transform([text_of(ad) for ad in others]))[:, 1], dtype=np.float64)
    below = _boldest(risks, truths)
    return Platform(vectorizer, model, below, tuple(others), truths, tuple(str(intent[ad.ad_id]) for ad in others), risks)


def text_of(ad: Ad) -> str:
    return ad_text(ad).text


def _boldest(risks: Floats, truths: NDArray[np.bool_]) -> float:
    order = np.argsort(risks)
    leakage = np.cumsum(truths[order]) / np.arange(1, len(order) + 1)
    kept = np.flatnonzero(leakage <= LEAKAGE)
    return float(risks[order][kept[-1]]) if len(kept) else 0.0
