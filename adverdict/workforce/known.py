"""Everything a plan is made from, gathered: the ledger's volumes and answers, and what people declared."""

from __future__ import annotations

from datetime import datetime

from adverdict.decisions.policy import PolicyBook
from adverdict.domain.progress import SILENT, Progress
from adverdict.ledger.store import Ledger
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.workforce.operations.declared import with_declared
from adverdict.workforce.operations.read import Operations
from adverdict.workforce.outlook import Known
from adverdict.workforce.practice import measured
from adverdict.workforce.volume.read import read_past


def known(
    ledger: Ledger, operations: Operations, book: PolicyBook, review: ReviewSettings, now: datetime, progress: Progress = SILENT
) -> Known:
    """Up to the last midnight (UTC) before ``now``. Raises Unavailable."""
    operations = with_declared(operations, ledger)
    by_policy = any(shift.policies for shift in operations.roster)
    past = read_past(ledger, now, severe_policies(book, operations.targets.severe), by_policy=by_policy, progress=progress)
    practice = measured(ledger, review.lease_seconds, review.handling_seconds)
    return Known(past.history, past.shapes, practice, operations, review.golden_share, past.seq, lease_seconds=review.lease_seconds)


def severe_policies(book: PolicyBook, severities: tuple[str, ...]) -> frozenset[str]:
    """Policies whose severity counts as severe content in any market."""
    return frozenset(policy.name for _, _, policy in book.every() if policy.severity.value in severities)
