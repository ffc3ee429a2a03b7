"""Certify a model's thresholds on labelled ads of advertisers it has not seen, and keep the certificates with the model.

labelled ads (rollout.labelled) -> certification.thresholds.solve -> page -> MLflow
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from adverdict.certification.certificate import CERTIFICATES, Certificate, Design, Issued, thresholds
from adverdict.certification.exits.evidence import ExitEvidence
from adverdict.certification.exits.solve import ExitCertificate, solve_exits
from adverdict.certification.signing import signed
from adverdict.certification.thresholds.capacity import Priced
from adverdict.certification.thresholds.issue import Origin
from adverdict.certification.thresholds.shortage import CostsOfLimits, in_words
from adverdict.certification.thresholds.solve import Solution, Terms, certify
from adverdict.domain.errors import GateRefused, UntrustedBundle
from adverdict.domain.progress import Progress
from adverdict.domain.settings import Settings
from adverdict.models.certified import certified_thresholds
from adverdict.models.registry import is_registered
from adverdict.rollout.audits import with_audit_shares
from adverdict.rollout.labelled import Sample, read_sample
from adverdict.rollout.pages.certificates import write_page
from adverdict.rollout.views import with_views
from adverdict.rollout.volume import refuse_unseen
from adverdict.storage.tables.reading import Source
from adverdict.storage.whole import write_whole
from adverdict.training.tracking.aliases import attach_certificates

EXIT_CONFIDENCE = 0.95
MOST_EVIDENCE = 30_000
"""Ads kept with the certificates for solving the exit rule again; as text, half a megabyte a policy and 20,000 ads."""


@dataclass(frozen=True)
class SolveJob:
    """``measure_noise``: lower the bounds by what the raters' agreement leaves open. ``all_at_once``: one confidence for all policies of a
    market together, not for each. ``out``: also keep the certificates in this folder."""

    data: Sequence[Path | Source]
    settings: Settings
    """Which model, which policies, and where certificates are kept."""
    measure_noise: bool = True
    all_at_once: bool = False
    valid_for: timedelta = timedelta(days=90)
    max_flipped: float = 0.001
    """Share of ads on which leaving the models early may change a verdict, with ``EXIT_CONFIDENCE``."""
    capacity: float | None = None
    """Reviews a day to stay within; ``volume`` then says how many ads a day each market gets. None: a review has the price
    of ``capacity.review_price`` for these ads."""
    volume: Mapping[str, float] = field(default_factory=dict)
    out: Path | None = None


@dataclass(frozen=True)
class Solved:
    solution: Solution
    sample: Sample
    exits: ExitCertificate | None
    """Who leaves the models early under these thresholds; None: the bundle has no early exit."""
    page: Path
    file: Path
    """certificates.json, as a service reads it."""
    attached: str | None
    """The registered version the certificates now belong to; None when the model is a folder."""


class TooFewReviewers(GateRefused):
    """The certified thresholds leave more to review than the capacity; nothing was kept."""

    code = "infeasible_capacity"

    def __init__(self, plan: Priced, costs: CostsOfLimits, certificates: Sequence[Certificate]) -> None:
        self.plan, self.costs = plan, costs
        lines = [
            f"infeasible: deciding as much as the policies' limits and the certificates permit leaves {plan.reviews_needed:,.0f} reviews a "
            f"day, the capacity is {plan.capacity:,.0f}"
        ]
        lines += [f"  - {line}" for line in in_words(costs, plan.capacity)]
        lines += [
            f"  - {certificate.policy} in {', '.join(certificate.served) or 'no market'}: {finding}"
            for certificate in certificates
            for finding in certificate.findings
        ]
        super().__init__("\n".join(lines))


def solve(job: SolveJob, progress: Progress) -> Solved:
    """Run the job. Raises InvalidInput, InvalidPolicy, NotFound, Unavailable or TooFewReviewers; leaves nothing half-done."""
    sample, solution, origin = solve_thresholds(job, progress)
    if solution.costs is not None:
        raise TooFewReviewers(solution.priced, solution.costs, solution.certificates)
    progress.stage("page", 1)
    kept = keep(job, sample, solution, origin)
    progress.advance()
    return kept


def solve_thresholds(job: SolveJob, progress: Progress) -> tuple[Sample, Solution, Origin]:
    """What ``solve`` comes to, feasible or not, before any of it is kept."""
    sample = read_sample(job.data, job.settings, progress, measure_noise=job.measure_noise)
    if job.capacity is not None:
        refuse_unseen(job.volume, set(sample.scored.market.tolist()))
    progress.stage("certificates", 1)
    design = _design(job, sample)
    origin = Origin(sample.bundle.version, sample.book.hash, sample.digests, datetime.now(UTC), design, job.valid_for)
    terms = Terms(
        noise=sample.noise,
        all_at_once=job.all_at_once,
        looked_again=design.looked_again,
        capacity=job.capacity,
        volume=job.volume if job.capacity is not None else None,
    )
    solution = certify(sample.scored, sample.book, origin, terms)
    audited = with_audit_shares(solution.certificates, sample.scored, sample.book, job.volume or sample.ads_a_day)
    if sample.viewed is not None:
        audited = with_views(audited, sample.scored, sample.viewed, sample.book)
    solution = replace(solution, certificates=audited, solved=thresholds(audited))
    progress.advance()
    return sample, solution, origin


def certified_policies(certificates: Sequence[Certificate]) -> dict[str, bool]:
    """Every policy, and whether approving under it is certified in most of the ads that it decides on."""
    certified: dict[str, bool] = {}
    for policy in dict.fromkeys(one.policy for one in certificates):
        ours = [one for one in certificates if one.policy == policy]
        shown = sum(one.traffic.ads for one in ours if one.served and one.approve_below > 0)
        certified[policy] = shown > sum(one.traffic.ads for one in ours) / 2
    return certified


def _design(job: SolveJob, sample: Sample) -> Design:
    """How the labels came to be, and whether they may be tested as if this were the only look."""
    designed = sample.designed
    return Design(
        samples=tuple(sorted(designed.samples)),
        announced=designed.announced,
        labelled=len({label.ad_id for label in designed.random}),
        looked_again=not designed.complete or looked_before(job.settings.home, sample.bundle.version, sample.book.hash, sample.digests),
    )


def looked_before(home: Path, version: str, policy_hash: str, data: Sequence[str]) -> bool:
    """Whether other labels were solved with for the same model and policies; the same labels give the same answer and are no other look."""
    for file in sorted((home / "certificates").glob(f"*/{CERTIFICATES}")):
        try:
            issued = Issued.from_json(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, UntrustedBundle):
            continue  # nothing this version can read was issued there
        if any((one.bundle_version, one.policy_hash) == (version, policy_hash) and one.data != tuple(data) for one in issued.certificates):
            return True
    return False


def keep(job: SolveJob, sample: Sample, solution: Solution, origin: Origin) -> Solved:
    """Write certificates and page under ``home`` (and ``out``), and attach them to a registered model."""
    evidence, exits = certify_exits(job, sample, solution, origin)
    text = Issued(solution.certificates, evidence).to_json()
    if job.settings.signing_key is not None:
        text = signed(text, job.settings.signing_key)
    digest = hashlib.sha256(text.encode()).hexdigest()
    folder = job.out or job.settings.home / "certificates" / digest[:16]
    folder.mkdir(parents=True, exist_ok=True)
    page = write_page(folder, solution.certificates, titles={policy.name: policy.title for _, _, policy in sample.book.every()})
    file = folder / CERTIFICATES
    write_whole(file, text)
    attached = None
    if is_registered(sample.source):
        attached = sample.source
        attach_certificates(attached, folder, digest, sample.book.hash)
    return Solved(solution, sample, exits, page, file, attached)


def certify_exits(job: SolveJob, sample: Sample, solution: Solution, origin: Origin) -> tuple[ExitEvidence | None, ExitCertificate | None]:
    """What a service solves its exit rule from, and the rule it will come to under these thresholds."""
    cascade = sample.bundle.cascade
    if cascade is None or sample.early is None:
        return None, None
    rows = _whole_groups(sample.scored.group, MOST_EVIDENCE)
    scored = sample.scored
    places = zip(scored.market[rows].tolist(), scored.surface[rows].tolist(), strict=True)
    evidence = ExitEvidence.of(
        sample.early[rows],
        scored.risk[rows],
        list(places),
        scored.group[rows],
        max_flipped=job.max_flipped,
        confidence=EXIT_CONFIDENCE,
        bundle_version=sample.bundle.version,
        policies=scored.policies,
        solved_at=origin.solved_at,
        expires_at=origin.solved_at + origin.valid_for,
    )
    solved = certified_thresholds(Issued(solution.certificates, evidence), sample.bundle.version)
    return evidence, solve_exits(evidence, sample.book, solved, cascade.doubt)


def _whole_groups(group: NDArray[np.int64], most: int) -> NDArray[np.intp]:
    """Rows of as many groups, drawn by chance, as have at most so many ads together."""
    if len(group) <= most:
        return np.arange(len(group))
    tally = np.bincount(group)
    drawn = np.random.default_rng(0).permutation(len(tally))  # the same ads must give the same certificate
    kept = drawn[np.cumsum(tally[drawn]) <= most]
    return np.flatnonzero(np.isin(group, kept))


def figures(solved: Solved) -> dict[str, object]:
    """For machines: the certificates as stored, and what they rest on."""
    stored = json.loads(Issued(solved.solution.certificates).to_json())
    priced = {key: value for key, value in asdict(solved.solution.priced).items() if key != "thresholds"}
    counts = {"labelled": solved.sample.labelled, "labelled_seen": solved.sample.seen, "people": solved.solution.people}
    exits = asdict(solved.exits) | {"expires_at": solved.exits.expires_at.isoformat()} if solved.exits else None
    return {**stored, **counts, "plan": priced, "exits": exits, "attached": solved.attached}
