"""Everything that is promised, looked at once: what rings, since when, what it is likely to be, and what to do about it.

the chain, followed -> tallies -> how each detector stands -> an alarm on record, unless one of the same cell is open
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from adverdict.certification.certificate import Certificate
from adverdict.decisions.policy import PolicyBook
from adverdict.domain.verdict import Verdict
from adverdict.ledger.bodies.alarm import AlarmOpened
from adverdict.ledger.in_force.alarms import Alarm, alarms, open_alarm
from adverdict.ledger.moments import micros, moment
from adverdict.ledger.schema import detectors as table
from adverdict.ledger.store import Ledger, now
from adverdict.monitoring.attribution import Attribution, Drift, Stretch, attribute
from adverdict.monitoring.budget import Cell, Watched, alarms_a_year
from adverdict.monitoring.cells import WatchedCell, cells_of
from adverdict.monitoring.detectors import DAYS, DetectorInputs, DetectorState, look_at
from adverdict.monitoring.following.follower import A_DAY, day_of, follow
from adverdict.monitoring.read import ReadAd, read_ads

EXAMPLES = 5
BY = "monitor"


@dataclass(frozen=True)
class CellStanding:
    """How one cell stands."""

    cell: Cell
    name: str
    """As alarms have it."""
    state: DetectorState
    alarm: AlarmOpened | None = None
    """What is to be told; None: it does not ring."""
    told: Alarm | None = None
    """The alarm that is open."""


@dataclass(frozen=True)
class LastLook:
    """A detector as it stood when somebody looked last."""

    cell: str
    state: DetectorState
    looked_at: datetime


def watch(
    ledger: Ledger, certificates: Sequence[Certificate], book: PolicyBook, budget: float, clock: Callable[[], datetime] = now
) -> list[CellStanding]:
    """Follow the chain and look. What rings is on record before this returns; doing so twice opens nothing twice. Raises Unavailable."""
    found = look(ledger, certificates, book, budget, clock)
    for one in found:
        if one.alarm is not None:
            with ledger.write() as writing:
                open_alarm(writing, one.alarm, clock())
    return found


def look(
    ledger: Ledger, certificates: Sequence[Certificate], book: PolicyBook, budget: float, clock: Callable[[], datetime] = now
) -> list[CellStanding]:
    """The same without opening alarms. How detectors stand is kept, for pages and for the next look where nothing has changed."""
    followed = follow(ledger, clock())
    cells = list(cells_of(certificates, book))
    may = alarms_a_year([one.cell for one in cells], budget) if cells else {}
    with ledger.look() as connection:
        known = alarms(connection)
        before = {row.cell: (row.inputs, row.state) for row in connection.execute(select(table))}
    found, rows = [], []
    for cell in cells:
        inputs = DetectorInputs.of(cell, followed, _begin(cell, known, followed.today), may[cell.cell])
        digest = inputs.digest(cell)
        same = before.get(cell.name, ("", ""))
        state = DetectorState.from_json(same[1]) if same[0] == digest else look_at(cell, inputs)
        rows.append({"cell": cell.name, "state": state.to_json(), "inputs": digest, "looked_at": micros(clock())})
        told = next((one for one in known if one.told.cell == cell.name and one.closed_at is None), None)
        alarm = _alarm(ledger, cell, state, followed.seq) if told is None and state.rings else None
        found.append(CellStanding(cell.cell, cell.name, state, alarm, told))
    with ledger.change() as connection:
        _keep(connection, rows)
    return found


def last_look(ledger: Ledger) -> list[LastLook]:
    """Of every detector, without looking anew."""
    with ledger.look() as connection:
        rows = connection.execute(select(table).order_by(table.c.cell)).all()
    return [LastLook(row.cell, DetectorState.from_json(row.state), moment(row.looked_at)) for row in rows]


def _keep(connection: Connection, rows: list[dict[str, object]]) -> None:
    """Cells that are watched no more are forgotten."""
    connection.execute(delete(table).where(table.c.cell.not_in([row["cell"] for row in rows])))
    if rows:
        adding = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)
        others = {name: adding.excluded[name] for name in ("state", "inputs", "looked_at")}
        connection.execute(adding.on_conflict_do_update(index_elements=["cell"], set_=others), rows)


def _begin(cell: WatchedCell, known: Sequence[Alarm], today: int) -> int:
    """The first day that counts: ``DAYS`` ago, when an alarm of it was closed, and of risks when their thresholds were solved."""
    closed = [day_of(one.closed_at) for one in known if one.told.cell == cell.name and one.closed_at is not None]
    solved = [day_of(cell.certificate.solved_at)] if cell.cell.watched is Watched.CALIBRATION else []
    return max([today - DAYS, *closed, *solved])


def _alarm(ledger: Ledger, watched: WatchedCell, state: DetectorState, seq: int) -> AlarmOpened:
    """With examples, and with which drift it is: only for an alarm is what people read looked up ad by ad."""
    cell, certificate = watched.cell, watched.certificate
    begin, end, since = (_date(day) for day in (state.begin, state.end, state.since or state.begin))
    read = read_ads(ledger, datetime.combine(begin, datetime.min.time(), UTC)).ads
    ads = [
        one for one in _of_cell(cell, certificate, read) if not one.open and begin <= one.decision.decided_at.astimezone(UTC).date() < end
    ]
    drift = _drift(cell, certificate, ads, since)
    wanted = cell.watched is not Watched.WRONGFUL
    examples = [
        one.decision.decision_id
        for one in ads
        if one.decision.decided_at.astimezone(UTC).date() >= since and one.violates(cell.policy) is wanted
    ]
    return AlarmOpened(
        cell=watched.name,
        watched=str(cell.watched),
        policy=cell.policy,
        markets=cell.markets,
        since=datetime.combine(since, datetime.min.time(), UTC),
        says=f"{state.says} {drift.sentence}",
        proposal=proposal(cell, drift.drift),
        figures={
            "evidence": state.evidence,
            "rings_at": state.rings_at,
            **state.figures,
            "drift": str(drift.drift),
            "labels": list(drift.labels),
        },
        examples=tuple(examples[-EXAMPLES:]) if cell.watched is not Watched.CALIBRATION else (),
        as_of=seq,
        by=BY,
    )


def _of_cell(cell: Cell, certificate: Certificate, ads: Sequence[ReadAd]) -> list[ReadAd]:
    """Automatic decisions by the certificate that were audited; of risks, all that was read under the policy where it is in force."""
    if cell.watched is Watched.CALIBRATION:
        return [one for one in ads if one.decision.market in cell.markets and _risk(one, cell.policy) is not None]
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


def _risk(ad: ReadAd, policy: str) -> float | None:
    return next((told.risk.p for told in ad.decision.policies if told.policy == policy and told.risk is not None), None)


def _date(day: int) -> date:
    return moment(day * A_DAY).date()


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
