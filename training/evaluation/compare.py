"""Champion against challenger on the same ads: is the difference more than luck?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from adverdict.domain.errors import InvalidInput, Mistake, shorten
from adverdict.training.evaluation.metrics import Scored, defined, quality
from adverdict.training.evaluation.resampling import draw, interval

if TYPE_CHECKING:
    from rich.table import Table

FIGURES = {"ap": 1, "auroc": 1, "brier": -1}
"""Each figure compared, and which way is better."""

WORSE = "worse beyond the interval"
BETTER = "better beyond the interval"
SAME = "no difference beyond the interval"
UNKNOWN = "too few labels to compare"
SHORT = {WORSE: "worse", BETTER: "better", SAME: "no different", UNKNOWN: "not judged"}
NAMES = {"ap": "AP", "auroc": "AUROC", "brier": "Brier"}


def compare(champion: Scored, challenger: Scored, bootstrap: int = 2000, seed: int = 0, model: str = "blend") -> dict[str, Any]:
    """Paired bootstrap over advertisers: both models are measured on the same resamples, so what the ads share cancels out.

    ``{"ads", "bootstrap", "policies": {POLICY: {"n", "positives", FIGURE: {"champion", "challenger", "difference", "interval",
    "verdict"}}}, "only_champion", "only_challenger"}`` with FIGURE ``ap``, ``auroc`` and ``brier``; a difference is challenger less
    champion, its interval 95 %. Raises InvalidInput when the two were not scored on the same ads with the same labels.
    """
    challenger = _aligned(champion, challenger)
    shared = [policy for policy in champion.policies if policy in challenger.policies]
    _refuse_other_labels(champion, challenger, shared)
    return {
        "ads": len(champion.ad_ids),
        "bootstrap": bootstrap,
        "policies": {policy: _policy(champion, challenger, policy, model, bootstrap, seed) for policy in shared},
        "only_champion": [policy for policy in champion.policies if policy not in shared],
        "only_challenger": [policy for policy in challenger.policies if policy not in shared],
    }


def render(comparison: Mapping[str, Any]) -> Table:
    """The comparison as a table that fits 80 columns, one row a policy and figure."""
    from rich.table import Table

    title = f"On the same {comparison['ads']:,} ads; of the difference the 95 % interval"
    table = Table(box=None, title=title, title_justify="left", header_style="bold", padding=(0, 1, 0, 0))
    for name in ("policy", ""):
        table.add_column(name, no_wrap=True)
    for name in ("champion", "challenger", "difference"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("challenger is")
    for policy, found in comparison["policies"].items():
        beside = (policy, f"{found['positives']:,} of {found['n']:,} violate", "")
        for first, (figure, name) in zip(beside, NAMES.items(), strict=True):
            table.add_row(first, name, *_cells(found[figure]))
    for side, policies in (("champion", comparison["only_champion"]), ("challenger", comparison["only_challenger"])):
        for policy in policies:
            table.add_row(policy, "", "", "", "", f"only the {side} has it")
    return table


def _cells(found: Mapping[str, Any]) -> tuple[str, ...]:
    ends = "–" if found["interval"] is None else "{:+.3f} to {:+.3f}".format(*found["interval"])
    style = {WORSE: "red", BETTER: "green"}.get(found["verdict"])
    verdict = f"[{style}]{SHORT[found['verdict']]}[/{style}]" if style else SHORT[found["verdict"]]
    return (*(_number(found[side]) for side in ("champion", "challenger")), ends, verdict)


def _number(value: float | None) -> str:
    return "–" if value is None else format(value, ".3f")


def _policy(champion: Scored, challenger: Scored, policy: str, model: str, bootstrap: int, seed: int) -> dict[str, Any]:
    old, new = champion.labelled(model, policy), challenger.labelled(model, policy)
    found: dict[str, Any] = {"n": old.y.size, "positives": int(old.y.sum())}
    if not old.y.size:
        return {**found, **{figure: _difference(figure, None, None, None) for figure in FIGURES}}
    as_they_are = np.ones((int(old.clusters.max()) + 1, 1))
    counts = draw(as_they_are.size, bootstrap, seed)
    points = [quality(rated, as_they_are) for rated in (old, new)]
    old_resampled, new_resampled = (quality(rated, counts) for rated in (old, new))
    for figure in FIGURES:
        before, after = (defined(point[figure][0]) for point in points)
        found[figure] = _difference(figure, before, after, new_resampled[figure] - old_resampled[figure])
    return found


def _difference(figure: str, before: float | None, after: float | None, resampled: NDArray[np.float64] | None) -> dict[str, Any]:
    if before is None or after is None or resampled is None:
        return {"champion": before, "challenger": after, "difference": None, "interval": None, "verdict": UNKNOWN}
    low_high = interval(resampled)
    return {
        "champion": before,
        "challenger": after,
        "difference": after - before,
        "interval": low_high,
        "verdict": _verdict(FIGURES[figure], low_high),
    }


def _verdict(better: int, low_high: list[float] | None) -> str:
    if low_high is None:
        return UNKNOWN
    low, high = sorted(better * end for end in low_high)
    if high < 0:
        return WORSE
    return BETTER if low > 0 else SAME


def _aligned(champion: Scored, challenger: Scored) -> Scored:
    """The challenger's ads in the champion's order."""
    mistakes = []
    for side, scored in (("champion", champion), ("challenger", challenger)):
        if repeated := len(scored.ad_ids) - len(set(scored.ad_ids)):
            mistakes.append(Mistake(f"{side}'s ads", f"{repeated} repeated ids", "each ad once"))
    for side, here, there in (("champion", champion, challenger), ("challenger", challenger, champion)):
        if only := sorted(set(here.ad_ids) - set(there.ad_ids)):
            shown = ", ".join(only[:3]) + (", …" if len(only) > 3 else "")
            mistakes.append(Mistake(f"ads only the {side} scored", f"{len(only)}: {shown}", "the same ads for both"))
    if mistakes:
        raise InvalidInput("champion and challenger cannot be compared: they were not scored on the same ads", mistakes)
    row = {ad_id: i for i, ad_id in enumerate(challenger.ad_ids)}
    order = np.array([row[ad_id] for ad_id in champion.ad_ids], dtype=np.intp)
    return replace(
        challenger,
        ad_ids=champion.ad_ids,
        markets=tuple(challenger.markets[i] for i in order),
        groups=tuple(challenger.groups[i] for i in order),
        targets=challenger.targets[order],
        p={model: p[order] for model, p in challenger.p.items()},
    )


def _refuse_other_labels(champion: Scored, challenger: Scored, policies: list[str]) -> None:
    mistakes = []
    for policy in policies:
        old, new = (scored.targets[:, scored.policies.index(policy)] for scored in (champion, challenger))
        other = np.flatnonzero(~((old == new) | (np.isnan(old) & np.isnan(new))))
        if other.size:
            shown = shorten(champion.ad_ids[other[0]])
            mistakes.append(Mistake(policy, f"{other.size} ads labelled differently, first {shown}", "the same labels for both"))
    for name, old_column, new_column in (
        ("advertisers", champion.groups, challenger.groups),
        ("markets", champion.markets, challenger.markets),
    ):
        if old_column != new_column:
            mistakes.append(Mistake(name, "other ones for the same ads", "the same for both"))
    if mistakes:
        raise InvalidInput("champion and challenger cannot be compared: their labels differ", mistakes)
