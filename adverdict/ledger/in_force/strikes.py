"""Strikes as the chain tells them: rejections that stand, by people, by a certified threshold, or carried to a copy. Nothing else keeps
them, so whatever is taken back, overturned or withdrawn takes its strikes with it, and an erased advertiser has none.

Only the index of rejections by advertiser is read, and only for advertisers somebody asks about.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, literal_column, or_, select

from adverdict.decisions.policy import PolicyBook
from adverdict.decisions.strikes import KnownStrikes, Strike
from adverdict.domain.errors import InvalidInput, Mistake, NotFound
from adverdict.domain.standing import Standing
from adverdict.domain.verdict import Verdict
from adverdict.ledger.bodies.copies import Unwound
from adverdict.ledger.bodies.strikes import StrikesLifted
from adverdict.ledger.chain import plain_json
from adverdict.ledger.effective import DecisionHistory, EffectiveDecision, decision_histories
from adverdict.ledger.entries import DecisionMade, Erased, Resolved, Ruled, Withdrawn
from adverdict.ledger.entropy import hexadecimal
from adverdict.ledger.moments import moment
from adverdict.ledger.schema import contents, entries
from adverdict.ledger.store import CHUNK, Ledger, Writing

MOST_ADS = 1000
"""Of an advertiser's rejected ads, the latest that are looked at: ten times the largest limit."""
REMEMBERED = 50_000
"""Advertisers that a worker remembers; beyond, it begins anew."""
_REJECTED = contents.c.verdict == literal_column("'reject'")  # not a parameter: the index is of this value, and a planner must see it
_MOVING = (Resolved.kind, Ruled.kind, Unwound.kind, StrikesLifted.kind)
_ALL_ANEW = (Erased.kind, Withdrawn.kind)


@dataclass(frozen=True)
class StrikesAt:
    """As of one entry, read anew at each call: implements ``KnownStrikes`` for whoever decides few ads, or decides them again."""

    ledger: Ledger
    seq: int

    def of(self, advertisers: Collection[str]) -> Mapping[str, Sequence[Strike]]:
        with self.ledger.look() as connection:
            return strikes_at(connection, advertisers, self.seq)


@dataclass(frozen=True)
class StrikesOfUrl:
    """The same where nobody keeps a ledger open."""

    url: str
    seq: int

    def of(self, advertisers: Collection[str]) -> Mapping[str, Sequence[Strike]]:
        ledger = Ledger.open(self.url, create=False)
        try:
            return StrikesAt(ledger, self.seq).of(advertisers)
        finally:
            ledger.close()


class StrikeHistory:
    """What one worker remembers of advertisers it has decided about; read anew where an entry since has touched it."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._by: dict[str, dict[str, tuple[Strike, ...]]] = {}
        """Advertiser -> ad -> strikes, before what was lifted is taken out."""
        self._lifted: dict[str, datetime] = {}
        self._seq = 0
        self._lock = threading.Lock()

    def as_of(self, seq: int) -> KnownStrikes:
        """Those that stand once the entry ``seq`` is written. It is not asked again about an earlier one without beginning anew."""
        return _Remembered(self, seq)

    def known(self, advertisers: Collection[str], seq: int) -> dict[str, Sequence[Strike]]:
        with self._lock, self._ledger.look() as connection:
            if seq < self._seq or len(self._by) > REMEMBERED:
                self._by, self._lifted = {}, {}
            dirty = self._touched(connection, seq) if self._by else {}
            again = sorted(ad for advertiser in advertisers for ad in dirty.get(advertiser, ()))
            for advertiser in dirty.keys() - set(advertisers):
                del self._by[advertiser]  # read when somebody asks about it next
            found = _of_ads(connection, again, seq)
            for advertiser in dirty.keys() & set(advertisers):
                for ad in dirty[advertiser]:
                    self._by[advertiser][ad] = tuple(strike for whose, strike in found.get(ad, ()) if whose == advertiser)
            new = sorted(set(advertisers) - self._by.keys())
            for advertiser, ads in _by_ad(connection, new, seq).items():
                self._by[advertiser] = ads
            self._lifted |= _lifted(connection, [*new, *(dirty.keys() & set(advertisers))], seq)
            self._seq = seq
            return {name: told for name in advertisers if (told := self._standing(name))}

    def _standing(self, advertiser: str) -> tuple[Strike, ...]:
        since = self._lifted.get(advertiser)
        told = (strike for ad in self._by[advertiser].values() for strike in ad)
        return tuple(strike for strike in told if since is None or strike.at > since)

    def _touched(self, connection: Connection, until: int) -> dict[str, set[str]]:
        """Of advertisers that are remembered: the ads of which something was said since."""
        if until == self._seq:
            return {}
        told = or_(entries.c.kind.in_((*_MOVING, *_ALL_ANEW)), _REJECTED, _again())
        query = select(entries.c.kind, contents.c.advertiser_id, contents.c.ad_id).join(contents, contents.c.seq == entries.c.seq)
        found: dict[str, set[str]] = {}
        for row in connection.execute(query.where(entries.c.seq > self._seq, entries.c.seq <= until, told)):
            if row.kind in _ALL_ANEW:
                self._by, self._lifted = {}, {}
                return {}
            if row.advertiser_id in self._by:
                found.setdefault(row.advertiser_id, set()).update({row.ad_id} if row.ad_id else ())
        return found


@dataclass(frozen=True)
class _Remembered:
    history: StrikeHistory
    seq: int

    def of(self, advertisers: Collection[str]) -> Mapping[str, Sequence[Strike]]:
        return self.history.known(advertisers, self.seq)


def strikes_at(connection: Connection, advertisers: Collection[str], until: int) -> dict[str, list[Strike]]:
    """Strikes that stand once the entry ``until`` is written and were not lifted, by advertiser; who has none is left out."""
    since = _lifted(connection, advertisers, until)
    found = {}
    for name, ads in _by_ad(connection, sorted(advertisers), until).items():
        told = [strike for ad in ads.values() for strike in ad if name not in since or strike.at > since[name]]
        if told:
            found[name] = sorted(told, key=lambda one: one.at)
    return found


def near_a_limit(connection: Connection, book: PolicyBook, until: int) -> dict[str, list[Strike]]:
    """The same of every advertiser with as many rejected ads as the lowest limit of a book; for runs that ask no ledger."""
    lowest = min((policy.strikes.limit for _, _, policy in book.every() if policy.strikes is not None), default=None)
    if lowest is None:
        return {}
    ads = func.count(contents.c.ad_id.distinct())
    query = select(contents.c.advertiser_id).where(_REJECTED, contents.c.advertiser_id.is_not(None), contents.c.seq <= until)
    names = list(connection.scalars(query.group_by(contents.c.advertiser_id).having(ads >= lowest)))
    return {name: told for name, told in strikes_at(connection, names, until).items() if len(told) >= lowest}


def lift(writing: Writing, advertiser: str, why: str, by: str, at: datetime) -> tuple[str, int]:
    """Have the strikes of an advertiser cause nothing any more, from the next round of every worker on: the id and the
    seq of the entry. New ones count as before. Raises InvalidInput without a reason, NotFound where there is no strike to lift."""
    if not why.strip():
        raise InvalidInput("no strike was lifted:", [Mistake("why", why, "a reason: it stays on record")])
    writing.flush()
    if not strikes_at(writing.connection, [advertiser], writing.seq):
        raise NotFound(f"advertiser {advertiser} has no strike that counts: there is nothing to lift")
    entry_id = f"stl-{hexadecimal()}"
    return entry_id, writing.append(entry_id, StrikesLifted(advertiser_id=advertiser, why=why.strip(), by=by), at)


def _by_ad(connection: Connection, advertisers: Sequence[str], until: int) -> dict[str, dict[str, tuple[Strike, ...]]]:
    """Of each advertiser: its rejected ads, and the strikes that stand of each."""
    found: dict[str, dict[str, tuple[Strike, ...]]] = {name: {} for name in advertisers}
    for start in range(0, len(advertisers), CHUNK):
        some = contents.c.advertiser_id.in_(advertisers[start : start + CHUNK])
        nth = func.row_number().over(partition_by=contents.c.advertiser_id, order_by=contents.c.seq.desc()).label("nth")
        ranked = select(contents.c.ad_id, nth).where(_REJECTED, some, contents.c.seq <= until).subquery()
        query = select(ranked.c.ad_id).where(ranked.c.nth <= MOST_ADS, ranked.c.ad_id.is_not(None)).distinct()
        for ad, told in _of_ads(connection, list(connection.scalars(query)), until).items():
            for name in dict.fromkeys(whose for whose, _ in told):
                if name in found:
                    found[name][ad] = tuple(strike for whose, strike in told if whose == name)
    return found


def _lifted(connection: Connection, advertisers: Collection[str], until: int) -> dict[str, datetime]:
    """When the strikes of each advertiser were lifted last."""
    if not advertisers:
        return {}
    query = select(contents.c.advertiser_id, entries.c.at).join(entries, entries.c.seq == contents.c.seq)
    query = query.where(entries.c.kind == StrikesLifted.kind, entries.c.seq <= until).order_by(entries.c.seq)
    return {row.advertiser_id: moment(row.at) for row in connection.execute(query) if row.advertiser_id in advertisers}


def _of_ads(connection: Connection, ads: Sequence[str], until: int) -> dict[str, list[tuple[str, Strike]]]:
    """Of each ad: the strikes that stand, each with the advertiser whose it is."""
    if not ads:
        return {}
    histories = decision_histories(connection, ads)
    told = {ad: list(_in_order(history, until)) for ad, history in histories.items()}
    words = _words(connection, [one.seq for said in told.values() for one in said if one.verdict is Verdict.REJECT])
    found: dict[str, list[tuple[str, Strike]]] = {}
    for ad, said in told.items():
        versions: defaultdict[int, list[EffectiveDecision]] = defaultdict(list)
        for one in said:
            versions[one.submitted_at].append(one)
        found[ad] = [strike for version in versions.values() for strike in _of_version(version, words)]
    return found


def _in_order(history: DecisionHistory, until: int) -> Iterator[EffectiveDecision]:
    said = (one for one in history.said if one.seq <= until and history.stands(one, until))
    return iter(sorted(said, key=lambda one: one.seq))


class _Words(NamedTuple):
    """What one entry says of a rejection."""

    advertiser: str
    named: tuple[str, ...] | None
    """Policies it rejects under; None: it upholds what was said before."""
    counted: tuple[str, ...]
    """Those of them that it makes strikes of by itself."""
    by: str


def _of_version(said: Iterable[EffectiveDecision], words: Mapping[int, _Words]) -> list[tuple[str, Strike]]:
    """The strikes of one version of an ad. What people say of it outweighs what models say until it is taken back."""
    standing: dict[str, tuple[str, Strike]] = {}
    named: tuple[str, ...] = ()
    by_people = False
    for one in said:
        if one.by == "model" and by_people:
            continue
        by_people = by_people or one.by == "person"
        told = words.get(one.seq)
        if told is None:  # an approval, a review, or erased
            standing = {}
            continue
        counted = named if told.named is None else told.counted
        named = named if told.named is None else told.named
        before, standing = standing, {}
        for policy in counted:
            since = before[policy][1].at if policy in before else one.at
            strike = Strike(policy, since, moment(one.submitted_at), one.ad_id, one.decision_id, told.by)
            standing[policy] = told.advertiser, strike
    return list(standing.values())


def _words(connection: Connection, seqs: Sequence[int]) -> dict[int, _Words]:
    found = {}
    for start in range(0, len(seqs), CHUNK):
        query = select(entries.c.kind, contents.c.seq, contents.c.advertiser_id, contents.c.body)
        query = query.join(entries, entries.c.seq == contents.c.seq).where(contents.c.seq.in_(seqs[start : start + CHUNK]))
        for row in connection.execute(query):
            body: Any = plain_json(row.body)
            found[int(row.seq)] = _said(row.kind, row.advertiser_id, body)
    return found


def _said(kind: str, advertiser: str, body: Any) -> _Words:
    if kind == Ruled.kind:
        return _Words(advertiser, None, (), "people")
    if kind == Resolved.kind:
        violated = tuple(body["violated"])
        return _Words(advertiser, violated, violated, "copy" if body.get("carried") else "people")
    rejecting = [one for one in body["decision"]["policies"] if one["verdict"] == Verdict.REJECT]
    certified = tuple(one["policy"] for one in rejecting if one.get("standing") and Standing(one["standing"]).holds)
    return _Words(advertiser, tuple(one["policy"] for one in rejecting), certified, "model")


def _again() -> Any:
    """A decision on a version that was decided before: it may end what stood."""
    return (entries.c.kind == DecisionMade.kind) & contents.c.submission.is_(None)
