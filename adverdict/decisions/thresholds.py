"""What thresholds make of a risk, and those that were solved from labelled ads, stored with the bundle as ``thresholds.json``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationError

from adverdict.decisions.policy import Targets, Thresholds
from adverdict.domain.ad import Utc
from adverdict.domain.errors import InvalidPolicy, UntrustedBundle, shorten
from adverdict.domain.verdict import Verdict, of_severity

SCHEMA = 2
"""Raised when what is stored changes and cannot be read as before: 2 since a certificate's end is kept with it. What thresholds say of
themselves beyond that is written only where it is said, so that what was stored before still has its digest."""
POOLED = "*"
"""In place of a market: solved over all markets together."""


def severity_at(risk: Any, approve_below: Any, reject_at: Any) -> Any:
    """The severity of the verdict that thresholds give a risk: 0 approve, 1 review, 2 reject. Review for NaN.

    This is the whole comparison, for one number or for arrays that broadcast together: what counts or draws verdicts asks here, so that it
    counts what ``decide`` would decide. Expects 0 <= ``approve_below`` <= ``reject_at`` <= 1.
    """
    return 1 - (risk < approve_below) + (risk >= reject_at)


def verdict_at(p: float, approve_below: float, reject_at: float, *, may_reject: bool = True) -> Verdict:
    """The verdict that thresholds give one risk; review in place of reject where the policy may not reject this ad."""
    verdict = of_severity(severity_at(p, approve_below, reject_at))
    return verdict if may_reject or verdict is not Verdict.REJECT else Verdict.REVIEW


class SolvedFor(NamedTuple):
    """What a pair of thresholds answers to. Other targets are another question, even in the same market."""

    policy: str
    market: str
    targets: Targets


@dataclass(frozen=True)
class SolvedThresholds:
    """Thresholds by (policy, market or ``POOLED``, targets)."""

    points: Mapping[SolvedFor, Thresholds] = field(default_factory=dict)
    digest: str = field(init=False)
    """sha256 over the content; the order of entries does not change it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", hashlib.sha256(self.to_json().encode()).hexdigest())

    def find(self, policy: str, market: str, targets: Targets) -> Thresholds | None:
        """The market's own, else those of all markets together; None when neither was solved for exactly these targets."""
        own = self.points.get(SolvedFor(policy, market, targets))
        return own if own is not None else self.points.get(SolvedFor(policy, POOLED, targets))

    def concerns(self, policy: str) -> bool:
        """Whether anything was solved for this policy, whatever the targets."""
        return any(key.policy == policy for key in self.points)

    def to_json(self) -> str:
        entries = [
            {"policy": key.policy, "market": key.market, "targets": asdict(key.targets), "thresholds": _stored(thresholds)}
            for key, thresholds in sorted(self.points.items(), key=lambda item: (item[0].policy, item[0].market, str(item[0].targets)))
        ]
        return json.dumps({"schema": SCHEMA, "solved": entries}, indent=1, sort_keys=True, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> SolvedThresholds:
        """Raises ``UntrustedBundle`` on what ``to_json`` never writes: other keys or types, values out of range, one key twice."""
        refuse_other_schema(text, "thresholds.json", SCHEMA, ": train the bundle again")
        try:
            entries = _Stored.model_validate_json(text).solved
            points = {SolvedFor(e.policy, e.market, Targets(**dict(e.targets))): Thresholds(**dict(e.thresholds)) for e in entries}
        except (ValidationError, InvalidPolicy) as error:
            raise UntrustedBundle(f"thresholds.json is not a set of solved thresholds: {error}") from error
        if len(points) != len(entries):
            raise UntrustedBundle("thresholds.json solves the same policy, market and targets twice")
        return cls(points)


def _stored(thresholds: Thresholds) -> dict[str, object]:
    stored = {**asdict(thresholds), "expires_at": thresholds.expires_at.isoformat() if thresholds.expires_at else None}
    return {key: value for key, value in stored.items() if key not in _SAID or value}


def refuse_other_schema(text: str, file: str, reads: int, what_helps: str) -> None:
    """Before anything else: under another schema every further complaint would mislead. What has no schema at all is refused later."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return
    schema = content.get("schema", reads) if isinstance(content, dict) else reads
    if schema != reads:
        raise UntrustedBundle(f"{file} has schema {shorten(schema)}; this version reads schema {reads}{what_helps}")


_SAID = ("provisional", "audit_share")
"""Left out where nothing is said."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class _StoredTargets(_Strict):
    max_leakage: float
    max_wrongful_reject: float
    confidence: float


class _StoredThresholds(_Strict):
    approve_below: float
    reject_at: float
    certificate_id: str | None
    expires_at: Annotated[Utc, Strict(False)] | None  # text, as JSON has no times; Utc refuses numbers
    provisional: bool = False
    audit_share: float | None = None


class _StoredPoint(_Strict):
    policy: str
    market: str
    targets: _StoredTargets
    thresholds: _StoredThresholds


class _Stored(_Strict):
    schema_: Literal[2] = Field(alias="schema")
    solved: list[_StoredPoint]
