"""Certify a model's thresholds on labelled ads of advertisers it has not seen, and keep the certificates with the model.

fetch the model -> read packs -> leave out whoever it was trained on -> score -> adverdict.certification.thresholds.solve -> page -> MLflow
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from adverdict.certification.certificate import CERTIFICATES, Certificate, Design, Issued, LabelNoise, thresholds
from adverdict.certification.exits.evidence import ExitEvidence
from adverdict.certification.exits.solve import ExitCertificate, solve_exits
from adverdict.certification.thresholds.agreement import label_noise
from adverdict.certification.thresholds.capacity import Priced
from adverdict.certification.thresholds.issue import Origin
from adverdict.certification.thresholds.scored import ScoredAds
from adverdict.certification.thresholds.shortage import CostsOfLimits, in_words
from adverdict.certification.thresholds.solve import Solution, Terms, certify
from adverdict.decisions.files.read import read_policies
from adverdict.decisions.policy import PolicyBook, surface_key
from adverdict.domain.ad import Ad, Label
from adverdict.domain.errors import GateRefused, InvalidInput, Mistake, UntrustedBundle
from adverdict.domain.progress import Progress
from adverdict.domain.settings import Settings
from adverdict.models.bundle import Bundle
from adverdict.models.certified import certified_thresholds
from adverdict.models.opening import find_model
from adverdict.models.registry import is_registered
from adverdict.rollout.audits import ads_a_day, with_audit_shares
from adverdict.rollout.designs import Designed, by_design
from adverdict.rollout.pages.certificates import write_page
from adverdict.rollout.volume import refuse_unseen
from adverdict.storage.tables.pack import Pack, read_pack
from adverdict.storage.whole import write_whole
from adverdict.training.dataset import groups_of
from adverdict.training.evaluation.evaluate import ROWS, history_with
from adverdict.training.tracking.run import attach_certificates

EXIT_CONFIDENCE = 0.95
MOST_EVIDENCE = 30_000
"""Ads kept with the certificates for solving the exit rule again; as text, half a megabyte a policy and 20,000 ads."""


@dataclass(frozen=True)
class SolveJob:
    """``measure_noise``: lower the bounds by what the raters' agreement leaves open. ``all_at_once``: one confidence for all policies of a
    market together, not for each. ``out``: also keep the certificates in this folder."""

    data: Sequence[Path]
    settings: Settings
    """Which model, which policies, and where certificates are kept."""
    measure_noise: bool = True
    all_at_once: bool = False
    valid_for: timedelta = timedelta(days=90)
    max_flipped: float = 0.001
    """Share of ads on which leaving the models early may change a verdict, with ``EXIT_CONFIDENCE``."""
    capacity: float | None = None
    """Reviews a day to stay within; ``volume`` then says how many ads a day each market gets. None: a review is worth what makes people see
    ``capacity.REVIEW_SHARE`` of these ads."""
    volume: Mapping[str, float] = field(default_factory=dict)
    out: Path | None = None


@dataclass(frozen=True)
class Sample:
    """What the certificates rest on. ``seen``: labelled ads left out because the model was made with their advertiser's labels."""

    source: str
    """The exact model."""
    bundle: Bundle
    book: PolicyBook
    ads: Sequence[Ad]
    scored: ScoredAds
    noise: Mapping[str, LabelNoise]
    digests: tuple[str, ...]
    designed: Designed
    labelled: int
    seen: int
    ads_a_day: Mapping[str, float] = field(default_factory=dict)
    """By market, those of advertisers the model has seen among them."""
    early: NDArray[np.float64] | None = None
    """Early risks of the ads, ``float64 (n_ads, n_policies)``; None: the bundle has no early exit."""


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
    sample = read_sample(job, progress)
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
    solution = replace(solution, certificates=audited, solved=thresholds(audited))
    progress.advance()
    if solution.costs is not None:
        raise TooFewReviewers(solution.priced, solution.costs, solution.certificates)
    progress.stage("page", 1)
    kept = keep(job, sample, solution, origin)
    progress.advance()
    return kept


def read_sample(job: SolveJob, progress: Progress) -> Sample:
    """The packs' ads of advertisers the model has not seen, scored. Raises InvalidInput when none of them is labelled."""
    book = read_policies(job.settings.policies)
    found_model = find_model(job.settings.model, job.settings)
    bundle = found_model.load()
    packs = [read_pack(folder) for folder in job.data]
    ads = [ad for pack in packs for ad in pack.ads]
    _refuse_twice(ads)
    designed = by_design(label for pack in packs for label in pack.labels if label.policy in bundle.policies)
    labelled = {label.ad_id for label in (*designed.random, *designed.risky)}
    fresh = [ad for ad in ads if not bundle.seen.knows(ad)]
    if not any(ad.ad_id in labelled for ad in fresh):
        raise InvalidInput("nothing to certify with", [_nothing(bundle, ads, labelled)])
    random, risky = (_ratings(labels, bundle.policies) for labels in (designed.random, designed.risky))
    scored, early = score_fresh(bundle, fresh, packs, random, risky, progress)
    return Sample(
        source=found_model.source,
        bundle=bundle,
        book=book,
        ads=fresh,
        scored=scored,
        noise=_noise(random, {ad.ad_id for ad in fresh}) if job.measure_noise else {},
        digests=tuple(pack.digest for pack in packs),
        designed=designed,
        labelled=len(labelled),
        seen=sum(ad.ad_id in labelled for ad in ads) - sum(ad.ad_id in labelled for ad in fresh),
        ads_a_day=ads_a_day(ads),
        early=early,
    )


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


def _refuse_twice(ads: Sequence[Ad]) -> None:
    counted: defaultdict[str, int] = defaultdict(int)
    for ad in ads:
        counted[ad.ad_id] += 1
    twice = [Mistake("ad_id", ad_id, "an id that only one of the packs has") for ad_id, n in counted.items() if n > 1]
    if twice:
        raise InvalidInput("the same ad is in two of the packs", twice)


def _nothing(bundle: Bundle, ads: Sequence[Ad], labelled: set[str]) -> Mistake:
    if not labelled:
        return Mistake("labels", "(none)", f"labels under one of {', '.join(bundle.policies)}")
    n = sum(ad.ad_id in labelled for ad in ads)
    expected = "ads of advertisers whose labels the model was not made with (train with --certify-share, or bring other data)"
    return Mistake("ads", f"{n} labelled, all of advertisers the model has seen", expected)


def score_fresh(
    bundle: Bundle, ads: Sequence[Ad], packs: Sequence[Pack], random: Ratings, risky: Ratings, progress: Progress
) -> tuple[ScoredAds, NDArray[np.float64] | None]:
    """Scored ads with their labels by design, and early risks, float64 (n_ads, n_policies), where the bundle has an early exit.

    History: the bundle's and the packs' submissions, as the service has it.
    """
    history = history_with(bundle, packs)
    progress.stage("scoring", len(ads))
    whole, early = [], []
    for start in range(0, len(ads), ROWS):
        some = ads[start : start + ROWS]
        scores = bundle.score(some, history)
        whole.append(scores.risk[:, :, 0])
        sooner = bundle.early_risk(scores, [ad.market for ad in some])
        if sooner is not None:
            early.append(sooner[:, :, 0])
        progress.advance(len(some))
    scored = _scored(bundle, ads, np.concatenate(whole), random, risky)
    return scored, np.concatenate(early) if early else None


Ratings = dict[str, dict[str, tuple[int, int]]]
"""By policy and ad: ratings that say violating, and all ratings."""


def _ratings(labels: Iterable[Label], policies: Sequence[str]) -> Ratings:
    ratings: Ratings = {policy: {} for policy in policies}
    for label in labels:
        yes, n = ratings[label.policy].get(label.ad_id, (0, 0))
        ratings[label.policy][label.ad_id] = (yes + label.violates, n + 1)
    return ratings


def _noise(ratings: Ratings, fresh: set[str]) -> dict[str, LabelNoise]:
    return {policy: label_noise(said for ad_id, said in by_ad.items() if ad_id in fresh) for policy, by_ad in ratings.items()}


def _scored(bundle: Bundle, ads: Sequence[Ad], risk: NDArray[np.float64], random: Ratings, risky: Ratings) -> ScoredAds:
    return ScoredAds(
        policies=bundle.policies,
        market=np.array([ad.market for ad in ads]),
        surface=np.array([surface_key(ad.surface) for ad in ads]),
        group=np.unique(groups_of(ads), return_inverse=True)[1].astype(np.int64),
        risk=risk,
        verdict=_means(random, ads, bundle.policies),
        risky=_means(risky, ads, bundle.policies) if any(risky.values()) else None,
    )


def _means(ratings: Ratings, ads: Sequence[Ad], policies: Sequence[str]) -> NDArray[np.float64]:
    """Of the raters' verdicts, float64 (n_ads, n_policies); NaN where there is none."""
    nobody = (0, 0)
    means = np.full((len(ads), len(policies)), np.nan)
    for column, policy in enumerate(policies):
        said = [ratings[policy].get(ad.ad_id, nobody) for ad in ads]
        means[:, column] = [yes / n if n else np.nan for yes, n in said]
    return means


def figures(solved: Solved) -> dict[str, object]:
    """For machines: the certificates as stored, and what they rest on."""
    stored = json.loads(Issued(solved.solution.certificates).to_json())
    priced = {key: value for key, value in asdict(solved.solution.priced).items() if key != "thresholds"}
    counts = {"labelled": solved.sample.labelled, "labelled_seen": solved.sample.seen, "people": solved.solution.people}
    exits = asdict(solved.exits) | {"expires_at": solved.exits.expires_at.isoformat()} if solved.exits else None
    return {**stored, **counts, "plan": priced, "exits": exits, "attached": solved.attached}
