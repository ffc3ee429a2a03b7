"""A ledger with workers that decide as fast as they can, and roll-outs that come and go meanwhile."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from pathlib import Path

from adverdict.benchmarks.shared.killable import MARKETS, POLICIES, CountingModel, CountingRisks, OneModelRegistry, write_policies
from adverdict.decisions.files.read import read_policies, read_texts
from adverdict.decisions.policy import PolicyBook
from adverdict.decisions.rollout import Plan, Stage, Versions
from adverdict.domain.ad import Ad
from adverdict.domain.errors import NotFound
from adverdict.domain.risk import RiskScore
from adverdict.features.history.known import History
from adverdict.ledger.bodies.rollout import Proposed
from adverdict.ledger.in_force.policy_sets import keep_set, put_first
from adverdict.ledger.in_force.rollouts import digest_of_salt
from adverdict.ledger.readiness import unready
from adverdict.ledger.store import Ledger, now
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.rollout.stages import steps
from adverdict.scoring.model import Model
from adverdict.scoring.recorder import DecidedRequest, Recorder
from adverdict.scoring.scorer import Scorer
from adverdict.serving.worker.loaded import LoadedModel
from adverdict.serving.worker.sets import SetsInForce

OTHER, BY_NAME = "counting-2", "models:/counting/2"
"""The bundle that a roll-out of a model brings, and the name it has in the registry."""
WORKERS = 4
ADVERTISERS = 400
ROUND = 8
"""Ads scored and recorded together."""
LOOK_EVERY = 1.0
"""Seconds between a worker's looks for sets that it may need: a service's champion thread looks every five."""
BEGAN = datetime(2026, 3, 1, 9, tzinfo=UTC)


@dataclass(frozen=True)
class OtherModel(CountingModel):
    """Says of every risk that it is a tenth more, and begins anew at one."""

    version: str = OTHER

    def score(self, ads: Sequence[Ad], history: History | None = None) -> OtherRisks:
        return OtherRisks(super().score(ads, history).counts)


@dataclass(frozen=True)
class OtherRisks(CountingRisks):
    def risks(self, ad: int) -> dict[str, RiskScore]:
        p = (super().risks(ad)[POLICIES[0]].p + 0.1) % 1.0
        return {policy: RiskScore(policy=policy, p=p, p_low=p, p_high=p) for policy in POLICIES}


def model_of(version: str) -> Model:
    """Raises NotFound."""
    for model in (CountingModel(), OtherModel()):
        if model.version == version:
            return model
    raise NotFound(f"no bundle {version}")


class Field:
    """Policies in force and their candidate, and roll-outs between them."""

    def __init__(self, url: str, folder: Path, policies: Sequence[str] = POLICIES, markets: Sequence[str] = MARKETS) -> None:
        self.url = url
        self.base_folder = write_policies(folder / "base", policies, markets)
        self.candidate_folder = write_policies(folder / "candidate", policies, markets, thresholds=(0.2, 0.6))
        self.base, self.candidate = read_policies(self.base_folder), read_policies(self.candidate_folder)
        self.ledger = Ledger.open(url, create=True)
        put_first(self.ledger, self.base, read_texts(self.base_folder), now())

    def close(self) -> None:
        self.ledger.close()

    def propose(self, plan: Plan, at: datetime | None = None, *, model: bool = False) -> str:
        """Of the candidate's policies; or of the other ``model`` under those in force."""
        salt, at = steps.new_salt(), at or now()
        base, candidate = Versions(policies=self.base.hash), Versions(policies=self.candidate.hash)
        if model:
            base = Versions(policies=self.base.hash, bundle_version=CountingModel.version, model="models:/counting/1")
            candidate = Versions(policies=self.base.hash, bundle_version=OTHER, model=BY_NAME)
        with self.ledger.write() as writing:
            files = keep_set(writing.connection, self.candidate, read_texts(self.candidate_folder), at)
            proposal = Proposed(
                base=base,
                candidate=candidate,
                files=files,
                plan=plan,
                guards=(),
                salt=digest_of_salt(salt),
                difference=("approve_below 0.4 -> 0.2",),
                why="a benchmark",
                by="benchmark",
            )
            return steps.propose(writing, proposal, salt, at)

    def start(self, share: float, *, model: bool = False) -> str:
        """A canary on that share of the advertisers: its id. One of a ``model`` waits until every worker has it loaded."""
        plan = Plan(name="canary", stages=(Stage(name="canary", share=share, audit_share=0.1), Stage(name="full", share=1.0)))
        its_id = self.propose(plan, model=model)
        while model and not self._loaded():
            time.sleep(0.05)
        with self.ledger.write() as writing:
            steps.advance(writing, its_id, "a benchmark", "benchmark", now())
        return its_id

    def _loaded(self) -> bool:
        with self.ledger.look() as connection:
            return unready(connection, OTHER, now()) == (WORKERS, [])

    def abort(self, its_id: str) -> tuple[int, float]:
        """Seq of the entry, and when it was on record (``time.time``)."""
        with self.ledger.write() as writing:
            seq = steps.abort(writing, its_id, "a benchmark", "benchmark", now())
        return seq, time.time()


@contextmanager
def working(field: Field, workers: int = WORKERS) -> Iterator[None]:
    """Processes that decide on the field's ledger until the block ends. Raises RuntimeError where one of them fell over."""
    context = get_context("spawn")
    stop = context.Event()
    ready = [context.Event() for _ in range(workers)]
    processes = [
        context.Process(target=_work, args=(field.url, field.base_folder, number, stop, ready[number])) for number in range(workers)
    ]
    for process in processes:
        process.start()
    try:
        for event in ready:
            if not event.wait(120):
                raise RuntimeError("a worker of the benchmark did not begin")
        yield
    finally:
        stop.set()
        for process in processes:
            process.join(60)
            if process.is_alive():
                process.kill()
    if any(process.exitcode for process in processes):
        raise RuntimeError("a worker of the benchmark fell over")


def an_ad(rng: random.Random, number: str) -> Ad:
    return Ad(
        ad_id=f"ad-{number}",
        advertiser_id=f"adv-{rng.randrange(ADVERTISERS)}",
        market=rng.choice(MARKETS),
        submitted_at=BEGAN + timedelta(seconds=rng.randrange(10**6)),
        title="Fresh bread",
    )


def scorer_of(ledger: Ledger, book: PolicyBook) -> tuple[Scorer, SetsInForce]:
    """As a worker puts it together, with a model of a few lines."""
    sets = SetsInForce(book, ledger, OneModelRegistry(), Path())
    sets.look()
    return Scorer(CountingModel(), book, sets=sets), sets


def look(scorer: Scorer, sets: SetsInForce) -> None:
    """What a service's champion thread does every few seconds."""
    sets.look()
    own = LoadedModel(scorer, "models:/counting/1", now())
    sets.beside(own, lambda source: LoadedModel(Scorer(OtherModel(), scorer.book, sets=sets), source, now()))


def _work(url: str, policies: Path, number: int, stop: Event, ready: Event) -> None:
    ledger = Ledger.open(url, create=False)
    scorer, sets = scorer_of(ledger, read_policies(policies))
    recorder, rng = Recorder(ledger, ReviewSettings()), random.Random(number)
    recorder.known(scorer)
    ready.set()
    done, looked = 0, time.monotonic()
    while not stop.is_set():
        known = recorder.known(scorer)
        ads = [an_ad(rng, f"{number}-{time.time_ns()}-{position}") for position in range(ROUND)]
        recorder.record([DecidedRequest(ads, scorer.score(ads, known=known))], scorer)
        done += ROUND
        if time.monotonic() - looked > LOOK_EVERY:
            look(scorer, sets)
            looked = time.monotonic()
    ledger.close()
