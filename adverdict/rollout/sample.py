"""Plan a sample of ads to label: how many it takes to certify each policy's thresholds, and which ads, drawn by chance.

model -> packs -> leave out whoever it was trained on -> score -> certification.samples.plan -> tasks in the queue, or a list of ads
"""

from __future__ import annotations

import csv
import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from adverdict.certification.samples.plan import SamplePlan, plan_sample
from adverdict.certification.thresholds.capacity import Priced, review_price
from adverdict.certification.thresholds.strata import questions
from adverdict.decisions.files.read import read_policies
from adverdict.domain.ad import Ad
from adverdict.domain.errors import InvalidInput, Mistake
from adverdict.domain.progress import Progress
from adverdict.domain.settings import Settings
from adverdict.domain.spreadsheet import inert
from adverdict.ledger.store import Ledger
from adverdict.models.opening import find_model
from adverdict.review.samples import OpenedSample, SampledAd, open_sample
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.review.tasks.tasks import Draw
from adverdict.rollout.designs import sample_design
from adverdict.rollout.labelled import score_fresh
from adverdict.storage.tables.pack import read_pack
from adverdict.storage.tables.reading import Source
from adverdict.storage.whole import replacing_text

COLUMNS = ("order", "ad_id", "advertiser_id", "market", "policy", "part", "design", "inclusion_probability")
"""Of the list. No risk: a rater who sees one agrees with it. ``design`` and ``inclusion_probability`` go into the labels as they are."""
MOST = 2_000


@dataclass(frozen=True)
class SampleJob:
    """``ads``: of the random part, exactly; None: as many as the neediest policy takes, at most ``most``. ``by_views``: draw ads in
    proportion to the impressions expected, to bound shares of views at the thresholds that other labels certify."""

    data: Sequence[Path | Source]
    settings: Settings
    """Which model, which policies."""
    ads: int | None = None
    most: int = MOST
    by_views: bool = False
    capacity: float | None = None
    """Reviews a day, of as many ads a day as the data has; None: as in ``certify``."""
    seed: int = 0


@dataclass(frozen=True)
class PlannedSample:
    """A plan with the ads it is about."""

    name: str
    """Eight hexadecimal digits: the same model, policies, data and seed plan the same sample."""
    plan: SamplePlan
    priced: Priced
    ads: Sequence[Ad]
    by_views: bool = False


def plan_labels(job: SampleJob, progress: Progress) -> PlannedSample:
    """Run the job. Raises InvalidInput (no ads of advertisers the model has not seen), InvalidPolicy, NotFound or Unavailable."""
    book = read_policies(job.settings.policies)
    bundle = find_model(job.settings.model, job.settings).load()
    packs = [read_pack(folder) for folder in job.data]
    fresh = [ad for pack in packs for ad in pack.ads if not bundle.seen.knows(ad)]
    if not fresh:
        everybody = sum(len(pack.ads) for pack in packs)
        expected = "ads of advertisers whose labels the model was not made with"
        raise InvalidInput("nothing to draw from", [Mistake("ads", f"{everybody}, all of advertisers the model has seen", expected)])
    views = _views(fresh) if job.by_views else None
    scored, _ = score_fresh(bundle, fresh, packs, {policy: {} for policy in bundle.policies}, {}, progress)
    progress.stage("drawing", 1)
    asked = questions(scored, book)
    priced = review_price(scored, book, asked, job.capacity)
    rng = np.random.default_rng([job.seed, 5])
    plan = plan_sample(scored, asked, priced.price, rng, most=job.most, ads=job.ads, views=views)
    progress.advance()
    told = [bundle.version, book.hash, *(pack.digest for pack in packs), str(job.seed), str(plan.random), str(job.by_views)]
    return PlannedSample(hashlib.sha256("\n".join(told).encode()).hexdigest()[:8], plan, priced, fresh, job.by_views)


def write_list(path: Path, sample: PlannedSample) -> int:
    """The ads to label as CSV, whole or not at all; how many rows."""
    with replacing_text(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for order, one in enumerate(sample.plan.to_label, start=1):
            ad = sample.ads[one.row]
            design = sample_design(sample.name, sample.plan.random, one.part, by_views=sample.by_views)
            row = (order, inert(ad.ad_id), inert(ad.advertiser_id), ad.market, one.policy, one.part, design, f"{one.inclusion:.6g}")
            writer.writerow(row)
    return len(sample.plan.to_label)


def open_in_queue(ledger: Ledger, sample: PlannedSample, settings: ReviewSettings, now: datetime) -> OpenedSample:
    """A task of kind ``sample`` for every ad to label. Raises as ``open_sample`` does."""
    draws: defaultdict[int, dict[str, Draw]] = defaultdict(dict)
    for one in sample.plan.to_label:
        design = sample_design(sample.name, sample.plan.random, one.part, by_views=sample.by_views)
        draws[one.row][one.policy] = Draw(design, one.inclusion)
    return open_sample(ledger, sample.name, [SampledAd(sample.ads[row], asked) for row, asked in draws.items()], settings, now)


def figures(sample: PlannedSample) -> dict[str, object]:
    """For machines."""
    needs = [asdict(need) for need in sample.plan.needs]
    rows = len(sample.plan.to_label)
    stored: dict[str, object] = {
        "sample": sample.name,
        "random": sample.plan.random,
        "ads": sample.plan.ads,
        "labels": rows,
        "price": sample.priced.price,
    }
    return {**stored, "policies": needs}


def _views(ads: Sequence[Ad]) -> np.ndarray:
    missing = sum(ad.impressions is None for ad in ads)
    if missing:
        expected = "impressions expected of every ad, as a draw by views is in proportion to them"
        raise InvalidInput("a draw by views cannot be made", [Mistake("impressions", f"missing for {missing:,} ads", expected)])
    return np.array([ad.impressions for ad in ads], dtype=np.float64)
