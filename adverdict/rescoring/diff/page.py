"""What a rescoring would change, as one page: no network, no script; the ads' own words cannot rewrite it."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path

from adverdict.domain.formats import counted, interval, number
from adverdict.domain.formats import moment as at_words
from adverdict.domain.verdict import Verdict
from adverdict.rescoring.diff.difference import Difference, Example
from adverdict.review.reasons.marking import Piece, pieces
from adverdict.storage.pages import environment
from adverdict.storage.whole import write_whole
from adverdict.workforce.handling import Handling

PAGE = "diff.html"
BODY = 600
"""Characters of a body that are shown."""


def write_page(target: Path, found: Difference) -> None:
    """Write the page, whole or not at all; its folder is created."""
    write_whole(target, page(found))


def page(found: Difference) -> str:
    """As HTML. Everything is escaped; what an ad's text could hide is shown as a sign."""
    filters = {"risk": risk, "time": _time, "seen": seen, "handling": handling_words, "seconds": seconds_words, "many": "{:,}".format}
    return (
        environment("adverdict.rescoring.diff", filters)
        .get_template(PAGE)
        .render(
            found=found,
            verdicts=tuple(Verdict),
            groups=groups(found.examples),
            apply=apply_command(found),
            missing=missing_words(found),
            body_shown=BODY,
        )
    )


def groups(examples: Sequence[Example]) -> list[tuple[Example, list[Example]]]:
    """Examples of one direction together, each with the first of them."""
    found = [list(group) for _, group in groupby(examples, key=lambda one: (one.by, one.was, one.now))]
    return [(group[0], group) for group in found]


def apply_command(found: Difference) -> str:
    """What a cautious reader would type next: few, in the market with most rejections; else most flips, else most ads not on record."""
    rejections, changes = Counter[str](), Counter[str]()
    for one in found.flips:
        changes[one.market] += one.ads
        rejections[one.market] += one.ads if one.now is Verdict.REJECT else 0
    first = Counter({market: found.first(market) for market in found.markets})
    most = next((ads for ads in (rejections, changes, first) if ads.total()), Counter({"XX": 0}))
    market = max(sorted(most), key=most.__getitem__)
    only = " --only reject" if most is rejections else ""
    return f"adverdict rescore apply --out {shlex.quote(found.run.out)} --market {market}{only} --max 100"


def handling_words(one: Handling) -> str:
    """Where the handling time comes from."""
    if one.source == "told":
        return "as assumed: too few answers on record say how long they took"
    whose = "the market's" if one.source == "market" else "all markets'"
    between = f" ({interval(one.low, one.high, ',.1f')} s)" if one.low is not None and one.high is not None else ""
    return f"mean of {whose} {counted(one.answers, 'answer')} on record{between}"


def seconds_words(seconds: float) -> str:
    """``38.4``, ``45``."""
    return f"{seconds:,.1f}".removesuffix(".0")


def missing_words(found: Difference) -> str:
    """Of ads that what was compared with knows nothing of, or not of this version."""
    return "not on record" if found.against.kind == "ledger" else "not in the other"


def risk(value: float | None) -> str:
    """Four digits, as thresholds are told."""
    return number(value, ".4f")


def seen(text: str | None) -> tuple[Piece, ...]:
    return pieces(text)


def _time(moment: datetime) -> str:
    return at_words(moment)
