"""What reviewers said makes the next model better: serve, review, export, train, promote, on simulated ads in the order of time."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from adverdict import Scorer
from adverdict.certification.thresholds.capacity import LEAKED, WRONGED
from adverdict.cli.main import app
from adverdict.decisions.files.read import read_policies
from adverdict.domain.ad import Ad, Label
from adverdict.domain.decision import Decision
from adverdict.domain.verdict import Verdict
from adverdict.ledger.history import LedgerHistory
from adverdict.ledger.store import Ledger
from adverdict.review.cases.answers import Answer
from adverdict.review.queue import Queue
from adverdict.review.tasks.routing import Reviewer, register
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.scoring.known import HistorySnapshot
from adverdict.scoring.recorder import DecidedRequest, Recorder
from adverdict.simulation import write_marketplace
from adverdict.simulation.raters import Raters, hire
from adverdict.storage.tables.pack import read_pack, write_ads, write_labels

pytestmark = pytest.mark.slow

ADS, SEED = 9000, 5
SLICES = {"early": (0, 2000), "served": (2000, 5200), "check": (5200, 6000), "last": (6000, 9000)}
LABELLED_EARLY = 2
"""One early ad in so many was labelled."""
POLICIES = ("deceptive", "political_issue", "counterfeit")
REVIEW_COSTS = 0.5
"""Of a review, in wrongly rejected ads: dear enough that leaving everything to people does worse than either model."""
REVIEWERS = 12
CHUNK = 64

Truth = Mapping[tuple[str, str], bool]


@dataclass
class Clock:
    """Simulated time."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True)
class World:
    """Packs of the slices, and what is true of every ad."""

    folder: Path
    slices: Mapping[str, Sequence[Ad]]
    truth: Truth
    subject: Mapping[str, str | None]


@pytest.fixture
def world(tmp_path: Path) -> World:
    import pyarrow.parquet as pq

    write_marketplace(tmp_path / "market", ADS, SEED)
    whole = read_pack(tmp_path / "market")
    slices = {name: whole.ads[begin:end] for name, (begin, end) in SLICES.items()}
    labels: defaultdict[str, list[Label]] = defaultdict(list)
    for label in whole.labels:
        if label.policy in POLICIES:
            labels[label.ad_id].append(label)
    for name, step in (("early", LABELLED_EARLY), ("check", 1)):
        write_ads(tmp_path / name / "ads.parquet", slices[name])
        write_labels(tmp_path / name / "labels.parquet", (label for ad in slices[name][::step] for label in labels[ad.ad_id]))
    rows = pq.read_table(tmp_path / "market" / "truth" / "truth.parquet", columns=["ad_id", "policy", "violates", "subject"]).to_pylist()
    policies_folder(tmp_path / "policies", sorted({ad.market for ad in whole.ads}))
    return World(
        tmp_path,
        slices,
        {(row["ad_id"], row["policy"]): row["violates"] for row in rows},
        {row["ad_id"]: row["subject"] for row in rows},
    )


def policies_folder(folder: Path, markets: Sequence[str]) -> None:
    """The same thresholds before and after: only the risks change. Three automatic decisions in ten are audited."""
    folder.mkdir()
    policy = """\
  {name}:
    title: {name}
    severity: serious
    stance: prohibited
    targets: {{max_leakage: 0.02, max_wrongful_reject: 0.1, confidence: 0.95}}
    thresholds: {{approve_below: 0.05, reject_at: 0.8}}
    audit_share: 0.3
    reason: Not here.
"""
    (folder / "default.yaml").write_text("policies:\n" + "".join(policy.format(name=name) for name in POLICIES))
    for market in markets:
        (folder / f"{market}.yaml").write_text("extends: default\n")


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("ADVERDICT_HOME", str(tmp_path / "var"))
    monkeypatch.setenv("ADVERDICT_POLICIES", str(tmp_path / "policies"))
    monkeypatch.chdir(tmp_path)
    yield
    for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
        monkeypatch.delenv(name, raising=False)


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return result.output


def train(*packs: str) -> None:
    chosen = [word for policy in POLICIES for word in ("--policy", policy)]
    data = [word for pack in packs for word in ("--data", pack)]
    run("train", *data, *chosen, "--policies", "policies", "--encoder", "none", "--test-share", "0.1")


def serve(world: World, ledger: Ledger) -> None:
    """Every served ad through the service's own path, in the order of time; reviewers answer whatever waits before the next ones come."""
    ads = world.slices["served"]
    clock, settings = Clock(ads[0].submitted_at), ReviewSettings()
    scorer = Scorer.load("models:/adverdict@champion", Path("policies"))
    recorder = Recorder(ledger, settings, clock)
    queue = Queue(ledger, read_policies(Path("policies")), settings, clock)
    people = People(world, hire(SEED))
    with ledger.change() as connection:
        register(connection, Reviewer("senior", senior=True))
    for begin in range(0, len(ads), CHUNK):
        some = ads[begin : begin + CHUNK]
        clock.now = some[-1].submitted_at + timedelta(seconds=1)
        decisions = scorer.score(some, explain="none", known=recorder.known(scorer))
        recorder.record([DecidedRequest(some, decisions)], scorer)
        people.work(queue, clock)


class People:
    """Reviewers as the simulation makes them: who they are, they err with their own rates, and less often off an ad's subject."""

    def __init__(self, world: World, raters: Raters) -> None:
        self._world = world
        self._raters = raters
        self._rng = np.random.default_rng(SEED)

    def work(self, queue: Queue, clock: Clock) -> None:
        waiting = True
        while waiting:
            waiting = False
            for number in (*range(REVIEWERS), None):
                name = "senior" if number is None else f"rater-{number}"
                leased = queue.claim(name)
                if leased is not None:
                    clock.now += timedelta(milliseconds=10)
                    queue.answer(leased.task.task_id, name, leased.token, self._answer(leased.task.ad_id, leased.task.policies, number))
                    waiting = True

    def _answer(self, ad_id: str, asked: Sequence[str], number: int | None) -> Answer:
        violated = tuple(policy for policy in asked if self._says(ad_id, policy, number))
        return Answer("reject", violated, seconds=30.0) if violated else Answer("approve", seconds=20.0)

    def _says(self, ad_id: str, policy: str, number: int | None) -> bool:
        violates = self._world.truth.get((ad_id, policy), False)
        if number is None:
            return violates
        on_subject = 1.0 if self._world.subject[ad_id] == policy else 0.05
        slip = 1 - self._raters.sensitivity[number] if violates else (1 - self._raters.specificity[number]) * on_subject
        return violates ^ bool(self._rng.random() < slip)


def average_precision(decisions: Sequence[Decision], truth: Truth) -> dict[str, float]:
    from sklearn.metrics import average_precision_score

    found = {}
    for policy in POLICIES:
        risks = [(one.ad_id, said.risk.p) for one in decisions for said in one.policies if said.policy == policy and said.risk]
        violates = [truth.get((ad_id, policy), False) for ad_id, _ in risks]
        found[policy] = float(average_precision_score(violates, [p for _, p in risks]))
    return found


def harms(decisions: Sequence[Decision], truth: Truth) -> NDArray[np.float64]:
    """Of each decision, in wrongly rejected ads: an approved violation, a rejected ad that violates nothing, a review. (n_decisions,)."""
    severity = {policy.name: policy.severity for policy in read_policies(Path("policies")).in_force("SE", None)}
    found = []
    for one in decisions:
        broken = [policy for policy in POLICIES if truth.get((one.ad_id, policy), False)]
        harm = {
            Verdict.APPROVE: sum(LEAKED[severity[policy]] for policy in broken),
            Verdict.REVIEW: REVIEW_COSTS,
            Verdict.REJECT: 0.0 if broken else WRONGED,
        }
        found.append(harm[one.verdict])
    return np.array(found)


def least_improvement(before: NDArray[np.float64], after: NDArray[np.float64], ads: Sequence[Ad]) -> float:
    """Lower end of the 95 % interval of how much less harm there is an ad: a bootstrap over advertisers."""
    owners = {owner: number for number, owner in enumerate(sorted({ad.advertiser_id for ad in ads}))}
    by_owner, counts = np.zeros(len(owners)), np.zeros(len(owners))
    for ad, less in zip(ads, before - after, strict=True):
        by_owner[owners[ad.advertiser_id]] += less
        counts[owners[ad.advertiser_id]] += 1
    drawn = np.random.default_rng(SEED).integers(0, len(owners), (2000, len(owners)))
    return float(np.quantile(by_owner[drawn].sum(axis=1) / counts[drawn].sum(axis=1), 0.025))


def test_decisions_improve_when_the_model_is_retrained_on_what_reviewers_said(world: World, environment: None) -> None:
    train("early")
    run("promote")
    ledger = Ledger.open(f"sqlite:///{world.folder / 'var' / 'ledger.db'}")
    serve(world, ledger)
    exported = run("review", "export", "--out", "exported")
    assert "labels (" in exported
    train("early", "exported")
    run("promote", "--data", "check")

    history = LedgerHistory(ledger)
    known = HistorySnapshot(history.catch_up(), history.seq)
    last = world.slices["last"]
    before, after = (
        Scorer.load(model, Path("policies")).score(last, explain="none", known=known)
        for model in ("models:/adverdict/1", "models:/adverdict@champion")
    )
    ledger.close()
    assert {one.bundle_version for one in before} != {one.bundle_version for one in after}
    precision = [average_precision(decisions, world.truth) for decisions in (before, after)]
    harm = [harms(decisions, world.truth) for decisions in (before, after)]
    told = f"{exported}\naverage precision {precision}\nharm an ad {harm[0].mean():.3f}, then {harm[1].mean():.3f}"
    told += f", at least {least_improvement(*harm, last):.3f} less: {[Counter(one.verdict for one in some) for some in (before, after)]}"
    assert np.mean(list(precision[1].values())) > np.mean(list(precision[0].values())) + 0.05, told
    assert least_improvement(*harm, last) > 0, told
    assert harm[1].mean() < 0.9 * harm[0].mean() < 0.9 * REVIEW_COSTS, told
