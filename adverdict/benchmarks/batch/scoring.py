"""A bundle as rescoring uses it, in this process: its scorer, the ads that are new to it, and who decides what at which depth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adverdict.benchmarks.shared.certified_exit import exit_certificate
from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision
from adverdict.rescoring.deciding.worker import PIECE
from adverdict.storage.tables.pack import Pack, read_ads, read_pack

if TYPE_CHECKING:
    from adverdict.certification.certificate import Issued
    from adverdict.models.bundle import Bundle
    from adverdict.scoring.scorer import Depth, Scorer

Figures = dict[str, Any]


@dataclass(frozen=True)
class OpenedPack:
    """``ads``: those of the pack whose advertisers and creatives the bundle was not made with, in the pack's order."""

    scorer: Scorer
    bundle: Bundle
    ads: Sequence[Ad]
    rule: Figures | None
    """The exit's certificate under these rules; None: every ad goes all the way."""
    why: str | None = None
    """Why there is no exit."""

    def decide(self, ads: Sequence[Ad], depth: Depth, explain: Any = "none") -> list[Decision]:
        """In pieces as large as rescoring's."""
        return [decision for some in pieces(ads) for decision in self.scorer.score(some, depth=depth, explain=explain)]

    def decide_early(self, ads: Sequence[Ad]) -> list[Decision]:
        """As if nobody doubted the cheap models; as ``decide`` where there is no early exit."""
        from adverdict.decisions.exits import ExitRule
        from adverdict.scoring.scorer import EVERYBODY, Scorer

        scorer = Scorer(self.scorer.model, self.scorer.book, solved=self.scorer.solved, exits=ExitRule(EVERYBODY), known=self.scorer.known)
        return replace(self, scorer=scorer).decide(ads, "cascade")


def pieces(ads: Sequence[Ad]) -> Iterator[Sequence[Ad]]:
    for start in range(0, len(ads), PIECE):
        yield ads[start : start + PIECE]


def opened(bundle: Path, rules: Path, certificates: Path | None, pack: Path, others: Path | None = None) -> OpenedPack:
    """``others``: a pack whose advertisers do not count as new either. Raises NotFound, UntrustedBundle, ContractMismatch."""
    from adverdict.certification.certificate import Issued
    from adverdict.decisions.files.read import read_policies
    from adverdict.scoring.known import HistorySnapshot
    from adverdict.scoring.opened import open_bundle
    from adverdict.scoring.scorer import Scorer
    from adverdict.training.evaluation.evaluate import history_with

    model = open_bundle(bundle)
    known = {ad.advertiser_id for ad in read_ads(others)} if others else set()
    read = read_pack(pack)
    # The history has the pack's own submissions, as it had when the exit was certified.
    scorer = Scorer(model, read_policies(rules), known=HistorySnapshot(history_with(model.bundle, [read]), None))
    ads = [ad for ad in fresh(model.bundle, read) if ad.advertiser_id not in known]
    issued = Issued.from_json(certificates.read_text(encoding="utf-8")) if certificates else None
    scorer = scorer.certified(issued)
    return OpenedPack(scorer, model.bundle, ads, exit_certificate(scorer, model.bundle, issued), _why_not(scorer, model.bundle, issued))


def fresh(bundle: Bundle, pack: Pack) -> list[Ad]:
    return [ad for ad in pack.ads if not bundle.seen.knows(ad)]


def _why_not(scorer: Scorer, bundle: Bundle, issued: Issued | None) -> str | None:
    """Why nobody leaves early, though it may be asked for."""
    if bundle.cascade is None:
        return "the bundle has no early exit"
    if issued is None or scorer.exits is None:
        return "the certificates carry nothing to solve an exit rule from"
    if scorer.exits.limit <= 0:
        return "too few ads, or too many flips among them, to certify any exit: only ads on which nothing hangs leave early"
    return None
