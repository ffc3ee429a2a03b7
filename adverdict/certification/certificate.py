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

from adverdict.certification.consistency import contradictions
from adverdict.certification.exits.evidence import ExitEvidence
from adverdict.certification.words import Side, Strength
from adverdict.decisions.policy import Targets, Thresholds
from adverdict.decisions.thresholds import SolvedFor, SolvedThresholds, refuse_other_schema
from adverdict.domain.errors import UntrustedBundle

SCHEMA = 2
"""Raised when a certificate promises something else: 2 since thresholds aim at the least harm within limits on every ad."""
CERTIFICATES = "certificates.json"
WHAT_REPLACES = ", under which no ad is approved above its policy's max_risk: certify again with adverdict policy solve --data FOLDER"
"""Said after the schema that was refused."""


FEWEST_FOR_A_RATE = 300
"""Labelled ads below which nothing is said of how many ads violate."""


class Status(StrEnum):
    CERTIFIED = "certified"
    """Every bound the policy asks for here is shown."""
    PARTLY = "partly"
    """One of two bounds is shown; the other side decides nothing by itself."""
    INFEASIBLE = "infeasible"
    """No bound is shown, or for no market."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class StatedTargets(_Part):
    max_leakage: float
    max_wrongful_reject: float
    confidence: float
    max_risk: float = Field(description="no ad of this risk or more is approved without a person")
    min_risk_rejected: float = Field(description="no ad of less risk is rejected without a person")
    max_missed: float | None = Field(description="largest share of violating ads that may be approved; null: it is only stated")

    @property
    def averages(self) -> Targets:
        return Targets(self.max_leakage, self.max_wrongful_reject, self.confidence)


class Aim(_Part):
    """The thresholds of least harm, settled before any label was looked at; certification never goes beyond them."""

    approve_below: float
    reject_at: float
    provisional: float = Field(
        description="what is approved below it while nothing is certified: no more than the aim, and where the calibrated risks foresee "
        "max_leakage kept"
    )
    leaked: float = Field(description="what a violating ad that is approved counts for, in wrongly rejected ads")
    price: float | None = Field(description="what a review costs, in wrongly rejected ads; null: reviewers do not suffice at any price")


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
    strength: Strength = Field(description="whose labels it rests on")
    target: float = Field(description="the policy's limit for the rate of errors")
    limit: float = Field(description="what was tested: the target, lowered for errors that raters miss")
    level: float = Field(description="chance of error spent on this side")
    certified_from: Count | None = Field(description="the most cautious threshold certified; null: none is")
    certified_to: Count | None = Field(description="the boldest threshold certified")
    used: Count | None = Field(description="the threshold in use; null: this side decides nothing")
    upper: float | None = Field(description="upper confidence bound of the true rate of errors at the threshold in use; null as above")
    stopped_at: Count | None = Field(description="the first threshold that failed")
    at_aim: Count | None = Field(description="what the threshold aimed at decided of the labelled ads; null: none of them")
    upper_at_aim: float | None = Field(description="upper confidence bound there, below or above the target; null as above")
    labels_needed: int | None = Field(
        description="labels, each of another advertiser, after which the bound would be shown 4 times in 5; null: no number would do, or "
        "none is needed"
    )


class Decides(_Part):
    """What the thresholds do to the ads of the data they would decide on, labelled or not, by their risks."""

    ads: int
    approved: int
    rejected: int

    @property
    def people(self) -> int:
        return self.ads - self.approved - self.rejected


class Design(_Part):
    """How the labels came to be, and so how they may be tested."""

    samples: tuple[str, ...] = Field(description="planned samples that the labels are of; empty: they were stated to be a random part")
    announced: int | None = Field(description="ads of these samples; null: no number was announced")
    labelled: int = Field(description="ads labelled")
    looked_again: bool = Field(
        description="whether labels were solved with before, or are not all there yet: then evidence by betting is asked for, which may be "
        "looked at as often as one likes, instead of an exact test, which may be looked at once"
    )


class Edge(_Part):
    """The riskiest part of what is approved, from a third of the threshold up to it: an average hides the last ad let in."""

    risk_from: float
    ads: int = Field(description="labelled ads there")
    errors: int = Field(description="violating ones among them")
    upper: float = Field(description="upper confidence bound of the share that violates")
    limit: float = Field(description="the policy's max_risk")

    @property
    def shown(self) -> bool:
        return self.upper <= self.limit


class Views(_Part):
    """What labels of ads drawn in proportion to their views say of those that are approved."""

    labelled: int
    errors: int = Field(description="violating ones among them")
    certain: int = Field(description="those with so many views that they were drawn for certain; counted by their views")
    upper: float = Field(description="upper confidence bound of the share of views that is of violating ads")


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
    wrongful_upper: float | None = Field(description="null where nothing may be rejected")


class Certificate(_Part):
    """See the module. ``certificate_id`` is a digest of everything else."""

    schema_: Literal[2] = Field(default=2, alias="schema")
    certificate_id: str
    policy: str
    surfaces: tuple[str, ...] | None = Field(description="where it holds; null: on every surface that the policy files do not name")
    strength: Strength
    markets: tuple[MarketEvidence, ...] = Field(description="markets whose labels were used, those served or not")
    targets: StatedTargets
    status: Status
    approve_below: float
    reject_at: float
    aim: Aim
    traffic: Decides = Field(description="in the markets it serves")
    bounds: tuple[Bound, ...]
    edge: Edge | None = Field(description="null: no ad is approved, or none is labelled")
    missed_upper: float | None = Field(description="upper confidence bound of the share of violating ads that are approved; null: unknown")
    violating: float | None = Field(description="share of the labelled ads that violate; null: none is labelled")
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
    design: Design
    solved_at: AwareDatetime
    expires_at: AwareDatetime
    audit_share: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="of its approvals to be audited, so that audits renew it in time; null: the policy's is enough",
    )
    views: Views | None = Field(default=None, description="null: no labels of ads drawn by views speak of what it approves")

    @property
    def served(self) -> tuple[str, ...]:
        return tuple(sorted(one.market for one in self.markets if one.served))

    @property
    def decides(self) -> bool:
        """Whether its thresholds decide any ad."""
        return self.approve_below > 0 or self.reject_at < 1

    @property
    def idle(self) -> bool:
        """Whether approving every ad would keep ``max_leakage``, so that it limits nothing. Not on a handful of labels."""
        counted = sum(one.labelled for one in self.markets)
        return self.violating is not None and counted >= FEWEST_FOR_A_RATE and self.violating <= self.targets.max_leakage

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
        entries = [json.loads(one.model_dump_json(by_alias=True, exclude=_unsaid(one))) for one in self.certificates]
        stored: dict[str, object] = {"schema": SCHEMA, "certificates": entries}
        if self.exits is not None:
            stored["exits"] = self.exits.model_dump(mode="json")
        return json.dumps(stored, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Issued:
        """Raises UntrustedBundle on anything ``to_json`` does not write, and on a certificate whose content is not what it is named by, or
        does not follow from the evidence it states."""
        refuse_other_schema(text, CERTIFICATES, SCHEMA, WHAT_REPLACES)
        try:
            found = _Stored.model_validate_json(text)
        except ValidationError as error:
            raise UntrustedBundle(f"certificates.json is not a set of certificates: {error}") from error
        altered = [one.certificate_id for one in found.certificates if one.certificate_id != _identity(one)]
        if altered:
            raise UntrustedBundle(f"these certificates were changed after they were issued: {', '.join(altered)}")
        for one in found.certificates:
            if wrong := contradictions(one):
                told = f"certificate {one.certificate_id} of {one.policy} does not follow from its own evidence"
                raise UntrustedBundle(
                    f"{told}: {'; '.join(wrong)}. It was changed: certify again with adverdict policy solve --data FOLDER"
                )
        return cls(found.certificates, found.exits)

    @property
    def versions(self) -> set[str]:
        """Of the bundles all of this is about: one, where nothing is mixed up."""
        return {one.bundle_version for one in self.certificates} | ({self.exits.bundle_version} if self.exits else set())


def thresholds(certificates: Sequence[Certificate]) -> SolvedThresholds:
    """What a service looks up.

    Where approving is not certified the threshold that risks alone speak for is provisional: it decides only where the policy lets
    uncertified thresholds decide, and never beyond its limits. Rejecting is earned: what is not certified rejects nobody.
    """
    points: dict[SolvedFor, Thresholds] = {}
    for one in certificates:
        for market in one.markets:
            if not market.lends:
                points[SolvedFor(one.policy, market.market, one.targets.averages)] = _in_use(one, market.served)
    return SolvedThresholds(points)


def _in_use(one: Certificate, served: bool) -> Thresholds:
    below, at = (one.approve_below, one.reject_at) if served else (0.0, 1.0)
    if below > 0:
        return Thresholds(below, at, one.certificate_id, one.expires_at, audit_share=one.audit_share)
    below = min(one.aim.provisional, at)
    return Thresholds(below, at, one.certificate_id, one.expires_at, provisional=True, audit_share=one.audit_share)


class _Stored(_Part):
    schema_: Literal[2] = Field(alias="schema")
    certificates: tuple[Certificate, ...]
    exits: ExitEvidence | None = None
    signature: str | None = Field(default=None, description="by the deployment's key; see signing.py")


def _identity(certificate: Certificate) -> str:
    content = certificate.model_dump_json(by_alias=True, exclude={"certificate_id", *_unsaid(certificate)})
    return f"cert-{hashlib.sha256(content.encode()).hexdigest()[:16]}"


def _unsaid(certificate: Certificate) -> set[str]:
    """Fields left out where they say nothing: what was issued before there were any keeps its text and its name."""
    return {name for name in ("audit_share", "views") if getattr(certificate, name) is None}
