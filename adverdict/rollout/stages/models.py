"""A model that is to come into force by a roll-out: let through by the gates, said in words, and made the champion when it is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from adverdict.decisions.policy import PolicyBook, Stance
from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.errors import Conflict, InvalidInput, Mistake
from adverdict.domain.progress import SILENT, Progress
from adverdict.ledger.in_force.rollouts import Rollout
from adverdict.ledger.store import Ledger
from adverdict.models.manifest import Manifest, check
from adverdict.models.opening import FoundModel
from adverdict.rollout.stages import steps
from adverdict.scoring.bootstrap import Installation
from adverdict.scoring.model import Model

if TYPE_CHECKING:
    from adverdict.training.gates import Gate

SETTLE = 12.0
"""Seconds after which every worker has seen that another model is the champion: they look every five."""
MakeChampion = Callable[[str], str | None]
"""A registered version -> the one that was the champion until now; doing it again changes nothing. Raises NotFound or Unavailable."""


@dataclass(frozen=True)
class CandidateModel:
    """One that the gates have let through."""

    found: FoundModel
    model: Model
    words: tuple[str, ...]
    """What it changes, and what the gates say."""


def candidate_model(
    installation: Installation, name: str, data: Sequence[Path] = (), *, drop_policies: bool = False, progress: Progress = SILENT
) -> CandidateModel:
    """``name``: an alias or a version of the registry. ``data``: labelled ads to compare it with the champion on, too.

    Raises GateRefused naming every gate that failed, InvalidSettings for what is no registered version, NotFound, Unavailable,
    UntrustedBundle or ContractMismatch.
    """
    from adverdict.training.gates import require
    from adverdict.training.promote import judge

    judged = judge(name, data, drop_policies, installation.settings, progress, on_trial=True)
    require(judged.gates)
    found, base = installation.find(judged.uri), installation.find()
    (before, old), (after, new) = check(base.folder), check(found.folder)
    if old == new:
        raise InvalidInput(
            "there is nothing to bring into force:", [Mistake("model", judged.uri, f"another bundle than the champion's, {old}")]
        )
    said = dict.fromkeys(_told(gate) for gate in judged.gates if not gate.name.startswith("keeps"))
    words = (f"model {base.source}, bundle {old} -> {found.source}, bundle {new}", *model_words(before, after), *said)
    return CandidateModel(found, installation.open_bundle(found.folder), words)


def _told(gate: Gate) -> str:
    return gate.sentence if gate.outcome == "not judged" else f"let through: {gate.sentence}"


def model_words(before: Manifest, after: Manifest) -> list[str]:
    """What is different about a model, by what both say of themselves: each measured on advertisers held back from its own training."""
    words = []
    for name in sorted({*before.policies, *after.policies}):
        if name not in after.policies:
            words.append(f"{name} is not scored any more")
            continue
        old, new = (one.metrics.get("policies", {}).get(name, {}) for one in (before, after))
        told = " -> ".join(f"{one['ap']:.3f}" if one.get("ap") is not None else "not measured" for one in (old, new))
        words.append(
            f"{name}: average precision {told}, each on its own held-back ads" if name in before.policies else f"{name} is scored newly"
        )
    if before.components != after.components:
        words.append(f"decided by {', '.join(before.components)} -> {', '.join(after.components)}")
    if before.data != after.data:
        told = " -> ".join(
            f"{sum(one.labels for one in side.data):,} labels of {', '.join(one.name for one in side.data)}" for side in (before, after)
        )
        words.append(f"trained on {told}")
    return words


def uncertified(book: PolicyBook, base: SolvedThresholds, candidate: SolvedThresholds, before: PolicyBook) -> list[Mistake]:
    """Where what decides has a certificate and the candidate would have none."""
    certified = _certified(before, base)
    return [
        Mistake(f"{policy}, {market}", "no certificate", "one of the candidate's: 'adverdict policy solve --model VERSION' first")
        for market, policy in sorted(certified - _certified(book, candidate))
        if book.knows(market) and policy in book.names
    ]


def promote(
    ledger: Ledger,
    rollout: Rollout,
    make_champion: MakeChampion,
    by: str,
    clock: Callable[[], datetime],
    settle: Callable[[float], None] = time.sleep,
) -> str | None:
    """Make the model of a roll-out that is done the champion, in words: what was done, None where somebody else has. Until that is on
    record its arms decide for everybody, so nobody is decided for by the model before in between. Raises NotFound or Unavailable."""
    model = rollout.proposal.candidate.model
    assert model is not None
    before = make_champion(model)
    settle(SETTLE)
    try:
        with ledger.write() as writing:
            steps.promoted(writing, rollout.rollout_id, before, by, clock())
    except Conflict:
        return None
    return f"{model} is the champion" + (f", in place of version {before}" if before else "")


def _certified(book: PolicyBook, solved: SolvedThresholds) -> set[tuple[str, str]]:
    found = set()
    for market, _, policy in book.every():
        thresholds = None if policy.stance is Stance.ALLOWED or policy.thresholds else solved.find(policy.name, market, policy.targets)
        if thresholds is not None and thresholds.certificate_id is not None:
            found.add((market, policy.name))
    return found
