"""The pages of what is watched: health says what stands how, an alarm's life is told and moved, launches stand by the day they open."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from adverdict.domain.errors import InvalidInput
from adverdict.ledger.bodies.launch import GateTold
from adverdict.ledger.bodies.probing import ProbingNoticed
from adverdict.ledger.in_force.alarms import alarms, open_alarm
from adverdict.ledger.in_force.cases import open_case
from adverdict.ledger.in_force.probing import notice
from adverdict.ledger.in_force.steering import brake
from adverdict.monitoring.launch.record import keep
from adverdict.monitoring.watch import watch
from adverdict.review.tasks.routing import Reviewer
from adverdict.serving.console.parts import Parts
from adverdict.serving.worker.planner import Planner
from tests.ledger.made import ALARM, CASE, an_ad, append_decisions, braked, decided, launch_checked
from tests.monitoring.test_watch import BOOK, BUDGET, day
from tests.review.certificates import a_certificate
from tests.review.desk import Desk
from tests.serving.console.conftest import Visitor, log_in, token
from tests.serving.console.filled import World


@pytest.fixture
def rang(empty: Parts) -> Parts:
    """With an alarm that is open, likely since the day before yesterday."""
    at = empty.clock() - timedelta(days=2)
    with empty.ledger.write() as writing:
        open_alarm(writing, ALARM.model_copy(update={"since": at, "examples": ("dec-1",), "as_of": 0}), at)
    return empty


def test_health_shows_how_detectors_stood_at_the_last_look_and_that_nobody_has_looked_since(empty: Parts, visit: Visitor) -> None:
    desk = Desk(empty.ledger)
    desk.staff(*(Reviewer(name) for name in ("rita", "sven", "tove")))
    desk.clock.now = empty.clock() - timedelta(days=9)
    made = a_certificate(desk.clock())
    for number in range(6):
        day(desk, made, 4, violating=3 if number > 3 else 0)
    watch(desk.ledger, [made], BOOK, BUDGET, lambda: empty.clock() - timedelta(hours=2))
    text = log_in(visit(empty)).get("/console/health").text
    shown = [
        "Nobody looks: the last look was",
        "rings",
        "its alarm",
        "violating among approved",
        "what risks mean",
        "SE",
        "may ring falsely 12 times",
    ]
    assert [one for one in shown if one not in text] == []


def test_an_alarm_is_told_whole_with_what_followed_and_moved_with_a_reason(rang: Parts, visit: Visitor) -> None:
    with rang.ledger.write() as writing:
        brake(writing, braked(policy=ALARM.policy), rang.clock())
    with rang.ledger.look() as connection:
        [one] = alarms(connection)
    client, path = log_in(visit(rang)), f"/console/alarms/{one.alarm_id}"
    text = client.get(path).text
    shown = ["9 of 100 ads violate", "adverdict brake on", "/console/decisions/dec-1", "a wave of scams", "Put it on record"]
    assert [name for name in shown if name not in text] == []
    form = {"csrf": token(client, path), "state": "acted", "why": "a brake is on", "link": "brk-1"}
    assert client.post(f"{path}/move", data={**form, "state": "open"}).status_code == 400
    assert client.post(f"{path}/move", data={**form, "why": " "}).status_code == 400
    assert client.post(f"{path}/move", data=form).headers["location"] == path
    assert client.post(f"{path}/move", data={**form, "state": "closed"}).status_code == 303
    text = client.get(path).text
    assert "a brake is on" in text
    assert "Put it on record" not in text
    assert client.post(f"{path}/move", data=form).status_code == 409
    assert client.get("/console/alarms/alm-none").status_code == 404


def test_launches_stand_by_the_day_on_which_they_open_with_what_is_missing(empty: Parts, visit: Visitor) -> None:
    today = empty.clock().date()
    gate = GateTold(
        name="people",
        status="missing",
        says="nobody is rostered",
        needs="roster.csv in the operations folder",
        owner="workforce",
        until=today - timedelta(days=3),
        cost="4.2 full-time people",
    )
    for name, days in (("JP", 40), ("BR", 9), ("DE", -40)):
        told = launch_checked(name=name, markets=(name,), opens=today + timedelta(days=days), gates=(gate,), outcome="no go")
        keep(empty.ledger, told, empty.clock())
    text = log_in(visit(empty)).get("/console/launches").text
    shown = ["no go", "nobody is rostered", "4.2 full-time people", "workforce", str(today - timedelta(days=3)), "Opened"]
    assert [one for one in shown if one not in text] == []
    assert text.index("<bdi>BR</bdi>") < text.index("<bdi>JP</bdi>") < text.index("Opened") < text.index("<bdi>DE</bdi>")


def test_new_kinds_stand_as_cards_with_examples_and_are_moved(empty: Parts, visit: Visitor) -> None:
    append_decisions(empty.ledger, decided(an_ad(1, title="Crypto pump to the moon"), decision_id="dec-1"))
    with empty.ledger.write() as writing:
        case_id = open_case(writing, CASE.model_copy(update={"examples": ("dec-1", "dec-gone")}), empty.clock())
    client = log_in(visit(empty))
    text = client.get("/console/emerging").text
    shown = ["“crypto pump”", "Crypto pump to the moon", "an ad that was erased", "6 advertisers", "SE, DE", "A draft of a policy", "open"]
    assert [one for one in shown if one not in text] == []
    form = {"csrf": token(client, "/console/emerging"), "state": "explained", "why": "a sale of shoes", "link": ""}
    assert client.post(f"/console/emerging/{case_id}/move", data={**form, "state": "open"}).status_code == 400
    assert client.post(f"/console/emerging/{case_id}/move", data=form).status_code == 303
    text = client.get("/console/emerging").text
    assert text.index("No case is open") < text.index("<h2>Over") < text.index("a sale of shoes")


def test_a_case_is_labelled_from_its_card(empty: Parts, visit: Visitor) -> None:
    at = empty.clock() - timedelta(hours=2)
    ads = [an_ad(n, advertiser_id=f"adv-{n}", title="Crypto pump to the moon", language="en", submitted_at=at) for n in (1, 2, 3)]
    append_decisions(empty.ledger, *(decided(ad, decision_id=f"dec-{ad.ad_id}") for ad in ads))
    with empty.ledger.write() as writing:
        case_id = open_case(writing, CASE, empty.clock())
    client = log_in(visit(empty))
    path, form = f"/console/emerging/{case_id}/label", {"csrf": token(client, "/console/emerging")}
    assert client.post(path, data=form).status_code == 303
    text = client.get("/console/emerging").text
    shown = ["3 ads still to be read", "labelling", "3 of its ads are being labelled"]
    assert [one for one in shown if one not in text] == []
    assert client.post("/console/emerging/cas-none/label", data=form).status_code == 404


def test_who_tries_out_what_is_approved_stands_on_the_page_until_somebody_says_what_it_is(empty: Parts, visit: Visitor) -> None:
    at = empty.clock()
    seen = ProbingNoticed(
        advertiser_id="adv-77", until=at + timedelta(days=7), says="5 changed copies came.", examples=("dec-1",), as_of=0, by="monitor"
    )
    with empty.ledger.write() as writing:
        probing_id = notice(writing, seen, at)
    client = log_in(visit(empty))
    text = client.get("/console/emerging").text
    assert [
        one for one in ("adv-77", "5 changed copies came.", "/console/decisions/dec-1", "left to people until") if one not in text
    ] == []
    path, form = f"/console/emerging/probing/{probing_id}/end", {"csrf": token(client, "/console/emerging"), "outcome": "evasion"}
    assert client.post(path, data={**form, "why": " "}).status_code == 400
    assert client.post(path, data={**form, "why": "a fraud ring"}).status_code == 303
    assert "adv-77" not in client.get("/console/emerging").text
    assert client.post(path, data={**form, "why": "again"}).status_code == 409


def test_a_launch_is_checked_from_the_board_with_the_refusals_of_the_command(empty: Parts, visit: Visitor) -> None:
    asked: list[tuple[str, ...]] = []

    def run(arguments: Sequence[str]) -> Mapping[str, Any]:
        asked.append(tuple(arguments))
        if "--ads-per-day=-4" in arguments:
            raise InvalidInput("the launch cannot be checked:\n  - ads_per_day = '-4'; expected ads a day")
        keep(empty.ledger, launch_checked(name="JP", markets=("JP",), opens=empty.clock().date() + timedelta(days=9)), empty.clock())
        return {"launch_id": "lch-1"}

    client = log_in(visit(replace(empty, launches=Planner(run, empty.clock))))
    form = {"csrf": token(client, "/console/launches"), "what": "market", "name": "jp", "date": "2099-01-01", "languages": "ja"}
    wrong = client.post("/console/launches/check", data={**form, "ads_per_day": "-4"})
    assert (wrong.status_code, "expected ads a day" in wrong.text, 'value="2099-01-01"' in wrong.text) == (400, True, True)
    assert client.post("/console/launches/check", data={**form, "ads_per_day": "900"}).headers["location"] == "/console/launches"
    assert {"check", "--market=JP", "--languages=ja", "--ads-per-day=900", "--date=2099-01-01"} <= set(asked[-1])
    assert [one for one in asked[-1] if one.startswith("--by=")] != []
    assert "<bdi>JP</bdi>" in client.get("/console/launches").text
    assert "May it open?" not in log_in(visit(empty)).get("/console/launches").text


def test_a_reviewer_marks_an_ad_that_no_policy_fits(world: World, visit: Visitor) -> None:
    client = log_in(visit(world.parts))
    page = client.get("/console/review").text
    assert "Bad, but no policy fits" in page
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))
    before = len(list(world.parts.ledger.read(kinds=["mark", "answer"])))
    wrong = {**hidden, "verdict": "reject", "violated": re.findall(r'name="violated" value="(\w+)"', page)[:1], "unfit": "1"}
    assert "no such mark on an ad that is rejected" in client.post("/console/review/answer", data=wrong).text
    assert client.post("/console/review/answer", data={**hidden, "verdict": "approve", "unfit": "1"}).status_code == 303
    told = list(world.parts.ledger.read(kinds=["mark", "answer"]))[before:]
    assert {entry.body.kind for entry in told if entry.body} >= {"answer"}
