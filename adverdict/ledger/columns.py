"""The columns of ``contents`` that repeat a body, read from its JSON: fast, for a whole ledger."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic_core import from_json

from adverdict.ledger.moments import micros

USED = ("creative_format", "creative_category", "surface")
"""Of a decision's ad alone: a brake has a surface, too, which no column repeats."""
COLUMNS = (
    "about",
    "ad_id",
    "advertiser_id",
    "creative_id",
    "landing_domain",
    "market",
    "verdict",
    "submitted_at",
    "submission",
    "step",
    "arm",
    *USED,
)
"""Of ``contents``, repeated from the body."""


def outline(kind: str, plain: bytes) -> dict[str, Any]:
    """What a content says; of a decision, not its policies and reasons, which are most of it and repeated by no column.

    What follows them from the policy book's hash on is there. A quote within JSON text is never bare, so what is looked for cannot be
    part of an ad's text.
    """
    cut, on = (plain.find(_POLICIES), plain.rfind(_ON)) if kind == "decision" else (-1, -1)
    if 0 < cut < on:
        try:
            told: dict[str, Any] = from_json(plain[:cut] + plain[on:])
            if "verdict" in told["decision"]:
                return told
        except (ValueError, TypeError, KeyError):
            pass  # written by a version that ordered it otherwise
    whole: dict[str, Any] = from_json(plain)
    return whole


_POLICIES, _ON = b',"policies":[', b',"policy_hash":'


def columns_of(kind: str, plain: dict[str, Any], entry_id: str) -> list[Any]:
    """``ledger.chain.looked_up_by`` from JSON values, in the order of ``COLUMNS``; without making the objects it is five times as fast."""
    if kind == "decision":
        ad = plain["ad"]
        told = [ad["ad_id"], ad["advertiser_id"], ad["creative_id"], ad["landing_domain"], ad["market"]]
        at = micros(datetime.fromisoformat(ad["submitted_at"]))
        arm = plain["decision"].get("arm")
        side = arm_column(arm["rollout"], arm["side"]) if arm else None
        return [
            entry_id,
            *told,
            plain["decision"]["verdict"],
            at,
            at if plain["first"] else None,
            plain.get("step"),
            side,
            *map(ad.get, USED),
        ]
    get, step = plain.get, entry_id if kind == "rescoring" else plain.get("step")
    whose = [get("decision_id"), get("ad_id"), get("advertiser_id"), None, None, get("market")]
    return [*whose, get("verdict"), None, None, step, None, *[None] * len(USED)]


def arm_column(rollout: str, side: str) -> str:
    """One column for a roll-out and its side: what is asked for is one of a roll-out's three sides, or all."""
    return f"{rollout}/{side}"
