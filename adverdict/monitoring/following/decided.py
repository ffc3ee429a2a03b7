"""Decisions on record as the search for probing reads them: of most no more than whose they are, and whether they stopped anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from pydantic_core import from_json
from sqlalchemy import Connection, select

from adverdict.domain.degraded import Cause, degradations
from adverdict.domain.verdict import Verdict
from adverdict.ledger.chain import inflated
from adverdict.ledger.columns import outline
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.schema import contents, entries
from adverdict.monitoring.probing import Try, level, words_of

_HELD = f'"{Cause.PROBING.value}'.encode()
"""Is in what is written of every decision that was held for probing, and in hardly any other."""
_NONE: dict[str, Any] = {}
_APART = select(contents.c.seq, contents.c.body).join(entries, entries.c.seq == contents.c.seq)
_DECISIONS = _APART.where(entries.c.kind == DecisionMade.kind, contents.c.step.is_(None)).order_by(contents.c.seq)


@dataclass(frozen=True, slots=True)
class _Words:
    """Those of an ad that is not read as a whole."""

    title: str | None
    body: str | None
    call_to_action: str | None
    keywords: Sequence[str] | None
    creative_ocr_text: str | None


class DecidedAd:
    """A decision on record. It was checked before it was written, and is not checked again."""

    def __init__(self, seq: int, body: bytes) -> None:
        self.seq = seq
        self._plain = inflated(body)
        told = outline(DecisionMade.kind, self._plain)
        self.ad: dict[str, Any] = told["ad"]
        decision = told["decision"]
        self.at = datetime.fromisoformat(decision["decided_at"])
        self._decision_id: str = decision["decision_id"]
        self._approved: bool = decision["verdict"] == Verdict.APPROVE

    @cached_property
    def stopped(self) -> bool:
        """As ``probing.is_stopped``."""
        held = _HELD in self._plain and any(one.cause is Cause.PROBING for one in degradations(tuple(self._whole.get("degraded", ()))))
        return self.level > 0 if held else not self._approved

    @cached_property
    def level(self) -> float:
        """As ``probing.level_of``."""
        told = self._whole["policies"]
        return level(((one.get("risk") or _NONE).get("p"), one.get("approve_below"), one["verdict"] == Verdict.APPROVE) for one in told)

    def as_try(self, secret: bytes) -> Try:
        """As ``probing.try_of``."""
        ad = self.ad
        written = _Words(ad.get("title"), ad.get("body"), ad.get("call_to_action"), ad.get("keywords"), ad.get("creative_ocr_text"))
        words = words_of(written, secret)
        return Try(ad["advertiser_id"], self.at, words, self.level, self.stopped, self._decision_id, ad["ad_id"])

    @cached_property
    def _whole(self) -> dict[str, Any]:
        told: dict[str, Any] = from_json(self._plain)["decision"]
        return told


def decisions_between(connection: Connection, after: int, until: int) -> list[tuple[int, bytes]]:
    """What ``DecidedAd`` reads, of the entries after one, up to and including another, without those that a rescoring recorded."""
    query = _DECISIONS.where(contents.c.seq > after, contents.c.seq <= until)
    return [(int(row.seq), row.body) for row in connection.execute(query)]
