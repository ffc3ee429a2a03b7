"""The statements of reasons of a period, one for each rejection made in it that stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from adverdict.decisions.policy import PolicyBook
from adverdict.domain.errors import NotFound
from adverdict.domain.verdict import Verdict
from adverdict.ledger.bodies.copies import Unwound
from adverdict.ledger.entries import DecisionMade, Entry, Resolved, Ruled, Withdrawn
from adverdict.ledger.store import Ledger
from adverdict.review.period import PAGE, Period, about_each, entries_in, pages
from adverdict.review.reasons.statement import StatementOfReasons, statement
from adverdict.review.reasons.transparency import rejected_before

_ABOUT = (DecisionMade.kind, Resolved.kind, Ruled.kind, Withdrawn.kind, Unwound.kind)


def statements(
    ledger: Ledger, book_of: Callable[[str], PolicyBook], since: datetime | None = None, until: datetime | None = None
) -> Iterator[StatementOfReasons]:
    """In the order of the rejections. ``book_of`` finds the policies of a decision by its ``policy_hash``."""
    for page in pages(entries_in(ledger, Period(since, until), (DecisionMade.kind, Resolved.kind)), PAGE):
        rejected = {}  # in the order they come, each once
        for entry in page:
            if isinstance(entry.body, DecisionMade) and entry.body.decision.verdict is Verdict.REJECT:
                rejected[entry.entry_id] = entry.entry_id
            elif isinstance(entry.body, Resolved) and entry.body.verdict == Verdict.REJECT:
                rejected[entry.entry_id] = entry.body.decision_id
        with ledger.look() as connection:
            told = about_each(connection, rejected.values(), _ABOUT)
            repeated = rejected_before(connection, page)
        for entry_id, decision_id in rejected.items():
            about = told.get(decision_id, [])
            made = next((one.body for one in about if isinstance(one.body, DecisionMade)), None)
            if made is None or entry_id in repeated or _stated_elsewhere(entry_id, made, about):
                continue  # erased; or the rejection was an earlier one
            found = statement(about, book_of(made.decision.policy_hash))
            if found is not None:
                yield found


def _stated_elsewhere(entry_id: str, made: DecisionMade, about: Sequence[Entry]) -> bool:
    """Whether a rejection is one that another entry made: of a decision that was withdrawn, people's is the first."""
    ended = any(isinstance(one.body, Withdrawn) for one in about)
    by_people = any(isinstance(one.body, Resolved) and one.body.verdict == Verdict.REJECT for one in about)
    if entry_id == made.decision.decision_id:
        return ended and by_people
    return made.decision.verdict is Verdict.REJECT and not ended


def kept_books(ledger: Ledger, otherwise: PolicyBook) -> Callable[[str], PolicyBook]:
    """Policy books as the ledger keeps them, each read once; ``otherwise`` where it keeps none."""
    books: dict[str, PolicyBook] = {otherwise.hash: otherwise}

    def book_of(digest: str) -> PolicyBook:
        if digest not in books:
            try:
                books[digest] = PolicyBook.from_json(ledger.recall("policies", digest))
            except NotFound:
                books[digest] = otherwise
        return books[digest]

    return book_of
