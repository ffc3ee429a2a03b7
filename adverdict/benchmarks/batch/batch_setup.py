"""What batch scoring is measured on: a bundle, rules, an early exit certified on one marketplace, and the unseen ads of another."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from adverdict.benchmarks.batch.counts import CONFIDENCE
from adverdict.benchmarks.shared.beside import threaded
from adverdict.benchmarks.shared.testbed import SimulatedTestBed
from adverdict.domain.errors import NotFound
from adverdict.domain.settings import Settings
from adverdict.storage.whole import making_folder

Figures = dict[str, Any]
Write = Callable[[Figures], None]
Advance = Callable[[], None]

CERTIFIED_ON_SEED, FRESH_SEED = 1_000_002, 1_000_003
"""Of the marketplace the exit is certified on, and of that it is measured on: those that nobody is likely to train or certify on."""
MAX_FLIPPED = 0.001
VALID_FOR = timedelta(days=90)


@dataclass(frozen=True)
class BatchSetup:
    """``fresh``: how many ads are scored, ``certified_on`` how many the exit is certified on. ``policies``: files to decide by; rules with
    thresholds set by hand when None. ``certificates``: of the bundle; issued here when None."""

    testbed: SimulatedTestBed
    fresh: int
    certified_on: int
    policies: Path | None = None
    certificates: Path | None = None

    def bundle(self) -> Path:
        """With an encoder."""
        return self.testbed.bundle(True) if self.testbed.model is None else self.testbed.model

    def ads(self) -> Path:
        """Of advertisers that were neither trained nor certified on."""
        return made(self.testbed.folder / f"fresh-{self.fresh}", lambda folder: _simulate(folder, self.fresh, FRESH_SEED))

    def certifying(self) -> Path:
        path = self.testbed.folder / f"certified-on-{self.certified_on}"
        return made(path, lambda folder: _simulate(folder, self.certified_on, CERTIFIED_ON_SEED))

    def rules(self, pack: Path | None = None) -> Path:
        """For the markets of a pack; of the simulated marketplaces when None."""
        return self.policies or self.testbed.rules(self.bundle(), pack or self.certifying())

    def certified(self) -> Path:
        """``certificates.json``. Raises NotFound where the bundle has no early exit, InvalidInput where simulated ads cannot certify it."""
        if self.certificates is not None:
            return self.certificates
        bundle, rules, pack = self.bundle(), self.rules(), self.certifying()
        refuse_without_exit(bundle)
        named = hashlib.sha256(f"{(bundle / 'manifest.json').read_bytes()!r} {rules.resolve()} {pack.name}".encode()).hexdigest()
        # Rules with thresholds set by hand leave no thresholds to solve, which would take most of the time.
        work = _exits_only if self.policies is None else _certify
        folder = made(self.testbed.folder / f"certificates-{named[:12]}", lambda folder: threaded(work, 1, bundle, rules, pack, folder))
        return folder / "certificates.json"


def made(path: Path, make: Callable[[Path], object]) -> Path:
    """Made once: a benchmark that was stopped in the middle leaves nothing under this name."""
    if not path.exists():
        with making_folder(path) as work:
            make(work)
    return path


def refuse_without_exit(bundle: Path) -> None:
    """Raises NotFound."""
    from adverdict.models.cascade import FILE

    if not (bundle / FILE).is_file():
        raise NotFound(f"{bundle.name} has no early exit ({FILE}); a bundle with an encoder that is trained now has one")


def _simulate(folder: Path, count: int, seed: int) -> None:
    from adverdict.simulation import write_marketplace

    write_marketplace(folder, count, seed)


def _exits_only(bundle: Path, rules: Path, pack: Path, folder: Path) -> Figures:
    """Certificates of no thresholds, with what an exit rule is solved from."""
    from adverdict.certification.certificate import CERTIFICATES, Issued
    from adverdict.certification.exits.evidence import ExitEvidence
    from adverdict.domain.progress import Silent
    from adverdict.rollout.labelled import read_sample

    sample, now = (
        read_sample([pack], Settings(home=folder, model=str(bundle), policies=rules), Silent(), measure_noise=False),
        datetime.now(UTC),
    )
    assert sample.early is not None
    scored = sample.scored
    evidence = ExitEvidence.of(
        sample.early,
        scored.risk,
        list(zip(scored.market.tolist(), scored.surface.tolist(), strict=True)),
        scored.group,
        max_flipped=MAX_FLIPPED,
        confidence=CONFIDENCE,
        bundle_version=sample.bundle.version,
        policies=scored.policies,
        solved_at=now,
        expires_at=now + VALID_FOR,
    )
    folder.mkdir(parents=True)
    (folder / CERTIFICATES).write_text(Issued((), evidence).to_json(), encoding="utf-8", newline="\n")
    return {}


def _certify(bundle: Path, rules: Path, pack: Path, folder: Path) -> Figures:
    from adverdict.domain.progress import Silent
    from adverdict.rollout.certify import SolveJob, solve

    job = SolveJob(
        [pack], Settings(home=folder, model=str(bundle), policies=rules), measure_noise=False, max_flipped=MAX_FLIPPED, out=folder
    )
    solve(job, Silent())
    return {}
