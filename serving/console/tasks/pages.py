"""The review page: one task after the other, held under a lease while it is open."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from starlette.responses import JSONResponse, RedirectResponse, Response

from adverdict.domain.errors import Conflict, InvalidInput, Mistake, NotFound
from adverdict.ledger.moments import micros
from adverdict.review.cases.answers import VERDICTS, Answer
from adverdict.review.queue import LeasedTask
from adverdict.serving.console.rendering import HOME
from adverdict.serving.console.tasks.copies import differing
from adverdict.serving.console.tasks.view import TaskView, shown
from adverdict.serving.console.visits import Visit, refusal

LONGEST_SECONDS = 24 * 3600.0
MAX_REASON = 2000
REASONS = (
    "It promises what nobody can promise",
    "It says too little of what is sold, or what it costs",
    "The brand is somebody else's",
    "No licence is shown",
    "It leads to another page than it says",
    "Picture and words say different things",
    "It is meant for adults",
    "It quotes the news and sells nothing",
)
"""What is often written; a reason of one's own may be."""
LONGEST_HELD = 30.0
"""Seconds that a page may say an answer waited, or an ad was shown ahead."""


def show(visit: Visit) -> Response:
    """The reviewer's task: the one they hold, else the next one, leased; ``besides`` is the one just put back."""
    return _page(visit, differs=visit.asked("differs"), besides=visit.asked("besides"))


def preload(visit: Visit) -> Response:
    """The task that would probably come after ``besides``, as the page would show it. Nothing is leased, so it cannot be answered."""
    task = visit.parts.queue.peek(visit.session.name, visit.asked("besides"))
    if task is None:
        return Response(status_code=204)
    with visit.parts.ledger.look() as connection:
        return _drawn(visit, shown(visit.parts, connection, task))


def answer(visit: Visit) -> Response:
    """Record an answer and show the next task. A form that cannot be used comes back with what is wrong; a lost lease is said, with why."""
    task_id, token = visit.field("task"), _token(visit)
    try:
        given = _answer(visit)
        visit.parts.queue.answer(task_id, visit.session.name, token, given, copies=_ticked(visit))
        visit.request.app.state.progress.answered(visit.session.name)
        differs = differing(visit.parts.ledger, visit.parts.queue.task(task_id), given.verdict)
    except InvalidInput as error:
        return _again(visit, task_id, token, error)
    except Conflict as error:
        return _page(visit, lost=str(error), status=409)
    if visit.quick:
        return _page(visit, differs=differs)
    return RedirectResponse(f"{HOME}/review" + (f"?differs={differs}" if differs else ""), status_code=303)


def renew(visit: Visit) -> Response:
    """Asked for by the open page, so that the lease does not run out under its reader."""
    try:
        leased = visit.parts.queue.renew(visit.field("task"), visit.session.name, _token(visit))
    except (Conflict, NotFound) as error:
        return JSONResponse({"held": False, "told": str(error)}, status_code=409)
    return JSONResponse({"held": True, "seconds": _left(leased, visit.parts.clock())})


def release(visit: Visit) -> Response:
    """Put the task back for somebody else, and go on with another one."""
    task_id = visit.field("task")
    visit.parts.queue.release(task_id, visit.session.name, _token(visit))
    return RedirectResponse(f"{HOME}/review?{urlencode({'besides': task_id})}", status_code=303)


def _page(visit: Visit, *, lost: str = "", differs: str = "", besides: str = "", status: int = 200) -> Response:
    """``lost``: why the answer before was not recorded. ``differs``: the decision about a copy that it contradicts."""
    for _ in range(3):
        leased = _held(visit) or visit.parts.queue.claim(visit.session.name, besides)
        if leased is None:
            return visit.page("review_empty.html", "Review", lost=lost, differs=differs, besides=besides, status=status)
        try:
            with visit.parts.ledger.look() as connection:
                drawn = shown(visit.parts, connection, leased.task)
            return _drawn(visit, drawn, leased, lost=lost, differs=differs, status=status)
        except NotFound:  # erased between being queued and being shown
            with suppress(Conflict):  # withdrawn meanwhile: just as well
                visit.parts.queue.release(leased.task.task_id, visit.session.name, leased.token)
    return refusal(503, "No task can be shown", "The next tasks are about ads that were erased. Try again shortly.", visit.session)


def _drawn(
    visit: Visit,
    drawn: TaskView,
    leased: LeasedTask | None = None,
    *,
    lost: str = "",
    differs: str = "",
    wrong: tuple[str, ...] = (),
    status: int = 200,
    filled: dict[str, Any] | None = None,
) -> Response:
    now = visit.parts.clock()
    return visit.page(
        "review.html",
        "Review",
        shown=drawn,
        token=leased.token if leased else None,
        seconds=_left(leased, now) if leased else 0,
        started=micros(now),
        lost=lost,
        differs=differs,
        wrong=wrong,
        filled=filled or {"verdict": "", "violated": (), "severity": "", "reason": "", "unfit": False, "tier": ""},
        canned=REASONS,
        progress=visit.request.app.state.progress.get(visit.session.name),
        status=status,
    )


def _again(visit: Visit, task_id: str, token: int, error: InvalidInput) -> Response:
    try:
        leased = visit.parts.queue.renew(task_id, visit.session.name, token)
    except (Conflict, NotFound) as gone:
        return _page(visit, lost=str(gone), status=409)
    filled = {
        "verdict": visit.field("verdict"),
        "violated": visit.form.get("violated", ()),
        "severity": visit.field("severity"),
        "tier": visit.field("tier"),
        "reason": visit.field("reason"),
        "unfit": visit.field("unfit") == "1",
    }
    with visit.parts.ledger.look() as connection:
        drawn = shown(visit.parts, connection, leased.task)
    wrong = tuple(f"{mistake.field}: expected {mistake.expected}" for mistake in error.mistakes) or (error.what,)
    return _drawn(visit, drawn, leased, wrong=wrong, filled=filled, status=400)


def _held(visit: Visit) -> LeasedTask | None:
    """The task this reviewer holds already: reloading the page, or a second window, must not take another one."""
    for leased in visit.parts.queue.held(visit.session.name):
        try:
            return visit.parts.queue.renew(leased.task.task_id, visit.session.name, leased.token)
        except (Conflict, NotFound):
            continue
    return None


def _answer(visit: Visit) -> Answer:
    """Raises InvalidInput."""
    verdict, severity, reason = visit.field("verdict"), visit.field("severity"), visit.field("reason").strip()
    if verdict not in VERDICTS:
        raise InvalidInput("no verdict", [Mistake("verdict", verdict or None, f"one of {', '.join(VERDICTS)}")])
    if severity not in ("", "mild", "moderate", "extreme"):
        raise InvalidInput("no severity", [Mistake("severity", severity, "mild, moderate or extreme")])
    if len(reason) > MAX_REASON:
        raise InvalidInput("the reason is too long", [Mistake("reason", f"{len(reason)} characters", f"at most {MAX_REASON}")])
    rejected = verdict == "reject"
    made = Answer(
        verdict=verdict,  # type: ignore[arg-type]  # checked above
        reason=reason or None,
        seconds=_seconds(visit),
        no_policy_fits=visit.field("unfit") == "1",
        tier=visit.field("tier") or None,
    )
    # What was ticked before the reader changed their mind is no part of another verdict.
    return replace(made, violated=visit.form.get("violated", ()), severity=severity or None) if rejected else made  # type: ignore[arg-type]


def _seconds(visit: Visit) -> float | None:
    """From being shown to being answered, as the form says; it is the reviewer's own figure, and of no use when it cannot be."""
    started = visit.field("started")
    if not (started.isascii() and started.isdigit() and len(started) < 20):
        return None
    # Less the wait in which it could be undone, and with the time in which the ad was shown before it was leased.
    seconds = (micros(visit.parts.clock()) - int(started)) / 1e6 - _told(visit, "held") + _told(visit, "before")
    return round(seconds, 3) if 0 <= seconds <= LONGEST_SECONDS else None


def _told(visit: Visit, name: str) -> float:
    """Milliseconds that the page counted, in seconds; 0 where they cannot be."""
    told = visit.field(name)
    return min(int(told) / 1000, LONGEST_HELD) if told.isascii() and told.isdigit() and len(told) < 10 else 0.0


def _ticked(visit: Visit) -> tuple[str, ...]:
    """The tasks about copies that the answer is to do for."""
    return tuple(one for one in visit.field("copies").split(",") if one)


def _token(visit: Visit) -> int:
    """Raises InvalidInput."""
    token = visit.field("token")
    if not (token.isascii() and token.isdigit() and len(token) < 19):
        raise InvalidInput("no lease", [Mistake("token", token, "the number the page was given")])
    return int(token)


def _left(leased: LeasedTask, now: datetime) -> int:
    return max(1, int((leased.until - now).total_seconds()))
