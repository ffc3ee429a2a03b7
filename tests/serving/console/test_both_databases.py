"""The pages ask SQLite and PostgreSQL the same questions and show the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from adverdict.decisions.policy import PolicyBook
from adverdict.ledger.store import Ledger
from adverdict.serving.console.rendering import TABS
from adverdict.serving.console.today import suffered, volume, waiting
from tests.serving.console.conftest import Visitor, log_in, token
from tests.serving.console.filled import NOW, fill
from tests.serving.console.test_pages import keyed

pytestmark = pytest.mark.slow


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    """On each database, where the other tests of the console have SQLite's."""
    opened = Ledger.open(ledger_url, create=False)
    yield opened
    opened.close()


def test_every_page_works_on_each_database(ledger: Ledger, packaged: PolicyBook, visit: Visitor, tmp_path: Path) -> None:
    world = fill(ledger, packaged, tmp_path, 25)
    client = log_in(visit(world.parts))
    for path in (
        *(tab.path for tab in TABS),
        f"/console/decisions/{world.first_rejected}",
        f"/console/decisions/{world.first_rejected}/advertiser",
        f"/console/decisions/{world.first_rejected}/letter",
        "/console/decisions?verdict=reject&policy=deceptive&advertiser=adv-70&reviewer=ana&appealed=yes&since=2026-11-01",
        "/console/decisions.csv?market=SE",
        "/console/policies?market=SE&approve_below=0.2",
    ):
        answer = client.get(path)
        assert (path, answer.status_code) == (path, 200)
    today = client.get("/console/today").text
    assert "Decided in 24 hours" in today or "data-counting" in today
    csrf = token(client, "/console/decisions")
    assert client.post("/console/decisions/search", data={"csrf": csrf, "text": "bag-"}).status_code == 200
    with ledger.look() as connection:
        assert sum(volume.count(connection, NOW).last(24 * 28).values()) == 25
        assert waiting.count(connection, world.parts.review, NOW).tasks == sum(one.open + one.leased for one in world.parts.queue.depths())
        suffered.count(connection, NOW)
    form = dict(re.findall(r'<input type="hidden" name="([a-z]+)" value="([^"]*)">', client.get("/console/review").text))
    assert client.post("/console/review/answer", data={**form, "verdict": "approve"}).status_code == 303
    assert log_in(visit(keyed(world.parts, "review")), "adj_k").get("/console/decisions/%00").status_code == 404
    assert client.get("/console/review/next?besides=%00").status_code == 400
    for path, field in (("decisions/search", "text"), ("review/answer", "task"), ("review/renew", "task"), ("review/release", "task")):
        assert (path, client.post(f"/console/{path}", data={**form, field: "\0"}).status_code) == (path, 400)
    assert client.post("/console/logout", data={"csrf": token(client, "/console/queues")}).status_code == 303
    assert client.get("/console/queues").status_code == 303
