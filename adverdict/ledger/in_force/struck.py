"""Where an advertiser's strikes have reached a limit, over all markets: for people who ask about the advertiser, not about an ad."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from adverdict.decisions.policy import PolicyBook
from adverdict.decisions.strikes import Strike, StrikeLimit, StrikesReached, counting, strikes_reached
from adverdict.ledger.in_force.strikes import strikes_at
from adverdict.ledger.schema import entries


@dataclass(frozen=True)
class Limited:
    """One limit that is reached, and where."""

    reached: StrikesReached
    markets: tuple[str, ...]
    """In which it holds, on some surface at least."""

    @property
    def sentence(self) -> str:
        end = "until somebody lifts it" if self.reached.until is None else f"until {self.reached.until:%Y-%m-%d %H:%M} UTC"
        return f"{self.reached}: people decide all of its ads in {', '.join(self.markets)} {end}"


@dataclass(frozen=True)
class AdvertiserStrikes:
    """How an advertiser stands."""

    advertiser_id: str
    strikes: tuple[Strike, ...]
    """Those that stand and were not lifted, the latest first."""
    by_themselves: frozenset[Strike]
    """Of them, those that count by themselves; the others count with an earlier one of the same policy."""
    limits: tuple[Limited, ...]

    @property
    def sentence(self) -> str:
        """In one line."""
        if not self.strikes:
            return "no strike counts against this advertiser"
        told = f"{len(self.strikes)} strike{'s' if len(self.strikes) > 1 else ''}"
        alone = f", of which {len(self.by_themselves)} count by themselves" if len(self.by_themselves) < len(self.strikes) else ""
        return told + alone + ("" if self.limits else "; no limit is reached")


def strikes_against(connection: Connection, book: PolicyBook, advertiser_id: str, now: datetime) -> AdvertiserStrikes:
    """How an advertiser stands now, whoever it is: one that nobody knows has no strike."""
    end = connection.execute(select(func.max(entries.c.seq))).scalar() or 0
    found = strikes_at(connection, [advertiser_id], end).get(advertiser_id, [])
    return advertiser_strikes(book, advertiser_id, found, now)


def advertiser_strikes(book: PolicyBook, advertiser_id: str, strikes: Sequence[Strike], now: datetime) -> AdvertiserStrikes:
    """By the policies in force; ``now`` is aware."""
    found: dict[tuple[str, StrikeLimit], tuple[StrikesReached, list[str]]] = {}
    for market in book.markets:
        rules = book.rules[market]
        for policies in (rules.elsewhere, *rules.by_surface.values()):
            for one in strikes_reached(policies, strikes, now):
                _, markets = found.setdefault((one.policy, one.limit), (one, []))
                if market not in markets:
                    markets.append(market)
    alone = {one for policy in {strike.policy for strike in strikes} for one in counting(s for s in strikes if s.policy == policy)}
    latest = tuple(sorted(strikes, key=lambda one: one.at, reverse=True))
    return AdvertiserStrikes(advertiser_id, latest, frozenset(alone), tuple(Limited(one, tuple(where)) for one, where in found.values()))
