"""``adverdict benchmark rescore``: how fast rescoring is and how it grows, what killing it does, whether it says what the service says."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from adverdict.benchmarks.rescore import faults as rescore_faults
from adverdict.benchmarks.rescore import growth as rescore_growth
from adverdict.benchmarks.rescore import kills as rescore_kills
from adverdict.benchmarks.rescore import same as rescore_same
from adverdict.benchmarks.rescore import speed as rescore_speed
from adverdict.benchmarks.shared.machine import machine
from adverdict.benchmarks.shared.parts import in_turn
from adverdict.benchmarks.shared.testbed import SimulatedTestBed, has_encoder
from adverdict.domain.errors import InvalidSettings, Mistake
from adverdict.domain.progress import Progress

PARTS = ("speed", "growth", "kills", "same", "faults")
KILLS, QUICK_KILLS = 60, 4
NOTES = (
    "Each worker has one thread (OMP_NUM_THREADS=1), and so have the comparators; those ending in _default_threads take as many as they "
    "choose by themselves. Comparators are timed without their start and without loading a model; rescoring's rows_per_s is of the whole "
    "command, rows_per_s_working of its workers' time with shards. peak_mib: the largest sum over all processes at one moment of their "
    "proportional memory (PSS); hwm_mib: the sum of each one's own largest (VmHWM), where shared pages count for each."
)

HEADLINES = {
    **dict.fromkeys(("rows_per_s", "peak_mib", "vs_pipeline", "vs_pyfunc", "int8_share_of_peak"), "speed"),
    **dict.fromkeys(("kills", "resume_mismatches"), "kills"),
}
"""Figure -> the part that measures it."""

Figures = dict[str, Any]
Write = Callable[[Figures], None]


@dataclass(frozen=True)
class RescoreBenchmark:
    """How much of each; ``parts`` of ``PARTS``. ``work`` keeps marketplaces and bundles for the next time; ``model``: a bundle's folder
    to use where it fits; ``data``: packs that must be decided alike everywhere, too."""

    quick: bool = False
    parts: Sequence[str] = PARTS
    data: Sequence[Path] = ()
    model: Path | None = None
    kills: int = KILLS
    work: Path | None = None
    seed: int = 0
    speed: rescore_speed.RescoreSpeedPlan = field(default_factory=rescore_speed.RescoreSpeedPlan)
    growth: rescore_growth.GrowthPlan = field(default_factory=rescore_growth.GrowthPlan)


def quick(job: RescoreBenchmark) -> RescoreBenchmark:
    """The same parts in about ten minutes."""
    return RescoreBenchmark(
        True, job.parts, job.data, job.model, min(job.kills, QUICK_KILLS), job.work, job.seed, rescore_speed.QUICK, rescore_growth.QUICK
    )


def of_size(job: RescoreBenchmark, sizes: Sequence[int]) -> RescoreBenchmark:
    """Growth over these sizes instead of its own, each to its end; with the one model that is there, where one is named."""
    encoder = job.model is not None and (job.model / "manifest.json").is_file() and has_encoder(job.model)
    plan = rescore_growth.GrowthPlan(plain=() if encoder else sizes, encoded=sizes if encoder else (), seconds=rescore_growth.TO_THE_END)
    return replace(job, growth=plan)


def run(job: RescoreBenchmark, progress: Progress, write: Write) -> Figures:
    """Figures by part under ``parts``, and the ``HEADLINES`` of them. ``write`` gets all there are whenever there are more, so that nothing
    is lost with a run that is stopped.

    Raises InvalidSettings before anything is measured, Unavailable when a rescoring that nobody disturbed fails.
    """
    _check(job)
    about: Figures = {"machine": machine(), "quick": job.quick, "notes": NOTES}
    with ExitStack() as stack:
        folder = job.work or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="adverdict-rescore-")))
        folder.mkdir(parents=True, exist_ok=True)
        testbed = SimulatedTestBed(folder.resolve(), job.quick, job.model.resolve() if job.model else None)
        chosen = [part for part in PARTS if part in job.parts]
        return in_turn(
            chosen,
            lambda part, unfinished: _MEASURED[part](job, testbed, progress, unfinished),
            lambda parts: about | headlined(parts),
            write,
        )


def headlined(parts: Mapping[str, Figures]) -> Figures:
    """What is asked for first, by name, and all there is beneath."""
    first = {name: parts[part][name] for name, part in HEADLINES.items() if name in parts.get(part, {})}
    return {**first, "parts": dict(parts)}


def _speed(job: RescoreBenchmark, testbed: SimulatedTestBed, progress: Progress, write: Write) -> Figures:
    _prepare(testbed, progress, (True,))
    progress.stage("rows a second", rescore_speed.steps(job.speed))
    return rescore_speed.speed(testbed, job.speed, write, progress.advance)


def _growth(job: RescoreBenchmark, testbed: SimulatedTestBed, progress: Progress, write: Write) -> Figures:
    _prepare(testbed, progress, [encoder for encoder, sizes in ((False, job.growth.plain), (True, job.growth.encoded)) if sizes])
    progress.stage("growth", rescore_growth.steps(job.growth))
    return rescore_growth.growth(testbed, job.growth, write, progress.advance)


def _kills(job: RescoreBenchmark, testbed: SimulatedTestBed, progress: Progress, write: Write) -> Figures:
    _prepare(testbed, progress, (False,))
    progress.stage("killing and resuming", job.kills)
    return rescore_kills.kills(testbed, job.kills, job.seed, write, progress.advance)


def _same(job: RescoreBenchmark, testbed: SimulatedTestBed, progress: Progress, write: Write) -> Figures:
    _prepare(testbed, progress, (True,))
    progress.stage("the same ads everywhere", rescore_same.steps(job.data))
    return rescore_same.same(testbed, job.data, write, progress.advance)


def _faults(job: RescoreBenchmark, testbed: SimulatedTestBed, progress: Progress, write: Write) -> Figures:
    _prepare(testbed, progress, (False,))
    progress.stage("faults", len(rescore_faults.FAULTS))
    return rescore_faults.faults(testbed, write, progress.advance)


_MEASURED: dict[str, Callable[[RescoreBenchmark, SimulatedTestBed, Progress, Write], Figures]] = {
    "speed": _speed,
    "growth": _growth,
    "kills": _kills,
    "same": _same,
    "faults": _faults,
}


def _prepare(testbed: SimulatedTestBed, progress: Progress, encoders: Sequence[bool]) -> None:
    for encoder in encoders:
        progress.stage("a model with an encoder" if encoder else "a model without encoder", 1)
        testbed.bundle(encoder)
        progress.advance()


def _check(job: RescoreBenchmark) -> None:
    mistakes = [Mistake("--part", name, f"one of {', '.join(PARTS)}") for name in job.parts if name not in PARTS]
    mistakes += [Mistake("--data", str(path), "a folder with ads.parquet") for path in job.data if not (path / "ads.parquet").is_file()]
    if job.model and not (job.model / "manifest.json").is_file():
        mistakes.append(Mistake("--model", str(job.model), "a bundle's folder"))
    if mistakes:
        raise InvalidSettings("nothing was measured:", mistakes)
