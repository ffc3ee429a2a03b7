"""A model by its name, opened the one way."""

from __future__ import annotations

from pathlib import Path

import pytest

from adverdict.domain.errors import NotFound, Unavailable, UntrustedBundle
from adverdict.domain.settings import Settings
from adverdict.models.opening import find_model
from adverdict.models.registry import use_registry


@pytest.mark.parametrize("content", [b"", b"{}", b'{"schema": 1, "certificates": [', b"\xff\xfe{\x00}\x00", b"PK\x03\x04\x90"])
def test_a_file_that_holds_no_certificates_is_refused_and_not_read_as_none(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "certificates.json"
    file.write_bytes(content)
    found = find_model(str(tmp_path), Settings(home=tmp_path, certificates=file))
    with pytest.raises(UntrustedBundle, match=r"no text|not a set of certificates"):
        found.issued("any policies")


def test_a_name_that_is_neither_registered_nor_a_folder_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="neither a registered name"):
        find_model(str(tmp_path / "nowhere"), Settings(home=tmp_path))


def test_a_registered_name_without_a_version_says_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="expected models:/NAME/VERSION, models:/NAME@ALIAS or a folder"):
        find_model("models:/adverdict", Settings(home=tmp_path))


def test_a_registry_that_cannot_be_asked_is_unavailable_and_keeps_its_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    for address in ("http://me:hunter2@127.0.0.1:9", "mysql://me:hunter2@127.0.0.1:9/models"):
        with pytest.raises(Unavailable) as away:
            find_model("models:/adverdict/1", Settings(home=tmp_path, tracking_uri=address))
        assert "hunter2" not in str(away.value)


def test_the_registry_of_the_latest_settings_is_asked_also_after_a_training(tmp_path: Path) -> None:
    import mlflow

    before = mlflow.get_tracking_uri()
    try:
        mlflow.set_tracking_uri("http://another.example")  # as a training does
        settings = Settings(home=tmp_path)
        use_registry(settings)
        assert mlflow.get_tracking_uri() == settings.registry_uri
    finally:
        mlflow.set_tracking_uri(before)


def test_a_folder_is_known_by_where_it_is_whatever_folder_one_stands_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bundle").mkdir()
    monkeypatch.chdir(tmp_path)
    assert find_model("bundle", Settings(home=tmp_path)).source == str(tmp_path / "bundle")
