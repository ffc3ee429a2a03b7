"""Small policy books, ads and risks for the tests of this folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from adverdict.decisions.decide import DecisionContext, decide
from adverdict.decisions.policy import MarketRules, PolicyBook, PolicyInForce, Severity, Stance, Targets, Thresholds, WhenDegraded
from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision
from adverdict.domain.degraded import degradations
from adverdict.domain.risk import RiskScore

TARGETS = Targets(max_leakage=0.02, max_wrongful_reject=0.1, confidence=0.95)
POLICY = PolicyInForce(
    name="gambling",
    title="Gambling",
    severity=Severity.SERIOUS,
    stance=Stance.PROHIBITED,
    targets=TARGETS,
    thresholds=Thresholds(0.08, 0.9),
    when_degraded=WhenDegraded.REVIEW,
    reason="Gambling may not be advertised here.",
)
WHEN = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
CONTEXT = DecisionContext(decision_id="d-1", decided_at=WHEN, bundle_version="7")
NONE_SOLVED = SolvedThresholds()


def an_ad(market: str = "SE", surface: str | None = "feed", licences: tuple[str, ...] | None = None, ad_id: str = "ad-1") -> Ad:
    return Ad(
        ad_id=ad_id,
        advertiser_id="adv-1",
        market=market,
        surface=surface,
        submitted_at=WHEN,
        title="Play now",
        advertiser_licences=licences,
    )


def risk(p: float, policy: str = "gambling") -> RiskScore:
    """Also NaN and numbers outside [0, 1], as a broken model might return them."""
    return RiskScore.model_construct(policy=policy, p=p, p_low=p, p_high=p)


def book(policies: Sequence[PolicyInForce], market: str = "SE") -> PolicyBook:
    return PolicyBook(names=tuple(policy.name for policy in policies), rules={market: MarketRules(tuple(policies))})


def decided(
    policies: Sequence[PolicyInForce],
    risks: Mapping[str, float],
    *,
    market: str = "SE",
    degraded: tuple[str, ...] = (),
    solved: SolvedThresholds = NONE_SOLVED,
    licences: tuple[str, ...] | None = None,
) -> Decision:
    scores = {name: risk(p, name) for name, p in risks.items()}
    return decide(
        an_ad(market, licences=licences), scores, book(policies), solved, context=replace(CONTEXT, degraded=degradations(degraded))
    )


DEFAULT_YAML = """\
policies:
  deceptive:
    title: Deceptive claims
    severity: severe
    stance: prohibited
    targets: {max_leakage: 0.02, max_wrongful_reject: 0.1, confidence: 0.95}
    reason: The ad misleads.
  gambling:
    title: Gambling
    severity: serious
    stance: prohibited
    targets: {max_leakage: 0.02, max_wrongful_reject: 0.1, confidence: 0.95}
    reason: Gambling may not be advertised here.
  kids_unsuitable:
    title: Unsuitable for children
    severity: severe
    stance: prohibited
    surfaces: [kids_video]
    targets: {max_leakage: 0.01, max_wrongful_reject: 0.1, confidence: 0.95}
    when_degraded: hold
    reason: Not for children.
"""
SE_YAML = "extends: default\n"


def write_folder(folder: Path, **files: str | bytes) -> Path:
    """A folder of policy files: ``default`` and ``SE`` as above unless given, others as named."""
    folder.mkdir(exist_ok=True)
    for name, content in {"default": DEFAULT_YAML, "SE": SE_YAML, **files}.items():
        (folder / f"{name}.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder
