"""New kinds of bad ads, noticed by what reviewers mark, and by what viewers report beside it."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np

from adverdict.benchmarks.monitoring.kinds import APPEARS, BEGIN, MARKED, QUIET, READ, SUBJECTS, Marketplace, is_of
from adverdict.domain.progress import Progress
from adverdict.monitoring.emerging import SeenAd, Watch

ADS, QUICK_ADS = 200_000, 100_000
SHARES = (0.4, 0.2, 0.1, 0.05)
"""Of the subject's ads that appear: few enough that no burst tells."""
REPORTED = (0.05, 0.15, 0.3)
"""Of bad ads of the kind, the part that a believed viewer reports; reviewers read a fifth of them and mark 70 % of what they read."""
FALSELY = 0.005
"""Of all other ads, the part that one reports."""


def kinds(quick: bool, seed: int, progress: Progress) -> dict[str, Any]:
    """Of each subject and volume, the days until its first case by marks alone and with reports of so many; and cases of nothing new."""
    ads = QUICK_ADS if quick else ADS
    progress.stage("simulated marketplace", ads)
    marketplace = Marketplace.made(ads, seed, progress)
    progress.stage("new kinds", len(SUBJECTS) * len(SHARES))
    rows: list[dict[str, Any]] = []
    for number, (subject, part) in enumerate((subject, part) for subject in SUBJECTS for part in SHARES):
        tried = {}
        for share in (0.0, *REPORTED):
            tried[f"{share:g}"] = _noticed(marketplace, subject, part, share, np.random.default_rng([seed, 41, number]))
        days, unexplained = ({share: told[which] for share, told in tried.items()} for which in (0, 1))
        rows.append({"subject": subject, "part": part, "days": days, "unexplained": unexplained})
        progress.advance()
    weeks = len(rows) * QUIET / 7
    found = {}
    for share in REPORTED:
        pairs = [(_days(row["days"]["0"]), _days(row["days"][f"{share:g}"])) for row in rows]
        found[f"{share:g}"] = {
            "earlier": sum(after < before for before, after in pairs),
            "later": sum(after > before for before, after in pairs),
            "mean_days_earlier": float(np.mean([before - after for before, after in pairs])),
            "unexplained_a_week": sum(row["unexplained"][f"{share:g}"] for row in rows) / weeks,
        }
    return {"kinds": rows, "reported": found, "unexplained_a_week_marks": sum(row["unexplained"]["0"] for row in rows) / weeks}


def _days(told: int | None) -> int:
    """One that was not noticed counts as if it had been on the day after the last."""
    return LAST + 1 if told is None else told


LAST = 38
"""Days after the kind appears."""


def _noticed(marketplace: Marketplace, subject: str, part: float, share: float, rng: np.random.Generator) -> tuple[int | None, int]:
    """Days until its first case, and cases of nothing new before it appears. ``share``: of its bad ads, those that are reported; 0: nothing
    is reported at all."""
    watch, unexplained = Watch(), 0
    for day in range(BEGIN, APPEARS + LAST):
        shown = [one for ad in chain(*marketplace.days[day]) if (one := _seen(ad, marketplace, subject, part, day, share, rng)) is not None]
        found = watch.day(shown)
        if day < APPEARS:
            unexplained += len(found) if day >= APPEARS - QUIET else 0
        elif any(is_of(kind, marketplace, subject) for kind in found):
            return day - APPEARS + 1, unexplained
    return None, unexplained


def _seen(
    ad: SeenAd, marketplace: Marketplace, subject: str, part: float, day: int, share: float, rng: np.random.Generator
) -> SeenAd | None:
    of_it = marketplace.about[ad.ad_id] == subject
    appears, read, reported = rng.random(3)  # drawn for every ad, so that all ways see the same ones
    if of_it and (day < APPEARS or appears >= part):
        return None
    bad = of_it and ad.ad_id in marketplace.bad
    marked, told = bad and read < READ * MARKED, share > 0 and reported < (share if bad else FALSELY)
    return replace(ad, marked=marked, reported=told) if marked or told else ad
