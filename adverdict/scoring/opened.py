"""A real bundle in the shape the scorer asks for. Imports the model libraries; the rest of the service does not need them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from adverdict.certification.exits.cuts import Exits
from adverdict.certification.exits.solve import Doubt
from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.ad import Ad
from adverdict.domain.decision import Reason
from adverdict.domain.familiarity import Familiarity
from adverdict.domain.risk import RiskScore
from adverdict.features.history.known import History
from adverdict.models.bundle import HISTORY, Bundle, Scores, load_bundle
from adverdict.models.explain import reasons
from adverdict.models.manifest import Manifest


@dataclass(frozen=True)
class ScoredAds:
    """Implements ``scoring.model.EarlyRisks``."""

    bundle: Bundle
    ads: Sequence[Ad]
    scores: Scores

    def risks(self, ad: int) -> dict[str, RiskScore]:
        return self.scores.risks(ad)

    def familiarity(self, ad: int) -> Familiarity | None:
        return None if self.scores.familiarity is None else self.scores.familiarity[ad]

    def exit(self, ad: int) -> Literal["early", "full"]:
        return "early" if self.scores.early[ad] else "full"

    def doubt(self, ad: int) -> float:
        return float(self.scores.doubt[ad])

    def reasons(self, ad: int, policies: Sequence[str]) -> tuple[Reason, ...]:
        known = [policy for policy in policies if policy in self.scores.policies]
        return reasons(self.bundle, self.ads[ad], self.scores, ad, known)


@dataclass(frozen=True)
class BundleModel:
    """Implements ``scoring.model.CascadeModel``."""

    bundle: Bundle

    @property
    def manifest(self) -> Manifest:
        """What the bundle is made of, and of which data: by it the console says that these were simulated."""
        return self.bundle.manifest

    @property
    def solved(self) -> SolvedThresholds:
        return self.bundle.thresholds

    @property
    def version(self) -> str:
        return self.bundle.version

    @property
    def policies(self) -> tuple[str, ...]:
        return self.bundle.policies

    @property
    def snapshot(self) -> bytes:
        """The history it was made with, as it is stored."""
        return (self.bundle.folder / HISTORY).read_bytes()

    @property
    def doubt(self) -> Doubt | None:
        """How an early exit's risks are doubted; None: there is no early exit."""
        return None if self.bundle.cascade is None else self.bundle.cascade.doubt

    def score(self, ads: Sequence[Ad], history: History | None = None) -> ScoredAds:
        return ScoredAds(self.bundle, ads, self.bundle.score(ads, history))

    def score_until(self, ads: Sequence[Ad], history: History | None, exits: Exits) -> ScoredAds:
        return ScoredAds(self.bundle, ads, self.bundle.score(ads, history, exits))


def open_bundle(folder: Path) -> BundleModel:
    """Raises NotFound, UntrustedBundle or ContractMismatch."""
    return BundleModel(load_bundle(folder))
