"""Bundles that roll-outs try, loaded and warmed beside the one in service before anybody is decided for by them.

Each takes as much memory as the one in service. What every worker says of them is in the ledger (``ledger.readiness``): a stage that
decides is not entered before all workers have the candidate.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from pathlib import Path

from adverdict.certification.certificate import Issued
from adverdict.domain.errors import Unavailable, UntrustedBundle
from adverdict.ledger import readiness
from adverdict.ledger.entropy import hexadecimal
from adverdict.ledger.store import Ledger, now
from adverdict.models.opening import Registry, certificates_for
from adverdict.scoring.scorer import Scorer
from adverdict.serving.worker.loaded import LoadedModel

log = logging.getLogger("adverdict.bundles")

Certify = Callable[[Scorer, str, Issued | None], None]


class TrialBundles:
    """``look`` is the champion's thread's; others only read what it has put down whole. ``certify`` hears of each bundle by which
    certificates it decides under a set of policies, and has that ready from then on."""

    def __init__(
        self, ledger: Ledger | None, registry: Registry, cache: Path, certify: Certify, clock: Callable[[], datetime] = now
    ) -> None:
        self._ledger = ledger
        self._registry = registry
        self._cache = cache
        self._certify = certify
        self._clock = clock
        self._worker = hexadecimal()
        self._held: dict[str, LoadedModel] = {}
        self._certificates: dict[tuple[str, str], str | None] = {}
        self._refused: set[str] = set()
        self.why: dict[str, str | None] = {}
        """Of each bundle that is wanted: why it is not ready; None: it is."""

    def scorer(self, version: str) -> Scorer | None:
        """By that bundle; None: it is not loaded."""
        held = self._held.get(version)
        return held.scorer if held else None

    def held(self, source: str) -> LoadedModel | None:
        """The bundle of that registered model; None: it is not loaded."""
        return next((one for one in self._held.values() if one.source == source), None)

    def look(self, wanted: Mapping[str, str], policies: Collection[str], own: LoadedModel, load: Callable[[str], LoadedModel]) -> bool:
        """Load what is wanted, drop what is not any more; whether something was dropped. ``wanted``: version -> registered model.

        ``policies``: the sets it may have to decide by. ``own``: what is in service.
        """
        dropped = self._held.keys() - wanted.keys()
        before = bool(self.why)
        self._held = {
            version: own if version == own.scorer.bundle_version else held for version, held in self._held.items() if version in wanted
        }
        self.why = {version: self.why.get(version, "it is being loaded") for version in wanted}
        if own.scorer.bundle_version in wanted:
            self._held[own.scorer.bundle_version or ""] = own
        if any(version not in self._held for version in wanted):
            self._say()
        for version, source in wanted.items():
            self.why[version] = self._ready(version, source, policies, own, load)
        if wanted or before:
            self._say()
        return bool(dropped)

    def _ready(
        self, version: str, source: str, policies: Collection[str], own: LoadedModel, load: Callable[[str], LoadedModel]
    ) -> str | None:
        """Why it is not, in a sentence; None once it is loaded and certified under every set."""
        if source in self._refused:
            return self.why.get(version) or f"{source} is refused"
        try:
            if version not in self._held:
                loaded = load(source)
                if loaded.scorer.bundle_version != version:
                    raise UntrustedBundle(f"{source} is bundle {loaded.scorer.bundle_version} now, and {version} was proposed")
                self._held = {**self._held, version: loaded}
                log.info("%s is loaded to be tried, bundle %s", source, version)
            held = self._held[version]
            for digest in policies if held is not own else ():
                self._certified(held, version, digest, own.scorer.book.hash)
        except (Unavailable, OSError) as error:
            return str(error)
        except Exception as error:
            # Whatever a bundle manages to raise while it is loaded and tried, the answer is the same: not this one.
            self._refused.add(source)
            log.error("%s is refused: %s", source, error)
            return f"{source} is refused: {error}"
        return None

    def _certified(self, held: LoadedModel, version: str, policies: str, before: str) -> None:
        digest, _ = certificates_for(held.source, policies, self._registry, before)
        if self._certificates.get((version, policies), "") == digest:
            return
        issued = None if digest is None else Issued.from_json(self._registry.fetch_certificates(held.source, digest, self._cache))
        self._certify(held.scorer, policies, issued)
        self._certificates[version, policies] = digest

    def _say(self) -> None:
        if self._ledger is None:
            return
        try:
            with self._ledger.change() as connection:
                readiness.say(connection, self._worker, self.why, self._clock())
        except Unavailable as error:
            log.warning("%s", error)
