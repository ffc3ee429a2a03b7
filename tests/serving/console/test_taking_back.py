"""On a decision's page: strikes of its advertiser, lifted; and a verdict that is taken back after a second look."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from adverdict.domain.keys import ApiKey
from adverdict.domain.verdict import Verdict
from adverdict.ledger.bodies.copies import Unwound
from adverdict.ledger.entries import Carried
from adverdict.serving.console.parts import Parts
from tests.ledger.made import an_ad, answered, append_decisions, decided, minutes, resolved
from tests.ledger.test_strikes import certified
from tests.serving.console.conftest import Visitor, log_in, token


def test_strikes_are_shown_on_the_page_and_lifted_there(empty: Parts, visit: Visitor) -> None:
    append_decisions(empty.ledger, certified(decided(an_ad(1), Verdict.REJECT)))
    client, page = log_in(visit(empty)), "/console/decisions/dec-ad-1"
    assert "Strikes against the advertiser" in client.get(page).text
    told = {"csrf": token(client, page), "why": "a new owner"}
    assert client.post(f"{page}/lift", data=told).status_code == 303
    assert "Strikes against the advertiser" not in client.get(page).text


def test_a_verdict_is_taken_back_with_what_hangs_on_it_after_a_second_look(empty: Parts, visit: Visitor) -> None:
    made, copy = decided(an_ad(1)), decided(an_ad(2))
    append_decisions(empty.ledger, made, copy)
    carried = Carried(decision_id="dec-ad-1", resolution="res-1", distance=0.05, certificate="car-1")
    with empty.ledger.write() as writing:
        writing.append("ans-tsk-1", answered(made), minutes(5))
        writing.append("res-1", resolved(made), minutes(5))
        writing.append("res-2", resolved(copy, task_id="tsk-1").model_copy(update={"by": "copy", "carried": carried}), minutes(6))
    client, page = log_in(visit(empty)), "/console/decisions/dec-ad-1"
    assert "Take the verdict back" in client.get(page).text
    asked = client.get(f"{page}/unwind").text
    assert "1 verdict carried from it, 0 answered along with it" in asked
    form = {"csrf": token(client, f"{page}/unwind"), "why": "a slip"}
    assert client.post(f"{page}/unwound", data=form).status_code == 400
    assert client.post(f"{page}/unwound", data={**form, "sure": "yes"}).status_code == 303
    done = [entry.body.decision_id for entry in empty.ledger.read(kinds=["unwinding"]) if isinstance(entry.body, Unwound)]
    assert done == ["dec-ad-1", "dec-ad-2"]
    assert "Take the verdict back" not in client.get(page).text


def test_who_may_only_review_takes_nothing_back(empty: Parts, visit: Visitor) -> None:
    append_decisions(empty.ledger, certified(decided(an_ad(1), Verdict.REJECT)))
    key = ApiKey("somebody", frozenset({"review"}), hashlib.sha256(b"key").hexdigest())
    client = log_in(visit(replace(empty, api_keys=(key,))), "key")
    assert client.get("/console/decisions/dec-ad-1/unwind").status_code == 403
    assert "Lift them" not in client.get("/console/decisions/dec-ad-1").text
