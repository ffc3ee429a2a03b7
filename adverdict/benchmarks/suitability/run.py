"""Whether told tiers are right as often as their certificate says, and what the rule on branded content finds. All of it simulated."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adverdict.benchmarks.suitability.branded import posts
from adverdict.certification.statistics.intervals import by_group, clopper_pearson
from adverdict.decisions.disclosure.rule import SOME, signs
from adverdict.decisions.suitability import SuitabilityRules
from adverdict.domain.identity import number_of
from adverdict.domain.progress import SILENT, Progress
from adverdict.domain.suitability import TIERS
from adverdict.storage.tables.pack import iter_ads
from adverdict.suitability.learning import Tiered, learn, shown
from adverdict.suitability.model import TierModel

CATEGORIES = ("adult", "gambling", "weapons", "deceptive")
SHARD = 2000
STRANGERS = 4
"""One advertiser in so many is neither learnt from nor certified by."""
TIMED = 500


@dataclass(frozen=True)
class SuitabilityBenchmark:
    """What is asked for."""

    quick: bool = False
    seed: int = 0

    @property
    def ads(self) -> int:
        return 16_000 if self.quick else 40_000

    @property
    def posts(self) -> int:
        """A language, of each kind."""
        return 60 if self.quick else 120


def run(asked: SuitabilityBenchmark, progress: Progress = SILENT) -> dict[str, Any]:
    progress.stage("simulating, learning and certifying tiers", 3)
    known = simulated(asked.ads, asked.seed)
    progress.advance()
    mine = np.array([number_of(ad.advertiser_id) % STRANGERS for ad in known.ads])
    rules = SuitabilityRules(categories={name: name for name in CATEGORIES})
    model = learn(known.of(mine != 0), rules)
    progress.advance()
    figures = {"simulated": True, "seed": asked.seed, **_tiers(model, known.of(mine == 0), rules), **_disclosure(asked)}
    progress.advance()
    return figures


def simulated(ads: int, seed: int) -> Tiered:
    """A simulated marketplace with its true tiers: the floor is what violates; offered within the rules is high, left open medium."""
    import polars as pl

    from adverdict.simulation import write_marketplace

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "marketplace"
        write_marketplace(folder, ads, seed)
        made = [ad for some in iter_ads(folder, SHARD) for ad in some]
        truth = pl.read_parquet(folder / "truth" / "truth.parquet").filter(pl.col("policy").is_in(CATEGORIES))
        rows = truth.select("ad_id", "policy", "violates", "subject", "stance").iter_rows()
        ranks = {(ad, policy): _rank(violates, subject == policy, stance) for ad, policy, violates, subject, stance in rows}
    return Tiered(made, np.array([[ranks[ad.ad_id, policy] for policy in CATEGORIES] for ad in made], dtype=np.int64))


def _rank(violates: bool, about_it: bool, stance: str | None) -> int:
    if violates:
        return 3
    return {"offered": 2, "unclear": 1}.get(stance or "", 0) if about_it else 0


def _tiers(model: TierModel, strangers: Tiered, rules: SuitabilityRules) -> dict[str, Any]:
    found, certificate = shown(model, strangers), model.certificate
    told = found.sureness >= certificate.sureness if certificate else np.zeros(len(found.sureness), dtype=np.bool_)
    wrong = found.wrong[told]
    interval = by_group(wrong, found.advertiser[told]) if told.any() else None
    began = process_time()
    for ad in strangers.ads[:TIMED]:
        model.grade([ad])
    cost = (process_time() - began) / max(1, min(TIMED, len(strangers.ads))) * 1e6
    return {
        "tier_wrong": float(wrong.mean()) if told.any() else None,
        "tier_wrong_interval": interval,
        "tier_limit": rules.max_wrong,
        "tier_told": float(told.mean()),
        "tier_wrong_untold": float(found.wrong.mean()),
        "strangers": len(strangers.ads),
        "strangers_advertisers": len(set(found.advertiser.tolist())),
        "learnt_from": model.ads,
        "certificate": certificate.model_dump() if certificate else None,
        "true_tiers": {tier.value: int((strangers.tiers.max(axis=1) == tier.rank).sum()) for tier in TIERS},
        "us_per_ad": cost,
    }


def _disclosure(asked: SuitabilityBenchmark) -> dict[str, Any]:
    made = posts(asked.posts, asked.seed)
    said = np.array([signs(post.ad).risk >= SOME for post in made])
    truth = np.array([post.undisclosed for post in made])
    by_kind = Counter(post.kind for post in made)
    raised = Counter(post.kind for post, yes in zip(made, said.tolist(), strict=True) if yes)
    return {
        **_share("disclosure_precision", truth[said]),
        **_share("disclosure_recall", said[truth]),
        "hard_negatives": int((~truth).sum()),
        "branded": int(truth.sum()),
        "disclosure_by_kind": {kind: {"posts": count, "raised": raised[kind]} for kind, count in sorted(by_kind.items())},
        "disclosure_recall_by_language": _by_language([post.language for post in made], said, truth),
    }


def _share(name: str, of: NDArray[np.bool_]) -> dict[str, Any]:
    low, high = clopper_pearson(float(of.sum()), float(len(of)))
    return {name: float(of.mean()) if len(of) else None, f"{name}_interval": [low, high]}


def _by_language(languages: Sequence[str], said: NDArray[np.bool_], truth: NDArray[np.bool_]) -> dict[str, float]:
    of = np.array(languages)
    return {name: float(said[truth & (of == name)].mean()) for name in sorted(set(languages))}
