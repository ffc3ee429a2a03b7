"""Worlds frozen into folders, for the tests of the frozen history, of the ledger's events and of rescoring."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from adverdict.domain.ad import Ad, Label
from adverdict.domain.progress import Silent
from adverdict.features.history import events
from adverdict.features.history.freezing import Freezing
from adverdict.features.history.frozen import FrozenHistory
from adverdict.features.history.known import HistoryCounts
from adverdict.features.history.state import HistoryState
from tests.features.history.worlds import POLICIES, an_ad

MEMORY = 256 * 2**20


def frozen(
    folder: Path, moment: datetime, ads: Sequence[Ad], labels: Sequence[Label] = (), *, snapshot: Path | None = None, batch: int = 1000
) -> FrozenHistory:
    """``batch``: how many events are told at a time."""
    with Freezing(folder, moment, POLICIES, memory=MEMORY) as freezing:
        for start in range(0, len(ads), batch):
            freezing.submissions(events.submissions(ads[start : start + batch]))
        for start in range(0, len(labels), batch):
            freezing.labels(events.labels(labels[start : start + batch], start + 1))
        return freezing.finish(Silent(), snapshot=snapshot)


def observed(ads: Sequence[Ad], labels: Sequence[Label]) -> HistoryState:
    state = HistoryState()
    state.observe(ads, labels)
    return state


def asked(ads: Sequence[Ad]) -> list[Ad]:
    """The known ads, ads of entities that nobody knows, and ads that state as few entities as they may."""
    at = datetime.fromisoformat("2020-01-01T00:00:00Z")
    new = {"advertiser_id": "nobody", "creative_id": "unseen", "landing_domain": "unseen.example", "market": "FR"}
    return [*ads, an_ad("new", at, **new), an_ad("bare", at), an_ad("spelt", at, landing_domain=" SHOP.example. ")]


def at_moment(state: HistoryState, ads: Sequence[Ad], moment: datetime) -> HistoryCounts:
    """What a state says of ads that are submitted again at a moment."""
    return state.counts([ad.model_copy(update={"submitted_at": moment}) for ad in ads], POLICIES)


def one_row(table: pa.Table, **changes: object) -> pa.Table:
    """The first row of a table with other values."""
    row = {**table.slice(0, 1).to_pylist()[0], **changes}
    return pa.Table.from_pylist([row], schema=table.schema)
