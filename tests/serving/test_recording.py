"""What is answered is on record, once; what is brought to it is recorded whole or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import DecisionMade, Labelled
from adverdict.ledger.store import Ledger
from adverdict.serving.http.messages import DecisionRecord
from tests.ledger.made import a_step, an_ad, withdraw
from tests.scoring.ads import ad
from tests.serving.conftest import Serve


@contextmanager
def recorded(home: Path) -> Iterator[Ledger]:
    ledger = Ledger.open(f"sqlite:///{home / 'ledger.db'}", create=False)
    yield ledger
    ledger.close()


def decisions(home: Path) -> list[DecisionMade]:
    with recorded(home) as ledger:
        return [entry.body for entry in ledger.read(kinds=["decision"]) if isinstance(entry.body, DecisionMade)]


def test_an_answered_decision_is_on_record_as_it_was_answered(serve: Serve, tmp_path: Path) -> None:
    with serve() as client:
        answer = client.post("/v1/score?explain=all", json=ad(title="scam")).json()
        told = client.get(f"/v1/decisions/{answer['decision_id']}").json()
    (made,) = decisions(tmp_path)
    assert told["decision"] == answer == made.decision.model_dump(mode="json")
    assert made.ad.model_dump(mode="json", exclude_none=True).items() >= {"ad_id": "ad-1001", "title": "scam"}.items()
    assert told["standing"]["verdict"] == "reject"
    assert (told["standing"]["by"], told["seq"]) == ("decision", answer["history_seq"] + 1)


@pytest.mark.parametrize(
    ("environment", "design"),
    [
        ({}, "audit-2"),
        ({"ADVERDICT_DATABASE_URL": "none", "ADVERDICT_AUDIT_SECRET": "5ec2e7" * 8}, "audit-2"),
        ({"ADVERDICT_DATABASE_URL": "none"}, "audit-1"),
    ],
    ids=["the ledger's secret", "that of the settings", "none"],
)
def test_ads_are_drawn_for_the_audit_by_a_secret_that_nobody_reads(
    serve: Serve, environment: dict[str, str], design: str, caplog: pytest.LogCaptureFixture
) -> None:
    with serve(**environment) as client:
        answer = client.post("/v1/score", json=ad(title="scam"))
    assert answer.json()["audit"]["design"] == design
    assert "5ec2e7" not in caplog.text + answer.text
    assert ("ADVERDICT_AUDIT_SECRET is not set" in caplog.text) == (design == "audit-1")


def test_what_stands_is_told_of_every_decision_on_the_same_version(serve: Serve, tmp_path: Path) -> None:
    """Decided again by a rescoring step, which is undone then."""
    with serve() as client:
        first = client.post("/v1/score", json=ad()).json()["decision_id"]
        (made,) = decisions(tmp_path)
        again = made.decision.model_copy(update={"decision_id": "dec-again", "verdict": Verdict.REJECT})
        other = made.model_copy(update={"ad": an_ad(2), "decision": again.model_copy(update={"decision_id": "dec-2", "ad_id": "ad-2"})})
        with recorded(tmp_path) as ledger:
            a_step(ledger, made.model_copy(update={"decision": again, "first": False}), other, withdrawn=False)
            during = [client.get(f"/v1/decisions/{name}").json() for name in (first, "dec-again")]
            withdraw(ledger)
        after = [client.get(f"/v1/decisions/{name}").json() for name in (first, "dec-again", "dec-2")]
    assert [(one["step"], one["withdrawn"]) for one in during] == [(None, None), ("stp-1", None)]
    assert [(one["standing"]["decision_id"], one["standing"]["verdict"]) for one in during] == [("dec-again", "reject")] * 2
    assert [one["withdrawn"] and one["withdrawn"]["why"] for one in after] == [None, "too many rejections", "too many rejections"]
    assert [one["standing"] and one["standing"]["decision_id"] for one in after] == [first, first, None], "nothing else stands of the last"
    assert [bool(one["statement_of_reasons"]) for one in after] == [False, False, False]


def test_a_batch_is_on_record_but_for_the_ads_that_were_refused(serve: Serve, tmp_path: Path) -> None:
    ads = [ad(ad_id=f"a-{number}") for number in range(40)]
    ads[7] = ad(ad_id="a-7", title="stumble")
    ads[9] = ad(ad_id="a-9", market="Sweden")
    with serve() as client:
        results = client.post("/v1/score/batch", json={"ads": ads}).json()["results"]
    assert [("error" in result) for result in results] == [number in (7, 9) for number in range(40)]
    assert [made.ad.ad_id for made in decisions(tmp_path)] == [f"a-{number}" for number in range(40) if number not in (7, 9)]


@pytest.mark.parametrize(("path", "body"), [("/v1/score", ad()), ("/v1/score/batch", {"ads": [ad(), ad(ad_id="b"), ad(title="stumble")]})])
def test_the_same_key_and_body_get_the_same_answer_also_after_a_restart(serve: Serve, tmp_path: Path, path: str, body: Any) -> None:
    key = {"Idempotency-Key": "7d1f"}
    answers = []
    for _ in range(2):
        with serve() as client:
            answers += [client.post(path, json=body, headers=key) for _ in range(2)]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert len(decisions(tmp_path)) == (1 if path == "/v1/score" else 2)


def test_a_key_that_stands_for_another_request_is_a_conflict(serve: Serve, tmp_path: Path) -> None:
    with serve() as client:
        client.post("/v1/score", json=ad(), headers={"Idempotency-Key": "k"})
        other_body = client.post("/v1/score", json=ad(title="other"), headers={"Idempotency-Key": "k"})
        other_path = client.post("/v1/score/batch", json={"ads": [ad()]}, headers={"Idempotency-Key": "k"})
        bad_key = client.post("/v1/score", json=ad(), headers={"Idempotency-Key": "with space"})
    assert [(one.status_code, one.json()["error"]["code"]) for one in (other_body, other_path)] == [(409, "conflict")] * 2
    assert "used for another request" in other_body.json()["error"]["message"]
    assert (bad_key.status_code, bad_key.json()["error"]["field"]) == (400, "Idempotency-Key")
    assert len(decisions(tmp_path)) == 1


def test_many_requests_at_once_under_one_key_make_one_decision(serve: Serve, tmp_path: Path) -> None:
    with serve() as client, ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: client.post("/v1/score", json=ad(), headers={"Idempotency-Key": "k"}).text, range(24)))
        others = list(threads.map(lambda n: client.post("/v1/score", json=ad(ad_id=f"n-{n}")).json()["ad_id"], range(24)))
    assert len(set(answers)) == 1
    assert others == [f"n-{number}" for number in range(24)]
    assert len(decisions(tmp_path)) == 25


def test_an_ad_that_cannot_be_scored_is_not_on_record_and_may_be_asked_again(serve: Serve, tmp_path: Path) -> None:
    with serve() as client:
        answer = client.post("/v1/score", json=ad(title="stumble"), headers={"Idempotency-Key": "k"})
        again = client.post("/v1/score", json=ad(title="stumble"), headers={"Idempotency-Key": "k"})
    assert (answer.status_code, again.status_code) == (500, 500)
    assert decisions(tmp_path) == []


def test_a_decision_that_cannot_be_written_down_is_not_answered(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adverdict.ledger.database.BUSY_MS", 50)
    with serve() as client:
        client.post("/v1/score", json=ad())
        blocker = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        answer = client.post("/v1/score", json=ad(ad_id="b"))
        batch = client.post("/v1/score/batch", json={"ads": [ad(ad_id="c")]})
        blocker.execute("ROLLBACK")
        blocker.close()
        after = client.post("/v1/score", json=ad(ad_id="d"))
    assert (answer.status_code, batch.status_code, after.status_code) == (503, 503, 200)
    assert answer.headers["retry-after"] == "1"
    assert [made.ad.ad_id for made in decisions(tmp_path)] == ["ad-1001", "d"]


def test_review_verdicts_and_drawn_audits_become_tasks_in_the_same_transaction(serve: Serve, tmp_path: Path) -> None:
    with serve(ADVERDICT_REVIEW_DOUBLE_SHARE="0") as client:
        client.post("/v1/score", json=ad(market="FR"))  # no policy file knows this market
        client.post("/v1/score", json=ad())
    with recorded(tmp_path) as ledger, ledger.look() as connection:
        tasks = connection.exec_driver_sql("SELECT kind, ad_id, state FROM tasks").all()
    drawn = [made.decision.audit is not None and made.decision.audit.chosen for made in decisions(tmp_path)]
    assert drawn[0] is False
    # The approved one is drawn by chance: one time in some hundred.
    assert [tuple(task) for task in tasks] == [("review", "ad-1001", "open"), *[("audit", "ad-1001", "open")] * drawn[1]]


def test_any_number_of_labels_on_one_ad_is_recorded(serve: Serve, tmp_path: Path) -> None:
    label = {"ad_id": "ad-1001", "policy": "deceptive", "violates": True, "labelled_at": "2026-03-02T00:00:00Z"}
    with serve() as client:
        client.post("/v1/score", json=ad())
        answer = client.post("/v1/labels", json={"labels": [{**label, "rater_id": f"r{number}"} for number in range(250)]})
    assert (answer.status_code, answer.json()["labels"]) == (200, 250)
    with recorded(tmp_path) as ledger:
        found = [entry.body for entry in ledger.read(kinds=["label"])]
    assert [len(one.labels) for one in found if isinstance(one, Labelled)] == [100, 100, 50]


def test_labels_on_decided_ads_are_recorded_whole_or_not_at_all(serve: Serve, tmp_path: Path) -> None:
    label = {"ad_id": "a", "policy": "deceptive", "violates": True, "labelled_at": "2026-03-02T00:00:00Z"}
    with serve() as client:
        client.post("/v1/score/batch", json={"ads": [ad(ad_id="a"), ad(ad_id="b")]})
        good = client.post("/v1/labels", json={"labels": [label, {**label, "policy": "gambling"}, {**label, "ad_id": "b"}]})
        bad = client.post(
            "/v1/labels",
            json={
                "labels": [
                    label,
                    {**label, "ad_id": "nobody"},
                    {**label, "labelled_at": "2099-01-01T00:00:00Z"},
                    {**label, "source": "golden"},
                ]
            },
        )
        keyed = [client.post("/v1/labels", json={"labels": [label]}, headers={"Idempotency-Key": "k"}).json() for _ in range(2)]
    assert good.json()["labels"] == 3
    assert bad.status_code == 400
    assert [mistake["field"] for mistake in bad.json()["error"]["mistakes"]] == [
        "labels[1].ad_id",
        "labels[2].labelled_at",
        "labels[3].source",
    ]
    assert keyed[0] == keyed[1]
    with recorded(tmp_path) as ledger:
        found = [entry.body for entry in ledger.read(kinds=["label"])]
    assert [(one.ad_id, len(one.labels), one.by) for one in found if isinstance(one, Labelled)] == [
        ("a", 2, "local"),
        ("b", 1, "local"),
        ("a", 1, "local"),
    ]


def test_an_appeal_against_a_rejection_is_recorded_once_and_shows_on_the_decision(serve: Serve) -> None:
    with serve() as client:
        rejected = client.post("/v1/score", json=ad(title="scam")).json()["decision_id"]
        approved = client.post("/v1/score", json=ad(ad_id="b")).json()["decision_id"]
        body = {"decision_id": rejected, "statement": "We are licensed."}
        first = [client.post("/v1/appeals", json=body, headers={"Idempotency-Key": "k"}) for _ in range(2)]
        second = client.post("/v1/appeals", json=body)
        pointless = client.post("/v1/appeals", json={**body, "decision_id": approved})
        unknown = client.post("/v1/appeals", json={**body, "decision_id": "dec-0"})
        told = DecisionRecord.model_validate(client.get(f"/v1/decisions/{rejected}").json())
    assert [one.status_code for one in (*first, second, pointless, unknown)] == [200, 200, 409, 400, 404]
    assert first[0].json() == first[1].json()
    assert [(one.appeal_id, one.outcome) for one in told.appeals] == [(first[0].json()["appeal_id"], None)]


def test_what_is_not_a_decision_on_record_is_not_found(serve: Serve) -> None:
    with serve() as client:
        answers = [client.get(f"/v1/decisions/{name}") for name in ("dec-0", "fnd-1", "%00", "a/b")]
    assert [(answer.status_code, answer.json()["error"]["code"]) for answer in answers] == [(404, "not_found")] * 4


def test_without_a_ledger_ads_are_decided_and_nothing_is_recorded(serve: Serve, tmp_path: Path) -> None:
    with serve(ADVERDICT_DATABASE_URL="none") as client:
        answer = client.post("/v1/score", json=ad())
        assert client.get("/readyz").json()["ledger"] is None
        assert client.get(f"/v1/decisions/{answer.json()['decision_id']}").status_code == 404
    assert (answer.status_code, answer.json()["history_seq"]) == (200, None)
    assert not (tmp_path / "ledger.db").exists()


def test_each_address_asks_for_its_scope(serve: Serve) -> None:
    from adverdict.domain.keys import new_key

    key, entry = new_key("reader", ["score"])
    with serve(ADVERDICT_API_KEYS=entry) as client:
        bearer = {"Authorization": f"Bearer {key}"}
        assert client.get("/v1/decisions/dec-0", headers=bearer).status_code == 404
        assert client.get("/v1/decisions/dec-0").status_code == 401
        assert client.post("/v1/labels", json={"labels": []}, headers=bearer).status_code == 403


def test_a_reused_key_leaves_no_trace_in_the_log(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """Any caller could fill the log with it, and keys are often ad ids."""
    with serve() as client:
        for title in ("one", "other"):
            answer = client.post("/v1/score", json=ad(title=title), headers={"Idempotency-Key": "my-ad-77"})
    assert answer.status_code == 409
    assert "my-ad-77" not in caplog.text
    assert "Traceback" not in caplog.text


def test_a_failure_of_everything_is_no_answer_to_keep(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.scoring.fakes import FakeModel

    broken = [True]
    score = FakeModel.score

    def sometimes(model: FakeModel, ads: Any, history: Any = None) -> Any:
        if broken[0] and any(one.ad_id == "flaky" for one in ads):
            raise MemoryError
        return score(model, ads, history)

    monkeypatch.setattr(FakeModel, "score", sometimes)
    with serve() as client:
        first = client.post("/v1/score", json=ad(ad_id="flaky"), headers={"Idempotency-Key": "k"})
        broken[0] = False
        again = client.post("/v1/score", json=ad(ad_id="flaky"), headers={"Idempotency-Key": "k"})
    assert (first.status_code, again.status_code) == (500, 200)
    assert [made.ad.ad_id for made in decisions(tmp_path)] == ["flaky"]


def test_an_erased_answer_fails_its_own_request_and_no_neighbour(serve: Serve, tmp_path: Path) -> None:
    with serve() as client, ThreadPoolExecutor(8) as threads:
        client.post("/v1/score", json=ad(advertiser_id="gone"), headers={"Idempotency-Key": "k"})
        with recorded(tmp_path) as ledger, ledger.change() as connection:
            connection.exec_driver_sql("DELETE FROM contents WHERE advertiser_id = 'gone'")
        bodies = [(ad(advertiser_id="gone"), {"Idempotency-Key": "k"}), *[(ad(ad_id=f"n{number}"), {}) for number in range(12)]]
        statuses = list(threads.map(lambda one: client.post("/v1/score", json=one[0], headers=one[1]).status_code, bodies))
    assert statuses == [404, *[200] * 12]
