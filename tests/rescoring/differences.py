"""Differences as a rescoring may find them, written by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from adverdict.domain.decision import Reason
from adverdict.domain.verdict import Verdict
from adverdict.rescoring.diff.difference import (
    Baseline,
    Change,
    Compared,
    Difference,
    Example,
    Handling,
    Inventory,
    PolicyFlip,
    Reviews,
    Unrecorded,
    Versions,
    flips,
)

APPROVE, REVIEW, REJECT = Verdict.APPROVE, Verdict.REVIEW, Verdict.REJECT
AS_OF = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
HOSTILE = '<script>alert(1)</script> [bold]"&\u202egnp.exe \x1b[31m{{ 7*7 }}'
LONG = "W" * 300


def versions(**changes: Any) -> Versions:
    usual: dict[str, Any] = {
        "out": "/data/rescored november",
        "run_id": "run-0123456789abcdef",
        "model": "models:/adverdict/8",
        "bundle_version": "8f0e" * 4,
        "policy_hash": "5a" * 32,
        "as_of": AS_OF,
        "history": "the ledger, up to entry 1,204,551",
    }
    return Versions(**{**usual, **changes})


def inventory(**changes: int | dict[str, int] | None) -> Inventory:
    usual: dict[str, Any] = {
        "rows": 52_011,
        "decided": 52_004,
        "quarantined": 7,
        "unread_parts": 0,
        "unfinished_parts": 0,
        "earlier_versions": 3,
        "compared": 51_000,
        "not_on_record": 900,
        "outdated": 101,
        "missing": None,
        "applied": 0,
        "degraded": 12,
        "degraded_by": {"encoder_missing": 12},
        "uncertified": 410,
    }
    return Inventory(**{**usual, **changes})


def counted(market: str, was: Verdict, now: Verdict, ads: int, by: Any = "model", impressions: float = 0.0, stating: int = 0) -> Compared:
    return Compared(market=market, was=was, now=now, by=by, ads=ads, impressions=impressions, stating=stating)


def change(policy: str = "gambling", **changes: Any) -> Change:
    usual: dict[str, Any] = {
        "was": "approve",
        "now": "reject",
        "risk_before": 0.0312,
        "risk_after": 0.9713,
        "approve_below": 0.05,
        "reject_at": 0.9,
        "because": "risk 0.9713 is at least 0.9: rejected automatically",
    }
    return Change(policy=policy, **{**usual, **changes})


def example(number: int, was: Verdict, now: Verdict, **changes: Any) -> Example:
    usual: dict[str, Any] = {
        "ad_id": f"ad-{number}",
        "decision_id": f"dec-{number:032x}",
        "market": "DE",
        "by": "model",
        "impressions": 1_000_000.0 / number,
        "shard": "part-00000-00000",
        "row": number,
        "readable": True,
        "title": f"Offer {number}",
        "body": "Double your savings in seven days. Message us today!",
        "changes": (change(was=was, now=now),),
        "reasons": (Reason(policy="gambling", kind="phrase", signal="double your", text='the text says "double your"', effect=1.62),),
        "degraded": (),
    }
    return Example(was=was, now=now, **{**usual, **changes})


def empty(**changes: Any) -> Difference:
    """Of a run without a single row."""
    none: dict[str, Any] = dict.fromkeys(("rows", "decided", "quarantined", "earlier_versions", "compared", "not_on_record"), 0)
    none |= dict.fromkeys(("outdated", "degraded", "uncertified"), 0)
    usual: dict[str, Any] = {
        "run": versions(),
        "against": Baseline(kind="ledger", words="what stands in the ledger, up to entry 0", seq=0),
        "inventory": inventory(**none, degraded_by={}),
        "compared": (),
        "flips": (),
        "against_people": (),
        "unrecorded": (),
        "policies": (),
        "unknown_policies": 0,
        "reviews": (),
        "examples": (),
    }
    return Difference(**{**usual, **changes})


def unchanged() -> Difference:
    """Ads were compared, and nothing flips."""
    compared = (counted("SE", APPROVE, APPROVE, 40), counted("SE", REVIEW, REVIEW, 2), counted("SE", REJECT, REJECT, 1, "person"))
    found = inventory(rows=43, decided=43, quarantined=0, earlier_versions=0, compared=43, not_on_record=0, outdated=0, degraded=0)
    return empty(inventory=found.model_copy(update={"degraded_by": {}, "uncertified": 0}), compared=compared)


def difference() -> Difference:
    """Two markets, every kind of flip, and hostile ads."""
    compared = (
        counted("DE", APPROVE, APPROVE, 30_000),
        counted("DE", APPROVE, REVIEW, 120, impressions=1_250_000.0, stating=100),
        counted("DE", APPROVE, REJECT, 40, impressions=9_600_400.0, stating=40),
        counted("DE", REVIEW, REVIEW, 500),
        counted("DE", REVIEW, APPROVE, 75, impressions=80_000.0, stating=75).model_copy(update={"held": 2}),
        counted("DE", REJECT, REJECT, 265),
        counted("DE", APPROVE, APPROVE, 90, "person"),
        counted("DE", APPROVE, REJECT, 6, "person", 70_000.0, 5),
        counted("SE", APPROVE, APPROVE, 19_800),
        counted("SE", APPROVE, REVIEW, 4),
        counted("SE", REJECT, REVIEW, 11, impressions=3_000.0, stating=2),
        counted("SE", REJECT, REJECT, 89),
    )
    policies: list[tuple[str, str, Any, Any, int, int, float | None, float]] = [
        ("deceptive", "DE", "approve", "review", 61, 160, 0.0214, 0.4127),
        ("gambling", "DE", "approve", "reject", 40, 160, 0.0331, 0.9612),
        ("gambling", "DE", "approve", "review", 60, 160, 0.0302, 0.3315),
        ("weight_loss", "SE", "absent", "review", 4, 15, None, 0.4802),
    ]
    hostile = example(
        1,
        APPROVE,
        REJECT,
        ad_id=HOSTILE,
        title=HOSTILE,
        body=f"{LONG} {HOSTILE} " * 3,
        reasons=(Reason(policy="gambling", kind="phrase", signal=HOSTILE, text=f'the text says "{HOSTILE}"', effect=2.5),),
    )
    shown = (
        example(2, APPROVE, REVIEW, changes=(change(now="review", risk_after=0.41), change("deceptive", was="review", now="approve"))),
        example(3, APPROVE, REVIEW, title=None, body=None, impressions=None, degraded=("encoder_missing",)),
        hostile,
        example(4, APPROVE, REJECT, title="تخفيضات كبيرة على كل شيء", body="عروض اليوم فقط: 50% على كل المنتجات"),
        example(5, REJECT, REVIEW, market="SE", readable=False, title=None, body=None, changes=(change(was=None, risk_before=None),)),
        example(6, APPROVE, REJECT, by="person", changes=(change(was="absent", risk_before=None),)),
    )
    took, usual = Handling(seconds=38.5, source="market", answers=1_210, low=37.2, high=39.8), Handling(seconds=45, source="told")
    return empty(
        inventory=inventory(unfinished_parts=2, unread_parts=1),
        compared=compared,
        flips=flips(compared, "model"),
        against_people=flips(compared, "person"),
        policies=tuple(
            PolicyFlip(policy=name, market=market, was=was, now=now, ads=ads, of=of, risk_before=before, risk_after=after)
            for name, market, was, now, ads, of, before, after in policies
        ),
        unknown_policies=3,
        unrecorded=(
            Unrecorded(market="DE", verdict=APPROVE, ads=880, held=1),
            Unrecorded(market="DE", verdict=REVIEW, ads=9),
            Unrecorded(market="SE", verdict=REJECT, ads=11),
        ),
        reviews=(
            Reviews(market="DE", opened=120, closed=73, first=9, handling=took),
            Reviews(market="SE", opened=15, closed=0, first=0, handling=usual),
        ),
        examples=shown,
        against=Baseline(kind="ledger", words="what stands in the ledger, up to entry 1,204,551", seq=1_204_551),
    )
