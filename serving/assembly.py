"""One worker's parts, put together. Nothing is started here."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from starlette.types import ASGIApp

from adverdict.clusters.online import ClustersBegun
from adverdict.creatives.resolver import Resolver
from adverdict.creatives.sources import Sources
from adverdict.decisions.files.read import read_texts
from adverdict.delivery.channels import Channel
from adverdict.delivery.posting import Receiver
from adverdict.delivery.receivers import channels_of
from adverdict.domain.degraded import Degradation
from adverdict.domain.errors import Unavailable
from adverdict.domain.settings import read_settings
from adverdict.ledger.audit_secret import make_audit_secret
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.entropy import hexadecimal
from adverdict.ledger.in_force.policy_sets import put_first
from adverdict.ledger.in_force.steering import steering_now
from adverdict.ledger.store import Ledger, now
from adverdict.ledger.stored.folder import HistoryFolder
from adverdict.models.opening import MlflowRegistry, Registry
from adverdict.monitoring.webhook import channel as monitoring_webhook
from adverdict.review.queue import Queue
from adverdict.rollout.stages.capacity import capacity_of
from adverdict.rollout.stages.freezes import read_freezes
from adverdict.rollout.stages.rescored import CandidateModels
from adverdict.rollout.stages.watch import Models
from adverdict.scoring.bootstrap import Installation, bootstrap
from adverdict.scoring.collector import quieten_collector
from adverdict.scoring.explaining import Explanation, on_record
from adverdict.scoring.model import Model
from adverdict.scoring.recorder import Recorder
from adverdict.scoring.scorer import Scorer
from adverdict.scoring.tiers import Grader
from adverdict.serving.logs import speak_up
from adverdict.serving.worker.champion import Champion, ServingState
from adverdict.serving.worker.explanations import Explanations, GoldenChecks
from adverdict.serving.worker.intake import Intake
from adverdict.serving.worker.metrics import Metrics
from adverdict.serving.worker.periodic import Watch
from adverdict.serving.worker.planner import Planner, command_line
from adverdict.serving.worker.runtime import WorkerRuntime
from adverdict.serving.worker.sets import SetsInForce
from adverdict.serving.worker.trial import BundleTrial
from adverdict.serving.worker.watches import history as building
from adverdict.serving.worker.watches import monitor as monitoring
from adverdict.serving.worker.watches.copies import ClusterWatch
from adverdict.serving.worker.watches.creatives import CreativeWatch
from adverdict.serving.worker.watches.delivery import DeliveryWatch
from adverdict.serving.worker.watches.evidence import EvidenceWatch
from adverdict.serving.worker.watches.history import HistoryWatch
from adverdict.serving.worker.watches.monitor import MonitorWatch
from adverdict.serving.worker.watches.probing import ProbingWatch
from adverdict.serving.worker.watches.record import RecordWatch
from adverdict.serving.worker.watches.rolling import RolloutWatch
from adverdict.serving.worker.workload import WorkloadWatch

log = logging.getLogger("adverdict")


def assemble(
    environment: Mapping[str, str], registry: Registry | None = None, open_bundle: Callable[[Path], Model] | None = None
) -> WorkerRuntime:
    """Parts for this environment, nothing started yet. Raises InvalidSettings or InvalidPolicy with every mistake.

    ``registry`` and ``open_bundle`` (folder -> model) are MLflow's and the bundle's own unless given.
    """
    settings = read_settings(environment)
    named = settings.model if registry is None else ""
    registry = registry or MlflowRegistry(settings.certificates, tidy=True, key=settings.signing_key)
    installation = bootstrap(settings, registry=registry, open_bundle=open_bundle)
    speak_up(settings)
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
    record = RecordWatch(ledger, settings.cache, model=named) if ledger else None
    sets = SetsInForce(book, ledger, installation.registry, settings.cache)
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
        trial=(lambda folder: None) if open_bundle else BundleTrial(settings.cache),
        besides=record.look if record else lambda: None,
    )
    if not settings.tune_collector:
        log.info("the garbage collector stays as Python starts it: nothing is frozen, thresholds are the default")
    if not settings.api_keys:
        log.warning("no API keys are configured (ADVERDICT_API_KEYS): only callers on this machine are served")
    elif settings.signing_key is None:
        log.warning("certificates are not signed (ADVERDICT_CERTIFICATE_KEY): whoever may write into the registry can change thresholds")
    copies = ClustersBegun(ledger) if ledger and settings.clusters else None
    stored = HistoryFolder(settings.history)
    recorder = Recorder(ledger, installation.review, copies=copies, stored=stored) if ledger else None
    intake = Intake(_current(champion, record), recorder, metrics.count, settings.max_wait_ms / 1000)
    planner = Planner(command_line(settings), now) if ledger else None
    explain = Explanations(intake, champion, ledger, stored).of if ledger else on_record
    grader = Grader.of(settings)
    pages = _console(installation, ledger, champion, sets, planner, explain, GoldenChecks(intake, champion), grader) if ledger else None
    watches = tuple(_watches(installation, ledger, champion, sets, metrics, stored)) if ledger else ()
    return WorkerRuntime(settings, champion, intake, ledger, metrics, sets, pages, planner, explain, record, watches, grader)


def _watches(
    installation: Installation, ledger: Ledger, champion: Champion, sets: SetsInForce, metrics: Metrics, stored: HistoryFolder
) -> Iterator[Watch]:
    """Whatever is looked at every so often, beside deciding."""
    settings, sources = installation.settings, Sources.of(installation.settings)
    yield EvidenceWatch(ledger, champion.certificates, metrics.watched)
    yield _rollouts(installation, ledger, sets, metrics)
    yield MonitorWatch(ledger, command_line(settings, "monitor", monitoring.LONGEST), metrics.rang)
    yield ProbingWatch(ledger, lambda: make_audit_secret(ledger, now()), sets, installation.review)
    yield DeliveryWatch(ledger, _channels(installation), metrics.delivered)
    if settings.clusters:
        yield ClusterWatch(ledger)
    yield HistoryWatch(ledger, stored, command_line(settings, "history", building.LONGEST))
    if sources.any:
        yield CreativeWatch(ledger, Resolver(sources))


def _channels(installation: Installation) -> list[Channel]:
    """Everybody that is told something."""
    settings = installation.settings
    url, secret = settings.webhook_url, bytes.fromhex(settings.webhook_secret)
    return [*channels_of(settings), *([monitoring_webhook(Receiver(url, secret))] if url else [])]


def _current(champion: Champion, record: RecordWatch | None) -> Callable[[], tuple[Scorer, tuple[Degradation, ...]]]:
    """What decides now and what is to be said of it; raises Unavailable where nothing may be recorded."""
    if record is None:
        return champion.current

    def current() -> tuple[Scorer, tuple[Degradation, ...]]:
        scorer, degraded = champion.current()
        return scorer, (*degraded, *record.standing())

    return current


def _rollouts(installation: Installation, ledger: Ledger, sets: SetsInForce, metrics: Metrics) -> RolloutWatch:
    settings = installation.settings

    def champion(model: str) -> str | None:
        from adverdict.training.promote import make_champion  # brings what a service needs nowhere else

        return make_champion(model, settings)

    models = Models(CandidateModels(installation, ledger), champion)
    capacity = capacity_of(ledger, settings.operations, lambda: sets.book, installation.review, now)
    return RolloutWatch(ledger, installation.review, read_freezes(settings.freezes), metrics.guarded, models, capacity)


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


def _console(
    installation: Installation,
    ledger: Ledger,
    champion: Champion,
    sets: SetsInForce,
    planner: Planner | None,
    explain: Callable[[DecisionMade], Explanation],
    checks: GoldenChecks,
    grader: Grader | None,
) -> ASGIApp:
    from adverdict.review.queue import Queue
    from adverdict.serving.console.app import Parts, console
    from adverdict.serving.console.translating import translator_of

    settings = installation.settings
    queue = Queue(ledger, sets, installation.review)
    freezes = read_freezes(settings.freezes)
    resolve, capacity = installation.registry.resolve, capacity_of(ledger, settings.operations, lambda: sets.book, installation.review, now)
    parts = Parts(ledger, queue, sets, champion, settings.api_keys, settings.registry_uri, resolve, freezes, planner)
    rolling = command_line(settings, "rollout")
    drafts = Planner(lambda arguments: rolling(arguments[1:]), now)  # the first names what is drafted, which may change
    launches = Planner(command_line(settings, "launch", answers_with_one=True), now)
    told = replace(
        parts,
        explain=explain,
        check=checks.of,
        capacity=capacity,
        false_alarms=settings.false_alarms,
        review=installation.review,
        home=settings.home,
        launches=launches,
        translate=translator_of(settings),
        creatives=Sources.of(settings),
        creative_link=settings.creative_link,
        follows_copies=settings.clusters,
        grader=grader,
    )
    return console(replace(told, files=settings.policies, rolling=rolling, drafts=drafts))
