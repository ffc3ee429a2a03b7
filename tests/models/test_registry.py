"""A bundle is fetched by name, whole or not at all; who is to blame is in the error's type."""

from __future__ import annotations

from pathlib import Path

import pytest

from adverdict.domain.errors import NotFound, Unavailable
from adverdict.models.registry import fetch_bundle, forget_others, is_registered, resolve


@pytest.mark.parametrize(
    ("model", "registered"),
    [
        ("models:/adverdict@champion", True),
        ("models:/adverdict/3", True),
        ("runs:/abc/model", True),
        ("var/bundle", False),
        ("/a/models", False),
    ],
)
def test_a_name_is_told_from_a_folder(model: str, registered: bool) -> None:
    assert is_registered(model) is registered


def test_a_folder_stands_for_itself(tmp_path: Path) -> None:
    assert fetch_bundle(str(tmp_path), tmp_path / "cache") == tmp_path
    assert resolve(str(tmp_path)) == str(tmp_path)


def test_a_registry_that_is_down_is_unavailable_and_nothing_is_cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import mlflow

    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "2")
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri("http://127.0.0.1:9")
    try:
        with pytest.raises(Unavailable, match="does not answer"):
            fetch_bundle("models:/adverdict@champion", tmp_path / "cache")
    finally:
        mlflow.set_tracking_uri(before)
    assert not (tmp_path / "cache").exists()


def test_a_model_nobody_registered_is_not_found(tmp_path: Path) -> None:
    import mlflow

    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'mlflow.db'}")
    try:
        with pytest.raises(NotFound, match="adverdict@champion"):
            fetch_bundle("models:/adverdict@champion", tmp_path / "cache")
    finally:
        mlflow.set_tracking_uri(before)


def test_only_the_newest_bundles_are_kept(tmp_path: Path) -> None:
    import os

    for age, name in enumerate(["models-a-3", "models-a-2", "models-a-1", "other"]):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    forget_others(tmp_path, keep=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["models-a-2", "models-a-3", "other"]
