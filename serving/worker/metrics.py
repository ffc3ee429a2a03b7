"""What the service counts, for Prometheus. Labels are bounded: no caller can make a new one by what it sends."""

from __future__ import annotations

import os
from collections import Counter as Counted
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar, cast

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from adverdict.decisions.books import HasBook, book_of
from adverdict.decisions.policy import PolicyBook
from adverdict.decisions.steering import BrakeSide, Steering
from adverdict.delivery.outbox import Standing
from adverdict.domain.decision import Decision
from adverdict.domain.degraded import Cause, degradations
from adverdict.review.quality.standing import CertificateStanding
from adverdict.serving.worker.champion import ServingState
from adverdict.serving.worker.workload import Place, Workload

CONTENT_TYPE = CONTENT_TYPE_LATEST
OTHER = "other"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
Metric = TypeVar("Metric", Counter, Histogram)
MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"


class Metrics:
    """One worker's counts; ``render`` adds up those of all workers."""

    def __init__(self, book: PolicyBook | HasBook) -> None:
        self._book = book
        self._seen: ServingState | None = None
        self._children: dict[tuple[object, tuple[str, ...]], object] = {}
        self.registry = CollectorRegistry()
        here = self.registry
        self.requests = Histogram("adverdict_request_seconds", "HTTP requests", ["route", "status"], buckets=SECONDS, registry=here)
        self.decisions = Counter("adverdict_decisions", "Ads decided", ["verdict", "market"], registry=here)
        self.verdicts = Counter("adverdict_policy_verdicts", "Verdicts by policy", ["policy", "verdict", "market"], registry=here)
        self.degraded = Counter("adverdict_degraded_decisions", "Decisions marked degraded", ["cause"], registry=here)
        self.unfamiliar = Counter(
            "adverdict_unfamiliar_decisions",
            "Decisions on ads unlike those learnt from",
            ["kind", "market"],
            registry=here,
        )
        self.uncertified = Counter(
            "adverdict_uncertified_decisions", "Decisions by thresholds without a valid certificate", ["reason", "market"], registry=here
        )
        self.audited = Counter("adverdict_audited_decisions", "Drawn for the audit stream", ["verdict", "market"], registry=here)
        self.exits = Counter(
            "adverdict_model_exits", "Ads by where they left the models, while an exit rule holds", ["exit"], registry=here
        )
        self.refused = Counter("adverdict_refused_ads", "Ads that broke the data contract", registry=here)
        self.turned_away = Counter("adverdict_turned_away_requests", "Scoring requests refused for want of time", ["cause"], registry=here)
        self.wrong_keys = Counter("adverdict_wrong_keys", "Requests with an API key that is none", registry=here)
        self.swaps = Counter("adverdict_bundle_swaps", "Bundles put into service", registry=here)
        self.ready = Gauge("adverdict_ready_workers", "Workers with a model in service", registry=here, multiprocess_mode="livesum")
        self.bundle = Gauge(
            "adverdict_bundle_workers", "Workers by bundle", ["source", "version"], registry=here, multiprocess_mode="livesum"
        )
        self.certified_until = Gauge(
            "adverdict_certified_until_seconds",
            "Unix time at which the first certificate in use expires; 0 when none is in use",
            registry=here,
            multiprocess_mode="min",
        )
        self.stale = Gauge("adverdict_degraded_workers", "Workers by cause", ["cause"], registry=here, multiprocess_mode="livesum")

        self._watched: frozenset[str] = frozenset()
        self.evidence = Gauge(
            "adverdict_certificate_evidence",
            "What audits say for and against a certificate, as evidence by betting; 1: nothing, 0: it is watched no more",
            ["certificate", "side"],
            registry=here,
            multiprocess_mode="livemostrecent",
        )
        place = ["kind", "market", "language"]
        self.tasks_open = Gauge("adverdict_tasks_open", "Tasks that wait or are held", place, registry=here, multiprocess_mode="livemax")
        self.tasks_oldest = Gauge(
            "adverdict_tasks_oldest_seconds", "Since the oldest of them was opened", place, registry=here, multiprocess_mode="livemax"
        )
        self.tasks_overdue = Gauge("adverdict_tasks_overdue", "Of them, past due", place, registry=here, multiprocess_mode="livemax")
        self.tasks_expected = Gauge(
            "adverdict_forecast_tasks",
            "Of this week, by the last plan on record",
            ["kind", "market", "quantile"],
            registry=here,
            multiprocess_mode="livemax",
        )
        self.heads_needed = Gauge("adverdict_heads_needed", "Full-time people, by that plan", registry=here, multiprocess_mode="livemax")
        self.heads_rostered = Gauge("adverdict_heads_rostered", "On the roster, by that plan", registry=here, multiprocess_mode="livemax")
        self._work = Workload({}, {}, None, None)
        self.arms = Counter(
            "adverdict_arm_decisions", "Decisions while a roll-out is on, by the side of it", ["side", "verdict", "market"], registry=here
        )
        self._rollouts: frozenset[tuple[str, str]] = frozenset()
        self.rollouts = Gauge(
            "adverdict_rollout_evidence",
            "What a guard of a roll-out under way says, over the line at which it ends it; 0: it is watched no more",
            ["rollout", "guard"],
            registry=here,
            multiprocess_mode="livemostrecent",
        )
        self._cells: frozenset[tuple[str, str]] = frozenset()
        cell = ["watched", "policy"]
        self.alarms = Gauge(
            "adverdict_alarms", "Alarms that are open, and not closed by anybody", cell, registry=here, multiprocess_mode="livemostrecent"
        )
        self.detectors = Gauge(
            "adverdict_detector_level",
            "Evidence over the line at which a detector rings, the largest of a policy's; 0: too little was read, or it is watched no more",
            cell,
            registry=here,
            multiprocess_mode="livemostrecent",
        )
        self.monitored = Gauge(
            "adverdict_monitored_until_seconds", "Unix time of the last look of the detectors", registry=here, multiprocess_mode="livemax"
        )
        self.outbox = Gauge(
            "adverdict_outbox_messages",
            "What receivers are still to be told: waiting, or held because it was refused too often",
            ["receiver", "state"],
            registry=here,
            multiprocess_mode="livemostrecent",
        )
        self.brakes = Gauge("adverdict_brakes", "Brakes that are on", ["side"], registry=here, multiprocess_mode="livemax")

    def answered(self, route: str, status: int, seconds: float) -> None:
        """A request, ``other`` for an address that does not exist."""
        self._child(self.requests, route, str(status)).observe(seconds)

    def count(self, decisions: Iterable[Decision]) -> None:
        """Decisions that are on record; those of one round together, since each of theirs is one addition the less."""
        counted: Counted[tuple[Counter, tuple[str, ...]]] = Counted()
        verdicts: Counted[tuple[str, str, str]] = Counted()
        book = book_of(self._book)
        policies = frozenset(book.names)
        for decision in decisions:
            market = decision.market if book.knows(decision.market) else OTHER
            counted[self.decisions, (decision.verdict.value, market)] += 1
            verdicts.update([(one.policy, one.verdict._value_, market) for one in decision.policies])
            told = degradations(decision.degraded)
            for cause in {degradation.cause for degradation in told}:
                counted[self.degraded, (cause.value,)] += 1
            for kind in {(one.about or "").partition(":")[0] for one in told if one.cause is Cause.UNFAMILIAR}:
                counted[self.unfamiliar, (kind, market)] += 1
            for reason in _why_uncertified(decision):
                counted[self.uncertified, (reason, market)] += 1
            if decision.arm:
                counted[self.arms, (decision.arm.side, decision.verdict.value, market)] += 1
            if decision.exit:
                counted[self.exits, (decision.exit,)] += 1
            if decision.audit and decision.audit.chosen:
                counted[self.audited, (decision.verdict.value, market)] += 1
        for (policy, verdict, market), times in verdicts.items():
            counted[self.verdicts, (policy if policy in policies else OTHER, verdict, market)] += times
        for (counter, labels), times in counted.items():
            self._child(counter, *labels).inc(times)

    def _child(self, metric: Metric, *labels: str) -> Metric:
        """The labels are bounded, so all that are ever used are kept: looking one up in the library takes as long as adding to it."""
        child = self._children.get((metric, labels))
        if child is None:
            child = self._children[metric, labels] = metric.labels(*labels)
        return cast(Metric, child)

    def stand(self, state: ServingState) -> bool:
        """Tell what is in service now; whether that is another bundle than before."""
        before, self._seen = self._seen, state
        for degradation in before.degraded if before else ():
            self.stale.labels(degradation.cause.value).set(0)
        for degradation in state.degraded:
            self.stale.labels(degradation.cause.value).set(1)
        self.ready.set(1 if state.loaded else 0)
        until = state.loaded.scorer.certified_until if state.loaded else None
        self.certified_until.set(until.timestamp() if until else 0)
        swapped = state.loaded is not None and (before is None or before.swaps != state.swaps)
        if swapped:
            if before and before.loaded:
                self.bundle.labels(*_names(before)).set(0)
            self.bundle.labels(*_names(state)).set(1)
            self.swaps.inc()
        return swapped

    def steer(self, steering: Steering) -> None:
        """Tell which brakes are on now."""
        for side in BrakeSide:
            self.brakes.labels(side.value).set(sum(brake.side is side for brake in steering.brakes))

    def work(self, now: Workload) -> None:
        """Tell what waits for people, and what was planned. What is gone is zero."""
        gone: dict[Place, tuple[int, float, int]] = dict.fromkeys(self._work.waiting.keys() - now.waiting.keys(), (0, 0.0, 0))
        for place, (count, oldest, overdue) in {**now.waiting, **gone}.items():
            labels = (place[0], place[1] if book_of(self._book).knows(place[1]) else OTHER, place[2])
            self.tasks_open.labels(*labels).set(count)
            self.tasks_oldest.labels(*labels).set(oldest)
            self.tasks_overdue.labels(*labels).set(overdue)
        for (kind, market), tasks in now.expected.items():
            for quantile, value in zip(("0.1", "mean", "0.9"), tasks, strict=True):
                self.tasks_expected.labels(kind, market, quantile).set(value)
        if now.needed is not None and now.rostered is not None:
            self.heads_needed.set(now.needed)
            self.heads_rostered.set(now.rostered)
        self._work = now

    def guarded(self, looks: Mapping[tuple[str, str], float]) -> None:
        """Tell what the guards of roll-outs under way say: (roll-out, guard) -> evidence over its bar."""
        for (rollout, guard), evidence in {**dict.fromkeys(self._rollouts - looks.keys(), 0.0), **looks}.items():
            self.rollouts.labels(rollout, guard).set(evidence)
        self._rollouts = frozenset(looks)

    def watched(self, standings: Sequence[CertificateStanding]) -> None:
        """Tell how the certificates in service stand."""
        told = {one.certificate_id: (one.evidence_for, one.evidence_against) for one in standings}
        gone = dict.fromkeys(self._watched - told.keys(), (0.0, 0.0))
        for certificate, (for_, against) in {**told, **gone}.items():
            self.evidence.labels(certificate, "for").set(for_)
            self.evidence.labels(certificate, "against").set(against)
        self._watched = frozenset(told)

    def rang(self, told: Mapping[str, Any]) -> None:
        """Tell what ``adverdict monitor run --json`` says of all detectors."""
        levels: dict[tuple[str, str], tuple[int, float]] = dict.fromkeys(self._cells, (0, 0.0))
        for one in told["cells"]:
            key = one["watched"], one["policy"]
            still_open, level = levels.get(key, (0, 0.0))
            rings = one["open"] is not None or one["alarm"] is not None
            reached = one["evidence"] / one["rings_at"] if one["rings_at"] else 0.0
            levels[key] = still_open + rings, max(level, reached)
        for key, (still_open, level) in levels.items():
            self.alarms.labels(*key).set(still_open)
            self.detectors.labels(*key).set(level)
        self._cells = frozenset((one["watched"], one["policy"]) for one in told["cells"])
        self.monitored.set_to_current_time()

    def delivered(self, standings: Sequence[Standing]) -> None:
        """Tell what receivers are still to be told."""
        for one in standings:
            self.outbox.labels(one.receiver, "waiting").set(one.waiting)
            self.outbox.labels(one.receiver, "held").set(one.held)

    def render(self) -> bytes:
        """The text format. With several workers their files are read together, so this blocks: call it in a thread."""
        if MULTIPROCESS not in os.environ:
            return generate_latest(self.registry)
        merged = CollectorRegistry()
        MultiProcessCollector(merged)  # type: ignore[no-untyped-call]
        return generate_latest(merged)

    def close(self) -> None:
        if MULTIPROCESS in os.environ:
            mark_process_dead(os.getpid())  # type: ignore[no-untyped-call]


def _why_uncertified(decision: Decision) -> set[str]:
    """``missing``, ``expired``, both or neither: of the certificates under the thresholds that were used, each told once a decision."""
    used = [verdict for verdict in decision.policies if verdict.approve_below is not None]
    missing = {"missing" for verdict in used if verdict.certificate_id is None}
    expired = {degradation.about for degradation in degradations(decision.degraded) if degradation.cause is Cause.CERTIFICATE_EXPIRED}
    return missing | {"expired" for verdict in used if verdict.policy in expired}


def _names(state: ServingState) -> tuple[str, str]:
    loaded = state.loaded
    return (loaded.source, loaded.scorer.model.version if loaded.scorer.model else "") if loaded else ("", "")
