"""Which sets of policies decide, and which may have to from one round to the next: told by the ledger, the files' own until it says."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from adverdict.certification.certificate import Issued
from adverdict.decisions.policy import PolicyBook
from adverdict.domain.errors import NotFound, Unavailable
from adverdict.ledger.in_force.rollouts import Rollout, rollouts_now
from adverdict.ledger.store import Ledger
from adverdict.models.opening import Registry
from adverdict.scoring.scorer import Scorer
from adverdict.scoring.sets import PolicySets
from adverdict.serving.worker.bundles import TrialBundles
from adverdict.serving.worker.loaded import LoadedModel

log = logging.getLogger("adverdict.policies")


class SetsInForce:
    """``look`` is the champion's thread's, calling it the intake's; between them only whole objects are handed over.

    ``registry`` and ``cache``: where bundles that roll-outs try are had from, and put; None: none are tried here.
    """

    def __init__(self, files: PolicyBook, ledger: Ledger | None, registry: Registry | None = None, cache: Path | None = None) -> None:
        self.book = files
        """The set in force."""
        self.needed: tuple[str, ...] = ()
        """Hashes of all that may decide: in force, before it, and of every roll-out that is proposed or under way."""
        self.open: tuple[Rollout, ...] = ()
        """Roll-outs that are proposed or under way, or whose model is just becoming the champion."""
        self._ledger = ledger
        self._files = files
        self._bundles = None if registry is None or cache is None else TrialBundles(ledger, registry, cache, self._certified)
        self._issued: dict[tuple[int, str], Issued | None] = {}
        self._scorers: PolicySets[Scorer] = PolicySets(self._recall, self._certificates, self._bundle)

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
        self.open = tuple(one for one in told.by_id.values() if one.state in ("proposed", "under way") or one.promoting)
        open_now = [one.proposal for one in self.open]
        named = [told.policies, *(told.put[-1][1].before if told.put else None,)]
        named += [digest for one in open_now for digest in (one.base.policies, one.candidate.policies)]
        self.needed = tuple(dict.fromkeys(digest for digest in named if digest is not None))

    def certify(self, scorer: Scorer, policies: str, issued: Issued | None) -> None:
        """From now on the scorer's model decides by these certificates under that set."""
        self._issued[id(scorer.model), policies] = issued
        while len(self._issued) > PolicySets.MOST:
            del self._issued[next(iter(self._issued))]

    def beside(self, own: LoadedModel, load: Callable[[str], LoadedModel]) -> bool:
        """Have the bundles loaded that open roll-outs try; whether one was dropped. ``own``: what is in service."""
        wanted = dict(pair for one in self.open for pair in one.sources)
        return self._bundles is not None and self._bundles.look(wanted, self.needed, own, load)

    def held(self, source: str) -> LoadedModel | None:
        """A bundle that is tried, by its registered model; None: it is not loaded."""
        return self._bundles.held(source) if self._bundles else None

    def why_not(self, bundle: str) -> str | None:
        """Why a bundle that is tried is not ready here; None: it is."""
        return self._bundles.why.get(bundle, "it is not loaded") if self._bundles else "no bundle is tried here"

    def __call__(self, scorer: Scorer, policies: str, bundle: str | None = None) -> Scorer | None:
        """The bundle's model, the scorer's own when None, deciding by another set; None where one of them is not at hand. Raises
        Unavailable."""
        return self._scorers(scorer, policies, bundle)

    def _bundle(self, version: str) -> Scorer | None:
        return self._bundles.scorer(version) if self._bundles else None

    def _certified(self, scorer: Scorer, policies: str, issued: Issued | None) -> None:
        """From now on that bundle decides by these certificates under that set, and is ready to."""
        self.certify(scorer, policies, issued)
        self._scorers(scorer, policies)

    def _certificates(self, scorer: Scorer, policies: str) -> Issued | None:
        return self._issued.get((id(scorer.model), policies), scorer.issued)

    def _read(self, policies: str) -> PolicyBook:
        return self._files if policies == self._files.hash else PolicyBook.from_json(self._recall("policies", policies))

    def _recall(self, kind: str, digest: str) -> bytes:
        if self._ledger is None:
            raise NotFound("there is no ledger that keeps policies")
        return self._ledger.recall(kind, digest)
