"""What a challenger must pass to become champion.

``mlflow.validate_evaluation_results`` compares one figure with one threshold and knows no intervals; a gate here asks whether a whole
interval lies on the wrong side and answers in a sentence naming the policy. Interval ends dressed up as figures would hide that.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from adverdict.domain.errors import GateRefused, NotJudged
from adverdict.training.evaluation.compare import UNKNOWN, WORSE

MIN_POSITIVES = 30
"""Below this many positives a calibration is not judged: the slope's 95 % interval is then about as wide as the limits are apart."""

MIN_VIOLATORS = 10
"""Nor below this many advertisers with a positive: robust errors of a few clusters are far too small (Cameron, Gelbach & Miller 2008,
Review of Economics and Statistics 90, 414-427), and one large advertiser would say what all risks mean."""

SLOPE = (0.67, 1.5)
"""Limits of the calibration slope. At .67 or 1.5 a risk of 5 % stands for 12 % or 1 %: a threshold would keep nothing it promises."""

LEVEL = (-0.7, 0.7)
"""Limits of the calibration in the large, in log-odds: the odds of all risks are at most twice or half what they should be."""


Outcome = Literal["passed", "failed", "not judged"]


@dataclass(frozen=True)
class Gate:
    """One condition, what was measured and what was allowed. ``sentence`` says it to a person. *Not judged*, for there was too little to
    judge by, is not *passed*; whether it stops a promotion is for whoever promotes to say (``require``)."""

    name: str
    outcome: Outcome
    measured: str
    limit: str
    sentence: str

    @property
    def passed(self) -> bool:
        return self.outcome == "passed"


def gates(
    metrics: Mapping[str, Any],
    comparison: Mapping[str, Any] | None = None,
    *,
    champion_policies: Sequence[str] = (),
    may_drop: Collection[str] = (),
    contract_difference: Sequence[str] = (),
    on_trial: bool = False,
) -> list[Gate]:
    """Every gate with its outcome, in the order of the policies.

    ``metrics`` are the challenger's (``metrics.measure`` of the calibrated blend), ``comparison`` that of ``compare.compare`` or ``None``
    when there is no champion. ``champion_policies`` are those the champion scores and ``may_drop`` those of them the challenger need not.
    ``on_trial``: it is compared with the champion on live ads instead.
    ``contract_difference`` is what ``FeatureContract.difference`` says between the challenger's contract and this installation.
    """
    return [
        _contract(contract_difference),
        *(_kept(policy, policy in metrics["policies"], policy in may_drop) for policy in champion_policies),
        *_not_worse(comparison, on_trial),
        *(gate for policy, found in metrics["policies"].items() for gate in _calibrated(policy, found)),
    ]


def require(outcome: Sequence[Gate], *, strict: bool = False) -> None:
    """Raises GateRefused naming every gate that failed; with ``strict`` NotJudged naming every one that could not judge, where none did."""
    failed = [gate for gate in outcome if gate.outcome == "failed"]
    if failed:
        raise GateRefused("\n".join([f"the challenger fails {len(failed)} of {len(outcome)} gates:", *map(_line, failed)]))
    unjudged = [gate for gate in outcome if gate.outcome == "not judged"]
    if strict and unjudged:
        said = f"{len(unjudged)} of {len(outcome)} gates could not judge the challenger, and --strict asks that all of them do:"
        raise NotJudged("\n".join([said, *map(_line, unjudged)]))


def counted(outcome: Sequence[Gate]) -> str:
    """``9 gates passed, 4 not judged``."""
    of = {kind: sum(gate.outcome == kind for gate in outcome) for kind in ("passed", "failed", "not judged")}
    first = f"{of['passed']} gate{'' if of['passed'] == 1 else 's'} passed"
    return ", ".join([first, *(f"{n} {kind}" for kind, n in of.items() if n and kind != "passed")])


def first_of_all(outcome: Sequence[Gate], before: str | None) -> str | None:
    """What a first champion, that nobody has compared with anything, was let through by; None where there was a champion before."""
    if before is not None:
        return None
    if any(gate.passed for gate in outcome if gate.name.startswith("calibration")):
        return "it is the first champion: it was compared with nothing"
    return (
        "it is the first champion: it was compared with nothing, and too few violating ads were held back to judge what its risks mean. "
        "Nothing but certificates ('adverdict policy solve') will say what to expect of its decisions"
    )


def _line(gate: Gate) -> str:
    return f"  - {gate.name}: {gate.sentence} (measured {gate.measured}; allowed {gate.limit})"


def _contract(difference: Sequence[str]) -> Gate:
    if difference:
        return Gate(
            "feature contract",
            "failed",
            "; ".join(difference),
            "no difference",
            "it was trained on other features than this installation computes",
        )
    return Gate("feature contract", "passed", "no difference", "no difference", "it was trained on the features this installation computes")


def _kept(policy: str, present: bool, may_drop: bool) -> Gate:
    if present:
        return Gate(f"keeps {policy}", "passed", "present", "present", f"it scores {policy}, as the champion does")
    if may_drop:
        return Gate(f"keeps {policy}", "passed", "missing", "may be dropped", f"it does not score {policy} any more, which was allowed")
    return Gate(f"keeps {policy}", "failed", "missing", "present", f"the champion scores {policy} and it does not")


def _not_worse(comparison: Mapping[str, Any] | None, on_trial: bool) -> list[Gate]:
    if on_trial:
        sentence = "not judged on labelled ads: the roll-out compares it with the champion on live ones"
        return [Gate("not worse", "not judged", "on trial", "not worse beyond the interval", sentence)]
    if comparison is None:
        sentence = "not judged: there is no champion to compare it with"
        return [Gate("not worse", "not judged", "no champion", "not worse beyond the interval", sentence)]
    return [_ap_holds(policy, found["ap"], found["positives"]) for policy, found in comparison["policies"].items()]


def _ap_holds(policy: str, ap: Mapping[str, Any], positives: int) -> Gate:
    name, limit = f"not worse at {policy}", "an interval of the difference in AP that reaches 0"
    if ap["verdict"] == UNKNOWN:
        return Gate(
            name, "not judged", f"{positives} violating ads", limit, f"not judged: {policy} has too few labels to tell the two apart"
        )
    low, high = ap["interval"]
    measured = f"AP {ap['challenger']:.3f} against {ap['champion']:.3f}, difference {ap['difference']:+.3f} [{low:+.3f}, {high:+.3f}]"
    if ap["verdict"] == WORSE:
        return Gate(name, "failed", measured, limit, f"its average precision at {policy} is worse than the champion's beyond the interval")
    return Gate(name, "passed", measured, limit, f"its average precision at {policy} is not worse than the champion's beyond the interval")


def _calibrated(policy: str, found: Mapping[str, Any]) -> list[Gate]:
    """The slope, and the level with the slope held at 1. The joint intercept is no gate: where violations are rare it repeats the slope."""
    calibration = found["calibration"]
    parts = (("slope", "slope", SLOPE), ("level", "in_the_large", LEVEL))
    return [
        _within(f"calibration {name} at {policy}", policy, found, calibration[key], calibration[f"{key}_interval"], limits)
        for name, key, limits in parts
    ]


def _within(
    name: str, policy: str, found: Mapping[str, Any], value: float | None, low_high: Sequence[float] | None, limits: tuple[float, float]
) -> Gate:
    limit = f"an interval that reaches {limits[0]:g} to {limits[1]:g}"
    positives = found["positives"]
    violators = found.get("violators", MIN_VIOLATORS)  # a model evaluated before they were counted is judged by its positives alone
    for count, needed, what in ((positives, MIN_POSITIVES, "violating ads"), (violators, MIN_VIOLATORS, "advertisers with violating ads")):
        if count < needed:
            sentence = f"not judged: {count} {what} of {policy} were held back, {needed} are needed"
            return Gate(name, "not judged", f"{count} of {needed} {what}", limit, sentence)
    if value is None or low_high is None:
        return Gate(
            name, "not judged", "undefined", limit, f"not judged: one class only, or classes the risks separate completely, at {policy}"
        )
    low, high = low_high
    measured = f"{value:.2f} [{low:.2f}, {high:.2f}]"
    if high < limits[0] or low > limits[1]:
        return Gate(name, "failed", measured, limit, f"its risks for {policy} do not mean what they say")
    return Gate(
        name, "passed", measured, limit, f"its risks for {policy} are within the limits, as far as {positives} violating ads can tell"
    )
