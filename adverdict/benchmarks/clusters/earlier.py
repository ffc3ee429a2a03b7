"""What it adds to know what people said of near copies by other advertisers before an ad was submitted: nested, paired by advertiser.

outer folds by advertiser -> words alone, fitted on the training part -> a second stage on inner out-of-fold log-odds, with and without what
was said of copies -> the held-out part. Both arms have the same words, folds and second stage, so they differ by the fact alone. Labels of
held-out ads count as what was said before, strictly in order of time, as they would online; they are never trained on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adverdict.clusters.earlier import earlier_said
from adverdict.clusters.fingerprints import fingerprints
from adverdict.domain.ad import Ad, Label
from adverdict.domain.progress import Progress
from adverdict.domain.votes import last_words
from adverdict.simulation.copies import campaigns, copies
from adverdict.storage.tables.pack import read_pack
from adverdict.training.evaluation.resampling import draw, ranking, weighted_mean

OUTER, INNER = 5, 3
RESAMPLES = 1000
PENALTY = 0.5
"""Of the ridge; a text's product with itself is 2."""
SIMULATED_ADS = 4_000
READ = 0.3
"""Share of simulated ads that people read, a day after they were submitted."""
RIGHT, WRONG = 0.97, 0.01
"""How often simulated readers reject a violating ad, and another."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Table:
    """One policy's labelled ads, in the order of time."""

    ads: list[Ad]
    y: NDArray[np.bool_]
    said: Floats
    """``(n, 2)``: copies by others of which people had said that they do not violate, and that they do."""
    seconds: float
    """Of the processor, that counting took."""

    @property
    def facts(self) -> Floats:
        """``(n, 2)``: log-odds of a violation among what was said, shrunk, and whether anything was."""
        innocent, violating = self.said.T
        return np.column_stack([np.log((violating + 0.5) / (innocent + 0.5)), (innocent + violating) > 0])


def run(data: Path | None, policy: str | None, seed: int, progress: Progress) -> dict[str, Any]:
    """``data`` None: simulated copies. ``policy`` None: the one with most labels."""
    progress.stage("counting what was said before", 1)
    table, name = _simulated(seed) if data is None else _of_pack(data, policy)
    progress.advance()
    plain, knowing = _nested(table, seed, progress)
    near = table.said.sum(axis=1) > 0
    figures = {
        "data": "simulated copies" if data is None else data.name,
        "policy": name,
        "ads": len(table.ads),
        "violating": int(table.y.sum()),
        "advertisers": len({ad.advertiser_id for ad in table.ads}),
        "with_copies_spoken_of": int(near.sum()),
        "microseconds_an_ad": 1e6 * table.seconds / len(table.ads),
        **_paired(table, plain, knowing, np.ones(len(table.ads), dtype=np.bool_), seed),
    }
    if 0 < table.y[near].sum() < near.sum():
        figures["among_those"] = _paired(table, plain, knowing, near, seed)
    return figures


def _simulated(seed: int) -> tuple[_Table, str]:
    random, began = np.random.default_rng(seed), datetime(2026, 1, 1, tzinfo=UTC)
    ads, labels, truth = list[Ad](), list[Label](), list[bool]()
    for block in copies(campaigns(seed, SIMULATED_ADS, alone=0.2)):
        for one in block:
            ad = Ad(
                ad_id=f"ad-{len(ads)}",
                advertiser_id=f"adv-{one.campaign}-{one.advertiser}",
                market="SE",
                submitted_at=began + timedelta(seconds=one.at),
                title=one.title,
                body=one.body,
                call_to_action=one.call,
                landing_domain=one.domain,
                creative_phash=one.picture,
            )
            ads.append(ad)
            truth.append(one.violates)
            if random.random() < READ:
                said = bool(random.random() < (RIGHT if one.violates else WRONG))
                labels.append(_label(ad, "violates", said, ad.submitted_at + timedelta(days=1)))
    return _table(ads, np.array(truth), labels, "violates"), "violates"


def _label(ad: Ad, policy: str, violates: bool, at: datetime) -> Label:
    return Label(ad_id=ad.ad_id, policy=policy, violates=violates, labelled_at=at, rater_id="reader")


def _of_pack(folder: Path, policy: str | None) -> tuple[_Table, str]:
    pack = read_pack(folder)
    labels = list(last_words(pack.labels))
    names = [label.policy for label in labels]
    name = policy or max(sorted(set(names)), key=names.count)
    votes: dict[str, list[bool]] = {}
    for label in labels:
        if label.policy == name:
            votes.setdefault(label.ad_id, []).append(label.violates)
    ads = sorted((ad for ad in pack.ads if ad.ad_id in votes), key=lambda ad: ad.submitted_at)
    truth = np.array([2 * sum(votes[ad.ad_id]) >= len(votes[ad.ad_id]) for ad in ads])
    return _table(ads, truth, labels, name), name


def _table(ads: list[Ad], truth: NDArray[np.bool_], labels: Sequence[Label], policy: str) -> _Table:
    fingerprints(ads[:1])  # what is made once a process is no part of what an ad takes
    began = process_time()
    said = earlier_said(ads, labels, [policy])[:, 0].astype(np.float64)
    return _Table(ads, truth, said, process_time() - began)


def _nested(table: _Table, seed: int, progress: Progress) -> tuple[Floats, Floats]:
    """Held-out log-odds of both arms."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold

    alike, groups = _alike(table.ads), np.unique([ad.advertiser_id for ad in table.ads], return_inverse=True)[1]
    plain, knowing = np.empty(len(table.ads)), np.empty(len(table.ads))
    progress.stage("fitting", OUTER)
    for train, test in StratifiedGroupKFold(OUTER, shuffle=True, random_state=seed).split(alike, table.y, groups):
        inner = np.empty(train.size)
        folds = StratifiedGroupKFold(INNER, shuffle=True, random_state=seed).split(train, table.y[train], groups[train])
        for fit, held in folds:
            inner[held] = _ridge(alike, table.y, train[fit], train[held])
        outer = _ridge(alike, table.y, train, test)
        facts = table.facts
        for arm, found in ((np.empty((len(table.ads), 0)), plain), (facts, knowing)):
            second = LogisticRegression(C=10.0, max_iter=500).fit(np.column_stack([inner, arm[train]]), table.y[train])
            found[test] = second.decision_function(np.column_stack([outer, arm[test]]))
        progress.advance()
    return plain, knowing


def _alike(ads: Sequence[Ad]) -> Floats:
    """``(n, n)``: products of texts by words and their pairs, and by runs of letters; hashed, so that no fold knows another's."""
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import HashingVectorizer

    texts = ["\n".join(part for part in (ad.title, ad.body, ad.call_to_action) if part)[:2000] for ad in ads]
    words = HashingVectorizer(n_features=1 << 18, alternate_sign=False, ngram_range=(1, 2)).transform(texts)
    letters = HashingVectorizer(n_features=1 << 18, alternate_sign=False, analyzer="char_wb", ngram_range=(3, 5)).transform(texts)
    both = hstack([words, letters]).tocsr()
    return np.asarray((both @ both.T).todense(), dtype=np.float64)


def _ridge(alike: Floats, y: NDArray[np.bool_], fit: NDArray[np.int64], held: NDArray[np.int64]) -> Floats:
    """Scores of the held-out ads by a ridge on the words of the others, as bundles have one; in its dual form, since ads are few."""
    target = np.where(y[fit], 1.0, -1.0)
    mean = float(target.mean())
    kernel = alike[np.ix_(fit, fit)] + PENALTY * np.eye(fit.size)
    weights = np.linalg.solve(kernel, target - mean)
    return np.asarray(alike[np.ix_(held, fit)] @ weights + mean)


def _paired(table: _Table, plain: Floats, knowing: Floats, rows: NDArray[np.bool_], seed: int) -> dict[str, Any]:
    """Average precision and log loss of both arms and their differences, with 95 % intervals over advertisers."""
    clusters = np.unique([ad.advertiser_id for ad, chosen in zip(table.ads, rows, strict=True) if chosen], return_inverse=True)[1]
    y, counts = table.y[rows], draw(int(clusters.max()) + 1, RESAMPLES, seed)
    both = np.hstack([np.ones((counts.shape[0], 1)), counts])
    ap: dict[str, Floats] = {}
    loss: dict[str, Floats] = {}
    for name, scores in (("plain", plain[rows]), ("knowing", knowing[rows])):
        ap[name] = ranking(y, scores, clusters, both)[0]
        loss[name] = weighted_mean(np.logaddexp(0.0, np.where(y, -scores, scores)), clusters, both)
    return {"ap": _difference(ap), "log_loss": _difference(loss)}


def _difference(of: dict[str, Floats]) -> dict[str, Any]:
    above = of["knowing"] - of["plain"]
    return {
        "plain": float(of["plain"][0]),
        "knowing": float(of["knowing"][0]),
        "difference": float(above[0]),
        "interval": [float(end) for end in np.nanquantile(above[1:], [0.025, 0.975])],
    }
