"""How much doubt an ad may leave with, such that verdicts hardly ever differ from the whole model's.

Learn then Test (Angelopoulos et al. 2021, arXiv 2110.01052, section 3.2): limits on doubt form a fixed grid and are tested from cautious
to bold, each at the full level, until one fails; the hypothesis is "of all ads, more than ``max_flipped`` leave early with a verdict, under
any policy, that the whole model would not have given". Early exit with such a control: Schuster et al. 2022 (CALM, arXiv 2207.07061).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from adverdict.certification.exits.cuts import Cuts, CutTable
from adverdict.certification.exits.evidence import ExitEvidence
from adverdict.certification.statistics.alikeness import alikeness, measured
from adverdict.certification.statistics.bounds import Sizes, fewest_draws, p_value, upper_bound
from adverdict.decisions.exits import ExitRule
from adverdict.decisions.policy import PolicyBook
from adverdict.decisions.thresholds import SolvedThresholds, severity_at

Floats = NDArray[np.float64]
Doubt = Callable[[Floats, Cuts], Floats]
"""``models.cascade.Cascade.doubt``: early risks and cuts -> estimated chance of a flip."""

GRID = tuple(float(f"{10 ** (power / 10):.3g}") for power in range(-60, 1))
"""Limits, the most cautious first. 0 is not among them: it lets only those leave whom no risk could change, and needs no certificate."""


@dataclass(frozen=True)
class ExitCertificate:
    """What is promised of an exit rule under one policy book and one set of thresholds, and on what evidence."""

    certificate_id: str
    limit: float
    """0: nothing is shown, and only ads on which nothing hangs leave early."""
    ads: int
    advertisers: int
    draws: float
    """Independent ads these are worth, as alike as an advertiser's flips are."""
    left: int
    """Ads that leave early at ``limit``."""
    flipped: int
    """Of those, ads with a verdict that the whole model would not have given."""
    upper: float
    """Upper confidence bound of the share of flipped ads, of all."""
    disagreeing: int
    """Ads whose verdicts would differ if every ad left early."""
    max_flipped: float
    confidence: float
    expires_at: datetime

    @property
    def rule(self) -> ExitRule:
        return ExitRule(self.limit, self.certificate_id, self.expires_at)

    @property
    def feasible(self) -> bool:
        return self.limit > 0

    @property
    def draws_needed(self) -> int:
        """Independent ads without a single flip that it takes at least."""
        return fewest_draws(self.max_flipped, 1 - self.confidence)


def solve_exits(evidence: ExitEvidence, book: PolicyBook, solved: SolvedThresholds, doubt: Doubt) -> ExitCertificate:
    """The boldest limit that keeps ``max_flipped`` with the stated confidence, under the thresholds in force. Never fails: 0 is an answer.

    Thresholds are taken as given. Where they were solved on the same ads, labels chose them and flips do not look at labels; the
    dependence that is left is not accounted for.
    """
    cuts = CutTable(book, solved, evidence.policies).at(evidence.where) if evidence.where else np.empty((0, len(evidence.policies), 2))
    disagree = (verdicts(evidence.early_risk, cuts) != verdicts(evidence.whole_risk, cuts)).any(axis=1)
    found = doubt(evidence.early_risk, cuts)
    alike = alikeness(disagree, evidence.groups)
    level = 1 - evidence.confidence
    limit, flipped, sizes = 0.0, int(disagree[found <= 0].sum()), Sizes.of(evidence.groups, alike)
    for bolder in GRID:
        flips = disagree & (found <= bolder)
        # Models disagree near a threshold by chance, and far from it over whole advertisers: the flips tell more than the disagreements.
        together = Sizes.of(evidence.groups, max(alike, measured(flips, evidence.groups)))
        if p_value(int(flips.sum()), together, evidence.max_flipped) > level:
            break
        limit, flipped, sizes = bolder, int(flips.sum()), together
    return ExitCertificate(
        certificate_id=_identity(evidence, book, solved, limit),
        limit=limit,
        ads=len(disagree),
        advertisers=sizes.groups,
        draws=sizes.draws,
        left=int((found <= limit).sum()),
        flipped=flipped,
        upper=upper_bound(flipped, sizes, level),
        disagreeing=int(disagree.sum()),
        max_flipped=evidence.max_flipped,
        confidence=evidence.confidence,
        expires_at=evidence.expires_at,
    )


def verdicts(risk: Floats, cuts: Cuts) -> NDArray[np.int64]:
    """Their severities, ``(n_ads, n_policies)``: 0 approve, 1 review, 2 reject."""
    return np.asarray(severity_at(risk, cuts[:, :, 0], cuts[:, :, 1]))


def _identity(evidence: ExitEvidence, book: PolicyBook, solved: SolvedThresholds, limit: float) -> str:
    content = f"{evidence.digest} {book.hash} {solved.digest} {limit!r}"
    return f"exit-{hashlib.sha256(content.encode()).hexdigest()[:16]}"
