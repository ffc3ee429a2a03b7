"""Learns what a model has seen, and how strange honest ads of advertisers it has not seen are to it.

An ad is compared with what *other* advertisers wrote, as a new one's will be: an n-gram of its own advertiser is known if a second one
wrote it. So no ad is held back for it, and none is measured by itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from adverdict.domain.identity import surface_key
from adverdict.features.text.traits import GRAM_BITS, Traits
from adverdict.models.familiarity.familiarity import FamiliarityModel, Group
from adverdict.models.familiarity.strangeness import Known
from adverdict.training.dataset import Dataset
from adverdict.training.evaluation.metrics import VIOLATES_FROM

LEAST = 1000
"""Ads of a group of its own: its strangest hundredth are ten."""
MOST = 20_000
"""Values kept of a group: more do not change which share lies above."""


def fit_familiarity(data: Dataset, traits: Sequence[Traits]) -> FamiliarityModel | None:
    """``traits`` of the ads of ``data``, row by row. None without an ad that nobody found violating."""
    honest = np.flatnonzero(~(np.nan_to_num(data.targets, nan=0.0) >= VIOLATES_FROM).any(axis=1))
    if not honest.size:
        return None
    groups = np.unique(np.array(data.groups), return_inverse=True)[1]
    grams = _advertisers_of_grams(groups, traits)
    languages = _advertisers(groups, [ad.language for ad in traits])
    scripts = _advertisers(groups, [ad.script for ad in traits])
    to_new, to_own = (_known_from(least, grams, languages, scripts) for least in (1, 2))
    strange = np.array([to_own.strangeness(traits[row]) for row in honest.tolist()], dtype=np.float32)
    names = [(traits[row].language, surface_key(data.ads[row].surface)) for row in honest.tolist()]
    return FamiliarityModel(to_new, {name: _thinned(strange[rows]) for name, rows in _groups(names).items()})


def _known_from(least: int, grams: NDArray[np.int32], languages: dict[str, int], scripts: dict[str, int]) -> Known:
    """What at least so many advertisers wrote."""
    words = (frozenset(name for name, n in counts.items() if n >= least) for counts in (languages, scripts))
    return Known(grams >= least, *words)


def _advertisers_of_grams(groups: NDArray[np.intp], traits: Sequence[Traits]) -> NDArray[np.int32]:
    """How many wrote each hashed n-gram, ``(2**GRAM_BITS,)``; one advertiser at a time, for a million ads have a billion n-grams."""
    counts = np.zeros(2**GRAM_BITS, dtype=np.int32)
    order = np.argsort(groups, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1):
        counts[np.unique(np.concatenate([traits[row].grams for row in rows]))] += 1
    return counts


def _advertisers(groups: NDArray[np.intp], names: Sequence[str]) -> dict[str, int]:
    who: defaultdict[str, set[int]] = defaultdict(set)
    for group, name in zip(groups.tolist(), names, strict=True):
        who[name].add(group)
    return {name: len(found) for name, found in who.items()}


def _groups(names: Sequence[tuple[str, str]]) -> dict[Group, NDArray[np.intp]]:
    """Rows of each group. Those too small for one of their own are pooled: all surfaces of a language, then all there is."""
    rows: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for row, name in enumerate(names):
        rows[name].append(row)
    found: dict[Group, NDArray[np.intp]] = {name: np.array(own) for name, own in rows.items() if len(own) >= LEAST}
    languages = np.array([language for language, _ in names], dtype=object)
    left = np.array([name not in found for name in names])
    for language in sorted(set(languages[left])):
        whole = languages == language
        chosen = whole & left if (whole & left).sum() >= LEAST else whole
        if chosen.sum() >= LEAST:
            found[language, None] = np.flatnonzero(chosen)
    left &= np.array([(language, None) not in found for language in languages])
    found[None, None] = np.flatnonzero(left if left.sum() >= LEAST else np.ones_like(left))
    return dict(sorted(found.items(), key=lambda group: [part or "" for part in group[0]]))


def _thinned(strange: NDArray[np.float32]) -> NDArray[np.float32]:
    """Ascending; of very many every second, third, … from the strangest on."""
    ordered = np.sort(strange)
    return ordered[:: -max(1, -(-len(ordered) // MOST))][::-1].copy()
