"""The history of a whole table at once: every ad described by what was known strictly before it. The offline twin of ``state``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pyarrow as pa

from domain.ad import Ad, Label
from features.history.entities import KINDS, domain_key, rows_of_labels
from features.history.known import DISTINCT, NEVER, Bools, EntityCounts, HistoryCounts, Ints
from features.history.timeline import MISSING, Asked, Clock, Events


def counts_asof(ads: Sequence[Ad], known_ads: Sequence[Ad], known_labels: Sequence[Label], policies: Sequence[str]) -> HistoryCounts:
    """What was known strictly before each of ``ads``: equal to ``HistoryState.counts`` after observing all that is known.

    ``known_ads`` may hold ``ads`` themselves (pass the same list: it is read once), later ads, and several versions of one ad id. A
    label counts from ``labelled_at``, for the entities of its ad in the version then current. Raises InvalidInput naming every label
    whose ad is not in ``known_ads``.
    """
    labelled = np.array(rows_of_labels(known_labels, known_ads), dtype=np.int64)
    labels = _Labels(known_labels, policies)
    submitted = _times([ad.submitted_at for ad in known_ads])
    at = submitted if ads is known_ads else _times([ad.submitted_at for ad in ads])
    clock = Clock(np.concatenate([submitted, labels.at]), at)
    codes = {kind: _codes(kind, ads, known_ads) for kind in KINDS}
    asked = {kind: Asked(clock, codes[kind][0]) for kind in KINDS}
    by_kind = {kind: _entity_counts(clock, asked[kind], codes[kind][1], submitted, labelled, labels) for kind in KINDS}
    distinct = {}
    for name in DISTINCT:
        whose, what = name.removesuffix("s").split("_")
        distinct[name] = _distinct(clock, asked[whose], codes[whose][1], codes[what][1], submitted)
    return HistoryCounts.assemble(policies, at, by_kind, distinct)


class _Labels:
    """Label rows as columns."""

    def __init__(self, labels: Sequence[Label], policies: Sequence[str]) -> None:
        self.at = _times([label.labelled_at for label in labels])
        self.violates = np.array([label.violates for label in labels], dtype=np.bool_)
        codes = _factorise([*policies, *(label.policy for label in labels)])
        self._asked, self._policy = codes[: len(policies)], codes[len(policies) :]

    def under_each(self) -> list[Bools]:
        """One mask for each policy asked about."""
        return [self._policy == policy for policy in self._asked]


def _entity_counts(clock: Clock, asked: Asked, owner: Ints, submitted: Ints, labelled: Ints, labels: _Labels) -> EntityCounts:
    ads = clock.events(owner, submitted)
    start, end = ads.before(asked.start), ads.before(asked.end)
    day, week, month = (asked.restore(end - ads.before(window)) for window in asked.windows)
    first, last = _ends(ads, start, end)
    verdicts = clock.events(owner[labelled], labels.at)
    known = verdicts.before(asked.start), verdicts.before(asked.end)
    violates = labels.violates[verdicts.rows]
    masks = [mask[verdicts.rows] for mask in labels.under_each()]
    n_ads = len(asked.stated)
    return EntityCounts(
        present=asked.stated,
        ads_1d=day,
        ads_7d=week,
        ads_28d=month,
        ads_ever=asked.restore(end - start),
        first=asked.restore(first),
        last=asked.restore(last),
        labels_any=asked.restore(known[1] - known[0]),
        violations_any=asked.restore(_number(violates, *known)),
        labels=_columns(n_ads, [asked.restore(_number(mask, *known)) for mask in masks]),
        violations=_columns(n_ads, [asked.restore(_number(mask & violates, *known)) for mask in masks]),
    )


def _ends(events: Events, start: Ints, end: Ints) -> tuple[Ints, Ints]:
    """Times of the first and the last event of each run [start, end); NEVER where it is empty."""
    times = np.append(events.times, NEVER)
    nothing = len(events.times)
    some = end > start
    return times[np.where(some, start, nothing)], times[np.where(some, end - 1, nothing)]


def _number(mask: Bools, start: Ints, end: Ints) -> Ints:
    """How many events of each run [start, end) the mask marks."""
    marked = np.concatenate([np.zeros(1, np.int64), np.cumsum(mask, dtype=np.int64)])
    number: Ints = marked[end] - marked[start]
    return number


def _columns(n: int, columns: Sequence[Ints]) -> Ints:
    return np.stack(columns, axis=1) if columns else np.empty((n, 0), np.int64)


def _distinct(clock: Clock, asked: Asked, owner: Ints, thing: Ints, submitted: Ints) -> Ints:
    """How many different things each asked owner used before: only the first use of a thing by its owner counts."""
    rows = np.flatnonzero((owner != MISSING) & (thing != MISSING))
    rows = rows[np.argsort(submitted[rows], kind="stable")]
    pair = owner[rows] * (thing.max(initial=0) + 1) + thing[rows]
    rows = rows[np.unique(pair, return_index=True)[1]]
    firsts = clock.events(owner[rows], submitted[rows])
    return asked.restore(firsts.before(asked.end) - firsts.before(asked.start))


def _codes(kind: str, ads: Sequence[Ad], known_ads: Sequence[Ad]) -> tuple[Ints, Ints]:
    """Codes of the entities of both tables; equal codes for equal entities, MISSING where an ad states none."""
    known = _keys(kind, known_ads)
    if ads is known_ads:
        codes = _factorise(known)
        return codes, codes
    codes = _factorise([*_keys(kind, ads), *known])
    return codes[: len(ads)], codes[len(ads) :]


def _keys(kind: str, ads: Sequence[Ad]) -> Sequence[str | None]:
    """One field of the ads, as ``entities`` has it."""
    match kind:
        case "advertiser":
            return [ad.advertiser_id for ad in ads]
        case "creative":
            return [ad.creative_id for ad in ads]
        case "domain":
            stated = [ad.landing_domain for ad in ads]
            keys = {domain: domain_key(domain) for domain in set(stated)}
            return [keys[domain] for domain in stated]
    return [ad.market for ad in ads]


def _factorise(values: Sequence[str | None]) -> Ints:
    codes = pa.array(values, type=pa.large_string()).dictionary_encode().indices
    return np.asarray(codes.fill_null(MISSING).to_numpy(zero_copy_only=False), dtype=np.int64)


def _times(moments: Sequence[datetime]) -> Ints:
    """Microseconds since 1970-01-01 UTC."""
    return np.asarray(pa.array(moments, type=pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy(), dtype=np.int64)
