"""The environment, read once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from adverdict.domain.errors import InvalidSettings
from adverdict.domain.settings import known_keys, origins, read_settings, without_password
from adverdict.models.registry import use_registry


def test_an_empty_environment_serves_the_champion_of_a_local_registry_to_this_machine() -> None:
    settings = read_settings({})
    assert (settings.model, settings.host, settings.port, settings.workers) == ("models:/adverdict@champion", "127.0.0.1", 8377, 1)
    assert settings.registry_uri == f"sqlite:///{Path.cwd() / 'var' / 'mlflow.db'}"
    assert settings.cache == Path.cwd() / "var" / "bundles"
    assert (settings.api_keys, settings.policies, settings.poll_seconds, settings.max_body_bytes) == ((), None, 5.0, 2_000_000)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("ADVERDICT_PORT", "eighty", "a whole number"),
        ("ADVERDICT_PORT", "0", "greater than or equal to 1"),
        ("ADVERDICT_PORT", "70000", "less than or equal to 65535"),
        ("ADVERDICT_POLL_SECONDS", "0", "greater than 0"),
        ("ADVERDICT_POLL_SECONDS", "nan", "a finite number"),
        ("ADVERDICT_POLL_SECONDS", "often", "a number"),
        ("ADVERDICT_HOST", "ads.example", "an IP address, or localhost"),
        ("ADVERDICT_WORKERS", "1.5", "a whole number"),
        ("ADVERDICT_MAX_BODY_BYTES", "1", "greater than or equal to 1000"),
        ("ADVERDICT_POLICIES", "/no/such/folder", "a folder that exists"),
        ("ADVERDICT_MODLE", "x", "a known setting; did you mean ADVERDICT_MODEL?"),
        ("ADVERDICT_XYZZY", "x", "one of ADVERDICT_HOME, "),
        ("ADVERDICT_PORT", "9" * 5000, "a whole number"),
        ("ADVERDICT_HOME", "~nobody-here/x", "a path without ~"),
        ("ADVERDICT_MODEL", "~nobody-here/x", "a path without ~"),
        ("ADVERDICT_API_KEYS_FILE", "~nobody-here/x", "a path without ~"),
        ("ADVERDICT_DATABASE_URL", "sqlite:///~nobody-here/ledger.db", "a path without ~"),
        ("ADVERDICT_DATABASE_URL", "sqlite://", "sqlite:///PATH"),
        ("ADVERDICT_DATABASE_URL", "sqlite:///:memory:", "sqlite:///PATH"),
        ("MLFLOW_TRACKING_URI", "sqlite:///", "sqlite:///PATH"),
        ("ADVERDICT_API_KEYS", "a:score:short", "NAME:SCOPE+SCOPE:SHA256"),
        ("ADVERDICT_API_KEYS_FILE", "/no/such/file", "a readable text file (FileNotFoundError)"),
    ],
)
def test_a_wrong_value_is_refused_with_its_key_and_what_was_expected(key: str, value: str, expected: str) -> None:
    with pytest.raises(InvalidSettings) as refused:
        read_settings({key: value})
    [mistake] = refused.value.mistakes
    assert mistake.field == key
    assert mistake.expected.startswith(expected)
    assert str(mistake.value) in (value, "entry 1") or key == "ADVERDICT_POLICIES"


def test_all_mistakes_come_at_once() -> None:
    with pytest.raises(InvalidSettings) as refused:
        read_settings({"ADVERDICT_PORT": "x", "ADVERDICT_HOST": "y", "ADVERDICT_PROT": "1", "ADVERDICT_API_KEYS": "z"})
    assert {mistake.field for mistake in refused.value.mistakes} == {
        "ADVERDICT_PORT",
        "ADVERDICT_HOST",
        "ADVERDICT_PROT",
        "ADVERDICT_API_KEYS",
    }


def test_an_empty_value_means_the_default() -> None:
    assert read_settings(dict.fromkeys(known_keys(), "")) == read_settings({})


@pytest.mark.parametrize("told", ["ab" * 15, "ab" * 65, "xy" * 20, "abc" * 11])
def test_an_audit_secret_is_enough_hexadecimal_digits_and_never_repeated(told: str) -> None:
    with pytest.raises(InvalidSettings, match="32 to 128 hexadecimal digits") as refused:
        read_settings({"ADVERDICT_AUDIT_SECRET": told})
    assert told not in str(refused.value)
    settings = read_settings({"ADVERDICT_AUDIT_SECRET": "ab" * 16})
    assert settings.audit_key == b"\xab" * 16
    assert "abab" not in repr(settings)
    assert read_settings({}).audit_key is None


def test_a_secret_given_by_mistake_is_not_repeated() -> None:
    with pytest.raises(InvalidSettings) as refused:
        read_settings({"ADVERDICT_API_KEYS": "a:score:my-real-password"})
    assert "my-real-password" not in str(refused.value)


@pytest.mark.parametrize("name", ["DATABASE_ULR", "DB", "PASSWD", "APIKEYS", "STORE"])
def test_a_password_in_a_variable_that_nobody_knows_is_not_repeated(name: str) -> None:
    with pytest.raises(InvalidSettings) as refused:
        read_settings({f"ADVERDICT_{name}": "postgresql://me:hunter2@db.example/ads"})
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("postgresql://me:p@ss/word@db.example:5432/ads", "postgresql://me:***@db.example:5432/ads"),
        ("postgresql://me@corp:hunter2@[::1/ads", "postgresql://me@corp:***@[::1/ads"),
        ("postgresql://db.example/ads?password=hunter2&sslmode=require", "postgresql://db.example/ads?password=***&sslmode=require"),
        (
            "request to http://me:hunter2@mlflow.example failed for models:/a@b",
            "request to http://me:***@mlflow.example failed for models:/a@b",
        ),
        ("postgresql://me@[::1]:5432/ads", "postgresql://me@[::1]:5432/ads"),
        ("sqlite:////data/ledger.db", "sqlite:////data/ledger.db"),
    ],
)
def test_an_address_is_printed_without_its_password(said: str, shown: str) -> None:
    assert without_password(said) == shown


def test_blanks_around_a_value_are_no_part_of_it() -> None:
    said = {
        "ADVERDICT_MODEL": " models:/adverdict/3 ",
        "ADVERDICT_HOST": "localhost\n",
        "ADVERDICT_DATABASE_URL": " none",
        "ADVERDICT_PORT": " ",
    }
    settings = read_settings(said)
    assert (settings.model, settings.host, settings.ledger_url, settings.port) == ("models:/adverdict/3", "127.0.0.1", None, 8377)
    assert origins(said)["port"] == "default"


@pytest.mark.parametrize("name", ["ADVERDICT_TRACKING_URI", "ADVERDICT_MLFLOW_TRACKING_URI"])
def test_who_means_the_registry_is_told_of_the_variable_that_is_read(name: str) -> None:
    with pytest.raises(InvalidSettings, match=r"did you mean MLFLOW_TRACKING_URI\?"):
        read_settings({name: "http://mlflow.example"})


@pytest.mark.parametrize("service", ["ADVERDICT", "ADVERDICT_API", "ADVERDICT_REVIEW"])
def test_what_kubernetes_adds_for_a_service_is_left_alone(service: str) -> None:
    address = "tcp://10.0.0.1:80"
    added = {
        "SERVICE_HOST": "10.0.0.1",
        "SERVICE_PORT": "80",
        "SERVICE_PORT_HTTP": "80",
        "PORT": address,
        "PORT_80_TCP": address,
        "PORT_80_TCP_PROTO": "tcp",
        "PORT_80_TCP_PORT": "80",
        "PORT_80_TCP_ADDR": "10.0.0.1",
    }
    assert read_settings({f"{service}_{name}": value for name, value in added.items()}) == read_settings({})


def test_a_bundle_that_is_still_to_be_made_is_looked_for_where_the_command_was_begun() -> None:
    assert read_settings({"ADVERDICT_MODEL": "later/bundle"}).to_environment()["ADVERDICT_MODEL"] == str(Path.cwd() / "later" / "bundle")
    assert read_settings({"ADVERDICT_MODEL": "models:/a@b"}).to_environment()["ADVERDICT_MODEL"] == "models:/a@b"


def test_a_keys_file_may_begin_with_the_mark_that_windows_puts_there(tmp_path: Path) -> None:
    (tmp_path / "keys").write_bytes(b"\xef\xbb\xbfops:score:" + b"1" * 64 + b"\r\n")
    assert [key.name for key in read_settings({"ADVERDICT_API_KEYS_FILE": str(tmp_path / "keys")}).api_keys] == ["ops"]


def test_keys_come_from_the_variable_and_the_file_and_a_name_only_once(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("# who may ask\n\nops:score+admin:" + "1" * 64 + "\n")
    environment = {"ADVERDICT_API_KEYS": "platform:score:" + "0" * 64, "ADVERDICT_API_KEYS_FILE": str(file)}
    assert [key.name for key in read_settings(environment).api_keys] == ["platform", "ops"]
    with pytest.raises(InvalidSettings, match="each name once"):
        read_settings({**environment, "ADVERDICT_API_KEYS": "ops:score:" + "0" * 64})


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("http://mlflow.example:5000", "http://mlflow.example:5000"),
        ("sqlite:////data/mlflow.db", "sqlite:////data/mlflow.db"),
        ("sqlite:///here/mlflow.db", f"sqlite:///{Path.cwd() / 'here' / 'mlflow.db'}"),
    ],
)
def test_the_registry_is_never_relative_to_a_folder_that_changes(given: str, used: str) -> None:
    assert read_settings({"MLFLOW_TRACKING_URI": given}).registry_uri == used


def test_a_dead_registry_is_noticed_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "unused")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    for key in ("MLFLOW_HTTP_REQUEST_TIMEOUT", "MLFLOW_DISABLE_TELEMETRY", "MLFLOW_ALLOW_PICKLE_DESERIALIZATION"):
        monkeypatch.setenv(key, "unused")
        monkeypatch.delenv(key)
    use_registry(read_settings({"MLFLOW_TRACKING_URI": "http://mlflow.example:5000"}))
    assert os.environ["MLFLOW_TRACKING_URI"] == "http://mlflow.example:5000"
    assert (os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"], os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"]) == ("1", "20")
