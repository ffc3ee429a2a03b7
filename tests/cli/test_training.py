"""``train`` and ``promote``: what they say of data that states little, and of policies that meet no risk."""

from __future__ import annotations

import json
import random
import re
import sqlite3
from contextlib import closing
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from adverdict.cli import console
from adverdict.cli.main import app
from adverdict.training.gates import Gate
from adverdict.training.promote import Promoted
from adverdict.training.train import train
from tests.training.reports import without_plots

RUNNER = CliRunner()
ADS = 240
SAID = ["--map", "body=text", "--label", "spam", "--policy", "spam"]
UNMATCHED = "warning: policies in force but not scored by the model: "


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A table of texts and whether they are spam: nothing else is known."""
    file, draw = tmp_path_factory.mktemp("database") / "posts.db", random.Random(5)
    words = {0: ["garden", "bread", "shoes", "repair", "winter"], 1: ["prize", "click", "winner", "cash", "urgent"]}
    posts = [(" ".join(draw.choices([*words[spam], "today", "offer"], k=8)), spam) for spam in (int(n % 4 == 0) for n in range(ADS))]
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE posts (text, spam)")
        connection.executemany("INSERT INTO posts VALUES (?, ?)", posts)
    return f"sqlite:///{file}"


@pytest.fixture(scope="module")
def trained(database: str, tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A training by one query, of which a column is the label, on the command line."""
    home = tmp_path_factory.mktemp("home")
    where = ["--out", str(home / "bundle"), "--json", str(home / "figures.json"), "--no-register", "--no-cache"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ADVERDICT_HOME", str(home))
        patch.setattr(console.out, "width", 10_000)
        patch.setattr(console.err, "width", 10_000)
        patch.setattr("adverdict.training.train.train", partial(train, report=without_plots))
        asked = ["train", "--sql", database, "SELECT text, spam FROM posts", *SAID, "--encoder", "none", *where]
        done = RUNNER.invoke(app, asked)
    assert done.exit_code == 0, done.output
    [report] = (home / "reports").rglob("report.html")
    figures = json.loads((home / "figures.json").read_text())
    return SimpleNamespace(output=done.output, report=re.sub(r"\s+", " ", report.read_text()), figures=figures, bundle=home / "bundle")


def test_a_query_whose_column_is_the_label_is_enough_to_train(trained: SimpleNamespace) -> None:
    blend = trained.figures["models"]["blend"]["policies"]["spam"]
    assert 0 < blend["n"] < ADS
    assert blend["auroc"] > 0.9
    assert (trained.bundle / "manifest.json").is_file()


def test_what_the_ads_do_not_state_is_said_once_with_what_it_costs_in_output_and_report(trained: SimpleNamespace) -> None:
    for words in (
        "All 240 ads state no advertiser. Nothing is known of their advertisers' pasts.",
        "All 240 ads state no time. Nothing was learnt from what came before them.",
        "All 240 ads state no market. Their risks are calibrated together",
        "the figures are too good and the intervals too narrow",
    ):
        assert (trained.output.count(words), trained.report.replace("&#39;", "'").count(words)) == (1, 1)


def test_nobody_is_called_an_advertiser_who_was_not_stated(trained: SimpleNamespace) -> None:
    assert re.search(r"labelled ads of different texts held back; trained on \d+ others", trained.report)
    assert not re.search(r"\d advertisers|bootstrap over advertisers", trained.report)


def test_train_names_policies_that_its_model_does_not_score(trained: SimpleNamespace) -> None:
    assert trained.output.count(UNMATCHED) == 1
    assert re.search(rf"{UNMATCHED}.*gambling.*; scored but in force nowhere: spam", trained.output)


def test_promote_names_policies_that_the_champion_does_not_score(trained: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    def promoted(*_: Any, **__: Any) -> Promoted:
        return Promoted("3", None, [])

    monkeypatch.setattr("adverdict.training.promote.promote", promoted)
    monkeypatch.setattr("adverdict.models.opening.find_model", lambda *_: SimpleNamespace(folder=trained.bundle))
    done = RUNNER.invoke(app, ["promote"])
    assert done.exit_code == 0, done.output
    assert done.output.count(UNMATCHED) == 1


def test_promoting_the_champion_says_that_it_is_and_that_nothing_was_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate("feature contract", "passed", "no difference", "no difference", "the same features")
    monkeypatch.setattr("adverdict.training.promote.promote", lambda *_, **__: Promoted("3", "3", [gate]))
    done = RUNNER.invoke(app, ["promote"])
    assert (done.exit_code, done.output) == (0, "models:/adverdict/3 is the champion already: nothing was changed\n")
