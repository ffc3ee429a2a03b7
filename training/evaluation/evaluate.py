"""What a finished bundle makes of labelled ads: the same scoring as the service's, beside what raters said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adverdict.domain.errors import InvalidInput, Mistake
from adverdict.domain.progress import Progress
from adverdict.features.history.state import HistoryState
from adverdict.models.blend import ADDED
from adverdict.models.bundle import Bundle
from adverdict.models.calibration import sigmoid
from adverdict.storage.tables.pack import Pack
from adverdict.training.dataset import Dataset, dataset
from adverdict.training.evaluation.metrics import Scored, measure
from adverdict.training.parallel import side_by_side

ROWS = 512
"""Ads scored at a time."""

BLEND_MODEL = "blend"
EARLY_MODEL = "early"
"""What the bundle says of ads that leave before the encoder."""


def evaluate(bundle: Bundle, packs: Sequence[Pack], progress: Progress, bootstrap: int = 1000) -> dict[str, Any]:
    """Every figure of the bundle's models on packs of their own, ``{"models": {MODEL: {"policies": …}}, "served": MODEL, "not_scored":
    [POLICY, …]}``.

    History is the bundle's own and the packs' submissions; the packs' labels stay unknown to it. Raises InvalidInput when the packs label
    no policy the bundle knows.
    """
    data = dataset(packs)
    common = [policy for policy in data.policies if policy in bundle.policies]
    if not common:
        expected = "labels under one of " + ", ".join(bundle.policies)
        raise InvalidInput("nothing to evaluate", [Mistake("policy", ", ".join(data.policies), expected)])
    history = history_with(bundle, packs)
    trained_on = {source.digest for source in bundle.manifest.data}
    seen = [pack.name for pack in packs if pack.digest in trained_on]
    scored = score_dataset(bundle, data.with_policies(common), history, progress)
    return {
        "models": {model: measure(scored, model, bootstrap) for model in scored.p},
        "served": BLEND_MODEL,
        "not_scored": [policy for policy in data.policies if policy not in common],
        "trained_on": seen,
    }


def history_with(bundle: Bundle, packs: Sequence[Pack]) -> HistoryState:
    """The bundle's history and the packs' submissions, as the service would know them; a pack it was trained on is in it already."""
    history = bundle.fresh_history()
    known = {source.digest for source in bundle.manifest.data}
    history.observe_ads(ad for pack in packs if pack.digest not in known for ad in pack.ads)
    return history


def alone(parts: Mapping[str, NDArray[np.float64]], first: str) -> dict[str, NDArray[np.float64]]:
    """Each component's log-odds by itself: what the transformer adds to the first's, with those."""
    return {name: parts[first] + logits if name == ADDED else logits for name, logits in parts.items()}


def score_dataset(bundle: Bundle, data: Dataset, history: HistoryState | None, progress: Progress) -> Scored:
    """The bundle's risks (``blend``, and ``early`` at its early exit: calibrated) and its components' (sigmoid of log-odds) for labelled
    ads, beside the targets.

    Raises InvalidInput for a policy of ``data`` that the bundle cannot score.
    """
    missing = [
        Mistake("policy", policy, "one of " + ", ".join(bundle.policies)) for policy in data.policies if policy not in bundle.policies
    ]
    if missing:
        raise InvalidInput("the model does not know these policies", missing)
    columns = [bundle.policies.index(policy) for policy in data.policies]
    progress.stage("scoring", len(data.ads))

    def some(number: int) -> _Said:
        ads = data.ads[number * ROWS : (number + 1) * ROWS]
        scores = bundle.score(ads, history)
        p = {name: sigmoid(logits[:, columns]) for name, logits in alone(scores.parts, bundle.first).items()}
        p[BLEND_MODEL] = scores.risk[:, columns, 0]
        early = bundle.early_risk(scores, [ad.market for ad in ads])
        return _Said(p if early is None else p | {EARLY_MODEL: early[:, columns, 0]}, [one.p for one in scores.familiarity or ()])

    said = side_by_side(some, -(-len(data.ads) // ROWS))
    progress.advance(len(data.ads))
    return Scored(
        ad_ids=tuple(ad.ad_id for ad in data.ads),
        markets=tuple(ad.market for ad in data.ads),
        groups=data.groups,
        policies=data.policies,
        targets=data.targets,
        p={name: np.concatenate([part.p[name] for part in said]) for name in said[0].p},
        familiarity=None if bundle.familiarity is None else np.array([one for part in said for one in part.familiarity]),
    )


@dataclass(frozen=True)
class _Said:
    """Of some ads: each model's P(violates), and how familiar they are."""

    p: Mapping[str, NDArray[np.float64]]
    familiarity: Sequence[float]
