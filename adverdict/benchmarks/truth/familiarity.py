"""Whether ads that a model has not learnt from go to people, and how many honest ones go with them.

simulated marketplace -> what was learnt -> honest ads of new advertisers | languages of CLDR | random letters | each subject in turn left
out of training; and each pack of real ads as a model of another pack sees it
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from babel import Locale
from numpy.typing import NDArray

from adverdict.decisions.policy import DEFAULT_UNFAMILIAR_SHARE, MIN_RISK_REJECTED
from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.ad import Ad
from adverdict.domain.identity import surface_key
from adverdict.domain.progress import Progress
from adverdict.features.text.traits import traits
from adverdict.features.text.view import view
from adverdict.models.bundle import load_bundle
from adverdict.models.familiarity.familiarity import FamiliarityModel
from adverdict.simulation.world import POLICIES
from adverdict.simulation.write import TRUTH_FOLDER, write_marketplace
from adverdict.storage.tables.pack import read_pack
from adverdict.training.cache.contents import ContentCache
from adverdict.training.dataset import Dataset, dataset
from adverdict.training.evaluation.metrics import VIOLATES_FROM
from adverdict.training.fit.bundling import write_bundle
from adverdict.training.fit.everything import FitSettings, fit
from adverdict.training.fit.familiarity import fit_familiarity

SHARES = (0.005, DEFAULT_UNFAMILIAR_SHARE, 0.02, 0.05)
"""Of honest ads: settings of ``unfamiliar_share`` that are tried."""
SETTING = str(DEFAULT_UNFAMILIAR_SHARE)
LANGUAGES = (
    *("zh", "ko", "th", "he", "ka", "hy", "ta", "te", "bn", "my", "km", "am"),
    *("ru", "uk", "vi", "tr", "fi", "hu", "fa", "pl", "cs", "ro", "id", "sw", "eu"),
)
"""None of them in the simulated marketplace, in fourteen scripts."""
NAMES_A_TEXT = 6
STRANGE_ADS = 400
LETTERS = np.array([*"abcdefghijklmnopqrstuvwxyz"])
TIMED = 2000

Floats = NDArray[np.float64]
Figures = dict[str, Any]


@dataclass(frozen=True)
class FamiliarityBenchmark:
    """``packs``: labelled ads, each scored by a model of each other one."""

    packs: Sequence[Path] = ()
    quick: bool = False
    seed: int = 0


def run(job: FamiliarityBenchmark, progress: Progress) -> Figures:
    """``unfamiliar_honest``: share of honest simulated ads that go to people at the usual setting; ``unfamiliar_strange_stopped``: of those
    in another language or of random letters. The others hold the curves behind them."""
    learnt, new = (2000, 2000) if job.quick else (20_000, 100_000)
    with tempfile.TemporaryDirectory(prefix="adverdict-familiarity-") as work:
        here = _marketplace(Path(work) / "here", learnt, job.seed + 1)
        there = _marketplace(Path(work) / "there", new, job.seed + 2)
        subjects = [_subjects(Path(work) / name, data) for name, data in (("here", here), ("there", there))]
    contents = ContentCache()
    progress.stage("learning", len(here.ads) + len(there.ads))
    known = contents.of(here.ads, progress).traits
    model = fit_familiarity(here, known)
    if model is None:
        raise ValueError("a simulated marketplace without an honest ad")
    found = [p for start in range(0, len(there.ads), TIMED) for p in _read(model, there.ads[start : start + TIMED], progress)]
    p, honest = np.array(found), _honest(there)
    strange = _strange(model, here.ads[-1], job.seed)
    stopped = [curve[SETTING] for curve in strange.values()]
    progress.stage("subjects", len(POLICIES))
    return {
        "unfamiliar_honest": float((p[honest] <= DEFAULT_UNFAMILIAR_SHARE).mean()),
        "unfamiliar_strange_stopped": float(np.mean(stopped)),
        "honest": _shares(p[honest], np.array(there.groups)[honest]),
        "honest_ads": int(honest.sum()),
        "strange": strange,
        "subjects": {
            policy: _subject(here, known, subjects[0], policy, [ad for ad, of in zip(there.ads, subjects[1], strict=True) if of == policy])
            for policy in _each(POLICIES, progress)
        },
        "groups": {" ".join(part or "*" for part in group): len(reference) for group, reference in model.groups.items()},
        "cost": _cost(model, there.ads[:TIMED]),
        "packs": _packs(job.packs, progress),
    }


def _marketplace(folder: Path, ads: int, seed: int) -> Dataset:
    write_marketplace(folder, ads, seed=seed)
    return dataset([read_pack(folder)])


def _subjects(folder: Path, data: Dataset) -> list[str]:
    """What each ad is truly about: a policy it may or may not break, or something harmless."""
    table = pq.read_table(folder / TRUTH_FOLDER / "truth.parquet", columns=["ad_id", "subject"])
    subject = dict(zip(table["ad_id"].to_pylist(), table["subject"].to_pylist(), strict=True))
    return [subject[ad.ad_id] or "" for ad in data.ads]


def _honest(data: Dataset) -> NDArray[np.bool_]:
    return np.asarray(~(np.nan_to_num(data.targets, nan=0.0) >= VIOLATES_FROM).any(axis=1))


def _read(model: FamiliarityModel, ads: Sequence[Ad], progress: Progress | None = None) -> list[float]:
    """The familiarity of each ad."""
    found = [traits(view(ad)) for ad in ads]
    if progress is not None:
        progress.advance(len(ads))
    return [one.p for one in model.of(found, [surface_key(ad.surface) for ad in ads])]


def _curve(p: Sequence[float] | Floats) -> dict[str, float]:
    """Share of some ads that go to people, by setting."""
    return {str(share): float((np.asarray(p) <= share).mean()) for share in SHARES}


def _shares(p: Floats, groups: NDArray[np.str_]) -> dict[str, list[float]]:
    """The same of honest ads with its 95 % interval, over whole advertisers: ads of one are alike."""
    who = np.unique(groups, return_inverse=True)[1]
    ads = np.bincount(who)
    told = {}
    for share in SHARES:
        marked = p <= share
        mean = float(marked.mean())
        error = float(np.sqrt(np.square(np.bincount(who, weights=marked) - mean * ads).sum()) / len(p))
        told[str(share)] = [mean, max(0.0, mean - 1.96 * error), mean + 1.96 * error]
    return told


def _strange(model: FamiliarityModel, like: Ad, seed: int) -> dict[str, dict[str, float]]:
    """Texts that nobody typed: names of countries, languages and currencies in each language, and random letters."""
    rng = np.random.default_rng(seed)
    found = {}
    for language in LANGUAGES:
        locale = Locale(language)
        names = [*locale.territories.values(), *locale.languages.values(), *locale.currencies.values()]
        texts = [", ".join(rng.choice(names, NAMES_A_TEXT)) for _ in range(STRANGE_ADS)]
        found[language] = _curve(_read(model, [_saying(like, text) for text in texts]))
    texts = [" ".join("".join(rng.choice(LETTERS, rng.integers(4, 10))) for _ in range(NAMES_A_TEXT)) for _ in range(STRANGE_ADS)]
    return found | {"random letters": _curve(_read(model, [_saying(like, text) for text in texts]))}


def _saying(like: Ad, text: str) -> Ad:
    return like.model_copy(update={"title": text, "body": None, "call_to_action": None, "keywords": None, "language": None})


def _subject(here: Dataset, known: Sequence[Any], subjects: Sequence[str], policy: str, ads: Sequence[Ad]) -> dict[str, Any]:
    """Ads about a subject that training never read."""
    rows = np.flatnonzero(np.array(subjects) != policy)
    model = fit_familiarity(here.part(rows), [known[row] for row in rows.tolist()])
    return {"ads": len(ads), **(_curve(_read(model, ads)) if model and ads else {})}


def _cost(model: FamiliarityModel, ads: Sequence[Ad]) -> dict[str, float]:
    """Of an ad, in microseconds beside taking it apart, on an idle core; and of the bundle, in bytes."""
    started = time.perf_counter()
    seen = [view(ad) for ad in ads]
    read = time.perf_counter()
    model.of([*map(traits, seen)], [surface_key(ad.surface) for ad in ads])
    done = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="adverdict-familiarity-") as work:
        model.save(Path(work))
        size = sum(path.stat().st_size for path in Path(work).iterdir())
    return {"us": 1e6 * (done - read) / len(ads), "view_us": 1e6 * (read - started) / len(ads), "bytes": size}


def _packs(folders: Sequence[Path], progress: Progress) -> list[dict[str, Any]]:
    """Harmless ads of each pack that a model of another would reject at the lowest risk from which any policy lets it, and does still."""
    packs = {folder.name: dataset([read_pack(folder)]) for folder in folders}
    found = []
    for name, data in packs.items():
        with tempfile.TemporaryDirectory(prefix="adverdict-familiarity-") as work:
            fitted = fit(data, FitSettings(encoder=None), progress)
            write_bundle(fitted, SolvedThresholds(), data, Path(work) / "bundle", datetime.now(UTC), {})
            bundle = load_bundle(Path(work) / "bundle")
            for other, ads in packs.items():
                if other != name:
                    harmless = [ads.ads[row] for row in np.flatnonzero(_honest(ads))]
                    scores = bundle.score(harmless)
                    p = np.array([one.p for one in scores.familiarity or ()])
                    rejected = (scores.risk[:, :, 0] >= MIN_RISK_REJECTED).any(axis=1)
                    still = rejected & (p > DEFAULT_UNFAMILIAR_SHARE)
                    counts = {"ads": len(harmless), "by_risk": int(rejected.sum()), "still": int(still.sum())}
                    found.append({"trained_on": name, "scored": other, **counts, "stopped": _curve(p)})
    return found


def _each(names: Sequence[str], progress: Progress) -> Iterator[str]:
    """With a step of progress for each."""
    for name in names:
        progress.advance()
        yield name
