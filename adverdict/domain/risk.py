"""How likely an ad is to break one policy."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class RiskScore(BaseModel):
    """Calibrated P(ad violates policy) in [0, 1], with a 90 % interval of the calibration around it."""

    model_config = ConfigDict(frozen=True)

    policy: str
    p: float = Field(ge=0, le=1)
    p_low: float = Field(ge=0, le=1)
    p_high: float = Field(ge=0, le=1)
