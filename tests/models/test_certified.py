"""Certificates as whoever decides by them gets hold of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from adverdict.domain.errors import NotFound, UntrustedBundle
from adverdict.models.certified import certificates


@pytest.mark.parametrize("content", [b"", b"{}", b'{"schema": 1, "certificates": [', b"\xff\xfe{\x00}\x00", b"PK\x03\x04\x90"])
def test_a_file_that_holds_no_certificates_is_refused_and_not_read_as_none(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "certificates.json"
    file.write_bytes(content)
    with pytest.raises(UntrustedBundle, match=r"no text|not a set of certificates"):
        certificates("a bundle", tmp_path, file)


def test_a_folder_is_no_file_of_certificates(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no certificates at"):
        certificates("a bundle", tmp_path, tmp_path)
