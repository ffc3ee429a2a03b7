"""A model that ads may leave early, small enough to read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np

from adverdict.certification.certificate import Issued
from adverdict.certification.exits.cuts import Exits
from adverdict.certification.exits.evidence import ExitEvidence
from adverdict.certification.exits.solve import Doubt
from adverdict.domain.ad import Ad
from adverdict.domain.risk import RiskScore
from adverdict.features.history.state import HistoryState
from adverdict.models.blend import BlendModel
from adverdict.models.calibration import Calibration
from adverdict.models.cascade import Cascade, Spread
from tests.scoring.fakes import FakeModel, FakeRisks

ISSUED = datetime(2026, 3, 1, tzinfo=UTC)
EXPIRES = ISSUED + timedelta(days=90)


LEVEL = Spread(np.array([-9.0, 9.0]), np.array([-9.0, 9.0]), np.array([0.3, 0.3]), np.array([0.3, 0.3]))
CASCADE = Cascade(BlendModel(("ridge",), np.ones((2, 1)), np.zeros(2)), Calibration(()), (LEVEL, LEVEL))
"""The whole risk lies around the early one, under both policies."""


@dataclass(frozen=True)
class EarlyFakeRisks(FakeRisks):
    left: Sequence[bool] = ()
    doubts: Sequence[float] = ()

    def risks(self, ad: int) -> dict[str, RiskScore]:
        p = said(self.ads[ad])[0 if self.left[ad] else 1]
        return {policy: RiskScore(policy=policy, p=p, p_low=p, p_high=p) for policy in self.policies}

    def exit(self, ad: int) -> Literal["early", "full"]:
        return "early" if self.left[ad] else "full"

    def doubt(self, ad: int) -> float:
        return self.doubts[ad]


@dataclass(frozen=True)
class EarlyFakeModel(FakeModel):
    """A title says the early risk and the whole one, such as "0.02 0.95"."""

    read: list[str] = field(default_factory=list)
    """The ads that the costly model read."""

    @property
    def doubt(self) -> Doubt | None:
        return CASCADE.doubt

    def score(self, ads: Sequence[Ad], history: HistoryState | None = None) -> EarlyFakeRisks:
        self.read.extend(ad.ad_id for ad in ads)
        return EarlyFakeRisks(self.policies, ads, left=[False] * len(ads), doubts=[0.0] * len(ads))

    def score_until(self, ads: Sequence[Ad], history: HistoryState | None, exits: Exits) -> EarlyFakeRisks:
        p = np.repeat([[said(ad)[0]] for ad in ads], len(self.policies), axis=1)
        doubts = CASCADE.doubt(p, exits.cuts)
        left = (doubts <= exits.limit).tolist()
        self.read.extend(ad.ad_id for ad, early in zip(ads, left, strict=True) if not early)
        return EarlyFakeRisks(self.policies, ads, left=left, doubts=doubts.tolist())


@dataclass(frozen=True)
class NoEarlyExit(EarlyFakeModel):
    """As a real bundle without an encoder."""

    @property
    def doubt(self) -> Doubt | None:
        return None


def said(ad: Ad) -> tuple[float, float]:
    early, _, whole = (ad.title or "0.02 0.02").partition(" ")
    try:
        return float(early), float(whole)
    except ValueError:
        return 0.02, 0.02


def open_early(folder: Path) -> EarlyFakeModel:
    return EarlyFakeModel(json.loads((folder / "bundle.json").read_text())["version"])


def evidence(wrong: int = 0, **changes: Any) -> ExitEvidence:
    """3,500 ads at risk .02, far from the thresholds .1 and .9, and 500 at .09, ``wrong`` of which end up above .1."""
    early = np.concatenate([np.full(3_500, 0.02), np.full(500, 0.09)])
    whole = np.where(np.arange(4_000) >= 4_000 - wrong, 0.5, early)
    fields: dict[str, Any] = {
        "max_flipped": 0.001,
        "confidence": 0.95,
        "bundle_version": "v1",
        "policies": ("deceptive", "gambling"),
        "solved_at": ISSUED,
        "expires_at": EXPIRES,
    } | changes
    both = [np.repeat(risk[:, None], 2, axis=1) for risk in (early, whole)]
    return ExitEvidence.of(both[0], both[1], [("SE", "feed")] * 4_000, np.arange(4_000), **fields)


def issued(wrong: int = 200, **changes: Any) -> Issued:
    """Enough for a rule by which ads at .02 leave early and those at .09 do not."""
    return Issued((), evidence(wrong, **changes))
