"""One door: every command reads the settings, and refuses what cannot be meant."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from adverdict.cli.main import app
from adverdict.cli.settings import table
from adverdict.domain.settings import Settings, known_keys
from adverdict.domain.values import variable
from adverdict.storage.tables.pack import write_ads
from tests.rescoring.deciding import an_ad

ROOT = Path(__file__).parents[2]
WRONG = {
    "ADVERDICT_POLICIES": "/no/such/folder",
    "ADVERDICT_OPERATIONS": "/no/such/folder",
    "ADVERDICT_CERTIFICATES": "/no/such/file",
    "ADVERDICT_FALSE_ALARMS": "0",
    "ADVERDICT_CREATIVE_HOSTS": "https://cdn.example",
    "ADVERDICT_CREATIVE_FOLDERS": "/no/such/folder",
    "ADVERDICT_CREATIVE_STORES": "s3://user:secret@bucket",
    "ADVERDICT_CREATIVE_LINK": "http://ads.example/{creative}",
    "ADVERDICT_SUITABILITY": "/no/such/file",
    "ADVERDICT_SUITABILITY_MODEL": "/no/such/folder",
    "ADVERDICT_FREEZES": "/no/such/calendar",
    "ADVERDICT_CHANGES_SECRET": "short",
    "ADVERDICT_CHANGES_URL": "http://ads.example/changes",
    "ADVERDICT_SINKS": "Warehouse, jsonl",
    "ADVERDICT_WEBHOOK_SECRET": "short",
    "ADVERDICT_WEBHOOK_URL": "http://pager.example/hook",
    "ADVERDICT_API_KEYS": "ops:score:short",
    "ADVERDICT_API_KEYS_FILE": "/no/such/file",
    "ADVERDICT_HOST": "ads.example",
    "ADVERDICT_PORT": "eighty",
    "ADVERDICT_WORKERS": "0",
    "ADVERDICT_POLL_SECONDS": "often",
    "ADVERDICT_MAX_BODY_BYTES": "1",
    "ADVERDICT_MAX_WAIT_MS": "-1",
    "ADVERDICT_TUNE_COLLECTOR": "perhaps",
    "ADVERDICT_CLUSTERS": "sometimes",
    "ADVERDICT_AUDIT_SECRET": "not in hexadecimal digits",
    "ADVERDICT_CERTIFICATE_KEY": "not in hexadecimal digits either",
    "ADVERDICT_REVIEW_LEASE_SECONDS": "1",
    "ADVERDICT_REVIEW_DOUBLE_SHARE": "2",
    "ADVERDICT_REVIEW_GOLDEN_SHARE": "-1",
    "ADVERDICT_DRAIN_SECONDS": "-1",
    "ADVERDICT_LOG_FORMAT": "xml",
    "ADVERDICT_LOG_LEVEL": "loud",
    "ADVERDICT_ACCESS_LOG": "sometimes",
    "ADVERDICT_TRANSLATOR": "Babel Fish",
    "ADVERDICT_TRANSLATE_TO": "English!",
    "ADVERDICT_POLICY": "policies",
    "ADJUDICATE_HOME": "var",
}
ANY_TEXT = {variable(field) for field in ("home", "model", "database_url", "tracking_uri")}
"""Whether these can be used shows only when they are."""


def commands() -> Iterator[tuple[str, list[str]]]:
    """Every command, with arguments that its parser takes."""

    def walk(command: Any, path: list[str]) -> Iterator[tuple[str, list[str]]]:
        for name, inner in getattr(command, "commands", {}).items():
            yield from walk(inner, [*path, name])
        if hasattr(command, "commands") and not command.invoke_without_command:
            return
        needed = [one for one in command.params if one.required]
        given = [["1"] if one.param_type_name == "argument" else [one.opts[0], "1"] for one in needed]
        yield " ".join(path), [*path, *(word for words in given for word in words)]

    yield from walk(typer.main.get_command(app), [])


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith(("ADVERDICT_", "ADJUDICATE_", "MLFLOW_TRACKING"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def run(arguments: list[str], **environment: str) -> Result:
    return CliRunner().invoke(app, arguments, env=environment)


def test_every_command_and_every_setting_that_can_be_wrong_is_tried_below() -> None:
    assert set(known_keys()) - ANY_TEXT <= set(WRONG)
    assert {"train", "policy check", "rescore", "rescore diff", "benchmark online", "ledger verify", "key new"} <= dict(commands()).keys()


@pytest.mark.parametrize(("command", "arguments"), [pytest.param(*one, id=one[0] or "adverdict") for one in commands() if one[0]])
def test_a_setting_that_cannot_be_meant_is_refused_by_every_command(command: str, arguments: list[str], tmp_path: Path) -> None:
    done = run(arguments, **WRONG)
    assert (done.exit_code, [name for name in WRONG if f"- {name} = " not in done.stderr]) == (2, []), f"{command}: {done.output}"
    assert list(tmp_path.iterdir()) == []


BROKEN = "polices: {}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        "policy check",
        "policy show --market SE",
        "policy solve --data pack --model bundle",
        "market onboard --market SE --data pack --model bundle",
        "train --data pack --encoder none --no-register",
        "score --ads ads.parquet --out scored.jsonl --model bundle",
        "explain --ad ad.json --model bundle",
        "serve",
        "rescore --ads ads.parquet --out rescored --model bundle",
        "review queues",
        "report transparency --statements statements.jsonl",
    ],
)
def test_the_policy_folder_of_the_environment_is_obeyed_by_every_command_that_reads_policies(arguments: str, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "default.yaml").write_text(BROKEN)
    (tmp_path / "bundle").mkdir()
    (tmp_path / "ad.json").write_text(an_ad(1).model_dump_json())
    write_ads(tmp_path / "ads.parquet", [an_ad(1)])
    assert run(["ledger", "migrate"], ADVERDICT_HOME="~/var", HOME=str(tmp_path)).exit_code == 0
    done = run(arguments.split(), ADVERDICT_POLICIES="mine", ADVERDICT_HOME="~/var", HOME=str(tmp_path), ADVERDICT_PORT="18377")
    assert (done.exit_code, "default.yaml:1" in done.stderr) == (2, True), done.output


def test_a_home_with_a_tilde_is_one_place_for_every_command(tmp_path: Path) -> None:
    done = run(["settings", "--json", "settings.json"], ADVERDICT_HOME="~/state", HOME=str(tmp_path))
    assert done.exit_code == 0
    assert f"ADVERDICT_HOME                  environment  {tmp_path / 'state'}" in done.stdout
    assert f"sqlite:///{tmp_path / 'state' / 'ledger.db'}" in done.stdout
    assert f"sqlite:///{tmp_path / 'state' / 'mlflow.db'}" in done.stdout


def test_settings_are_printed_with_where_they_come_from_and_without_secrets() -> None:
    said = {
        "ADVERDICT_AUDIT_SECRET": "5ec2e7" * 6,
        "ADVERDICT_CERTIFICATE_KEY": "5ec2e7" * 6,
        "ADVERDICT_DATABASE_URL": "postgresql://me:secret@db.example/ads",
        "MLFLOW_TRACKING_URI": "https://me:hidden@mlflow.example",
        "ADVERDICT_API_KEYS": "platform:score+label:" + "0" * 64,
        "ADVERDICT_WORKERS": "3",
    }
    done = run(["settings"], **said)
    rows = {line.split()[0]: line.split(maxsplit=2)[1:] for line in done.stdout.splitlines()}
    assert list(rows) == list(known_keys())
    assert rows["ADVERDICT_WORKERS"] == ["environment", "3"]
    assert rows["ADVERDICT_DATABASE_URL"] == ["environment", "postgresql://me:***@db.example/ads"]
    assert rows["ADVERDICT_API_KEYS"] == ["environment", "platform (label+score)"]
    assert rows["ADVERDICT_AUDIT_SECRET"] == ["environment", "set, and not shown"]
    assert rows["ADVERDICT_CERTIFICATE_KEY"] == ["environment", "set, and not shown"]
    assert rows["ADVERDICT_PORT"] == ["default", "8377"]
    assert not [word for word in ("secret", "hidden", "5ec2e7", "0" * 64) if word in done.output]


def test_a_key_that_was_made_is_one_the_service_takes() -> None:
    made = run(["key", "new", "--name", "platform", "--scope", "score", "--scope", "label"])
    entry = made.stdout.splitlines()[-1]
    assert run(["settings"], ADVERDICT_API_KEYS=entry).exit_code == 0
    wrong = run(["key", "new", "--name", "a b", "--scope", "everything"])
    assert wrong.exit_code == 2
    assert "--name = 'a b'" in wrong.stderr
    assert "--scope = 'everything'" in wrong.stderr


def test_a_scope_that_was_said_twice_is_in_the_key_once() -> None:
    made = run(["key", "new", "--name", "platform", "--scope", "score", "--scope", "score"])
    assert made.stdout.splitlines()[-1].startswith("platform:score:")
    assert run(["key", "new", "--name", "platform\n", "--scope", "score"]).exit_code == 2


def test_the_page_of_settings_is_made_from_them(request: pytest.FixtureRequest) -> None:
    page = ROOT / "docs" / "settings.md"
    text = page.read_text(encoding="utf-8")
    begin, end = text.index("| variable |"), text.rindex("|\n") + 2
    if request.config.getoption("--update-golden"):
        page.write_text(text[:begin] + table() + text[end:], encoding="utf-8")
    else:
        assert text[begin:end] == table()


def test_a_value_that_may_be_a_secret_is_not_repeated() -> None:
    done: Any = run(["settings"], ADVERDICT_API_KEY="adv_secret", ADVERDICT_DATABASE_URI="postgresql://me:secret@db/ads")
    assert done.exit_code == 2
    assert "secret" not in done.output


def test_settings_reach_another_process_whole() -> None:
    from adverdict.domain.settings import read_settings

    chosen = read_settings({"ADVERDICT_HOME": "here", "ADVERDICT_TUNE_COLLECTOR": "no", "ADVERDICT_DATABASE_URL": "none"})
    again = read_settings(chosen.to_environment())
    assert again.model_dump(exclude={"tracking_uri"}) == chosen.model_dump(exclude={"tracking_uri"})
    assert again.registry_uri == chosen.registry_uri
    assert isinstance(again, Settings)
