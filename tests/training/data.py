"""Small packs written by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from adverdict.domain.ad import Ad, Label
from adverdict.storage.tables.pack import Pack

START = datetime(2026, 1, 1, tzinfo=UTC)


def ad(number: int, advertiser: str = "", market: str = "SE", **fields: object) -> Ad:
    return Ad.model_validate(
        {
            "ad_id": f"ad-{number}",
            "advertiser_id": advertiser or f"adv-{number}",
            "market": market,
            "submitted_at": START + timedelta(hours=number),
            "title": f"Ad number {number}",
            **fields,
        }
    )


def label(number: int, policy: str, violates: bool, rater: str = "r1") -> Label:
    at = START + timedelta(hours=number + 1)
    return Label(ad_id=f"ad-{number}", policy=policy, violates=violates, rater_id=rater, labelled_at=at)


def pack(ads: list[Ad], labels: list[Label], name: str = "pack") -> Pack:
    return Pack(ads, labels, digest=name * 2, name=name, warnings=[])


def said(verdicts: Mapping[int, bool], policy: str = "gambling") -> list[Label]:
    return [label(number, policy, violates) for number, violates in verdicts.items()]
