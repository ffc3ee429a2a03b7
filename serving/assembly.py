"""One worker's parts, put together. Nothing is started here."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from starlette.types import ASGIApp

from adverdict.decisions.files.read import read_texts
from adverdict.domain.errors import Unavailable
from adverdict.domain.settings import read_settings
from adverdict.ledger.audit_secret import make_audit_secret
from adverdict.ledger.entropy import hexadecimal
from adverdict.ledger.in_force.policy_sets import put_first
from adverdict.ledger.in_force.steering import steering_now
from adverdict.ledger.store import Ledger, now
from adverdict.models.opening import MlflowRegistry, Registry
from adverdict.review.queue import Queue
from adverdict.rollout.stages.freezes import read_freezes
from adverdict.scoring.bootstrap import Installation, bootstrap
from adverdict.scoring.model import Model
from adverdict.scoring.recorder import Recorder
from adverdict.scoring.scorer import Scorer
from adverdict.serving.worker import monitor as monitoring
from adverdict.serving.worker.champion import Champion, ServingState
from adverdict.serving.worker.evidence import EvidenceWatch
from adverdict.serving.worker.intake import Intake
from adverdict.serving.worker.metrics import Metrics
from adverdict.serving.worker.monitor import MonitorWatch
from adverdict.serving.worker.planner import Planner, command_line
from adverdict.serving.worker.rolling import RolloutWatch
from adverdict.serving.worker.runtime import WorkerRuntime
from adverdict.serving.worker.sets import SetsInForce
from adverdict.serving.worker.workload import WorkloadWatch

log = logging.getLogger("adverdict")


def assemble(
    environment: Mapping[str, str], registry: Registry | None = None, open_bundle: Callable[[Path], Model] | None = None
) -> WorkerRuntime:
    """Parts for this environment, nothing started yet. Raises InvalidSettings or InvalidPolicy with every mistake.

    ``registry`` and ``open_bundle`` (folder -> model) are MLflow's and the bundle's own unless given.
    """
    settings = read_settings(environment)
    installation = bootstrap(settings, registry=registry or MlflowRegistry(settings.certificates, tidy=True), open_bundle=open_bundle)
    speak_up()
    book = installation.book

    def watch(state: ServingState) -> None:
        if ledger is not None:
            with suppress(Unavailable):  # readiness says that the ledger is away
                metrics.steer(steering_now(ledger))
                if workload is not None and (seen := workload.look()) is not None:
                    metrics.work(seen)
        if metrics.stand(state):
            if settings.tune_collector:
                quieten_collector()
            intake.warm()

    ledger = installation.ledger(create=True) if settings.ledger_url else None
    sets = SetsInForce(book, ledger)
    metrics = Metrics(sets)
    if ledger is not None:
        _begin_by(ledger, installation)
        sets.look()
    workload = WorkloadWatch(ledger, Queue(ledger, sets, installation.review), now) if ledger else None
    secret = make_audit_secret(ledger, now()) if ledger else settings.audit_key
    if secret is None:
        log.warning("nothing is recorded and ADVERDICT_AUDIT_SECRET is not set: anybody can tell which ads are drawn for the audit")
    champion = Champion(
        settings.model,
        installation.registry,
        lambda folder: Scorer(installation.open_bundle(folder), sets.book, audit_secret=secret, ids=new_id, sets=sets),
        settings.cache,
        fallback=Scorer(None, sets.book, audit_secret=secret, ids=new_id),
        sets=sets,
        poll_seconds=settings.poll_seconds,
        watch=watch,
    )
    if not settings.tune_collector:
        log.info("the garbage collector stays as Python starts it: nothing is frozen, thresholds are the default")
    if not settings.api_keys:
        log.warning("no API keys are configured (ADVERDICT_API_KEYS): only callers on this machine are served")
    recorder = Recorder(ledger, installation.review) if ledger else None
    intake = Intake(champion.current, recorder, metrics.count, settings.max_wait_ms / 1000)
    planner = Planner(command_line(settings), now) if ledger else None
    pages = _console(installation, ledger, champion, sets, planner) if ledger else None
    evidence = EvidenceWatch(ledger, champion.certificates, metrics.watched) if ledger else None
    rollouts = RolloutWatch(ledger, installation.review, read_freezes(settings.freezes), metrics.guarded) if ledger else None
    monitor = MonitorWatch(ledger, command_line(settings, "monitor", monitoring.LONGEST), metrics.rang) if ledger else None
    return WorkerRuntime(settings, champion, intake, ledger, metrics, sets, pages, evidence, rollouts, planner, monitor)


def new_id() -> str:
    """Of a decision."""
    return f"dec-{hexadecimal()}"


def _begin_by(ledger: Ledger, installation: Installation) -> None:
    """Put the policy files' set in force if none is; else say where they differ from what is."""
    in_force = put_first(ledger, installation.book, read_texts(installation.settings.policies), now())
    if in_force != installation.book.hash:
        log.warning(
            "the policy files (%s) are not what is in force (%s): to bring them into force, adverdict rollout propose",
            installation.book.hash[:12],
            in_force[:12],
        )


def _console(installation: Installation, ledger: Ledger, champion: Champion, sets: SetsInForce, planner: Planner | None) -> ASGIApp:
    from adverdict.review.queue import Queue
    from adverdict.serving.console.app import Parts, console

    settings = installation.settings
    queue = Queue(ledger, sets, installation.review)
    freezes = read_freezes(settings.freezes)
    return console(
        Parts(
            ledger,
            queue,
            sets,
            champion,
            settings.api_keys,
            settings.registry_uri,
            installation.registry.resolve,
            freezes,
            planner,
            settings.false_alarms,
        )
    )


def quieten_collector() -> None:
    """Take what is loaded out of the collector's sight: walking a bundle's objects stops every request for 200 ms and frees nothing."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def speak_up() -> None:
    """Send the service's log to standard error, unless somebody has already arranged for it."""
    if log.level == logging.NOTSET:
        log.setLevel(logging.INFO)
    if not log.handlers and not logging.getLogger().handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s [%(process)d] %(name)s: %(message)s"))
        log.addHandler(handler)
