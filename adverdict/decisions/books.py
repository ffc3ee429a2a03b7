"""Who holds a set of policies, and who asks whoever knows which set is in force now: what comes into force meanwhile is theirs at once."""

from __future__ import annotations

from typing import Protocol

from adverdict.decisions.policy import PolicyBook


class HasBook(Protocol):
    """Whoever knows which policies are in force now."""

    @property
    def book(self) -> PolicyBook: ...


def book_of(told: PolicyBook | HasBook) -> PolicyBook:
    """The policies themselves, or those in force now."""
    return told if isinstance(told, PolicyBook) else told.book
