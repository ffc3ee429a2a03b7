"""A whole roll-out beside a running service: drafted from a folder, proposed, signed, tried, ended or brought into force."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from adverdict.cli.main import app as commands
from adverdict.decisions.files.read import read_policies, read_texts
from adverdict.domain.errors import Conflict, InvalidInput
from adverdict.domain.settings import read_settings
from adverdict.domain.verdict import Verdict
from adverdict.ledger.audit_secret import audit_secret
from adverdict.ledger.effective import effective_decisions
from adverdict.ledger.in_force.policy_sets import keep_set, put
from adverdict.ledger.in_force.rollouts import rollouts_now
from adverdict.ledger.store import Ledger, now
from adverdict.ledger.verify import verify
from adverdict.rescoring.applying.repair import repair
from adverdict.rescoring.applying.undo import undo
from adverdict.rollout.stages.drafts import Draft, draft, put_on_record
from adverdict.rollout.stages.plans import read_plan
from adverdict.scoring.bootstrap import Installation, bootstrap
from adverdict.scoring.replay import replay
from adverdict.scoring.scorer import Scorer
from adverdict.serving.console.banner import notices
from tests.scoring.ads import ad
from tests.scoring.fakes import FakeModel, FakeRegistry, open_fake
from tests.serving.conftest import Serve, usual
from tests.serving.console.conftest import log_in

PLAN = """
name: quick
stages:
  - {name: canary, share: 0.3, audit_share: 1, needs: [policy]}
  - {name: full, share: 1, holdout: 0.05}
"""


@pytest.fixture
def stricter(policy_folder: Path, tmp_path: Path) -> Path:
    """Approves nothing under gambling in Sweden: the fake model's least risk is .01."""
    folder = tmp_path / "stricter"
    folder.mkdir()
    for name, text in read_texts(policy_folder).items():
        (folder / name).write_text(text)
    (folder / "SE.yaml").write_text("extends: default\npolicies:\n  gambling:\n    thresholds: {approve_below: 0.005, reject_at: 0.9}\n")
    return folder


@pytest.fixture
def installation(tmp_path: Path, policy_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    settings = usual(tmp_path, policy_folder)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    return bootstrap(read_settings(settings), registry=FakeRegistry(), open_bundle=open_fake)


@pytest.fixture
def client(serve: Serve) -> Iterator[TestClient]:
    with serve() as caller:
        for number in range(40):
            decided(caller, number)
        yield caller


@pytest.fixture
def ledger(client: TestClient, installation: Installation) -> Iterator[Ledger]:
    opened = installation.ledger()
    yield opened
    opened.close()


def decided(client: TestClient, number: int, **changes: Any) -> dict[str, Any]:
    body = ad(ad_id=f"ad-{number}", advertiser_id=f"adv-{number}", **{"title": "Fresh bread", "market": "SE", **changes})
    told: dict[str, Any] = client.post("/v1/score", json=body).json()
    return told


def drafted(installation: Installation, ledger: Ledger, folder: Path, plan: Path | str, *markets: str) -> Draft:
    return draft(installation, ledger, folder, markets, read_plan(str(plan)), now())


def run(*arguments: str, fails: bool = False) -> str:
    result = CliRunner().invoke(commands, ["rollout", *arguments])
    assert (result.exit_code != 0) == fails, result.output
    return re.sub(r"\s+", " ", result.output)


def test_a_draft_says_what_changes_and_what_that_would_have_done(installation: Installation, ledger: Ledger, stricter: Path) -> None:
    told = drafted(installation, ledger, stricter, "standard")
    assert told.markets == ("SE",)
    assert len(told.words) == 1
    assert "gambling, in SE" in told.words[0]
    assert "0.1" in told.words[0]
    assert "0.005" in told.words[0]
    predicted = told.tried.to_json()
    assert (predicted["ads"], predicted["flips"]) == (40, {"approve -> review": 40})
    assert [guard.name for guard in told.guards] == ["leakage:gambling", "wrongful_rejection:gambling", "worse", "load", "appeals"]
    assert sum(guard.alpha for guard in told.guards) == pytest.approx(told.plan.alpha)


def test_what_cannot_be_proposed_is_refused_with_all_that_is_wrong(
    installation: Installation, ledger: Ledger, policy_folder: Path, stricter: Path
) -> None:
    with pytest.raises(InvalidInput, match="policies that differ from those in force"):
        drafted(installation, ledger, policy_folder, "standard")
    with pytest.raises(InvalidInput, match="all that the folder changes: SE too"):
        drafted(installation, ledger, stricter, "standard", "GB")
    (stricter / "SE.yaml").write_text("extends: default\npolicies:\n  gambling:\n    thresholds: auto\n")
    with pytest.raises(InvalidInput, match=r"gambling, SE = 'auto'; expected thresholds solved for these targets"):
        drafted(installation, ledger, stricter, "standard")


def test_from_a_folder_into_force(installation: Installation, ledger: Ledger, client: TestClient, stricter: Path, tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(PLAN)
    its_id = put_on_record(ledger, drafted(installation, ledger, stricter, tmp_path / "plan.yaml"), "fewer leaks", "petra", now())
    assert "has to be signed for policy first" in run("start", its_id, "--why", "go", "--by", "olga", fails=True)
    assert "somebody else has to sign" in run("sign", its_id, "--as", "policy", "--note", "mine", "--by", "petra", fails=True)
    assert "signed for policy" in run("sign", its_id, "--as", "policy", "--note", "read it", "--by", "olga")
    assert "is in stage canary: 30% of the advertisers" in run("start", its_id, "--why", "go", "--by", "olga")
    arms = [decided(client, number) for number in range(100, 160)]
    assert {(one["arm"]["side"], one["verdict"]) for one in arms} == {
        ("candidate", "review"),
        ("control", "approve"),
        ("outside", "approve"),
    }
    assert decided(client, 161, market="GB")["arm"] is None
    shown = run("show")
    assert "under way: canary" in shown
    assert "in the way of the next stage" in shown
    assert "is paused" in run("pause", its_id, "--why", "lunch", "--by", "olga")
    assert "is paused by olga (lunch)" in run("advance", its_id, "--why", "go", "--by", "olga", fails=True)
    run("resume", its_id, "--why", "back", "--by", "olga")
    assert "is in stage full" in run("advance", its_id, "--why", "go", "--by", "olga")
    assert "its policies are in force everywhere" in run("advance", its_id, "--why", "go", "--by", "olga")
    after = decided(client, 200)
    assert (after["arm"], after["verdict"], after["policy_hash"]) == (None, "review", read_policies(stricter).hash)
    rolled_back = CliRunner().invoke(commands, ["rollback", "--policies", "--why", "too much work"])
    assert rolled_back.exit_code == 0, rolled_back.output
    assert decided(client, 201)["verdict"] == "approve"
    assert "done" in run("list")
    assert (replay(ledger, FakeModel).different, verify(ledger).found) == (0, 0)


def test_an_abort_is_in_force_with_the_next_ad(
    installation: Installation, ledger: Ledger, client: TestClient, stricter: Path, tmp_path: Path
) -> None:
    (tmp_path / "plan.yaml").write_text(PLAN.replace(", needs: [policy]", ""))
    its_id = put_on_record(ledger, drafted(installation, ledger, stricter, tmp_path / "plan.yaml"), "fewer leaks", "petra", now())
    run("start", its_id, "--why", "go")
    assert {decided(client, number)["verdict"] for number in range(100, 140)} == {"review", "approve"}
    told = run("abort", its_id, "--why", "enough", "--by", "olga")
    seq = int(re.search(r"from entry (\d+) on", told)[1])  # type: ignore[index]
    after = [decided(client, number) for number in range(200, 240)]
    assert {one["verdict"] for one in after} == {"approve"}
    assert min(one["history_seq"] for one in after) >= seq
    assert rollouts_now(ledger)[its_id].state == "aborted"
    evidence = run("evidence", its_id, "--at", str(seq))
    assert "worse:" in evidence


def test_over_http_a_roll_out_is_shown_signed_started_and_aborted_once(
    installation: Installation, ledger: Ledger, client: TestClient, stricter: Path, tmp_path: Path
) -> None:
    (tmp_path / "plan.yaml").write_text(PLAN)
    its_id = put_on_record(ledger, drafted(installation, ledger, stricter, tmp_path / "plan.yaml"), "fewer leaks", "petra", now())
    [told] = client.get("/v1/rollouts").json()["rollouts"]
    assert (told["rollout"], told["state"], told["markets"]) == (its_id, "proposed", ["SE"])
    refused = client.post("/v1/rollouts/advance", json={"rollout": its_id, "why": "go"})
    assert (refused.status_code, "has to be signed" in refused.json()["error"]["message"]) == (409, True)
    wrong = client.post("/v1/rollouts/sign", json={"rollout": its_id, "role": "boss", "note": "x"})
    assert (wrong.status_code, wrong.json()["error"]["field"]) == (400, "role")
    assert client.post("/v1/rollouts/sign", json={"rollout": its_id, "role": "policy", "note": "read it"}).status_code == 200
    started = client.post("/v1/rollouts/advance", json={"rollout": its_id, "why": "go"}).json()
    assert (started["state"], started["stage"]) == ("under way", "canary")
    shown = client.get(f"/v1/rollouts/{its_id}").json()
    assert shown["evidence"]["guards"].keys() == {"leakage:gambling", "wrongful_rejection:gambling", "worse", "load", "appeals"}
    assert shown["waits_for"]
    headers = {"idempotency-key": "1"}
    first, again = (client.post("/v1/rollouts/abort", json={"rollout": its_id, "why": "enough"}, headers=headers) for _ in range(2))
    assert (first.status_code, again.status_code, again.json()["state"]) == (200, 200, "aborted")
    assert client.get("/v1/rollouts/rol-0").status_code == 404


def test_in_the_console_a_roll_out_is_read_signed_started_paused_and_aborted_by_a_typed_word(
    installation: Installation, ledger: Ledger, client: TestClient, stricter: Path, tmp_path: Path
) -> None:
    (tmp_path / "plan.yaml").write_text(PLAN)
    its_id = put_on_record(ledger, drafted(installation, ledger, stricter, tmp_path / "plan.yaml"), "fewer leaks", "petra", now())
    client.follow_redirects = False
    log_in(client)
    page = client.get(f"/console/rollouts/{its_id}")
    assert page.status_code == 200
    for words in ("gambling, in SE", "Proposed", "leakage:gambling", "it has not been started", "+100.00"):
        assert words in page.text
    csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)[1]  # type: ignore[index]

    def post(step: str, **fields: str) -> tuple[int, str]:
        address = f"/console/rollouts/{its_id}/{step}"
        answer = client.post(address, data={"csrf": csrf, **fields}, follow_redirects=True)
        return answer.status_code, answer.text

    assert post("sign", role="policy", agrees="agree", why="read it")[0] == 200
    status, told = post("advance", why="go", confirm="yes")
    assert (status, "the word advance, typed" in told) == (400, True)
    assert "stage <b>canary</b>" in post("advance", why="go", confirm="advance")[1]
    assert "paused" in post("pause", why="lunch")[1]
    assert "Pause" in post("resume", why="back")[1]
    assert "Aborted by local" in post("abort", why="enough", confirm="abort")[1]
    told = client.get("/console/rollouts").text
    assert its_id[:16] in told
    assert "what it approved still runs until it is repaired" in told
    assert len(notices(ledger, now())) == 1
    assert notices(ledger, now() + timedelta(days=8)) == ()


def test_what_an_aborted_candidate_approved_is_decided_again_once_and_can_be_taken_back(
    installation: Installation, ledger: Ledger, client: TestClient, policy_folder: Path, stricter: Path, tmp_path: Path
) -> None:
    """What is in force leaves the fake model's .01 to people, and the candidate approves it."""
    with ledger.write() as writing:
        book, texts = read_policies(stricter), read_texts(stricter)
        put(writing, book.hash, keep_set(writing.connection, book, texts, now()), "less leakage", "olga", now())
    (tmp_path / "plan.yaml").write_text(PLAN.replace(", needs: [policy]", ""))
    its_id = put_on_record(ledger, drafted(installation, ledger, policy_folder, tmp_path / "plan.yaml"), "fewer reviews", "petra", now())
    run("start", its_id, "--why", "go")
    ads = [decided(client, number) for number in range(100, 140)]
    leaked = [one["decision_id"] for one in ads if one["verdict"] == "approve"]
    assert len(leaked) > 5
    scorer = Scorer(FakeModel(), book, audit_secret=audit_secret(ledger))
    with pytest.raises(Conflict, match="is under way"):
        repair(ledger, its_id, scorer, installation.review, "olga")
    run("abort", its_id, "--why", "it leaks")
    done = repair(ledger, its_id, scorer, installation.review, "olga")
    assert (dict(done.changes), done.left) == ({Verdict.REVIEW: len(leaked)}, 0)
    assert notices(ledger, now()) == (), "what it approved was decided again"
    again = repair(ledger, its_id, scorer, installation.review, "olga")
    assert (dict(again.changes), again.left) == ({}, len(leaked))
    with ledger.look() as connection:
        stands = effective_decisions(connection, [one["ad_id"] for one in ads])
    assert {one.verdict for one in stands.values()} == {Verdict.REVIEW}
    assert (replay(ledger, FakeModel).different, verify(ledger).found) == (0, 0)
    undo(ledger, done.step, "it was right after all", "olga")
    with ledger.look() as connection:
        stands = effective_decisions(connection, [one["ad_id"] for one in ads])
    assert sum(one.verdict is Verdict.APPROVE for one in stands.values()) == len(leaked)


def test_a_repair_that_finds_nothing_to_change_is_on_record(
    installation: Installation, ledger: Ledger, client: TestClient, policy_folder: Path, stricter: Path, tmp_path: Path
) -> None:
    """What is in force approves what the candidate approved."""
    (stricter / "SE.yaml").write_text("extends: default\npolicies:\n  gambling:\n    thresholds: {approve_below: 0.2, reject_at: 0.9}\n")
    (tmp_path / "plan.yaml").write_text(PLAN.replace(", needs: [policy]", ""))
    its_id = put_on_record(ledger, drafted(installation, ledger, stricter, tmp_path / "plan.yaml"), "fewer reviews", "petra", now())
    run("start", its_id, "--why", "go")
    for number in range(100, 120):
        decided(client, number)
    run("abort", its_id, "--why", "enough")
    assert len(notices(ledger, now())) == 1
    done = repair(ledger, its_id, Scorer(FakeModel(), read_policies(policy_folder)), installation.review, "olga")
    assert (dict(done.changes), done.same > 0) == ({}, True)
    assert (notices(ledger, now()), verify(ledger).found) == ((), 0)
