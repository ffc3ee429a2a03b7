"""What an exit rule is certified on: early and whole risks of ads no model was fitted to. No labels: the whole model is the truth here."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from adverdict.domain.identity import surface_key

Floats = NDArray[np.float64]
RISK, COUNT = "<f8", "<i4"


def _is_base64(text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("numbers in base64") from error
    return text


Packed = Annotated[str, AfterValidator(_is_base64)]
"""Little-endian numbers, row by row, in base64. Risks to the last bit: many ads share a risk, and a threshold may be just that risk."""


class ExitEvidence(BaseModel):
    """``early`` and ``whole`` are calibrated risks, ``(n_ads, n_policies)``; ``place`` and ``group`` one number an ad.

    It travels with the certificates, so that a service can solve the rule again for whatever thresholds come into force.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    max_flipped: float = Field(gt=0, lt=1, description="share of ads, of all, on which a verdict may differ from the whole model's")
    confidence: float = Field(gt=0, lt=1)
    bundle_version: str
    policies: tuple[str, ...] = Field(min_length=1)
    places: tuple[tuple[str, str], ...] = Field(description="market and surface; the surface is empty where none was given")
    early: Packed
    whole: Packed
    place: Packed = Field(description="position in places, one an ad")
    group: Packed = Field(description="ads with the same number share an advertiser or a creative")
    solved_at: AwareDatetime
    expires_at: AwareDatetime

    @classmethod
    def of(
        cls,
        early: Floats,
        whole: Floats,
        places: Sequence[tuple[str, str]],
        group: NDArray[np.int64],
        **fields: object,
    ) -> Self:
        """``places`` gives each ad's (market, surface); ``fields`` are the others of the class."""
        names = sorted({(market, surface_key(surface)) for market, surface in places})
        number = {name: position for position, name in enumerate(names)}
        at = np.array([number[market, surface_key(surface)] for market, surface in places], dtype=np.int64)
        group = np.unique(group, return_inverse=True)[1]  # numbered anew: only which ads are together counts
        packed = {"early": _pack(early, RISK), "whole": _pack(whole, RISK), "place": _pack(at, COUNT), "group": _pack(group, COUNT)}
        return cls.model_validate({**fields, **packed, "places": names})

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    @cached_property
    def early_risk(self) -> Floats:
        return _unpack(self.early, RISK).reshape(-1, len(self.policies))

    @cached_property
    def whole_risk(self) -> Floats:
        return _unpack(self.whole, RISK).reshape(-1, len(self.policies))

    @cached_property
    def groups(self) -> NDArray[np.int64]:
        return _unpack(self.group, COUNT).astype(np.int64)

    @cached_property
    def where(self) -> list[tuple[str, str | None]]:
        """Each ad's market and surface."""
        named = [(market, surface or None) for market, surface in self.places]
        return [named[at] for at in _unpack(self.place, COUNT).tolist()]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        risks = [_unpack(packed, RISK) for packed in (self.early, self.whole)]
        at, group = _unpack(self.place, COUNT), _unpack(self.group, COUNT)
        n, width = len(at), len(self.policies)
        sizes = (risks[0].size, risks[1].size, len(group))
        if sizes != (n * width, n * width, n):
            raise ValueError(f"{sizes} early risks, whole risks and groups do not fit {n} ads under {width} policies")
        if not all(((risk >= 0) & (risk <= 1)).all() for risk in risks):  # NaN is outside every interval
            raise ValueError("risks outside 0 to 1")
        # A group number is an index to count by: at most as many groups as ads, or a few bytes would ask for gigabytes.
        if not ((at >= 0) & (at < len(self.places)) & (group >= 0) & (group < n)).all():
            raise ValueError("places or groups that are none")
        return self


def _pack(values: NDArray[Any], kind: str) -> str:
    return base64.b64encode(np.ascontiguousarray(values, dtype=kind).tobytes()).decode("ascii")


def _unpack(text: str, kind: str) -> NDArray[Any]:
    raw, size = base64.b64decode(text), np.dtype(kind).itemsize
    if len(raw) % size:
        raise ValueError(f"numbers of {size} bytes each")
    return np.frombuffer(raw, dtype=kind)
