"""With what probability the ads that reviewers labelled came before them, and their labels as a pack holds them."""

from __future__ import annotations

from adverdict.domain.ad import Label
from adverdict.domain.decision import Decision
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import Answered, Entry


def inclusion(label: Label, decision: Decision) -> float | None:
    """The probability with which the ad of a reviewer's label came before them; None where nobody drew it with a known one.

    Every reading of a case is about the same draw. An ad whose advertiser appealed was not drawn, and neither was one that was rejected
    automatically and read again because of somebody else's appeal. A planned sample said so when it was read.
    """
    if planned(label):
        return label.inclusion_probability
    if label.source == "audit":
        return decision.audit.probability or None if decision.audit else None
    return 1.0 if label.source == "review" and decision.verdict is Verdict.REVIEW else None


def planned(label: Label) -> bool:
    """Whether a reviewer's label is a planned sample's: it bears its own design from the first, which audits bear too, and no review."""
    return label.source == "review" and label.design is not None


def as_drawn(label: Label, decision: Decision) -> Label:
    """A reviewer's label with what is known of the draw that brought the ad before them."""
    if planned(label):
        return label
    design = decision.audit.design if label.source == "audit" and decision.audit else None
    return label.model_copy(update={"inclusion_probability": inclusion(label, decision), "design": design})


def as_exported(entry: Entry, label: Label, ad_id: str, decision: Decision | None) -> Label:
    """The label as a pack holds it, on the ad ``ad_id``. ``decision``: the one it is about, None when erased."""
    if isinstance(entry.body, Answered) and decision is not None:
        label = as_drawn(label, decision)
    return label.model_copy(update={"ad_id": ad_id})
