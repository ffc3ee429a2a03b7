"""A certificate: what is promised of a pair of thresholds, for whom, on which evidence, under which assumptions, and until when."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from adverdict.certification.exits.evidence import ExitEvidence
from adverdict.certification.words import Side, Strength
from adverdict.decisions.policy import Targets, Thresholds
from adverdict.decisions.thresholds import SolvedFor, SolvedThresholds
from adverdict.domain.errors import UntrustedBundle

SCHEMA = 1
CERTIFICATES = "certificates.json"


class Status(StrEnum):
    CERTIFIED = "certified"
    """Every bound the policy asks for here is shown."""
    PARTLY = "partly"
    """One of two bounds is shown; the other side decides nothing by itself."""
    INFEASIBLE = "infeasible"
    """No bound is shown, or for no market."""


class Otherwise(StrEnum):
    """What decides where nothing is certified."""

    REVIEW = "review"
    """People."""
    UNCERTIFIED = "uncertified"
    """The thresholds the model brings, which carry no certificate; each decision says so."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class StatedTargets(_Part):
    max_leakage: float
    max_wrongful_reject: float
    confidence: float


class Count(_Part):
    """What one threshold decided of the labelled ads."""

    threshold: float
    ads: int = Field(description="labelled ads decided")
    errors: int = Field(description="those decided wrongly, by their labels")
    advertisers: int = Field(description="groups of ads that share an advertiser or a creative")
    draws: float = Field(description="independent ads these are worth, as alike as an advertiser's ads are")

    @property
    def rate(self) -> float:
        return self.errors / self.ads if self.ads else 0.0


class Bound(_Part):
    """One side's answer."""

    side: Side
    target: float = Field(description="the policy's limit for the rate of errors")
    limit: float = Field(description="what was tested: the target, lowered for errors that raters miss")
    level: float = Field(description="chance of error spent on this side")
    certified_from: Count | None = Field(description="the most cautious threshold certified; null: none is")
    certified_to: Count | None = Field(description="the boldest threshold certified")
    upper: float | None = Field(description="upper confidence bound of the true rate of errors at the boldest threshold")
    stopped_at: Count | None = Field(description="the first threshold that failed")
    labels_needed: int | None = Field(
        description="labelled ads after which the bound would be shown 4 times in 5; null: no number would do, or none is needed"
    )


class LabelNoise(_Part):
    """What is assumed of the raters: an error rate seen by them is at least this share of the true one."""

    sensitivity: float = Field(gt=0, le=1, description="P(raters say so | violates)")
    specificity: float = Field(gt=0, le=1, description="P(raters say not | does not violate)")
    source: Literal["assumed", "agreement"] = Field(description="assumed, or from how often two raters of one ad agree")
    twice_rated: int = Field(default=0, description="ads with two raters or more, behind an agreement")
    disagreed: int = Field(default=0, description="those the raters did not agree on")


class MarketEvidence(_Part):
    """One market's part in the evidence, and whether the thresholds serve it."""

    market: str
    ads: int = Field(description="ads of the data the thresholds would decide on, labelled or not")
    labelled: int
    violating: int
    served: bool
    lends: bool = Field(default=False, description="only its labels are used; it has a certificate of its own")
    why_not: str | None = None


class CurvePoint(_Part):
    """What would happen with this threshold, on the labelled ads."""

    threshold: float
    below: int = Field(description="labelled ads with a lower risk")
    leaked: int = Field(description="violating ones among them")
    leakage_upper: float
    above: int = Field(description="labelled ads with this risk or a higher one")
    wronged: int = Field(description="not violating ones among them")
    wrongful_upper: float


class Certificate(_Part):
    """See the module. ``certificate_id`` is a digest of everything else."""

    schema_: Literal[1] = Field(default=1, alias="schema")
    certificate_id: str
    policy: str
    surfaces: tuple[str, ...] | None = Field(description="where it holds; null: on every surface that the policy files do not name")
    strength: Strength
    markets: tuple[MarketEvidence, ...] = Field(description="markets whose labels were used, those served or not")
    targets: StatedTargets
    status: Status
    approve_below: float
    reject_at: float
    otherwise: Otherwise = Otherwise.REVIEW
    bounds: tuple[Bound, ...]
    alike: float = Field(ge=0, le=1, description="correlation of the ads of one advertiser that was allowed for; 1: all alike")
    family: tuple[str, ...] = Field(description="what else holds at the same time, all with the confidence stated")
    noise: LabelNoise
    like_traffic: float | None = Field(description="p-value of labelled and other ads having the same risks; null: all are labelled")
    statement: str
    assumptions: tuple[str, ...]
    findings: tuple[str, ...] = Field(description="what is missing, and what would do")
    curve: tuple[CurvePoint, ...] = ()
    bundle_version: str
    policy_hash: str
    data: tuple[str, ...] = Field(description="digests of the labelled data")
    solved_at: AwareDatetime
    expires_at: AwareDatetime

    @property
    def served(self) -> tuple[str, ...]:
        return tuple(sorted(one.market for one in self.markets if one.served))

    @property
    def decides(self) -> bool:
        """Whether its thresholds decide any ad."""
        return self.approve_below > 0 or self.reject_at < 1

    @property
    def ads(self) -> int:
        """Labelled ads behind it."""
        return sum(one.labelled for one in self.markets)

    def bound(self, side: Side) -> Bound | None:
        return next((bound for bound in self.bounds if bound.side is side), None)

    def expired_at(self, moment: datetime) -> bool:
        return self.expires_at <= moment


def sealed(certificate: Certificate) -> Certificate:
    """The same, named by its content."""
    return certificate.model_copy(update={"certificate_id": _identity(certificate)})


@dataclass(frozen=True)
class Issued:
    """What was issued together for one model: certificates of thresholds, and what an exit rule can be solved from."""

    certificates: tuple[Certificate, ...]
    exits: ExitEvidence | None = None
    """None: every ad takes the whole way through the models."""

    def to_json(self) -> str:
        """As one document, the certificates in order of policy and market."""
        entries = [json.loads(one.model_dump_json(by_alias=True)) for one in self.certificates]
        stored: dict[str, object] = {"schema": SCHEMA, "certificates": entries}
        if self.exits is not None:
            stored["exits"] = self.exits.model_dump(mode="json")
        return json.dumps(stored, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Issued:
        """Raises UntrustedBundle on anything ``to_json`` does not write, and on a certificate whose content is not what it is named by."""
        try:
            found = _Stored.model_validate_json(text)
        except ValidationError as error:
            raise UntrustedBundle(f"certificates.json is not a set of certificates: {error}") from error
        altered = [one.certificate_id for one in found.certificates if one.certificate_id != _identity(one)]
        if altered:
            raise UntrustedBundle(f"these certificates were changed after they were issued: {', '.join(altered)}")
        return cls(found.certificates, found.exits)

    @property
    def versions(self) -> set[str]:
        """Of the bundles all of this is about: one, where nothing is mixed up."""
        return {one.bundle_version for one in self.certificates} | ({self.exits.bundle_version} if self.exits else set())


def thresholds(certificates: Sequence[Certificate], brought: SolvedThresholds | None = None) -> SolvedThresholds:
    """What a service looks up. Where nothing is certified, thresholds that decide nothing; or those the model brought, where the
    certificate says so."""
    points: dict[SolvedFor, Thresholds] = {}
    if brought is not None and any(one.otherwise is Otherwise.UNCERTIFIED for one in certificates):
        points |= brought.points
    for one in certificates:
        targets = Targets(**one.targets.model_dump())
        for market in one.markets:
            key = SolvedFor(one.policy, market.market, targets)
            if market.served and one.decides:
                points[key] = Thresholds(one.approve_below, one.reject_at, one.certificate_id, one.expires_at)
            elif not market.lends and one.otherwise is Otherwise.REVIEW:
                points[key] = Thresholds(0.0, 1.0, one.certificate_id, one.expires_at)
    return SolvedThresholds(points)


class _Stored(_Part):
    schema_: Literal[1] = Field(alias="schema")
    certificates: tuple[Certificate, ...]
    exits: ExitEvidence | None = None


def _identity(certificate: Certificate) -> str:
    content = certificate.model_dump_json(by_alias=True, exclude={"certificate_id"})
    return f"cert-{hashlib.sha256(content.encode()).hexdigest()[:16]}"
