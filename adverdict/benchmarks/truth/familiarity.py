"""Whether ads that a model has not learnt from go to people, and how many honest ones go with them.

simulated marketplace -> what was learnt -> honest ads of new advertisers | languages of CLDR | random letters | each subject in turn left
out of training; and each pack of real ads as a model of another pack sees it
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from babel import Locale
from numpy.typing import NDArray

from adverdict.certification.statistics.intervals import by_group
from adverdict.decisions.files.read import read_policies
from adverdict.decisions.files.starting import starting_files
from adverdict.decisions.policy import DEFAULT_UNFAMILIAR_SHARE, MIN_RISK_REJECTED
from adverdict.domain.ad import Ad
from adverdict.domain.identity import surface_key
from adverdict.domain.progress import Progress
from adverdict.domain.settings import Settings
from adverdict.domain.verdict import Verdict
from adverdict.features.text.traits import Traits, traits
from adverdict.features.text.view import view
from adverdict.models.bundle import Bundle, load_bundle
from adverdict.models.familiarity.familiarity import FamiliarityModel
from adverdict.rollout.certify import SolveJob, solve
from adverdict.scoring.opened import BundleModel
from adverdict.scoring.scorer import Scorer
from adverdict.simulation.world import POLICIES
from adverdict.simulation.write import TRUTH_FOLDER, write_marketplace
from adverdict.storage.tables.pack import Pack, read_pack, write_ads, write_labels
from adverdict.training.cache.contents import ContentCache
from adverdict.training.dataset import Dataset, dataset
from adverdict.training.evaluation.metrics import VIOLATES_FROM
from adverdict.training.fit.familiarity import fit_familiarity
from adverdict.training.fit.prepared import FitSettings
from adverdict.training.fit.vectors import VectorSettings
from adverdict.training.train import TrainJob, train

LEARNT_AND_NEW, QUICK_LEARNT_AND_NEW = (20_000, 100_000), (6000, 8000)
"""Simulated ads to learn from, and of advertisers that are new."""
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
MARKET = "US"
CERTIFY_SHARE = 0.3
"""Of a pack's advertisers, kept from training for thresholds."""

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
    learnt = _learn(job, progress)
    told = _honest_and_strange(learnt, job.seed, progress)
    progress.stage("subjects", len(POLICIES))
    return {
        **told,
        "subjects": {policy: _subject(learnt, policy) for policy in _each(POLICIES, progress)},
        "groups": {" ".join(part or "*" for part in group): len(reference) for group, reference in learnt.model.groups.items()},
        "cost": _cost(learnt.model, learnt.there.data.ads[:TIMED]),
        "packs": _packs(job.packs, progress),
    }


def honest_and_strange(job: FamiliarityBenchmark, progress: Progress) -> Figures:
    """``unfamiliar_honest`` and ``unfamiliar_strange_stopped`` with the curves behind them, and nothing else."""
    return _honest_and_strange(_learn(job, progress), job.seed, progress)


@dataclass(frozen=True)
class _Marketplace:
    """``subjects``: what each ad is truly about, a policy it may or may not break, or something harmless."""

    data: Dataset
    subjects: Sequence[str]


@dataclass(frozen=True)
class _Learnt:
    """A model of the ads ``here``, whose traits are ``known``; advertisers ``there`` are new to it."""

    model: FamiliarityModel
    here: _Marketplace
    known: Sequence[Traits]
    there: _Marketplace


def _learn(job: FamiliarityBenchmark, progress: Progress) -> _Learnt:
    learnt, new = QUICK_LEARNT_AND_NEW if job.quick else LEARNT_AND_NEW
    with tempfile.TemporaryDirectory(prefix="adverdict-familiarity-") as work:
        here = _marketplace(Path(work) / "here", learnt, job.seed + 1)
        there = _marketplace(Path(work) / "there", new, job.seed + 2)
    progress.stage("learning", learnt)
    known = ContentCache().of(here.data.ads, progress).traits
    model = fit_familiarity(here.data, known)
    if model is None:
        raise ValueError("a simulated marketplace without an honest ad")
    return _Learnt(model, here, known, there)


def _honest_and_strange(learnt: _Learnt, seed: int, progress: Progress) -> Figures:
    new = learnt.there.data
    progress.stage("new advertisers", len(new.ads))
    found = [p for start in range(0, len(new.ads), TIMED) for p in _read(learnt.model, new.ads[start : start + TIMED], progress)]
    p, honest = np.array(found), _honest(new)
    strange = _strange(learnt.model, learnt.here.data.ads[-1], seed)
    return {
        "unfamiliar_honest": float((p[honest] <= DEFAULT_UNFAMILIAR_SHARE).mean()),
        "unfamiliar_strange_stopped": float(np.mean([curve[SETTING] for curve in strange.values()])),
        "honest": _shares(p[honest], np.array(new.groups)[honest]),
        "honest_ads": int(honest.sum()),
        "strange": strange,
    }


def _marketplace(folder: Path, ads: int, seed: int) -> _Marketplace:
    write_marketplace(folder, ads, seed=seed)
    data = dataset([read_pack(folder)])
    table = pq.read_table(folder / TRUTH_FOLDER / "truth.parquet", columns=["ad_id", "subject"])
    subject = dict(zip(table["ad_id"].to_pylist(), table["subject"].to_pylist(), strict=True))
    return _Marketplace(data, [subject[ad.ad_id] or "" for ad in data.ads])


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
    return {str(share): [float((p <= share).mean()), *by_group(p <= share, groups)] for share in SHARES}


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


def _subject(learnt: _Learnt, policy: str) -> dict[str, Any]:
    """Ads of new advertisers about a subject that training never read."""
    rows = np.flatnonzero(np.array(learnt.here.subjects) != policy)
    ads = [ad for ad, subject in zip(learnt.there.data.ads, learnt.there.subjects, strict=True) if subject == policy]
    model = fit_familiarity(learnt.here.data.part(rows), [learnt.known[row] for row in rows.tolist()])
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
    """Harmless ads of each pack that a model of another rejects: ``by_risk``, at the lowest risk from which any policy lets it;
    ``still``, of those the ones it finds familiar; ``rejected`` and ``approved``, as decided by thresholds solved on its own pack."""
    packs = {folder.name: read_pack(folder) for folder in folders}
    harmless = {name: _harmless(pack) for name, pack in packs.items()}
    found = []
    for name, pack in packs.items():
        with tempfile.TemporaryDirectory(prefix="adverdict-familiarity-") as work:
            scorer, bundle = _decider(pack, Path(work), progress)
            for other, ads in harmless.items():
                if other != name:
                    found.append({"trained_on": name, "scored": other, **_decided(scorer, bundle, ads)})
                    progress.advance()
    return found


def _harmless(pack: Pack) -> list[Ad]:
    data = dataset([pack])
    return _here([data.ads[row] for row in np.flatnonzero(_honest(data))])


def _here(ads: Sequence[Ad]) -> list[Ad]:
    """In one market: thresholds are a market's, and in another everything would go to people."""
    return [ad.model_copy(update={"market": MARKET}) for ad in ads]


def _decider(pack: Pack, work: Path, progress: Progress) -> tuple[Scorer, Bundle]:
    """A model of a pack, deciding by thresholds that its own held-back advertisers' labels solve for policies as ``init`` writes them."""
    known, rules = work / "pack", work / "policies"
    for folder in (known, rules):
        folder.mkdir()
    write_ads(known / "ads.parquet", _here(pack.ads))
    write_labels(known / "labels.parquet", list(pack.labels))
    for name, text in starting_files(sorted({label.policy for label in pack.labels}), [MARKET]).items():
        (rules / name).write_text(text, encoding="utf-8")
    settings = Settings(home=work, model=str(work / "bundle"), policies=rules, database_url="none")
    fitted = FitSettings(encoder=None, vectors=VectorSettings())
    job = TrainJob([known], settings, fit=fitted, test_share=0.0, certify_share=CERTIFY_SHARE, out=work / "bundle", register=False)
    train(job, progress)
    solved = solve(SolveJob([known], settings), progress).solution.solved
    bundle = load_bundle(work / "bundle")
    return Scorer(BundleModel(bundle), read_policies(rules), solved=solved), bundle


def _decided(scorer: Scorer, bundle: Bundle, ads: Sequence[Ad]) -> Figures:
    scores = bundle.score(ads)
    p = np.array([one.p for one in scores.familiarity or ()])
    by_risk = (scores.risk[:, :, 0] >= MIN_RISK_REJECTED).any(axis=1)
    verdicts = Counter(decision.verdict for decision in scorer.score(ads, explain="none"))
    return {
        "ads": len(ads),
        "by_risk": int(by_risk.sum()),
        "still": int((by_risk & (p > DEFAULT_UNFAMILIAR_SHARE)).sum()),
        "rejected": verdicts[Verdict.REJECT],
        "approved": verdicts[Verdict.APPROVE],
        "stopped": _curve(p),
    }


def _each(names: Sequence[str], progress: Progress) -> Iterator[str]:
    """With a step of progress for each."""
    for name in names:
        progress.advance()
        yield name
