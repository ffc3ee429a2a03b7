"""``adverdict benchmark profile``: where each microsecond of an ad goes, from its body to the bytes of the answer.

Not a tracing profiler, whose own cost would be most of what it tells: the functions of the path are called one after the other as the
scorer calls them, each by the clock. Beside their sum stands the same path as one, so that nothing hides between them.
"""

from __future__ import annotations

import gc
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import numpy as np

from adverdict.decisions.decide import DecisionContext, decide
from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision
from adverdict.domain.errors import InvalidSettings, Mistake
from adverdict.domain.progress import Progress
from adverdict.domain.verdict import Verdict
from adverdict.features.table import assembled, creative_facts, text_signals
from adverdict.features.text.ngrams import ngram_text
from adverdict.features.text.view import view
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.store import Ledger
from adverdict.models.bundle import Bundle, Scores
from adverdict.models.encoder.encoder import encoder_text
from adverdict.models.gbm import gbm_input
from adverdict.review.tasks.opening import open_tasks
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.scoring.opened import BundleModel, ScoredAds
from adverdict.scoring.scorer import Scorer, worth_explaining
from adverdict.storage.tables.pack import read_pack

STEPS = (
    "parsing",
    "history",
    "text taken apart",
    "text signals",
    "creative facts",
    "feature table",
    "n-grams",
    "word vectors",
    "words and facts",
    "trees",
    "encoder's text",
    "encoder",
    "what it adds",
    "blend and calibration",
    "decision",
    "reasons",
    "ledger",
    "serialisation",
)
"""In the order of the path. Reasons are those of stopped ads, as in rescoring."""
WHOLE = "the path as one"

T = TypeVar("T")
Figures = dict[str, Any]


@dataclass(frozen=True)
class ProfileBenchmark:
    """``model``: a bundle's folder or a registered version. ``data``: a folder with ads; None: simulated ones."""

    model: str
    data: Path | None = None
    ads: int = 512
    sizes: tuple[int, ...] = (1, 64, 256)
    """Ads scored together."""
    rounds: int = 3
    """Of which one more goes before, uncounted."""
    seed: int = 0


@dataclass
class Clock:
    """Microseconds an ad by step: wall clock and processor time, one pair for each call."""

    ads: int = 1
    wall: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    cpu: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def time(self, step: str, work: Callable[[], T]) -> T:
        cpu, wall = time.process_time(), time.perf_counter()
        result = work()
        self.wall[step].append((time.perf_counter() - wall) / self.ads * 1e6)
        self.cpu[step].append((time.process_time() - cpu) / self.ads * 1e6)
        return result


@dataclass(frozen=True)
class AdPath:
    """What an ad passes through."""

    bundle: Bundle
    scorer: Scorer
    ledger: Ledger

    def steps(self, bodies: Sequence[bytes], clock: Clock) -> list[bytes]:
        """The whole path, function by function; the answers."""
        bundle, known = self.bundle, self.scorer.known
        ads = clock.time("parsing", lambda: [Ad.model_validate_json(body) for body in bodies])
        history = (known.state if known else None) or bundle.history
        counts = clock.time("history", lambda: history.counts(ads, bundle.policies))
        views = clock.time("text taken apart", lambda: [view(ad) for ad in ads])
        signals = clock.time("text signals", lambda: [text_signals(one) for one in views])
        facts = clock.time("creative facts", lambda: [creative_facts(ad) for ad in ads])
        rows = [[*signal, *fact] for signal, fact in zip(signals, facts, strict=True)]
        table = clock.time("feature table", lambda: assembled(views, rows, counts, bundle.contract))
        texts = clock.time("n-grams", lambda: [ngram_text(ad, text) for ad, text in zip(ads, table.texts, strict=True)])
        ngram = clock.time("n-grams", lambda: bundle.ridge.ngram.logits(texts))
        views_of = clock.time("word vectors", lambda: bundle.views(texts, table.shared))
        parts = {bundle.first: clock.time("words and facts", lambda: bundle.ridge.logits(ngram, views_of))}
        if (gbm := bundle.gbm) is not None:
            policies = range(len(bundle.policies))
            parts["gbm"] = clock.time(
                "trees", lambda: gbm.logits([gbm_input(table.shared, table.per_policy, parts[bundle.first], policy) for policy in policies])
            )
        if (encoder := bundle.encoder) is not None:
            prefix = bundle.manifest.encoder.prefix if bundle.manifest.encoder else ""
            read = clock.time("encoder's text", lambda: [encoder_text(ad, prefix) for ad in ads])
            states = clock.time("encoder", lambda: encoder.run(read))
            parts |= clock.time(
                "what it adds", lambda: bundle.made_of(*states, [[text] for text in texts], table.shared, parts[bundle.first])
            )
        blend = clock.time("blend and calibration", lambda: bundle.blend.logits(parts))
        risk = clock.time("blend and calibration", lambda: bundle.calibration.apply(blend, [ad.market for ad in ads]))
        familiarity = clock.time("familiarity", lambda: bundle.familiarity_of(ads, table))
        scores = Scores(bundle.policies, risk, parts, blend, table, np.zeros(len(ads), dtype=bool), np.zeros(len(ads)), familiarity)
        scored = ScoredAds(bundle, ads, scores)
        decided = clock.time("decision", lambda: [self._decided(ad, scored, row) for row, ad in enumerate(ads)])
        explained = clock.time("reasons", lambda: [_explained(one, scored, row) for row, one in enumerate(decided)])
        clock.time("ledger", lambda: self._write(ads, explained))
        return clock.time("serialisation", lambda: [one.model_dump_json().encode() for one in explained])

    def whole(self, bodies: Sequence[bytes], clock: Clock) -> list[bytes]:
        """The same path by the scorer, every ad read to the end."""

        def work() -> list[bytes]:
            ads = [Ad.model_validate_json(body) for body in bodies]
            decided = self.scorer.score(ads, explain="stopped", depth="full")
            self._write(ads, decided)
            return [one.model_dump_json().encode() for one in decided]

        return clock.time(WHOLE, work)

    def _decided(self, ad: Ad, scored: ScoredAds, row: int) -> Decision:
        context = DecisionContext(f"dec-{uuid4().hex}", datetime.now(UTC), self.bundle.version, familiarity=scored.familiarity(row))
        return decide(ad, scored.risks(row), self.scorer.book, self.scorer.solved, context=context)

    def _write(self, ads: Sequence[Ad], decided: Sequence[Decision]) -> None:
        at = datetime.now(UTC)
        with self.ledger.write() as writing:
            first = writing.first_seen(ads)
            made = [DecisionMade(ad=ad, decision=one, first=new) for ad, one, new in zip(ads, decided, first, strict=True)]
            for one in made:
                writing.append(one.decision.decision_id, one, at)
            open_tasks(writing, made, self.scorer.book, ReviewSettings(), at)


def _explained(decision: Decision, scored: ScoredAds, row: int) -> Decision:
    if decision.verdict is Verdict.APPROVE:
        return decision
    return decision.model_copy(update={"reasons": scored.reasons(row, worth_explaining(decision))})


def run(job: ProfileBenchmark, progress: Progress) -> Figures:
    """By size of batch: median microseconds an ad of each step, of all steps and of the path as one.

    Raises InvalidSettings where there are no ads or the model is no bundle, and what loading it raises.
    """
    if not job.sizes or min(job.sizes) < 1:
        raise InvalidSettings("nothing to measure", [Mistake("--batch", list(job.sizes), "at least 1 ad at a time")])
    scorer = Scorer.load(job.model)
    if not isinstance(scorer.model, BundleModel):
        raise InvalidSettings("nothing to measure", [Mistake("--model", job.model, "a trained bundle")])
    bundle = scorer.model.bundle
    bodies = _bodies(job)
    found: Figures = {}
    progress.stage("profile", len(job.sizes) * (job.rounds + 1))
    with tempfile.TemporaryDirectory(prefix="adverdict-profile-") as folder:
        ledger = Ledger.open(f"sqlite:///{folder}/ledger.db")
        try:
            for size in job.sizes:
                found[str(size)] = _measured(AdPath(bundle, scorer, ledger), bodies, size, job.rounds, progress.advance)
        finally:
            ledger.close()
    return {"ads": len(bodies), "components": list(bundle.manifest.components), "policies": len(bundle.policies), "batches": found}


def _bodies(job: ProfileBenchmark) -> list[bytes]:
    with tempfile.TemporaryDirectory(prefix="adverdict-profile-") as folder:
        data = job.data
        if data is None:
            from adverdict.simulation import write_marketplace

            data = Path(folder) / "ads"
            write_marketplace(data, job.ads, seed=job.seed)
        ads = read_pack(data).ads[: job.ads]
    if not ads:
        raise InvalidSettings("nothing to measure", [Mistake("--data", str(job.data), "a folder with at least one ad")])
    return [ad.model_dump_json(exclude_none=True).encode() for ad in ads]


def _measured(path: AdPath, bodies: Sequence[bytes], size: int, rounds: int, advance: Callable[[], None]) -> Figures:
    clock = Clock()
    chunks = [bodies[start : start + size] for start in range(0, len(bodies), size)]
    for number in range(rounds + 1):
        if number == 1:
            clock = Clock()
        gc.collect()  # a collection that falls due would be told as some step's
        for way in (path.steps, path.whole):
            for chunk in chunks:
                clock.ads = len(chunk)
                way(chunk, clock)
        advance()
    calls = len(clock.wall[WHOLE])
    steps = {step: _medians(clock, step, calls) for step in STEPS if step in clock.wall}
    whole = _medians(clock, WHOLE, calls)
    total = sum(one["wall_us"] for one in steps.values())
    for one in steps.values():
        one["share"] = one["wall_us"] / total
    return {"steps": steps, "sum_us": total, "sum_cpu_us": sum(one["cpu_us"] for one in steps.values()), "whole": whole}


def _medians(clock: Clock, step: str, calls: int) -> dict[str, float]:
    """Of the chunks; a step of two calls a chunk counts as one."""
    parts = len(clock.wall[step]) // calls
    return {
        name: statistics.median(sum(times[start : start + parts]) for start in range(0, len(times), parts))
        for name, times in (("wall_us", clock.wall[step]), ("cpu_us", clock.cpu[step]))
    }
