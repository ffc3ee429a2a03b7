"""The tier of an ad, beside its decision: the model of tiers and the file that says what they mean here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adverdict.decisions.suitability import SuitabilityRules, read_rules, suitability
from adverdict.domain.ad import Ad, Label
from adverdict.domain.decision import Decision
from adverdict.domain.errors import InvalidSettings, Mistake
from adverdict.domain.settings import Settings
from adverdict.domain.suitability import Suitability
from adverdict.domain.values import variable
from adverdict.ledger.entries import Answered, DecisionMade
from adverdict.ledger.store import Ledger
from adverdict.suitability.learning import said_in_review
from adverdict.suitability.model import TierModel


@dataclass(frozen=True)
class Grader:
    """Says where ads may stand. Nothing of it is on record: the same ad, model and file say the same again."""

    model: TierModel
    rules: SuitabilityRules

    @classmethod
    def of(cls, settings: Settings) -> Grader | None:
        """None where no file of tiers is set. Raises InvalidPolicy, InvalidSettings, NotFound, UntrustedBundle, ContractMismatch."""
        if settings.suitability is None:
            return None
        rules, model = read_rules(settings.suitability), TierModel.load(settings.suitability_folder)
        lacking = sorted(set(rules.categories) - set(model.categories))
        if lacking:
            expected = f"categories that the model of tiers knows ({', '.join(model.categories)}), or a model trained anew"
            raise InvalidSettings("tiers cannot be told:", [Mistake(variable("suitability"), ", ".join(lacking), expected)])
        return cls(model, rules)

    def grade(self, ads: Sequence[Ad], decisions: Sequence[Decision]) -> list[Suitability]:
        """One an ad, in order; ``decisions`` are about them."""
        graded = self.model.grade(ads)
        return [suitability(one, decision, self.rules) for one, decision in zip(graded, decisions, strict=True)]


def tiers_said(ledger: Ledger, categories: Sequence[str]) -> tuple[list[Ad], list[Label]]:
    """Ads on record that reviewers said a tier of, and these as labels. Golden ads are left out: they are no traffic."""
    ads: dict[str, Ad] = {}
    labels: list[Label] = []
    for entry in ledger.read(kinds=(Answered.kind,)):
        body = entry.body
        if not isinstance(body, Answered) or body.tier is None or body.task_kind == "golden":
            continue
        made = next((one.body for one in ledger.about(body.decision_id) if isinstance(one.body, DecisionMade)), None)
        if made is not None:
            ads[made.ad.ad_id] = made.ad
            labels += said_in_review(made.ad, body.tier, body.reviewer, entry.at, categories)
    return list(ads.values()), labels
