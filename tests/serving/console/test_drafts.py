"""Drafting, proposing and repairing in the console: the commands that are run, and what is said of what comes back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from adverdict.decisions.files.read import read_policies
from adverdict.decisions.policy import Thresholds
from adverdict.domain.errors import InvalidInput
from adverdict.serving.console.app import console
from adverdict.serving.console.parts import Parts
from adverdict.serving.worker.planner import Planner
from tests.serving.console.conftest import Visitor, log_in

VERDICTS = {"approve": 0.7, "review": 0.2, "reject": 0.1}
FIGURES: dict[str, Any] = {
    "rollout": "rol-1",
    "difference": ["gambling, in SE: thresholds approve below 0.1 -> approve below 0.2"],
    "markets": ["SE"],
    "base": {"bundle_version": "b-1", "policies": "p" * 64, "model": None},
    "candidate": {"bundle_version": "b-2", "policies": "q" * 64, "model": "models:/adverdict/2"},
    "plan": {"stages": [{"name": "canary", "share": 0.01, "needs": ["policy"]}], "alpha": 0.05},
    "guards": [{"kind": "leakage", "policy": "gambling"}, {"kind": "latency", "policy": None}],
    "predicted": {
        "ads": 320,
        "advertisers": 40,
        "before": VERDICTS,
        "after": {**VERDICTS, "review": 0.25},
        "to_people": {"change": 0.05, "low": 0.01, "high": 0.09},
        "hours_a_day": {"change": 1.5},
        "scored_anew": True,
        "newly_approved": {"read": 0},
        "newly_rejected": {"read": 4, "violate": 3, "low": 0.2, "high": 0.99},
        "left_out": {"another bundle decided it": 7},
    },
}


class Commands:
    """Implements ``planner.Run``: what was asked for, and ``FIGURES`` or a refusal in return."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.refusal: str | None = None

    def __call__(self, arguments: Sequence[str]) -> Mapping[str, Any]:
        self.asked.append(list(arguments))
        if self.refusal:
            raise InvalidInput(self.refusal)
        return FIGURES


@pytest.fixture
def commands() -> Commands:
    return Commands()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "default.yaml").write_text("policies: {}")
    return tmp_path / "files"


@pytest.fixture
def caller(empty: Parts, commands: Commands, files: Path) -> Iterator[TestClient]:
    drafts = Planner(lambda arguments: commands(arguments[1:]), empty.clock)
    app = console(replace(empty, files=files, rolling=commands, drafts=drafts, resolve=lambda name: f"{name} now"))
    with TestClient(app, base_url="http://127.0.0.1:8377", client=("127.0.0.1", 50000), follow_redirects=False) as client:
        log_in(client)
        yield client


BOTH = {"what": "both", "candidate": "models:/adverdict@challenger", "market": "", "plan": "standard"}


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found
    return found[1]


def test_a_draft_is_shown_with_what_it_changes_what_it_would_do_and_who_watches(caller: TestClient, commands: Commands) -> None:
    page = caller.get("/console/rollouts/draft", params=BOTH)
    assert page.status_code == 200
    assert commands.asked == [["draft", "--plan=standard", "--candidate=models:/adverdict@challenger", "--own-files"]]
    for words in ("approve below 0.2", "+5.00 points", "their ads scored anew", "4 ads newly rejected", "leakage of gambling, latency"):
        assert words in page.text
    assert "7 ads, as another bundle decided it" in page.text
    caller.get("/console/rollouts/draft", params=BOTH)
    assert len(commands.asked) == 1, "the same draft is made once"


def test_a_draft_is_made_anew_when_a_file_has_changed_and_what_was_shown_before_cannot_be_proposed(
    caller: TestClient, commands: Commands, files: Path
) -> None:
    page = caller.get("/console/rollouts/draft", params=BOTH).text
    form = {"csrf": hidden(page, "csrf"), "name": hidden(page, "name"), **BOTH}
    (files / "default.yaml").write_text("policies: {} # otherwise")
    caller.get("/console/rollouts/draft", params=BOTH)
    assert len(commands.asked) == 2
    refused = caller.post("/console/rollouts/propose", data={**form, "why": "fewer leaks"})
    assert (refused.status_code, "changed since it was shown" in refused.text) == (400, True)


def test_what_was_shown_is_proposed_by_whoever_is_logged_in(caller: TestClient, commands: Commands) -> None:
    page = caller.get("/console/rollouts/draft", params=BOTH).text
    form = {"csrf": hidden(page, "csrf"), "name": hidden(page, "name"), **BOTH}
    assert caller.post("/console/rollouts/propose", data=form).status_code == 400
    done = caller.post("/console/rollouts/propose", data={**form, "why": "fewer leaks"})
    assert (done.status_code, done.headers["location"]) == (303, "/console/rollouts/rol-1")
    assert commands.asked[-1] == ["propose", *commands.asked[0][1:], "--why=fewer leaks", "--by=local"]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({**BOTH, "candidate": ""}, "an alias or a version of the registry"),
        ({**BOTH, "plan": "mine"}, "one of standard, immediate"),
        ({**BOTH, "what": "all"}, "one of policies, model, both"),
    ],
)
def test_what_cannot_be_drafted_is_said_in_words(caller: TestClient, commands: Commands, asked: dict[str, str], words: str) -> None:
    page = caller.get("/console/rollouts/draft", params=asked)
    assert (page.status_code, words in page.text, commands.asked) == (200, True, [])


def test_a_refusal_of_the_command_stands_on_the_page(caller: TestClient, commands: Commands) -> None:
    commands.refusal = "this cannot be proposed: no certificate"
    assert "this cannot be proposed: no certificate" in caller.get("/console/rollouts/draft", params=BOTH).text


def test_a_repair_asks_for_the_word_typed(caller: TestClient, commands: Commands) -> None:
    csrf = hidden(caller.get("/console/rollouts/draft").text, "csrf")
    assert caller.post("/console/rollouts/rol-1/repair", data={"csrf": csrf, "confirm": "yes"}).status_code == 400
    assert caller.post("/console/rollouts/rol-1/repair", data={"csrf": csrf, "confirm": "repair"}).status_code == 303
    assert commands.asked == [["repair", "rol-1", "--by=local"]]


def test_thresholds_tried_on_a_policys_page_are_drafted_as_if_the_files_had_them(empty: Parts, commands: Commands, visit: Visitor) -> None:
    drafts = Planner(lambda arguments: commands(arguments[1:]), empty.clock)
    client = log_in(visit(replace(empty, rolling=commands, drafts=drafts)))
    asked = {
        "what": "policies",
        "plan": "standard",
        "market": "SE",
        "of": "SE",
        "policy": "adult",
        "approve_below": "0.03",
        "reject_at": "0.7",
    }
    page = client.get("/console/rollouts/draft", params=asked).text
    assert "approve below 0.03, reject from 0.7" in page
    folder = Path(commands.asked[-1][1])
    thresholds = {(market, surface, one.name): one.thresholds for market, surface, one in read_policies(folder).every()}
    assert thresholds["SE", None, "adult"] == Thresholds(0.03, 0.7)
    assert thresholds["DE", None, "adult"] is None
    form = {**asked, "name": hidden(page, "name"), "csrf": hidden(page, "csrf"), "why": "fewer reviews"}
    assert client.post("/console/rollouts/propose", data={**form, "approve_below": "0.04"}).status_code == 400
    assert client.post("/console/rollouts/propose", data=form).status_code == 303
    assert commands.asked[-1][:2] == ["propose", str(folder)]
    wrong = client.get("/console/rollouts/draft", params={**asked, "reject_at": "0.01"}).text
    assert "0 &lt;= approve_below" in wrong
