"""policy check, show and diff: what people read, and what they are refused."""

from __future__ import annotations

import csv
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adverdict import policies
from adverdict.cli.main import app
from adverdict.cli.policy.files import write_flips
from adverdict.cli.policy.tables import print_what_if
from adverdict.decisions.policy import PolicyBook, Stance, Thresholds
from adverdict.rollout.whatif import what_if
from tests.decisions.build import NONE_SOLVED, POLICY, WHEN, book, risk
from tests.decisions.folders import DEFAULT, MARKETS, folder_of
from tests.golden import Golden
from tests.training.data import ad

RUNNER = CliRunner()


@pytest.fixture
def before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders ``before`` and ``after``, seen from where they lie."""
    monkeypatch.chdir(tmp_path)
    folder_of(tmp_path / "before")
    changed = DEFAULT.replace("max_leakage: 0.02", "max_leakage: 0.01").replace("[kids_video]", "all")
    folder_of(tmp_path / "after", default=changed, GB="", FI=MARKETS["DE"], DE=MARKETS["DE"] + "# nothing new\n")
    return Path("before")


def run(*arguments: str, code: int = 0) -> str:
    """What is printed, without the blanks that pad a line."""
    result = RUNNER.invoke(app, ["policy", *arguments])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return re.sub(r" +$", "", result.output, flags=re.M)


def test_what_is_in_force_is_told_with_its_lines(before: Path, golden: Golden) -> None:
    shown = run("show", "--market", "SE", "--policies", "before")
    beside_children = run("show", "--market", "SE", "--surface", "Kids-Video", "--policies", "before", "--policy", "kids_unsuitable")
    golden.check("policy_show.txt", f"{shown}\n\n{beside_children}")


def test_a_difference_is_told_in_words(before: Path, golden: Golden) -> None:
    there, back, none = run("diff", "before", "after"), run("diff", "after", "before"), run("diff", "before", "before")
    golden.check("policy_diff.txt", f"{there}\n{back}\n{none}")


def test_what_changes_on_ads_is_told_in_tables(capsys: pytest.CaptureFixture[str], golden: Golden) -> None:
    adult = replace(POLICY, name="adult", thresholds=None)
    old, new = book([POLICY, adult]), book([replace(POLICY, thresholds=Thresholds(0.04, 0.6), stance=Stance.PROHIBITED)])
    old, new = (PolicyBook(("gambling", "adult"), {**side.rules, "DE": side.rules["SE"]}) for side in (old, new))
    ads = [(ad(i, market="DE" if i % 3 else "SE", surface="feed"), {"gambling": risk(i / 40)}) for i in range(40)]
    labels = {f"ad-{i}": {"gambling": i > 30 or i == 2} for i in range(0, 40, 2)}
    print_what_if(what_if(ads, labels, NONE_SOLVED, old, new, WHEN, trained_on=("yesterday",)))
    told = capsys.readouterr()
    golden.check("policy_diff_ads.txt", re.sub(r" +$", "", told.err + told.out, flags=re.M))


def test_nobody_flips_where_nothing_changed(capsys: pytest.CaptureFixture[str]) -> None:
    print_what_if(what_if([(ad(1), {"gambling": risk(0.5)})], {}, NONE_SOLVED, book([POLICY]), book([POLICY]), WHEN))
    told = capsys.readouterr().out
    assert "0 of 1 ads get another verdict" in told
    assert "because" not in told


def test_no_ad_is_a_formula_in_the_list_nor_steers_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    named = ("=cmd|' /C calc'!A0", "+1", "-1", "@x", "\tx", "plain\x1b[2J")
    ads = [(ad(i, surface="=1+1").model_copy(update={"ad_id": name}), {"gambling": risk(0.5)}) for i, name in enumerate(named)]
    result = what_if(ads, {}, NONE_SOLVED, book([POLICY]), book([replace(POLICY, thresholds=Thresholds(0.1, 0.4))]), WHEN)
    write_flips(tmp_path / "flips.csv", result)
    print_what_if(result)
    with (tmp_path / "flips.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["ad_id"] for row in rows) == sorted([*(f"'{name}" for name in named[:5]), named[5]])
    assert {row["surface"] for row in rows} == {"'=1+1"}
    said = capsys.readouterr().out
    assert r"plain\x1b[2J" in said
    assert "\x1b" not in said


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["show", "--market", "se"], 2, "--market = 'se'; expected a market with a file: one of BR, DE, GB, SE (did you mean SE?)"),
        (["show", "--market", "SE", "--policy", "gambing"], 2, "--policy = 'gambing'; expected a policy that default.yaml defines"),
        (["show", "--market", "S", "--policy", "gambing"], 2, "(did you mean gambling?)"),
        (["show", "--market", "SE", "--policy", "gambling", "--model", "nowhere"], 1, "no model nowhere"),
        (["show", "--market", "SE", "--surface", "kids_vidoe"], 0, "do not name the surface kids_vidoe"),
        (["show", "--market", "SE", "--surface", "kids_vidoe"], 0, "(did you mean kids_video?)"),
        (["diff", "before", "nowhere"], 1, "no folder of policy files at nowhere"),
        (["diff", "before", "after", "--model", "m"], 2, "--data = '(none)'; expected labelled ads, because --model is given"),
        (["diff", "before", "after", "--data", "d"], 2, "--model = '(none)'; expected a model to score them with"),
        (["diff", "before", "after", "--out", "o.csv"], 2, "--out = 'o.csv'; expected --model and --data"),
        (["diff", "before", "after", "--model", "nowhere", "--data", "nowhere"], 1, "no model nowhere"),
    ],
)
def test_a_mistake_is_told_with_the_value_and_what_was_expected(before: Path, arguments: list[str], code: int, said: str) -> None:
    folder = ["--policies", "before"] if arguments[0] == "show" else []
    assert said in re.sub(r"\s+", " ", run(*arguments, *folder, code=code))


def test_machines_read_the_same(before: Path) -> None:
    run("show", "--market", "SE", "--policies", "before", "--json", "show.json")
    shown = json.loads(Path("show.json").read_text())
    assert shown["in_force"]["gambling"]["targets.max_leakage"] == {"value": 0.02, "where": "default.yaml:6"}
    assert shown["not_in_force"] == {"kids_unsuitable": {"surfaces": ["kids_video"], "where": "default.yaml:12"}}
    assert shown["surfaces_that_differ"]["kids_video"]["gambling"] == ["severity", "targets.max_risk"]
    run("diff", "before", "after", "--json", "diff.json")
    found = json.loads(Path("diff.json").read_text())
    assert found["hash"]["before"] != found["hash"]["after"]
    assert {(one["kind"], one["name"], one["added"]) for one in found["presences"]} == {("market", "FI", True), ("market", "GB", False)}
    leakage = next(change for change in found["changes"] if change["key"] == "targets.max_leakage")
    assert leakage["scope"] == "everywhere but BR"
    assert leakage["after"] == {"value": 0.01, "where": "default.yaml:6"}
    assert {place["market"] for place in leakage["places"]} == {"DE", "SE"}
    assert found["ads"] is None


@pytest.mark.slow
def test_a_real_model_shows_its_thresholds_and_tells_which_ads_flip(
    tiny_bundle: Path, marketplace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    old, new = tmp_path / "old", tmp_path / "new"
    for folder in (old, new):
        shutil.copytree(policies.folder(), folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    default = new / "default.yaml"
    default.write_text(default.read_text().replace("thresholds: auto", "thresholds: {approve_below: 0, reject_at: 0.1}", 1))
    shown = run("show", "--market", "SE", "--policies", "old", "--policy", "deceptive", "--model", str(tiny_bundle))
    assert "solved for " in shown
    printed = run("diff", "old", "new", "--model", str(tiny_bundle), "--data", str(marketplace), "--json", "d.json", "--out", "flips.csv")
    assert "deceptive, everywhere: thresholds auto -> approve below 0, reject from 0.1" in printed
    assert "the model was trained on pack" in printed
    found = json.loads(Path("d.json").read_text())["ads"]
    rows = list(csv.DictReader(Path("flips.csv").read_text().splitlines()))
    assert found["ads"] == 3000
    assert len(rows) == found["flips"] == sum(found["directions"].values()) > 0
    assert {row["policy"] for row in rows} == {"deceptive"}
    moved = found["directions"]
    assert not any(direction.endswith("-> approve") for direction in moved)  # below 0 nothing is approved
    left = sum(n for direction, n in moved.items() if direction.startswith("review -> "))
    came = sum(n for direction, n in moved.items() if direction.endswith(" -> review"))
    assert found["before"]["review"]["k"] - found["after"]["review"]["k"] == left - came
    assert found["before"]["errors"]["gambling"] == found["after"]["errors"]["gambling"]
    assert found["before"]["errors"]["deceptive"] != found["after"]["errors"]["deceptive"]
