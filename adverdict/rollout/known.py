"""The policy a person means, or what there is instead."""

from __future__ import annotations

from adverdict.decisions.files.fields import one_of
from adverdict.decisions.policy import PolicyBook, PolicyInForce
from adverdict.domain.errors import InvalidSettings, Mistake


def known_policy(book: PolicyBook, policy: str, market: str, surface: str | None) -> PolicyInForce:
    """Raises InvalidSettings, with every mistake, for a market or policy there is no file for, and where the policy is not in force."""
    mistakes = [] if book.knows(market) else [Mistake("--market", market, f"a market with a file: {one_of(book.markets, market)}")]
    if policy not in book.names:
        mistakes.append(Mistake("POLICY", policy, f"a policy that default.yaml defines: {one_of(book.names, policy)}"))
    if mistakes:
        raise InvalidSettings("nothing to explain", mistakes)
    found = next((one for one in book.in_force(market, surface) if one.name == policy), None)
    if found is None:
        where = f"{market} on {surface}" if surface else f"{market} by its general rules"
        named = sorted(surface for surface, rules in book.rules[market].by_surface.items() if any(one.name == policy for one in rules))
        expected = f"a surface where it is: {', '.join(named)}" if named else "a market where it is in force"
        raise InvalidSettings(f"{policy} is not in force in {where}", [Mistake("--surface", surface, expected)])
    return found
