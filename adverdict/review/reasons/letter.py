"""A letter to the advertiser, in plain words: what became of the ad, by which rule, what in it led there, who decided, what can be done.

It says what the statement of reasons says (Regulation (EU) 2022/2065, Article 17), without its codes, and is there for every verdict.
Unlike the statement it quotes the ad: it goes to whoever wrote it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from adverdict.decisions.markets import market_name
from adverdict.decisions.policy import PolicyBook
from adverdict.domain.ad import Ad
from adverdict.domain.decision import Reason
from adverdict.domain.degraded import Cause, degradations
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import Appealed, DecisionMade, Entry, Resolved, Withdrawn
from adverdict.ledger.said import not_unwound
from adverdict.review.reasons.grounds import UNION
from adverdict.review.reasons.marking import pieces
from adverdict.review.reasons.phrases import Phrases, lacking, offered, phrases
from adverdict.review.reasons.rejection import Rejection, automated, rejection_of, violated_by

Outcome = Literal["rejected", "approved", "overturned", "review"]
MOST_WORDS = 6
"""Quoted from the ad."""
LONGEST_TITLE = 120
_HOW = {
    "AUTOMATED_DECISION_FULLY": "fully",
    "AUTOMATED_DECISION_PARTIALLY": "partially",
    "AUTOMATED_DECISION_NOT_AUTOMATED": "not_automated",
}


@dataclass(frozen=True)
class Part:
    """A heading and what stands below it. ``listed``: as points."""

    heading: str
    lines: tuple[str, ...]
    listed: bool = False


@dataclass(frozen=True)
class Letter:
    """``others``: the languages it can be had in besides. ``quoted``: whether a rule stands in it in the words of the policy file, for
    want of a translation."""

    language: str
    direction: str
    outcome: Outcome
    subject: str
    opening: str
    parts: tuple[Part, ...]
    closing: tuple[str, ...]
    others: tuple[str, ...]
    lacking: str | None
    """The market's language, where the letter cannot be had in it."""
    quoted: bool

    def text(self) -> str:
        """For a message or a file."""
        lines = [self.subject, "", self.opening]
        for part in self.parts:
            lines += ["", part.heading, *(f"- {line}" if part.listed else line for line in part.lines)]
        return "\n".join([*lines, "", *self.closing]) + "\n"


def letter(entries: Sequence[Entry], book: PolicyBook, reasons: Sequence[Reason] = (), language: str | None = None) -> Letter | None:
    """None where what was decided has been erased or withdrawn.

    ``entries``: all about one decision, in order. ``reasons``: what moved its risks, those that are no reason for a person left out.
    ``language``: one of those offered in the market; its own unless given. Raises KeyError for another one.
    """
    made = next((entry.body for entry in entries if isinstance(entry.body, DecisionMade)), None)
    if made is None or any(isinstance(entry.body, Withdrawn) for entry in entries):
        return None
    choice = offered(made.ad.market)
    language = language or choice[0]
    if language not in choice:
        raise KeyError(language)
    said, rejection = phrases(language), rejection_of(entries)
    outcome = "rejected" if rejection else _outcome(entries, made)
    parts, quoted = _why(said, rejection, book, reasons, entries) if rejection else ((), False)
    if outcome == "review":
        parts = _struck(said, made, book)
    values = {"title": said.quoted(title_of(made.ad)), "date": written(made.ad.submitted_at.date(), language)}
    return Letter(
        language=language,
        direction=said.direction,
        outcome=outcome,
        subject=said.say("subject", outcome, title=values["title"]),
        opening=said.say("opening", outcome, market=market_name(made.ad.market, language), **values),
        parts=parts,
        closing=_closing(said, made, rejection is not None),
        others=tuple(one for one in choice if one != language),
        lacking=lacking(made.ad.market),
        quoted=quoted,
    )


def title_of(ad: Ad) -> str:
    """Whatever names the ad best, in one line."""
    text = ad.title or ad.body or ad.creative_ocr_text or ad.ad_id
    return " ".join("".join(piece.text for piece in pieces(text)).split())[:LONGEST_TITLE]


def words_of(ad: Ad, reasons: Sequence[Reason]) -> tuple[str, ...]:
    """The ad's own words, as they stand in it, that raised a risk; the strongest first."""
    strength: dict[str, float] = {}
    as_written: dict[str, str] = {}
    telling = [one for one in reasons if one.kind == "phrase" and one.effect > 0]
    effects = {one.text: one.effect for one in telling}
    for text in (ad.title, ad.body, ad.call_to_action, ad.creative_ocr_text, *(ad.keywords or ())):
        for piece in pieces(text, telling):
            if piece.kind == "towards":
                word = " ".join(piece.text.split())
                as_written.setdefault(word.casefold(), word)
                strength[word.casefold()] = max(strength.get(word.casefold(), 0.0), effects.get(piece.told, 0.0))
    return tuple(as_written[word] for word in sorted(strength, key=lambda word: -strength[word])[:MOST_WORDS])


def written(day: date, language: str) -> str:
    """``28 November 2026``, as a language has it."""
    from babel.dates import format_date

    return str(format_date(day, "long", locale="en_GB" if language == "en" else language))


def _outcome(entries: Sequence[Entry], made: DecisionMade) -> Outcome:
    """Of an ad that does not stand rejected."""
    settled = any(isinstance(entry.body, Resolved) for entry in not_unwound(entries))
    if made.decision.verdict is Verdict.REJECT:
        return "overturned"
    return "approved" if settled or made.decision.verdict is Verdict.APPROVE else "review"


def _why(
    said: Phrases, one: Rejection, book: PolicyBook, reasons: Sequence[Reason], entries: Sequence[Entry]
) -> tuple[tuple[Part, ...], bool]:
    violated = violated_by(one, book)
    rules = [(said.title(each.title), *said.rule(each.sentence)) for each in violated]
    by_people = one.resolved is not None or one.upheld_at is not None
    names = {each.name for each in violated}
    words = words_of(one.ad, [reason for reason in reasons if reason.policy in names])
    if words:
        led = said.say("words", words=str(said.said["separator"]).join(said.quoted(word) for word in words))
    else:
        led = said.say("by_people" if by_people else "no_words")
    parts = (
        Part(said.say("rule"), tuple(f"{title}: {sentence}" for title, sentence, _ in rules) or (said.say("by_people"),)),
        Part(said.say("led"), (led,)),
        Part(said.say("how"), (said.say("carried" if one.carried else _HOW[automated(one.decision, by_people)]),)),
        Part(said.say("can_do"), tuple(_redress(said, one, entries)), listed=True),
    )
    return parts, not all(translated for _, _, translated in rules)


def _struck(said: Phrases, made: DecisionMade, book: PolicyBook) -> tuple[Part, ...]:
    """Why people decide, where it is because of the advertiser's other ads: it can heed only what it is told."""
    names = {one.about for one in degradations(made.decision.degraded) if one.cause is Cause.STRIKES}
    titles = [said.title(one.title) for one in book.in_force(made.ad.market, made.ad.surface) if one.name in names]
    if not titles:
        return ()
    return (Part(said.say("how"), (said.say("strikes", rules=str(said.said["separator"]).join(map(said.quoted, titles))),)),)


def _redress(said: Phrases, one: Rejection, entries: Sequence[Entry]) -> list[str]:
    lines, union = [said.say("change")], one.ad.market in UNION
    if one.upheld_at is not None:
        lines.append(said.say("upheld", date=written(one.upheld_at.date(), said.language)))
    elif any(isinstance(entry.body, Appealed) for entry in entries):
        lines.append(said.say("appealed"))
    elif union:
        lines.append(said.say("appeal_until", date=written(six_months_after(one.rejected_at), said.language)))
    else:
        lines.append(said.say("appeal"))
    return [*lines, said.say("settlement"), said.say("court")] if union else lines


def six_months_after(at: datetime) -> date:
    """The last day of an internal complaint: at least six months (Article 20(1)). The month's last day where it has no such day."""
    year, month = at.year + (at.month + 5) // 12, (at.month + 5) % 12 + 1
    day = at.day
    while True:
        try:
            return date(year, month, day)
        except ValueError:
            day -= 1


def _closing(said: Phrases, made: DecisionMade, rejected: bool) -> tuple[str, ...]:
    reference = f"{said.say('reference')}: {made.decision.decision_id}"
    return (said.say("union"), reference) if rejected and made.ad.market in UNION else (reference,)
