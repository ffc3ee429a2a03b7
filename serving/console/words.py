"""How values are written on the pages. Every function is a filter of the templates."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from unicodedata import bidirectional

from adverdict.domain.degraded import Cause, Degradation, degradations
from adverdict.domain.familiarity import in_brackets
from adverdict.domain.verdict import Verdict
from adverdict.review.reasons.marking import Piece

VERDICTS = {
    "approve": "approved",
    "review": "to review",
    "reject": "rejected",
    "unsure": "unsure",
    "escalate": "escalated",
    "unseen": "not seen",
}
LARGE = 1e12


def span(length: timedelta | float | None) -> str:
    """A length of time in its largest unit that gives at least two of it: 95 s, 12 min, 30 h, 4 d."""
    if length is None:
        return "–"
    seconds = length.total_seconds() if isinstance(length, timedelta) else length
    for unit, name in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"


def ago(at: datetime, now: datetime) -> str:
    """``4 min ago``, ``just now``, ``in 3 h``."""
    seconds = (now - at).total_seconds()
    if abs(seconds) < 60:
        return "just now" if seconds >= 0 else "in a moment"
    return f"{span(seconds)} ago" if seconds > 0 else f"in {span(-seconds)}"


def between(low: float, high: float) -> str:
    """An interval of shares: ``0.3–3.4 %``."""
    ends = [percent(one) for one in (low, high)]
    plain = all(one.endswith(" %") and one[0].isdigit() for one in ends)
    return f"{ends[0].removesuffix(' %')}–{ends[1]}" if plain else f"{ends[0]} – {ends[1]}"


def percent(share: float | None) -> str:
    """Two significant digits below ten per cent, whole ones above; never 0 for what is more, nor 100 for what is less."""
    if share is None:
        return "–"
    value = 100 * share
    if value in (0, 100):
        return f"{value:.0f} %"
    if value < 0.01 or value > 99.99:
        return "< 0.01 %" if value < 0.01 else "> 99.99 %"
    if value > 99:
        return f"{value:.{1 if value < 99.945 else 2}f} %"
    return f"{value:.0f} %" if value >= 9.95 else f"{value:.2g} %"


def worth(number: float) -> str:
    """A number of ads that need not be whole."""
    return f"{count(number)} ads" if number >= 9.95 else f"{number:.1f} ads"


def risk(p: float) -> str:
    """Three decimals, as the policy files have thresholds."""
    return f"{p:.3f}"


def odds(p: float) -> str:
    """A risk as people say it: of how many ads like it one violates, or how many of ten or twenty do."""
    if p < 0.0005:
        return "fewer than 1 in 2,000"
    if p > 0.995:
        return "nearly all"
    if p < 0.35:
        return f"1 in {count(_two_digits(1 / p))}"
    of = 10 if p < 0.925 else 20 if p < 0.965 else 100
    return f"{round(of * p)} in {of}"


def direction(text: Iterable[Piece]) -> str:
    """Of a text: ``rtl`` or ``ltr`` by its first strong letter (UAX 9), ``auto`` where it has none.

    Said by the server, for a browser that looks for it skips what is isolated, as every text of strangers is.
    """
    for piece in text:
        for letter in piece.text if piece.kind != "hidden" else "":
            strong = bidirectional(letter)
            if strong in ("L", "R", "AL"):
                return "ltr" if strong == "L" else "rtl"
    return "auto"


def _two_digits(number: float) -> float:
    """Rounded to two significant digits, small ones to one: nobody can tell 1 in 113 from 1 in 110."""
    return float(f"{number:.2g}") if number >= 10 else round(number)


def count(number: float) -> str:
    """Whole, with separators; from ``LARGE`` on three significant digits, 1.23e15: what strangers send has no bound."""
    return f"{number:,.0f}" if abs(number) < LARGE else f"{number:.3g}".replace("e+", "e")


def many(number: float, one: str, more: str = "") -> str:
    """``1 ad``, ``2 ads``."""
    return f"{count(number)} {one if number == 1 else more or one + 's'}"


_FIGURES = re.compile(r", familiarity [-+.e\d]+ is not above unfamiliar_share [-+.e\d]+| \(when_\w+: \w+\)")
_RISKS = re.compile(r"risk \d\.\d+ is at least (\d\.\d+) and below 1\.000: ")


def plainly(because: str) -> str:
    """Why a policy's verdict is what it is, as the record says it, without the names of settings, and without a threshold that is none."""
    return _RISKS.sub(r"the risk is at least \1, and nothing is rejected automatically: ", _FIGURES.sub("", because))


_MISTAKE = re.compile(r"\s*- (?P<field>\S+) = (?P<value>.*); expected (?P<expected>.*)")


def mistaken(told: str) -> tuple[str, list[tuple[str, str, str]]]:
    """What an error says, as ``InvalidInput`` writes it: its first lines as a sentence, and of each mistake the field, what came, and what
    was expected."""
    sentence, wrong = [], []
    for line in told.splitlines():
        if found := _MISTAKE.fullmatch(line):
            wrong.append((named(found["field"]), found["value"], found["expected"]))
        else:
            sentence.append(line.strip())
    said = " ".join(sentence)
    return said[:1].upper() + said[1:], wrong


def said(verdict: str | Verdict) -> str:
    return VERDICTS.get(str(verdict), str(verdict))


def named(code: str) -> str:
    """``zero_tolerance`` as people write it."""
    return code.replace("_", " ")


def figure(value: object) -> str:
    """What an entry says, a number to three digits."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return count(value) if value == int(value) else f"{value:.3g}"


def signed(effect: float) -> str:
    return f"{effect:+.1f}".replace("-", "−")


def unfamiliar(degraded: Iterable[str]) -> str:
    """Why the model knows little of an ad, from what its decision says was missing; empty where it says nothing of the kind."""
    causes = tuple(one.about or "" for one in degradations(degraded) if one.cause is Cause.UNFAMILIAR)
    return f"The model has hardly seen texts like this{in_brackets(causes)}: its risks say little." if causes else ""


def missing(degraded: Iterable[str]) -> list[str]:
    """The rest of it, in words."""
    return [_cause(one) for one in degradations(degraded) if one.cause is not Cause.UNFAMILIAR]


CAUSES = {
    Cause.NO_MODEL: "no model was loaded",
    Cause.DEADLINE: "the caller could not wait for the slower models",
    Cause.UNREACHABLE: "the registry did not answer",
    Cause.NOT_FOUND: "the champion was not found in the registry",
    Cause.CERTIFICATES_REFUSED: "the certificates were refused",
    Cause.BUNDLE_REFUSED: "bundle {about} was refused",
    Cause.UNKNOWN_MARKET: "no policy file tells of the market {about}",
    Cause.NO_THRESHOLD: "no policy has thresholds that decide anything ({about})",
    Cause.NO_POLICY: "no policy is in force there",
    Cause.UNKNOWN_POLICY: "no policy file defines {about}, of which the model knows a risk",
    Cause.NO_RISK: "no model could say the risk of {about}",
    Cause.HOLD: "{about} is held back until a person has seen it",
    Cause.NOT_SOLVED: "the thresholds of {about} are not solved",
    Cause.UNCERTIFIED: "the thresholds of {about} carry no certificate",
    Cause.CERTIFICATE_EXPIRED: "the certificate of {about} has expired",
    Cause.CERTIFICATE_REVOKED: "the certificate of {about} was revoked",
    Cause.LICENCE_UNKNOWN: "nobody knows whether there is a licence for {about}",
    Cause.ARM_MISSING: "what should have decided in its arm of the roll-out could not be had",
    Cause.ARM_FAILED: "the model of its arm of the roll-out failed on it",
    Cause.STRIKES: "so many of the advertiser's ads were rejected under {about} that people decide all of them",
    Cause.BRAKE: "somebody has put a brake on",
}
"""What was missing or stale, in words; ``about`` is what it concerns."""


def _cause(one: Degradation) -> str:
    sentence = CAUSES.get(one.cause) if isinstance(one.cause, Cause) else None
    return sentence.format(about=named(one.about or "it")) if sentence else str(one)
