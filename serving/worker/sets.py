"""Which sets of policies decide, and which may have to from one round to the next: told by the ledger, the files' own until it says."""

from __future__ import annotations

import logging

from adverdict.certification.certificate import Issued
from adverdict.decisions.policy import PolicyBook
from adverdict.domain.errors import NotFound, Unavailable
from adverdict.ledger.in_force.rollouts import rollouts_now
from adverdict.ledger.store import Ledger
from adverdict.scoring.scorer import Scorer
from adverdict.scoring.sets import PolicySets

log = logging.getLogger("adverdict.policies")


class SetsInForce:
    """``look`` is the champion's thread's, calling it the intake's; between them only whole objects are handed over."""

    def __init__(self, files: PolicyBook, ledger: Ledger | None) -> None:
        self.book = files
        """The set in force."""
        self.needed: tuple[str, ...] = ()
        """Hashes of all that may decide: in force, before it, and of every roll-out that is proposed or under way."""
        self._ledger = ledger
        self._files = files
        self._issued: dict[tuple[int, str], Issued | None] = {}
        self._scorers: PolicySets[Scorer] = PolicySets(self._recall, self._certificates)

    def look(self) -> None:
        """What the ledger says now. Where it cannot be asked, what it said last goes on."""
        if self._ledger is None:
            return
        try:
            told = rollouts_now(self._ledger)
            if told.policies is not None and told.policies != self.book.hash:
                self.book = self._read(told.policies)
        except (Unavailable, NotFound) as error:
            log.warning("%s", error)
            return
        open_now = [one.proposal for one in told.by_id.values() if one.state in ("proposed", "under way")]
        named = [told.policies, *(told.put[-1][1].before if told.put else None,)]
        named += [digest for one in open_now for digest in (one.base.policies, one.candidate.policies)]
        self.needed = tuple(dict.fromkeys(digest for digest in named if digest is not None))

    def certify(self, scorer: Scorer, policies: str, issued: Issued | None) -> None:
        """From now on the scorer's model decides by these certificates under that set."""
        self._issued[id(scorer.model), policies] = issued
        while len(self._issued) > PolicySets.MOST:
            del self._issued[next(iter(self._issued))]

    def __call__(self, scorer: Scorer, policies: str) -> Scorer | None:
        """The scorer's model deciding by another set; None where it is not kept. Raises Unavailable."""
        return self._scorers(scorer, policies)

    def _certificates(self, scorer: Scorer, policies: str) -> Issued | None:
        return self._issued.get((id(scorer.model), policies), scorer.issued)

    def _read(self, policies: str) -> PolicyBook:
        return self._files if policies == self._files.hash else PolicyBook.from_json(self._recall("policies", policies))

    def _recall(self, kind: str, digest: str) -> bytes:
        if self._ledger is None:
            raise NotFound("there is no ledger that keeps policies")
        return self._ledger.recall(kind, digest)
