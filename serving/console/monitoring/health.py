"""The health page, of every detector as it stood at the last look; and an alarm's page, with its life and what may be said of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from starlette.responses import RedirectResponse, Response

from adverdict.domain.errors import InvalidInput, Mistake, NotFound
from adverdict.ledger.bodies.alarm import AlarmMoved, AlarmState
from adverdict.ledger.entries import Body, Braked, CertificateRevoked, Entry
from adverdict.ledger.in_force.alarms import Alarm, alarms, move_alarm
from adverdict.ledger.moments import moment
from adverdict.monitoring.following.follower import A_DAY, followed_to
from adverdict.monitoring.watch import LastLook, last_look
from adverdict.serving.console.rendering import HOME
from adverdict.serving.console.visits import Visit

PAGE = f"{HOME}/health"
YEAR = timedelta(days=365)
STALE = timedelta(minutes=30)
"""Since the last look, from which a page says that nobody looks."""
WATCHED = {"leakage": "violating among approved", "wrongful": "harmless among rejected", "calibration": "what risks mean"}
MOVES = tuple(str(state) for state in AlarmState if state is not AlarmState.OPEN)


@dataclass(frozen=True, slots=True)
class DetectorShown:
    """A detector as a bar: how far its evidence is on the way to where it rings, on a logarithmic axis from one."""

    watched: str
    policy: str
    markets: str
    read: int
    wrong: int
    state: str
    """rings, quiet, or too little read."""
    width: float
    """In [0, 1]."""
    evidence: float
    rings_at: float | None
    since: str
    """The first day that counts, and the last that is settled."""
    may: float
    alarm: str | None
    """The id of the one that is open."""

    @classmethod
    def of(cls, one: LastLook, still_open: Sequence[Alarm]) -> DetectorShown:
        watched, policy, _ = one.cell.split("/", 2)
        state = one.state
        alarm = next((each.alarm_id for each in still_open if each.told.cell == one.cell), None)
        reach = 0.0
        if state.rings_at is not None:
            reach = min(max(math.log(max(state.evidence, 1.0)) / math.log(max(state.rings_at, 2.0)), 0.0), 1.0)
        says = "too little read" if state.rings_at is None else "rings" if alarm or state.rings else "quiet"
        first, last = (moment(day * A_DAY) for day in (state.begin, state.end - 1))
        days = f"{first:%Y-%m-%d} to {last:%Y-%m-%d}" if state.end > state.begin else "no settled day yet"
        markets = ", ".join(state.markets)
        return cls(
            watched, policy, markets, state.counted, state.errors, says, reach, state.evidence, state.rings_at, days, state.may, alarm
        )


def show(visit: Visit) -> Response:
    ledger, now = visit.parts.ledger, visit.parts.clock()
    looks, (seq, end) = last_look(ledger), followed_to(ledger)
    with ledger.look() as connection:
        known = alarms(connection)
    still_open = [one for one in known if one.closed_at is None]
    shown = [DetectorShown.of(one, still_open) for one in looks]
    shown.sort(key=lambda one: (one.state != "rings", -one.width, one.policy, one.watched))
    looked = max((one.looked_at for one in looks), default=None)
    return visit.page(
        "health.html",
        "Health",
        telling=[one for one in shown if one.state != "too little read"],
        silent=[one for one in shown if one.state == "too little read"],
        looked=looked,
        stale=looked is not None and now - looked > STALE,
        behind=end - seq,
        rang=sum(now - one.opened_at <= YEAR for one in known),
        budget=visit.parts.false_alarms,
        alarms=list(reversed(known)),
        watched=WATCHED,
        titles=_titles(visit),
    )


def alarm(visit: Visit) -> Response:
    one = _alarm(visit)
    return visit.page(
        "alarm.html",
        "Health",
        one=one,
        states=MOVES,
        watched=WATCHED,
        titles=_titles(visit),
        followed=list(reversed(_followed(visit, one))),
    )


def move(visit: Visit) -> Response:
    """Say what became of it."""
    one, state = _alarm(visit), visit.field("state")
    if state not in MOVES:
        raise InvalidInput("the alarm stays as it is:", [Mistake("state", state, f"one of {', '.join(MOVES)}")])
    told = AlarmMoved(
        alarm=one.alarm_id,
        state=AlarmState(state),
        why=visit.field("why"),
        link=visit.field("link").strip() or None,
        by=visit.session.name,
    )
    with visit.parts.ledger.write() as writing:
        move_alarm(writing, told, visit.parts.clock())
    return RedirectResponse(f"{HOME}/alarms/{one.alarm_id}", status_code=303)


def _alarm(visit: Visit) -> Alarm:
    named = visit.named("alarm")
    with visit.parts.ledger.look() as connection:
        for one in alarms(connection):
            if one.alarm_id == named:
                return one
    raise NotFound("There is no alarm of that name.")


def _followed(visit: Visit, one: Alarm) -> list[Entry]:
    """Brakes that were put on for the policy since, and certificates that were revoked: what followed, whoever did it."""
    since = visit.parts.ledger.read(one.told.as_of, kinds=[Braked.kind, CertificateRevoked.kind])
    return [entry for entry in since if _concerns(entry.body, one)]


def _concerns(body: Body | None, one: Alarm) -> bool:
    if isinstance(body, CertificateRevoked):
        return one.told.cell.endswith(body.certificate_id)
    return isinstance(body, Braked) and body.policy in (None, one.told.policy) and body.market in (None, *one.told.markets)


def _titles(visit: Visit) -> dict[str, str]:
    return {policy.name: policy.title for _, _, policy in visit.parts.book.every()}
