"""Reports of viewers: on record, weighed by who reports, and where they weigh enough, the ad is back in line.

A report chooses its ad on the truth, so no rate is ever computed from one: what it leads to is a task of a kind of its own. How right
reporters are is learnt from what people settled about reported ads afterwards, whatever made them read these.
"""

from __future__ import annotations

import hmac
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import Connection, select

from adverdict.decisions.policy import PolicyBook
from adverdict.domain.errors import InvalidInput, Mistake
from adverdict.domain.verdict import Verdict
from adverdict.ledger.bodies.signals import Reported, Sign
from adverdict.ledger.effective import EffectiveDecision, effective_decisions
from adverdict.ledger.entries import Resolved, Ruled
from adverdict.ledger.entropy import hexadecimal
from adverdict.ledger.schema import contents, entries
from adverdict.ledger.schema import tasks as table
from adverdict.ledger.store import CHUNK, Writing, entry_of, entry_query
from adverdict.review.reports.reliability import Reliability, estimate, likely, records_of
from adverdict.review.tasks.rechecking import Suspect, put_back
from adverdict.review.tasks.settings import ReviewSettings

ENOUGH = 0.3
"""How likely an ad must violate, by its reporters, to be read again."""
KNOWN = timedelta(days=180)
"""Of the past by which reporters are known."""
MOST = 20_000
"""Reports by which reporters are known at most: the last ones."""
OPEN = 100
"""Ads that are in line because of reports at most, so that a flood takes nobody's time but so much."""


@dataclass(frozen=True)
class ViewerReport:
    """What came in."""

    ad_id: str
    reporter: str
    """The platform's id of the viewer: only a hash of it is kept."""
    policy: str | None = None
    statement: str | None = None


@dataclass(frozen=True)
class Taken:
    """What became of one report."""

    report_id: str
    counts: bool
    """Whether it adds anything: a reporter counts once about an ad."""
    task_id: str | None
    """The task that it led to; None: none, for now."""


@dataclass(frozen=True)
class Believed:
    """What is known of who reports."""

    records: Mapping[str, tuple[int, int]]
    """Reporter -> (right, settled)."""
    reliability: Reliability

    @classmethod
    def of(cls, connection: Connection, at: datetime) -> Believed:
        records = reporters(connection, at)
        return cls(records, estimate(list(records.values())))

    def likely(self, names: Iterable[str]) -> float:
        """How likely an ad violates that these reported."""
        return likely([self.reliability.of(*self.records.get(name, (0, 0))) for name in names])


def take(
    writing: Writing,
    told: Sequence[ViewerReport],
    secret: bytes,
    believed: Believed,
    book: PolicyBook,
    settings: ReviewSettings,
    by: str,
    now: datetime,
) -> list[Taken]:
    """Put reports on record, and ads back in line where they weigh enough. ``believed`` may be some minutes old: reading what is known of
    reporters takes a while, and nobody else can write meanwhile. Raises InvalidInput with every mistake; then nothing is on record."""
    connection = writing.connection
    known = effective_decisions(connection, [one.ad_id for one in told])
    _refuse(told, known, book)
    about = _reports_of(connection, [one.decision_id for one in known.values()])
    ids, counts = [], []
    for one in told:
        stands, reporter = known[one.ad_id], pseudonym(one.reporter, secret)
        counts.append(reporter not in about[stands.decision_id])
        about[stands.decision_id].add(reporter)
        ids.append(f"rpt-{hexadecimal()}")
        writing.append(ids[-1], _entry(connection, one, stands, reporter, by), now)
    writing.flush()
    suspects = _suspects(known, about, believed)
    room = OPEN - _open(connection)
    opened = put_back(writing, suspects[: max(room, 0)], book, settings, by, now)
    return [Taken(name, new, opened.get(one.ad_id)) for name, new, one in zip(ids, counts, told, strict=True)]


def pseudonym(reporter: str, secret: bytes) -> str:
    """What is kept of a viewer's id."""
    return hmac.new(secret, reporter.encode(), sha256).hexdigest()[:32]


def reporters(connection: Connection, now: datetime) -> dict[str, tuple[int, int]]:
    """Reporter -> (right, settled) of the reports of ``KNOWN``: an ad was settled by the last word of people after the report."""
    query = entry_query().where(entries.c.kind == Reported.kind).order_by(entries.c.seq.desc()).limit(MOST)
    reports = [one for one in map(entry_of, connection.execute(query)) if isinstance(one.body, Reported) and now - one.at <= KNOWN]
    words = _words(connection, sorted({one.body.decision_id for one in reports if isinstance(one.body, Reported)}))
    told: defaultdict[str, list[bool | None]] = defaultdict(list)
    seen: set[tuple[str, str]] = set()
    for one in reports:
        body = one.body
        if not isinstance(body, Reported) or (body.reporter, body.decision_id) in seen:
            continue
        seen.add((body.reporter, body.decision_id))
        after = [violates for seq, violates in words.get(body.decision_id, ()) if seq > one.seq]
        told[body.reporter].append(after[-1] if after else None)
    return records_of(told)


def _words(connection: Connection, ids: Sequence[str]) -> dict[str, list[tuple[int, bool]]]:
    """Decision -> what people said of it, in order: whether it violates. A recheck that leaves the ad as it is says that it does not."""
    found: defaultdict[str, list[tuple[int, bool]]] = defaultdict(list)
    for start in range(0, len(ids), CHUNK):
        some = ids[start : start + CHUNK]
        query = entry_query().where(contents.c.about.in_(some), entries.c.kind.in_((Resolved.kind, Ruled.kind, "answer")))
        for entry in map(entry_of, connection.execute(query.order_by(entries.c.seq))):
            body = entry.body
            if isinstance(body, Resolved):
                found[body.decision_id].append((entry.seq, body.verdict is Verdict.REJECT))
            elif isinstance(body, Ruled):
                found[body.decision_id].append((entry.seq, body.outcome == "upheld"))
            elif body is not None and getattr(body, "task_kind", "") in ("recheck", "audit") and getattr(body, "verdict", "") == "approve":
                found[body.decision_id].append((entry.seq, False))  # type: ignore[union-attr]  # an answer
    return found


def _suspects(known: Mapping[str, EffectiveDecision], about: Mapping[str, set[str]], believed: Believed) -> list[Suspect]:
    """Those that weigh enough, the likeliest first."""
    found = []
    for ad_id, stands in known.items():
        names = about[stands.decision_id]
        share = believed.likely(names)
        if share >= ENOUGH:
            says = f"{len(names)} viewers reported it; by how right each was before, it violates with probability {share:.2f}."
            figures = {"reporters": len(names), "likely": round(share, 4), "mean": round(believed.reliability.mean, 4)}
            found.append(Suspect(ad_id, Sign.REPORTS, says, figures, urgency=1 + 10 * share))
    return sorted(found, key=lambda one: -float(one.figures["likely"]))  # type: ignore[arg-type]


def _reports_of(connection: Connection, ids: Sequence[str]) -> dict[str, set[str]]:
    """Decision -> who reported it."""
    found: dict[str, set[str]] = {one: set() for one in ids}
    for start in range(0, len(ids), CHUNK):
        query = entry_query().where(entries.c.kind == Reported.kind, contents.c.about.in_(ids[start : start + CHUNK]))
        for entry in map(entry_of, connection.execute(query)):
            if isinstance(entry.body, Reported):
                found[entry.body.decision_id].add(entry.body.reporter)
    return found


def _open(connection: Connection) -> int:
    """Tasks of rechecks that wait."""
    query = select(table.c.task_id).where(table.c.kind == "recheck", table.c.state.in_(("open", "leased")))
    return len(connection.execute(query).all())


def _entry(connection: Connection, one: ViewerReport, stands: EffectiveDecision, reporter: str, by: str) -> Reported:
    its = contents.c.about == stands.decision_id
    query = select(contents.c.advertiser_id, contents.c.market).where(its, contents.c.submitted_at.is_not(None))
    row = connection.execute(query).one()
    return Reported(
        decision_id=stands.decision_id,
        ad_id=one.ad_id,
        advertiser_id=row.advertiser_id,
        market=row.market,
        reporter=reporter,
        policy=one.policy,
        statement=one.statement,
        by=by,
    )


def _refuse(told: Sequence[ViewerReport], known: dict[str, EffectiveDecision], book: PolicyBook) -> None:
    wrong = []
    for number, one in enumerate(told):
        if one.ad_id not in known:
            wrong.append(Mistake(f"reports[{number}].ad_id", one.ad_id, "an ad that was decided here"))
        if one.policy is not None and one.policy not in book.names:
            wrong.append(Mistake(f"reports[{number}].policy", one.policy, f"a policy, or none: {', '.join(book.names)}"))
    if wrong:
        raise InvalidInput("nothing was recorded", wrong)
