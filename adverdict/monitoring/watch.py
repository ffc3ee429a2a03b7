"""Everything that is promised, looked at once: what rings, since when, what it is likely to be, and what to do about it.

the ledger's audits and reviews -> one stream a cell -> evidence -> an alarm on record, unless one of the same cell is open

Only what is settled counts: the days before the first whose answers are still awaited, or that are older than ``PATIENCE`` days.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
from pydantic import JsonValue

from adverdict.certification.certificate import Certificate
from adverdict.certification.words import Side
from adverdict.decisions.policy import PolicyBook, Severity
from adverdict.domain.formats import percent
from adverdict.domain.verdict import Verdict
from adverdict.ledger.bodies.alarm import AlarmOpened
from adverdict.ledger.in_force.alarms import Alarm, alarms, open_alarm
from adverdict.ledger.store import Ledger, now
from adverdict.monitoring import calibration, leakage
from adverdict.monitoring.attribution import Attribution, Drift, Stretch, attribute
from adverdict.monitoring.budget import Cell, Watched, alarms_a_year
from adverdict.monitoring.read import ReadAd, ReadAds, read_ads

DAYS = 180
"""Looked back."""
PATIENCE = 14
FEWEST = 20
"""First audits of advertisers, or labels, before anything is said of a cell."""
EXAMPLES = 5
BY = "monitor"


@dataclass(frozen=True)
class CellStanding:
    """How one cell stands."""

    cell: Cell
    name: str
    """As alarms have it."""
    limit: float | None
    """The share of errors promised, or the log-odds tolerated."""
    counted: int
    """First audits of advertisers, or labels."""
    errors: int
    evidence: float
    rings_at: float | None
    """None: too little was read to say anything."""
    alarm: AlarmOpened | None = None
    """What is to be told; None: it does not ring."""
    told: Alarm | None = None
    """The alarm that is open."""


def watch(
    ledger: Ledger, certificates: Sequence[Certificate], book: PolicyBook, budget: float, clock: Callable[[], datetime] = now
) -> list[CellStanding]:
    """Look once. What rings is on record before this returns; doing so twice opens nothing twice. Raises Unavailable."""
    found = look(ledger, certificates, book, budget, clock)
    for one in found:
        if one.alarm is not None:
            with ledger.write() as writing:
                open_alarm(writing, one.alarm, clock())
    return found


def look(
    ledger: Ledger, certificates: Sequence[Certificate], book: PolicyBook, budget: float, clock: Callable[[], datetime] = now
) -> list[CellStanding]:
    """The same without putting anything on record."""
    today = clock().astimezone(UTC).date()
    begin = today - timedelta(days=DAYS)
    read = read_ads(ledger, datetime.combine(begin, datetime.min.time(), UTC))
    with ledger.look() as connection:
        known = alarms(connection)
    cells = list(_cells(certificates, book))
    may = alarms_a_year([cell for cell, _ in cells], budget) if cells else {}
    return [_standing(cell, certificate, read, may[cell], known, begin, today) for cell, certificate in cells]


def _cells(certificates: Sequence[Certificate], book: PolicyBook) -> Iterator[tuple[Cell, Certificate]]:
    """Of each certificate the sides that decide, and of each policy the risks near its thresholds."""
    severities = _severities(book)
    policies: set[str] = set()
    for one in certificates:
        severity = severities.get(one.policy, Severity.QUALITY)
        markets = one.served or tuple(market.market for market in one.markets if not market.lends)
        for side, kind, decides in (
            (Side.APPROVE, Watched.LEAKAGE, one.approve_below > 0),
            (Side.REJECT, Watched.WRONGFUL, one.reject_at < 1),
        ):
            bound = one.bound(side)
            if decides and bound is not None and 0 < bound.limit < 1:
                yield Cell(kind, one.policy, severity, markets), one
        if one.decides and one.policy not in policies:
            policies.add(one.policy)
            everywhere = {market for other in certificates if other.policy == one.policy for market in other.served}
            yield Cell(Watched.CALIBRATION, one.policy, severity, tuple(sorted(everywhere)) or markets), one


def _severities(book: PolicyBook) -> dict[str, Severity]:
    order, found = list(Severity), dict[str, Severity]()
    for _, _, policy in book.every():
        found[policy.name] = min(found.get(policy.name, policy.severity), policy.severity, key=order.index)
    return found


def _standing(
    cell: Cell, certificate: Certificate, read: ReadAds, may: float, known: Sequence[Alarm], begin: date, today: date
) -> CellStanding:
    name = f"{cell.watched}/{cell.policy}/{'all' if cell.watched is Watched.CALIBRATION else certificate.certificate_id}"
    closed = [one.closed_at for one in known if one.told.cell == name and one.closed_at is not None]
    told = next((one for one in known if one.told.cell == name and one.closed_at is None), None)
    begin = max([begin, *(moment.astimezone(UTC).date() for moment in closed)])
    ads = _settled(_of_cell(cell, certificate, read.ads), begin, today)
    start = ads[0].decision.decided_at.astimezone(UTC).date() if ads else begin
    look_at = _calibration if cell.watched is Watched.CALIBRATION else _errors
    counted, errors, evidence, rings_at, limit, change = look_at(cell, certificate, ads, may, start)
    alarm = None
    if told is None and rings_at is not None and evidence >= rings_at and change is not None:
        alarm = _alarm(cell, certificate, name, ads, change, {"evidence": evidence, "rings_at": rings_at}, read.seq, start)
    return CellStanding(cell, name, limit, counted, errors, evidence, rings_at, alarm, told)


@dataclass(frozen=True)
class _Change:
    day: int
    """Of the stream, from which it is likeliest to have been so."""
    says: str
    figures: Mapping[str, JsonValue]


_Looked = tuple[int, int, float, float | None, float | None, _Change | None]
"""Counted, errors, evidence, the evidence it rings at, what is allowed, and the change if there is one."""


def _of_cell(cell: Cell, certificate: Certificate, ads: Sequence[ReadAd]) -> list[ReadAd]:
    """Automatic decisions by the certificate that were audited; of risks, all that was read under the policy."""
    if cell.watched is Watched.CALIBRATION:
        return [one for one in ads if any(told.policy == cell.policy and told.risk is not None for told in one.decision.policies)]
    verdict = Verdict.APPROVE if cell.watched is Watched.LEAKAGE else Verdict.REJECT
    return [
        one
        for one in ads
        if one.decision.verdict is verdict
        and any(
            told.policy == cell.policy and told.certificate_id == certificate.certificate_id and told.verdict is verdict
            for told in one.decision.policies
        )
    ]


def _settled(ads: Sequence[ReadAd], start: date, today: date) -> list[ReadAd]:
    """Up to the first day whose answers are awaited and not yet given up."""
    waiting = [_day(one, start) for one in ads if one.open and (today - one.decision.decided_at.astimezone(UTC).date()).days < PATIENCE]
    end = min([(today - start).days, *waiting])
    return [one for one in ads if 0 <= _day(one, start) < end and not one.open]


def _day(ad: ReadAd, start: date) -> int:
    return (ad.decision.decided_at.astimezone(UTC).date() - start).days


def _errors(cell: Cell, certificate: Certificate, ads: Sequence[ReadAd], may: float, start: date) -> _Looked:
    """Of audited decisions of one side."""
    side = Side.APPROVE if cell.watched is Watched.LEAKAGE else Side.REJECT
    bound = certificate.bound(side)
    limit = bound.limit if bound else 0.5
    wrong = [one.violates(cell.policy) is (side is Side.APPROVE) for one in ads]
    number = {name: i for i, name in enumerate(dict.fromkeys(one.decision.advertiser_id for one in ads))}
    stream = leakage.SettledAudits(
        np.array([_day(one, start) for one in ads], dtype=np.int64),
        np.array([number[one.decision.advertiser_id] for one in ads], dtype=np.int64),
        np.array(wrong, dtype=np.bool_),
    ).firsts()
    n, errors = len(stream.day), int(stream.error.sum())
    if n < FEWEST:
        return n, errors, 1.0, None, limit, None
    days = int(stream.day[-1]) + 1
    evidence = float(leakage.evidence(stream, limit, days).max())
    rings_at = leakage.level_of(np.bincount(stream.day, minlength=days), limit, may, np.random.default_rng(0))
    change = leakage.likely_change(stream, limit, days)
    done = "approved, of advertisers' first audited ones, violate" if side is Side.APPROVE else "rejected do not violate"
    low, high = change.interval
    says = (
        f"{change.errors:,} of {change.audited:,} ads {done} since then: {percent(change.share)} ({percent(low)} to {percent(high)}), "
        f"where at most {percent(limit)} may."
    )
    figures: dict[str, JsonValue] = {"errors": change.errors, "audited": change.audited, "limit": limit, "interval": [low, high]}
    worse = _Change(change.since, says, figures) if change.share > limit else None
    return n, errors, evidence, rings_at, limit, worse


def _calibration(cell: Cell, certificate: Certificate, ads: Sequence[ReadAd], may: float, start: date) -> _Looked:
    """Of risks, by the first label of each advertiser."""
    seen: set[str] = set()
    rows = []
    for one in ads:
        truth, p = one.violates(cell.policy), _risk(one, cell.policy)
        if truth is not None and p is not None and one.decision.advertiser_id not in seen:
            seen.add(one.decision.advertiser_id)
            rows.append((p, truth, _day(one, start) // 7))
    n, wrong = len(rows), sum(truth for _, truth, _ in rows)
    if n < FEWEST:
        return n, wrong, 1.0, None, None, None
    risk, violates, week = (np.array(column) for column in zip(*rows, strict=True))
    weeks = int(week[-1]) + 1
    within = calibration.tolerated(risk, certificate.approve_below, certificate.reject_at)
    found = calibration.evidence(risk, violates.astype(np.bool_), week, within, weeks)
    rings_at = calibration.level_of(risk, week, within, weeks, may, np.random.default_rng(0))
    expected = float(risk.sum())
    says = (
        f"{wrong:,} of {n:,} labelled ads violate where the risks say {expected:,.0f}: they are off by more than {within.log_odds:.2f} "
        f"log-odds, which would change more than {percent(calibration.CHANGED)} of the decisions on ads that people read."
    )
    figures: dict[str, JsonValue] = {"violating": wrong, "labelled": n, "expected": expected, "tolerated": within.log_odds}
    return n, wrong, float(found.max()), rings_at, within.log_odds, _Change(0, says, figures)


def _risk(ad: ReadAd, policy: str) -> float | None:
    return next((told.risk.p for told in ad.decision.policies if told.policy == policy and told.risk is not None), None)


def _alarm(
    cell: Cell,
    certificate: Certificate,
    name: str,
    ads: Sequence[ReadAd],
    change: _Change,
    figures: Mapping[str, JsonValue],
    seq: int,
    start: date,
) -> AlarmOpened:
    since = start + timedelta(days=change.day)
    drift = _drift(cell, certificate, ads, since)
    wanted = cell.watched is not Watched.WRONGFUL
    examples = [
        one.decision.decision_id
        for one in ads
        if one.decision.decided_at.astimezone(UTC).date() >= since and one.violates(cell.policy) is wanted
    ]
    return AlarmOpened(
        cell=name,
        watched=str(cell.watched),
        policy=cell.policy,
        markets=cell.markets,
        since=datetime.combine(since, datetime.min.time(), UTC),
        says=f"{change.says} {drift.sentence}",
        proposal=proposal(cell, drift.drift),
        figures={**figures, **change.figures, "drift": str(drift.drift), "labels": list(drift.labels)},
        examples=tuple(examples[-EXAMPLES:]) if cell.watched is not Watched.CALIBRATION else (),
        as_of=seq,
        by=BY,
    )


def _drift(cell: Cell, certificate: Certificate, ads: Sequence[ReadAd], since: date) -> Attribution:
    """Before the change and since, by what was read: what nobody read says nothing about the meaning of risks."""
    seen: set[str] = set()
    sides: tuple[list[tuple[float, float]], list[tuple[float, float]]] = ([], [])
    for one in ads:
        risk = _risk(one, cell.policy)
        if risk is None or one.decision.advertiser_id in seen:
            continue
        seen.add(one.decision.advertiser_id)
        violates = one.violates(cell.policy)
        sides[one.decision.decided_at.astimezone(UTC).date() >= since].append((risk, float("nan") if violates is None else float(violates)))
    before, after = (Stretch(*np.array(side, dtype=np.float64).reshape(-1, 2).T) for side in sides)
    if not before.risk.size or not after.risk.size:
        return Attribution(Drift.UNKNOWN, 0.0, (before.risk.size, after.risk.size), {}, 1.0, 1.0)
    return attribute(before, after, certificate.approve_below)


def proposal(cell: Cell, drift: Drift) -> str:
    """What to do about an alarm, in words with commands."""
    side = "reject" if cell.watched is Watched.WRONGFUL else "approve"
    stop = f"Stop it meanwhile where it is grave: adverdict brake on --side {side} --policy {cell.policy} --why …"
    match drift:
        case Drift.COVARIATE | Drift.PRIOR:
            return f"The model still tells these ads apart: label a sample (adverdict policy sample) and solve again (policy solve). {stop}"
        case Drift.CONCEPT:
            return f"The model has not learnt this: train on the labels since then (adverdict train), then solve again. {stop}"
        case _:
            return f"Read some of the examples, and label a sample (adverdict policy sample) to tell what has changed. {stop}"
