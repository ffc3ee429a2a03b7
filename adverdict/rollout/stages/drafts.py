"""Policy files, another model, or both -> what may be proposed: what it changes in words, what it would do, and what is watched."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from sqlalchemy import Connection, func, select

from adverdict.certification.certificate import Issued
from adverdict.decisions.files.difference import Difference, difference
from adverdict.decisions.files.read import PolicyFolder, read_folder, read_texts
from adverdict.decisions.policy import PolicyBook, Severity, Stance
from adverdict.decisions.rollout import Guard, GuardKind, Plan, Versions
from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.errors import Conflict, InvalidInput, Mistake, NotFound
from adverdict.domain.verdict import Verdict
from adverdict.ledger.bodies.rollout import Proposed
from adverdict.ledger.in_force.policy_sets import POLICIES, files_of, keep_set
from adverdict.ledger.in_force.rollouts import Rollouts, digest_of_salt, rollouts_now
from adverdict.ledger.moments import micros
from adverdict.ledger.schema import contents
from adverdict.ledger.store import Ledger, keep, recall
from adverdict.models.certified import certified_thresholds
from adverdict.models.opening import FoundModel, certificates_for
from adverdict.rollout.stages import steps
from adverdict.rollout.stages.backtest import Backtest, Rules, backtest
from adverdict.rollout.stages.models import CandidateModel, uncertified
from adverdict.rollout.stages.rescored import Rescored
from adverdict.scoring.bootstrap import Installation
from adverdict.scoring.model import Model

LOOKED_BACK = timedelta(days=28)
OF_ALPHA = {"leakage": 0.6, "wrongful_rejection": 0.2, "worse": 0.1, "load": 0.05, "appeals": 0.05}
"""Which part of the alpha of a roll-out each kind of guard has; kinds watched for several policies share theirs."""
OF_ALPHA_OF_MODEL = {**OF_ALPHA, "leakage": 0.55, "appeals": 0.04, "latency": 0.03, "errors": 0.03}
"""The same where another model comes."""
MORE_LOAD = 1.25
"""Times the load that was predicted, or the control's where less was, at which the candidate's is too much."""
MORE_APPEALS = 1.5
MORE_TIME = 1.5
MORE_ERRORS = 1.5
HEAVIEST = 50.0
"""Ads of one advertiser that count at most, in times the mean."""


@dataclass(frozen=True)
class Draft:
    """What would be proposed."""

    base: Versions
    candidate: Versions
    book: PolicyBook
    solved: SolvedThresholds
    """The candidate's."""
    files: Mapping[str, str]
    difference: Difference
    markets: tuple[str, ...]
    """Where anything changes."""
    plan: Plan
    guards: tuple[Guard, ...]
    tried: Backtest
    severe: tuple[str, ...] = ()
    """Policies of the two highest severities whose verdicts it may change."""
    about_model: tuple[str, ...] = ()
    """What another model changes, and what the gates say of it."""

    @property
    def words(self) -> tuple[str, ...]:
        return (*self.about_model, *self.difference.sentences())


def draft(
    installation: Installation,
    ledger: Ledger,
    folder: Path | None,
    markets: Sequence[str],
    plan: Plan,
    now: datetime,
    *,
    unsolved: bool = False,
    candidate: CandidateModel | None = None,
) -> Draft:
    """``folder`` None: the policies in force, with another model. ``markets``: where it is to be tried; empty: wherever it changes
    something. ``unsolved``: even where thresholds are missing, so that ads go to people until they are solved.

    Raises NotFound, Conflict, InvalidPolicy, InvalidInput with every mistake, Unavailable or UntrustedBundle.
    """
    told = rollouts_now(ledger)
    old = folder_in_force(ledger, told)
    new = old if folder is None and candidate else read_folder(folder)
    if old.book.hash == new.book.hash and candidate is None:
        raise InvalidInput(
            "there is nothing to bring into force:", [Mistake("FOLDER", str(folder), "policies that differ from those in force")]
        )
    changed = _changed_markets(old.book, new.book) if candidate is None else {*old.book.markets, *new.book.markets}
    mistakes = _outside(changed, markets, new.book) if candidate is None else _everywhere(markets)
    found = installation.find()
    model = installation.open_bundle(found.folder)
    bases = _solved(found, model, old.book.hash, None)
    candidates = _solved(*((candidate.found, candidate.model) if candidate else (found, model)), new.book.hash, old.book.hash)
    where = tuple(sorted(set(markets) or changed)) if set(old.book.names) == set(new.book.names) and candidate is None else ()
    if not unsolved:
        mistakes += _unsolved(new.book, old.book, candidates, bases, changed)
        mistakes += uncertified(new.book, bases, candidates, old.book) if candidate else []
    if mistakes:
        raise InvalidInput("this cannot be proposed:", mistakes)
    changes = difference(old, new)
    with ledger.look() as connection:
        heaviest = _heaviest(connection, where, now - LOOKED_BACK)
    rules = Rescored(ledger, candidate.model, new.book, candidates) if candidate else Rules(new.book, candidates)
    bundle = model.version if candidate else None
    tried = backtest(ledger, Rules(old.book, bases), rules, where, now - LOOKED_BACK, now, bundle)
    return Draft(
        _versions(old.book, bases, model, found if candidate else None),
        _versions(new.book, candidates, candidate.model if candidate else model, candidate.found if candidate else None),
        new.book,
        candidates,
        _texts_in_force(ledger, told) if new is old else read_texts(folder),
        changes,
        where,
        plan,
        _guards(changes, new.book, where, plan.alpha, heaviest, tried, another_model=candidate is not None),
        tried,
        _severe(changes, new.book, candidate is not None),
        candidate.words if candidate else (),
    )


def put_on_record(ledger: Ledger, drafted: Draft, why: str, by: str, now: datetime) -> str:
    """Propose it: the roll-out's id. Raises InvalidInput without a reason, Conflict where something else is in force meanwhile."""
    if not why.strip():
        raise InvalidInput("nothing was proposed:", [Mistake("why", why, "a reason: it stays on record")])
    salt = steps.new_salt()
    with ledger.write() as writing:
        files = keep_set(writing.connection, drafted.book, drafted.files, now)
        keep(writing.connection, "thresholds", drafted.solved.digest, drafted.solved.to_json().encode(), now)
        proposal = Proposed(
            base=drafted.base,
            candidate=drafted.candidate,
            files=files,
            markets=drafted.markets,
            plan=drafted.plan,
            guards=drafted.guards,
            salt=digest_of_salt(salt),
            difference=drafted.words,
            severe=drafted.severe,
            predicted=drafted.tried.to_json(),
            why=why.strip(),
            by=by,
        )
        return steps.propose(writing, proposal, salt, now)


def folder_in_force(ledger: Ledger, told: Rollouts) -> PolicyFolder:
    """The set in force, read from its files as they are kept. Raises NotFound, Conflict where it is kept without its files."""
    texts = _texts_in_force(ledger, told)
    with tempfile.TemporaryDirectory() as place:
        for name, text in texts.items():
            (Path(place) / name).write_text(text, encoding="utf-8")
        return read_folder(Path(place))


def _texts_in_force(ledger: Ledger, told: Rollouts) -> dict[str, str]:
    if told.policies is None:
        raise NotFound("the ledger does not say yet which policies are in force: 'adverdict serve' does when it first starts")
    files = told.put[-1][1].files
    if files is None:
        raise Conflict(f"policies {told.policies[:12]} are kept without their files, so nothing can be compared with them")
    with ledger.look() as connection:
        texts = files_of(connection, files)
        recall(connection, POLICIES, told.policies)
    return texts


def _changed_markets(old: PolicyBook, new: PolicyBook) -> set[str]:
    return {market for market in {*old.markets, *new.markets} if old.rules.get(market) != new.rules.get(market)}


def _outside(changed: set[str], markets: Sequence[str], new: PolicyBook) -> list[Mistake]:
    unknown = [Mistake("market", market, f"a market with a file: {', '.join(new.markets)}") for market in markets if not new.knows(market)]
    if not markets:
        return unknown
    beyond = sorted(changed - set(markets))
    return unknown + [Mistake("market", ", ".join(markets), f"all that the folder changes: {', '.join(beyond)} too")] * bool(beyond)


def _everywhere(markets: Sequence[str]) -> list[Mistake]:
    """A model is the champion of all markets at once, so it is tried in all."""
    return [Mistake("market", ", ".join(markets), "no market: a model decides in all of them")] if markets else []


def _versions(book: PolicyBook, solved: SolvedThresholds, model: Model, found: FoundModel | None) -> Versions:
    """``found``: where the model is had from, if the roll-out brings one."""
    return Versions(
        policies=book.hash, thresholds=solved.digest, bundle_version=model.version, model=found.source if found is not None else None
    )


def _solved(found: FoundModel, model: Model, policies: str, before: str | None) -> SolvedThresholds:
    """The thresholds that a bundle decides by under a set."""
    digest, _ = certificates_for(found.source, policies, found.registry, before)
    if digest is None:
        return model.solved
    issued = Issued.from_json(found.registry.fetch_certificates(found.source, digest, found.cache))
    return certified_thresholds(issued, model.version)


def _unsolved(
    new: PolicyBook, old: PolicyBook, candidates: SolvedThresholds, bases: SolvedThresholds, changed: Collection[str]
) -> list[Mistake]:
    """Where every ad would go to people, and does not now, because nobody has solved thresholds for the new targets."""
    before = _without(old, bases)
    return [
        Mistake(f"{policy}, {market}", "auto", "thresholds solved for these targets: 'adverdict policy solve --policies FOLDER' first")
        for market, policy in sorted(_without(new, candidates) - before)
        if market in changed
    ]


def _without(book: PolicyBook, solved: SolvedThresholds) -> set[tuple[str, str]]:
    return {
        (market, policy.name)
        for market, _, policy in book.every()
        if policy.stance is not Stance.ALLOWED and policy.thresholds is None and solved.find(policy.name, market, policy.targets) is None
    }


def _severe(changes: Difference, book: PolicyBook, another_model: bool) -> tuple[str, ...]:
    changed = {change.policy for change in changes.changes} | {one.name for one in changes.presences if one.kind == "policy"}
    severe = {policy.name for _, _, policy in book.every() if policy.severity in (Severity.ZERO_TOLERANCE, Severity.SEVERE)}
    return tuple(sorted(severe if another_model else severe & changed))


def _heaviest(connection: Connection, markets: Collection[str], since: datetime) -> float:
    """Ads of one advertiser that count at most, in times the mean: one in a thousand has more. 1 where nothing is on record."""
    query = select(func.count()).where(contents.c.submission >= micros(since)).group_by(contents.c.advertiser_id)
    counts = np.array(connection.scalars(query if not markets else query.where(contents.c.market.in_(markets))).all(), dtype=np.float64)
    if not len(counts):
        return 1.0
    return float(np.clip(np.quantile(counts, 0.999) / counts.mean(), 1.0, HEAVIEST))


def _guards(
    changes: Difference,
    book: PolicyBook,
    markets: Collection[str],
    alpha: float,
    heaviest: float,
    tried: Backtest,
    *,
    another_model: bool,
) -> tuple[Guard, ...]:
    """Leakage and wrongful rejection under each policy that changes, the whole beside the control, load and appeals; and for another model,
    which changes what is said under all of them, how long it takes and how often it fails."""
    of_alpha = OF_ALPHA_OF_MODEL if another_model else OF_ALPHA
    changed = {change.policy for change in changes.changes} | {one.name for one in changes.presences if one.kind == "policy" and one.added}
    opened = {one.name for one in changes.presences if one.kind == "market" and one.added}
    changed |= {policy.name for market, _, policy in book.every() if market in opened}
    rules = [
        policy for market, _, policy in book.every() if (another_model or policy.name in changed) and (not markets or market in markets)
    ]
    watched = [policy for policy in rules if policy.stance is not Stance.ALLOWED and policy.targets is not None]
    names = sorted({policy.name for policy in watched})
    guards: list[Guard] = []
    for name in names:
        targets = [policy.targets for policy in watched if policy.name == name]
        leakage = max((one.max_leakage for one in targets if one.max_leakage), default=None)
        wrongful = max((one.max_wrongful_reject for one in targets if one.max_wrongful_reject), default=None)
        share = alpha / len(names)
        limits: list[tuple[GuardKind, float | None]] = [("leakage", leakage), ("wrongful_rejection", wrongful)]
        for kind, limit in limits:
            if limit is not None and limit < 1:
                part = share * of_alpha[kind]
                guards.append(Guard(kind=kind, policy=name, limit=limit, alpha=part, heaviest=heaviest, by_ads=True))
    predicted = tried.after[Verdict.REVIEW] / max(tried.before[Verdict.REVIEW], 1) if tried.ads else 1.0
    guards.append(Guard(kind="worse", alpha=alpha * of_alpha["worse"]))
    guards.append(Guard(kind="load", limit=MORE_LOAD * max(predicted, 1.0), alpha=alpha * of_alpha["load"]))
    guards.append(Guard(kind="appeals", limit=MORE_APPEALS, alpha=alpha * of_alpha["appeals"]))
    if another_model:
        guards.append(Guard(kind="latency", limit=MORE_TIME, alpha=alpha * of_alpha["latency"]))
        guards.append(Guard(kind="errors", limit=MORE_ERRORS, alpha=alpha * of_alpha["errors"]))
    return tuple(guards)
