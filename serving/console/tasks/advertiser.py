"""What the ledger knows around an ad: its advertiser's past, and decided ads that resemble it.

Nothing here is about the ad itself: its earlier decisions and what others said of it would sway whoever reads it now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from adverdict.domain.ad import Ad
from adverdict.ledger.chain import plain_json
from adverdict.ledger.effective import not_withdrawn
from adverdict.ledger.moments import moment
from adverdict.ledger.schema import contents, entries
from adverdict.models.explain import WORD

ENTRIES = 400
"""Of an advertiser, the latest; more would be counted by nobody."""
RECENT = 300
"""Decisions of the market that are searched for the same words."""
EACH, AT_MOST = 3, 6
ALIKE = 0.25
"""Share of words in common (Jaccard 1912) from which texts are alike."""


@dataclass(frozen=True)
class AdvertiserHistory:
    """Counts over the advertiser's other ads."""

    ads: int
    since: datetime | None
    by_model: dict[str, int]
    """Verdict -> decisions."""
    by_people: dict[str, int]
    """Verdict -> decisions that people settled."""
    read: int
    """Labels of people."""
    violating: int
    policies: tuple[tuple[str, int], ...]
    """Policies found violated and how often, most often first."""
    capped: bool


@dataclass(frozen=True)
class Similar:
    """A decided ad."""

    why: str
    decision_id: str
    title: str
    verdict: str
    by: str
    """``person`` or ``model``."""
    at: datetime
    violated: tuple[str, ...]
    times: int = 1
    """Ads that say the same and met the same verdict."""


def past(connection: Connection, ad: Ad) -> AdvertiserHistory:
    rows = connection.execute(
        select(entries.c.kind, entries.c.at, contents.c.ad_id, contents.c.verdict, contents.c.body)
        .join(contents, contents.c.seq == entries.c.seq)
        .where(contents.c.advertiser_id == ad.advertiser_id, contents.c.ad_id != ad.ad_id, not_withdrawn())
        .order_by(entries.c.seq.desc())
        .limit(ENTRIES)
    ).all()
    decided = [row for row in rows if row.kind == "decision"]
    settled = [row for row in rows if row.kind == "resolution"]
    labels = [label for row in rows if row.kind in ("label", "answer") for label in _labels(row.body)]
    return AdvertiserHistory(
        ads=len({row.ad_id for row in decided}),
        since=moment(min(row.at for row in decided)) if decided else None,
        by_model=dict(Counter(row.verdict for row in decided)),
        by_people=dict(Counter(row.verdict for row in settled)),
        read=len(labels),
        violating=sum(1 for label in labels if label["violates"]),
        policies=tuple(Counter(label["policy"] for label in labels if label["violates"]).most_common(3)),
        capped=len(rows) == ENTRIES,
    )


def similar(connection: Connection, ad: Ad) -> tuple[Similar, ...]:
    """Other ads with the same creative, domain or advertiser, then those of the market with most words in common; decided ones only."""
    found: dict[str, tuple[str, Any]] = {}
    for why, column, value in (
        ("same creative", contents.c.creative_id, ad.creative_id),
        ("same domain", contents.c.landing_domain, ad.landing_domain),
        ("same advertiser", contents.c.advertiser_id, ad.advertiser_id),
    ):
        if value:
            for row in _decisions(connection, ad, column == value, 4 * EACH):
                found.setdefault(row.ad_id, (why, row))
    for why, row in _alike(ad, _decisions(connection, ad, contents.c.market == ad.market, RECENT)):
        found.setdefault(row.ad_id, (why, row))
    settled = _settled(connection, [row.entry_id for _, row in found.values()])
    shown: list[Similar] = []
    for why, row in found.values():
        one = _told(why, row, settled.get(row.entry_id))
        same = next((i for i, other in enumerate(shown) if one is not None and _same(one, other)), None)
        if same is not None:
            shown[same] = replace(shown[same], times=shown[same].times + 1)
        elif one is not None and sum(1 for other in shown if other.why == one.why) < EACH:
            shown.append(one)
    return tuple(shown[:AT_MOST])


def _same(one: Similar, other: Similar) -> bool:
    return (one.title, one.verdict, one.by, one.violated) == (other.title, other.verdict, other.by, other.violated)


def _decisions(connection: Connection, ad: Ad, condition: Any, limit: int) -> Sequence[Any]:
    query = (
        select(entries.c.entry_id, entries.c.at, contents.c.ad_id, contents.c.verdict, contents.c.body)
        .join(contents, contents.c.seq == entries.c.seq)
        .where(entries.c.kind == "decision", contents.c.ad_id != ad.ad_id, not_withdrawn(), condition)
    )
    return connection.execute(query.order_by(entries.c.seq.desc()).limit(limit)).all()


def _alike(ad: Ad, rows: Iterable[Any]) -> list[tuple[str, Any]]:
    mine = _words(ad.title, ad.body, ad.creative_ocr_text)
    scored = []
    for row in rows:
        other = _ad_of(row.body)
        theirs = _words(other.get("title"), other.get("body"), other.get("creative_ocr_text"))
        share = len(mine & theirs) / len(mine | theirs) if mine and theirs else 0.0
        if share >= ALIKE:
            scored.append((share, row))
    scored.sort(key=lambda pair: -pair[0])
    return [(f"{100 * share:.0f} % same words", row) for share, row in scored[:EACH]]


def _words(*texts: str | None) -> set[str]:
    return {word for text in texts if text for word in WORD.findall(text[:2000].lower())}


def _settled(connection: Connection, decision_ids: Sequence[str]) -> dict[str, Any]:
    """The last resolution of each decision that has one."""
    rows = connection.execute(
        select(contents.c.about, contents.c.body)
        .join(entries, entries.c.seq == contents.c.seq)
        .where(entries.c.kind == "resolution", contents.c.about.in_(decision_ids))
        .order_by(contents.c.seq)
    ).all()
    return {row.about: plain_json(row.body) for row in rows}


def _told(why: str, row: Any, resolution: Any) -> Similar | None:
    if resolution is None and row.verdict == "review":
        return None
    body: Any = plain_json(row.body)
    title = body["ad"].get("title") or body["ad"].get("body") or body["ad"].get("creative_ocr_text") or "(no text)"
    if resolution is not None:
        verdict, by, violated = resolution["verdict"], "person", tuple(resolution["violated"])
    else:
        verdict, by = row.verdict, "model"
        violated = tuple(one["policy"] for one in body["decision"]["policies"] if one["verdict"] == "reject")
    return Similar(why, row.entry_id, title[:140], verdict, by, moment(row.at), violated)


def _labels(body: bytes) -> list[Any]:
    content: Any = plain_json(body)
    return list(content["labels"])


def _ad_of(body: bytes) -> Any:
    content: Any = plain_json(body)
    return content["ad"]
