"""Reasons of decisions that were made without any: made again by the model that decided, when somebody looks.

Nobody reads the reasons of most decisions, and making them costs as much as deciding. Everything they follow from is on record.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from adverdict.certification.exits.cuts import Exits
from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision, Reason
from adverdict.domain.risk import RiskScore
from adverdict.ledger.entries import DecisionMade
from adverdict.scoring.model import CascadeModel, Model, Risks
from adverdict.scoring.scorer import EVERYBODY, NOBODY, worth_explaining

if TYPE_CHECKING:
    from adverdict.features.history.known import History

CLOSE = 1e-6
"""Risks nearer than this are the same: a machine may sum in another order than the one that decided."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a decision is what it is."""

    reasons: tuple[Reason, ...]
    missing: str | None = None
    """Why there are none, in words; None: they are all there, if anything moved a risk at all."""


def on_record(made: DecisionMade) -> Explanation:
    """The reasons that a decision was put on record with, where nobody can make any."""
    return Explanation(made.decision.reasons)


def reasons_again(made: DecisionMade, model: Model, history: History | None) -> tuple[Reason, ...] | None:
    """Reasons of a decision by ``model``, the one that made it, as it stands on record.

    None where ``history`` does not lead to the risks on record: of the time before, more has become known since, or been erased.
    """
    decision = made.decision
    ad = made.ad if decision.as_of is None else made.ad.model_copy(update={"submitted_at": decision.as_of})
    scored = _scored(model, ad, decision, history)
    if not _same(scored.risks(0), decision.risks):
        return None
    return scored.reasons(0, worth_explaining(decision))


def _scored(model: Model, ad: Ad, decision: Decision, history: History | None) -> Risks:
    """As far through the models as the ad went then."""
    if decision.exit is None or not isinstance(model, CascadeModel) or model.doubt is None:
        return model.score([ad], history)
    # No cut is ever crossed: the limit alone says which way the ad goes.
    everywhere = np.zeros((1, len(model.policies), 2))
    return model.score_until([ad], history, Exits(everywhere, EVERYBODY if decision.exit == "early" else NOBODY))


def _same(now: dict[str, RiskScore], then: dict[str, RiskScore]) -> bool:
    """Of the policies on record: an old decision does not say what was thought of policies that were not in force."""
    return all(
        name in now and max(abs(now[name].p - risk.p), abs(now[name].p_low - risk.p_low), abs(now[name].p_high - risk.p_high)) <= CLOSE
        for name, risk in then.items()
    )
