"""New kinds of ads, looked for on record: what suddenly many say, what reviewers marked though no policy fits, what the model has hardly
seen and suddenly many send, and copies of one ad that more advertisers than usual begin to send; each a case.

submissions and marks by the day -> phrases (``emerging``) -> a case with examples, where it comes from, labels to make, a draft of a policy
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import yaml
from sqlalchemy import Connection, delete, func, select

from adverdict.decisions.policy import DEFAULT_UNFAMILIAR_SHARE
from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision
from adverdict.domain.degraded import Cause, degradations
from adverdict.domain.formats import percent
from adverdict.domain.identity import number_of
from adverdict.domain.progress import SILENT, Progress
from adverdict.ledger.bodies.emerging import CaseOpened, Marked
from adverdict.ledger.bodies.signals import Reported
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.history import end_of
from adverdict.ledger.in_force.cases import open_case
from adverdict.ledger.moments import micros
from adverdict.ledger.schema import contents, entries, projections
from adverdict.ledger.store import Ledger, now
from adverdict.monitoring.emerging import DAYS, LOOKS, Kind, SeenAd, Watch
from adverdict.monitoring.growing import GrowingKind, growing_kinds, in_words
from adverdict.review.period import Period, decisions_of, entries_in, pages, standing_only
from adverdict.review.reports.reports import Believed

LOOKED = "emerging-look"
"""Row of ``projections``: the last part of a day that was looked at, counted from 1970."""
PART = timedelta(days=1) / LOOKS
MOST = 100_000
"""Ads read at most: of more, those of a part of the advertisers, chosen by a hash."""
LABELS = 50
EXAMPLES, PHRASES, MARKETS = 10, 10, 10
MOSTLY = 0.8
"""Share of a kind's ads in one market from which a brake there is worth proposing."""
BELIEVED = 0.15
"""How likely an ad must violate, by its reporters, to be looked at with those that reviewers marked: who reports at random shares no
phrases beyond chance, so less than what puts an ad back in line will do."""
BY = "monitor"
TEXT = "text"
PAGE = 500


@dataclass(frozen=True)
class SeenWhere:
    """What is known of an ad beside what it says."""

    decision_id: str
    market: str
    marked: bool
    reported: bool = False
    """Whether viewers reported it, believed as far as each was right before."""


@dataclass(frozen=True)
class Looked:
    """What was found in the last days."""

    kinds: tuple[CaseOpened, ...]
    ads: int
    """Read."""
    share: float
    """Of the advertisers."""
    opened: tuple[str, ...] = ()
    """Ids of cases that are new on record."""


def look_for_kinds(
    ledger: Ledger, days: int = 1, clock: Callable[[], datetime] = now, progress: Progress = SILENT, *, keep: bool = True
) -> Looked:
    """In the last whole ``days``, beside the four weeks before them, and in what has come of today up to its last whole ``PART``. With
    ``keep``, each new kind becomes a case on record. Raises Unavailable."""
    at = clock()
    today = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    begin, end = today - timedelta(days=DAYS + days), today + (at - today) // PART * PART
    with ledger.look() as connection:
        as_of, share, reporters = end_of(connection), _share(connection, begin, end), Believed.of(connection, at)
    spans = DAYS + days + (end > today)
    progress.stage("reading ads", spans)
    where: dict[str, SeenWhere] = {}
    watch, found, ads, grown = Watch(), list[Kind](), 0, list[CaseOpened]()
    for number in range(spans):
        since = begin + timedelta(days=number)
        over = since < today
        period = Period(since, since + timedelta(days=1) if over else end)
        seen = list(_submitted(ledger, period, share, where))
        marked = [*_marked(ledger, period, where), *_reported(ledger, period, reporters, where)]
        kinds = watch.day(seen, marked) if over else watch.look(seen, marked)
        ads += len(seen)
        found += kinds if number >= DAYS else []
        if over and number >= DAYS:
            with ledger.look() as connection:
                grown += [case_of_copies(one, as_of) for one in growing_kinds(connection, since.date(), kinds)]
        progress.advance()
    told = (*(case_of(kind, where, as_of) for kind in found), *grown)
    opened = []
    if keep:
        for one in told:
            with ledger.write() as writing:
                opened.append(open_case(writing, one, at))
        _note(ledger, _part(at))
    return Looked(told, ads, share, tuple(one for one in opened if one))


def looked_for(ledger: Ledger, clock: Callable[[], datetime] = now) -> bool:
    """Whether somebody has looked since the last part of the day (UTC) began."""
    with ledger.look() as connection:
        last = connection.execute(select(projections.c.seq).where(projections.c.name == LOOKED)).scalar_one_or_none()
    return last is not None and last >= _part(clock())


def _part(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // PART


def case_of(kind: Kind, where: dict[str, SeenWhere], as_of: int) -> CaseOpened:
    """A kind as it is put on record."""
    told = [where[ad] for ad in dict.fromkeys(kind.ads) if ad in where]
    markets = [market for market, _ in Counter(one.market for one in told).most_common(MARKETS)]
    marked = sum(one.marked for one in told)
    first = sorted(told, key=lambda one: not (one.marked or one.reported))
    said = ", ".join(f"'{phrase}'" for phrase in kind.phrases[:3])
    if kind.strange is not None:
        share, before = percent(kind.share), percent(kind.before)
        says = (
            f"{kind.advertisers} advertisers ({share} of the day's) sent ads unlike those the model learnt from ({kind.strange}), where "
            f"{before} of the advertisers did in the four weeks before{f'; they share {said}' if said else ''}."
        )
    elif kind.by_marks and any(one.reported for one in told):
        whose = f"ads of {kind.advertisers} advertisers"
        says = f"Viewers reported {whose}, and they share {said}."
    elif kind.by_marks:
        says = f"Reviewers marked ads of {kind.advertisers} advertisers as bad though no policy fits, and they share {said}."
    else:
        says = f"{kind.advertisers} advertisers began on one day to say {said}, which hardly anybody said in the four weeks before."
    return CaseOpened(
        language=kind.language,
        phrases=kind.phrases[:PHRASES],
        advertisers=kind.advertisers,
        ads=len(told),
        markets=tuple(markets),
        examples=tuple(one.decision_id for one in first[:EXAMPLES]),
        by_marks=kind.by_marks,
        strange=kind.strange,
        marked=marked,
        reported=sum(one.reported for one in told) or None,
        labels=LABELS,
        says=says,
        proposal=_proposal(told, markets),
        draft=draft(kind),
        as_of=as_of,
        by=BY,
    )


def case_of_copies(one: GrowingKind, as_of: int) -> CaseOpened:
    """A cluster that grew, as it is put on record."""
    where = {made.ad.ad_id: SeenWhere(made.decision.decision_id, made.ad.market, marked=False) for made in one.decisions}
    usual = case_of(one.kind, where, as_of)
    brake = f"adverdict brake on --side approve --cluster {one.cluster}"
    steps = f"Label {LABELS} of its ads, then write a policy or widen one (a draft is below), and train on the labels."
    proposal = f"{steps} Where it is grave, leave its copies to people meanwhile, whatever their risk: {brake} --why …"
    return usual.model_copy(update={"cluster": one.cluster, "says": in_words(one), "proposal": proposal})


def draft(kind: Kind) -> str:
    """Of a policy for such ads, to be put into default.yaml once labels say what they are. Restricted: it rejects nobody by itself."""
    title = f"Ads that say: {', '.join(kind.phrases[:3])}" if kind.phrases else f"Ads unlike those learnt from: {kind.strange}"
    name = "new_" + "_".join(word for word in kind.phrases[0].split() if word.isascii() and word.isalnum())[:40] if kind.phrases else "new"
    rule = {
        "title": title,
        "severity": "serious",
        "stance": "restricted",
        "targets": {"max_leakage": 0.02, "max_wrongful_reject": 0.1, "confidence": 0.95},
        "thresholds": "auto",
        "when_degraded": "review",
        "when_uncertified": "review",
        "audit_share": 0.05,
        "reason": "To be written: the sentence that an advertiser reads.",
    }
    return yaml.safe_dump({"policies": {name.rstrip("_") or "new": rule}}, sort_keys=False, allow_unicode=True, width=120)


def _proposal(told: Sequence[SeenWhere], markets: Sequence[str]) -> str:
    steps = f"Label {LABELS} of its ads, then write a policy or widen one (a draft is below), and train on the labels."
    there = sum(one.market == markets[0] for one in told) if markets else 0
    if told and there >= MOSTLY * len(told):
        brake = f"adverdict brake on --side approve --market {markets[0]}"
        return f"{steps} Where it is grave, leave what would be approved there to people meanwhile: {brake} --why …"
    return f"{steps} It comes from {len(markets)} markets: a brake would have to stop approvals in all of them."


def _share(connection: Connection, begin: datetime, end: datetime) -> float:
    """Of the advertisers that are read, so that there are at most ``MOST`` ads."""
    query = select(func.count()).select_from(contents.join(entries, entries.c.seq == contents.c.seq))
    query = query.where(contents.c.submission.is_not(None), entries.c.at >= micros(begin), entries.c.at < micros(end))
    return min(1.0, MOST / max(1, connection.execute(query).scalar_one()))


def _submitted(ledger: Ledger, period: Period, share: float, where: dict[str, SeenWhere]) -> Iterator[SeenAd]:
    for entry in standing_only(ledger, entries_in(ledger, period, (DecisionMade.kind,))):
        made = entry.body
        if isinstance(made, DecisionMade) and made.first and _chosen(made.ad, share):
            where.setdefault(made.ad.ad_id, SeenWhere(entry.entry_id, made.ad.market, marked=False))
            yield SeenAd.of(made.ad, strange=strange_of(made.decision))


def strange_of(decision: Decision) -> str | None:
    """What of its ad the model has hardly seen; None: nothing, or the decision does not say. A decision says how familiar the ad was also
    where the policies in force let it be decided all the same."""
    told = [one.about or TEXT for one in degradations(decision.degraded) if one.cause is Cause.UNFAMILIAR]
    if told:
        return told[0]
    return TEXT if decision.familiarity is not None and decision.familiarity <= DEFAULT_UNFAMILIAR_SHARE else None


def _marked(ledger: Ledger, period: Period, where: dict[str, SeenWhere]) -> Iterator[SeenAd]:
    """Each ad once a day, however many marked it; all advertisers': there are few."""
    told = dict.fromkeys(entry.body.decision_id for entry in entries_in(ledger, period, (Marked.kind,)) if isinstance(entry.body, Marked))
    for page in pages(told, PAGE):
        with ledger.look() as connection:
            made = decisions_of(connection, page)
        for decision_id, one in made.items():
            where[one.ad.ad_id] = SeenWhere(decision_id, one.ad.market, marked=True)
            yield SeenAd.of(one.ad, marked=True)


def _reported(ledger: Ledger, period: Period, believed: Believed, where: dict[str, SeenWhere]) -> Iterator[SeenAd]:
    """Ads that viewers reported on the day, where they are believed enough: a flood of reporters who are mostly wrong is not."""
    who: defaultdict[str, set[str]] = defaultdict(set)
    for entry in entries_in(ledger, period, (Reported.kind,)):
        if isinstance(entry.body, Reported):
            who[entry.body.decision_id].add(entry.body.reporter)
    names = [decision_id for decision_id, told in who.items() if believed.likely(told) >= BELIEVED]
    for page in pages(names, PAGE):
        with ledger.look() as connection:
            made = decisions_of(connection, page)
        for decision_id, one in made.items():
            before = where.get(one.ad.ad_id)
            where[one.ad.ad_id] = SeenWhere(decision_id, one.ad.market, marked=before is not None and before.marked, reported=True)
            yield SeenAd.of(one.ad, reported=True)


def _chosen(ad: Ad, share: float) -> bool:
    return share >= 1 or (number_of(ad.advertiser_id) % 10**6) < share * 10**6


def _note(ledger: Ledger, part: int) -> None:
    with ledger.change() as connection:
        connection.execute(delete(projections).where(projections.c.name == LOOKED))
        connection.execute(projections.insert().values(name=LOOKED, seq=part))
