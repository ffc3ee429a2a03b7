"""What is known of a new market, in sentences."""

from __future__ import annotations

from adverdict.certification.markets.forecast import Forecast
from adverdict.certification.markets.label_shift import Assumption
from adverdict.certification.markets.mixture import REJECTED_BELOW
from adverdict.certification.markets.onboarding import Onboarding, Part
from adverdict.certification.thresholds.sequence import Side

_DECIDED = {Side.APPROVE: "approved automatically", Side.REJECT: "rejected automatically"}
_OTHER = {Assumption.CARRIED: Assumption.LABEL_SHIFT, Assumption.LABEL_SHIFT: Assumption.CARRIED}
_SAME = {
    Assumption.CARRIED: "that a risk means here what it means elsewhere",
    Assumption.LABEL_SHIFT: "that violating ads are scored here as they are elsewhere, and other ads too",
}


def sentences(found: Onboarding) -> tuple[str, ...]:
    """Everything the figures rest on, and what to do. One paragraph of short statements a policy."""
    if found.chosen is None:
        return (f"Nothing is estimated ({found.why_not}). Every ad goes to a person.", *_there(found), *_labels(found))
    return (_rate(found), _known(found), _test(found), *_there(found), *_labels(found), _thresholds(found))


def _rate(found: Onboarding) -> str:
    chosen = found.chosen
    if chosen is None:
        return ""
    return (
        f"About {percent(chosen.rate)} of {found.ads:,} ads violate ({percent(chosen.low)} to {percent(chosen.high)}), "
        f"supposing {_SAME[chosen.assumption]}; no label of {found.market} went into it."
    )


def _known(found: Onboarding) -> str:
    known, chosen = found.transfer, found.chosen
    if chosen is None:
        return ""
    other = found.rates[_OTHER[chosen.assumption]]
    if not known.checked:
        return (
            f"Too few markets have labels to tell whether that is likely; supposing {_SAME[other.assumption]}, it would be "
            f"{percent(other.rate)}. The interval covers both."
        )
    return (
        f"In {len(known.markets)} markets whose labels were hidden for a test, such estimates were off by a factor of "
        f"{_factor(known.miss(chosen.assumption))} in the odds; those that suppose {_SAME[other.assumption]} "
        f"({percent(other.rate)} here) by {_factor(known.miss(other.assumption))}."
    )


def _test(found: Onboarding) -> str:
    if found.test is None:
        return ""
    p = f"p = {found.test.p_value:.3f}"
    if not found.test.accepted:
        return (
            f"But the risks here are no mixture of those of violating and other ads elsewhere ({p}, below {REJECTED_BELOW:g}): this market "
            "is unlike the others, and the rate is not relied on. Every ad goes to a person."
        )
    return f"The risks here could be a mixture of those of violating and other ads elsewhere ({p}); that is no proof that they are."


def _there(found: Onboarding) -> tuple[str, ...]:
    if not found.labelled:
        return ()
    return (f"{found.labelled:,} ads here have a label already; adverdict policy solve says what those show.",)


def _labels(found: Onboarding) -> tuple[str, ...]:
    return tuple(_needed(found, side) for side in found.forecasts)


def _needed(found: Onboarding, side: Forecast) -> str:
    name = "max_leakage" if side.side is Side.APPROVE else "max_wrongful_reject"
    if side.at_least is None:
        return f"{name} is 0: no number of labels certifies that errors never happen."
    if side.advertisers_needed is None and not found.accepted:
        return f"{name} {side.limit:g}: at least {side.at_least:,} labels, if not one of them is an error; how many more is not known."
    if side.advertisers_needed is None:
        return f"{name} {side.limit:g}: no number of labels would do if the rate is right; the risks do not separate well enough."
    sign = "below" if side.side is Side.APPROVE else "at least"
    short = f", and only {found.advertisers:,} are known so far" if side.advertisers_needed > found.advertisers else ""
    return (
        f"{name} {side.limit:g}: that ads of risk {sign} {side.threshold:g} ({percent(side.decided / found.ads)} of all) may be "
        f"{_DECIDED[side.side]} is certified 4 times in 5 with labels of {side.advertisers_needed:,} advertisers, one ad of each{short}; "
        f"of ads as they come it takes about {side.labels_needed:,}."
    )


def _thresholds(found: Onboarding) -> str:
    suggested = found.suggested
    if suggested is None:
        return "No thresholds are suggested."
    below = f"approve below {suggested.approve_below:g}" if suggested.approve_below > 0 else "approve nobody"
    at = f"reject from {suggested.reject_at:g}" if suggested.reject_at < 1 else "reject nobody"
    return f"To start with, without any guarantee: {below}, {at}."


def listed(found: Onboarding) -> str:
    """How many ads of each part of the market the list names."""
    counts = {part: sum(one.part is part for one in found.to_label) for part in Part}
    return ", ".join(f"{n:,} {part}" for part, n in counts.items() if n) or "none"


def percent(share: float) -> str:
    return f"{share * 100:.2g} %" if share < 0.1 else f"{share * 100:.0f} %"


def _factor(miss: float | None) -> str:
    """A root mean square in log-odds as the factor in odds it stands for."""
    if miss is None:
        return "an unknown number"
    return f"{2.718281828459045**miss:.1f}" if miss < 3 else "more than 20"
