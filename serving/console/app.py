"""The console as an ASGI application that answers ``/console`` and everything below it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adverdict.domain.errors import AdverdictError
from adverdict.serving.attempts import Attempts
from adverdict.serving.console import brakes, changes, creative, drafts, quality, rollouts, workforce
from adverdict.serving.console.decisions import pages as decisions
from adverdict.serving.console.decisions import taking_back
from adverdict.serving.console.login import pages as login
from adverdict.serving.console.monitoring import emerging, health, launches
from adverdict.serving.console.parts import Parts
from adverdict.serving.console.policies import pages as policies
from adverdict.serving.console.policies.recent import RecentCache
from adverdict.serving.console.quality import ReportCache
from adverdict.serving.console.rendering import HOME, statics
from adverdict.serving.console.safety import HEADERS
from adverdict.serving.console.sessions import Session
from adverdict.serving.console.standing import pages as models
from adverdict.serving.console.standing import reports
from adverdict.serving.console.standing.pages import ChallengerWatch
from adverdict.serving.console.tasks import day, queues
from adverdict.serving.console.tasks import pages as review
from adverdict.serving.console.today import pages as today
from adverdict.serving.console.visits import current, page, refusal

__all__ = ["Parts", "console"]

KEEP = "public, max-age=31536000, immutable"


def console(parts: Parts) -> ASGIApp:
    """The application. It starts nothing and needs no lifespan."""
    app = Starlette(routes=routes(), exception_handlers={HTTPException: _as_page})
    app.router.redirect_slashes = False  # they would lead to whatever the Host header says
    app.state.parts = parts
    app.state.attempts = Attempts(parts.clock)
    app.state.recently = RecentCache(parts.ledger, parts.policies, parts.clock)
    app.state.progress = day.ProgressCache(parts)
    app.state.measured = ReportCache(parts.ledger, parts.clock, parts.champion.certificates)
    app.state.today = today.TodayCache(parts)
    app.state.drafted = {}
    app.state.challenger = ChallengerWatch(parts)
    return _with_headers(app)


def routes() -> list[Route]:
    """Every address with who may use it. One that is not here does not exist."""
    reviewing, either, policy = ("review",), ("review", "policy"), ("policy",)
    planning = ("policy", "plan")
    return [
        _route("", login.home),
        _route("/", login.home),
        _route("/login", login.login, "GET", "POST"),
        _route("/logout", login.logout, "POST"),
        _route("/static/{name}", static),
        _route("/review", page(review.show, *reviewing)),
        _route("/review/day", page(day.show, *reviewing)),
        _route("/review/next", page(review.preload, *reviewing)),
        _route("/review/answer", page(review.answer, *reviewing), "POST"),
        _route("/review/renew", page(review.renew, *reviewing), "POST"),
        _route("/review/release", page(review.release, *reviewing), "POST"),
        _route("/today", page(today.show, *policy)),
        _route("/queues", page(queues.show, *either, "plan")),
        _route("/decisions", page(decisions.listed, *either)),
        _route("/decisions.csv", page(decisions.csv, *either)),
        _route("/decisions/search", page(decisions.search, *either), "POST"),
        _route("/decisions/{decision_id}", page(decisions.show, *either)),
        _route("/decisions/{decision_id}/letter", page(decisions.told, *either)),
        _route("/decisions/{decision_id}/appeal", page(decisions.appeal, *decisions.MAY_APPEAL), "POST"),
        _route("/decisions/{decision_id}/lift", page(taking_back.lifted, *taking_back.MAY), "POST"),
        _route("/decisions/{decision_id}/unwind", page(taking_back.asked, *taking_back.MAY)),
        _route("/decisions/{decision_id}/unwound", page(taking_back.unwound, *taking_back.MAY), "POST"),
        _route("/decisions/{decision_id}/{what}", page(decisions.related, *either)),
        _route("/creative/{content}/{number}", page(creative.show, *either)),
        _route("/policies", page(policies.show, *policy)),
        _route("/models", page(models.show, *policy)),
        _route("/models/report", page(reports.of_training, *policy)),
        _route("/models/certificates", page(reports.of_certificates, *policy)),
        _route("/quality", page(quality.show, *policy)),
        _route("/health", page(health.show, *policy)),
        _route("/alarms/{alarm}", page(health.alarm, *policy)),
        _route("/alarms/{alarm}/move", page(health.move, *policy), "POST"),
        _route("/emerging", page(emerging.show, *policy)),
        _route("/emerging/{case}/move", page(emerging.move, *policy), "POST"),
        _route("/emerging/{case}/label", page(emerging.label, *policy), "POST"),
        _route("/emerging/probing/{probing}/end", page(emerging.end_probing, *policy), "POST"),
        _route("/launches", page(launches.show, *policy)),
        _route("/launches/check", page(launches.check, *policy), "POST"),
        _route("/rollouts", page(rollouts.listed, *policy)),
        _route("/rollouts/draft", page(drafts.show, *policy)),
        _route("/rollouts/propose", page(drafts.propose, *policy), "POST"),
        _route("/rollouts/{rollout}", page(rollouts.show, *policy)),
        _route("/rollouts/{rollout}/repair", page(drafts.repair, *policy), "POST"),
        *(
            _route(f"/rollouts/{{rollout}}/{step.__name__}", page(step, *policy), "POST")
            for step in (rollouts.sign, rollouts.advance, rollouts.pause, rollouts.resume, rollouts.abort)
        ),
        _route("/workforce", page(workforce.show, *planning)),
        _route("/workforce/scenario", page(workforce.scenario, *planning)),
        _route("/workforce/save", page(workforce.save, *planning), "POST"),
        _route("/changes", page(changes.show, *policy)),
        _route("/changes/retry", page(changes.again, *policy), "POST"),
        _route("/changes/drop", page(changes.let_go, *policy), "POST"),
        _route("/brakes", page(brakes.show, *policy)),
        _route("/brakes/on", page(brakes.put_on, *policy), "POST"),
        _route("/brakes/off", page(brakes.take_off, *policy), "POST"),
    ]


async def static(request: Request) -> Response:
    found = statics().get(request.path_params["name"])
    if found is None:
        return refusal(404, "Not found", "There is no such file.")
    return Response(found[0], media_type=found[1], headers={"cache-control": KEEP})


def _route(path: str, endpoint: Callable[[Request], Awaitable[Response]], *methods: str) -> Route:
    return Route(f"{HOME}{path}", endpoint, methods=list(methods or ("GET",)))


async def _as_page(request: Request, error: Exception) -> Response:
    """Whoever is logged in keeps the navigation."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    session = await run_in_threadpool(_visitor, request)
    title, told = "Not found" if status == 404 else "Not possible", "There is no such page, or it cannot be used in this way."
    answer = refusal(status, title, told, session)
    answer.headers.update(getattr(error, "headers", None) or {})
    return answer


def _visitor(request: Request) -> Session | None:
    try:
        return current(request.app.state.parts, request)
    except AdverdictError:
        return None


def _with_headers(app: ASGIApp) -> ASGIApp:
    """Every answer carries ``HEADERS``, those that failed included."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                there = {name.lower() for name, _ in message["headers"]}
                extra = [(name.encode(), value.encode()) for name, value in HEADERS.items() if name.encode() not in there]
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        await app(scope, receive, add)

    return answer
