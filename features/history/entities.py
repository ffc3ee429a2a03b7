"""Whose history an ad belongs to, and when things happened."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, NoReturn

from adverdict.domain.ad import Ad, Label
from adverdict.domain.errors import InvalidInput, Mistake
from adverdict.domain.identity import domain_key, word_key

KINDS = ("advertiser", "creative", "domain", "market")
"""The four kinds of entity an ad and its labels are credited to."""
WORDS = ("format", "category", "surface")
"""What else an advertiser uses: kept in their normal form."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Entities(NamedTuple):
    """The entities of one ad, in the order of ``KINDS``; None where the ad does not state one."""

    advertiser: str
    creative: str | None
    domain: str | None
    market: str


def entities(ad: Ad) -> Entities:
    return Entities(ad.advertiser_id, ad.creative_id, domain_key(ad.landing_domain), ad.market)


def words(ad: Ad) -> tuple[str | None, str | None, str | None]:
    """In the order of ``WORDS``; None where the ad does not state one."""
    return word_key(ad.creative_format), word_key(ad.creative_category), word_key(ad.surface)


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970-01-01 UTC, exactly (floating-point seconds would merge neighbouring events)."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def ads_of_labels(labels: Sequence[Label], ads: Mapping[str, Ad]) -> list[Ad]:
    """The ad of each label. Raises InvalidInput naming every label whose ad is not in ``ads``."""
    found = [ads.get(label.ad_id) for label in labels]
    if None in found:
        _refuse(labels, found)
    return [ad for ad in found if ad is not None]


def rows_of_labels(labels: Sequence[Label], ads: Sequence[Ad]) -> list[int]:
    """The row in ``ads`` of each label's ad. Ids may repeat, since an edited ad keeps its id: a label is about what the rater saw.

    That is the last version submitted at or before ``labelled_at`` (the first version, should the label precede them all), so that a
    later edit changes nothing for what was known before it. Raises InvalidInput naming every label whose ad is not in ``ads``.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    ids = pa.array([ad.ad_id for ad in ads], pa.large_string())
    found = pc.index_in(pa.array([label.ad_id for label in labels], pa.large_string()), value_set=ids)
    if found.null_count:
        _refuse(labels, [None if row is None else ads[row] for row in found.to_pylist()])
    if pc.count_distinct(ids).as_py() == len(ids):
        return list(found.to_pylist())
    versions = _versions(ads)
    return [_version(versions[label.ad_id], label, ads) for label in labels]


def one_row_a_version(rows: Sequence[int], ads: Sequence[Ad]) -> list[int]:
    """The same rows of ``ads``, but for a version that stands in several of them always one: a vote on it is a vote on all."""
    if len({ad.ad_id for ad in ads}) == len(ads):
        return list(rows)
    first: dict[tuple[str, datetime, Entities], int] = {}
    return [first.setdefault((ads[row].ad_id, ads[row].submitted_at, entities(ads[row])), row) for row in rows]


def _versions(ads: Sequence[Ad]) -> dict[str, list[int]]:
    """Rows of each ad id's versions, in order of submission."""
    versions: dict[str, list[int]] = {}
    for row, ad in enumerate(ads):
        versions.setdefault(ad.ad_id, []).append(row)
    for rows in versions.values():
        if len(rows) > 1:
            rows.sort(key=lambda row: _order(ads[row]))
    return versions


def _version(versions: Sequence[int], label: Label, ads: Sequence[Ad]) -> int:
    if len(versions) == 1:
        return versions[0]
    seen = bisect_right(versions, label.labelled_at, key=lambda row: ads[row].submitted_at)
    return versions[max(seen - 1, 0)]


def _order(ad: Ad) -> tuple[datetime, list[str]]:
    """Versions of one instant are told apart by what they belong to: the order in which they came must not matter."""
    return ad.submitted_at, [key or "" for key in entities(ad)]


def _refuse(labels: Sequence[Label], found: Sequence[Ad | None]) -> NoReturn:
    raise InvalidInput(
        "labels about unknown ads",
        [
            Mistake("ad_id", label.ad_id, "the id of an ad given together with the labels", where=f"label {row}")
            for row, (label, ad) in enumerate(zip(labels, found, strict=True))
            if ad is None
        ],
    )
