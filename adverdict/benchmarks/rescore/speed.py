"""Rows a second and memory of rescoring with the encoder on: by engine and workers, beside what a user would write instead.

A ratio is of neighbours in time: each round runs all of them, so that whatever else the machine does meanwhile weighs on each alike.
"""

from __future__ import annotations

import importlib.util
import resource
import shutil
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adverdict.benchmarks.shared import beside
from adverdict.benchmarks.shared.arithmetic import share_of_peak
from adverdict.benchmarks.shared.processes import CommandResult, RescoreCommand, environment, markers, run
from adverdict.benchmarks.shared.testbed import SimulatedTestBed, moment_after, pieces
from adverdict.domain.errors import NotFound, Unavailable

Figures = dict[str, Any]
Write = Callable[[Figures], None]
Advance = Callable[[], None]

FILES = 4
PIPELINE, PYFUNC, PYFUNC_ROWS, SERVED = "pipeline", "pyfunc_batch", "pyfunc_row_by_row", "mlflow_serve_row_by_row"
DEFAULT_THREADS = "_default_threads"


@dataclass(frozen=True)
class RescoreSpeedPlan:
    """``sizes``: ads rescored. The others see ``sample`` of them, one at a time ``few``. ``rounds`` of everything."""

    sizes: Sequence[int] = (2000, 10_000)
    rounds: int = 3
    sample: int = 1000
    few: int = 300
    engines: Sequence[str] = ("local", "ray")
    workers: Sequence[int] = (1, 2)
    texts: int = 3000
    """On which the encoder's share of the peak is measured."""


FULL = RescoreSpeedPlan()
QUICK = RescoreSpeedPlan(sizes=(400,), rounds=1, sample=200, few=50, texts=400)


def steps(plan: RescoreSpeedPlan) -> int:
    return 1 + plan.rounds * (len(plan.sizes) * len(plan.engines) * len(plan.workers) + 1)


def speed(testbed: SimulatedTestBed, plan: RescoreSpeedPlan, write: Write, advance: Advance) -> Figures:
    """Every figure also goes to ``write``, as it comes."""
    found: Figures = {"runs": [], "comparators": {}, "left_out": {}}
    bundle = testbed.bundle(encoder=True)
    found["encoder"] = encoder_share(bundle, testbed.ads(max(plan.sizes)), plan.texts)
    found["int8_share_of_peak"] = found["encoder"]["int8_share_of_peak"]
    advance()
    write(found)
    model = beside.save_pyfunc(bundle, _free(testbed.folder / "pyfunc"))
    engines = [one for one in plan.engines if one != "ray" or importlib.util.find_spec("ray")]
    if len(engines) < len(plan.engines):
        found["left_out"]["ray"] = "not installed; pip install 'adverdict[ray]' brings it"
    for turn in range(plan.rounds):
        _others(found, testbed, bundle, model, plan, turn)
        advance()
        write(found | _summed(found))
        for size in plan.sizes:
            for engine in engines:
                for workers in plan.workers:
                    found["runs"].append({"round": turn, **rescore(testbed, bundle, size, engine, workers)})
                    advance()
                    write(found | _summed(found))
    return found | _summed(found)


def rescore(
    testbed: SimulatedTestBed, bundle: Path, size: int, engine: str, workers: int, history: bool = False, seconds: float | None = None
) -> Figures:
    """One run over simulated ads. ``rows_per_s`` is of the whole command, its start and its freezing of the history included;
    ``rows_per_s_working`` of the workers' time with shards alone. Raises Unavailable when it fails, subprocess.TimeoutExpired."""
    ads = testbed.ads(size)
    split = testbed.folder / f"split-{size}"
    if not split.exists():
        pieces(ads, split, FILES)
    out = _free(testbed.folder / "out" / f"{size}-{engine}-{workers}")
    shard = max(32, min(8192, size // (FILES * 2)))  # as many shards as two workers can share evenly
    rules = testbed.rules(bundle, ads)
    asked = RescoreCommand(split, out, bundle, rules, moment_after(ads), engine, workers, ads if history else None, shard)
    home = testbed.home(f"speed-{size}-{engine}-{workers}")
    before = _children_cpu()
    ran = run(asked.command(), environment(home), home / "rescore.log", seconds)
    if ran.code:
        raise Unavailable(f"adverdict rescore ended with {ran.code}: {ran.said[-1500:]}")
    figures = {"engine": engine, "workers": workers, "size": size, "cpu_s": _children_cpu() - before, **told(ran, markers(out))}
    shutil.rmtree(out)
    return figures


def _children_cpu() -> float:
    """CPU seconds of all processes that this one, and those it started, have waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def told(ran: CommandResult, done: Sequence[Figures]) -> Figures:
    """Figures of a run by how its process went and what its markers say."""
    rows = sum(one["rows"] for one in done)
    spent: dict[str, float] = {}
    for one in done:
        spent[one["worker"]] = spent.get(one["worker"], 0.0) + one["seconds"]
    working = max(spent.values(), default=0.0)
    return {
        "rows": rows,
        "seconds": ran.seconds,
        "rows_per_s": rows / ran.seconds,
        "rows_per_s_working": rows / working if working else None,
        "peak_mib": ran.peak_mib,
        "hwm_mib": ran.hwm_mib,
        "processes": ran.processes,
        "texts": sum(one.get("texts", 0) for one in done),
        "encoded": sum(one.get("encoded", 0) for one in done),
        "tokens": sum(one.get("tokens", 0) for one in done),
    }


def encoder_share(bundle: Path, ads: Path, texts: int) -> Figures:
    """Of a bundle's encoder on the texts of these ads, one thread; in a process of its own."""
    return dict(beside.threaded(_encoder_share, 1, bundle, ads, texts))


def _encoder_share(bundle: Path, ads: Path, texts: int) -> Figures:
    import json

    from adverdict.models.encoder.encoder import encoder_text
    from adverdict.storage.tables.pack import read_ads

    prefix = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))["encoder"]["prefix"]
    return dict(share_of_peak(bundle, [encoder_text(ad, prefix) for ad in read_ads(ads)[:texts]]))


def _others(found: Figures, testbed: SimulatedTestBed, bundle: Path, model: Path, plan: RescoreSpeedPlan, turn: int) -> None:
    """What each reaches in this round is added under its name; why one cannot run, under ``left_out``."""
    ads = testbed.ads(max(plan.sizes))
    few, home = min(plan.few, beside.rows_in(ads)), _free(testbed.folder / "homes" / "served")
    home.mkdir(parents=True)

    def add(name: str, measured: Callable[[], Figures]) -> None:
        try:
            found["comparators"].setdefault(name, []).append({"round": turn, **measured()})
        except (NotFound, Unavailable) as error:
            found["left_out"][name] = str(error)

    def pyfunc(threads: int | None, suffix: str) -> None:
        both = beside.pyfunc(model, ads, plan.sample if threads else few, few, threads)
        add(PYFUNC + suffix, lambda: both["batch"])
        add(PYFUNC_ROWS + suffix, lambda: both["rows"])

    add(PIPELINE, lambda: beside.pipeline(bundle, ads, plan.sample, 1))
    pyfunc(1, "")
    add(SERVED, lambda: beside.asked_over_http(model, ads, few, home))
    if turn == 0:
        add(PIPELINE + DEFAULT_THREADS, lambda: beside.pipeline(bundle, ads, few, None))
        pyfunc(None, DEFAULT_THREADS)


def _summed(found: Figures) -> Figures:
    """Medians over the rounds; ratios of one worker on this machine to the others, each within a round, for the largest size."""
    runs = found["runs"]
    summed: Figures = {name: _by(runs, name) for name in ("rows_per_s", "rows_per_s_working", "peak_mib")}
    largest = max((one["size"] for one in runs), default=0)
    ours = {one["round"]: one for one in runs if (one["engine"], one["workers"], one["size"]) == ("local", 1, largest)}
    for key, name in {"vs_pipeline": PIPELINE, "vs_pyfunc": PYFUNC, "vs_pyfunc_row_by_row": PYFUNC_ROWS, "vs_mlflow_serve": SERVED}.items():
        theirs = {one["round"]: one["rows_per_s"] for one in found["comparators"].get(name, [])}
        for suffix, of in {"": "rows_per_s", "_working": "rows_per_s_working"}.items():
            ratios = [one[of] / theirs[turn] for turn, one in ours.items() if turn in theirs and one[of]]
            if ratios:
                summed[key + suffix] = statistics.median(ratios)
                summed[key + suffix + "_range"] = [min(ratios), max(ratios)]
    return summed


def _by(runs: Sequence[Figures], name: str) -> Figures:
    """Medians by engine, workers and size."""
    found: Figures = {}
    for one in runs:
        if one[name] is not None:
            found.setdefault(one["engine"], {}).setdefault(str(one["workers"]), {}).setdefault(str(one["size"]), []).append(one[name])
    return {
        engine: {workers: {size: statistics.median(values) for size, values in sizes.items()} for workers, sizes in by.items()}
        for engine, by in found.items()
    }


def _free(path: Path) -> Path:
    shutil.rmtree(path, ignore_errors=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
