"""A rescoring from its options to its summary. Everything that can be refused is refused before anything is written."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

from adverdict.decisions.exits import ExitRule
from adverdict.decisions.policy import PolicyBook
from adverdict.decisions.steering import Steering
from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.ad import Ad
from adverdict.domain.errors import Conflict, NotFound, Unavailable
from adverdict.domain.names import left_out
from adverdict.domain.settings import Settings
from adverdict.rescoring import memory
from adverdict.rescoring.deciding import cluster, local
from adverdict.rescoring.deciding.job import RescoringJob, opened
from adverdict.rescoring.deciding.probe import ProbeResult, probe
from adverdict.rescoring.deciding.progress import Progress
from adverdict.rescoring.deciding.run_history import RunHistory
from adverdict.rescoring.deciding.start import Make, make_worker
from adverdict.rescoring.deciding.summary import COUNTED, NAME, Effort, Summary, summarise
from adverdict.rescoring.folder.identity import SteeringUsed
from adverdict.rescoring.folder.manifest import HistoryUsed, ModelUsed, Run, RunFolder, ShardReport
from adverdict.rescoring.input.plan import Shard, ShardPlan, plan
from adverdict.rescoring.memory import Budget
from adverdict.storage.places import Place

if TYPE_CHECKING:
    from adverdict.rescoring.deciding.history import HistorySource
    from adverdict.scoring.model import Model

RESUME = "what is decided stays; the same command with --resume goes on"


@dataclass(frozen=True)
class Options:
    """What somebody asks for. Times have a time zone."""

    ads: str
    out: str
    settings: Settings
    """Which model and policies, and what is known of advertisers."""
    by_files: bool = False
    """Decide by the policy files, whatever is in force."""
    engine: Literal["local", "ray"] = "local"
    history: Path | None = None
    """A folder with ``ads.*`` and ``labels.*``: all that is known."""
    as_of: datetime | None = None
    """The moment of rescoring; now, or that of the run that is resumed, when None."""
    since: datetime | None = None
    resume: bool = False
    workers: int | None = None
    """One a core when None."""
    limit_memory: int | None = None
    """Bytes, for the driver and all workers."""
    rows_per_shard: int = 8192
    reasons: bool | None = None
    """Write why beside every decision that stops an ad; None: only where nobody could make it later, see ``_with_reasons``."""


@dataclass(frozen=True)
class _Decider:
    """What decides, before anything is known of the past."""

    source: str
    """The exact model."""
    bundle: Path
    """Its folder."""
    probed: ProbeResult
    book: PolicyBook
    solved: SolvedThresholds
    exits: ExitRule | None
    """By which ads leave the model early."""
    cache: Path
    ledger: str | None
    registry: str
    audit_secret: bytes | None = field(repr=False)

    def source_of_history(self, options: Options) -> HistorySource:
        """The folder that was given, else the ledger where there is one, else what the model knew. Raises NotFound, Unavailable."""
        from adverdict.rescoring.deciding.history import HistorySource

        if options.history is not None:
            if not options.history.is_dir():
                raise NotFound(f"no such folder: {options.history}; looked for one with the ads and labels that are known")
            return HistorySource.folder(options.history.resolve())
        if self.ledger is not None and _is_there(self.ledger):
            return HistorySource.ledger(self.ledger, self.probed.snapshot)
        return HistorySource.bundle(self.probed.version, self.probed.snapshot)


def rescore(
    options: Options,
    progress: Progress,
    *,
    open_model: Callable[[Path], Model] = opened,
    make: Make = make_worker,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Summary:
    """Decide every ad again and publish the decisions; nothing that stands changes.

    Raises InvalidInput, NotFound, UntrustedBundle, ContractMismatch or Conflict before anything is written, and Unavailable at any time,
    after which ``resume`` goes on.
    """
    begun = time.monotonic()
    if options.engine == "ray":
        cluster.refuse_missing()
    place = Place.at(options.out)
    stored = _stored(place, options.resume)
    planned = plan(options.ads, options.rows_per_shard)
    chosen = _choose(options, open_model)
    budget = None if options.limit_memory is None else Budget(options.limit_memory, memory.in_use())
    workers = _workers(options, chosen, budget, progress)
    with TemporaryDirectory(prefix="adverdict-rescore-") as scratch:
        run_history = RunHistory(place, Path(scratch), chosen.source_of_history(options), chosen.probed.policies, budget, progress)
        run = _run(options, planned, chosen, stored, run_history, stored.started_at if stored else now())
        folder = RunFolder(place)
        run = folder.begin(run, chosen.book.to_json(), chosen.solved.to_json().encode(), options.resume)
        history = run_history.kept(run)
        where = (chosen.bundle, chosen.source, chosen.cache, chosen.registry, history)
        job = RescoringJob(place.url, planned, *where, open_model, chosen.audit_secret)
        done = {name for name, report in folder.done().items() if report.reason is None}  # what was given up is tried again
        budget = budget and replace(budget, driver=memory.in_use())  # freezing leaves it larger
        reports = _decide(options, job, [shard for shard in planned.shards if shard.name not in done], workers, budget, progress, make)
    effort = _effort(options, workers, reports, time.monotonic() - begun)
    rows = {shard.name: shard.stop - shard.start for shard in planned.shards}
    progress.stage("counting the decisions", 1)
    summary = summarise(folder, effort, now(), rows, budget.workers if budget else COUNTED)
    place.write(f"{folder.own}/{NAME}", summary.model_dump_json(indent=1).encode() + b"\n")
    return summary


def _run(options: Options, planned: ShardPlan, chosen: _Decider, stored: Run | None, run_history: RunHistory, started: datetime) -> Run:
    """What is asked for now; ``stored`` is the run that is gone on with, and says what nobody asked otherwise."""
    as_of = options.as_of or (stored.as_of if stored else started)
    history = run_history.used(as_of, stored, options.history is not None)
    return Run.of(
        planned,
        started_at=started,
        as_of=as_of,
        since=options.since,
        model=ModelUsed(source=options.settings.model, resolved=chosen.source, version=chosen.probed.version),
        policy_hash=chosen.book.hash,
        thresholds=chosen.solved.digest,
        exits=chosen.exits if chosen.exits and chosen.exits.holds_at(started) else None,
        history=history,
        reasons=_with_reasons(options, chosen, stored, history),
        steering=stored.steering if stored else _steering(chosen.ledger, history.seq, chosen.book),
    )


def _with_reasons(options: Options, chosen: _Decider, stored: Run | None, history: HistoryUsed) -> bool:
    """Reasons take longer than deciding, and are made of any decision when somebody looks: by what the ledger knew then, so not of those
    that knew a folder's history once they are applied."""
    if options.reasons is not None:
        return options.reasons
    if stored is not None:
        return stored.reasons
    return history.kind == "folder" and chosen.ledger is not None and _is_there(chosen.ledger)


def _steering(ledger_url: str | None, known: int | None, book: PolicyBook) -> SteeringUsed | None:
    """What is out of automatic hands now, where a ledger says so; None: nothing is, nor was as of the entry that the history ``known``."""
    from adverdict.ledger.history import end_of
    from adverdict.ledger.in_force.steering import steering_at
    from adverdict.ledger.in_force.strikes import near_a_limit
    from adverdict.ledger.store import Ledger

    if ledger_url is None or not _is_there(ledger_url):
        return None
    ledger = Ledger.open(ledger_url, create=False)
    try:
        with ledger.look() as connection:
            end = end_of(connection)
            steering, before = steering_at(connection, end), steering_at(connection, known or 0)
            struck, struck_before = near_a_limit(connection, book, end), near_a_limit(connection, book, known or 0)
    finally:
        ledger.close()
    if steering == before == Steering() and not struck and not struck_before:
        return None
    return SteeringUsed(
        seq=end,
        brakes=steering.brakes,
        revoked=tuple(sorted(steering.revoked)),
        moved=dict(steering.moved),
        held=dict(steering.held),
        strikes={name: tuple(told) for name, told in sorted(struck.items())},
    )


def _is_there(ledger: str) -> bool:
    from adverdict.ledger.store import Ledger

    try:
        Ledger.open(ledger, create=False).close()
    except NotFound:
        return False
    return True


def _stored(place: Place, resume: bool) -> Run | None:
    """The run that is gone on with. Raises Conflict where OUT holds anything and nobody asked to."""
    if place.empty():
        return None
    if not resume:
        raise Conflict(f"{place.url} is not empty: give an empty folder, or --resume to go on with the rescoring it holds")
    return RunFolder.open(place).run


def _choose(options: Options, open_model: Callable[[Path], Model]) -> _Decider:
    """Raises NotFound, Unavailable, UntrustedBundle, ContractMismatch, InvalidPolicy or InvalidSettings."""
    from adverdict.models.certified import certified_thresholds, exits_of
    from adverdict.scoring.bootstrap import bootstrap

    installation = bootstrap(options.settings, open_bundle=open_model)
    settings, found_model = options.settings, installation.find()
    book = installation.book if options.by_files else installation.in_force()
    probed = probe(open_model, found_model.folder)
    issued = found_model.issued(book.hash)
    solved = probed.solved if issued is None else certified_thresholds(issued, probed.version)
    exits = exits_of(found_model.folder, issued, book, solved)
    where = (settings.cache, settings.ledger_url, settings.registry_uri)
    return _Decider(found_model.source, found_model.folder, probed, book, solved, exits, *where, installation.audit_secret())


def _workers(options: Options, chosen: _Decider, budget: Budget | None, progress: Progress) -> int:
    """As many as were asked for, as far as they fit. Raises InvalidSettings when not even one does."""
    wanted = options.workers or len(os.sched_getaffinity(0))
    if budget is None:
        return wanted
    each = chosen.probed.in_use + memory.ROOM
    fits = budget.fit(wanted, each)
    if fits < wanted:
        progress.say(f"{fits} of {wanted} workers fit into {memory.shown(budget.total)}: each needs about {memory.shown(each)}")
    return fits


def _decide(
    options: Options, job: RescoringJob, todo: Sequence[Shard], workers: int, budget: Budget | None, progress: Progress, make: Make
) -> list[ShardReport]:
    """The reports on the shards, as they were published. Raises Unavailable saying how to go on."""
    reports: list[ShardReport] = []
    noticed: set[str] = set()
    files = {shard.name: shard.input for shard in todo}

    def on_done(report: ShardReport) -> None:
        for what, sentence in _noticed(report, f"{files[report.shard]}, and wherever else it is"):
            if what not in noticed:
                progress.say(f"warning: {sentence}")
            noticed.add(what)
        reports.append(report)
        progress.shard(report)

    progress.deciding(len(todo), sum(shard.stop - shard.start for shard in todo), len(job.plan.shards) - len(todo))
    if not todo:
        return reports
    try:
        if options.engine == "ray":
            cluster.run(job, todo, workers, on_done, say=progress.say, make=make)
        else:
            local.run(job, todo, workers, on_done, budget=budget, say=progress.say, make=make)
    except Unavailable as error:
        raise Unavailable(f"{error}\n{RESUME}") from error
    return reports


def _noticed(report: ShardReport, where: str) -> Iterator[tuple[str, str]]:
    """What the reader of a shard's rows noticed, as other readers of tables tell it; each with what makes it the same of another shard."""
    for name in report.dropped:
        yield name, left_out(where, name, Ad.model_fields)
    for name, words in report.missing.items():
        yield f"{name} {words}", f"{where}: column {name!r} says {' or '.join(words)}: read as missing"


def _effort(options: Options, workers: int, reports: Sequence[ShardReport], seconds: float) -> Effort:
    ads = sum(report.rows for report in reports)
    return Effort(
        engine=options.engine,
        workers=min(workers, len({report.worker for report in reports})),
        shards=len(reports),
        ads=ads,
        seconds=seconds,
        ads_per_second=ads / seconds,
        driver_peak_mib=memory.peak() / memory.MIB,
        worker_peak_mib=max((report.peak_mib for report in reports), default=0.0),
    )
