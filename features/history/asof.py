"""The history of a whole table at once: every ad described by what was known strictly before it. The offline twin of ``state``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pyarrow as pa

from adverdict.domain.ad import Ad, Label
from adverdict.domain.identity import domain_key, word_key
from adverdict.domain.votes import votes
from adverdict.features.history.entities import KINDS, WORDS, one_row_a_version, rows_of_labels
from adverdict.features.history.known import NEVER, USES, Bools, EntityCounts, HistoryCounts, Ints
from adverdict.features.history.timeline import MISSING, AsOfQuery, Clock, Events


def counts_asof(ads: Sequence[Ad], known_ads: Sequence[Ad], known_labels: Sequence[Label], policies: Sequence[str]) -> HistoryCounts:
    """What was known strictly before each of ``ads``: equal to ``HistoryState.counts`` after observing all that is known.

    ``known_ads`` may hold ``ads`` themselves (pass the same list: it is read once), later ads, and several versions of one ad id. A
    label counts from ``labelled_at``, for the entities of its ad in the version then current, if it is its rater's last word on that
    version (``domain.votes``). Raises InvalidInput naming every label whose ad is not in ``known_ads``.
    """
    known = _Known(known_ads, known_labels, policies)
    at = known.submitted if ads is known_ads else _times([ad.submitted_at for ad in ads])
    clock = Clock(np.concatenate([known.submitted, known.labelled]), at)
    codes = {kind: _codes(kind, ads, known_ads) for kind in KINDS}
    used = {kind: codes[kind][1] for kind in KINDS} | {word: _factorise(_keys(word, known_ads)) for word in WORDS}
    query = {kind: AsOfQuery(clock, codes[kind][0]) for kind in KINDS}
    submitted, labelled = clock.rank(known.submitted), clock.rank(known.labelled)
    by_kind, distinct = {}, {}
    for kind in KINDS:
        owner = codes[kind][1]
        submissions, verdicts = clock.events(owner, submitted), clock.events(owner[known.about], labelled)
        times = clock.time(submitted[submissions.rows])
        by_kind[kind] = _entity_counts(query[kind], submissions, times, verdicts, known)
    for name, (whose, what) in USES.items():
        rows = _first_uses(codes[whose][1], used[what], submitted)
        first_uses = clock.events(codes[whose][1][rows], submitted[rows])
        distinct[name] = query[whose].restore(first_uses.before(query[whose].end) - first_uses.before(query[whose].start))
    return HistoryCounts.assemble(policies, at, by_kind, distinct)


class _Known:
    """Everything known, as columns."""

    def __init__(self, ads: Sequence[Ad], labels: Sequence[Label], policies: Sequence[str]) -> None:
        self.submitted = _times([ad.submitted_at for ad in ads])
        rows = rows_of_labels(labels, ads)
        counting = votes(labels, one_row_a_version(rows, ads))
        labels = [labels[one] for one in counting]
        self.about = np.array(rows, dtype=np.int64)[counting]
        """The row of each label's ad."""
        self.labelled = _times([label.labelled_at for label in labels])
        self.violates = np.array([label.violates for label in labels], dtype=np.bool_)
        policy = _factorise([*policies, *[label.policy for label in labels]])
        self.under = [policy[len(policies) :] == query for query in policy[: len(policies)]]
        """One mask over the labels for each policy asked about."""


def _entity_counts(query: AsOfQuery, ads: Events, times: Ints, verdicts: Events, known: _Known) -> EntityCounts:
    start, end = ads.before(query.start), ads.before(query.end)
    day, week, month = (query.restore(end - ads.before(window)) for window in query.windows)
    some, times = end > start, np.append(times, NEVER)
    labelled = verdicts.before(query.start), verdicts.before(query.end)
    violates = known.violates[verdicts.rows]
    under = [mask[verdicts.rows] for mask in known.under]
    n_ads = len(query.stated)
    return EntityCounts(
        present=query.stated,
        ads_1d=day,
        ads_7d=week,
        ads_28d=month,
        ads_ever=query.restore(end - start),
        first=query.restore(times[np.where(some, start, -1)]),
        last=query.restore(times[np.where(some, end - 1, -1)]),
        labels_any=query.restore(labelled[1] - labelled[0]),
        violations_any=query.restore(_number(violates, *labelled)),
        labels=_columns(n_ads, [query.restore(_number(mask, *labelled)) for mask in under]),
        violations=_columns(n_ads, [query.restore(_number(mask & violates, *labelled)) for mask in under]),
    )


def _number(mask: Bools, start: Ints, end: Ints) -> Ints:
    """How many events of each run [start, end) the mask marks."""
    marked = np.concatenate([np.zeros(1, np.int64), np.cumsum(mask, dtype=np.int64)])
    number: Ints = marked[end] - marked[start]
    return number


def _columns(n: int, columns: Sequence[Ints]) -> Ints:
    return np.stack(columns, axis=1) if columns else np.empty((n, 0), np.int64)


def _first_uses(owner: Ints, thing: Ints, rank: Ints) -> Ints:
    """Rows where an owner first used a thing: how many came before is how many different things were used before."""
    rows = np.flatnonzero((owner != MISSING) & (thing != MISSING))
    rows = rows[np.argsort(rank[rows], kind="stable")]
    pair = owner[rows] * (thing.max(initial=0) + 1) + thing[rows]
    return rows[np.unique(pair, return_index=True)[1]]


def _codes(kind: str, ads: Sequence[Ad], known_ads: Sequence[Ad]) -> tuple[Ints, Ints]:
    """Codes of the entities of both tables; equal codes for equal entities, MISSING where an ad states none."""
    known = _keys(kind, known_ads)
    if ads is known_ads:
        codes = _factorise(known)
        return codes, codes
    codes = _factorise([*_keys(kind, ads), *known])
    return codes[: len(ads)], codes[len(ads) :]


def _keys(kind: str, ads: Sequence[Ad]) -> Sequence[str | None]:
    """One field of the ads, as ``entities`` and ``words`` have it."""
    match kind:
        case "advertiser":
            return [ad.advertiser_id for ad in ads]
        case "creative":
            return [ad.creative_id for ad in ads]
        case "domain":
            stated = [ad.landing_domain for ad in ads]
            keys = {domain: domain_key(domain) for domain in set(stated)}
            return [keys[domain] for domain in stated]
        case "market":
            return [ad.market for ad in ads]
    stated = [{"format": ad.creative_format, "category": ad.creative_category}.get(kind, ad.surface) for ad in ads]
    keys = {word: word_key(word) for word in set(stated)}
    return [keys[word] for word in stated]


def _factorise(values: Sequence[str | None]) -> Ints:
    codes = pa.array(values, type=pa.large_string()).dictionary_encode().indices
    return np.asarray(codes.fill_null(MISSING).to_numpy(zero_copy_only=False), dtype=np.int64)


def _times(moments: Sequence[datetime]) -> Ints:
    """Microseconds since 1970-01-01 UTC."""
    return np.asarray(pa.array(moments, type=pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy(), dtype=np.int64)
