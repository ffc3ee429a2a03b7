"""A roll-out of a model beside a running service: loaded before it decides, each arm scored by its own bundle, the champion when done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from adverdict.certification.certificate import sealed, thresholds
from adverdict.decisions.policy import Thresholds
from adverdict.decisions.rollout import Plan, Stage
from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.ad import Ad
from adverdict.domain.errors import Conflict, InvalidInput
from adverdict.domain.settings import read_settings
from adverdict.domain.verdict import Verdict
from adverdict.ledger.in_force.policy_sets import roll_back
from adverdict.ledger.in_force.rollouts import rollouts_now
from adverdict.ledger.store import Ledger, now
from adverdict.ledger.verify import verify
from adverdict.rollout.stages import steps
from adverdict.rollout.stages.drafts import Draft, draft, put_on_record
from adverdict.rollout.stages.models import CandidateModel, uncertified
from adverdict.rollout.stages.rescored import CandidateModels
from adverdict.rollout.stages.watch import Models, look, watch
from adverdict.scoring.bootstrap import Installation, bootstrap
from adverdict.scoring.replay import replay
from adverdict.scoring.scorer import Scorer
from tests.decisions.build import POLICY, book
from tests.review.certificates import a_certificate
from tests.scoring.ads import ad
from tests.scoring.fakes import FakeModel, FakeRegistry, open_fake
from tests.serving.conftest import Serve, until, usual

CANARY = Stage(name="canary", share=0.3, audit_share=1)
PLAN = Plan(name="quick", stages=(CANARY, Stage(name="full", share=1, holdout=0.05)))
SHADOW = Plan(name="beside", stages=(Stage(name="shadow", share=0, readings=5), Stage(name="full", share=1)))


def model_of(version: str) -> FakeModel:
    return FakeModel(version, otherwise={"v1": 0.01, "v2": 0.2}[version])


@pytest.fixture
def installation(tmp_path: Path, policy_folder: Path, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """Version 2 leaves to people what version 1 approves."""
    registry.bundles["2"] = {"version": "v2", "otherwise": 0.2}
    settings = usual(tmp_path, policy_folder)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    return bootstrap(read_settings(settings), registry=registry, open_bundle=open_fake)


@pytest.fixture
def client(serve: Serve, installation: Installation) -> Iterator[TestClient]:
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


def drafted(installation: Installation, ledger: Ledger, plan: Plan = PLAN, *markets: str) -> Draft:
    found = installation.find("models:/adverdict/2")
    candidate = CandidateModel(found, open_fake(found.folder), ("model models:/adverdict/1 -> models:/adverdict/2",))
    return draft(installation, ledger, None, markets, plan, now(), candidate=candidate)


def proposed(installation: Installation, ledger: Ledger, plan: Plan = PLAN) -> str:
    return put_on_record(ledger, drafted(installation, ledger, plan), "finds more", "petra", now())


def advance(ledger: Ledger, its_id: str) -> None:
    """A worker that says on /readyz that it has loaded a bundle puts that on record in its next round."""

    def stepped() -> bool:
        try:
            with ledger.write() as writing:
                steps.advance(writing, its_id, "go", "olga", now())
        except Conflict as refused:
            if "it is being loaded" in str(refused):
                return False
            raise
        return True

    until(stepped)


def loaded(client: TestClient) -> bool:
    arms = client.get("/readyz").json()["arms"]
    return bool(arms) and all(one["loaded"] for one in arms)


def test_a_draft_of_a_model_scores_ads_anew_and_watches_everything_it_says(installation: Installation, ledger: Ledger) -> None:
    told = drafted(installation, ledger)
    predicted = told.tried.to_json()
    assert (predicted["ads"], predicted["flips"], predicted["scored_anew"]) == (40, {"approve -> review": 40}, True)
    assert (told.candidate.model, told.candidate.bundle_version, told.base.bundle_version) == ("models:/adverdict/2", "v2", "v1")
    assert told.words == ("model models:/adverdict/1 -> models:/adverdict/2",)
    kinds = {guard.kind for guard in told.guards}
    assert kinds == {"leakage", "wrongful_rejection", "worse", "load", "appeals", "latency", "errors"}
    assert sum(guard.alpha for guard in told.guards) == pytest.approx(told.plan.alpha)
    with pytest.raises(InvalidInput, match="a model decides in all of them"):
        drafted(installation, ledger, PLAN, "SE")


def test_a_model_whose_thresholds_nobody_has_solved_is_refused_in_words(
    installation: Installation, ledger: Ledger, policy_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "auto").mkdir()
    for path in policy_folder.glob("*.yaml"):
        told = path.read_text().replace("thresholds: {approve_below: 0.1, reject_at: 0.9}", "thresholds: auto")
        (tmp_path / "auto" / path.name).write_text(told)
    found = installation.find("models:/adverdict/2")
    candidate = CandidateModel(found, open_fake(found.folder), ())
    with pytest.raises(InvalidInput, match="expected thresholds solved for these targets"):
        draft(installation, ledger, tmp_path / "auto", (), PLAN, now(), candidate=candidate)


def test_where_what_decides_is_certified_a_candidate_without_a_certificate_is_named() -> None:
    before = book([replace(POLICY, thresholds=None)])
    solved = thresholds(
        (sealed(a_certificate(datetime(2026, 11, 1, tzinfo=UTC)).model_copy(update={"policy": "gambling", "market": "SE"})),)
    )
    plain = SolvedThresholds(dict.fromkeys(solved.points, Thresholds(0.1, 0.9)))
    assert [one.field for one in uncertified(before, solved, plain, before)] == ["gambling, SE"]
    assert uncertified(before, solved, solved, before) == []


def test_each_arm_is_scored_by_its_own_bundle_and_an_abort_ends_that_with_the_next_ad(
    installation: Installation, ledger: Ledger, client: TestClient
) -> None:
    its_id = proposed(installation, ledger)
    until(lambda: loaded(client))
    advance(ledger, its_id)
    answers = [decided(client, number) for number in range(100, 160)]
    told = {(one["arm"]["side"], one["bundle_version"], one["verdict"], one["arm"]["took_ms"] is not None) for one in answers}
    assert told == {
        ("candidate", "v2", "review", True),
        ("control", "v1", "approve", True),
        ("outside", "v1", "approve", False),
    }
    batch = [ad(ad_id=f"b-{number}", advertiser_id=f"adv-{number}", market="SE", title="Fresh bread") for number in range(100, 160)]
    together = client.post("/v1/score/batch", json={"ads": batch}).json()["results"]
    assert [(one["ad_id"][2:], one["bundle_version"]) for one in together] == [(one["ad_id"][3:], one["bundle_version"]) for one in answers]
    with ledger.write() as writing:
        seq = steps.abort(writing, its_id, "enough", "olga", now())
    after = [decided(client, number) for number in range(200, 230)]
    assert {(one["bundle_version"], one["arm"]) for one in after} == {("v1", None)}
    assert min(one["history_seq"] for one in after) >= seq
    assert (replay(ledger, model_of).different, verify(ledger).found) == (0, 0)
    until(lambda: client.get("/readyz").json()["arms"] == [])


def test_nothing_is_decided_by_a_model_that_not_every_worker_has_loaded(
    installation: Installation, ledger: Ledger, client: TestClient, registry: FakeRegistry
) -> None:
    registry.bundles["2"]["raises"] = "contract"
    its_id = proposed_unloadable(installation, ledger, registry)
    until(lambda: any(one["why"] and "is refused" in one["why"] for one in client.get("/readyz").json()["arms"]))
    with pytest.raises(Conflict, match=r"1 of 1 workers do not have bundle v2 loaded: models:/adverdict/2 is refused"):
        advance(ledger, its_id)


def proposed_unloadable(installation: Installation, ledger: Ledger, registry: FakeRegistry) -> str:
    """Proposed from a machine on which it loads."""
    found = installation.find("models:/adverdict/2")
    candidate = CandidateModel(found, model_of("v2"), ())
    return put_on_record(ledger, draft(installation, ledger, None, (), PLAN, now(), candidate=candidate), "finds more", "petra", now())


def test_people_decide_on_what_the_bundle_of_an_arm_fails_on(installation: Installation, ledger: Ledger, client: TestClient) -> None:
    its_id = proposed(installation, ledger)
    until(lambda: loaded(client))
    advance(ledger, its_id)
    titles = ["Fresh bread", "I stumble"] * 40
    batch = [ad(ad_id=f"b-{n}", advertiser_id=f"adv-{n}", market="SE", title=title) for n, title in enumerate(titles)]
    answers = client.post("/v1/score/batch", json={"ads": batch}).json()["results"]
    told = Counter((one["verdict"], tuple(one["degraded"])) for one in answers if one.get("arm") and one["arm"]["side"] != "outside")
    assert set(told) == {("approve", ()), ("review", ()), ("review", ("arm_failed",))}
    assert replay(ledger, model_of).different == 0
    seen = look(ledger, rollouts_now(ledger)[its_id], now())
    assert {one.side for one in seen.trial.failures} == {"candidate", "control"}


def test_a_model_that_has_come_all_the_way_becomes_the_champion_and_nobody_is_decided_for_by_the_one_before_meanwhile(
    installation: Installation, ledger: Ledger, client: TestClient, registry: FakeRegistry
) -> None:
    its_id = proposed(installation, ledger)
    until(lambda: loaded(client))
    for _ in range(3):
        advance(ledger, its_id)
    assert rollouts_now(ledger)[its_id].state == "done"
    between = [decided(client, number) for number in range(100, 120)]
    assert {(one["bundle_version"], one["arm"]["side"]) for one in between} == {("v2", "candidate")}
    with pytest.raises(Conflict, match="its model is just becoming the champion"), ledger.write() as writing:
        roll_back(writing, "too late", "olga", now())

    def champion(model: str) -> str:
        registry.champion = model.rsplit("/", 1)[-1]
        return "1"

    def settle(seconds: float) -> None:
        until(lambda: client.get("/readyz").json()["serving"] == "models:/adverdict/2")

    models = Models(CandidateModels(installation, ledger), champion, settle)
    assert watch(ledger, "one", models=models) == [f"{its_id}: models:/adverdict/2 is the champion, in place of version 1"]
    assert watch(ledger, "one", models=models) == [], "once"
    assert {(one["bundle_version"], one["arm"]) for one in (decided(client, number) for number in range(120, 130))} == {("v2", None)}
    found = replay(ledger, model_of)
    assert (found.different, found.same, verify(ledger).found) == (0, 70, 0)


def test_a_shadow_by_a_model_scores_what_is_decided_once_and_finds_what_it_would_decide_otherwise(
    installation: Installation, ledger: Ledger, client: TestClient
) -> None:
    its_id = proposed(installation, ledger, SHADOW)
    advance(ledger, its_id)
    for number in range(100, 130):
        decided(client, number, title="A scam" if number % 3 == 0 else "Fresh bread")
    models = Models(CandidateModels(installation, ledger), lambda model: None)
    assert watch(ledger, "one", models=None) == []
    assert look(ledger, rollouts_now(ledger)[its_id], now()).waits_for[-1] == "its model has scored nothing yet"
    for _ in range(2):  # the second time there is nothing left to score
        watch(ledger, "one", models=models)
        seen = look(ledger, rollouts_now(ledger)[its_id], now())
        assert seen.shadow is not None
        assert (dict(seen.shadow.kinds), seen.shadow.same.total()) == ({(Verdict.APPROVE, Verdict.REVIEW): 20}, 10)
    assert verify(ledger).found == 0


def test_who_scores_without_a_service_decides_for_each_arm_as_the_service_does(
    installation: Installation, ledger: Ledger, client: TestClient
) -> None:
    its_id = proposed(installation, ledger)
    until(lambda: loaded(client))
    advance(ledger, its_id)
    answers = {number: decided(client, number)["bundle_version"] for number in range(100, 120)}
    alone = Scorer.of(installation)
    ads = [Ad.model_validate(ad(ad_id=f"ad-{n}", advertiser_id=f"adv-{n}", market="SE", title="Fresh bread")) for n in answers]
    assert [one.bundle_version for one in alone.score(ads)] == list(answers.values())
    assert set(answers.values()) == {"v1", "v2"}


def test_thresholds_of_the_proposal_are_kept_with_it(installation: Installation, ledger: Ledger) -> None:
    its_id = proposed(installation, ledger)
    digest = rollouts_now(ledger)[its_id].proposal.candidate.thresholds
    assert SolvedThresholds.from_json(ledger.recall("thresholds", str(digest)).decode()).digest == digest
