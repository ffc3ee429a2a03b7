"""Decisions on record, synthetic: a real ledger of some, and the events of many more than a ledger is written with in an hour."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa

from adverdict.benchmarks.shared.killable import POLICIES
from adverdict.domain.ad import Ad
from adverdict.domain.decision import RECORD, Decision
from adverdict.domain.progress import Progress
from adverdict.domain.verdict import Verdict
from adverdict.features.history.entities import microseconds
from adverdict.features.history.layout import hashes
from adverdict.features.history.store.events import HASH, LABELS, SUBMISSIONS, EventFolder
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.store import Ledger

START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 90
MARKETS, FORMATS, CATEGORIES, SURFACES = 40, 6, 24, 4
ADS_EACH = 10
"""Of an advertiser, on average; most have fewer."""
LABELLED = 20
"""One ad in so many is labelled, under one policy."""
PAGE = 2**17
ROUND = 1000
"""Decisions recorded in one transaction."""


class SyntheticAds:
    """``n`` ads of some tenth as many advertisers; the same number is always the same ad. A few advertisers submit most ads."""

    def __init__(self, n: int, seed: int = 0) -> None:
        self.n = n
        rng = np.random.default_rng(seed)
        advertisers = max(1, n // ADS_EACH)
        self.whose = {
            "advertiser": (rng.random(n) ** 2 * advertisers).astype(np.int64),
            "creative": rng.integers(0, max(1, n // 2), n),
            "domain": (rng.random(n) ** 2 * advertisers).astype(np.int64),
            "market": (rng.random(n) ** 3 * MARKETS).astype(np.int64),
            "format": rng.integers(0, FORMATS, n),
            "category": rng.integers(0, CATEGORIES, n),
            "surface": rng.integers(0, SURFACES, n),
        }
        step = DAYS * 86_400_000_000 // max(1, n)
        self.at = microseconds(START) + np.arange(n, dtype=np.int64) * step

    def ad(self, number: int, at: datetime | None = None) -> Ad:
        """As the events have it; ``at``: submitted at another moment."""
        told = {kind: name_of(kind, int(codes[number])) for kind, codes in self.whose.items()}
        return Ad(
            ad_id=f"ad-{number}" if at is None else f"asked-{number}",
            advertiser_id=told["advertiser"],
            creative_id=told["creative"],
            landing_domain=told["domain"],
            market=told["market"],
            creative_format=told["format"],
            creative_category=told["category"],
            surface=told["surface"],
            submitted_at=at or START + timedelta(microseconds=int(self.at[number]) - microseconds(START)),
            title="Synthetic",
        )


def name_of(kind: str, code: int) -> str:
    if kind == "market":
        return chr(65 + code // 26) + chr(65 + code % 26)
    return f"d{code}.example" if kind == "domain" else f"{kind}-{code}"


def write_events(ads: SyntheticAds, folder: EventFolder, progress: Progress) -> None:
    """What a ledger of ``ads.n`` decisions and ``ads.n / LABELLED`` labels would tell, without the ledger."""
    names = {kind: _hashed(kind, int(codes.max()) + 1) for kind, codes in ads.whose.items()}
    progress.stage("writing synthetic events", ads.n)
    with folder.adding(ads.n) as part:
        for start in range(0, ads.n, PAGE):
            numbers = np.arange(start, min(start + PAGE, ads.n))
            codes = {kind: names[kind].take(pa.array(ads.whose[kind][numbers])) for kind in ads.whose}
            columns = [pa.array(numbers + 1), pa.array(ads.at[numbers]), *(codes[kind] for kind in SUBMISSIONS.names[2:])]
            part.add("submissions", pa.RecordBatch.from_arrays(columns, schema=SUBMISSIONS))
            labelled = pa.array(np.flatnonzero(numbers % LABELLED == 0))
            chosen = numbers[numbers % LABELLED == 0]
            fields = {
                "version": pa.array([int(one).to_bytes(16, "big") for one in chosen], HASH),
                **{kind: codes[kind].take(labelled) for kind in LABELS.names[1:5]},
                "policy": pa.array([POLICIES[one % len(POLICIES)] for one in chosen.tolist()]),
                "violates": pa.array(chosen % (7 * LABELLED) == 0),
                "at_us": pa.array(ads.at[chosen] + 86_400_000_000),
                "weight": pa.array(np.ones(len(chosen), np.int32)),
            }
            part.add("labels", pa.RecordBatch.from_arrays([fields[name] for name in LABELS.names], schema=LABELS))
            progress.advance(len(numbers))


def write_ledger(ads: SyntheticAds, ledger: Ledger, progress: Progress) -> None:
    """Real decisions in a real chain, one for each ad."""
    progress.stage("recording decisions", ads.n)
    for some in _rounds(ads):
        with ledger.write() as writing:
            for ad in some:
                made = DecisionMade(ad=ad, decision=_decision(ad), first=True)
                writing.append(made.decision.decision_id, made, ad.submitted_at)
        progress.advance(len(some))


def _rounds(ads: SyntheticAds) -> Iterator[list[Ad]]:
    for start in range(0, ads.n, ROUND):
        yield [ads.ad(number) for number in range(start, min(start + ROUND, ads.n))]


def _decision(ad: Ad) -> Decision:
    return Decision(
        decision_id=f"dec-{ad.ad_id}",
        ad_id=ad.ad_id,
        advertiser_id=ad.advertiser_id,
        market=ad.market,
        surface=ad.surface,
        decided_at=ad.submitted_at,
        verdict=Verdict.REVIEW,
        policies=(),
        uncertified=True,
        bundle_version=None,
        policy_hash="0" * 64,
        threshold_set=None,
        record=RECORD,
    )


def _hashed(kind: str, n: int) -> pa.Array:
    octets = hashes(name_of(kind, code) for code in range(n)).astype(">u8").tobytes()
    return pa.FixedSizeBinaryArray.from_buffers(HASH, n, [None, pa.py_buffer(octets)])
