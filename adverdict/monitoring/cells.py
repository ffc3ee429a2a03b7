"""What is watched: of each certificate the sides that decide, and the risks near its thresholds in the markets that it serves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from adverdict.certification.certificate import Certificate
from adverdict.certification.words import Side
from adverdict.decisions.policy import PolicyBook, Severity
from adverdict.monitoring.budget import Cell, Watched

SIDES = {Watched.LEAKAGE: Side.APPROVE, Watched.WRONGFUL: Side.REJECT}


@dataclass(frozen=True)
class WatchedCell:
    """A cell with the certificate that is in force there."""

    cell: Cell
    certificate: Certificate

    @property
    def name(self) -> str:
        """As alarms and detectors have it."""
        return f"{self.cell.watched}/{self.cell.policy}/{self.certificate.certificate_id}"

    @property
    def limit(self) -> float | None:
        """The share of errors promised; None for risks, of which what may be follows from the thresholds."""
        side = SIDES.get(self.cell.watched)
        bound = self.certificate.bound(side) if side else None
        return bound.limit if bound else None

    @property
    def tallies(self) -> tuple[str, ...]:
        """What counts for it, as ``following`` has it."""
        if self.cell.watched is Watched.CALIBRATION:
            return tuple(f"{Watched.CALIBRATION}/{self.cell.policy}/{market}" for market in self.cell.markets)
        return (self.name,)

    @property
    def streams(self) -> tuple[tuple[str, str], ...]:
        """Of answers, those that it waits for."""
        kinds = ("audit", "review") if self.cell.watched is Watched.CALIBRATION else ("audit",)
        return tuple((kind, market) for kind in kinds for market in self.cell.markets)


def cells_of(certificates: Sequence[Certificate], book: PolicyBook) -> Iterator[WatchedCell]:
    severities = _severities(book)
    for one in certificates:
        severity = severities.get(one.policy, Severity.QUALITY)
        markets = one.served or tuple(market.market for market in one.markets if not market.lends)
        for watched, decides in ((Watched.LEAKAGE, one.approve_below > 0), (Watched.WRONGFUL, one.reject_at < 1)):
            bound = one.bound(SIDES[watched])
            if decides and bound is not None and 0 < bound.limit < 1:
                yield WatchedCell(Cell(watched, one.policy, severity, markets), one)
        if one.decides:
            yield WatchedCell(Cell(Watched.CALIBRATION, one.policy, severity, markets), one)


def _severities(book: PolicyBook) -> dict[str, Severity]:
    order, found = list(Severity), dict[str, Severity]()
    for _, _, policy in book.every():
        found[policy.name] = min(found.get(policy.name, policy.severity), policy.severity, key=order.index)
    return found
