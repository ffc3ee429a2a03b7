"""Why nobody who is declared a reviewer may take a task."""

from __future__ import annotations

from collections.abc import Sequence

from adverdict.review.tasks.claims import may_take
from adverdict.review.tasks.routing import Reviewer
from adverdict.review.tasks.tasks import RoutingKey


def why_nobody(lane: RoutingKey, declared: Sequence[Reviewer]) -> str | None:
    """The skill that is missing; None where somebody may take it.

    Where nobody is declared, everybody with a key reads what needs no senior (``routing.reviewer``).
    """
    active = [who for who in declared if who.active]
    if not declared and not lane.senior:
        return None
    if any(may_take(who, lane) for who in active):
        return None
    if not active:
        return "no senior reviewer is declared" if lane.senior and not declared else "no declared reviewer is active"
    return "; ".join(_lacking(lane, active)) or "no single active reviewer has all of these skills, though each has somebody"


def _lacking(lane: RoutingKey, active: Sequence[Reviewer]) -> list[str]:
    """Skills that no active reviewer has, taken one by one."""
    anything = RoutingKey("", None, senior=False, policies=())
    asked = {
        "no active reviewer is senior": anything._replace(senior=lane.senior),
        f"no active reviewer reads {lane.language}": anything._replace(language=lane.language),
        f"no active reviewer knows {' and '.join(lane.policies)}": anything._replace(policies=lane.policies),
    }
    found = (
        [] if any(not who.markets or lane.market in who.markets for who in active) else [f"no active reviewer reads {lane.market}'s ads"]
    )
    return found + [why for why, alone in asked.items() if not any(may_take(_everywhere(who), alone) for who in active)]


def _everywhere(who: Reviewer) -> Reviewer:
    return Reviewer(who.name, (), who.languages, who.policies, who.senior, who.active)
