"""The page of a policy leads from a slider to the rule: the lines, what they cost, an address to send, and a draft."""

from __future__ import annotations

import html
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.testclient import TestClient

from adverdict.serving.console.policies import curves
from adverdict.serving.console.policies.rule import work
from adverdict.serving.console.policies.shares import ScoredDecisions
from tests.serving.console.conftest import Visitor, log_in
from tests.serving.console.filled import NOW, World

PAGE = "/console/policies?policy=deceptive&market=SE"


@pytest.fixture
def client(world: World, visit: Visitor) -> TestClient:
    return log_in(visit(world.parts))


def test_thresholds_as_in_force_ask_for_nothing(client: TestClient) -> None:
    assert "To put this into force" not in client.get(PAGE).text


def test_moved_thresholds_lead_to_the_lines_of_a_file_their_cost_and_an_address(client: TestClient) -> None:
    text = html.unescape(client.get(f"{PAGE}&approve_below=0.02&reject_at=0.9").text)
    assert re.search(r"In <code>SE.yaml</code>, line \d+", text)
    assert "thresholds: {approve_below: 0.02, reject_at: 0.9}" in text
    assert re.search(r"[+−][\d.]+ reviews a day</b>, [+−][\d.]+ reviewer hours", text)
    link = re.search(r'href="([^"]+)">This page with these thresholds', text)
    assert link
    told = parse_qs(urlsplit(link.group(1)).query)
    assert (told["approve_below"], told["reject_at"]) == (["0.02"], ["0.9"])
    assert "Propose as a roll-out" not in text, "nothing can be drafted here"


def test_rejecting_from_one_on_is_called_never(client: TestClient) -> None:
    text = client.get(f"{PAGE}&approve_below=0.02&never=yes").text
    assert "reject_at: 1}" in html.unescape(text)
    assert "<td>never</td>" in text


def test_a_limit_that_holds_thresholds_back_is_said(client: TestClient) -> None:
    assert "hold these thresholds back" in client.get(f"{PAGE}&approve_below=0.4&reject_at=0.9").text
    assert "hold these thresholds back" not in client.get(f"{PAGE}&approve_below=0.02&reject_at=0.9").text


def test_a_policy_that_is_not_in_force_is_told_where_it_is(client: TestClient) -> None:
    text = html.unescape(client.get("/console/policies?policy=kids_unsuitable&market=DE").text)
    assert "Unsuitable beside children's videos (not in force here)" in text
    assert "/console/policies?policy=kids_unsuitable&market=DE&surface=kids_video" in text
    assert client.get("/console/policies?policy=kids_unsuitable&market=DE&surface=kids_video").status_code == 200


def test_a_line_beyond_its_drawing_is_broken_there_and_says_how_far_it_goes() -> None:
    seen = ScoredDecisions.of([(at / 100, 1.0, False, True) for at in range(1, 100)])
    drawn = curves.errors(seen, "reject", 0.24)
    assert drawn.lines == ()
    assert [mark.told for mark in drawn.beyond] == ["↑ 100%"]
    mixed = ScoredDecisions.of([(at / 100, 1.0, at > 60, True) for at in range(1, 100)])
    drawn = curves.errors(mixed, "reject", 0.24)
    assert len(drawn.beyond) == 1
    heights = [float(point.split(",")[1]) for line in drawn.lines for point in line.split()]
    assert min(heights) == 0
    assert heights.count(0) == 1, "only where it leaves"


def test_reviews_a_day_are_those_of_the_days_on_the_page() -> None:
    found = work([("approve", "review", 30), ("review", "reject", 6), ("approve", "reject", 5)], NOW, NOW.replace(day=23), 60.0)
    assert (found.to_people, found.from_people, found.a_day) == (30, 6, 8.0)
    assert found.hours_a_day == pytest.approx(8 / 60)
    assert not work([], None, NOW, 60.0).known
