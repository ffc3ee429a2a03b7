"""What happened, as Arrow record batches: how events travel to where they are counted without an object for each staying in memory.

Three tables. ``SUBMISSIONS``: an ad was submitted. ``LABELS``: a rater labelled an ad, which is named by its id and looked up among the
submissions. ``TOLD``: the same where whoever tells it knows already which version of the ad the rater saw. Times are int64 microseconds
since 1970 UTC; domains are ``entities.domain_key``, what else is used ``entities.words``; null where an ad states no such entity.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import pyarrow as pa

from adverdict.domain.ad import Ad, Label
from adverdict.features.history.entities import KINDS, WORDS, Entities, entities, microseconds, words

WHOSE = tuple((kind, pa.string()) for kind in KINDS)
SUBMISSIONS = pa.schema([("ad_id", pa.string()), *WHOSE, ("at_us", pa.int64()), *((word, pa.string()) for word in WORDS)])
LABELS = pa.schema(
    [
        ("row", pa.int64()),
        ("ad_id", pa.string()),
        ("policy", pa.string()),
        ("violates", pa.bool_()),
        ("at_us", pa.int64()),
        ("rater", pa.string()),
    ]
)
"""``row``: from 1, to name a label whose ad is not known. ``rater``: null where nobody is named."""
TOLD = pa.schema([*WHOSE, ("policy", pa.string()), ("violates", pa.bool_()), ("at_us", pa.int64()), ("weight", pa.int8())])
"""``weight``: 1; -1 takes a label back."""


class Opinion(NamedTuple):
    """A label and the ad it is about, in the version the rater saw."""

    label: Label
    ad: Ad
    weight: int = 1


class Events(NamedTuple):
    """What some consecutive entries of a longer story tell."""

    submissions: pa.RecordBatch
    told: pa.RecordBatch


def submissions(ads: Sequence[Ad]) -> pa.RecordBatch:
    """One row an ad, in ``SUBMISSIONS``."""
    columns: list[Sequence[object]] = [[ad.ad_id for ad in ads], *_whose(map(entities, ads)), [microseconds(ad.submitted_at) for ad in ads]]
    columns += list(zip(*map(words, ads), strict=True)) or [[] for _ in WORDS]
    return _batch(columns, SUBMISSIONS)


def labels(labels: Sequence[Label], first_row: int = 1) -> pa.RecordBatch:
    """One row a label, in ``LABELS``; ``first_row`` numbers the first of them."""
    columns: list[Sequence[object]] = [
        range(first_row, first_row + len(labels)),
        [label.ad_id for label in labels],
        [label.policy for label in labels],
        [label.violates for label in labels],
        [microseconds(label.labelled_at) for label in labels],
        [label.rater_id for label in labels],
    ]
    return _batch(columns, LABELS)


def told(opinions: Sequence[Opinion]) -> pa.RecordBatch:
    """One row a label, in ``TOLD``."""
    columns: list[Sequence[object]] = [
        *_whose(entities(one.ad) for one in opinions),
        [one.label.policy for one in opinions],
        [one.label.violates for one in opinions],
        [microseconds(one.label.labelled_at) for one in opinions],
        [one.weight for one in opinions],
    ]
    return _batch(columns, TOLD)


def _whose(all_entities: Iterable[Entities]) -> list[Sequence[object]]:
    """A column for each kind of entity."""
    return list(zip(*all_entities, strict=True)) or [[] for _ in KINDS]


def _batch(columns: Sequence[Sequence[object]], schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)], schema=schema)
