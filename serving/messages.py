"""What travels over HTTP beside ``Ad`` and ``Decision``: batches, errors, readiness. The OpenAPI document is made from these."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from domain.ad import Ad
from domain.decision import Decision

MAX_BATCH = 256


class MistakeBody(BaseModel):
    """One thing wrong with the request."""

    model_config = ConfigDict(frozen=True)

    field: str = Field(description="path of the field, e.g. title or keywords[3]")
    value: Any = Field(description="what came, shortened")
    expected: str


class ErrorDetail(BaseModel):
    """What went wrong. ``field``, ``value`` and ``expected`` are those of the first mistake, null when no field is at fault."""

    model_config = ConfigDict(frozen=True)

    code: str = Field(description="stable, for machines")
    message: str = Field(description="for people")
    field: str | None = None
    value: Any = None
    expected: str | None = None
    mistakes: tuple[MistakeBody, ...] = Field(default=(), description="every mistake found, at most 20")
    request_id: str | None = Field(default=None, description="quote it when asking for help")


class ErrorBody(BaseModel):
    """The one shape of every error."""

    model_config = ConfigDict(frozen=True)

    error: ErrorDetail


class BatchRequest(BaseModel):
    """Ads to decide on together."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ads: Annotated[list[Ad], Field(min_length=1, max_length=MAX_BATCH)]


class RefusedAd(BaseModel):
    """An ad of a batch that was not decided on, and why. The others of the batch were."""

    model_config = ConfigDict(frozen=True)

    ad_id: str | None = Field(description="null when the ad carries no usable id")
    error: ErrorDetail


class BatchResult(BaseModel):
    """One result an ad, in the order of the request: a decision, or what was wrong with the ad."""

    model_config = ConfigDict(frozen=True)

    results: tuple[Decision | RefusedAd, ...]


class Readiness(BaseModel):
    """What this worker serves."""

    model_config = ConfigDict(frozen=True)

    status: Literal["ready", "starting", "no_model"]
    model: str = Field(description="what was asked for, e.g. models:/adjudicate@champion")
    serving: str | None = Field(description="what that stood for when it was loaded, e.g. models:/adjudicate/3")
    bundle_version: str | None
    certificates: str | None = Field(description="sha256 of the certificates in use; null: thresholds without any")
    certified_until: datetime | None = Field(description="when the first certificate in use expires; null: none is in use")
    policies: tuple[str, ...] = Field(description="policies the bundle scores")
    policy_hash: str = Field(description="sha256 of the policy files in force")
    since: datetime | None = Field(description="when this bundle began to serve")
    checked_at: datetime | None = Field(description="when the registry was last asked")
    degraded: tuple[str, ...] = Field(description="causes, as decisions carry them; empty when nothing is missing or stale")
    swaps: int = Field(description="bundles this worker has put into service since it started")
