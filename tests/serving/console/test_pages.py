"""Every page, with nothing on record, with something, with nonsense in the address, and with an ad that attacks it."""

from __future__ import annotations

import hashlib
import logging
import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from adverdict.decisions.policy import PolicyBook
from adverdict.domain.ad import Ad
from adverdict.domain.errors import NotFound, Unavailable
from adverdict.domain.keys import ApiKey
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.in_force.alarms import open_alarm
from adverdict.ledger.schema import tasks
from adverdict.ledger.store import Ledger
from adverdict.models.manifest import DataEntry
from adverdict.review.quality.quality import QualityReport
from adverdict.review.tasks.opening import open_tasks
from adverdict.scoring.opened import open_bundle
from adverdict.serving.console.parts import Parts
from adverdict.serving.console.quality import ReportCache
from adverdict.serving.console.rendering import TABS
from adverdict.serving.console.safety import HEADERS
from adverdict.serving.console.standing.pages import challenger_of, link_to
from tests.ledger.made import ALARM, a_decision, ring
from tests.review.certificates import a_certificate
from tests.serving.console.conftest import Visitor, log_in, token
from tests.serving.console.filled import NOW, SETTINGS, World

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'{{ 7 * 7 }}</p></form>\u202ehidden\u200b"
PATHS = [tab.path for tab in TABS]


@pytest.fixture
def client(world: World, visit: Visitor) -> TestClient:
    return log_in(visit(world.parts))


@pytest.mark.parametrize("path", PATHS)
def test_a_page_says_so_when_nothing_is_on_record(path: str, empty: Parts, visit: Visitor) -> None:
    answer = log_in(visit(empty)).get(path)
    assert answer.status_code == 200
    assert "<h1" in answer.text


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/console/queues", ["waiting", "By kind", "audit", "Past due"]),
        ("/console/decisions", ["Designer bags, replica AAA", "ad-5059", "rejected"]),
        ("/console/policies?policy=deceptive&market=SE", ["In force", "Moved", "Leakage", "polyline", "never automatically"]),
        ("/console/models", ["models:/adverdict/3", "expired 2026-11-18", "b3-20261012", "registry"]),
        ("/console/quality", ["ana", "Sensitivity", "Deceptive or misleading claims", "not measured yet"]),
    ],
)
def test_a_page_shows_what_is_on_record(path: str, shown: list[str], client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adverdict.serving.console.quality.PATIENCE", 60)  # on a busy machine the figures take longer than a visitor waits
    text = client.get(path).text
    assert [one for one in shown if one not in text] == []


def test_a_decision_is_shown_whole(client: TestClient, world: World) -> None:
    text = client.get(f"/console/decisions/{world.first_rejected}").text
    made = next(one for one in world.decisions if one.decision.decision_id == world.first_rejected)
    expected = [
        f"adverdict ledger replay --decision {world.first_rejected}",
        made.decision.policy_hash,
        str(made.decision.bundle_version),
        "Statement of reasons",
        "AUTOMATED_DECISION_FULLY",
        *(one.because for one in made.decision.policies),
        *(one.certificate_id or "" for one in made.decision.policies),
        "Appealed against",
    ]
    assert [one for one in expected if one not in text] == []
    assert re.search(r"<dd>\d+ of the chain", text)


def test_a_decision_is_found_by_its_id_and_by_its_ads(client: TestClient, world: World) -> None:
    made = world.decisions[3]
    csrf = token(client, "/console/decisions")
    for told in (made.decision.decision_id, made.ad.ad_id, f"  {made.ad.ad_id} "):
        answer = client.post("/console/decisions/search", data={"csrf": csrf, "text": told})
        assert answer.headers["location"] == f"/console/decisions/{made.decision.decision_id}"
    missing = client.post("/console/decisions/search", data={"csrf": csrf, "text": HOSTILE})
    assert missing.status_code == 404
    assert "<script>alert" not in missing.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/console/nothing", 404),
        ("/console/static/../app.py", 404),
        ("/console/static/nothing.css", 404),
        ("/console/decisions/dec-nothing", 404),
        ("/console/decisions/%3Cscript%3E", 404),
        ("/console/policies?market=XX", 404),
        ("/console/policies?market=SE&surface=nowhere", 404),
        ("/console/policies?market=SE&policy=nothing", 200),
        ("/console/policies?market=SE&approve_below=nan", 400),
        ("/console/policies?market=SE&approve_below=0.9&reject_at=0.1", 400),
        ("/console/policies?market=SE&reject_at=<script>", 400),
        ("/console/quality?days=5", 400),
        ("/console/quality?days=٢٨", 400),
        ("/console/review/answer", 405),
        ("/console/review/", 404),
        ("/console/decisions/%00", 404),
        ("/console/decisions/%ED%A0%80", 404),
        ("/console/review/next?besides=%00", 400),
        ("/console/policies?market=%00", 400),
    ],
)
def test_what_makes_no_sense_is_refused_in_words_of_ours(path: str, status: int, client: TestClient) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert "<script>" not in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"a=1" * 40_000, "application/x-www-form-urlencoded"),
        (b"&".join(b"a=1" for _ in range(300)), "application/x-www-form-urlencoded"),
        (b"\xff\xfe", "application/x-www-form-urlencoded"),
        (b"a=%FF", "application/x-www-form-urlencoded"),
        (b"a=%00", "application/x-www-form-urlencoded"),
        (b"%00=a", "application/x-www-form-urlencoded"),
        (b"a=%ED%A0%80", "application/x-www-form-urlencoded"),
        (b"{}", "application/json"),
    ],
)
def test_what_is_no_form_is_refused(body: bytes, kind: str, client: TestClient) -> None:
    answer = client.post("/console/decisions/search", content=body, headers={"content-type": kind})
    assert answer.status_code == 400


def test_every_answer_forbids_what_no_page_needs(client: TestClient, world: World) -> None:
    for path in (*PATHS, "/console/nothing", "/console/login", f"/console/decisions/{world.first_rejected}"):
        answer = client.get(path)
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, path
        assert re.search(r"<script(?! defer src=\"/console/static/)|<style|\sstyle=|\son[a-z]+=", answer.text) is None, path


def test_our_own_files_are_kept_by_browsers_under_the_name_of_their_content(client: TestClient) -> None:
    address = re.findall(r'"(/console/static/[a-z.]+\?v=[0-9a-f]{12})"', client.get("/console/review").text)
    assert len(address) == 4
    for one in address:
        answer = client.get(one)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]


def test_an_ad_full_of_markup_and_controls_stays_text(empty: Parts, visit: Visitor) -> None:
    ad = Ad(
        ad_id="ad-hostile",
        advertiser_id=HOSTILE,
        market="SE",
        submitted_at=NOW - timedelta(minutes=5),
        language='sv" onclick="x',
        surface=HOSTILE,
        title=HOSTILE,
        body=HOSTILE * 400,
        call_to_action=HOSTILE,
        keywords=[HOSTILE] * 3,
        landing_domain=HOSTILE,
        creative_format=HOSTILE,
        creative_ocr_text=HOSTILE,
    )
    decision = recorded(empty.ledger, empty.book, ad)
    client = log_in(visit(empty))
    for path in ("/console/review", "/console/decisions", f"/console/decisions/{decision}"):
        text = client.get(path).text
        assert "&lt;script&gt;" in text
        found = Tags(text)
        assert {tag for tag in found.names if tag in ("img", "iframe", "object", "style", "base")} == set()
        assert found.names.count("script") == (0 if path == "/console/decisions" else 2), "our own"
        assert [name for name in found.attributes if name.startswith("on") or name == "style"] == []
        assert found.names.count("form") <= 3
        assert "\u202e" not in text
        assert "U+202E" in text


class Tags(HTMLParser):
    """The elements and attributes a browser would see."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes += [name for name, _ in attrs]


def recorded(ledger: Ledger, book: PolicyBook, ad: Ad, verdict: Verdict = Verdict.REVIEW) -> str:
    decision = a_decision(ad, verdict, at=NOW - timedelta(minutes=5))
    made = DecisionMade(ad=ad, decision=decision, first=True)
    with ledger.write() as writing:
        writing.append(decision.decision_id, made, NOW - timedelta(minutes=5))
        open_tasks(writing, [made], book, SETTINGS, NOW - timedelta(minutes=5))
    return decision.decision_id


def test_a_failing_page_says_nothing_of_what_it_failed_on(
    empty: Parts, visit: Visitor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ValueError("the title of an ad")

    client = log_in(visit(empty))
    monkeypatch.setattr(empty.queue, "depths", fail)
    with caplog.at_level(logging.DEBUG):
        answer = client.get("/console/queues")
    assert answer.status_code == 500
    assert "the title of an ad" not in answer.text + caplog.text
    assert "ValueError" in caplog.text


def test_a_database_that_is_away_is_said(empty: Parts, visit: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise Unavailable("the ledger's database does not answer")

    client = log_in(visit(empty))
    monkeypatch.setattr(empty.queue, "depths", away)
    assert client.get("/console/queues").status_code == 503


@pytest.mark.parametrize(
    ("raised", "told"), [(NotFound("none"), "None is registered"), (Unavailable("away"), "does not answer"), (None, "models:/adverdict/4")]
)
def test_the_models_page_stands_whatever_the_registry_does(raised: Exception | None, told: str, empty: Parts, visit: Visitor) -> None:
    def resolve(name: str) -> str:
        assert name == "models:/adverdict@challenger"
        if raised:
            raise raised
        return "models:/adverdict/4"

    answer = log_in(visit(Parts(**{**vars(empty), "resolve": resolve}))).get("/console/models")
    assert answer.status_code == 200
    assert told in answer.text


def test_a_count_that_takes_long_is_waited_for_elsewhere(empty: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    started, finish = Event(), Event()

    def slow(*_: Any, **__: Any) -> QualityReport:
        started.set()
        assert finish.wait(10)
        return QualityReport(None, None, (), (), (), ())

    monkeypatch.setattr("adverdict.serving.console.quality.quality", slow)
    monkeypatch.setattr("adverdict.serving.console.quality.PATIENCE", 0.01)
    measured = ReportCache(empty.ledger, empty.clock)
    assert measured.get(28) is None
    assert started.wait(10)
    finish.set()
    monkeypatch.setattr("adverdict.serving.console.quality.PATIENCE", 10)
    counted = measured.get(28)
    assert counted is not None
    assert measured.get(28) is counted


def test_the_quality_page_says_how_each_certificate_stands(empty: Parts, visit: Visitor) -> None:
    state = empty.champion.state
    assert state.loaded is not None
    issued = a_certificate(empty.clock() - timedelta(days=3))
    empty.champion.state = replace(state, loaded=replace(state.loaded, issued=(issued,)))
    text = log_in(visit(empty)).get("/console/quality").text
    shown = ["No audit of what it approves is settled yet.", "certified", issued.certificate_id, "revoked at 20", "shown at 40"]
    assert [one for one in shown if one not in text] == []


def test_the_quality_page_shows_the_alarms_that_are_not_closed(empty: Parts, visit: Visitor) -> None:
    ring(empty.ledger)
    assert "Alarms" not in log_in(visit(empty)).get("/console/quality").text
    told = ALARM.model_copy(update={"cell": "leakage/gambling/cert-2"})
    with empty.ledger.write() as writing:
        open_alarm(writing, told, empty.clock())
    text = log_in(visit(empty)).get("/console/quality?days=7").text
    shown = ["Alarms", "9 of 100 ads violate", "adverdict brake on", "open"]
    assert [one for one in shown if one not in text] == []


def test_only_an_http_registry_is_linked_to_and_never_with_its_password() -> None:
    assert link_to("https://me:secret@mlflow.example:5000/x") == "https://mlflow.example:5000/x"
    assert link_to("sqlite:////var/mlflow.db") == ""
    assert link_to("javascript:alert(1)") == ""


def test_a_folder_has_no_challenger() -> None:
    assert challenger_of("/models/bundle") is None
    assert challenger_of("models:/adverdict/3") is None


def test_a_reviewer_sees_no_verdict_of_an_ad_that_is_still_being_read(world: World, visit: Visitor) -> None:
    """They may be its next reader."""
    with world.parts.ledger.look() as connection:
        about = connection.scalars(select(tasks.c.about).where(tasks.c.state == "open")).first()
    client = log_in(visit(keyed(world.parts, "review")), "adj_k")
    sealed = client.get(f"/console/decisions/{about}")
    assert "Being read" in sealed.text
    assert "Record" not in sealed.text
    assert "with people" in client.get("/console/decisions").text


def keyed(parts: Parts, scope: str) -> Parts:
    """The parts with one key, ``adj_k``."""
    keys = (ApiKey("ana", frozenset([scope]), hashlib.sha256(b"adj_k").hexdigest()),)
    return Parts(**{**vars(parts), "api_keys": keys})


def test_a_page_that_is_not_there_keeps_the_navigation_for_whoever_is_logged_in(world: World, visit: Visitor) -> None:
    stranger = visit(world.parts).get("/console/nothing")
    known = log_in(visit(world.parts)).get("/console/nothing")
    assert (stranger.status_code, known.status_code) == (404, 404)
    assert "To the login" in stranger.text
    assert 'aria-label="Pages"' not in stranger.text
    assert 'aria-label="Pages"' in known.text
    assert "To the console" in known.text


def test_moments_are_told_with_their_zone_and_how_long_ago_they_are(client: TestClient, world: World) -> None:
    text = client.get(f"/console/decisions/{world.first_rejected}").text
    assert re.search(r"<time datetime=\"[^\"]+\+00:00\">\d{4}-\d\d-\d\d \d\d:\d\d UTC</time> <span class=\"muted\">\(\d+ \w+ ago\)", text)


def test_every_page_says_that_the_model_learnt_from_simulated_data(empty: Parts, visit: Visitor) -> None:
    client = log_in(visit(empty))
    assert "Simulated data" not in client.get("/console/queues").text
    loaded = empty.champion.state.loaded
    assert loaded is not None
    entry = DataEntry(name="mine", digest="0" * 64, ads=1, labels=1, simulated=True)
    object.__setattr__(loaded.scorer.model, "manifest", SimpleNamespace(data=(entry,)))
    assert "Simulated data" in client.get("/console/queues").text


def test_a_bundle_in_service_says_so_by_itself(empty: Parts, visit: Visitor, tiny_bundle: Path) -> None:
    """In the shape in which the service holds one, which need not be that of a stand-in."""
    client, loaded = log_in(visit(empty)), empty.champion.state.loaded
    assert loaded is not None
    object.__setattr__(loaded.scorer, "model", open_bundle(tiny_bundle))
    assert "Simulated data" in client.get("/console/queues").text


@pytest.mark.parametrize(
    ("told", "made_up"), [({"name": "mine"}, False), ({"name": "mine", "simulated": True}, True), ({"name": "marketplace-10000-7"}, True)]
)
def test_data_are_simulated_if_they_say_so_or_bear_the_name_a_simulation_gives(told: dict[str, Any], made_up: bool) -> None:
    entry = DataEntry(digest="0" * 64, ads=1, labels=1, **told)
    assert entry.made_up is made_up
    assert ("simulated" in entry.model_dump(mode="json")) is told.get("simulated", False)
