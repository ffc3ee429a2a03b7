"""The statement of reasons an advertiser is owed for a rejected ad: Regulation (EU) 2022/2065 (Digital Services Act), Article 17(3).

Fields are named as in the schema of the Commission's DSA Transparency Database (Article 24(5)), as revised in 2025, so that a statement
for a market of the Union can be sent there as it is. Everything in one comes from entries about the decision. None of it names a person or
quotes the ad: statements are published, and Article 24(5) wants no personal data in them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from adverdict.decisions.policy import PolicyBook
from adverdict.decisions.wording import for_outsiders
from adverdict.domain.ad import Ad
from adverdict.domain.identity import surface_key
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import Entry
from adverdict.review.reasons.grounds import UNION, Category, category
from adverdict.review.reasons.rejection import Automated, Rejection, Violated, automated, detected, rejection_of, violated_by

YesNo = Literal["Yes", "No"]
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


def statement(entries: Sequence[Entry], book: PolicyBook, legal_grounds: Mapping[str, str] | None = None) -> StatementOfReasons | None:
    """The statement as of now; None when the ad is not rejected (any more), or when what was decided has been erased or withdrawn.

    ``entries``: all about one decision, in order (``Ledger.about``), its step's withdrawal among them. ``book``: the policies it was made
    by. A rejection rests on the platform's terms unless ``legal_grounds`` names the law that a policy stands for: that an ad is illegal is
    for lawyers to say, not for a policy file.
    """
    record = rejection_of(entries)
    if record is None:
        return None
    violated = violated_by(record, book)
    categories = tuple(dict.fromkeys(category(one.name) for one in violated)) or (Category.OTHER,)
    by_people = record.resolved is not None or record.upheld_at is not None
    return StatementOfReasons(
        decision_id=record.decision.decision_id,
        puid=record.decision.decision_id,
        territorial_scope=(record.ad.market,) if record.ad.market in UNION else (),
        application_date=record.rejected_at.date(),
        decision_facts=_facts(record, violated, book)[:LONGEST],
        automated_detection="Yes" if detected(record.decision) else "No",
        automated_decision=automated(record.decision, by_people, carried=record.carried),
        **_ground(violated, legal_grounds or {}),
        category=categories[0],
        category_addition=categories[1:],
        content_type=_content_type(record.ad),
        content_language=_language(record.ad.language),
        content_date=record.ad.submitted_at.date(),
        redress=_redress(record),
    )


def _ground(violated: Sequence[Violated], legal_grounds: Mapping[str, str]) -> dict[str, Any]:
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


def _sentences(violated: Sequence[Violated]) -> str:
    return " ".join(dict.fromkeys(one.sentence for one in violated)) or "The ad breaks the advertising policies."


def _titles(violated: Sequence[Violated]) -> str:
    return "; ".join(one.title for one in violated) or "the advertising policies"


def _facts(record: Rejection, violated: Sequence[Violated], book: PolicyBook) -> str:
    ad, decided = record.ad, record.decision.verdict
    surface = _surface(ad, book)
    told = [f"The ad was submitted on {ad.submitted_at:%Y-%m-%d} to be shown in {ad.market}{f' ({surface})' if surface else ''}."]
    told += [f"Automated assessment, {one.title}: {for_outsiders(one.because)}." for one in violated if one.because]
    if record.resolved is not None and record.resolved.carried is not None:
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


def _redress(record: Rejection) -> tuple[str, ...]:
    """Articles 20 and 21, and the courts; outside the Union, what the platform itself offers."""
    union = record.ad.market in UNION
    complaint = "Appeal free of charge within six months; a person who has not read the case decides"
    used = f"The internal complaint was examined and the decision upheld on {record.upheld_at:%Y-%m-%d}." if record.upheld_at else None
    if not union:
        return (used or f"{complaint}.",)
    return used or f"{complaint} (Article 20).", "Turn to a certified out-of-court dispute settlement body (Article 21).", "Go to court."
