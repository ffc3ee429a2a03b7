"""Numbers, shares, intervals and moments as people read them, wherever they are printed."""

from __future__ import annotations

from datetime import datetime

NOTHING = "–"
"""Instead of a number that there is none of."""


def number(value: float | None, form: str = ",.0f") -> str:
    """``form`` as of ``format``; a dash where there is no number."""
    return NOTHING if value is None else format(value, form)


def interval(low: float, high: float, form: str) -> str:
    """``0.012–0.034``, ``1.2–3.4 %``; ``-0.3 to 0.2`` where a minus would stand beside the dash."""
    if form.endswith("%"):
        digits = form.rstrip("%") + "f"
        return f"{interval(100 * low, 100 * high, digits)} %"
    return f"{low:{form}}{'–' if low >= 0 else ' to '}{high:{form}}"


def with_interval(value: float, low: float, high: float, form: str = ".1%") -> str:
    """``2.1 % (1.2–3.4 %)``."""
    said = f"{100 * value:{form.rstrip('%')}f} %" if form.endswith("%") else f"{value:{form}}"
    return f"{said} ({interval(low, high, form)})"


def percent(share: float) -> str:
    """``2.81 %``: three digits, or as many as it takes not to say 100 of what is less."""
    short = f"{share * 100:.3g}"
    return f"{share * 100:.6g} %" if short == "100" and share < 1 else f"{short} %"


def share_of(k: int, n: int) -> str:
    """``12.5 % (3 of 24)``: no rate without its denominator."""
    return f"{k / n * 100:.1f} % ({k:,} of {n:,})" if n else "none of none"


def counted(number: int, one: str, many: str | None = None) -> str:
    """``1 task``, ``2 tasks``."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def roughly(number: int) -> str:
    """``440,000`` of 431,136: how many are needed, where that is an estimate: two digits of it are known at best. Upward."""
    step = 10 ** max(len(str(number)) - 2, 0)
    return f"{-(-number // step) * step:,}"


def moment(at: datetime) -> str:
    """``2026-11-28 20:15 UTC``. ``at`` in UTC."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def day(at: datetime) -> str:
    """``2026-11-28``."""
    return f"{at:%Y-%m-%d}"
