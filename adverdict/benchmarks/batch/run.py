"""``adverdict benchmark batch``: how many ads a core scores, what the early exit gains and flips, how near the encoder is to the peak."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from adverdict.benchmarks.batch import encoder as batch_encoder
from adverdict.benchmarks.batch import flips as batch_flips
from adverdict.benchmarks.batch import speed as batch_speed
from adverdict.benchmarks.batch.batch_setup import BatchSetup, Figures, Write
from adverdict.benchmarks.shared.machine import machine
from adverdict.benchmarks.shared.parts import headlined as with_headlines
from adverdict.benchmarks.shared.parts import in_turn
from adverdict.benchmarks.shared.testbed import SimulatedTestBed
from adverdict.domain.errors import InvalidSettings, Mistake
from adverdict.domain.progress import Progress

PARTS = ("speed", "flips", "int8")
NOTES = (
    "Everything runs one after the other with one thread (OMP_NUM_THREADS=1); starting and loading a model do not count. Ads are scored "
    "in pieces as large as rescoring's and, as it does, without reasons, which are made when somebody looks (stages.reasons: what those of "
    "what is stopped would add); cascade: with the early exit, full: without. vs_pipeline: "
    "ads a second with the early exit over the rows a second of a transformers pipeline (fp32) called ad by ad, with features in pandas; "
    "medians of rounds in which all were measured. us_per_ad: CPU time of one ad with the early exit; native: whether the native core did "
    "its part. An ad is flipped when its verdict under any policy is not the whole bundle's; "
    "flipped_share_upper is the one-sided 95 % bound for ads of one advertiser that flip together. The ads are of advertisers that the "
    "bundle was neither trained nor certified on."
)

HEADLINES = {
    **dict.fromkeys(
        ("vs_pipeline", "vs_pipeline_no_encoder", "full_vs_pipeline", "vs_pyfunc_row_by_row", "rows_per_s", "us_per_ad", "native"), "speed"
    ),
    **dict.fromkeys(("flipped_share", "flipped", "ads", "flipped_share_upper", "exit_share"), "flips"),
    **dict.fromkeys(("int8_share_of_peak",), "int8"),
}
"""Figure -> the part that measures it. ``ads`` is what ``flipped_share`` is a share of; ``flipped_of`` at the top."""
RENAMED = {"ads": "flipped_of"}


@dataclass(frozen=True)
class BatchBenchmark:
    """How much of each; ``parts`` of ``PARTS``. ``work`` keeps marketplaces and bundles for the next time. ``model``: the bundle's folder;
    ``certificates``: its own, for an early exit, made here when None; ``policies``: files to decide by, made for the occasion when None;
    ``data``: packs to judge the early exit on, too; ``fp32``: the bundle before it was quantised."""

    quick: bool = False
    parts: Sequence[str] = PARTS
    data: Sequence[Path] = ()
    model: Path | None = None
    certificates: Path | None = None
    policies: Path | None = None
    fp32: Path | None = None
    work: Path | None = None
    speed: batch_speed.BatchSpeedPlan = field(default_factory=batch_speed.BatchSpeedPlan)
    flips: batch_flips.FlipsPlan = field(default_factory=batch_flips.FlipsPlan)
    int8: batch_encoder.EncoderPlan = field(default_factory=batch_encoder.EncoderPlan)


def quick(job: BatchBenchmark) -> BatchBenchmark:
    """The same parts in about four minutes."""
    return replace(job, quick=True, speed=batch_speed.QUICK, flips=batch_flips.QUICK, int8=batch_encoder.QUICK)


def run(job: BatchBenchmark, progress: Progress, write: Write) -> Figures:
    """Figures by part under ``parts``, and the ``HEADLINES`` of them. ``write`` gets all there are whenever there are more, so that nothing
    is lost with a run that is stopped.

    Raises InvalidSettings before anything is measured.
    """
    _check(job)
    about: Figures = {"machine": machine(), "quick": job.quick, "notes": NOTES}
    with ExitStack() as stack:
        folder = job.work or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="adverdict-batch-")))
        folder.mkdir(parents=True, exist_ok=True)
        setup = _setup(job, folder.resolve())
        progress.stage("a model with an encoder", 1)
        setup.bundle()
        progress.advance()
        chosen = [part for part in PARTS if part in job.parts]
        return in_turn(
            chosen,
            lambda part, unfinished: _MEASURED[part](job, setup, progress, unfinished),
            lambda parts: about | headlined(parts),
            write,
        )


def headlined(parts: Mapping[str, Figures]) -> Figures:
    """What is asked for first, by name, with the reasons for what is missing, and all there is beneath."""
    found = with_headlines(parts, HEADLINES)
    return {RENAMED.get(name, name): value for name, value in found.items()}


def _speed(job: BatchBenchmark, setup: BatchSetup, progress: Progress, write: Write) -> Figures:
    progress.stage("ads a second", batch_speed.steps(job.speed))
    return batch_speed.speed(setup, job.speed, write, progress.advance)


def _flips(job: BatchBenchmark, setup: BatchSetup, progress: Progress, write: Write) -> Figures:
    progress.stage("flipped verdicts", batch_flips.steps(job.data))
    return batch_flips.flips(setup, job.data, write, progress.advance)


def _int8(job: BatchBenchmark, setup: BatchSetup, progress: Progress, write: Write) -> Figures:
    progress.stage("the encoder", batch_encoder.steps(job.int8, job.data))
    return batch_encoder.int8(setup, job.int8, job.fp32, job.data, write, progress.advance)


_MEASURED: dict[str, Callable[[BatchBenchmark, BatchSetup, Progress, Write], Figures]] = {"speed": _speed, "flips": _flips, "int8": _int8}


def _setup(job: BatchBenchmark, folder: Path) -> BatchSetup:
    model, policies, certificates = (path and path.resolve() for path in (job.model, job.policies, job.certificates))
    return BatchSetup(SimulatedTestBed(folder, job.quick, model), job.flips.ads, job.flips.certified_on, policies, certificates)


def _check(job: BatchBenchmark) -> None:
    mistakes = [Mistake("--part", name, f"one of {', '.join(PARTS)}") for name in job.parts if name not in PARTS]
    mistakes += [
        Mistake("--data", str(path), f"a folder with {table}")
        for path in job.data
        for table in ("ads.parquet", "labels.parquet")
        if not (path / table).is_file()
    ]
    bundles = {"--model": job.model, "--fp32": job.fp32}
    mistakes += [
        Mistake(name, str(path), "a bundle's folder") for name, path in bundles.items() if path and not (path / "manifest.json").is_file()
    ]
    if job.policies and not job.policies.is_dir():
        mistakes.append(Mistake("--policies", str(job.policies), "a folder of policy files"))
    if job.certificates and not job.certificates.is_file():
        mistakes.append(Mistake("--certificates", str(job.certificates), "a file that exists"))
    if not job.model and (job.certificates or job.fp32):
        mistakes.append(Mistake("--model", None, "the bundle's folder that the certificates or the fp32 bundle belong to"))
    if mistakes:
        raise InvalidSettings("nothing was measured:", mistakes)
