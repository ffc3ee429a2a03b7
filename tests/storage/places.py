"""Places to write to: a folder here, fsspec's memory, and a bucket of an S3-compatible server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.storage import s3

PLACES = ("folder", "memory", "s3")


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    with s3.server() as endpoint:
        yield endpoint


@pytest.fixture
def bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an empty bucket, ``s3://…``, which the environment leads to."""
    s3.lead_to(s3_server, monkeypatch)
    return s3.new_bucket()


@pytest.fixture(params=PLACES)
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty folder's path or address, once for each kind of place."""
    if request.param == "folder":
        return str(tmp_path / "there")
    if request.param == "memory":
        return f"memory://{uuid4().hex}"
    return f"{request.getfixturevalue('bucket')}/there"
