"""A bag of n-grams learns something of each policy and solves none; what the ads really say would solve them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score

from adverdict.simulation import write_marketplace
from tests.simulation.conftest import rows

pytestmark = pytest.mark.slow

POLICIES = ("deceptive", "gambling", "phishing")
FIELDS = ("title", "body", "call_to_action", "creative_ocr_text")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[float, float, float]]:
    """By policy: base rate, the n-gram model's AP on the truth of the last 30 % of 6,000 ads, and that of a reader of stances."""
    folder: Path = tmp_path_factory.mktemp("hard")
    write_marketplace(folder, 6000, 7)
    ads, truth = rows(folder / "ads.parquet"), rows(folder / "truth" / "truth.parquet")
    texts = ["\n".join(ad[field] or "" for field in FIELDS) for ad in ads]
    words, letters = TfidfVectorizer(ngram_range=(1, 2), min_df=2), TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 4), min_df=4)
    table = hstack([words.fit_transform(texts), letters.fit_transform(texts)]).tocsr()
    cut = int(0.7 * len(ads))
    return {policy: _measure(table, [row for row in truth if row["policy"] == policy], policy, cut) for policy in POLICIES}


def _measure(table, truth, policy: str, cut: int) -> tuple[float, float, float]:  # type: ignore[no-untyped-def]
    violates = np.array([row["violates"] for row in truth])
    reading = np.array([(row["subject"] == policy) * ["denied", "unclear", "offered"].index(row["stance"] or "denied") for row in truth])
    model = LogisticRegression(C=4, solver="liblinear", random_state=0).fit(table[:cut], violates[:cut])
    guess = model.decision_function(table[cut:])
    later = violates[cut:]
    return float(later.mean()), float(average_precision_score(later, guess)), float(average_precision_score(later, reading[cut:]))


@pytest.mark.parametrize("policy", POLICIES)
def test_n_grams_do_not_solve_it(measured: dict[str, tuple[float, float, float]], policy: str) -> None:
    base_rate, ngrams, _ = measured[policy]
    assert 3 * base_rate < ngrams < 0.8


@pytest.mark.parametrize("policy", POLICIES)
def test_understanding_the_text_would_gain_much(measured: dict[str, tuple[float, float, float]], policy: str) -> None:
    _, ngrams, reading = measured[policy]
    assert reading > ngrams + 0.05
