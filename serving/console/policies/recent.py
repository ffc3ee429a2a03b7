"""Recent decisions under one policy, with what people said of them: read from the ledger and kept for a moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from sqlalchemy import Connection, func, select

from adverdict.decisions.books import HasBook, book_of
from adverdict.decisions.policy import PolicyBook, PolicyInForce
from adverdict.domain.decision import Decision
from adverdict.domain.identity import surface_key
from adverdict.domain.verdict import Verdict, most_severe
from adverdict.ledger.chain import plain_json
from adverdict.ledger.effective import not_withdrawn
from adverdict.ledger.entries import Answered, Labelled, Ruled
from adverdict.ledger.moments import moment
from adverdict.ledger.said import effective
from adverdict.ledger.schema import contents, entries
from adverdict.ledger.store import Ledger
from adverdict.review.labels.labels import inclusion, planned
from adverdict.review.period import about_each
from adverdict.serving.console.policies.shares import ScoredDecisions

DECISIONS = 4000
"""On a page: the latest of the market."""
LOOKED_AT = 200_000
"""Entries searched for them: a market with few ads must not make the page read the whole ledger."""
FRESH = timedelta(seconds=30)


@dataclass(frozen=True)
class Decided:
    """One decision under the policy. ``rest``: the most severe verdict of the other policies."""

    decision_id: str
    title: str
    p: float
    rest: Verdict
    verdict: Verdict
    """The policy's own, as decided then."""
    rejectable: bool
    """False where the policy only restricts: a person sees the ad instead."""


@dataclass(frozen=True)
class RecentDecisions:
    """What the page is made of. ``seen`` is ordered by risk, ``decided`` latest first; ``unscored`` had no risk."""

    decided: tuple[Decided, ...]
    seen: ScoredDecisions
    unscored: int
    since: datetime | None
    read_at: datetime


@dataclass(frozen=True, slots=True)
class RecentQuery:
    """Policy, market, and surface as the files name it; None: every surface they do not name."""

    policy: str
    market: str
    surface: str | None


class RecentCache:
    """A cache of a few pages' data, one a worker."""

    SIZE = 16

    def __init__(self, ledger: Ledger, book: PolicyBook | HasBook, clock: Callable[[], datetime]) -> None:
        self._ledger, self._book, self._clock = ledger, book, clock
        self._kept: dict[RecentQuery, RecentDecisions] = {}
        self._lock = Lock()

    def get(self, asked: RecentQuery) -> RecentDecisions:
        """At most ``FRESH`` old. Many askers at once read once."""
        with self._lock:
            now = self._clock()
            kept = self._kept.get(asked)
            if kept is None or now - kept.read_at >= FRESH:
                self._kept.pop(asked, None)
                while len(self._kept) >= self.SIZE:
                    self._kept.pop(next(iter(self._kept)))
                kept = self._kept[asked] = read(self._ledger, book_of(self._book), asked, now)
            return kept


def read(ledger: Ledger, book: PolicyBook, asked: RecentQuery, now: datetime) -> RecentDecisions:
    with ledger.look() as connection:
        found = [
            one for one in _decisions(connection, asked.market) if _place(book, asked.market, one["ad"].get("surface")) == asked.surface
        ]
        scored = [(one, told) for one in found if (told := _told(one, asked.policy)) is not None and told["risk"] is not None]
        truths = _truths(connection, asked.policy, {one["decision"]["decision_id"]: one for one, _ in scored})
    rule = next((policy for policy in book.in_force(asked.market, asked.surface) if policy.name == asked.policy), None)
    decided = tuple(_decided(one, told, asked, rule) for one, told in scored)
    rows = [(one.p, *truths.get(one.decision_id, (0.0, False)), one.rejectable) for one in decided]
    since = moment(min(one["at"] for one in found)) if found else None
    return RecentDecisions(decided, ScoredDecisions.of(rows), len(found) - len(scored), since, now)


def _decisions(connection: Connection, market: str) -> Iterator[dict[str, Any]]:
    end = connection.scalar(select(func.max(entries.c.seq))) or 0
    query = (
        select(entries.c.at, contents.c.body)
        .join(contents, contents.c.seq == entries.c.seq)
        .where(entries.c.kind == "decision", entries.c.seq > end - LOOKED_AT, contents.c.market == market)
        .where(not_withdrawn())
    )
    for row in connection.execute(query.order_by(entries.c.seq.desc()).limit(DECISIONS)):
        body: Any = plain_json(row.body)
        yield {**body, "at": row.at}


def _place(book: PolicyBook, market: str, surface: str | None) -> str | None:
    rules = book.rules.get(market)
    key = surface_key(surface)
    return key if rules is not None and key in rules.by_surface else None


def _told(one: dict[str, Any], policy: str) -> dict[str, Any] | None:
    return next((told for told in one["decision"]["policies"] if told["policy"] == policy), None)


def _decided(one: dict[str, Any], told: dict[str, Any], asked: RecentQuery, rule: PolicyInForce | None) -> Decided:
    others = [Verdict(other["verdict"]) for other in one["decision"]["policies"] if other["policy"] != asked.policy]
    ad = one["ad"]
    title = ad.get("title") or ad.get("body") or ad.get("creative_ocr_text") or "(no text)"
    return Decided(
        one["decision"]["decision_id"],
        title[:100],
        told["risk"]["p"],
        most_severe(others) if others else Verdict.APPROVE,
        Verdict(told["verdict"]),
        rule is None or rule.may_reject(rule.licence_held(asked.market, ad.get("advertiser_licences"))),
    )


def _truths(connection: Connection, policy: str, decisions: dict[str, dict[str, Any]]) -> dict[str, tuple[float, bool]]:
    """Decision -> (1/probability of being read, what most of its readers say); a tie counts as violating."""
    truths = {}
    for decision_id, told in about_each(connection, list(decisions), (Labelled.kind, Answered.kind, Ruled.kind)).items():
        decision = Decision.model_validate(decisions[decision_id]["decision"])
        read = [
            label for entry, label in effective(told) if label.policy == policy and isinstance(entry.body, Answered) and not planned(label)
        ]
        said = [(probability, label.violates) for label in read if (probability := inclusion(label, decision))]
        if said:
            violating = sum(1 for _, violates in said if violates)
            truths[decision_id] = (1 / said[0][0], 2 * violating >= len(said))
    return truths
