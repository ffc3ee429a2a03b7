"""An ad as an advertiser submitted it, and a rater's label on it. The data contract, field by field.

The same two models check a request body, a row of a table and what the simulator writes, so no door is stricter than another.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    model_validator,
)

from adverdict.domain.visible import anything_to_see
from adverdict.domain.written import ROUNDED, flag, moment, present, says_nothing, texts

MAX_TEXT = 100_000
"""Characters in one text field. A longer text is refused rather than judged by its beginning."""
YEARS = 1990, 2100
"""First and last year of a time in the contract."""
MOST = 1e12
"""Impressions, pixels, seconds, images: nothing real is more, and what is multiplied with it stays finite."""
LEAST = 1e-9
"""Smallest probability of a draw: its inverse is a weight, and one label must not outweigh all the others."""

NUMBER = re.compile(r"\s*[+-]?\d+(\.\d*)?\s*\Z")


def _on_record(info: ValidationInfo) -> bool:
    return bool(info.context and info.context.get("on_record"))


def _utc(at: datetime, info: ValidationInfo) -> datetime:
    """Refuse what lies outside the years of ads: 1970 is a zero and 1900 a spreadsheet's, 9999 stands for never."""
    try:
        at = at.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a date and time from year 1 to year 9999 in UTC") from error
    if not YEARS[0] <= at.year <= YEARS[1] and not _on_record(info):
        raise ValueError(f"a date and time from {YEARS[0]} to {YEARS[1]}")
    return at


def _encodable(text: str) -> str:
    """Refuse lone surrogates: JSON can carry them, UTF-8, Parquet and every tokeniser cannot."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError("text that can be encoded as UTF-8 (no lone surrogates)") from error
    return text


def _storable(text: str) -> str:
    """Refuse NUL in what is looked up by: PostgreSQL has no text with NUL in it."""
    if "\0" in text:
        raise ValueError("text without NUL characters")
    return _encodable(text)


def _not_a_number(value: Any) -> Any:
    """Refuse bare numbers, also as text: seconds, milliseconds and days look alike, and a guess would move an ad in time."""
    if isinstance(value, int | float) or (isinstance(value, str) and NUMBER.match(value)):
        raise ValueError("an ISO 8601 date and time with a time zone")
    return value


def _an_id(text: str, info: ValidationInfo) -> str:
    """Refuse what stands for no id, or for many."""
    if says_nothing(text) and not _on_record(info):
        raise ValueError("an id; this word says that there is none")
    if ROUNDED.fullmatch(text) and not _on_record(info):
        raise ValueError("the whole id; a spreadsheet has rounded this one (write its column as text)")
    return _storable(text)


def _a_country(text: str, info: ValidationInfo) -> str:
    if text == "UK" and not _on_record(info):
        raise ValueError("GB for the United Kingdom: UK is no ISO 3166-1 code (for a whole table: --market UK=GB)")
    return text


Utc = Annotated[AwareDatetime, BeforeValidator(_not_a_number), BeforeValidator(moment), AfterValidator(_utc)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_an_id)]
Market = Annotated[str, StringConstraints(pattern=re.compile(r"^[A-Z]{2}\Z")), AfterValidator(_a_country)]
PolicyName = Annotated[str, StringConstraints(pattern=re.compile(r"^[a-z][a-z0-9_]{0,62}\Z"))]
Licence = Annotated[str, StringConstraints(pattern=re.compile(r"^[a-z][a-z0-9_]{0,62}:[A-Z]{2}\Z"))]
Text = Annotated[str, StringConstraints(max_length=MAX_TEXT), AfterValidator(_encodable)]
OptionalText = Annotated[Text | None, BeforeValidator(present)]
Word = Annotated[str, StringConstraints(max_length=200), AfterValidator(_storable)]
OptionalWord = Annotated[Word | None, BeforeValidator(present)]
Count = Annotated[float, Field(ge=0, le=MOST, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Probability = Annotated[float, Field(ge=LEAST, le=1, allow_inf_nan=False)]
Flag = Annotated[bool, BeforeValidator(flag)]
OptionalCount = Annotated[Count | None, BeforeValidator(present)]
OptionalFlag = Annotated[Flag | None, BeforeValidator(present)]
Keywords = Annotated[Annotated[list[Text], Field(max_length=1000)] | None, BeforeValidator(texts)]
Licences = Annotated[Annotated[tuple[Licence, ...], Field(max_length=1000)] | None, BeforeValidator(texts)]

CONTENT_FIELDS = (
    "title",
    "body",
    "call_to_action",
    "keywords",
    "landing_domain",
    "creative_format",
    "creative_category",
    "creative_duration_s",
    "creative_width",
    "creative_height",
    "creative_n_images",
    "creative_ocr_text",
    "creative_phash",
)
"""At least one of these must hold something to see: an ad nobody could see anything of cannot be judged."""
ON_RECORD = {"on_record": True}
"""Context in which what was recorded is read again: what an earlier version took in stays readable."""


class Ad(BaseModel):
    """One ad as submitted. Immutable; every time is UTC; a missing optional field is ``None``."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,  # what an ad says stands in no log
        json_schema_extra={
            "examples": [
                {
                    "ad_id": "ad-1001",
                    "advertiser_id": "adv-77",
                    "market": "SE",
                    "submitted_at": "2026-03-01T09:30:00Z",
                    "surface": "feed",
                    "title": "Double your savings in 7 days",
                    "body": "Guaranteed returns, no risk. Message us on WhatsApp today!",
                    "landing_domain": "quick-returns.example",
                    "creative_format": "image",
                }
            ]
        },
    )

    ad_id: Id
    advertiser_id: Id
    market: Market = Field(description="ISO 3166-1 alpha-2 country where the ad would be shown")
    submitted_at: Utc = Field(description="when the advertiser submitted this version of the ad")
    creative_id: OptionalWord = None
    language: OptionalWord = Field(default=None, description="BCP 47 tag, as the advertiser states it")
    surface: OptionalWord = Field(default=None, description="where the ad would be shown: feed, search, kids_video…")
    title: OptionalText = None
    body: OptionalText = None
    call_to_action: OptionalText = None
    keywords: Keywords = None
    landing_domain: OptionalWord = None
    creative_format: OptionalWord = None
    creative_category: OptionalWord = None
    creative_duration_s: OptionalCount = None
    creative_width: OptionalCount = None
    creative_height: OptionalCount = None
    creative_n_images: OptionalCount = None
    creative_made_for_kids: OptionalFlag = None
    creative_skippable_share: Annotated[Share | None, BeforeValidator(present)] = None
    creative_ocr_text: OptionalText = None
    creative_phash: OptionalWord = None
    creative_uri: OptionalText = Field(default=None, description="where the creative lies, such as s3://bucket/video.mp4")
    paid_partnership: OptionalFlag = Field(default=None, description="whether the advertiser declares a paid partnership")
    impressions: OptionalCount = Field(default=None, description="impressions expected, not delivered")
    advertiser_created_at: Annotated[Utc | None, BeforeValidator(present)] = None
    advertiser_verified: OptionalFlag = None
    advertiser_licences: Licences = Field(
        default=None,
        description="licences on record, each as policy:market, such as gambling:SE; [] when the advertiser holds none, null when not told",
    )

    @model_validator(mode="after")
    def _has_content(self, info: ValidationInfo) -> Self:
        if not _on_record(info) and not any(_shows(field, getattr(self, field)) for field in CONTENT_FIELDS):
            raise ValueError(
                f"at least one text or creative field: {', '.join(CONTENT_FIELDS)}; with something to see in it, not only blanks, "
                "invisible characters, empty tags or 0"
            )
        return self


def _shows(field: str, value: Any) -> bool:
    """Whether a content field of an ad, whatever its type, holds something to see. That an ad has no images tells of a real ad whose
    content was not kept, as tables gathered from elsewhere do; a width of 0 tells of nothing."""
    if field == "creative_n_images":
        return value is not None
    if isinstance(value, str):
        return anything_to_see(value)
    return any(map(anything_to_see, value)) if isinstance(value, list) else bool(value)


class Label(BaseModel):
    """One rater's verdict on one ad under one policy."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    ad_id: Id
    policy: PolicyName
    violates: Flag
    labelled_at: Utc
    rater_id: OptionalWord = None
    severity: Annotated[Literal["mild", "moderate", "extreme"] | None, BeforeValidator(present)] = None
    reason: OptionalText = None
    source: Annotated[
        Literal["import", "review", "audit", "golden", "appeal", "recheck"], BeforeValidator(lambda value: present(value) or "import")
    ] = "import"
    inclusion_probability: Annotated[Probability | None, BeforeValidator(present)] = Field(
        default=None, description="with which this ad came before the rater; 1/inclusion_probability is its weight, null when not known"
    )
    design: OptionalWord = Field(default=None, description="how the ad was drawn: the id of a sampling design or plan; null when not known")
