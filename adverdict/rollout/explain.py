"""What a policy does to an ad in one market, risk by risk: its limits, its thresholds, what is promised of them, and what follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from adverdict.certification.certificate import Certificate, Issued
from adverdict.decisions.decide import DecisionContext, decide
from adverdict.decisions.files.show import InUse, thresholds_in_use
from adverdict.decisions.harm import LEAKED
from adverdict.decisions.policy import MarketRules, PolicyBook, PolicyInForce, Stance
from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.ad import Ad
from adverdict.domain.formats import day, percent
from adverdict.domain.risk import RiskScore
from adverdict.domain.verdict import Verdict
from adverdict.training.pages.plots import Drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOUR = {Verdict.APPROVE: "approve", Verdict.REVIEW: "review", Verdict.REJECT: "reject"}
NAMED = {Verdict.APPROVE: "approved", Verdict.REVIEW: "a person decides", Verdict.REJECT: "rejected"}


@dataclass(frozen=True)
class Band:
    """Risks from ``low`` up to ``high`` that meet the same, of an advertiser who is not known to hold a licence."""

    low: float
    high: float
    verdict: Verdict
    because: str
    """Of a risk in its middle."""


@dataclass(frozen=True)
class Explanation:
    policy: PolicyInForce
    market: str
    surface: str | None
    use: InUse
    certificate: Certificate | None
    """Of the thresholds in use; None: there is none, or it is not at hand."""
    bands: tuple[Band, ...]

    def sentences(self) -> list[str]:
        """For whoever owns the policy."""
        return [*self._rules(), f"Thresholds: {self.use.words}.", *self._promise()]

    def _rules(self) -> list[str]:
        policy = self.policy
        if policy.stance is Stance.ALLOWED:
            return [f"{policy.title} is allowed in {self.market}: every ad is approved under it."]
        said = [
            f"{policy.title}, {policy.stance} in {self.market} ({policy.severity}: a violating ad that is approved counts as "
            f"{LEAKED[policy.severity]:g} wrongly rejected ones)."
        ]
        if policy.max_risk is not None:
            said.append(f"No ad with a risk of {policy.max_risk:g} or more is approved without a person (max_risk).")
        if policy.min_risk_rejected is not None and policy.stance is Stance.PROHIBITED:
            said.append(f"No ad with a risk below {policy.min_risk_rejected:g} is rejected without a person (min_risk_rejected).")
        targets = policy.targets
        said.append(
            f"Asked of a certificate, with {percent(targets.confidence)} confidence: of the ads approved at most "
            f"{percent(targets.max_leakage)} violate, of those rejected at most {percent(targets.max_wrongful_reject)} do not."
        )
        return said

    def _promise(self) -> list[str]:
        one = self.certificate
        if one is None:
            return ["No certificate is at hand: nothing is promised of what is decided automatically."]
        return [f"Certificate {one.certificate_id}, until {day(one.expires_at)}: {one.statement}", *one.findings]


def explain(
    policy: PolicyInForce, market: str, surface: str | None, solved: SolvedThresholds, issued: Issued | None, now: datetime
) -> Explanation:
    """``now``: with a time zone; certificates expire."""
    use = thresholds_in_use(policy, market, solved, now)
    named = use.thresholds.certificate_id if use.thresholds else None
    certificates = {one.certificate_id: one for one in issued.certificates} if issued else {}
    return Explanation(policy, market, surface, use, certificates.get(named or ""), tuple(_bands(policy, market, surface, solved, now)))


def _bands(policy: PolicyInForce, market: str, surface: str | None, solved: SolvedThresholds, now: datetime) -> list[Band]:
    """Decided by ``decide`` itself, between the risks at which anything can change."""
    raw = policy.thresholds or solved.find(policy.name, market, policy.targets)
    limited = policy.limited(raw) if raw else None
    edges = sorted({0.0, 1.0, *(end for pair in (raw, limited) if pair for end in (pair.approve_below, pair.reject_at))})
    found: list[Band] = []
    for low, high in pairwise(edges):
        verdict, because = _decided(policy, market, surface, solved, now, (low + high) / 2)
        if found and found[-1].verdict is verdict and verdict is not Verdict.REVIEW:
            found[-1] = Band(found[-1].low, high, verdict, found[-1].because)
        else:
            found.append(Band(low, high, verdict, because))
    return found


def _decided(
    policy: PolicyInForce, market: str, surface: str | None, solved: SolvedThresholds, now: datetime, p: float
) -> tuple[Verdict, str]:
    ad = Ad(ad_id="any", advertiser_id="anybody", market=market, submitted_at=now, surface=surface, title="any")
    alone = PolicyBook((policy.name,), {market: MarketRules((policy,))})
    risks: Mapping[str, RiskScore] = {policy.name: RiskScore(policy=policy.name, p=p, p_low=p, p_high=p)}
    decision = decide(ad, risks, alone, solved, context=DecisionContext("explained", now, None))
    return decision.verdict, decision.policies[0].because


def draw_bands(explained: Explanation) -> Drawing:
    """Risks from 0 to 1 in log-odds, in the colours of what they meet, with the policy's limits."""
    policy = explained.policy

    def draw(axes: Axes, colour: Mapping[str, str]) -> None:
        axes.set_xscale("logit")
        axes.set_xlim(0.0005, 0.9995)
        for band in explained.bands:
            axes.axvspan(max(band.low, 0.0005), min(band.high, 0.9995), color=colour[COLOUR[band.verdict]], alpha=0.35, linewidth=0)
        middles = [(max(band.low, 0.0005), min(band.high, 0.9995), band.verdict) for band in explained.bands if band.high > band.low]
        for low, high, verdict in middles:
            at = 1 / (1 + ((1 - low) / low * (1 - high) / high) ** 0.5)
            axes.text(at, 0.5, NAMED[verdict], ha="center", va="center", color=colour["ink"], rotation=90 if high - low < 0.02 else 0)
        rejecting = policy.min_risk_rejected if policy.stance is Stance.PROHIBITED else None
        for limit, name, side in ((policy.max_risk, "max_risk", "right"), (rejecting, "min_risk_rejected", "left")):
            if limit is not None and 0 < limit < 1:
                axes.axvline(limit, color=colour["ink"], linewidth=1.0, linestyle=(0, (2, 2)))
                axes.text(limit, 0.96, f" {name} {limit:g} ", ha=side, va="top", color=colour["ink"], fontsize=8)
        ticks = (0.001, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99, 0.999)
        axes.xaxis.set_ticks(list(ticks), labels=[f"{tick:g}" for tick in ticks])
        axes.xaxis.set_ticks([], minor=True)
        axes.set_yticks([])
        axes.set(xlabel="calibrated risk that the ad violates", ylim=(0, 1))

    return draw
