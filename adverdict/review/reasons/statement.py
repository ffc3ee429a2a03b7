"""The statement of reasons an advertiser is owed for a rejected ad: Regulation (EU) 2022/2065 (Digital Services Act), Article 17(3).

Fields are named as in the schema of the Commission's DSA Transparency Database (Article 24(5)), as revised in 2025, so that a statement
for a market of the Union can be sent there as it is. Everything in one comes from entries about the decision. None of it names a person or
quotes the ad: statements are published, and Article 24(5) wants no personal data in them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from adverdict.decisions.policy import PolicyBook, Severity
from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision
from adverdict.domain.identity import surface_key
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import DecisionMade, Entry, Resolved, Ruled, Withdrawn
from adverdict.ledger.said import not_unwound
from adverdict.review.reasons.grounds import UNION, Category, category

YesNo = Literal["Yes", "No"]
Automated = Literal["AUTOMATED_DECISION_FULLY", "AUTOMATED_DECISION_PARTIALLY", "AUTOMATED_DECISION_NOT_AUTOMATED"]
LONGEST = 5000
"""Characters of ``decision_facts`` in the schema."""
_KINDS = {"image": "IMAGE", "banner": "IMAGE", "carousel": "IMAGE", "video": "VIDEO", "audio": "AUDIO"}
_OWN = {"decision_id", "redress"}
"""Fields that the database does not have."""


class StatementOfReasons(BaseModel):
    """What was done to an ad and why. Letters are those of Article 17(3)."""

    model_config = ConfigDict(frozen=True)

    decision_id: str
    puid: str = Field(description="the platform's unique id of the statement: the decision's id")
    decision_visibility: tuple[str, ...] = Field(
        default=("DECISION_VISIBILITY_CONTENT_DISABLED",), description="(a) the ad is not shown; payments and the account are not touched"
    )
    territorial_scope: tuple[str, ...] = Field(description="(a) the ad's market, where the database knows it; empty outside the Union")
    application_date: date = Field(description="(a) from when on; it has no end")
    decision_facts: str = Field(max_length=LONGEST, description="(b) facts and circumstances relied on")
    source_type: Literal["SOURCE_VOLUNTARY"] = Field(default="SOURCE_VOLUNTARY", description="(b) own initiative: no notice of Article 16")
    automated_detection: YesNo = Field(description="(c) whether a model's risk kept the ad from being approved")
    automated_decision: Automated = Field(description="(c) fully: no person took part; partially: a person decided on what a model found")
    decision_ground: Literal["DECISION_GROUND_ILLEGAL_CONTENT", "DECISION_GROUND_INCOMPATIBLE_CONTENT"]
    illegal_content_legal_ground: str | None = Field(default=None, description="(d) the law")
    illegal_content_explanation: str | None = Field(default=None, description="(d) why")
    incompatible_content_ground: str | None = Field(default=None, description="(e) the policies")
    incompatible_content_explanation: str | None = Field(default=None, description="(e) why: the sentences that the advertiser reads")
    category: Category = Field(description="of the most severe policy violated")
    category_addition: tuple[Category, ...] = Field(default=(), description="those of the other ones")
    content_type: tuple[str, ...]
    content_type_other: str | None = "advertisement"
    content_language: str | None = Field(default=None, description="ISO 639-1, in capitals; null when the ad does not say")
    content_date: date = Field(description="when the ad was submitted")
    redress: tuple[str, ...] = Field(description="(f) what the advertiser can do")

    @property
    def in_union(self) -> bool:
        """Whether it belongs into the database."""
        return bool(self.territorial_scope)

    def to_database(self) -> dict[str, Any]:
        """The body of ``POST /api/v1/statement``; only for statements ``in_union``."""
        return {name: value for name, value in self.model_dump(mode="json", exclude=_OWN).items() if value not in (None, [])}


@dataclass(frozen=True)
class _DecisionRecord:
    """What became of a decision, as far as the record goes."""

    ad: Ad
    decision: Decision
    resolved: Resolved | None
    """What settled it, if not the decision itself."""
    rejected_at: datetime
    upheld_at: datetime | None

    @property
    def carried(self) -> bool:
        """Whether people read a copy of the ad, and not this one."""
        return self.resolved is not None and self.resolved.carried is not None


class _Violated(NamedTuple):
    """A policy, as far as it is known."""

    name: str
    title: str
    severity: Severity | None
    sentence: str
    """What the advertiser reads."""
    because: str | None
    """The rule that rejected the ad automatically; None where people found it."""


def statement(entries: Sequence[Entry], book: PolicyBook, legal_grounds: Mapping[str, str] | None = None) -> StatementOfReasons | None:
    """The statement as of now; None when the ad is not rejected (any more), or when what was decided has been erased or withdrawn.

    ``entries``: all about one decision, in order (``Ledger.about``), its step's withdrawal among them. ``book``: the policies it was made
    by. A rejection rests on the platform's terms unless ``legal_grounds`` names the law that a policy stands for: that an ad is illegal is
    for lawyers to say, not for a policy file.
    """
    record = _record_of(entries)
    if record is None:
        return None
    violated = _violated(record, book)
    categories = tuple(dict.fromkeys(category(one.name) for one in violated)) or (Category.OTHER,)
    by_people = record.resolved is not None or record.upheld_at is not None
    return StatementOfReasons(
        decision_id=record.decision.decision_id,
        puid=record.decision.decision_id,
        territorial_scope=(record.ad.market,) if record.ad.market in UNION else (),
        application_date=record.rejected_at.date(),
        decision_facts=_facts(record, violated, book)[:LONGEST],
        automated_detection="Yes" if detected(record.decision) else "No",
        automated_decision=automated(record.decision, by_people, carried=record.carried and record.upheld_at is None),
        **_ground(violated, legal_grounds or {}),
        category=categories[0],
        category_addition=categories[1:],
        content_type=_content_type(record.ad),
        content_language=_language(record.ad.language),
        content_date=record.ad.submitted_at.date(),
        redress=_redress(record),
    )


def _record_of(entries: Sequence[Entry]) -> _DecisionRecord | None:
    bodies = [(entry.at, entry.body) for entry in entries]
    recorded_at, made = next(((at, body) for at, body in bodies if isinstance(body, DecisionMade)), (None, None))
    if made is None or recorded_at is None:
        return None
    verdict: Verdict | None = None if any(isinstance(body, Withdrawn) for _, body in bodies) else made.decision.verdict
    rejected_at = made.decision.decided_at if made.step is None else recorded_at  # decided with others, and applied only then
    resolved: Resolved | None = None
    upheld_at: datetime | None = None
    for at, body in ((entry.at, entry.body) for entry in not_unwound(entries)):
        if isinstance(body, Resolved):
            rejected_at = rejected_at if verdict == body.verdict else at
            verdict, resolved = Verdict(body.verdict), body
        elif isinstance(body, Ruled) and body.outcome == "overturned":
            verdict = Verdict.APPROVE
        elif isinstance(body, Ruled):
            verdict, upheld_at = Verdict.REJECT, at
    return _DecisionRecord(made.ad, made.decision, resolved, rejected_at, upheld_at) if verdict is Verdict.REJECT else None


def _violated(record: _DecisionRecord, book: PolicyBook) -> list[_Violated]:
    """The most severe first. Words for the advertiser are those on record, or the policy's where people decided."""
    there = {policy.name: policy for _, _, policy in book.every()}
    there |= {policy.name: policy for policy in book.in_force(record.ad.market, record.ad.surface)}
    said = {one.policy: one for one in record.decision.policies if one.verdict is Verdict.REJECT}
    found = []
    for name in dict.fromkeys(said if record.resolved is None else record.resolved.violated):
        policy, automatic = there.get(name), said.get(name)
        sentence = (automatic.advertiser_reason if automatic else None) or (
            policy.reason if policy else f"The ad breaks the policy {name}."
        )
        because = automatic.because if automatic else None
        found.append(_Violated(name, policy.title if policy else name, policy.severity if policy else None, sentence, because))
    order = list(Severity)
    return sorted(found, key=lambda one: order.index(one.severity) if one.severity else len(order))


def detected(decision: Decision) -> bool:
    """Whether a model's risk kept the ad from being approved. None did where an audit found the violation: audits are drawn at random."""
    return any(one.risk is not None and one.verdict is not Verdict.APPROVE for one in decision.policies)


def automated(decision: Decision, by_people: bool, *, carried: bool = False) -> Automated:
    """How far a rejection is automated; ``by_people``: somebody rejected the ad, or upheld its rejection; ``carried``: they rejected a copy
    of it, and it was rejected with that."""
    if carried:
        return "AUTOMATED_DECISION_PARTIALLY"
    if not by_people:
        return "AUTOMATED_DECISION_FULLY"
    return "AUTOMATED_DECISION_PARTIALLY" if detected(decision) else "AUTOMATED_DECISION_NOT_AUTOMATED"


def _ground(violated: Sequence[_Violated], legal_grounds: Mapping[str, str]) -> dict[str, Any]:
    """Illegal where there is a law for one of the policies, and then on that ground; incompatible with the terms otherwise."""
    illegal = [one for one in violated if one.name in legal_grounds]
    if illegal:
        return {
            "decision_ground": "DECISION_GROUND_ILLEGAL_CONTENT",
            "illegal_content_legal_ground": "; ".join(dict.fromkeys(legal_grounds[one.name] for one in illegal)),
            "illegal_content_explanation": _sentences(illegal),
        }
    return {
        "decision_ground": "DECISION_GROUND_INCOMPATIBLE_CONTENT",
        "incompatible_content_ground": _titles(violated),
        "incompatible_content_explanation": _sentences(violated),
    }


def _sentences(violated: Sequence[_Violated]) -> str:
    return " ".join(dict.fromkeys(one.sentence for one in violated)) or "The ad breaks the advertising policies."


def _titles(violated: Sequence[_Violated]) -> str:
    return "; ".join(one.title for one in violated) or "the advertising policies"


def _facts(record: _DecisionRecord, violated: Sequence[_Violated], book: PolicyBook) -> str:
    ad, decided = record.ad, record.decision.verdict
    surface = _surface(ad, book)
    told = [f"The ad was submitted on {ad.submitted_at:%Y-%m-%d} to be shown in {ad.market}{f' ({surface})' if surface else ''}."]
    told += [f"Automated assessment, {one.title}: {one.because}." for one in violated if one.because]
    if record.resolved is not None and record.carried:
        when = f"{record.rejected_at:%Y-%m-%d}"
        told.append(f"People found that a copy of the ad violates: {_titles(violated)}. That was carried over to this ad on {when}.")
    elif record.resolved is not None:
        assessed = "An automated assessment" if detected(record.decision) else "No automated assessment was made, which"
        why = {
            Verdict.REVIEW: f"{assessed} left the decision to people.",
            Verdict.APPROVE: "It had been approved, and was drawn at random for people to check.",
            Verdict.REJECT: "People examined it afterwards.",
        }
        told += [why[decided], f"They found on {record.rejected_at:%Y-%m-%d} that it violates: {_titles(violated)}."]
    if record.upheld_at is not None:
        told.append(f"The advertiser objected; somebody else examined the ad and upheld the decision on {record.upheld_at:%Y-%m-%d}.")
    return " ".join(told)


def _surface(ad: Ad, book: PolicyBook) -> str | None:
    """As the market's policy files name it. What else an advertiser wrote there is a text of theirs, and statements are public."""
    rules, key = book.rules.get(ad.market), surface_key(ad.surface)
    return key if rules is not None and key in rules.by_surface else None


def _content_type(ad: Ad) -> tuple[str, ...]:
    """Of what the ad is made of, and ``OTHER`` for its being an advertisement, which the schema has no word for."""
    kinds = []
    if any((ad.title, ad.body, ad.call_to_action, ad.keywords)):
        kinds.append("CONTENT_TYPE_TEXT")
    shown = _KINDS.get((ad.creative_format or "").strip().lower())
    return (*kinds, *([f"CONTENT_TYPE_{shown}"] if shown else []), "CONTENT_TYPE_OTHER")


def _language(tag: str | None) -> str | None:
    primary = (tag or "").replace("_", "-").partition("-")[0].strip()
    return primary.upper() if len(primary) == 2 and primary.isalpha() else None


def _redress(record: _DecisionRecord) -> tuple[str, ...]:
    """Articles 20 and 21, and the courts."""
    complaint = "Appeal free of charge within six months; a person who has not read the case decides (Article 20)."
    used = f"The internal complaint was examined and the decision upheld on {record.upheld_at:%Y-%m-%d}." if record.upheld_at else None
    settle = "Turn to a certified out-of-court dispute settlement body (Article 21)."
    return used or complaint, settle, "Go to court."
