"""What entries say of signs that a live ad may not be what was approved. All are chosen for a reason, so none of them measures anything.

report      a viewer says that an ad should not run
put_back    an approved ad is read again by people, and why
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from pydantic import Field, JsonValue

from adverdict.domain.ad import Id, Market, OptionalText, PolicyName, Text
from adverdict.ledger.bodies.body import EntryBody


class Sign(StrEnum):
    """Why an approved ad is read again."""

    IMPRESSIONS = "impressions"
    """It is shown far more often than was expected when it was decided."""
    REPORTS = "reports"
    LANDING_PAGE = "landing_page"
    """The page it leads to was edited."""
    CREATIVE = "creative"
    """Another creative is shown under the same id."""
    PROBING = "probing"
    """Its advertiser tried out what is approved, and this passed."""


class _AboutAd(EntryBody):
    decision_id: str
    ad_id: Id
    advertiser_id: Id
    market: Market


class Reported(_AboutAd):
    kind: ClassVar[str] = "report"

    reporter: str = Field(description="a hash of the viewer's id by a secret of the ledger: tells reporters apart, and names nobody")
    policy: PolicyName | None = Field(default=None, description="that the viewer thinks is broken; null: none fits, or none was named")
    statement: OptionalText = None
    by: str = Field(description="name of the API key that brought it")


class PutBack(_AboutAd):
    kind: ClassVar[str] = "put_back"

    sign: Sign
    says: Text
    figures: dict[str, JsonValue] = Field(default_factory=dict)
    task_id: str
    by: str


SignalBody = Reported | PutBack
