"""Labels to a model of tiers with its certificate."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adverdict.decisions.suitability import BY_SEVERITY, PREFIX, SuitabilityRules
from adverdict.domain.ad import Ad, Label
from adverdict.domain.errors import InvalidInput, Mistake
from adverdict.domain.identity import number_of
from adverdict.domain.suitability import Tier
from adverdict.suitability.certifying import Shown, certify, numbered
from adverdict.suitability.model import TierModel, certified, fit, sureness_of, worst_of

PARTS = 3
"""Of the advertisers one part certifies; the others are learnt from."""
FEWEST = 100
"""Labelled ads without which nothing is learnt."""


@dataclass(frozen=True)
class Tiered:
    """Ads whose tiers are known. ``tiers`` int64 (n_ads, n_categories), -1 where nobody said one."""

    ads: Sequence[Ad]
    tiers: NDArray[np.int64]

    def of(self, which: NDArray[np.bool_]) -> Tiered:
        return Tiered([ad for ad, keep in zip(self.ads, which.tolist(), strict=True) if keep], self.tiers[which])


def tiered(ads: Iterable[Ad], labels: Iterable[Label], categories: Sequence[str]) -> Tiered:
    """Of each ad and category the tier that most labels say, the more sensitive of two with as many; ads without any are left out.

    A label that says *violated* without a severity says no tier.
    """
    votes: dict[tuple[str, str], list[int]] = defaultdict(list)
    for label in labels:
        tier = Tier.LOW if not label.violates else BY_SEVERITY.get(label.severity or "")
        if label.policy.startswith(PREFIX) and tier is not None:
            votes[label.ad_id, label.policy.removeprefix(PREFIX)].append(tier.rank)
    kept, rows = [], []
    for ad in ads:
        row = [_most_said(votes.get((ad.ad_id, category), [])) for category in categories]
        if max(row) >= 0:
            kept.append(ad)
            rows.append(row)
    return Tiered(kept, np.array(rows, dtype=np.int64).reshape(len(rows), len(categories)))


def said_in_review(ad: Ad, tier: str, reviewer: str, at: datetime, categories: Sequence[str]) -> list[Label]:
    """A reviewer's answer as labels of tiers: ``low`` says it of every category, ``gambling:high`` of that one only."""
    category, _, told = tier.rpartition(":")
    severity: Any = next((name for name, one in BY_SEVERITY.items() if one.value == told), None)
    about = categories if tier == Tier.LOW else [category]
    return [
        Label(
            ad_id=ad.ad_id,
            policy=PREFIX + one,
            violates=severity is not None,
            severity=severity,
            rater_id=reviewer,
            labelled_at=at,
            source="review",
        )
        for one in about
        if one in categories
    ]


def learn(known: Tiered, rules: SuitabilityRules) -> TierModel:
    """A model of two thirds of the advertisers, certified on the others, of whose ads those count that every category has a label of.

    Raises InvalidInput where there are too few labels.
    """
    categories = tuple(rules.categories)
    if len(known.ads) < FEWEST:
        expected = f"at least {FEWEST} ads with labels under {', '.join(PREFIX + one for one in categories[:3])}…"
        raise InvalidInput("tiers cannot be learnt:", [Mistake("labels", len(known.ads), expected)])
    held = np.array([number_of(ad.advertiser_id) % PARTS == 0 for ad in known.ads])
    model = fit(known.of(~held).ads, known.tiers[~held], categories)
    return certified(model, certify(shown(model, known.of(held)), rules.max_wrong, rules.confidence))


def shown(model: TierModel, known: Tiered) -> Shown:
    """Ads with a label of every category, as the model grades them."""
    whole = known.of(np.asarray((known.tiers >= 0).all(axis=1), dtype=np.bool_)) if len(known.ads) else known
    if not whole.ads:
        return Shown(np.zeros(0), np.zeros(0, dtype=np.bool_), np.zeros(0, dtype=np.int64))
    scores = model.scores(whole.ads)
    wrong = worst_of(scores) != whole.tiers.max(axis=1)
    return Shown(sureness_of(scores), wrong, numbered([ad.advertiser_id for ad in whole.ads]))


def _most_said(ranks: Sequence[int]) -> int:
    return max(set(ranks), key=lambda rank: (ranks.count(rank), rank)) if ranks else -1
