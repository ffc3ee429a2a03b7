"""Ads a second of one core in batches: with the early exit, without it, without an encoder, and what a user would write instead.

A ratio is of neighbours in time: each round runs all of them, so that whatever else the machine does meanwhile weighs on each alike.
"""

from __future__ import annotations

import hashlib
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adverdict.benchmarks.batch.batch_setup import Advance, BatchSetup, Figures, Write
from adverdict.benchmarks.batch.scoring import OpenedPack, opened
from adverdict.benchmarks.shared import beside
from adverdict.benchmarks.shared.testbed import made
from adverdict.domain.ad import Ad
from adverdict.domain.errors import AdverdictError
from adverdict.features.native import core
from adverdict.scoring.collector import quieten_collector

if TYPE_CHECKING:
    from adverdict.decisions.thresholds import SolvedThresholds
    from adverdict.features.history.known import History
    from adverdict.scoring.model import Risks

CASCADE, FULL, PLAIN = "cascade", "full", "no_encoder"
PIPELINE, PYFUNC, PYFUNC_ROWS = "pipeline", "pyfunc_batch", "pyfunc_row_by_row"
RATIOS = {
    "vs_pipeline": (CASCADE, PIPELINE),
    "vs_pipeline_no_encoder": (PLAIN, PIPELINE),
    "full_vs_pipeline": (FULL, PIPELINE),
    "vs_pyfunc": (CASCADE, PYFUNC),
    "vs_pyfunc_row_by_row": (CASCADE, PYFUNC_ROWS),
    "cascade_vs_full": (CASCADE, FULL),
}
WARM = 256


@dataclass(frozen=True)
class BatchSpeedPlan:
    """``rounds`` of everything. Of ours ``ads`` with the exit, ``whole`` of them all the way, ``passes`` times in turns; the others see
    ``sample`` of them, one at a time ``few``. ``plain``: also a bundle without encoder."""

    rounds: int = 3
    ads: int = 8192
    whole: int = 2048
    passes: int = 1
    sample: int = 600
    few: int = 200
    plain: bool = True


QUICK = BatchSpeedPlan(rounds=2, ads=2048, whole=512, passes=1, sample=100, few=30)


def steps(plan: BatchSpeedPlan) -> int:
    return 1 + plan.rounds


def speed(setup: BatchSetup, plan: BatchSpeedPlan, write: Write, advance: Advance) -> Figures:
    """Every figure also goes to ``write``, as it comes."""
    found: Figures = {"rounds": [], "left_out": {}}
    bundle, ads, rules = setup.bundle(), setup.ads(), setup.rules()
    certificates = _certified(setup, found)
    model = _pyfunc(setup, bundle)
    plain = setup.testbed.bundle(False) if plan.plain and setup.testbed.model is None else None
    advance()
    for _ in range(plan.rounds):
        one: Figures = {}
        _measure(one, found, CASCADE, lambda: beside.threaded(_ours, 1, bundle, rules, certificates, ads, plan))
        one |= one.get(CASCADE, {}).pop("beside", {})
        if plain:
            _measure(one, found, PLAIN, lambda: beside.threaded(_ours, 1, plain, setup.rules(), None, ads, plan)["beside"][FULL])
        _measure(one, found, PIPELINE, lambda: beside.pipeline(bundle, ads, plan.sample, 1))
        _measure(one, found, PYFUNC_ROWS, lambda: beside.pyfunc(model, ads, plan.sample, plan.few, 1))
        if PYFUNC_ROWS in one:
            one |= {PYFUNC: one[PYFUNC_ROWS]["batch"], PYFUNC_ROWS: one[PYFUNC_ROWS]["rows"]}
        found["rounds"].append(one)
        found |= summed(found["rounds"])
        advance()
        write(found)
    return found


def summed(rounds: Sequence[Mapping[str, Figures]]) -> Figures:
    """Medians over the rounds; ``RATIOS`` within each round, with their range."""
    names = [name for name in (CASCADE, FULL, PLAIN, PIPELINE, PYFUNC, PYFUNC_ROWS) if any(name in one for one in rounds)]
    found: Figures = {
        "rows_per_s": {name: statistics.median(one[name]["rows_per_s"] for one in rounds if name in one) for name in names},
    }
    for key, (ours, theirs) in RATIOS.items():
        ratios = [one[ours]["rows_per_s"] / one[theirs]["rows_per_s"] for one in rounds if ours in one and theirs in one]
        if ratios:
            found |= {key: statistics.median(ratios), f"{key}_range": [min(ratios), max(ratios)]}
    if CASCADE in names:
        timed = [one[CASCADE] for one in rounds if CASCADE in one]
        found["exit_share_of_timed"] = timed[0]["exit_share"]
        found["us_per_ad"] = statistics.median(1e6 / one["rows_per_cpu_s"] for one in timed)
        found["native"] = all(one["native"] for one in timed)
        found["stages"] = {name: statistics.median(one["stages"][name] for one in timed) for name in timed[0]["stages"]}
    return found


def _certified(setup: BatchSetup, found: Figures) -> Path | None:
    try:
        return setup.certified()
    except AdverdictError as error:
        found["left_out"]["the early exit"] = str(error)
        return None


def _pyfunc(setup: BatchSetup, bundle: Path) -> Path:
    digest = hashlib.sha256((bundle / "manifest.json").read_bytes()).hexdigest()
    return made(setup.testbed.folder / f"pyfunc-{digest[:12]}", lambda folder: beside.save_pyfunc(bundle, folder))


def _measure(one: Figures, found: Figures, name: str, measured: Callable[[], Figures]) -> None:
    """What one of those compared reached goes under its name; why it cannot run, under ``left_out``."""
    try:
        one[name] = measured()
    except (AdverdictError, OSError) as error:  # OSError: transformers, of a pretrained model that is not here
        found["left_out"][name] = str(error).splitlines()[0]


def _ours(bundle: Path, rules: Path, certificates: Path | None, pack: Path, plan: BatchSpeedPlan) -> Figures:
    """In a process of its own. Medians of ``passes``; the encoder's own counts say how many texts it was spared as equal ones."""
    ours = opened(bundle, rules, certificates, pack)
    ads, few = ours.ads[: plan.ads], ours.ads[: plan.whole]
    ours.decide(ads[:WARM], "full")
    quieten_collector()  # as rescoring's workers do
    cascade, full = [], []
    for _ in range(plan.passes):
        full.append(_timed(ours, few, "full"))
        cascade.append(_timed(ours, ads, "cascade"))
    return {
        **_median(cascade),
        "native": core() is not None,
        "rule": ours.rule,
        "stages": _stages(ours, few),
        "beside": {FULL: _median(full)},
    }


def _timed(ours: OpenedPack, ads: Sequence[Ad], depth: str) -> Figures:
    encoder = ours.bundle.encoder
    texts, read = (encoder.work.texts, encoder.work.read) if encoder else (0, 0)
    begin, spent = time.perf_counter(), time.process_time()
    decisions = ours.decide(ads, depth)  # type: ignore[arg-type]  # "cascade" or "full"
    seconds, busy = time.perf_counter() - begin, time.process_time() - spent
    return {
        "rows": len(ads),
        "seconds": seconds,
        "rows_per_s": len(ads) / seconds,
        "rows_per_cpu_s": len(ads) / busy,
        "exit_share": sum(one.exit == "early" for one in decisions) / len(ads),
        "texts": encoder.work.texts - texts if encoder else 0,
        "texts_read": encoder.work.read - read if encoder else 0,
    }


def _median(passes: Sequence[Figures]) -> Figures:
    return {name: statistics.median(one[name] for one in passes) for name in passes[0]}


def _stages(ours: OpenedPack, ads: Sequence[Ad]) -> Figures:
    """Microseconds of CPU an ad, all ads going all the way: each stage by itself. ``reasons``: what those of what is stopped would add."""
    from adverdict.certification.exits.cuts import CutTable, Exits
    from adverdict.features.table import feature_table
    from adverdict.scoring.opened import ScoredAds
    from adverdict.scoring.scorer import EVERYBODY, Scorer

    bundle, scorer = ours.bundle, ours.scorer
    history = (scorer.known.state if scorer.known else None) or bundle.history
    exits = Exits(CutTable(scorer.book, scorer.solved, bundle.policies)(ads), EVERYBODY)
    counts, spent = _busy(lambda: history.counts(ads, bundle.policies))
    found = {"history": spent}
    table, found["features"] = _busy(lambda: feature_table(ads, counts, bundle.contract))
    _, found["cheap_models"] = _busy(lambda: bundle.score_table(ads, table, exits) if bundle.cascade else None)
    scores, models = _busy(lambda: bundle.score_table(ads, table))
    # Risks that are there already: beside the encoder's time, which is never the same twice, what is left is nothing.
    said = _Said(bundle.version, bundle.policies, scorer.solved, ScoredAds(bundle, ads, scores))
    rest = Scorer(said, scorer.book, solved=scorer.solved, known=scorer.known)
    _, found["deciding"] = _busy(lambda: rest.score(ads, explain="none"))
    _, explained = _busy(lambda: rest.score(ads, explain="stopped"))
    found |= {"encoder": models - found["cheap_models"], "reasons": explained - found["deciding"]}
    return {name: seconds / len(ads) * 1e6 for name, seconds in found.items()}


@dataclass(frozen=True)
class _Said:
    """A model that has said already what it says: implements ``scoring.model.Model``."""

    version: str
    policies: tuple[str, ...]
    solved: SolvedThresholds
    risks: Risks
    snapshot: bytes | None = None

    def score(self, ads: Sequence[Ad], history: History | None = None) -> Risks:
        return self.risks


def _busy(work: Callable[[], Any]) -> tuple[Any, float]:
    begin = time.process_time()
    return work(), time.process_time() - begin
