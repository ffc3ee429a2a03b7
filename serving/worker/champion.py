"""Which model is in service: follows a name in the registry, swaps without a pause, and keeps the last good one when something is wrong.

One thread a worker looks at the registry, downloads, loads and warms up; serving threads only ever read one attribute, ``state``,
which is rebound whole. A request that has begun keeps the scorer it began with.
"""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from adverdict.certification.certificate import Certificate, Issued
from adverdict.decisions.unmatched import unmatched
from adverdict.domain.degraded import Cause, Degradation
from adverdict.domain.errors import AdverdictError, ContractMismatch, NotFound, Unavailable, UntrustedBundle
from adverdict.models.in_use import InUse, last_in_use, note, policies_before
from adverdict.models.opening import Registry, certificates_for
from adverdict.scoring.scorer import Scorer
from adverdict.scoring.warm_up import WARM_UP
from adverdict.serving.worker.loaded import LoadedModel, ServingState
from adverdict.serving.worker.sets import SetsInForce

log = logging.getLogger("adverdict.champion")
__all__ = ["Champion", "LoadedModel", "ServingState"]


class Champion:
    """Keeps ``state`` up to date with what ``model`` stands for.

    ``load`` turns a bundle's folder into a scorer and raises when it cannot be trusted, ``trial`` raises where it may not even be loaded
    here; ``watch`` hears of every new standing, and ``besides`` is called at every look.
    """

    def __init__(
        self,
        model: str,
        registry: Registry,
        load: Callable[[Path], Scorer],
        cache: Path,
        *,
        fallback: Scorer,
        sets: SetsInForce | None = None,
        poll_seconds: float = 5.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        watch: Callable[[ServingState], None] = lambda state: None,
        trial: Callable[[Path], None] = lambda folder: None,
        besides: Callable[[], None] = lambda: None,
    ) -> None:
        self.model = model
        self.state = ServingState()
        self._registry = registry
        self._load = load
        self._cache = cache
        self._fallback = fallback
        self._sets = sets
        self._poll_seconds = poll_seconds
        self._clock = clock
        self._watch = watch
        self._trial = trial
        self._besides = besides
        self._before: str | None = None
        """Policies whose certificates were used last with the version in service, maybe by who served before."""
        self._refused: dict[str, str] = {}
        """Sources that are not used, and why, as anybody may be told."""
        self._why: str | None = None
        self._refused_certificates: set[str] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="champion", daemon=True)

    @property
    def starting(self) -> bool:
        """True until the first look at the registry has ended."""
        return self.state.checked_at is None

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def current(self) -> tuple[Scorer, tuple[Degradation, ...]]:
        """The scorer to use now and what is to be said of it; without a model, one that leaves everything to people."""
        state = self.state
        return (state.loaded.scorer if state.loaded else self._fallback), state.degraded

    @property
    def refused(self) -> str | None:
        """Why the bundle that is asked for is not used; None: it is, or cannot be found at all."""
        return self._why if any(one.cause is Cause.BUNDLE_REFUSED for one in self.state.degraded) else None

    def certificates(self) -> tuple[Certificate, ...]:
        """Those by which it is decided now."""
        loaded = self.state.loaded
        return loaded.issued if loaded else ()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end, and wait a little: it may be in the middle of a download."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=2.0)

    def check(self) -> None:
        """One look at the registry, and whatever follows from it. Called by the thread; never by a request."""
        self._besides()
        if self._sets is not None:
            self._sets.look()
        state = self._beside(self._ready_for_others(self._moved(self._next())))
        self._set(replace(state, checked_at=self._clock()))

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.check()
            except Exception:
                # The thread's last line of defence: if it died, this worker would serve a stale model and never say so.
                log.exception("looking for %s failed in a way nobody foresaw; the next look is in %s s", self.model, self._poll_seconds)
                self._set(replace(self.state, degraded=(Degradation(Cause.UNREACHABLE),), checked_at=self._clock()))
            self._stop.wait(self._poll_seconds)

    def _next(self) -> ServingState:
        now = self.state
        try:
            source = self._registry.resolve(self.model)
            if now.loaded is not None and source == now.loaded.source:
                return self._certified(self._recovered())
            if source in self._refused:
                self._why = self._refused[source]
                return self._kept(_refused(source))
            return self._certified(self._swapped(source))
        except NotFound as error:
            return self._kept(Degradation(Cause.NOT_FOUND), error)
        except (Unavailable, OSError) as error:
            return self._recalled(self._kept(Degradation(Cause.UNREACHABLE), error))

    def _moved(self, state: ServingState) -> ServingState:
        """The same, deciding by the set of policies in force now. Its certificates are looked for, and those before go on meanwhile."""
        loaded = state.loaded
        if loaded is None or self._sets is None or loaded.scorer.book.hash == self._sets.book.hash:
            return state
        before, book = loaded.scorer, self._sets.book
        log.info("policies %s are in force, %s before", book.hash[:12], before.book.hash[:12])
        self._before = before.book.hash
        scorer = before.by_set(book.hash) or before.deciding_by(book, before.issued)
        told = scorer.issued.certificates if scorer.issued else ()
        digest = loaded.others.get(book.hash, loaded.certificates)
        self._sets.certify(before, before.book.hash, before.issued)  # the way back is ready, too, whether or not the registry answers
        others = {**loaded.others, before.book.hash: loaded.certificates}
        others.pop(book.hash, None)
        moved = replace(state, loaded=replace(loaded, scorer=scorer.anew(), certificates=digest, issued=told, others=others))
        try:
            return self._certified(moved)
        except (NotFound, Unavailable, OSError) as error:
            log.warning("the certificates of these policies cannot be looked for now: %s", error)
            return moved

    def _ready_for_others(self, state: ServingState) -> ServingState:
        """The same, with every other set at hand that may have to decide from one round to the next, certificates and all."""
        loaded = state.loaded
        if loaded is None or self._sets is None:
            return state
        others: dict[str, str | None] = {}
        for policies in self._sets.needed:
            if policies == loaded.scorer.book.hash:
                continue
            try:
                digest, _ = certificates_for(loaded.source, policies, self._registry, loaded.scorer.book.hash)
                known = policies in loaded.others and loaded.others[policies] == digest
                issued = None if known or digest is None else self._fetched_certificates(loaded.source, digest)
            except (AdverdictError, OSError, ValueError) as error:
                log.warning("policies %s cannot be made ready: %s", policies[:12], error)
                others |= {policies: loaded.others[policies]} if policies in loaded.others else {}
                continue
            if not known:
                self._sets.certify(loaded.scorer, policies, issued)
            others[policies] = digest
        if others == dict(loaded.others):
            return state
        scorer = loaded.scorer.anew()
        for policies in others:
            scorer.by_set(policies)
        return replace(state, loaded=replace(loaded, scorer=scorer, others=others))

    def _beside(self, state: ServingState) -> ServingState:
        """The same, with every bundle at hand that a roll-out tries, or tries another against."""
        loaded = state.loaded
        if loaded is None or self._sets is None or not self._sets.beside(loaded, lambda source: self._fetched(source)[0]):
            return state
        scorer = loaded.scorer.anew()  # so that nobody holds on to what was dropped
        for policies in loaded.others:
            scorer.by_set(policies)
        return replace(state, loaded=replace(loaded, scorer=scorer))

    def _fetched_certificates(self, source: str, digest: str) -> Issued:
        return Issued.from_json(self._registry.fetch_certificates(source, digest, self._cache))

    def _swapped(self, source: str) -> ServingState:
        """``source`` in service, or refused."""
        try:
            loaded, folder = self._fetched(source)
        except (Unavailable, OSError):
            raise
        except Exception as error:
            # Whatever a bundle manages to raise while it is loaded and tried, the answer is the same: not this one.
            self._why = self._refused[source] = _publicly(error)
            log.error("%s is refused: %s", source, error, exc_info=None if isinstance(error, AdverdictError) else error)
            return self._recalled(self._kept(_refused(source)))
        self._before = policies_before(self._cache, source)
        self._remember(source, str(folder.resolve()), None, self._before)
        return self._serving(loaded)

    def _certified(self, state: ServingState) -> ServingState:
        """The same with the certificates that belong to its version now. What cannot be trusted is not used: what was used before stays."""
        loaded = state.loaded
        if loaded is None or state.degraded:
            return state
        digest, policies = certificates_for(loaded.source, loaded.scorer.book.hash, self._registry, self._before)
        if digest == loaded.certificates:
            return state
        if digest is None:
            self._remember(loaded.source, loaded.folder, None, policies)
            return replace(state, loaded=loaded.certified(None, None))
        if digest in self._refused_certificates:
            return replace(state, degraded=(Degradation(Cause.CERTIFICATES_REFUSED),))
        try:
            issued = self._fetched_certificates(loaded.source, digest)
            certified = loaded.certified(digest, issued)
        except (AdverdictError, ValueError) as error:
            if isinstance(error, Unavailable):
                raise
            self._refused_certificates.add(digest)
            log.error("the certificates of %s are refused: %s", loaded.source, error)
            return replace(state, degraded=(Degradation(Cause.CERTIFICATES_REFUSED),))
        log.info("%s decides by certificates %s", loaded.source, digest[:16])
        self._remember(loaded.source, loaded.folder, digest, policies)
        return replace(state, loaded=certified)

    def _fetched(self, source: str) -> tuple[LoadedModel, Path]:
        held = self._sets.held(source) if self._sets else None
        if held is not None:
            return replace(held, since=self._clock(), certificates=None, issued=(), others={}), Path(held.folder)
        folder = self._registry.fetch(source, self._cache)
        try:
            return self._open(folder, source), folder
        except UntrustedBundle as error:
            if self._cache.resolve() not in folder.resolve().parents:
                raise
            # The copy on this disk may have rotted since it was downloaded; the registry's may be sound.
            log.warning("%s: downloading it once more", error)
            shutil.rmtree(folder, ignore_errors=True)
            folder = self._registry.fetch(source, self._cache)
            return self._open(folder, source), folder

    def _open(self, folder: Path, source: str) -> LoadedModel:
        """Loaded and tried on one ad, so that neither a broken bundle nor a cold one meets a request."""
        self._trial(folder)
        scorer = self._load(folder)
        [tried] = scorer.score([WARM_UP])
        if tried.bundle_version is not None and tried.familiarity is None:
            log.warning(
                "%s was made before familiarity: ads unlike those it learnt from are decided by their risk until it is trained anew", source
            )
        return LoadedModel(scorer, source, self._clock(), str(folder.resolve()))

    def _serving(self, loaded: LoadedModel) -> ServingState:
        version = loaded.scorer.model.version if loaded.scorer.model else Cause.NO_MODEL
        log.info("%s is in service as %s, bundle %s", loaded.source, self.model, version)
        scored = loaded.scorer.model.policies if loaded.scorer.model else None
        if scored is not None and (told := unmatched(loaded.scorer.book, scored)):
            log.warning("%s: %s", loaded.source, told)
        return ServingState(loaded, swaps=self.state.swaps + 1)

    def _recovered(self) -> ServingState:
        if self.state.degraded:
            log.info("%s answers again", self.model)
        return replace(self.state, degraded=())

    def _kept(self, cause: Degradation, error: Exception | None = None) -> ServingState:
        if self.state.degraded != (cause,) and error is not None:
            log.warning("%s: %s; %s", cause, error, "what is loaded stays" if self.state.loaded else "nothing is loaded")
        return replace(self.state, degraded=(cause,))

    def _recalled(self, state: ServingState) -> ServingState:
        """With nothing loaded, put the bundle into service that was last known to be good, if it is still on this disk."""
        if state.loaded is not None:
            return state
        loaded = self._last_good()
        return replace(self._serving(loaded), degraded=state.degraded) if loaded else state

    def _last_good(self) -> LoadedModel | None:
        try:
            last = last_in_use(self._cache)
            if last is None or last.model != self.model or last.source in self._refused:
                return None
            self._before = last.policies
            return self._with_last_certificates(self._open(Path(last.folder), last.source), last.certificates)
        except (AdverdictError, OSError, ValueError, TypeError) as error:
            log.error("the last good bundle cannot be used: %s", error)
            return None

    def _with_last_certificates(self, loaded: LoadedModel, digest: str | None) -> LoadedModel:
        """With the certificates it had when it was last in service, if their copy is still on this disk."""
        if digest is None:
            return loaded
        return loaded.certified(digest, self._fetched_certificates(loaded.source, digest))

    def _remember(self, source: str, folder: str, certificates: str | None, policies: str | None) -> None:
        """Note what is in service, for a start without a registry or by other policies."""
        try:
            note(self._cache, InUse(self.model, source, folder, certificates, policies))
        except OSError as error:
            log.warning("cannot note the last good bundle, a start without the registry would find nothing: %s", error)

    def _set(self, state: ServingState) -> None:
        self.state = state
        self._watch(state)


def _publicly(error: Exception) -> str:
    """Names of features and plug-ins, for whoever asks a probe; of all else, which may hold paths, the log tells more."""
    if isinstance(error, ContractMismatch):
        return str(error)
    return f"{error.code if isinstance(error, AdverdictError) else 'it cannot be loaded'}; the log says more"


def _refused(source: str) -> Degradation:
    return Degradation(Cause.BUNDLE_REFUSED, source.rsplit("/", 1)[-1])
