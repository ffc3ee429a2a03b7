"""Decisions: the list with its filters, looking something up, and everything about one."""

from __future__ import annotations

from typing import Any, cast

from starlette.responses import RedirectResponse, Response, StreamingResponse

from adverdict.decisions.markets import language_name
from adverdict.domain.decision import Decision, PolicyVerdict
from adverdict.domain.errors import InvalidInput, Mistake, NotFound
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import DecisionMade, Resolved
from adverdict.ledger.store import find
from adverdict.review.carrying.unwind import may_unwind
from adverdict.review.cases.appeals import appeal as file_appeal
from adverdict.review.reasons.grounds import UNION
from adverdict.review.reasons.letter import Letter, letter
from adverdict.review.reasons.statement import statement
from adverdict.review.tasks.tasks import UNFINISHED
from adverdict.serving.console import creative
from adverdict.serving.console.decisions import export, record, taking_back
from adverdict.serving.console.decisions.filters import FLAGS, ON, VERDICTS, DecisionFilter, read_filter
from adverdict.serving.console.decisions.listing import CHUNK, Column, Found, Search, look, of_domains
from adverdict.serving.console.rendering import HOME
from adverdict.serving.console.visits import Visit

LONGEST_ID = 200
MAY_APPEAL = ("policy", "label")
"""Scopes with which an advertiser's appeal is filed."""
CSV = "text/csv; charset=utf-8"


def listed(visit: Visit) -> Response:
    """Those asked for, latest first. Fields that were left empty are dropped from the address."""
    told = visit.request.query_params
    asked = read_filter({name: visit.asked(name) for name in told})
    if any(not value for value in told.values()):
        return RedirectResponse(f"{HOME}/decisions?{asked.query(before=_before(visit))}".rstrip("?"), status_code=303)
    with visit.parts.ledger.look() as connection:
        found = look(connection, asked, before=_before(visit), blind=blind(visit))
    return _page(visit, found, asked)


def csv(visit: Visit) -> Response:
    asked = read_filter({name: visit.asked(name) for name in visit.request.query_params})
    lines = export.rows(visit.parts.ledger, asked, blind=blind(visit))
    return StreamingResponse(lines, media_type=CSV, headers={"content-disposition": 'attachment; filename="decisions.csv"'})


def search(visit: Visit) -> Response:
    """By decision id or ad id, or by what a word of a title or a domain begins with. A form, in no address and no log."""
    text, before = visit.field("text").strip()[:LONGEST_ID], visit.field("before")
    with visit.parts.ledger.look() as connection:
        if text.startswith("dec-") and _there(connection, text):
            return RedirectResponse(f"{HOME}/decisions/{text}", status_code=303)
        of_ad = look(connection, DecisionFilter(), Search(column="ad_id", values=(text,)), blind=blind(visit)) if text else None
        if of_ad is None or of_ad.decisions or not text:
            found = of_ad or Found((), None, 0, False)
        else:
            domains = of_domains(connection, text) if " " not in text else []
            by = Search(column="landing_domain", values=tuple(domains)) if domains and not before else Search(text)
            found = look(connection, DecisionFilter(), by, before=_number(before), blind=blind(visit))
    if len(found.decisions) == 1 and of_ad is not None and of_ad.decisions:
        return RedirectResponse(f"{HOME}/decisions/{found.decisions[0].decision_id}", status_code=303)
    return _page(visit, found, DecisionFilter(), text, status=200 if found.decisions or found.before or not text else 404)


def related(visit: Visit) -> Response:
    """Decisions on ads that share something with one: the address names the decision, not what is shared."""
    decision_id, what = visit.named("decision_id"), visit.named("what")
    if what not in record.RELATED:
        raise NotFound("There is no such page.")
    with visit.parts.ledger.look() as connection:
        body = find(connection, decision_id).body
        ad = body.ad if isinstance(body, DecisionMade) else None
        value = {"advertiser": ad.advertiser_id, "creative": ad.creative_id, "domain": ad.landing_domain}[what] if ad else None
        if value is None:
            raise NotFound("No such decision is on record, its content was erased, or its ad has nothing of the kind.")
        column = cast(Column, record.RELATED[what])
        asked = read_filter({name: visit.asked(name) for name in visit.request.query_params})
        found = look(connection, asked, Search(column=column, values=(value,)), before=_before(visit), blind=blind(visit))
    return _page(visit, found, asked, what=what, value=value, of=decision_id)


def show(visit: Visit) -> Response:
    decision_id = visit.named("decision_id")
    with visit.parts.ledger.look() as connection:
        if _sealed(visit, connection, decision_id):
            return visit.page("sealed.html", "Decisions", decision_id=decision_id)
        found = record.record(connection, decision_id, visit.parts.explain, visit.titles)
    creative.want(visit.parts, decision_id, found.made.ad)
    with visit.parts.ledger.look() as connection:
        shown = creative.picture(visit.parts, connection, decision_id, found.made.ad)
    made, grader = found.made, visit.parts.grader
    tier = grader.grade([made.ad], [_as_it_stands(made.decision, found.resolution)])[0] if grader else None
    titles = {policy.name: policy.title for policy in visit.parts.book.in_force(found.made.ad.market, found.made.ad.surface)}
    return visit.page(
        "decision.html",
        "Decisions",
        found=found,
        picture=shown,
        tier=tier,
        titles={**visit.titles, **titles},
        letter=_letter(visit, found),
        statement=_statement(visit, found),
        language_name=language_name,
        strikes=taking_back.strikes_of(visit, found.made.ad.advertiser_id),
        may_unwind=visit.session.may(*taking_back.MAY) and may_unwind(found.entries),
        may_lift=visit.session.may(*taking_back.MAY),
        may_appeal=visit.session.may(*MAY_APPEAL) and found.verdict == "reject" and not _appealed(found),
        base=_base(visit),
    )


def told(visit: Visit) -> Response:
    """The letter alone, to print or to save."""
    decision_id = visit.named("decision_id")
    with visit.parts.ledger.look() as connection:
        if _sealed(visit, connection, decision_id):
            return visit.page("sealed.html", "Decisions", decision_id=decision_id)
        found = record.record(connection, decision_id, visit.parts.explain, visit.titles)
    made = _letter(visit, found)
    if made is None:
        raise NotFound("There is nothing to tell: the decision was withdrawn.")
    return visit.page("letter.html", "Decisions", found=found, letter=made, language_name=language_name)


def appeal(visit: Visit) -> Response:
    """File what the advertiser says against a rejection, for them."""
    decision_id, said = visit.named("decision_id"), visit.field("statement").strip()
    if not said:
        raise InvalidInput("nothing was filed:", [Mistake("statement", said, "what the advertiser says")])
    parts = visit.parts
    file_appeal(parts.ledger, decision_id, said, visit.session.name, book=parts.book, settings=parts.review, now=parts.clock())
    return RedirectResponse(f"{HOME}/decisions/{decision_id}#history", status_code=303)


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


def _sealed(visit: Visit, connection: Any, decision_id: str) -> bool:
    return blind(visit) and any(task.state in UNFINISHED for task in record.tasks_about(connection, decision_id))


def _page(visit: Visit, found: Found, asked: DecisionFilter, text: str = "", *, status: int = 200, **about: str) -> Response:
    values: dict[str, Any] = {"what": "", "value": "", "of": "", **about}
    policies = sorted({policy.name for _, _, policy in visit.parts.book.every()})
    shown = {"verdicts": VERDICTS, "flags": FLAGS, "on": ON, "policies": policies, "markets": visit.parts.book.markets, "chunk": CHUNK}
    return visit.page(
        "decisions.html", "Decisions", found=found, asked=asked, text=text, blind=blind(visit), status=status, **shown, **values
    )


def _letter(visit: Visit, found: record.Record) -> Letter | None:
    language = visit.asked("language") or None
    try:
        return letter(found.entries, visit.parts.book, found.reasons, language)
    except KeyError:
        raise InvalidInput("there is no such letter:", [Mistake("language", language, "one of those that the page offers")]) from None


def _statement(visit: Visit, found: record.Record) -> list[tuple[str, str]]:
    """The statement of reasons, field by field; empty when the ad is not rejected, or where the DSA does not apply."""
    if found.made.ad.market not in UNION:
        return []
    made = statement(found.entries, visit.parts.book)
    told = made.model_dump(mode="json", exclude_none=True, exclude={"decision_id", "puid"}) if made else {}
    return [(name, " · ".join(value) if isinstance(value, list) else str(value)) for name, value in told.items() if value]


def _appealed(found: record.Record) -> bool:
    return any(entry.body is not None and entry.body.kind == "appeal" for entry in found.entries)


def _there(connection: Any, decision_id: str) -> bool:
    try:
        find(connection, decision_id)
    except NotFound:
        return False
    return True


def _before(visit: Visit) -> int | None:
    return _number(visit.asked("before"))


def _number(told: str) -> int | None:
    """Raises InvalidInput."""
    if not told:
        return None
    if not (told.isascii() and told.isdigit() and len(told) < 19):
        raise InvalidInput("there is no such page of the list:", [Mistake("before", told, "the number that its link has")])
    return int(told)


def _base(visit: Visit) -> str:
    return f"{visit.request.url.scheme}://{visit.request.url.netloc}"
