"""The creative on the pages: hidden until asked for, from this service only, and for nobody who is not logged in."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adverdict.creatives.fetching import fetch
from adverdict.creatives.limits import Limits
from adverdict.creatives.resolver import Resolver
from adverdict.creatives.sources import Sources
from adverdict.decisions.policy import PolicyBook
from adverdict.decisions.suitability import SuitabilityRules
from adverdict.domain.keys import parse_keys
from adverdict.domain.suitability import Tier
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import Answered, DecisionMade
from adverdict.ledger.store import Ledger
from adverdict.review.tasks.opening import open_tasks
from adverdict.scoring.tiers import Grader
from adverdict.serving.console.parts import Parts
from adverdict.suitability.certifying import TierCertificate
from adverdict.suitability.model import TierModel
from tests.creatives.files import picture
from tests.ledger.made import a_decision, an_ad
from tests.serving.console.conftest import Visitor, log_in
from tests.serving.console.filled import NOW, SETTINGS, made_parts
from tests.serving.console.test_review import form_of

LINK = "https://ads.example/creatives/{creative_id}"


@pytest.fixture
def parts(empty_ledger: Path, packaged: PolicyBook, tmp_path: Path) -> Iterator[Parts]:
    shutil.copy(empty_ledger, tmp_path / "ledger.db")
    (tmp_path / "creatives").mkdir()
    (tmp_path / "creatives" / "shoe.png").write_bytes(picture())
    opened = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", create=False)
    yield replace(made_parts(opened, packaged, tmp_path), creatives=Sources(folders=(tmp_path / "creatives",)), creative_link=LINK)
    opened.close()


def decided(parts: Parts, number: int = 1, verdict: Verdict = Verdict.REVIEW, **ad: Any) -> str:
    made_ad = an_ad(number, **{"creative_format": "image", **ad})
    decision_id = f"dec-{number:032x}"
    made = DecisionMade(ad=made_ad, decision=a_decision(made_ad, verdict, at=NOW, decision_id=decision_id), first=True)
    with parts.ledger.write() as writing:
        writing.append(decision_id, made, NOW)
        open_tasks(writing, [made], parts.book, SETTINGS, NOW)
    return decision_id


def fetched(parts: Parts) -> None:
    fetch(parts.ledger, Resolver(parts.creatives, Limits(reading_seconds=0.0)), lambda: NOW)


def uri(parts: Parts, name: str = "shoe.png") -> str:
    return f"{parts.creatives.folders[0]}/{name}"


def test_a_picture_is_served_by_the_console_to_who_may_see_it_and_to_nobody_else(parts: Parts, visit: Visitor) -> None:
    decided(parts, creative_uri=uri(parts))
    fetched(parts)
    client = log_in(visit(parts))
    page = client.get("/console/review").text
    (address,) = re.findall(r'<img src="([^"]+)"', page)
    assert address.startswith("/console/creative/")
    assert "data-see" in page, "a box without a script that shows it"
    assert uri(parts) not in page, "nothing points to where it lies"
    answer = client.get(address)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'"
    assert answer.headers["cache-control"] == "no-store"
    assert "img-src 'self' data:;" in client.get("/console/review").headers["content-security-policy"]
    assert visit(parts).get(address).status_code == 303, "not logged in"
    keys = parse_keys([f"plan:plan:{'0' * 64}"], "keys", [])
    assert keys
    for wrong in ("0" * 64 + "/0", address.split("/")[3] + "/99", "..%2f..%2fetc/0", "x/0", address.split("/")[3] + "/-1"):
        assert client.get(f"/console/creative/{wrong}").status_code == 404


def test_where_there_is_no_picture_the_page_says_why_and_where_people_find_it(parts: Parts, visit: Visitor) -> None:
    absent = decided(parts, 1, Verdict.APPROVE, creative_uri=None, creative_id="cr 1/2")
    refused = decided(parts, 2, Verdict.APPROVE, creative_uri="https://evil.example/a.png", creative_id=None)
    text = decided(parts, 3, Verdict.APPROVE, creative_uri=None, creative_format="text")
    client = log_in(visit(parts))
    page = client.get(f"/console/decisions/{absent}").text
    assert "The picture is not here:" in page
    assert "creative_uri" in page
    assert 'href="https://ads.example/creatives/cr%201%2F2"' in page
    assert "The picture is being fetched" in client.get(f"/console/decisions/{refused}").text
    fetched(parts)
    page = client.get(f"/console/decisions/{refused}").text
    assert "ADVERDICT_CREATIVE_HOSTS" in page
    assert "evil.example/a.png" not in page
    assert "ads.example/creatives" not in page, "the link asks for an id that the ad does not have"
    assert "The picture" not in client.get(f"/console/decisions/{text}").text


def test_opening_a_decision_has_its_picture_fetched(parts: Parts, visit: Visitor) -> None:
    decision = decided(parts, 1, Verdict.APPROVE, creative_uri=uri(parts))
    client = log_in(visit(parts))
    assert "data-waiting" in client.get(f"/console/decisions/{decision}").text
    fetched(parts)
    page = client.get(f"/console/decisions/{decision}").text
    assert "data-waiting" not in page
    assert "No model has looked at it" in page


def test_without_sources_nothing_is_wanted_and_the_page_says_so(parts: Parts, visit: Visitor) -> None:
    decision = decided(parts, 1, Verdict.APPROVE, creative_uri=uri(parts))
    page = log_in(visit(replace(parts, creatives=Sources()))).get(f"/console/decisions/{decision}").text
    assert "fetches no creatives" in page
    fetched(parts)
    assert "data-waiting" in log_in(visit(parts)).get(f"/console/decisions/{decision}").text


def test_who_cannot_see_an_ad_labels_nothing_and_somebody_else_is_asked(parts: Parts, visit: Visitor) -> None:
    decision = decided(parts, creative_uri=None)
    client = log_in(visit(parts))
    form = form_of(client.get("/console/review").text)
    assert client.post("/console/review/answer", data={**form, "verdict": "unseen", "reason": "no picture"}).status_code == 303
    (answer,) = [one.body for one in parts.ledger.about(decision) if isinstance(one.body, Answered)]
    assert (answer.verdict, answer.labels, answer.reason) == ("unseen", (), "no picture")
    assert form_of(client.get("/console/review").text + '<form id="task"').get("task") != form["task"]
    again = parts.queue.claim("somebody-else")
    assert again is not None
    assert (again.task.kind, again.task.about) == ("review", decision)


def tiers() -> tuple[TierModel, SuitabilityRules]:
    """A model that says the same of every ad, and whom it is told."""
    columns = np.zeros(1, dtype=np.int64)
    model = TierModel(("gambling",), columns, np.zeros((1, 4), dtype=np.float32), np.array([1, 0, 0, 0], dtype=np.float32), 0)
    return model, SuitabilityRules(categories={"gambling": "deceptive"}, accepts={"kids_video": Tier.LOW})


def test_where_it_may_stand_is_shown_per_placement_and_said_by_a_reviewer(parts: Parts, visit: Visitor) -> None:
    """The model of tiers here has no certificate: nothing is told, and the page says so."""
    model, rules = tiers()
    decision = decided(parts, 1, creative_uri=None)
    client = log_in(visit(replace(parts, grader=Grader(model, rules))))
    page = client.get(f"/console/decisions/{decision}").text
    assert "Where it may stand" in page
    assert "No tier yet" in page
    assert "kids_video" in page
    assert "not known yet" in page
    assert "Nothing is certified of it" in page
    asked = decided(parts, 2, creative_uri=None)
    for _ in range(2):
        form = form_of(client.get("/console/review").text)
        assert client.post("/console/review/answer", data={**form, "verdict": "approve", "tier": "gambling:high"}).status_code == 303
    assert [one.body.tier for one in parts.ledger.about(asked) if isinstance(one.body, Answered)] == ["gambling:high"]
    certified = TierCertificate(
        certificate_id="tir-1",
        sureness=0.5,
        max_wrong=0.05,
        confidence=0.95,
        ads=200,
        wrong=0,
        advertisers=200,
        upper=0.01,
        told=1,
        labels="d",
    )
    page = (
        log_in(visit(replace(parts, grader=Grader(replace(model, certificate=certified), rules)))).get(f"/console/decisions/{asked}").text
    )
    assert "Tier: low" in page, "people approved it: nobody is waited for any more"
    assert "tir-1" in page
    plain = log_in(visit(parts))
    assert "Where it may stand" not in plain.get(f"/console/decisions/{decision}").text
