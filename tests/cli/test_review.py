"""The commands of the people who review: what they print, what they write, and what they refuse."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adverdict.cli.main import app
from adverdict.domain.verdict import Verdict
from adverdict.ledger.store import Ledger
from adverdict.storage.tables.pack import read_pack, write_ads, write_labels
from tests.golden import Golden
from tests.ledger.made import a_label
from tests.review.story import Story, an_ad, minutes

RUNNER = CliRunner()
APPROVE, REVIEW, REJECT = Verdict.APPROVE, Verdict.REVIEW, Verdict.REJECT


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """A ledger in which something happened, where the settings look for it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ADVERDICT_HOME", str(tmp_path / "var"))
    monkeypatch.delenv("ADVERDICT_DATABASE_URL", raising=False)
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'var' / 'ledger.db'}")
    story = Story(ledger)
    for number in range(20):
        made = story.decide(an_ad(number), APPROVE, audit=(0.5, number < 10))
        if number < 8:
            story.answer(
                made, "reject" if number == 0 else "approve", ["gambling"] if number == 0 else [], kind="audit", seconds=20 + number
            )
    story.decide(an_ad(30), REJECT)
    reviewed = story.decide(an_ad(31, market="US"), REVIEW)
    story.answer(reviewed, "reject", ["gambling"], reviewer="sam")
    story.answer(reviewed, "approve", kind="double", reviewer="rita")
    story.answer(reviewed, "reject", ["gambling"], kind="senior", reviewer="sven")
    story.resolve(reviewed, REJECT, violated=["gambling"])
    return ledger


def run(*arguments: str, code: int = 0) -> str:
    """What is printed, without the blanks that pad a line; how long it took goes elsewhere."""
    result = RUNNER.invoke(app, arguments)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return re.sub(r" +$", "", result.output if code else result.stdout, flags=re.M)


def test_labels_are_exported_with_their_denominators(told: Ledger, golden: Golden) -> None:
    golden.check("review_export.txt", run("review", "export", "--out", "pack"))
    assert len(read_pack("pack").labels) == 19
    later = run("review", "export", "--out", "later", "--since", minutes(125).isoformat())
    assert "5 ads and 4 labels" in later
    assert "exported" in run("review", "export", "--out", "never", "--until", "2020-01-01", code=1)


def test_quality_is_told_with_intervals_and_denominators(told: Ledger, golden: Golden) -> None:
    printed = run("review", "quality", "--by-market", "--json", "quality.json")
    golden.check(
        "review_quality.txt", re.sub(r" +", " ", re.sub(r"[\d.]+ % \([\d.–]+ %\)", "0 % (0–0 %)", printed))
    )  # estimates are tested elsewhere
    found = json.loads(Path("quality.json").read_text())
    assert {one["market"] for one in found["markets"]} == {"SE"}
    assert found["policies"][1]["leakage"]["decisions"] == 20
    nothing = run("review", "quality", "--since", "2030-01-01")
    assert nothing.count("nothing on record") == 3


def test_reviewers_are_registered_changed_and_listed(told: Ledger) -> None:
    assert "nobody is registered" in run("review", "reviewers")
    run("review", "reviewers", "--set", "anna", "--markets", "SE, DE", "--languages", "sv", "--policies", "gambling", "--senior")
    run("review", "reviewers", "--set", "anna", "--markets", "", "--no-senior")
    listed = run("review", "reviewers", "--set", "bo", "--no-active")
    assert listed.splitlines()[0] == "Reviewers"
    assert [line.split() for line in listed.splitlines()[2:4]] == [["anna", "sv", "gambling"], ["bo", "no"]]


def test_golden_tasks_are_taken_from_a_pack(told: Ledger) -> None:
    write_ads("certain/ads.csv", [an_ad(1), an_ad(2)])
    write_labels("certain/labels.csv", [a_label(an_ad(1)), a_label(an_ad(2)), a_label(an_ad(2), violates=False)])
    assert "1 golden item from certain" in run("review", "golden", "--data", "certain")


def test_golden_tasks_with_ads_of_an_advertiser_are_removed(told: Ledger) -> None:
    ads = [an_ad(1, advertiser_id="adv-gone"), an_ad(2), an_ad(3)]
    write_ads("certain/ads.csv", ads)
    write_labels("certain/labels.csv", [a_label(ad) for ad in ads])
    run("review", "golden", "--data", "certain")
    assert run("review", "golden", "--remove-advertiser", "adv-gone") == "1 golden item removed, 0 tasks on it withdrawn\n"
    assert "0 golden items removed" in run("review", "golden", "--remove-advertiser", "adv-gone", "--no-compact")
    assert "2 golden items removed" in run("review", "golden", "--remove-advertiser", ads[1].advertiser_id)


def test_queues_say_when_nothing_waits(told: Ledger) -> None:
    assert "nothing waits for people" in run("review", "queues")


def test_a_periods_report_is_printed_and_written_for_machines(told: Ledger) -> None:
    printed = run("report", "transparency", "--json", "t.json", "--csv", "t.csv", "--statements", "s.jsonl")
    assert "Moderation at own initiative (DSA 15(1)(c))" in printed
    assert "2 statements of reasons written to s.jsonl" in printed
    figures = json.loads(Path("t.json").read_text())["figures"]
    assert len(list(csv.DictReader(Path("t.csv").read_text().splitlines()))) == len(figures)
    lines = [json.loads(line) for line in Path("s.jsonl").read_text().splitlines()]
    assert [(one["in_union"], one["statement"]["automated_decision"]) for one in lines] == [
        (True, "AUTOMATED_DECISION_FULLY"),
        (False, "AUTOMATED_DECISION_PARTIALLY"),
    ]
    assert lines[1]["statement"]["incompatible_content_ground"] == "Gambling and betting for money"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["review", "export", "--out", "var"], 2, "out = 'var'; expected a folder that does not exist"),
        (["review", "export", "--out", "x", "--since", "spring"], 2, "--since = 'spring'; expected a day such as 2026-03-01"),
        (["review", "quality", "--since", "2026-03-02", "--until", "2026-03-01"], 2, "expected a time after 2026-03-02"),
        (["review", "reviewers", "--markets", "SE"], 2, "--set = '(none)'; expected the name of whom to change"),
        (["review", "reviewers", "--set", "a b", "--markets", "Sweden"], 2, "markets = 'Sweden'"),
        (["review", "golden"], 2, "--data, --remove-advertiser = 'neither'; expected one of them"),
        (["review", "golden", "--data", "var", "--remove-advertiser", "a"], 2, "--data, --remove-advertiser = 'both'"),
        (["review", "golden", "--data", "nowhere"], 1, "no such folder: nowhere"),
        (["report", "transparency", "--until", "13/13"], 2, "--until = '13/13'"),
    ],
)
def test_a_mistake_is_told_with_the_value_and_leaves_nothing(told: Ledger, arguments: list[str], code: int, said: str) -> None:
    assert said in re.sub(r"\s+", " ", run(*arguments, code=code))
    assert sorted(path.name for path in Path().iterdir()) == ["var"]


def test_without_a_ledger_the_commands_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ADVERDICT_HOME", str(tmp_path / "var"))
    assert "no ledger at" in run("review", "queues", code=1)
    monkeypatch.setenv("ADVERDICT_DATABASE_URL", "none")
    assert "there is no ledger" in run("report", "transparency", code=2)


@pytest.mark.parametrize("arguments", [("review", "quality", "--by-market"), ("review", "queues"), ("report", "transparency")])
def test_no_line_is_wider_than_a_terminal_and_no_figure_is_cut_off(
    arguments: tuple[str, ...], told: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adverdict.cli.console.out.width", 80)
    printed = run(*arguments)
    assert max(map(len, printed.splitlines())) <= 80
    assert "…" not in printed
