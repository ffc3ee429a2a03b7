"""The report of a training: one page that needs no network, and its plots as PNG beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adverdict.certification.statistics.intervals import by_group
from adverdict.decisions.policy import DEFAULT_UNFAMILIAR_SHARE, Thresholds
from adverdict.decisions.thresholds import POOLED, SolvedFor, SolvedThresholds, severity_at
from adverdict.domain import formats
from adverdict.domain.verdict import Verdict
from adverdict.models.familiarity.familiarity import FamiliarityModel, Group
from adverdict.models.manifest import DataEntry
from adverdict.storage.pages import environment
from adverdict.storage.whole import write_whole
from adverdict.training.evaluation.curves import DecisionCurve, PrecisionRecall, decision_curve, precision_recall, reliability
from adverdict.training.evaluation.errors import worst_errors
from adverdict.training.evaluation.gains import Earned
from adverdict.training.evaluation.importance import Importance
from adverdict.training.evaluation.metrics import VIOLATES_FROM, PolicyScores, Scored
from adverdict.training.pages.plots import Drawing, draw_decision_curve, draw_precision_recall, draw_reliability, render_both
from adverdict.training.pages.summary import summarised

PAGE = "report.html"
Render = Callable[[Drawing, Path, str], str]
"""As ``plots.render_both``, which is nearly all of what a report costs."""
FINAL = "blend"
"""The model whose risks are calibrated and served; the others are shown beside it."""

REJECT_FROM: NDArray[np.float64] = np.sin(np.linspace(0.05, np.pi / 2 - 0.1, 120)) ** 2
"""Thresholds of the decision curve, evenly spaced on its stretched axis."""


@dataclass(frozen=True)
class ReportData:
    """What the report tells. ``metrics`` is ``metrics.measure`` by model, ``split`` says in words which ads ``scored`` holds."""

    scored: Scored
    metrics: Mapping[str, Mapping[str, Any]]
    sources: Sequence[DataEntry]
    split: str
    bundle_version: str
    created_at: datetime
    thresholds: SolvedThresholds
    skipped: Mapping[str, str]
    familiarity: FamiliarityModel | None = None
    earned: Sequence[Earned] = ()
    unstated: Sequence[str] = ()
    """What it costs that the ads do not state something, a paragraph each."""
    importance: Mapping[str, Sequence[Importance]] = field(default_factory=dict)
    """By policy; empty: not measured."""
    sampled: int = 0
    """Ads it was measured on."""
    drawn: str = "advertisers"
    """Whose ads were held back and drawn together."""
    versions: Mapping[str, str] | None = None
    """Of the libraries used; those installed, unless given."""


def write_report(folder: Path, data: ReportData, *, render: Render = render_both) -> Path:
    """Write ``report.html`` and the plots into ``folder``, which is created; the page's path."""
    templates = environment(
        "adverdict.training.pages", {"share": formats.share_of, "interval": interval, "number": number, "moment": formats.moment}
    )
    policies = [_policy(policy, data, folder, render) for policy in data.scored.policies]
    page = templates.get_template(PAGE).render(
        data=data,
        summary=summarised(policies, _models(data.scored), FINAL),
        final=FINAL,
        models=_models(data.scored),
        policies=policies,
        groups=_groups(data.familiarity),
        unfamiliar=_unfamiliar(data.scored),
        added=list(dict.fromkeys(one.component for one in data.earned)),
        gains={policy: [one for one in data.earned if one.policy == policy] for policy in dict.fromkeys(one.policy for one in data.earned)},
        sampled=data.sampled,
        versions=data.versions if data.versions is not None else installed(),
    )
    target = folder / PAGE
    write_whole(target, page)
    return target


def number(value: float | None, digits: int = 3) -> str:
    """With a minus that is as long as a plus."""
    return formats.number(value, f".{digits}f").replace("-", "−")


def interval(ends: Sequence[float] | None, digits: int = 3) -> str:
    return "no interval" if ends is None else formats.interval(ends[0], ends[1], f".{digits}f").replace("-", "−")


def installed() -> dict[str, str]:
    """Versions of this software and of the libraries that fit and score."""
    from importlib import metadata

    names = ("adverdict", "scikit-learn", "lightgbm", "torch", "transformers", "onnxruntime", "numpy")
    return {name: metadata.version(name) for name in names if next(iter(metadata.distributions(name=name)), None)}


def _groups(familiarity: FamiliarityModel | None) -> list[tuple[str, int]]:
    """The groups within which ads are compared, in words, with the honest ads of each."""
    found = familiarity.groups if familiarity else {}
    return [
        (in_words(group), len(reference)) for group, reference in sorted(found.items(), key=lambda one: (one[0][0] is None, -len(one[1])))
    ]


def in_words(group: Group) -> str:
    language, surface = group
    if language is None:
        return "everything else"
    return f"{language}, other surfaces" if surface is None else f"{language}, {surface or 'no surface'}"


def _unfamiliar(scored: Scored) -> tuple[int, int, tuple[float, float]] | None:
    """How many of the honest ads count as unfamiliar by the share in force where no file says otherwise, and the share's interval by
    advertiser; None: not measured, or of none."""
    if scored.familiarity is None:
        return None
    honest = ~(np.nan_to_num(scored.targets) >= VIOLATES_FROM).any(axis=1)
    marked, groups = scored.familiarity[honest] <= DEFAULT_UNFAMILIAR_SHARE, np.asarray(scored.groups)[honest]
    return (int(marked.sum()), len(marked), by_group(marked, groups)) if len(marked) else None


def _models(scored: Scored) -> list[str]:
    return sorted(scored.p, key=lambda model: (model != FINAL, model))


def _policy(policy: str, data: ReportData, folder: Path, render: Render) -> dict[str, Any]:
    """Everything the page says about one policy; its plots are written on the way."""
    models = _models(data.scored)
    final = FINAL if FINAL in models else models[0]
    rated = data.scored.labelled(final, policy)
    solved = _solved(policy, data.thresholds)
    lines = sorted({end for key, found in solved if key.market == POOLED for end in (found.approve_below, found.reject_at) if 0 < end < 1})
    bins = reliability(rated, lines)
    return {
        "name": policy,
        "figures": {model: data.metrics[model]["policies"][policy] for model in models},
        "thresholds": [_outcome(key, found, rated) for key, found in solved],
        "bins": bins,
        "importance": data.importance.get(policy, ()),
        "errors": worst_errors(data.scored, final, policy),
        "plots": [
            {"title": title, "kind": kind, "svg": render(draw, folder / f"{policy}-{kind}.png", f"{title}: {policy}")}
            for kind, (title, draw) in _drawings(policy, data.scored, models, rated, bins, lines).items()
        ],
    }


def _drawings(
    policy: str, scored: Scored, models: Sequence[str], rated: PolicyScores, bins: Any, lines: Sequence[float]
) -> dict[str, tuple[str, Drawing]]:
    """Titles and plots by kind; none where there are only violating ads, or no violating one."""
    if not rated.y.any() or rated.y.all():
        return {}
    by_model = {model: scored.labelled(model, policy) for model in reversed(models)}
    recalls: dict[str, PrecisionRecall] = {model: curve for model, one in by_model.items() if (curve := precision_recall(one))}
    benefits: dict[str, DecisionCurve] = {
        model: benefit for model, one in by_model.items() if (benefit := decision_curve(one, REJECT_FROM))
    }
    return {
        "precision-recall": ("Precision and recall", draw_precision_recall(recalls, float(rated.y.mean()))),
        "reliability": ("Reliability", draw_reliability(bins, lines)),
        "decision-curve": ("Decision curve", draw_decision_curve(benefits, lines)),
    }


def _solved(policy: str, thresholds: SolvedThresholds) -> list[tuple[SolvedFor, Thresholds]]:
    """The policy's thresholds, those of all markets together first, then market by market."""
    ours = [(key, found) for key, found in thresholds.points.items() if key.policy == policy]
    return sorted(ours, key=lambda one: (one[0].market != POOLED, one[0].market, str(one[0].targets)))


def _outcome(key: SolvedFor, found: Thresholds, rated: PolicyScores) -> dict[str, Any]:
    """What a pair of thresholds does to the report's ads."""
    here = rated if key.market == POOLED else rated.of_market(key.market)
    severity = severity_at(here.p, found.approve_below, found.reject_at)
    rejected, approved = severity == Verdict.REJECT.severity, severity == Verdict.APPROVE.severity
    counts = {"approved": approved, "leaked": approved & here.y, "rejected": rejected, "wrongful": rejected & ~here.y}
    kept = {name: int(rows.sum()) for name, rows in counts.items()}
    return {
        **kept,
        "market": "all markets" if key.market == POOLED else key.market,
        "targets": key.targets,
        "approve_below": found.approve_below,
        "reject_at": found.reject_at,
        "certificate_id": found.certificate_id,
        "n": here.y.size,
        "review": here.y.size - kept["approved"] - kept["rejected"],
        "leakage_interval": by_group(here.y[approved], here.clusters[approved]) if kept["approved"] else None,
        "wrongful_interval": by_group(~here.y[rejected], here.clusters[rejected]) if kept["rejected"] else None,
    }
