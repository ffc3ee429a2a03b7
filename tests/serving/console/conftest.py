from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from adverdict import policies
from adverdict.decisions.files.read import read_policies
from adverdict.decisions.policy import PolicyBook
from adverdict.ledger.store import Ledger
from adverdict.serving.console.app import console
from adverdict.serving.console.parts import Parts
from tests.serving.console.filled import World, fill, made_parts

HERE = ("127.0.0.1", 50000)


@pytest.fixture(scope="session")
def packaged() -> PolicyBook:
    return read_policies(policies.folder())


@pytest.fixture
def ledger(empty_ledger: Path, tmp_path: Path) -> Iterator[Ledger]:
    shutil.copy(empty_ledger, tmp_path / "ledger.db")
    opened = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", create=False)
    yield opened
    opened.close()


@pytest.fixture
def empty(ledger: Ledger, packaged: PolicyBook, tmp_path: Path) -> Parts:
    """The parts of a service nobody has asked anything yet."""
    return made_parts(ledger, packaged, tmp_path)


@pytest.fixture(scope="module")
def world(packaged: PolicyBook, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Sixty decisions; for tests that change nothing another one relies on."""
    folder = tmp_path_factory.mktemp("world")
    opened = Ledger.open(f"sqlite:///{folder / 'ledger.db'}")
    yield fill(opened, packaged, folder)
    opened.close()


Visitor = Callable[..., TestClient]


@pytest.fixture
def visit() -> Visitor:
    """``visit(parts, client=…)``: a browser of its own, not logged in."""

    def make(parts: Parts, client: tuple[str, int] = HERE, host: str = "127.0.0.1:8377") -> TestClient:
        return TestClient(console(parts), base_url=f"http://{host}", client=client, follow_redirects=False)

    return make


def token(client: TestClient, path: str) -> str:
    """The token of a page's forms."""
    found = re.search(r'name="csrf" value="([^"]+)"', client.get(path).text)
    assert found, f"{path} has no form"
    return found.group(1)


def log_in(client: TestClient, key: str = "") -> TestClient:
    answer = client.post("/console/login", data={"csrf": token(client, "/console/login"), "key": key})
    assert answer.status_code == 303, answer.text
    return client
