"""The ads on which a model is furthest from what raters said: where to look first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from adverdict.training.evaluation.metrics import VIOLATES_FROM, Scored

MOST = 5


@dataclass(frozen=True)
class WorstError:
    """One ad that was held back. ``said``: share of its raters for whom it violates; ``risk``: the model's."""

    kind: Literal["missed", "wrongly stopped"]
    ad_id: str
    market: str
    said: float
    risk: float


def worst_errors(scored: Scored, model: str, policy: str, most: int = MOST) -> Sequence[WorstError]:
    """Violating ads of the lowest risk, then other ads of the highest, at most so many of each; one of an advertiser, for one who sends a
    hundred alike would fill the list."""
    column = scored.policies.index(policy)
    said, risk = scored.targets[:, column], scored.p[model][:, column]
    violates = said >= VIOLATES_FROM
    found = []
    kinds: tuple[tuple[Literal["missed", "wrongly stopped"], int], ...] = (("missed", 1), ("wrongly stopped", -1))
    for kind, sign in kinds:
        rows = np.flatnonzero(~np.isnan(said) & (violates if sign == 1 else ~violates))
        seen: set[str] = set()
        for row in rows[np.argsort(sign * risk[rows], kind="stable")].tolist():
            if scored.groups[row] in seen:
                continue
            seen.add(scored.groups[row])
            found.append(WorstError(kind, scored.ad_ids[row], scored.markets[row], float(said[row]), float(risk[row])))
            if len(seen) == most:
                break
    return found
