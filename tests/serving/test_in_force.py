"""What comes into force by the chain decides in a running service from the next request on: sets of policies, and the arms of roll-outs."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from adverdict.decisions.arms import bucket
from adverdict.decisions.files.read import read_policies, read_texts
from adverdict.decisions.rollout import Plan, Stage, Versions
from adverdict.domain.errors import Unavailable
from adverdict.ledger.bodies.rollout import Aborted, Proposed, StageEntered, abort_id, stage_id
from adverdict.ledger.in_force.policy_sets import keep_set, put, roll_back
from adverdict.ledger.in_force.rollouts import SALT as SALTS
from adverdict.ledger.in_force.rollouts import digest_of_salt, rollouts_now
from adverdict.ledger.store import Ledger, keep, now
from adverdict.ledger.verify import verify
from adverdict.scoring.replay import replay
from tests.scoring.ads import ad
from tests.scoring.fakes import FakeModel, FakeRegistry
from tests.serving.conftest import Serve, until

SALT = b"s" * 32
ROLLOUT = "rol-test"


@pytest.fixture
def stricter(policy_folder: Path, tmp_path: Path) -> Path:
    """Approves nothing: the fake model's least risk is .01."""
    folder = tmp_path / "stricter"
    folder.mkdir()
    for name, text in read_texts(policy_folder).items():
        (folder / name).write_text(text.replace("approve_below: 0.1", "approve_below: 0.005"))
    return folder


@pytest.fixture
def ledger(tmp_path: Path) -> Any:
    """Of the service that ``serve`` starts, once it has."""

    def opened() -> Ledger:
        return Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", create=False)

    return opened


def decided(client: TestClient, number: int = 0, title: str = "Fresh bread") -> dict[str, Any]:
    body = ad(title=title, ad_id=f"ad-{number}", advertiser_id=f"adv-{number}", market="SE")
    told: dict[str, Any] = client.post("/v1/score", json=body).json()
    return told


def in_force(ledger: Ledger, folder: Path) -> str:
    book = read_policies(folder)
    with ledger.write() as writing:
        files = keep_set(writing.connection, book, read_texts(folder), now())
        put(writing, book.hash, files, "less leakage", "olga", now())
    return book.hash


def test_the_first_start_puts_the_files_in_force_and_later_files_only_wait(serve: Serve, policy_folder: Path, ledger: Any) -> None:
    book = read_policies(policy_folder)
    with serve() as client:
        assert decided(client)["policy_hash"] == book.hash
        told = rollouts_now(ledger())
        assert (told.policies, [one.by for _, one in told.put]) == (book.hash, ["serve"])
    with serve():
        assert len(rollouts_now(ledger()).put) == 1


def test_files_that_were_changed_since_are_not_in_force(serve: Serve, policy_folder: Path, stricter: Path, ledger: Any) -> None:
    with serve() as client:
        before = decided(client)
    with serve(ADVERDICT_POLICIES=str(stricter)) as client:
        after = decided(client, 1)
        assert client.get("/readyz").json()["policy_hash"] == before["policy_hash"]
    assert (before["policy_hash"], before["verdict"]) == (after["policy_hash"], after["verdict"])


@pytest.mark.parametrize("away", [None, Unavailable("the registry does not answer")])
def test_another_set_decides_from_the_next_request_on_and_the_one_before_comes_back(
    serve: Serve, stricter: Path, ledger: Any, registry: FakeRegistry, away: Exception | None
) -> None:
    with serve() as client:
        first = decided(client)
        registry.away = away
        digest = in_force(ledger(), stricter)
        second = decided(client, 1)
        assert (second["policy_hash"], second["verdict"]) == (digest, "review")
        until(lambda: client.get("/readyz").json()["policy_hash"] == digest)
        assert decided(client, 2)["policy_hash"] == digest
        with ledger().write() as writing:
            roll_back(writing, "too much for people", "olga", now())
        third = decided(client, 3)
        assert (third["policy_hash"], third["verdict"]) == (first["policy_hash"], "approve")


def canary(ledger: Ledger, base: Path, candidate: Path, share: float, lease: timedelta = timedelta(hours=1)) -> None:
    old, new = read_policies(base), read_policies(candidate)
    stage = Stage(name="canary", share=share, audit_share=0.5)
    with ledger.write() as writing:
        files = keep_set(writing.connection, new, read_texts(candidate), now())
        keep(writing.connection, SALTS, digest_of_salt(SALT), SALT, now())
        proposal = Proposed(
            base=Versions(policies=old.hash),
            candidate=Versions(policies=new.hash),
            files=files,
            markets=("SE",),
            plan=Plan(name="standard", stages=(stage,)),
            guards=(),
            salt=digest_of_salt(SALT),
            difference=(),
            why="less leakage",
            by="petra",
        )
        writing.append(ROLLOUT, proposal, now())
        entered = StageEntered(rollout=ROLLOUT, number=0, stage=stage, until=now() + lease, why="ready", by="olga")
        writing.append(stage_id(ROLLOUT, 0), entered, now())


def test_each_arm_is_decided_by_its_own_policies_until_the_roll_out_is_aborted(
    serve: Serve, policy_folder: Path, stricter: Path, ledger: Any
) -> None:
    with serve() as client:
        decided(client)
        canary(ledger(), policy_folder, stricter, 0.3)
        answers = [decided(client, number) for number in range(60)]
        drawn = {f"adv-{number}": bucket(SALT, f"adv-{number}") for number in range(60)}
        for told in answers:
            u = drawn[told["advertiser_id"]]
            side = "candidate" if u < 0.3 else "control" if 0.5 <= u < 0.8 else "outside"
            assert told["arm"] == {"rollout": ROLLOUT, "side": side, "bucket": u, "share": 0.3, "took_ms": None}
            assert told["verdict"] == ("review" if side == "candidate" else "approve")
            assert side != "control" or told["audit"]["probability"] == 0.5
        batch = [ad(ad_id=f"b-{number}", advertiser_id=f"adv-{number}", market="SE", title="Fresh bread") for number in range(60)]
        together = client.post("/v1/score/batch", json={"ads": batch}).json()["results"]
        sides = Counter(one["arm"]["side"] for one in together)
        assert sides == Counter(one["arm"]["side"] for one in answers)
        assert min(sides.values()) > 5
        with ledger().write() as writing:
            seq = writing.append(abort_id(ROLLOUT), Aborted(rollout=ROLLOUT, why="enough", by="olga"), now())
        after = [decided(client, 100 + number) for number in range(20)]
        assert {(one["verdict"], one["arm"]) for one in after} == {("approve", None)}
        assert min(one["history_seq"] for one in after) >= seq
    opened = ledger()
    found = replay(opened, lambda version: FakeModel(version))
    assert (found.different, found.skipped, found.same) == (0, {}, 141), found.differences
    assert verify(opened).found == 0


def test_a_lease_that_runs_out_leaves_everybody_to_the_control_without_an_entry(
    serve: Serve, policy_folder: Path, stricter: Path, ledger: Any
) -> None:
    with serve() as client:
        decided(client)
        canary(ledger(), policy_folder, stricter, 0.5, lease=timedelta(seconds=0.4))
        end = datetime.now(UTC) + timedelta(seconds=0.45)
        until(lambda: datetime.now(UTC) > end)
        answers = [decided(client, number) for number in range(20)]
        assert {(one["verdict"], one["arm"]["side"], one["arm"]["share"]) for one in answers} == {("approve", "outside", 0.0)}
    assert replay(ledger(), lambda version: FakeModel(version)).different == 0
