"""A decision as a line of a list: what stands, why, and how sure it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, Select, select

from adverdict.domain.verdict import Verdict
from adverdict.ledger.chain import plain_json
from adverdict.ledger.entries import Appealed, DecisionMade, Resolved
from adverdict.ledger.moments import moment
from adverdict.ledger.schema import contents, entries, tasks
from adverdict.ledger.store import withdrawn
from adverdict.review.tasks.tasks import UNFINISHED

LONGEST_TITLE = 120
Certification = Literal["certified", "not certified", "no threshold was used"]


@dataclass(frozen=True)
class DecisionSummary:
    """``settled``: what people made of it."""

    seq: int
    decision_id: str
    ad_id: str
    advertiser_id: str
    market: str
    surface: str | None
    domain: str | None
    title: str
    at: datetime
    verdict: str
    """Of the model."""
    settled: str | None
    being_read: bool
    withdrawn: bool
    """With the rescoring step that recorded it."""
    why: str | None
    """The policy that led to the model's verdict; of approved ads, that of the highest risk. None: no policy was in force."""
    against: tuple[str, ...]
    """Policies that did not approve."""
    risk: float | None
    """Of ``why``; None: no model could score it."""
    certification: Certification
    degraded: tuple[str, ...]
    appealed: bool

    @property
    def stands(self) -> str:
        return self.settled or self.verdict

    @property
    def overturned(self) -> bool:
        """Whether people decided otherwise than the model did by itself."""
        return self.settled is not None and self.verdict != Verdict.REVIEW.value and self.settled != self.verdict

    @property
    def upheld(self) -> bool:
        """Whether people looked at an automatic verdict and left it."""
        return self.settled is not None and self.settled == self.verdict


def certification(policies: Sequence[Any], uncertified: bool) -> Certification:
    """``policies``: verdicts as the decision's JSON has them."""
    if not any(one["approve_below"] is not None for one in policies):
        return "no threshold was used"
    return "not certified" if uncertified else "certified"


def lines(connection: Connection, chosen: Any) -> list[DecisionSummary]:
    """Of the decisions among ``chosen``, an expression over ``entries`` and ``contents``; latest first."""
    return summarised(connection, connection.execute(_query().where(chosen).order_by(entries.c.seq.desc())).all())


def summarised(connection: Connection, rows: Sequence[Row[Any]]) -> list[DecisionSummary]:
    ids = [row.entry_id for row in rows]
    settled, ended = _settled(connection, ids), withdrawn(connection)
    read = set(connection.scalars(select(tasks.c.about).where(tasks.c.about.in_(ids), tasks.c.state.in_(UNFINISHED))))
    appealed = set(connection.scalars(_about(ids, Appealed.kind)))
    return [_line(row, settled, ended, read, appealed) for row in rows]


def _query() -> Select[Any]:
    columns = (contents.c.ad_id, contents.c.market, contents.c.verdict, contents.c.step, contents.c.body)
    query = select(entries.c.seq, entries.c.entry_id, entries.c.at, *columns).join(contents, contents.c.seq == entries.c.seq)
    return query.where(entries.c.kind == DecisionMade.kind)


def _line(row: Row[Any], settled: dict[str, str], ended: dict[str, int], read: set[str], appealed: set[str]) -> DecisionSummary:
    body: Any = plain_json(row.body)
    ad, decision = body["ad"], body["decision"]
    policies = decision["policies"]
    first = min(policies, key=_leading, default=None)
    return DecisionSummary(
        seq=row.seq,
        decision_id=row.entry_id,
        ad_id=row.ad_id,
        advertiser_id=ad["advertiser_id"],
        market=row.market,
        surface=ad.get("surface"),
        domain=ad.get("landing_domain"),
        title=title_of(ad),
        at=moment(row.at),
        verdict=row.verdict,
        settled=settled.get(row.entry_id),
        being_read=row.entry_id in read,
        withdrawn=row.step in ended,
        why=first["policy"] if first else None,
        against=tuple(one["policy"] for one in policies if one["verdict"] != Verdict.APPROVE.value),
        risk=first["risk"]["p"] if first and first["risk"] else None,
        certification=certification(policies, decision["uncertified"]),
        degraded=tuple(decision["degraded"]),
        appealed=row.entry_id in appealed,
    )


def title_of(ad: Any) -> str:
    return str(ad.get("title") or ad.get("body") or ad.get("creative_ocr_text") or "(no text)")[:LONGEST_TITLE]


def _leading(one: Any) -> tuple[int, float]:
    return -Verdict(one["verdict"]).severity, -(one["risk"]["p"] if one["risk"] else -1.0)


def _settled(connection: Connection, decision_ids: Sequence[str]) -> dict[str, str]:
    query = select(contents.c.about, contents.c.verdict).join(entries, entries.c.seq == contents.c.seq)
    query = query.where(entries.c.kind == Resolved.kind, contents.c.about.in_(decision_ids))
    return {row.about: row.verdict for row in connection.execute(query.order_by(contents.c.seq))}


def _about(decision_ids: Sequence[str], kind: str) -> Select[Any]:
    query = select(contents.c.about).join(entries, entries.c.seq == contents.c.seq)
    return query.where(entries.c.kind == kind, contents.c.about.in_(decision_ids))
