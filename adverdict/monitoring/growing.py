"""Clusters of copies that grow: more advertisers than ever before began on one day, or in one week, to send copies of one ad.

A cluster-day counts the advertisers who sent their first copy of it then. What is usual differs by platform (resellers share creatives,
agencies send for many), so it is not modelled: a day's largest count has to be larger than any of the four weeks before. If days are alike
that happens by chance at most once in 29 days, whatever the counts look like, and once in five weeks for whole weeks: together .44 cases a
week at most, of the one that may be unexplained.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, func, select

from adverdict.clusters.read import name_of
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.schema import cluster_ads, contents, entries
from adverdict.ledger.store import entry_of, entry_query
from adverdict.monitoring.emerging import DAYS, FEWEST, Kind, SeenAd

A_DAY = 86_400_000_000
"""Microseconds."""
WEEKS = 4
"""Before the one that is looked at."""
EACH = 50
"""Ads of a cluster that are read, the latest ones."""
SHARED = 0.5
"""Share of its ads that use a phrase, for the cluster to be known by it."""


@dataclass(frozen=True)
class Growth:
    """A cluster that grew more than any before."""

    cluster: int
    """The entry that first decided its first ad."""
    joined: int
    """Advertisers who sent their first copy in the span."""
    days: int
    """Of the span: 1 or 7."""
    before: int
    """The most that any cluster got in a span of the four weeks before."""


@dataclass(frozen=True)
class GrowingKind:
    """The same as a kind of ads, with the decisions about some of them."""

    kind: Kind
    growth: Growth
    cluster: str
    """Its name."""
    advertisers: int
    """Of the whole cluster."""
    decisions: tuple[DecisionMade, ...]
    """The latest ones."""


def outgrown(joined: Mapping[int, Mapping[int, int]], span: int, past: int) -> list[tuple[int, int, int]]:
    """Of the clusters of one span, those that got more advertisers than any cluster in the ``past`` spans before, most first: cluster,
    advertisers, and the most before. ``joined``: span -> cluster -> advertisers; what is left out got fewer than two."""
    before = max((max(joined.get(span - back, {}).values(), default=1) for back in range(1, past + 1)), default=1)
    found = [(cluster, count, before) for cluster, count in joined.get(span, {}).items() if count > before and count >= FEWEST]
    return sorted(found, key=lambda one: (-one[1], one[0]))


def growths(connection: Connection, day: date) -> list[Growth]:
    """Of one whole day (UTC), and where it is a Sunday of its week; as far as clusters were followed. Nothing where nobody was watched for
    four weeks: everything is new then."""
    number = (day - date(1970, 1, 1)).days
    oldest = connection.execute(select(func.min(entries.c.at)).join(cluster_ads, cluster_ads.c.seq == entries.c.seq)).scalar()
    if oldest is None or oldest // A_DAY > number - DAYS:
        return []
    found = [Growth(*one[:2], 1, one[2]) for one in outgrown(_joined(connection, 1, number - DAYS, number), number, DAYS)]
    if day.weekday() == 6 and oldest // A_DAY <= number - 7 * (WEEKS + 1) + 1:
        weeks = _joined(connection, 7, number - 7 * (WEEKS + 1) + 1, number)
        known = {one.cluster for one in found}
        found += [Growth(*one[:2], 7, one[2]) for one in outgrown(weeks, WEEKS, WEEKS) if one[0] not in known]
    return found


def growing_kinds(connection: Connection, day: date, others: Sequence[Kind] = ()) -> list[GrowingKind]:
    """What grew on a day, as kinds. ``others``: found the same day; what most of its ads belong to already is no kind of its own."""
    told = {ad for kind in others for ad in kind.ads}
    found = []
    for growth in growths(connection, day):
        made = _ads(connection, growth.cluster)
        seen = [SeenAd.of(one.ad) for one in made]
        if not seen or sum(ad.ad_id in told for ad in seen) > SHARED * len(seen):
            continue
        counted = Counter(phrase for ad in seen for phrase in ad.phrases)
        shared = [phrase for phrase, count in counted.items() if count >= SHARED * len(seen)]
        phrases = tuple(sorted(shared, key=lambda one: (-len(one.split()), -len(one), one)))
        language = Counter(ad.language for ad in seen).most_common(1)[0][0]
        advertisers = _advertisers(connection, growth.cluster)
        ids = tuple(ad.ad_id for ad in seen)
        chance = 1 / (DAYS + 1) if growth.days == 1 else 1 / (WEEKS + 1)
        kind = Kind(language, phrases, advertisers, ids, by_marks=False, p_value=chance)
        found.append(GrowingKind(kind, growth, name_of(connection, growth.cluster), advertisers, tuple(made)))
    return found


def in_words(one: GrowingKind) -> str:
    span = "on one day" if one.growth.days == 1 else "within one week"
    most = f"the most that any ad's copies got in the four weeks before is {one.growth.before}"
    return f"{one.growth.joined} advertisers began {span} to send copies of one ad, which {one.advertisers} have sent by now; {most}."


def _joined(connection: Connection, days: int, first: int, last: int) -> dict[int, dict[int, int]]:
    """Span, counted from the one that begins with the day ``first`` (a single day: its own number) -> cluster -> advertisers who sent their
    first copy then, where there are two at least."""
    began = func.min(entries.c.at).label("began")
    ads = cluster_ads.join(contents, contents.c.seq == cluster_ads.c.seq).join(entries, entries.c.seq == cluster_ads.c.seq)
    each = select(cluster_ads.c.cluster, began).select_from(ads).group_by(cluster_ads.c.cluster, contents.c.advertiser_id)
    each = each.having(began >= first * A_DAY, began < (last + 1) * A_DAY)
    firsts, offset = each.subquery(), 0 if days == 1 else first
    span = ((firsts.c.began - offset * A_DAY) // (days * A_DAY)).label("span")
    query = select(span, firsts.c.cluster, func.count().label("joined")).group_by(span, firsts.c.cluster).having(func.count() > 1)
    found: dict[int, dict[int, int]] = {}
    for row in connection.execute(query):
        found.setdefault(int(row.span), {})[int(row.cluster)] = int(row.joined)
    return found


def _ads(connection: Connection, cluster: int) -> list[DecisionMade]:
    latest = select(cluster_ads.c.seq).where(cluster_ads.c.cluster == cluster).order_by(cluster_ads.c.seq.desc()).limit(EACH)
    rows = connection.execute(entry_query().where(entries.c.seq.in_(list(connection.scalars(latest)))).order_by(entries.c.seq.desc()))
    return [body for body in (entry_of(row).body for row in rows) if isinstance(body, DecisionMade)]


def _advertisers(connection: Connection, cluster: int) -> int:
    query = select(func.count(contents.c.advertiser_id.distinct())).join(cluster_ads, cluster_ads.c.seq == contents.c.seq)
    return int(connection.execute(query.where(cluster_ads.c.cluster == cluster)).scalar_one())
