"""``adverdict benchmark online``: what the service does of what the processor could, how long its callers wait, and what overload does."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from adverdict.benchmarks.online import latency as online_latency
from adverdict.benchmarks.online import memory as online_memory
from adverdict.benchmarks.online import startup as online_startup
from adverdict.benchmarks.online import tail as online_tail
from adverdict.benchmarks.online import throughput as online_throughput
from adverdict.benchmarks.online.online_setup import Figures, OnlineSetup, Write
from adverdict.benchmarks.shared.certified_exit import CERTIFIED_ON, QUICK_CERTIFIED_ON
from adverdict.benchmarks.shared.machine import machine
from adverdict.benchmarks.shared.parts import headlined as with_headlines
from adverdict.benchmarks.shared.parts import in_turn
from adverdict.benchmarks.shared.testbed import SimulatedTestBed
from adverdict.domain.errors import InvalidSettings, Mistake
from adverdict.domain.progress import Progress

PARTS = ("throughput", "latency_one", "tail", "overload", "memory", "startup")
NEED_MLFLOW, NEED_QUICKEST = {"throughput", "startup"}, {"throughput", "latency_one", "memory"}
NEED_MAIN = {*PARTS} - {"memory"}
KEEP = {"latency_one", "tail", "overload"}
"""Parts that measure one service, one after the other."""
PACKAGES = ("bentoml", "fastapi", "uvicorn", "h11", "httptools", "uvloop", "pydantic", "sqlalchemy")
NOTES = (
    "Servers, comparators and the client run on the same machine and share its cores: a rate is what the server reaches beside its "
    "client, and client_busy says how much of a core the client took. Each server has one worker unless its name says otherwise, and one "
    "thread for arithmetic (OMP_NUM_THREADS=1). Every ad is sent under an id of its own; when all have come round they come again, later "
    "by what the marketplace spans. The service writes to a ledger of its own in SQLite; no API keys. For throughput and memory it lets "
    "requests wait as the comparators do (ADVERDICT_MAX_WAIT_MS=10000). Latencies of open loads count from "
    "the moment the request was meant to be sent; only accepted requests (200) count, and what became of the others is beside them. "
    "p50_over_bare: HTTP with one client over the model alone in a process of its own, on the same ads, the client's own part included. "
    "fastapi has the parser and the loop of the service (httptools and uvloop where they are installed), fastapi_h11 has neither; "
    "cpu_vs_fastapi is user and system time of all of a server's processes by request, that of the service over FastAPI's, without an "
    "encoder: on a machine that others share it is the figure that holds. p50_over_bare is that of the bundle without an encoder, or of "
    "ads it is skipped for. "
    "A bundle with an encoder is served with its early exit as certified on labelled simulated ads of another marketplace "
    "(exit: the certificate; exit_share: of the answers that were read, those whose ad left early), mlflow models serve has no exit. "
    "Ratios are medians over rounds in which all compared were measured in turns."
)

HEADLINES = {
    **dict.fromkeys(("vs_mlflow_serve", "vs_mlflow_serve_no_encoder", "vs_fastapi", "cpu_vs_fastapi", "cpu_vs_fastapi_h11"), "throughput"),
    "exit_share": "throughput",
    **dict.fromkeys(("p50_over_bare", "p50_over_bare_skipped", "p50_over_bare_used"), "latency_one"),
    **dict.fromkeys(("p99_over_p50", "p99_over_p50_untuned"), "tail"),
    **dict.fromkeys(("overload_accepted_share", "overload_5xx", "overload_p99_over_before"), "overload"),
    **dict.fromkeys(("memory_first_mib", "memory_last_mib", "memory_mib_per_1e5_requests", "memory_mib_per_1e5_known_ads"), "memory"),
    **dict.fromkeys(("ready_s", "help_s"), "startup"),
}
"""Figure -> the part that measures it."""

ADS, QUICK_ADS = 10_000, 1_000


@dataclass(frozen=True)
class OnlineBenchmark:
    """How much of each; ``parts`` of ``PARTS``. ``work`` keeps marketplaces and bundles for the next time; ``model``: the bundle's folder
    to serve; ``policies``: files to decide by, made for the occasion when None; ``certificates``: to go with them, for an early exit;
    without, one is certified on ``certified_on`` simulated ads where the bundle has one."""

    quick: bool = False
    parts: Sequence[str] = PARTS
    model: Path | None = None
    policies: Path | None = None
    certificates: Path | None = None
    work: Path | None = None
    seed: int = 0
    ads: int = ADS
    certified_on: int = CERTIFIED_ON
    throughput: online_throughput.ThroughputPlan = field(default_factory=online_throughput.ThroughputPlan)
    latency: online_latency.LatencyPlan = field(default_factory=online_latency.LatencyPlan)
    tail: online_tail.TailPlan = field(default_factory=online_tail.TailPlan)
    memory: online_memory.MemoryPlan = field(default_factory=online_memory.MemoryPlan)
    startup: online_startup.StartupPlan = field(default_factory=online_startup.StartupPlan)


def quick(job: OnlineBenchmark) -> OnlineBenchmark:
    """The same parts in about six minutes; without more workers, and without the untuned service."""
    return replace(
        job,
        quick=True,
        ads=QUICK_ADS,
        certified_on=QUICK_CERTIFIED_ON,
        throughput=online_throughput.QUICK,
        latency=online_latency.QUICK,
        tail=online_tail.QUICK,
        memory=online_memory.QUICK,
        startup=online_startup.QUICK,
    )


def run(job: OnlineBenchmark, progress: Progress, write: Write) -> Figures:
    """Figures by part under ``parts``, and the ``HEADLINES`` of them. ``write`` gets all there are whenever there are more, so that nothing
    is lost with a run that is stopped.

    Raises InvalidSettings before anything is measured, Unavailable when the service does not start or does not answer.
    """
    _check(job)
    about: Figures = {"machine": machine(PACKAGES), "quick": job.quick, "notes": NOTES}
    with ExitStack() as stack:
        folder = job.work or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="adverdict-online-")))
        folder.mkdir(parents=True, exist_ok=True)
        testbed = SimulatedTestBed(folder.resolve(), job.quick, job.model.resolve() if job.model else None)
        policies, certificates = (path and path.resolve() for path in (job.policies, job.certificates))
        setup = OnlineSetup(testbed, job.ads, job.certified_on, policies, certificates)
        stack.callback(setup.stop)
        _prepare(job, setup, progress)
        chosen = [part for part in PARTS if part in job.parts]

        def measured(part: str, unfinished: Write) -> Figures:
            if part not in KEEP:
                setup.stop()
            return _MEASURED[part](job, setup, progress, unfinished)

        return in_turn(
            chosen,
            measured,
            lambda parts: about | headlined(parts),
            write,
        )


def headlined(parts: Mapping[str, Figures]) -> Figures:
    """What is asked for first, by name, with the reasons for what is missing, and all there is beneath."""
    return with_headlines(parts, HEADLINES)


def _throughput(job: OnlineBenchmark, setup: OnlineSetup, progress: Progress, write: Write) -> Figures:
    cores = int(machine()["cores"])
    progress.stage("requests a second", online_throughput.steps(setup, job.throughput, cores))
    return online_throughput.throughput(setup, job.throughput, cores, write, progress.advance)


def _latency(job: OnlineBenchmark, setup: OnlineSetup, progress: Progress, write: Write) -> Figures:
    progress.stage("one client", online_latency.steps(setup, job.latency))
    return online_latency.latency(setup, job.latency, write, progress.advance)


def _tail(job: OnlineBenchmark, setup: OnlineSetup, progress: Progress, write: Write) -> Figures:
    progress.stage("the tail", online_tail.steps(job.tail))
    return online_tail.tail(setup, job.tail, job.seed, write, progress.advance)


def _overload(job: OnlineBenchmark, setup: OnlineSetup, progress: Progress, write: Write) -> Figures:
    progress.stage("overload", 2)
    return online_tail.overload(setup, job.tail, job.seed, write, progress.advance)


def _memory(job: OnlineBenchmark, setup: OnlineSetup, progress: Progress, write: Write) -> Figures:
    progress.stage("memory", len(online_memory.marks(job.memory)) + 1)
    return online_memory.memory(setup, job.memory, write, progress.advance)


def _startup(job: OnlineBenchmark, setup: OnlineSetup, progress: Progress, write: Write) -> Figures:
    progress.stage("starting", online_startup.steps(job.startup))
    return online_startup.startup(setup, job.startup, write, progress.advance)


_MEASURED: dict[str, Callable[[OnlineBenchmark, OnlineSetup, Progress, Write], Figures]] = {
    "throughput": _throughput,
    "latency_one": _latency,
    "tail": _tail,
    "overload": _overload,
    "memory": _memory,
    "startup": _startup,
}


def _prepare(job: OnlineBenchmark, setup: OnlineSetup, progress: Progress) -> None:
    """Everything that is made once: nothing is trained or simulated while something is measured."""
    progress.stage("bundles and ads", 2)
    for bundle, needed in ((setup.main, NEED_MAIN), (setup.quickest, NEED_QUICKEST)):
        if needed & set(job.parts):
            setup.certificates_for(bundle())
            if needed & NEED_MLFLOW & set(job.parts):
                setup.pyfunc(bundle())
    progress.advance()
    setup.bodies()
    if NEED_MLFLOW & set(job.parts):
        setup.mlflow_bodies()
    progress.advance()


def _check(job: OnlineBenchmark) -> None:
    mistakes = [Mistake("--part", name, f"one of {', '.join(PARTS)}") for name in job.parts if name not in PARTS]
    if job.model and not (job.model / "manifest.json").is_file():
        mistakes.append(Mistake("--model", str(job.model), "a bundle's folder"))
    if job.policies and not job.policies.is_dir():
        mistakes.append(Mistake("--policies", str(job.policies), "a folder of policy files"))
    if job.certificates and not job.certificates.is_file():
        mistakes.append(Mistake("--certificates", str(job.certificates), "a file that exists"))
    if job.certificates and not job.model:
        mistakes.append(Mistake("--model", None, "the bundle's folder that the certificates belong to"))
    if mistakes:
        raise InvalidSettings("nothing was measured:", mistakes)
