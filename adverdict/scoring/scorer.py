"""The path of an ad, once: bundle -> risks -> policies in force -> decision with its reasons. Nothing is decided here."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal, Protocol
from uuid import uuid4

from adverdict.clusters.names import CopyFacts, cluster_name
from adverdict.decisions.arms import Choice, InForce, choose
from adverdict.decisions.decide import DecisionContext, decide
from adverdict.decisions.exits import ExitRule
from adverdict.decisions.policy import PolicyBook
from adverdict.decisions.rules import RuleTable
from adverdict.decisions.steering import Steering
from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision
from adverdict.domain.degraded import Cause, Degradation
from adverdict.domain.familiarity import Familiarity
from adverdict.domain.settings import read_settings
from adverdict.domain.traces import trace
from adverdict.domain.verdict import Verdict
from adverdict.scoring.known import HistorySnapshot, known_to
from adverdict.scoring.model import CascadeModel, EarlyRisks, Model, Risks
from adverdict.scoring.others import OtherBundles
from adverdict.scoring.part import PartOfRisks
from adverdict.scoring.sets import PolicySets
from adverdict.storage.tables.frames import ads_from

if TYPE_CHECKING:
    from adverdict.certification.certificate import Issued
    from adverdict.certification.exits.cuts import CutTable
    from adverdict.features.history.known import History
    from adverdict.scoring.bootstrap import Installation

ExplainedLevel = Literal["all", "stopped", "none"]
"""Which decisions carry reasons: each; those that do not approve; none."""
Explained = ExplainedLevel | tuple[str, ...]
"""The same; policies: each decision, of these policies whatever is decided."""
Depth = Literal["cascade", "full", "early"]
"""How far ads go through the models: as far as the exit rule sends them; all of them all the way; none beyond the early exit."""
EVERYBODY, NOBODY = float("inf"), -1.0
"""Limits on doubt: those of an exit that everybody takes, or nobody."""
log = logging.getLogger("adverdict.scorer")


class Sets(Protocol):
    """Where a scorer has those from that decide otherwise."""

    def __call__(self, scorer: Scorer, policies: str, bundle: str | None = None) -> Scorer | None:
        """The model of the bundle with this version, the scorer's own when None, deciding by the set with this hash; None where one of
        them cannot be had."""
        ...


class Scorer:
    """Ads in, decisions out. ``model`` None: no risk is known, and everything is left to people (``degraded`` says ``no_model``)."""

    def __init__(
        self,
        model: Model | None,
        book: PolicyBook,
        *,
        solved: SolvedThresholds | None = None,
        exits: ExitRule | None = None,
        known: HistorySnapshot | None = None,
        audit_secret: bytes | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        ids: Callable[[], str] = lambda: f"dec-{uuid4().hex}",
        sets: Sets = lambda scorer, policies, bundle=None: None,
    ) -> None:
        self.model = model
        self.book = book
        self.solved = solved or (model.solved if model else SolvedThresholds())
        """The thresholds in use: certified ones, or those the model brings."""
        self.exits = exits
        """By which ads leave the model early, solved for this book and these thresholds; None: none does."""
        self._cascade = _cascade_of(model)
        self.known = known
        """What is known of advertisers unless ``score`` is told otherwise; None: what the model brings."""
        self._audit_secret = audit_secret
        self._clock = clock
        self._ids = ids
        self._sets = sets
        self._by_set: dict[tuple[str, str | None], Scorer] = {}
        """Those asked for so far: who keeps this scorer decides by the same thresholds to the end, under every set."""
        self.issued: Issued | None = None
        """The certificates it decides by; None: by none."""

    @classmethod
    def load(cls, model: str | Path | None = None, policies: Path | None = None, certificates: Path | None = None) -> Scorer:
        """A scorer for ``models:/adverdict@champion``, ``models:/adverdict/3`` or a bundle's folder; for ``ADVERDICT_MODEL`` when None.

        What it knows of advertisers, and which policies are in force, is what the ledger tells now, if there is one: what the service
        would answer, it answers. Folders given as ``policies`` decide whatever is in force.
        Its thresholds are those of the file of ``certificates``, else of the certificates that belong to the registered version, else the
        model's own.

        Whatever is not given is that of the environment, as are registry, ledger and download folder (``MLFLOW_TRACKING_URI``,
        ``ADVERDICT_HOME``, …). Raises InvalidSettings, NotFound, Unavailable, UntrustedBundle, ContractMismatch or InvalidPolicy.
        """
        from adverdict.scoring.bootstrap import bootstrap  # brings ledger and registry, which a scorer with all its parts needs not

        chosen = {"model": None if model is None else str(model), "policies": policies, "certificates": certificates}
        return cls.of(bootstrap(read_settings(os.environ, chosen)), by_files=policies is not None)

    @classmethod
    def of(cls, installation: Installation, *, by_files: bool = False) -> Scorer:
        """The same for settings that were read and put together. ``by_files``: decide by the policy files, whatever is in force."""
        book, found_model = installation.book, installation.find()
        opened = installation.open_bundle(found_model.folder)
        chosen = installation.settings
        known = known_to(chosen.ledger_url, opened.snapshot, chosen.history, copies=chosen.clusters)
        if known is not None and by_files:
            known = replace(known, in_force=InForce())
        secret = installation.audit_secret()

        def of_model(model: Model) -> Scorer:
            return cls(model, book, known=known, audit_secret=secret, sets=sets)

        def issued(scorer: Scorer, policies: str) -> Issued | None:
            return others.issued(scorer.bundle_version, policies, found_model) or scorer.issued

        others = OtherBundles(installation, known.in_force.sources if known else {}, of_model)
        sets: PolicySets[Scorer] = PolicySets(installation.recall, issued, others)
        scorer = of_model(opened)
        return scorer.certified(found_model.issued(book.hash))

    def certified(self, issued: Issued | None) -> Scorer:
        """The same, deciding by these certificates; by what the model brings when None. Raises UntrustedBundle for another model's.

        The exit rule is solved here, for the thresholds that result: whatever changes them changes who leaves early.
        """
        from adverdict.models.certified import certified_thresholds, exit_rule

        solved = exits = None
        if issued is not None:
            solved = certified_thresholds(issued, self.model.version if self.model else Cause.NO_MODEL)
            exits = exit_rule(issued, self.book, solved, self._cascade.doubt if self._cascade else None)
        certified = self._with(self.book, solved, exits)
        certified.issued = issued
        return certified

    def deciding_by(self, book: PolicyBook, issued: Issued | None) -> Scorer:
        """The same model, by other policies and the certificates that belong to them. Raises UntrustedBundle for another model's."""
        return self._with(book).certified(issued)

    @property
    def bundle_version(self) -> str | None:
        """None: no model."""
        return self.model.version if self.model else None

    def by_set(self, policies: str | None, bundle: str | None = None) -> Scorer | None:
        """The model of that bundle, its own when None, deciding by the set with this hash, its own when None; always the same one, None
        where it cannot be had."""
        policies, bundle = policies or self.book.hash, None if bundle == self.bundle_version else bundle
        if policies == self.book.hash and bundle is None:
            return self
        if (policies, bundle) not in self._by_set:
            made = self._sets(self, policies, bundle)
            if made is None:
                return None
            self._by_set[policies, bundle] = made
        return self._by_set[policies, bundle]

    def anew(self) -> Scorer:
        """The same, without those made so far for other sets."""
        copy = self._with(self.book, self.solved, self.exits)
        copy.issued = self.issued
        return copy

    def _with(self, book: PolicyBook, solved: SolvedThresholds | None = None, exits: ExitRule | None = None) -> Scorer:
        return Scorer(
            self.model,
            book,
            solved=solved,
            exits=exits,
            known=self.known,
            audit_secret=self._audit_secret,
            clock=self._clock,
            ids=self._ids,
            sets=self._sets,
        )

    @cached_property
    def _rules(self) -> RuleTable:
        return RuleTable(self.book, self.solved)

    @cached_property
    def _cuts(self) -> CutTable:
        from adverdict.certification.exits.cuts import CutTable

        return CutTable(self.book, self.solved, self.model.policies if self.model else ())

    @property
    def certified_until(self) -> datetime | None:
        """When the first certificate in use expires; None: none is in use."""
        return min((thresholds.expires_at for thresholds in self.solved.points.values() if thresholds.expires_at is not None), default=None)

    def score(
        self,
        ads: Sequence[Ad] | Any,
        *,
        explain: Explained = "all",
        degraded: tuple[Degradation, ...] = (),
        known: HistorySnapshot | None = None,
        as_of: datetime | None = None,
        depth: Depth = "cascade",
    ) -> list[Decision]:
        """One decision an ad, in order. ``ads`` may come as a notebook has them: a pandas or Polars frame, a list of dicts, one dict or
        Series, or a dict of columns; InvalidTable tells every mistake in them.

        ``depth`` "early" is for callers who cannot wait: an ad that the rule would have sent further is left to people, and ``degraded``
        says ``deadline``. ``explain``: which decisions carry reasons. ``degraded``: what the caller knows to be stale or missing.
        ``as_of``: score as if the ads were submitted again at this moment; what was known strictly before it counts, their own past
        included.
        """
        if not isinstance(ads, list | tuple) or not all(isinstance(ad, Ad) for ad in ads):
            ads = ads_from(ads)
        if not ads:
            return []
        known = known or self.known
        in_force = known.in_force if known else InForce()
        if not in_force.arms and in_force.policies in (None, self.book.hash):
            return self._scored(ads, explain, degraded, known, as_of, depth)
        at = self._clock()
        choices = [choose(in_force, ad.market, ad.advertiser_id, at) for ad in ads]
        decided: dict[int, Decision] = {}
        ways = {way: self.by_set(*way) for way in dict.fromkeys((choice.policies, choice.bundle) for choice in choices)}
        whole = self._in_one_go(ads, known, as_of, [by for (_, bundle), by in ways.items() if bundle is None], depth)
        for (policies, bundle), by in ways.items():
            positions = [position for position, choice in enumerate(choices) if (choice.policies, choice.bundle) == (policies, bundle)]
            missing = (bundle if bundle not in (None, self.bundle_version) else policies) or ""
            why = degraded if by else (*degraded, Degradation(Cause.ARM_MISSING, missing[:12]))
            some = [ads[position] for position in positions]
            chosen = [choices[position] for position in positions]
            if bundle is None:
                part = PartOfRisks(whole, positions) if whole else None
                made = (by or self)._scored(some, explain, why, known, as_of, depth, chosen, at, part)
            else:
                made = (by or self)._tried(some, explain, why, known, as_of, depth, chosen, at)
            decided |= zip(positions, made, strict=True)
        return [decided[position] for position in range(len(ads))]

    def _in_one_go(
        self, ads: Sequence[Ad], known: HistorySnapshot | None, as_of: datetime | None, by: Sequence[Scorer | None], depth: Depth
    ) -> Risks | None:
        """What the model says of all of them, where several sets of policies decide by the same risks: asking once costs less. None where
        one set decides, where sets send ads differently far through the models, or where another model is tried."""
        together = len(by) > 1 and self.model is not None and all(one is None or one._rule(depth) is None for one in (self, *by))
        if not together or self.model is None:
            return None
        return self.model.score(_as_of(ads, as_of), known.state if known else None)

    def _tried(
        self,
        ads: Sequence[Ad],
        explain: Explained,
        degraded: tuple[Degradation, ...],
        known: HistorySnapshot | None,
        as_of: datetime | None,
        depth: Depth,
        choices: Sequence[Choice],
        at: datetime,
    ) -> list[Decision]:
        """The same while two models are tried against each other: with how long it took, and people decide on what a model fails on."""
        began = perf_counter()
        try:
            made = self._scored(ads, explain, degraded, known, as_of, depth, choices, at)
        except Exception as error:
            if len(ads) > 1:
                each = zip(ads, choices, strict=True)
                return [one for ad, choice in each for one in self._tried([ad], explain, degraded, known, as_of, depth, [choice], at)]
            told = "bundle %s, tried against another, failed on an ad, which people decide: %s"
            log.error(told, self.bundle_version, trace(error))
            failed = (*degraded, Degradation(Cause.ARM_FAILED))
            made = self._scored(ads, explain, failed, known, as_of, depth, choices, at)
        took = round((perf_counter() - began) * 1000 / len(ads), 3)
        return [one.model_copy(update={"arm": one.arm.model_copy(update={"took_ms": took})}) if one.arm else one for one in made]

    def _scored(
        self,
        ads: Sequence[Ad],
        explain: Explained,
        degraded: tuple[Degradation, ...],
        known: HistorySnapshot | None,
        as_of: datetime | None,
        depth: Depth,
        choices: Sequence[Choice] | None = None,
        at: datetime | None = None,
        said: Risks | None = None,
    ) -> list[Decision]:
        """By this scorer's own policies. ``choices``: one an ad, made for the moment ``at``, which then is when they are decided. No model
        is asked where one of ``degraded`` says that it has failed, or where it has ``said`` already what it says."""
        history = known.state if known else None
        told = {"history_seq": known.seq, "steered_seq": known.steered_seq} if known else {}
        causes = degraded if self.model else (Degradation(Cause.NO_MODEL), *degraded)
        seen = _as_of(ads, as_of)
        asked = self.model if not any(one.cause is Cause.ARM_FAILED for one in degraded) else None
        rule = self._rule(depth) if asked else None
        early = self._cascaded(seen, history, EVERYBODY if depth == "early" else rule.limit) if rule else None
        scored = early or said or (asked.score(seen, history) if asked else None)
        copies = known.copies.of(ads, known.steering.clusters) if known and known.copies else None
        struck = known.strikes.of({ad.advertiser_id for ad in ads}) if known and known.strikes and self.book.counts_strikes else {}
        decisions: list[Decision] = []
        for position, ad in enumerate(ads):
            details: dict[str, object] = {**told, "as_of": as_of} if self.model else {}
            why = causes
            if early and rule:
                details |= {"exit": early.exit(position), "exit_certificate": rule.certificate_id}
                if early.exit(position) == "early" and early.doubt(position) > rule.limit:
                    why = (*causes, Degradation(Cause.DEADLINE))
            risks = scored.risks(position) if scored else {}
            familiarity = scored.familiarity(position) if scored else None
            steering, choice = known.steering if known else Steering(), choices[position] if choices else None
            kin = copies[position] if copies else None
            if kin is not None and kin.same_as is not None:
                kin = replace(kin, cluster=decisions[kin.same_as].cluster)
            context = self._context(why, familiarity, steering, choice, at, details, kin)
            if ad.advertiser_id in struck:
                context = replace(context, strikes=struck[ad.advertiser_id])
            decision = decide(ad, risks, self.book, self.solved, context=context, rules=self._rules)
            if scored and (named := _to_explain(decision, explain)):
                decision = decision.model_copy(update={"reasons": scored.reasons(position, named)})
            decisions.append(decision)
        return decisions

    def _context(
        self,
        degraded: tuple[Degradation, ...],
        familiarity: Familiarity | None,
        steering: Steering,
        choice: Choice | None,
        at: datetime | None,
        told: Mapping[str, object],
        copies: CopyFacts | None,
    ) -> DecisionContext:
        decision_id = self._ids()
        if copies is not None:
            told = {**told, "cluster": copies.cluster or cluster_name(decision_id)}
        return DecisionContext(
            decision_id,
            at or self._clock(),
            self.bundle_version,
            degraded,
            familiarity,
            steering=steering,
            arm=choice.arm if choice else None,
            rejected_copies=dict(copies.rejected) if copies else {},
            clusters=copies.among if copies else (),
            audit_share=choice.audit_share if choice else 0.0,
            audit_secret=self._audit_secret,
            told=told,
        )

    def _cascaded(self, ads: Sequence[Ad], history: History | None, limit: float) -> EarlyRisks | None:
        return self._cascade.score_until(ads, history, self._cuts.exits(ads, limit)) if self._cascade else None

    def _rule(self, depth: Depth) -> ExitRule | None:
        """The one to go by now; None: everybody goes all the way, as there is no early exit, or nothing is certified of it any more."""
        if depth == "full" or self._cascade is None:
            return None
        if self.exits is not None and self.exits.holds_at(self._clock()):
            return self.exits
        # Nothing is shown of anybody's early exit: who has no time for more is left to people.
        return ExitRule(NOBODY) if depth == "early" else None


def _as_of(ads: Sequence[Ad], as_of: datetime | None) -> Sequence[Ad]:
    """As if they were submitted again at that moment."""
    return ads if as_of is None else [ad.model_copy(update={"submitted_at": as_of}) for ad in ads]


def _cascade_of(model: object) -> CascadeModel | None:
    """The model, if ads may leave it early."""
    return model if isinstance(model, CascadeModel) and model.doubt else None


def _to_explain(decision: Decision, explain: Explained) -> tuple[str, ...]:
    if isinstance(explain, tuple):
        return tuple(one.policy for one in decision.policies if one.risk is not None and one.policy in explain)
    wanted = explain == "all" or (explain == "stopped" and decision.verdict is not Verdict.APPROVE)
    return worth_explaining(decision) if wanted else ()


def worth_explaining(decision: Decision) -> tuple[str, ...]:
    """The scored policies that kept the ad from being approved; when none did, the riskiest one."""
    scored = [verdict for verdict in decision.policies if verdict.risk is not None]
    against = tuple(verdict.policy for verdict in scored if verdict.verdict is not Verdict.APPROVE)
    riskiest = max(scored, key=lambda verdict: verdict.risk.p if verdict.risk else 0.0, default=None)
    return against or ((riskiest.policy,) if riskiest else ())
