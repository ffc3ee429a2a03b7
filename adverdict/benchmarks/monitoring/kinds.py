"""When a new kind of bad ad is noticed: a subject of the simulated marketplace that nobody has advertised before a day."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from adverdict.domain.progress import Progress, Silent
from adverdict.ledger.in_force.cases import TOP
from adverdict.monitoring.emerging import LOOKS, Kind, SeenAd, Watch
from adverdict.simulation import write_marketplace
from adverdict.simulation.world import DAY, START
from adverdict.storage.tables.pack import iter_ads

ADS, QUICK_ADS = 200_000, 100_000
BEGIN, APPEARS, END = 35, 80, 118
"""Days: the watch begins, the subject appears, the data end. By ``APPEARS`` the marketplace's own drift of day 60 is twenty days old."""
SUBJECTS = ("weapons", "gambling", "phishing")
COMMON, RARE = 0.02, 0.007
"""Share of a day's ads from which a kind is common, and is rare."""
SHARES = (1.0, 0.4, 0.1)
"""Of the subject's ads that appear."""
READ, MARKED = 0.2, 0.7
"""Of its bad ads, the share that people read though no policy covers them, and of these the share that they mark."""
QUIET = 14
"""Days before the subject appears, in which nothing new does."""
RIGHT = 0.5
"""Of the ads of a case, from which it is the kind's."""


@dataclass(frozen=True)
class Marketplace:
    """Ads by the day, and what is true of them."""

    days: list[tuple[list[SeenAd], ...]]
    """By the day, in ``LOOKS`` parts."""
    about: dict[str, str | None]
    """The subject of each ad."""
    bad: frozenset[str]
    """Ads that violate something."""

    @classmethod
    def made(cls, ads: int, seed: int, progress: Progress) -> Marketplace:
        with tempfile.TemporaryDirectory(prefix="adverdict-kinds-") as work:
            folder = Path(work) / "marketplace"
            write_marketplace(folder, ads, seed, Silent())
            truth = pl.read_parquet(folder / "truth" / "truth.parquet", columns=["ad_id", "violates", "subject"])
            days: list[tuple[list[SeenAd], ...]] = [tuple([] for _ in range(LOOKS)) for _ in range(END)]
            for part in iter_ads(folder / "ads.parquet"):
                for ad in part:
                    day, second = divmod(ad.submitted_at.timestamp() - START, DAY)
                    if BEGIN <= day < END:
                        days[int(day)][int(second * LOOKS / DAY)].append(SeenAd.of(ad))
                progress.advance(len(part))
        told = truth.group_by("ad_id").agg(pl.col("subject").first(), pl.col("violates").any())
        return cls(days, dict(zip(told["ad_id"], told["subject"], strict=True)), frozenset(told.filter("violates")["ad_id"]))


def kinds(quick: bool, seed: int, progress: Progress) -> dict[str, Any]:
    """Days until the first true case of each subject and volume, counting the first, and cases that were of nothing new."""
    ads = QUICK_ADS if quick else ADS
    progress.stage("simulated marketplace", ads)
    marketplace = Marketplace.made(ads, seed, progress)
    progress.stage("new kinds", len(SUBJECTS) * len(SHARES))
    rows = []
    for number, (subject, part) in enumerate((subject, part) for subject in SUBJECTS for part in SHARES):
        rows.append(_appears(marketplace, subject, part, np.random.default_rng([seed, 33, number])))
        progress.advance()
    common = [row for row in rows if row["share_of_ads"] >= COMMON]
    rare = [row for row in rows if RARE <= row["share_of_ads"] < COMMON]
    return {
        "emerging_days_2pct": _slowest(common, "days"),
        "emerging_ads_2pct": _slowest(common, "ads_by_then"),
        "emerging_days_rare": _slowest(rare, "days"),
        "unexplained_cases_a_week": sum(row["unexplained"] for row in rows) / sum(row["quiet_days"] / 7 for row in rows),
        "kinds": rows,
    }


def _slowest(rows: list[dict[str, Any]], name: str) -> float | None:
    """None where one was never noticed, or there is none."""
    found = [row[name] for row in rows]
    return max(found) if found and None not in found else None


def _appears(marketplace: Marketplace, subject: str, part: float, rng: np.random.Generator) -> dict[str, Any]:
    """Looked at four times a day, as a service is; before the quiet days once, which is enough to know what has a case already."""
    watch, cases, quiet, of_it, ads = Watch(), list[Kind](), 0, 0, 0
    for day, parts in enumerate(_days(marketplace, subject, part, rng), BEGIN):
        by_now, shown = of_it, list[SeenAd]()
        ads += sum(map(len, parts)) if day >= APPEARS else 0
        of_it += sum(_about(came, marketplace, subject) for came in parts) if day >= APPEARS else 0
        for number, came in enumerate(parts, 1):
            shown += came
            by_now += _about(came, marketplace, subject) if day >= APPEARS else 0
            if number < LOOKS and day < APPEARS - QUIET:
                continue
            found = watch.look(shown) if number < LOOKS else watch.day(shown)
            new = [kind for kind in found if not any(_same(kind, case) for case in cases)]
            cases += new
            quiet += len(new) if APPEARS - QUIET <= day < APPEARS else 0
            if day >= APPEARS and any(is_of(kind, marketplace, subject) for kind in new):
                return _row(subject, of_it / ads, day - APPEARS + 1, by_now, quiet)
    return _row(subject, of_it / ads, None, of_it, quiet)


def _row(subject: str, share: float, days: int | None, ads: int, unexplained: int) -> dict[str, Any]:
    return {"subject": subject, "share_of_ads": share, "days": days, "ads_by_then": ads, "unexplained": unexplained, "quiet_days": QUIET}


def _same(kind: Kind, case: Kind) -> bool:
    """Whether one would be known by the other's case on record."""
    return kind.language == case.language and not set(kind.phrases[:TOP]).isdisjoint(case.phrases[:TOP])


def _about(ads: list[SeenAd], marketplace: Marketplace, subject: str) -> int:
    return sum(marketplace.about[ad.ad_id] == subject for ad in ads)


def _days(marketplace: Marketplace, subject: str, part: float, rng: np.random.Generator) -> Iterator[list[list[SeenAd]]]:
    """Each in ``LOOKS`` parts."""
    for day in range(BEGIN, END):
        yield [[shown for ad in came if (shown := _shown(ad, marketplace, subject, part, day, rng))] for came in marketplace.days[day]]


def _shown(ad: SeenAd, marketplace: Marketplace, subject: str, part: float, day: int, rng: np.random.Generator) -> SeenAd | None:
    of_it = marketplace.about[ad.ad_id] == subject
    if of_it and (day < APPEARS or rng.random() >= part):
        return None
    read = of_it and ad.ad_id in marketplace.bad and rng.random() < READ * MARKED
    return replace(ad, marked=True) if read else ad


def is_of(kind: Kind, marketplace: Marketplace, subject: str) -> bool:
    """Whether a case is about the subject."""
    return sum(marketplace.about[ad] == subject for ad in kind.ads) >= RIGHT * len(kind.ads)
