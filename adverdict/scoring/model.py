"""A bundle as the scorer needs it. In tests, a fake."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.ad import Ad
from adverdict.domain.decision import Reason
from adverdict.domain.familiarity import Familiarity
from adverdict.domain.risk import RiskScore

if TYPE_CHECKING:
    from adverdict.certification.exits.cuts import Exits
    from adverdict.certification.exits.solve import Doubt
    from adverdict.features.history.known import History


class Risks(Protocol):
    """What a model said of some ads, in their order."""

    def risks(self, ad: int) -> dict[str, RiskScore]:
        """Of the ad at this position, by policy."""
        ...

    def familiarity(self, ad: int) -> Familiarity | None:
        """How much the ad is like those learnt from; None: the model does not know."""
        ...

    def reasons(self, ad: int, policies: Sequence[str]) -> tuple[Reason, ...]:
        """What moved those risks most."""
        ...


class Model(Protocol):
    """A bundle as the scorer needs it; in tests, a fake."""

    @property
    def version(self) -> str: ...
    @property
    def policies(self) -> tuple[str, ...]: ...
    @property
    def solved(self) -> SolvedThresholds: ...
    @property
    def snapshot(self) -> bytes | None:
        """The history it was made with, as ``features.history.snapshot`` stores it; None when it has none."""
        ...

    def score(self, ads: Sequence[Ad], history: History | None = None) -> Risks:
        """``history``: what is known of advertisers; the bundle's own snapshot when None."""
        ...


class EarlyRisks(Risks, Protocol):
    """What a model said of ads some of which left it early."""

    def exit(self, ad: int) -> Literal["early", "full"]:
        """Where the ad at this position left."""
        ...

    def doubt(self, ad: int) -> float:
        """How likely the costly models were to change one of its verdicts."""
        ...


@runtime_checkable
class CascadeModel(Protocol):
    """What a ``Model`` has besides when ads may leave it early. No ``Model`` itself: telling one apart reads all of its properties, and
    the snapshot may be large."""

    @property
    def doubt(self) -> Doubt | None:
        """How likely the costly models are to change verdicts; None: this one has no early exit after all."""
        ...

    def score_until(self, ads: Sequence[Ad], history: History | None, exits: Exits) -> EarlyRisks:
        """As ``score``; ``exits`` says who may leave early."""
        ...
