"""How far an ad is from what everybody may see: its tier, as brand safety has it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class Tier(StrEnum):
    """From the least to the most sensitive."""

    LOW = "low"
    """Nothing of the category, or a mention that offers nothing."""
    MEDIUM = "medium"
    """The category, in a way that leaves open what is offered."""
    HIGH = "high"
    """The category, openly, and within the rules."""
    FLOOR = "floor"
    """Against the rules: suitable nowhere."""

    @property
    def rank(self) -> int:
        """0 for ``low``."""
        return TIERS.index(self)


TIERS = tuple(Tier)


class Suitability(BaseModel):
    """Where an ad may stand. Told beside its decision; it changes no verdict."""

    model_config = ConfigDict(frozen=True)

    tier: Tier | None = Field(description="the most sensitive over all categories; null: not sure enough to say, a person does")
    categories: dict[str, Tier] = Field(description="by category, as far as the model can tell them; the tier stands on all of them")
    accepted: dict[str, bool | None] = Field(
        description="by placement or advertiser that says what it accepts; null: not known, as the tier"
    )
    certificate_id: str | None = Field(description="null: it is not shown that few tiers are wrong")
    version: str = Field(description="of the model of tiers")
    because: str = Field(description="in words")

    @classmethod
    def accepting(cls, accepts: Mapping[str, Tier], tier: Tier | None) -> dict[str, bool | None]:
        """By name: whether a tier is accepted. The floor never is; where the tier is not known, nobody knows."""
        if tier is None:
            return dict.fromkeys(accepts)
        return {name: tier is not Tier.FLOOR and tier.rank <= most.rank for name, most in accepts.items()}
