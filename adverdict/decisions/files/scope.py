"""Places where a policy holds, in words: ``everywhere but BR``."""

from __future__ import annotations

from collections.abc import Collection

At = tuple[str, str | None]
"""A market and one of its surfaces; None stands for the market's general rules, on every surface not named."""


def scope(places: Collection[At], everywhere: Collection[At]) -> str:
    """``places``, a part of ``everywhere``, in fewer words: by naming them, or by naming all others as exceptions."""
    inside = set(places)
    outside = set(everywhere) - inside
    if not outside:
        return "everywhere"
    named, excepted = _items(inside, everywhere), _items(outside, everywhere)
    ways = [(len(named), _joined(named)), (len(excepted), f"everywhere but {_joined(excepted)}")]
    text = min(ways, key=lambda way: (way[0], len(way[1])))[1]
    return text if text.startswith(("on ", "everywhere ")) else f"in {text}"


def _items(chosen: Collection[At], everywhere: Collection[At]) -> list[str]:
    """Whole surfaces, whole markets, then what is left, market by market."""
    left = set(chosen)
    markets, surfaces = [], []
    for market in sorted({market for market, _ in chosen}):
        whole = {at for at in everywhere if at[0] == market}
        if whole <= set(chosen):
            markets.append(market)
            left -= whole
    for surface in sorted({surface for _, surface in left if surface is not None}):
        whole = {at for at in everywhere if at[1] == surface}
        if len(whole) > 1 and whole <= set(chosen):
            surfaces.append(f"on {surface}")
            left -= whole
    parts = [_part(market, left, chosen, everywhere) for market in sorted({market for market, _ in left})]
    return surfaces + markets + parts


def _part(market: str, left: Collection[At], chosen: Collection[At], everywhere: Collection[At]) -> str:
    """Some of a market: its surfaces, or all but some of them."""
    if (market, None) in left:
        others = sorted(str(surface) for name, surface in everywhere if name == market and (name, surface) not in chosen)
        return f"{market} but on {_joined(others)}" if others else market
    return f"{market} on {_joined(sorted(str(surface) for name, surface in left if name == market))}"


def _joined(items: Collection[str]) -> str:
    """``a, b and c``."""
    *first, last = items
    return f"{', '.join(first)} and {last}" if first else last
