"""The page of changes: who is told, what nobody takes, and trying again or letting go."""

from __future__ import annotations

from datetime import timedelta

from adverdict.delivery.channels import Channel, filler
from adverdict.delivery.deliver import deliver
from adverdict.delivery.following import follow
from adverdict.delivery.outbox import REFUSED_WAITS, standings
from adverdict.delivery.posting import NotTaken
from adverdict.serving.console.parts import Parts
from tests.ledger.made import an_ad, append_decisions, decided, resolved
from tests.serving.console.conftest import Visitor, log_in, token


def refuse(_: object) -> str:
    raise NotTaken("answered 422")


def test_what_nobody_takes_is_shown_and_tried_again_or_let_go(empty: Parts, visit: Visitor) -> None:
    ledger, at = empty.ledger, empty.clock() - timedelta(days=5)
    client = log_in(visit(empty))
    assert "Nobody is told" in client.get("/console/changes").text
    channel = Channel("changes", refuse, filler("changes"))
    follow(ledger)
    deliver(ledger, channel, lambda: at)
    append_decisions(ledger, made := decided(an_ad()))
    with ledger.write() as writing:
        writing.append("res-1", resolved(made), empty.clock())
    follow(ledger)
    for day in range(len(REFUSED_WAITS) + 1):
        deliver(ledger, channel, lambda day=day: at + timedelta(days=day))  # type: ignore[misc]
    text = client.get("/console/changes").text
    shown = ["held", "ad ad-1", "answered 422", "Let it go", "/console/decisions/dec-ad-1", "review", "reject"]
    assert [one for one in shown if one not in text] == []
    form = {"csrf": token(client, "/console/changes"), "receiver": "changes", "seq": "1"}
    assert client.post("/console/changes/drop", data={**form, "why": " "}).status_code == 400
    assert client.post("/console/changes/retry", data={**form, "seq": "one"}).status_code == 400
    assert client.post("/console/changes/retry", data=form).status_code == 303
    assert [(one.waiting, one.held) for one in standings(ledger)] == [(1, 0)]
    assert client.post("/console/changes/drop", data={**form, "why": "an ad of a test"}).status_code == 303
    assert [(one.waiting, one.held) for one in standings(ledger)] == [(0, 0)]
    assert client.post("/console/changes/drop", data={**form, "why": "again"}).status_code == 404
