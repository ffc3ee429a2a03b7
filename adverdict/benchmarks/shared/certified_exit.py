"""An early exit as a user has one: certified on labelled simulated ads that the bundle was not trained on, and that nothing is measured on.

What is certified here is what is served and scored, by the same files that ``adverdict policy solve`` writes.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adverdict.benchmarks.shared.beside import threaded
from adverdict.benchmarks.shared.testbed import SimulatedTestBed, made, simulate
from adverdict.certification.certificate import CERTIFICATES
from adverdict.domain.errors import NotFound
from adverdict.domain.settings import Settings

if TYPE_CHECKING:
    from adverdict.certification.certificate import Issued
    from adverdict.models.bundle import Bundle
    from adverdict.scoring.scorer import Scorer

Figures = dict[str, Any]

CERTIFIED_ON_SEED = 1_000_002
"""Of the marketplace the exit is certified on: one that nobody is likely to train on."""
CERTIFIED_ON, QUICK_CERTIFIED_ON = 24_000, 8_000
"""Ads of it."""
MAX_FLIPPED, CONFIDENCE = 0.001, 0.95
"""The share of all ads that may get another verdict under any policy; one-sided."""
VALID_FOR = timedelta(days=90)


@dataclass(frozen=True)
class CertifiedExit:
    """``ads``: how many it is certified on. ``by_hand``: the rules' thresholds are set by hand, so only the exit is certified; solving
    thresholds of other rules would take most of the time."""

    testbed: SimulatedTestBed
    ads: int
    by_hand: bool = True

    def certifying(self) -> Path:
        """The marketplace it is certified on."""
        return made(self._pack, lambda folder: simulate(folder, self.ads, CERTIFIED_ON_SEED))

    @property
    def _pack(self) -> Path:
        return self.testbed.folder / f"certified-on-{self.ads}"

    def of(self, bundle: Path, rules: Path) -> Path:
        """``certificates.json``. Raises NotFound where the bundle has no early exit, InvalidInput where simulated ads cannot certify it."""
        refuse_without_exit(bundle)
        work = _exits_only if self.by_hand else _certify
        return made(self.folder(bundle, rules), lambda folder: threaded(work, 1, bundle, rules, self.certifying(), folder)) / CERTIFICATES

    def folder(self, bundle: Path, rules: Path) -> Path:
        """Where it is kept: what was certified for other rules, another bundle or on other ads is not taken for it."""
        named = hashlib.sha256(f"{(bundle / 'manifest.json').read_bytes()!r} {rules.resolve()} {self._pack.name}".encode()).hexdigest()
        return self.testbed.folder / f"certificates-{named[:12]}"


def refuse_without_exit(bundle: Path) -> None:
    """Raises NotFound."""
    from adverdict.models.cascade import FILE

    if not (bundle / FILE).is_file():
        raise NotFound(f"{bundle.name} has no early exit ({FILE}); a bundle with an encoder that is trained now has one")


def exit_certificate(scorer: Scorer, bundle: Bundle, issued: Issued | None) -> Figures | None:
    """What is promised of the exit under the scorer's rules, and on what evidence; None: every ad goes all the way."""
    from adverdict.certification.exits.solve import solve_exits

    if issued is None or issued.exits is None or bundle.cascade is None:
        return None
    solved = solve_exits(issued.exits, scorer.book, scorer.solved, bundle.cascade.doubt)
    return asdict(solved) | {"expires_at": solved.expires_at.isoformat()}


def certificate_of(bundle: Path, rules: Path, certificates: Path) -> Figures | None:
    """The same from files, read in a process of its own."""
    return threaded(_certificate_of, 1, bundle, rules, certificates)["certificate"]  # type: ignore[no-any-return]  # of figures


def _certificate_of(bundle: Path, rules: Path, certificates: Path) -> Figures:
    from adverdict.certification.certificate import Issued
    from adverdict.decisions.files.read import read_policies
    from adverdict.scoring.opened import open_bundle
    from adverdict.scoring.scorer import Scorer

    issued, model = Issued.from_json(certificates.read_text(encoding="utf-8")), open_bundle(bundle)
    return {"certificate": exit_certificate(Scorer(model, read_policies(rules)).certified(issued), model.bundle, issued)}


def _exits_only(bundle: Path, rules: Path, pack: Path, folder: Path) -> Figures:
    """Certificates of no thresholds, with what an exit rule is solved from."""
    from adverdict.certification.certificate import Issued
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
