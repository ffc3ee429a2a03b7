"""Scorers by sets of policies, for those who have to decide by several."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, Protocol, Self, TypeVar

from adverdict.decisions.policy import PolicyBook
from adverdict.domain.errors import NotFound

if TYPE_CHECKING:
    from adverdict.certification.certificate import Issued
    from adverdict.scoring.model import Model


class Deciding(Protocol):
    """As much of a scorer as is needed here."""

    model: Model | None

    def deciding_by(self, book: PolicyBook, issued: Issued | None) -> Self: ...


One = TypeVar("One", bound=Deciding)


class PolicySets(Generic[One]):
    """Scorers by sets of policies, made when they are asked for and held on to.

    ``recall``: what a ledger keeps, by kind and digest; raises NotFound. ``issued``: the certificates that a scorer's model decides by
    under a set; None: none. ``bundle``: a scorer by the bundle with this version; None: it is not at hand.
    """

    MOST = 16
    """Held on to: those of the roll-outs under way, for a model and the one before it."""

    def __init__(
        self,
        recall: Callable[[str, str], bytes],
        issued: Callable[[One, str], Issued | None],
        bundle: Callable[[str], One | None] = lambda version: None,
    ) -> None:
        self._recall = recall
        self._issued = issued
        self._bundle = bundle
        self._made: dict[tuple[int, str], tuple[One, Issued | None]] = {}

    def __call__(self, scorer: One, policies: str, bundle: str | None = None) -> One | None:
        if bundle is not None and (scorer.model is None or scorer.model.version != bundle):
            other = self._bundle(bundle)
            if other is None:
                return None
            scorer = other
        issued = self._issued(scorer, policies)
        known = self._made.get((id(scorer.model), policies))
        if known is not None and known[0].model is scorer.model and known[1] is issued:
            return known[0]
        try:
            book = PolicyBook.from_json(self._recall("policies", policies))
        except NotFound:
            return None
        made = scorer.deciding_by(book, issued)
        while len(self._made) >= self.MOST:
            del self._made[next(iter(self._made))]
        self._made[id(scorer.model), policies] = made, issued
        return made
