"""The policies page: what other thresholds would do to recent ads. It only reads; thresholds are changed in the files or by solving."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response

from adverdict.decisions.files.show import thresholds_in_use
from adverdict.decisions.policy import PolicyBook, PolicyInForce, Stance, Thresholds
from adverdict.decisions.thresholds import SolvedThresholds, verdict_at
from adverdict.domain.errors import InvalidInput, Mistake, NotFound
from adverdict.domain.verdict import Verdict, most_severe
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.schema import contents, entries
from adverdict.serving.console.policies import curves
from adverdict.serving.console.policies.recent import Decided, RecentCache, RecentDecisions, RecentQuery
from adverdict.serving.console.policies.rule import Asked, rule, work
from adverdict.serving.console.policies.shares import Split
from adverdict.serving.console.visits import Visit

EXAMPLES = 4
NOBODY = (0.0, 1.0)
"""Thresholds by which nothing is decided automatically."""


@dataclass(frozen=True)
class Flip:
    """Ads whose decision would change in one direction."""

    before: str
    after: str
    ads: int
    examples: tuple[Decided, ...]


@dataclass(frozen=True)
class Change:
    """Before and after of moved thresholds, over the ads' decisions (the most severe verdict of all policies)."""

    before: Split
    after: Split
    flips: tuple[Flip, ...]
    unchanged: int


@dataclass(frozen=True)
class Drawing:
    approved: curves.Curve
    rejected: curves.Curve
    leakage: curves.Curve
    wrongful: curves.Curve
    top_leakage: float
    top_wrongful: float


def show(visit: Visit) -> Response:
    book = visit.parts.book
    market = visit.asked("market") or _latest_market(visit)
    if not book.knows(market):
        raise NotFound("There is no policy file for that market.")
    surfaces = sorted(book.rules[market].by_surface)
    surface = visit.asked("surface") or None
    if surface is not None and surface not in surfaces:
        raise NotFound("No policy file names that surface in that market.")
    in_force = [policy for policy in book.in_force(market, surface) if policy.stance is not Stance.ALLOWED]
    name = visit.asked("policy") or (in_force[0].name if in_force else "")
    policy = next((one for one in in_force if one.name == name), None)
    chosen = {"market": market, "surface": surface or "", "policy": name}
    here = {one.name for one in in_force}
    values: dict[str, Any] = {"markets": book.markets, "surfaces": surfaces, "names": book.names, "there": here, "chosen": chosen}
    if policy is None:
        return visit.page("policy_none.html", "Policies", elsewhere=_elsewhere(book, name), **values)
    recent = _recently(visit.request).get(RecentQuery(name, market, surface))
    use = thresholds_in_use(policy, market, _solved(visit), visit.parts.clock())
    now = (use.thresholds.approve_below, use.thresholds.reject_at) if use.thresholds else NOBODY
    told = _moved(visit, now)
    asked = Asked(market, surface, name, Thresholds(*told))
    held = policy.limited(asked.thresholds)
    moved = held.approve_below, held.reject_at
    change = _change(recent, now, moved)
    flips = [(flip.before, flip.after, flip.ads) for flip in change.flips]
    values |= {
        "policy": policy,
        "use": use,
        "recent": recent,
        "present": now,
        "told": told,
        "moved": moved,
        "change": change,
        "asked": asked,
    }
    values |= {"rule": rule(visit.parts, policy, asked), "able": visit.parts.drafts is not None}
    values |= {"work": work(flips, recent.since, visit.parts.clock(), visit.parts.review.handling_seconds)}
    values |= {"drawing": _drawing(recent, policy, change), "curves": curves, "rejects": recent.seen.rejects}
    return visit.page("policy_moved.html" if visit.quick else "policy.html", "Policies", **values)


def _elsewhere(book: PolicyBook, name: str) -> list[tuple[str, str | None]]:
    """Markets and surfaces in which a policy is in force; surface None: every one that is not named."""
    return [(market, surface) for market, surface, policy in book.every() if policy.name == name and policy.stance is not Stance.ALLOWED]


def _latest_market(visit: Visit) -> str:
    """Where something happens: the market of the latest decision, else the first one."""
    latest = select(contents.c.market).join(entries, entries.c.seq == contents.c.seq).where(entries.c.kind == DecisionMade.kind)
    with visit.parts.ledger.look() as connection:
        market = connection.scalar(latest.order_by(entries.c.seq.desc()).limit(1))
    return next(iter((*([market] if market and visit.parts.book.knows(market) else []), *visit.parts.book.markets)), "")


def _recently(request: Request) -> RecentCache:
    found: RecentCache = request.app.state.recently
    return found


def _solved(visit: Visit) -> SolvedThresholds:
    return visit.parts.champion.current()[0].solved


def _moved(visit: Visit, now: tuple[float, float]) -> tuple[float, float]:
    """Raises InvalidInput unless 0 <= approve_below <= reject_at <= 1."""
    values, mistakes = [], []
    for name, usual in zip(("approve_below", "reject_at"), now, strict=True):
        told = "1" if name == "reject_at" and visit.asked("never") else visit.asked(name)
        try:
            value = float(told) if told else usual
        except ValueError:
            value = math.nan
        if not 0 <= value <= 1:
            mistakes.append(Mistake(name, told, "a number from 0 to 1"))
        values.append(value)
    if not mistakes and values[0] > values[1]:
        mistakes.append(Mistake("approve_below", visit.asked("approve_below"), f"at most reject_at, {values[1]:g}"))
    if mistakes:
        raise InvalidInput("these thresholds cannot be in force:", mistakes)
    return values[0], values[1]


def _change(recent: RecentDecisions, now: tuple[float, float], moved: tuple[float, float]) -> Change:
    pairs = [(one, _decision(one, now), _decision(one, moved)) for one in recent.decided]
    tally = Counter((before, after) for _, before, after in pairs if before is not after)
    flips = [
        Flip(before.value, after.value, ads, tuple(one for one, was, becomes in pairs if (was, becomes) == (before, after))[:EXAMPLES])
        for (before, after), ads in sorted(tally.items(), key=lambda item: (item[0][0].severity, item[0][1].severity))
    ]
    before, after = (recent.seen.split(*thresholds) for thresholds in (now, moved))
    return Change(before, after, tuple(flips), len(pairs) - sum(tally.values()))


def _decision(one: Decided, thresholds: tuple[float, float]) -> Verdict:
    return most_severe((verdict_at(one.p, *thresholds, may_reject=one.rejectable), one.rest))


def _drawing(recent: RecentDecisions, policy: PolicyInForce, change: Change) -> Drawing:
    both = (change.before, change.after)
    tops = [
        curves.top_of([target], [wrong.high if wrong.read else None for wrong in seen])
        for target, seen in (
            (policy.targets.max_leakage, [split.leakage for split in both]),
            (policy.targets.max_wrongful_reject, [split.wrongful for split in both]),
        )
    ]
    leakage, wrongful = curves.errors(recent.seen, "approve", tops[0]), curves.errors(recent.seen, "reject", tops[1])
    return Drawing(*curves.shares(recent.seen), leakage, wrongful, *tops)
