"""The pages ask SQLite and PostgreSQL the same questions and show the same."""

from __future__ import annotations

import re
from pathlib import Path

from decisions.policy import PolicyBook
from ledger.store import Ledger
from serving.console.rendering import TABS
from tests.databases import ledger, ledger_url, postgres, postgres_template
from tests.serving.console.conftest import Visitor, log_in, token
from tests.serving.console.filled import fill

__all__ = ["ledger", "ledger_url", "postgres", "postgres_template"]


def test_every_page_works_on_each_database(ledger: Ledger, packaged: PolicyBook, visit: Visitor, tmp_path: Path) -> None:
    world = fill(ledger, packaged, tmp_path, 25)
    client = log_in(visit(world.parts))
    for path in (
        *(tab.path for tab in TABS),
        f"/console/decisions/{world.first_rejected}",
        "/console/policies?market=SE&approve_below=0.2",
    ):
        answer = client.get(path)
        assert (path, answer.status_code) == (path, 200)
    form = dict(re.findall(r'<input type="hidden" name="([a-z]+)" value="([^"]*)">', client.get("/console/review").text))
    assert client.post("/console/review/answer", data={**form, "verdict": "approve"}).status_code == 303
    assert client.post("/console/logout", data={"csrf": token(client, "/console/queues")}).status_code == 303
    assert client.get("/console/queues").status_code == 303
