"""What another folder of policy files would have done to ads: the same risks, decided twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime

from adverdict.certification.statistics.intervals import clopper_pearson
from adverdict.decisions.decide import DecisionContext, decide
from adverdict.decisions.policy import PolicyBook, Stance
from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision
from adverdict.domain.degraded import Cause, degradations
from adverdict.domain.progress import Progress
from adverdict.domain.risk import RiskScore
from adverdict.domain.verdict import Verdict
from adverdict.models.bundle import Bundle
from adverdict.storage.tables.pack import Pack
from adverdict.training.dataset import dataset
from adverdict.training.evaluation.evaluate import ROWS, history_with
from adverdict.training.evaluation.metrics import VIOLATES_FROM

NOBODY = "(no policy)"
"""In place of the policy behind a flip, where the market lost or gained its file, or every policy that was in force."""
RULES_AT_ALL = frozenset({Cause.UNKNOWN_MARKET, Cause.NO_POLICY})
"""Causes under which no policy of its own asks for the verdict."""

Labels = Mapping[str, Mapping[str, bool]]
"""By ad_id and policy: whether the ad violates, by the majority of its raters, a tie violating. What nobody rated is not there."""


@dataclass(frozen=True, slots=True)
class Share:
    """``k`` of ``n``, with its exact 95 % interval; share and interval are None where ``n`` is 0."""

    k: int
    n: int

    @property
    def share(self) -> float | None:
        return self.k / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float] | None:
        return clopper_pearson(self.k, self.n) if self.n else None

    def to_json(self) -> dict[str, object]:
        return {"k": self.k, "n": self.n, "share": self.share, "interval": self.interval and list(self.interval)}


@dataclass(frozen=True, slots=True)
class Flip:
    """An ad that another folder decides differently."""

    ad_id: str
    market: str
    surface: str | None
    before: Verdict
    after: Verdict
    policies: tuple[str, ...]
    """Those whose verdict made it: the ones that now ask for the more severe verdict, or no longer do. ``NOBODY`` where none did."""
    because: str
    """Why, in the words of the decision that holds now."""

    @property
    def direction(self) -> str:
        return f"{self.before} -> {self.after}"


@dataclass(frozen=True, slots=True)
class Errors:
    """What one policy's automatic verdicts cost, on ads labelled under it. Ads the policy allows are no part of it: no rule to break."""

    leakage: Share
    """Of those it approved, how many violate it."""
    wrongful_reject: Share
    """Of those it rejected, how many do not."""


@dataclass(frozen=True, slots=True)
class Side:
    """What one folder does to the ads."""

    review: Share
    """Ads left to a person, of all ads."""
    audited: Share
    """Ads decided automatically that an audit draw sends to a person too, of all ads."""
    errors: Mapping[str, Errors]
    """By policy, those with labels. Never pooled over policies: each has its own targets."""
    unsolved: Mapping[str, int]
    """Policy -> ads left to people because the model has no thresholds for the targets in force."""
    unscored: Mapping[str, int]
    """Policy -> ads for which the model knows no risk."""

    def to_json(self) -> dict[str, object]:
        return {
            "review": self.review.to_json(),
            "audited": self.audited.to_json(),
            "errors": {
                policy: {"leakage": errors.leakage.to_json(), "wrongful_reject": errors.wrongful_reject.to_json()}
                for policy, errors in self.errors.items()
            },
            "thresholds_not_solved": dict(self.unsolved),
            "no_risk": dict(self.unscored),
        }


@dataclass(frozen=True)
class WhatIf:
    """Two folders on the same ads and risks."""

    ads: int
    before: Side
    after: Side
    flips: tuple[Flip, ...]
    """In order of submission."""
    trained_on: tuple[str, ...] = ()
    """Packs the model was trained on: on these its risks, and so the shares of errors, are too good."""

    def directions(self) -> dict[str, int]:
        """``approve -> review`` and the like, most ads first."""
        return _counted(flip.direction for flip in self.flips)

    def by_policy(self) -> dict[str, dict[str, int]]:
        """Policy -> direction -> ads. An ad that two policies flip counts under both."""
        directions_by: dict[str, list[str]] = {}
        for flip in self.flips:
            for policy in flip.policies:
                directions_by.setdefault(policy, []).append(flip.direction)
        return {policy: _counted(directions) for policy, directions in sorted(directions_by.items())}

    def by_market(self) -> dict[str, dict[str, int]]:
        """Market -> direction -> ads."""
        directions_by: dict[str, list[str]] = {}
        for flip in self.flips:
            directions_by.setdefault(flip.market, []).append(flip.direction)
        return {market: _counted(directions) for market, directions in sorted(directions_by.items())}

    def to_json(self) -> dict[str, object]:
        """Every figure, and every flip."""
        return {
            "ads": self.ads,
            "flips": len(self.flips),
            "directions": self.directions(),
            "by_policy": self.by_policy(),
            "by_market": self.by_market(),
            "before": self.before.to_json(),
            "after": self.after.to_json(),
            "trained_on": list(self.trained_on),
            "ads_with_another_verdict": [asdict(flip) for flip in self.flips],
        }


def what_if_on_packs(
    bundle: Bundle, packs: Sequence[Pack], before: PolicyBook, after: PolicyBook, now: datetime, progress: Progress
) -> WhatIf:
    """Score every ad of the packs once, labelled or not, and decide it by both books.

    History is the bundle's own and the packs' submissions, as in ``evaluate``. Raises InvalidInput when an ad is in two packs or nobody
    labelled any.
    """
    data = dataset(packs)
    ads = sorted(data.known_ads, key=lambda ad: ad.submitted_at)
    labels = {
        ad.ad_id: {policy: bool(target >= VIOLATES_FROM) for policy, target in zip(data.policies, row, strict=True) if target == target}
        for ad, row in zip(data.ads, data.targets.tolist(), strict=True)
    }
    digests = {source.digest for source in bundle.manifest.data}
    history = history_with(bundle, packs)

    def scored() -> Iterator[tuple[Ad, Mapping[str, RiskScore]]]:
        for start in range(0, len(ads), ROWS):
            some = ads[start : start + ROWS]
            scores = bundle.score(some, history)
            yield from ((ad, scores.risks(row)) for row, ad in enumerate(some))
            progress.advance(len(some))

    progress.stage("scoring and deciding twice", len(ads))
    trained_on = tuple(pack.name for pack in packs if pack.digest in digests)
    return what_if(scored(), labels, bundle.thresholds, before, after, now, trained_on)


def what_if(
    scored: Iterable[tuple[Ad, Mapping[str, RiskScore]]],
    labels: Labels,
    solved: SolvedThresholds,
    before: PolicyBook,
    after: PolicyBook,
    now: datetime,
    trained_on: tuple[str, ...] = (),
) -> WhatIf:
    """Decide ads by both books with the same risks and solved thresholds, at the same moment ``now`` (certificates expire).

    ``scored`` is gone through once, and no decision is kept: memory grows with the flips only.
    """
    context = DecisionContext("what-if", now, None)
    tallies = _Tally(before, labels), _Tally(after, labels)
    flips = []
    for ad, risks in scored:
        old, new = (tally.add(ad, decide(ad, risks, tally.book, solved, context=context)) for tally in tallies)
        if old.verdict is not new.verdict:
            flips.append(_flip(old, new))
    return WhatIf(tallies[0].ads, tallies[0].side(), tallies[1].side(), tuple(flips), trained_on)


def _flip(old: Decision, new: Decision) -> Flip:
    """Stricter: behind it are those who ask for the new verdict; milder: those who asked for the old one."""
    stricter = new.verdict.severity > old.verdict.severity
    asking = new if stricter else old
    behind = [verdict.policy for verdict in asking.policies if verdict.verdict is asking.verdict]
    now = {verdict.policy: verdict.because for verdict in new.policies}
    because = "; ".join(now.get(policy, f"{policy} is not in force here any more") for policy in behind)
    if not RULES_AT_ALL.isdisjoint(degradation.cause for degradation in degradations(asking.degraded)):
        behind = [NOBODY]
        because = f"no policy is in force in {new.market} here: a person decides" if stricter else f"{new.market} has policies here now"
    return Flip(new.ad_id, new.market, new.surface, old.verdict, new.verdict, tuple(behind), because)


@dataclass
class _Tally:
    """What one book does, ad by ad."""

    book: PolicyBook
    labels: Labels
    ads: int = 0
    review: int = 0
    audited: int = 0
    approved: Counter[tuple[str, bool]] = field(default_factory=Counter)
    rejected: Counter[tuple[str, bool]] = field(default_factory=Counter)
    unsolved: Counter[str] = field(default_factory=Counter)
    unscored: Counter[str] = field(default_factory=Counter)

    def add(self, ad: Ad, decision: Decision) -> Decision:
        self.ads += 1
        self.review += decision.verdict is Verdict.REVIEW
        self.audited += decision.audit is not None and decision.audit.chosen
        self.unsolved.update(_about(Cause.NOT_SOLVED, decision))
        self.unscored.update(_about(Cause.NO_RISK, decision))
        said = self.labels.get(ad.ad_id, {})
        allowed = {policy.name for policy in self.book.in_force(ad.market, ad.surface) if policy.stance is Stance.ALLOWED}
        for verdict in decision.policies:
            if verdict.policy in said and verdict.policy not in allowed:
                self.approved[verdict.policy, said[verdict.policy]] += verdict.verdict is Verdict.APPROVE
                self.rejected[verdict.policy, said[verdict.policy]] += verdict.verdict is Verdict.REJECT
        return decision

    def side(self) -> Side:
        rated = {policy for said in self.labels.values() for policy in said}
        return Side(
            Share(self.review, self.ads),
            Share(self.audited, self.ads),
            {policy: self._errors(policy) for policy in self.book.names if policy in rated},
            dict(+self.unsolved),
            dict(+self.unscored),
        )

    def _errors(self, policy: str) -> Errors:
        leaked, right = self.approved[policy, True], self.approved[policy, False]
        wrongful, caught = self.rejected[policy, False], self.rejected[policy, True]
        return Errors(Share(leaked, leaked + right), Share(wrongful, wrongful + caught))


def _about(cause: Cause, decision: Decision) -> Iterator[str]:
    """The policies of which a decision says so."""
    return (flag.about for flag in degradations(decision.degraded) if flag.cause is cause and flag.about is not None)


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items(), key=lambda item: (-item[1], item[0])))
