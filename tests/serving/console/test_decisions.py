"""Decisions are found by what is known of them, explained, and taken away as a file; nobody learns what is still being read."""

from __future__ import annotations

import csv
import io
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.testclient import TestClient

from adverdict.domain.ad import Ad
from adverdict.domain.decision import PolicyVerdict
from adverdict.domain.risk import RiskScore
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import Appealed, DecisionMade
from adverdict.ledger.store import Ledger
from adverdict.review.cases.answers import Answer
from adverdict.review.tasks.opening import open_tasks
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.serving.console.decisions.filters import DecisionFilter
from adverdict.serving.console.decisions.listing import NOTHING, Search, look
from adverdict.serving.console.decisions.summary import DecisionSummary
from adverdict.serving.console.parts import Parts
from tests.ledger.made import a_decision, an_ad
from tests.review.story import Story
from tests.serving.console.conftest import Visitor, log_in, token
from tests.serving.console.filled import NOW, World
from tests.serving.console.test_pages import keyed, recorded


@pytest.fixture
def client(world: World, visit: Visitor) -> TestClient:
    return log_in(visit(world.parts))


def everything(
    ledger: Ledger, asked: DecisionFilter, search: Search = NOTHING, *, limit: int = 7, blind: bool = False
) -> list[DecisionSummary]:
    """Page after page."""
    found: list[DecisionSummary] = []
    before = None
    while True:
        with ledger.look() as connection:
            page = look(connection, asked, search, before=before, limit=limit, blind=blind, patience=60)
        found += page.decisions
        if page.before is None:
            return found
        before = page.before


def test_pages_of_the_list_hold_every_decision_once_latest_first(world: World) -> None:
    found = everything(world.parts.ledger, DecisionFilter())
    assert [one.decision_id for one in found] == [one.decision.decision_id for one in reversed(world.decisions)]


@pytest.mark.parametrize(
    ("asked", "fits"),
    [
        (DecisionFilter(verdict="reject"), lambda one: one.stands == "reject"),
        (DecisionFilter(verdict="review"), lambda one: one.stands == "review"),
        (DecisionFilter(policy="counterfeit"), lambda one: "counterfeit" in (one.against or (one.why,))),
        (DecisionFilter(market="GB"), lambda one: one.market == "GB"),
        (DecisionFilter(advertiser="adv-71"), lambda one: one.advertiser_id == "adv-71"),
        (DecisionFilter(appealed="yes"), lambda one: one.appealed),
        (DecisionFilter(since="2026-11-12", until="2026-11-14"), lambda one: 12 <= one.at.day <= 14),
        (
            DecisionFilter(market="SE", verdict="approve", since="2026-11-10"),
            lambda one: one.market == "SE" and one.stands == "approve" and one.at.day >= 10,
        ),
    ],
)
def test_a_filter_finds_all_that_fits_and_nothing_else(asked: DecisionFilter, fits: object, world: World) -> None:
    assert callable(fits)
    all_of_them = everything(world.parts.ledger, DecisionFilter())
    expected = [one for one in all_of_them if fits(one)]
    assert everything(world.parts.ledger, asked) == expected
    assert 0 < len(expected) < len(all_of_them)


def test_a_reviewers_filter_finds_what_they_answered(world: World) -> None:
    found = {one.decision_id for one in everything(world.parts.ledger, DecisionFilter(reviewer="ana"))}
    answered = {entry.body.decision_id for entry in world.parts.ledger.read(kinds=("answer",)) if entry.body.reviewer == "ana"}  # type: ignore[union-attr]
    assert found == {one for one in answered if one.startswith("dec-")}


@pytest.mark.parametrize("text", ["replica", "designer bags", "bag-out", "BAG-OUT"])
def test_words_of_a_title_and_the_beginning_of_a_domain_find_ads(text: str, client: TestClient) -> None:
    answer = client.post("/console/decisions/search", data={"csrf": token(client, "/console/decisions"), "text": text})
    assert answer.status_code == 200
    titles = set(re.findall(r'decisions/dec-[0-9a-f]+"><bdi>([^<]+)<', answer.text))
    assert titles == {"Designer bags, replica AAA"}


def test_the_middle_of_a_word_finds_nothing(client: TestClient) -> None:
    answer = client.post("/console/decisions/search", data={"csrf": token(client, "/console/decisions"), "text": "eplica"})
    assert answer.status_code == 404


def test_an_address_names_what_is_asked_for_and_nothing_else(client: TestClient) -> None:
    answer = client.get("/console/decisions?verdict=reject&policy=&market=SE&since=")
    assert answer.headers["location"] == "/console/decisions?verdict=reject&market=SE"


def test_a_page_of_the_list_leads_to_the_next_with_the_same_filter(client: TestClient) -> None:
    text = client.get("/console/decisions?since=2026-11-01").text
    link = re.search(r'rel="next" href="([^"]+)"', text)
    assert link, "no next page"
    told = parse_qs(urlsplit(link.group(1).replace("&amp;", "&")).query)
    assert told["since"] == ["2026-11-01"]
    assert client.get(link.group(1).replace("&amp;", "&")).status_code == 200


@pytest.mark.parametrize(
    "asked",
    ["verdict=bad", "since=yesterday", "since=2026-11-03&until=2026-11-01", "appealed=1", "before=x", "before=99999999999999999999"],
)
def test_what_cannot_be_asked_for_is_refused_with_what_could(asked: str, client: TestClient) -> None:
    answer = client.get(f"/console/decisions?{asked}")
    assert answer.status_code == 400
    assert "expected" in answer.text


def test_a_csv_file_holds_what_the_list_does_and_no_formula(empty: Parts, visit: Visitor) -> None:
    ad = Ad(
        ad_id="=1+1", advertiser_id="@adv", market="SE", submitted_at=NOW, title="=HYPERLINK(1)\tx", body="x", landing_domain="-a.example"
    )
    decision = recorded(empty.ledger, empty.book, ad)
    answer = log_in(visit(empty)).get("/console/decisions.csv?market=SE")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    row = next(csv.DictReader(io.StringIO(answer.text)))
    assert row["decision_id"] == decision
    assert [row[name][:2] for name in ("ad_id", "advertiser_id", "title", "landing_domain")] == ["'=", "'@", "'=", "'-"]


def test_a_csv_file_is_as_long_as_what_was_asked_for(client: TestClient, world: World) -> None:
    rows = list(csv.DictReader(io.StringIO(client.get("/console/decisions.csv").text)))
    assert [row["decision_id"] for row in rows] == [one.decision.decision_id for one in reversed(world.decisions)]


def test_whoever_may_be_the_next_reader_learns_nothing_by_filtering(world: World, visit: Visitor) -> None:
    ledger = world.parts.ledger
    read = {one.decision_id for one in everything(ledger, DecisionFilter()) if one.being_read}
    assert read
    asked = [
        DecisionFilter(**told) for told in ({"verdict": "reject"}, {"policy": "deceptive"}, {"uncertified": "yes"}, {"appealed": "yes"})
    ]
    assert [one for each in asked for one in everything(ledger, each, blind=True) if one.decision_id in read] == []
    client = log_in(visit(keyed(world.parts, "review")), "adj_k")
    rows = csv.DictReader(io.StringIO(client.get("/console/decisions.csv").text))
    assert {(row["stands"], row["why"], row["risk"]) for row in rows if row["decision_id"] in read} == {("review", "", "")}


@pytest.mark.parametrize("what", ["advertiser", "creative", "domain"])
def test_a_decision_leads_to_others_that_share_something_by_an_address_that_does_not_say_what(
    what: str, client: TestClient, world: World
) -> None:
    made = world.decisions[3]
    answer = client.get(f"/console/decisions/{made.decision.decision_id}/{what}")
    assert answer.status_code == 200
    assert made.decision.decision_id in answer.text
    value = {"advertiser": made.ad.advertiser_id, "creative": made.ad.creative_id, "domain": made.ad.landing_domain}[what]
    assert str(value) in answer.text
    assert client.get(f"/console/decisions/{made.decision.decision_id}/nothing").status_code == 404


def test_an_overturned_decision_reads_overturned(empty: Parts, visit: Visitor) -> None:
    story = Story(empty.ledger)
    made, other = story.decide(an_ad(1), Verdict.REJECT), story.decide(an_ad(2), Verdict.REJECT)
    story.rule(made, story.appeal(made), "overturned")
    story.rule(other, story.appeal(other), "upheld")
    assert [one.decision_id for one in everything(empty.ledger, DecisionFilter(verdict="overturned"))] == [made.decision.decision_id]
    client = log_in(visit(empty))
    text = client.get(f"/console/decisions/{made.decision.decision_id}").text
    assert "overturned by people" in text
    assert "The advertiser reads:" not in text
    assert "Which rule" not in text
    assert re.search(r"<title>.+ · approved · Adverdict", text)
    assert "overturned</small>" in client.get("/console/decisions").text


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"uncertified": True}, "no: a threshold that was used has no certificate"),
        ({"uncertified": False}, "yes"),
        ({"uncertified": True, "approve_below": None}, "no threshold was used, so that there is nothing to certify"),
    ],
)
def test_a_decision_is_certified_or_not_or_used_no_threshold(told: dict[str, Any], said: str, empty: Parts, visit: Visitor) -> None:
    made = a_decision(an_ad(1), Verdict.REVIEW)
    policies = tuple(one.model_copy(update={"approve_below": told.get("approve_below", 0.1)}) for one in made.policies)
    made = made.model_copy(update={"policies": policies, "uncertified": told["uncertified"]})
    with empty.ledger.write() as writing:
        writing.append(made.decision_id, DecisionMade(ad=an_ad(1), decision=made, first=True), made.decided_at)
    client = log_in(visit(empty))
    assert f"<dt>Certified</dt><dd>{said}" in client.get(f"/console/decisions/{made.decision_id}").text
    listed = everything(empty.ledger, DecisionFilter(uncertified="yes"))
    assert [one.decision_id for one in listed] == ([made.decision_id] if said.startswith("no:") else [])


def test_the_history_says_who_could_not_see_an_ad_and_calls_policies_by_their_titles(empty: Parts, visit: Visitor) -> None:
    made = a_decision(an_ad(1), Verdict.REVIEW)
    with empty.ledger.write() as writing:
        told = DecisionMade(ad=an_ad(1), decision=made, first=True)
        writing.append(made.decision_id, told, made.decided_at)
        open_tasks(writing, [told], empty.book, ReviewSettings(double_share=0), empty.clock())
    leased = empty.queue.claim("ana")
    assert leased is not None
    empty.queue.answer(leased.task.task_id, "ana", leased.token, Answer("unseen"))
    history = log_in(visit(empty)).get(f"/console/decisions/{made.decision_id}").text.partition('id="history"')[2]
    assert "A review was answered “cannot see or read it”" in history
    assert f"Left to people by the model for {titles_of(empty)[made.policies[0].policy]}" in history


def test_policies_that_stop_an_ad_for_one_and_the_same_reason_are_told_once(empty: Parts, visit: Visitor) -> None:
    made = a_decision(an_ad(1), Verdict.REVIEW)
    names = ("deceptive", "gambling", "weapons", "adult")
    risks = [RiskScore(policy=name, p=p, p_low=0.0, p_high=1.0) for name, p in zip(names, (0.1, 0.5, 0.2, 0.3), strict=True)]
    because = "the model has hardly seen texts like this: a person decides"
    stopped = tuple(PolicyVerdict(policy=one.policy, verdict=Verdict.REVIEW, risk=one, because=because) for one in risks)
    with empty.ledger.write() as writing:
        told = DecisionMade(ad=an_ad(1), decision=made.model_copy(update={"policies": stopped}), first=True)
        writing.append(made.decision_id, told, made.decided_at)
    text = log_in(visit(empty)).get(f"/console/decisions/{made.decision_id}").text
    assert f"People decide about {titles_of(empty)['gambling']} and 3 other policies" in re.sub(r"\s+", " ", text)
    assert text.count('class="policy fold" open') == 1
    with empty.ledger.write() as writing:
        open_tasks(writing, [told], empty.book, ReviewSettings(double_share=0), empty.clock())
    leased = empty.queue.claim("ana")
    assert leased is not None
    empty.queue.answer(leased.task.task_id, "ana", leased.token, Answer("reject", ("weapons",), severity="mild"))
    text = re.sub(r"\s+", " ", log_in(visit(empty)).get(f"/console/decisions/{made.decision_id}").text)
    assert f"<b>Because of {titles_of(empty)['weapons']}.</b>" in text, "what people found, and not all that stopped it"
    assert text.count('class="policy fold" open') == 1


def titles_of(parts: Parts) -> dict[str, str]:
    return {policy.name: policy.title for _, _, policy in parts.book.every()}


def test_outside_the_union_no_field_of_its_database_is_shown(client: TestClient, world: World) -> None:
    rejected = {one.ad.market: one for one in world.decisions if one.decision.verdict is Verdict.REJECT}
    inside, outside = (next(one for market, one in rejected.items() if (market in ("SE", "DE")) == union) for union in (True, False))
    assert "DECISION_VISIBILITY" in client.get(f"/console/decisions/{inside.decision.decision_id}").text
    text = client.get(f"/console/decisions/{outside.decision.decision_id}").text
    assert "DECISION_VISIBILITY" not in text


def test_the_letter_is_a_page_of_its_own_in_the_languages_of_its_market(client: TestClient, world: World) -> None:
    swedish = next(one for one in world.decisions if one.decision.verdict is Verdict.REJECT and one.ad.market == "SE")
    path = f"/console/decisions/{swedish.decision.decision_id}/letter"
    assert 'lang="sv"' in client.get(path).text
    assert 'lang="en"' in client.get(f"{path}?language=en").text
    assert client.get(f"{path}?language=ja").status_code == 400


def test_an_advertisers_appeal_is_filed_where_the_decision_is_explained(empty: Parts, visit: Visitor) -> None:
    ad = Ad(ad_id="a", advertiser_id="adv", market="SE", submitted_at=NOW, title="Shoes")
    decision = recorded(empty.ledger, empty.book, ad, Verdict.REJECT)
    client = log_in(visit(empty))
    path = f"/console/decisions/{decision}"
    sent = {"csrf": token(client, path), "statement": "We sell shoes."}
    assert client.post(f"{path}/appeal", data={**sent, "statement": " "}).status_code == 400
    assert client.post(f"{path}/appeal", data=sent).status_code == 303
    body = empty.ledger.about(decision)[-1].body
    assert isinstance(body, Appealed)
    assert body.statement == "We sell shoes."
    assert "appeal waits for a reader" in client.get(path).text
    assert client.post(f"{path}/appeal", data=sent).status_code == 409
