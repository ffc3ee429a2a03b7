"""Decisions: the latest, looking one up, and everything about one."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from adverdict.domain.decision import Decision, PolicyVerdict
from adverdict.domain.errors import NotFound
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import Resolved
from adverdict.ledger.store import find
from adverdict.review.reasons.statement import statement
from adverdict.review.tasks.tasks import UNFINISHED
from adverdict.serving.console import creative
from adverdict.serving.console.decisions import record
from adverdict.serving.console.rendering import HOME
from adverdict.serving.console.visits import Visit

LONGEST_ID = 200


def recent(visit: Visit) -> Response:
    with visit.parts.ledger.look() as connection:
        found = record.latest(connection)
    return visit.page("decisions.html", "Decisions", found=found, asked="", blind=blind(visit))


def search(visit: Visit) -> Response:
    """By decision id or ad id. A form, not an address: an ad's id stays out of logs and history."""
    asked = visit.field("id").strip()[:LONGEST_ID]
    with visit.parts.ledger.look() as connection:
        if asked.startswith("dec-") and _there(connection, asked):
            return RedirectResponse(f"{HOME}/decisions/{asked}", status_code=303)
        found = record.of_ad(connection, asked) if asked else []
    if len(found) == 1:
        return RedirectResponse(f"{HOME}/decisions/{found[0].decision_id}", status_code=303)
    return visit.page(
        "decisions.html", "Decisions", found=found, asked=asked, blind=blind(visit), status=200 if found or not asked else 404
    )


def show(visit: Visit) -> Response:
    decision_id = visit.named("decision_id")
    with visit.parts.ledger.look() as connection:
        if blind(visit) and any(task.state in UNFINISHED for task in record.tasks_about(connection, decision_id)):
            return visit.page("sealed.html", "Decisions", decision_id=decision_id)
        found = record.record(connection, decision_id, visit.parts.explain)
    creative.want(visit.parts, decision_id, found.made.ad)
    with visit.parts.ledger.look() as connection:
        shown = creative.picture(visit.parts, connection, decision_id, found.made.ad)
    made, grader = found.made, visit.parts.grader
    tier = grader.grade([made.ad], [_as_it_stands(made.decision, found.resolution)])[0] if grader else None
    rules = {policy.name: policy for policy in visit.parts.book.in_force(found.made.ad.market, found.made.ad.surface)}
    titles = {name: policy.title for name, policy in rules.items()}
    values: dict[str, Any] = {
        "found": found,
        "picture": shown,
        "tier": tier,
        "titles": titles,
        "statement": _statement(visit, decision_id),
        "base": _base(visit),
    }
    return visit.page("decision.html", "Decisions", **values)


def _as_it_stands(decision: Decision, resolution: Resolved | None) -> Decision:
    """With what people made of it, policy by policy: a rejection says something of what it names only."""
    if resolution is None:
        return decision
    rejected = resolution.verdict is Verdict.REJECT

    def now(one: PolicyVerdict) -> PolicyVerdict:
        if rejected and one.policy not in resolution.violated:
            return one
        return one.model_copy(update={"verdict": resolution.verdict})

    return decision.model_copy(update={"policies": tuple(map(now, decision.policies))})


def blind(visit: Visit) -> bool:
    """Whether what others said of an ad is kept from this visitor while it is still being read: they may be its next reader."""
    return not visit.session.may("policy")


def _there(connection: Connection, decision_id: str) -> bool:
    try:
        find(connection, decision_id)
    except NotFound:
        return False
    return True


def _statement(visit: Visit, decision_id: str) -> list[tuple[str, str]]:
    """The statement of reasons an advertiser is owed, field by field; empty when the ad is not rejected."""
    found = statement(visit.parts.ledger.about(decision_id), visit.parts.book)
    told = found.model_dump(mode="json", exclude_none=True, exclude={"decision_id", "puid"}) if found else {}
    return [(name, " · ".join(value) if isinstance(value, list) else str(value)) for name, value in told.items() if value]


def _base(visit: Visit) -> str:
    return f"{visit.request.url.scheme}://{visit.request.url.netloc}"
