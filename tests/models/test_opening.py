"""A model by its name, opened the one way."""

from __future__ import annotations

from pathlib import Path

import pytest

from adverdict.domain.errors import NotFound, UntrustedBundle
from adverdict.domain.settings import Settings
from adverdict.models.opening import find_model


@pytest.mark.parametrize("content", [b"", b"{}", b'{"schema": 1, "certificates": [', b"\xff\xfe{\x00}\x00", b"PK\x03\x04\x90"])
def test_a_file_that_holds_no_certificates_is_refused_and_not_read_as_none(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "certificates.json"
    file.write_bytes(content)
    found = find_model(str(tmp_path), Settings(home=tmp_path, certificates=file))
    with pytest.raises(UntrustedBundle, match=r"no text|not a set of certificates"):
        _ = found.issued


def test_a_name_that_is_neither_registered_nor_a_folder_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="neither a registered name"):
        find_model(str(tmp_path / "nowhere"), Settings(home=tmp_path))


def test_a_folder_is_known_by_where_it_is_whatever_folder_one_stands_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bundle").mkdir()
    monkeypatch.chdir(tmp_path)
    assert find_model("bundle", Settings(home=tmp_path)).source == str(tmp_path / "bundle")
