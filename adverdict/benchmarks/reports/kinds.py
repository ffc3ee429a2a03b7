"""New kinds of bad ads, noticed by what reviewers mark, and by what viewers report beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from adverdict.benchmarks.monitoring.kinds import APPEARS, BEGIN, MARKED, QUIET, READ, SUBJECTS, Marketplace, is_of
from adverdict.domain.progress import Progress
from adverdict.monitoring.emerging import SeenAd, Watch

ADS, QUICK_ADS = 200_000, 100_000
SHARES = (0.4, 0.2, 0.1, 0.05)
"""Of the subject's ads that appear: few enough that no burst tells."""
REPORTED, FALSELY = 0.05, 0.005
"""Of bad ads of the kind, and of all other ads, those that a believed viewer reports."""


def kinds(quick: bool, seed: int, progress: Progress) -> dict[str, Any]:
    """Of each subject and volume, the days until its first case by marks alone and with reports; and cases of nothing new."""
    ads = QUICK_ADS if quick else ADS
    progress.stage("simulated marketplace", ads)
    marketplace = Marketplace.made(ads, seed, progress)
    progress.stage("new kinds", len(SUBJECTS) * len(SHARES))
    rows = []
    for number, (subject, part) in enumerate((subject, part) for subject in SUBJECTS for part in SHARES):
        row: dict[str, Any] = {"subject": subject, "part": part}
        for reports in (False, True):
            rng = np.random.default_rng([seed, 41, number])
            row |= _noticed(marketplace, subject, part, reports, rng)
        rows.append(row)
        progress.advance()
    earlier = [row for row in rows if _days(row["days_reports"]) < _days(row["days_marks"])]
    later = [row for row in rows if _days(row["days_reports"]) > _days(row["days_marks"])]
    weeks = len(rows) * QUIET / 7
    return {
        "kinds": rows,
        "earlier": len(earlier),
        "later": len(later),
        "noticed_marks": sum(row["days_marks"] is not None for row in rows),
        "noticed_reports": sum(row["days_reports"] is not None for row in rows),
        "mean_days_earlier": float(np.mean([_days(row["days_marks"]) - _days(row["days_reports"]) for row in rows])),
        "unexplained_a_week_marks": sum(row["unexplained_marks"] for row in rows) / weeks,
        "unexplained_a_week_reports": sum(row["unexplained_reports"] for row in rows) / weeks,
    }


def _days(told: int | None) -> int:
    """One that was not noticed counts as if it had been on the day after the last."""
    return LAST + 1 if told is None else told


LAST = 38
"""Days after the kind appears."""


def _noticed(marketplace: Marketplace, subject: str, part: float, reports: bool, rng: np.random.Generator) -> dict[str, Any]:
    watch, unexplained, days = Watch(), 0, None
    for day in range(BEGIN, APPEARS + LAST):
        shown = [one for ad in marketplace.days[day] if (one := _seen(ad, marketplace, subject, part, day, reports, rng)) is not None]
        found = watch.day(shown)
        if day < APPEARS:
            unexplained += len(found) if day >= APPEARS - QUIET else 0
        elif any(is_of(kind, marketplace, subject) for kind in found):
            days = day - APPEARS + 1
            break
    name = "reports" if reports else "marks"
    return {f"days_{name}": days, f"unexplained_{name}": unexplained}


def _seen(
    ad: SeenAd, marketplace: Marketplace, subject: str, part: float, day: int, reports: bool, rng: np.random.Generator
) -> SeenAd | None:
    of_it = marketplace.about[ad.ad_id] == subject
    appears, read, reported = rng.random(3)  # drawn for every ad, so that both ways see the same ones
    if of_it and (day < APPEARS or appears >= part):
        return None
    bad = of_it and ad.ad_id in marketplace.bad
    marked = bad and read < READ * MARKED
    told = reports and reported < (REPORTED if bad else FALSELY)
    return replace(ad, marked=True) if marked or told else ad
