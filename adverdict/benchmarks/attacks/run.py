"""How many violating ads are still stopped once their texts are dressed up.

a third of the advertisers -> a model without an encoder; another third -> for each policy the risk that one in ten of their harmless
ads exceeds; the last third -> their violating ads, as they are and dressed up -> stopped = at that risk or above
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adverdict.benchmarks.attacks import honest
from adverdict.benchmarks.attacks.families import FAMILIES, Family
from adverdict.benchmarks.shared.testbed import apart
from adverdict.benchmarks.truth.familiarity import SETTING, FamiliarityBenchmark, honest_and_strange
from adverdict.certification.statistics.intervals import clopper_pearson
from adverdict.domain.ad import Ad
from adverdict.domain.progress import Progress, Silent
from adverdict.domain.settings import Settings
from adverdict.features.text.normalise import normalise
from adverdict.models.bundle import Bundle, load_bundle
from adverdict.storage.tables.pack import Pack, read_pack, write_ads, write_labels
from adverdict.training.dataset import Dataset, dataset
from adverdict.training.fit.splits import by_advertiser

SIMULATED, QUICK_SIMULATED = 12_000, 4_000
ATTACKED, QUICK_ATTACKED = 1_000, 300
"""Violating ads of a pack at most, drawn at random."""
HARMLESS_LEFT_TO_PEOPLE = 0.1
DILUTED_WITH = 5
"""Texts of harmless ads around the text of a violating one."""
TEXTS = ("title", "body", "call_to_action", "creative_ocr_text")
RESAMPLED = 1_000

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class AttackBenchmark:
    """``packs``: labelled ads, beside a simulated marketplace."""

    packs: Sequence[Path] = ()
    seed: int = 0
    quick: bool = False


@dataclass(frozen=True)
class Violating:
    """Ads of advertisers whom the model has not seen, each with the policy (its place) that it violates."""

    ads: list[Ad]
    policies: NDArray[np.intp]
    groups: list[str]


@dataclass(frozen=True)
class Judge:
    """Who says what is stopped: ``limits`` ``float64 (n_policies,)``, the risks from which on a person would look."""

    bundle: Bundle
    limits: NDArray[np.float64]

    def stopped(self, ads: Sequence[Ad], policies: NDArray[np.intp]) -> Bools:
        risks = self.bundle.score(ads).risk[np.arange(len(ads)), policies, 0]
        return np.asarray(risks >= self.limits[policies])


def run(asked: AttackBenchmark, progress: Progress) -> dict[str, Any]:
    """``families: {NAME: {"stopped_before", "stopped_after", "kept", …}}`` over all packs, ``packs`` for each alone, ``kept_min`` (of the
    families that a reader undoes), ``honest_counted``, and which honest and which strange simulated ads count as unfamiliar.

    Raises NotFound or InvalidInput for a pack that cannot be read or trained on.
    """
    counted = _honest()
    with tempfile.TemporaryDirectory(prefix="adverdict-attacks-") as work:
        packs = {"simulated": _simulated(Path(work) / "simulated", asked), **{folder.name: folder for folder in asked.packs}}
        progress.stage("attacks", len(packs) * (len(FAMILIES) + 4))
        found = {name: _pack(read_pack(folder), Path(work) / f"model-{name}", asked, progress) for name, folder in packs.items()}
    together = {name: _figures([pack[name] for pack in found.values() if name in pack], asked.seed) for name in _every(found)}
    familiar = honest_and_strange(FamiliarityBenchmark(quick=asked.quick, seed=asked.seed), progress)
    undone = [figures["kept"] for name, figures in together.items() if figures["read_the_same"] and figures["kept"] is not None]
    return {
        "families": together,
        "packs": {name: {family: _figures([one], asked.seed) for family, one in pack.items()} for name, pack in found.items()},
        "kept_min": min(undone, default=None),
        **counted,
        **{f"unfamiliar_{name}": familiar[f"unfamiliar_{name}"] for name in ("honest", "strange_stopped")},
        "unfamiliar_honest_interval": familiar["honest"][SETTING][1:],
        "unfamiliar_honest_ads": familiar["honest_ads"],
    }


@dataclass(frozen=True)
class _Attacked:
    """Of the ads that a family changes: whose they are, and whether they were and are stopped."""

    groups: list[str]
    before: Bools
    after: Bools
    read_the_same: bool


def _every(found: Mapping[str, Mapping[str, _Attacked]]) -> list[str]:
    return list(dict.fromkeys(name for pack in found.values() for name in pack))


def _simulated(folder: Path, asked: AttackBenchmark) -> Path:
    from adverdict.simulation import write_marketplace

    write_marketplace(folder, QUICK_SIMULATED if asked.quick else SIMULATED, asked.seed + 31)
    return folder


def _pack(pack: Pack, folder: Path, asked: AttackBenchmark, progress: Progress) -> dict[str, _Attacked]:
    data = dataset([pack], ())
    train, limits, out = (held_out for _, _, held_out in by_advertiser(data, 3, asked.seed))
    judge = _judge(pack, data.part(train), data.part(limits), folder, asked)
    violating = _violating(data.part(out), judge, asked)
    before = judge.stopped(violating.ads, violating.policies)
    harmless = [data.ads[row] for row in limits if not (data.targets[row] >= 0.5).any()]
    found = {}
    for name, read_the_same, ads in _attacks(violating.ads, harmless, asked.seed):
        changed = np.array([now != then for now, then in zip(ads, violating.ads, strict=True)])
        if changed.any():
            rows = np.flatnonzero(changed)
            after = judge.stopped([ads[row] for row in rows], violating.policies[rows])
            found[name] = _Attacked([violating.groups[row] for row in rows], before[rows], after, read_the_same)
        progress.advance()
    return found


def _judge(pack: Pack, known: Dataset, data: Dataset, folder: Path, asked: AttackBenchmark) -> Judge:
    """A model of the known ads, and its limits from ads of other advertisers."""
    folder.mkdir()
    ids = {ad.ad_id for ad in known.ads}
    write_ads(folder / "ads.parquet", list(known.ads))
    write_labels(folder / "labels.parquet", [label for label in pack.labels if label.ad_id in ids])
    apart(_train, folder, folder / "bundle", asked.quick)
    bundle = load_bundle(folder / "bundle")
    columns = [data.policies.index(policy) for policy in bundle.policies]
    risks, targets = bundle.score(data.ads).risk[:, :, 0], data.targets[:, columns]
    limits = [np.quantile(risks[targets[:, i] < 0.5, i], 1 - HARMLESS_LEFT_TO_PEOPLE) for i in range(len(columns))]
    return Judge(bundle, np.array(limits))


def _train(pack: Path, out: Path, quick: bool) -> None:
    from adverdict.training.fit.gbm import GbmSettings
    from adverdict.training.fit.prepared import FitSettings
    from adverdict.training.fit.vectors import VectorSettings
    from adverdict.training.train import TrainJob, train

    gbm = GbmSettings(num_boost_round=60, learning_rate=0.1) if quick else GbmSettings()
    settings = FitSettings(encoder=None, vectors=VectorSettings(), gbm=gbm, n_folds=3)
    train(TrainJob(data=[pack], settings=Settings(home=pack), fit=settings, test_share=0.1, out=out, register=False), Silent())


def _violating(data: Dataset, judge: Judge, asked: AttackBenchmark) -> Violating:
    known = [data.policies.index(policy) for policy in judge.bundle.policies]
    rows, policies = np.nonzero(data.targets[:, known] >= 0.5)
    some = np.random.default_rng(asked.seed).permutation(len(rows))[: QUICK_ATTACKED if asked.quick else ATTACKED]
    rows, policies = rows[some], policies[some]
    whose = [f"{data.sources[0].name} {data.groups[row]}" for row in rows]  # the same id in two packs is two advertisers
    return Violating([data.ads[row] for row in rows], policies, whose)


def _attacks(ads: Sequence[Ad], harmless: Sequence[Ad], seed: int) -> Iterator[tuple[str, bool, list[Ad]]]:
    """(family, whether it reads the same, the ads after it). What people would hide in a picture is there, and nobody has read it yet."""
    for number, family in enumerate(FAMILIES.values()):
        yield family.name, family.read_the_same, [_dressed(ad, family, Random(f"{seed} {number} {ad.ad_id}")) for ad in ads]
    draw = Random(seed)
    around = [" ".join(filter(None, (one.title, one.body))) for one in harmless]
    for place in ("start", "middle", "end"):
        yield f"diluted_at_the_{place}", False, [_diluted(ad, draw.sample(around, min(DILUTED_WITH, len(around))), place) for ad in ads]
    hidden = {"title": None, "body": None, "keywords": None, "creative_ocr_text": None, "creative_uri": "s3://creatives/picture.png"}
    yield "text_in_the_picture", False, [ad.model_copy(update=hidden) for ad in ads]


def _dressed(ad: Ad, family: Family, draw: Random) -> Ad:
    changed = {name: family.dress(text, draw) for name in TEXTS if (text := getattr(ad, name))}
    return ad.model_copy(update=changed)


def _diluted(ad: Ad, around: Sequence[str], place: str) -> Ad:
    body = ad.body or ad.title or ""
    half = len(around) // 2
    parts = {"start": [body, *around], "middle": [*around[:half], body, *around[half:]], "end": [*around, body]}[place]
    return ad.model_copy(update={"body": "\n".join(parts)})


def _figures(parts: Sequence[_Attacked], seed: int) -> dict[str, Any]:
    """Shares of the ads that a family changes; ``kept`` of those that were stopped before, with a 95 % interval by advertiser."""
    groups = [group for part in parts for group in part.groups]
    before, after = np.concatenate([part.before for part in parts]), np.concatenate([part.after for part in parts])
    kept = before & after
    return {
        "ads": len(before),
        "advertisers": len(set(groups)),
        "stopped_before": float(before.mean()),
        "stopped_after": float(after.mean()),
        "kept": float(kept.sum() / before.sum()) if before.any() else None,
        "kept_interval": _interval(groups, before, kept, seed) if before.any() else None,
        "read_the_same": parts[0].read_the_same,
    }


def _interval(groups: Sequence[str], before: Bools, kept: Bools, seed: int) -> list[float]:
    """Advertisers drawn again and again; exact over advertisers where all or none of the ads are kept, which draws cannot tell apart."""
    _, number = np.unique(groups, return_inverse=True)
    n, k = np.bincount(number, before), np.bincount(number, kept)
    stopped = int((n > 0).sum())
    if k.sum() in (0, n.sum()):
        return list(clopper_pearson(stopped if k.sum() else 0, stopped))
    draws = np.random.default_rng(seed).multinomial(len(n), np.full(len(n), 1 / len(n)), size=RESAMPLED)
    shares = (draws @ k) / np.maximum(draws @ n, 1)
    return [float(end) for end in np.quantile(shares, [0.025, 0.975])]


def _honest() -> dict[str, Any]:
    """How many honest texts count as tricks: over all languages, the worst of them, and product names."""
    texts, products = honest.texts(), honest.products()
    counted = {language: sum(normalise(text).undone.total > 0 for text in names) for language, names in texts.items()}
    n, of_products = sum(map(len, texts.values())), sum(normalise(name).undone.total > 0 for name in products)
    worst = max(counted, key=lambda language: counted[language] / len(texts[language]))
    return {
        "honest_counted": sum(counted.values()) / n,
        "honest_interval": list(clopper_pearson(sum(counted.values()), n)),
        "honest_texts": n,
        "honest_languages": len(texts),
        "honest_worst": {"language": worst, "counted": counted[worst], "texts": len(texts[worst])},
        "honest_products": {"counted": of_products, "names": len(products)},
    }
