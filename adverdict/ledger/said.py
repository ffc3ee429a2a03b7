"""What people said of ads that were decided, as far as it counts: labels from outside and answers, without what rulings retract."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select

from adverdict.domain.ad import Label
from adverdict.domain.votes import last_words
from adverdict.ledger.bodies.copies import Unwound
from adverdict.ledger.entries import Answered, Entry, Labelled, Resolved, Ruled
from adverdict.ledger.moments import moment
from adverdict.ledger.schema import contents, entries
from adverdict.ledger.store import CHUNK, entry_of, entry_query

SAID = tuple(one.kind for one in (Labelled, Answered, Ruled, Unwound))
"""Kinds of entries that bring labels or retract them."""


class Said(NamedTuple):
    """Labels on one version of an ad: those that count from now on, and those that no longer do."""

    decision_id: str
    """One on this version."""
    given: tuple[Label, ...]
    taken: tuple[Label, ...]


def labels_of(entry: Entry) -> tuple[Label, ...]:
    """The labels an entry brings about its ad; none for a golden answer, which is about the reviewer."""
    body = entry.body
    if isinstance(body, Labelled):
        return body.labels
    return body.labels if isinstance(body, Answered) and body.task_kind != "golden" else ()


def effective(told: Iterable[Entry]) -> Iterator[tuple[Entry, Label]]:
    """The labels that were not retracted, with the entry that brought each. ``told``: all that was said about an ad, in order.

    What was unwound takes all labels of an entry with it. An overturned appeal takes away who said violating; who said otherwise in the
    same entry was right, and stays.
    """
    told = list(told)
    unwound = {entry_id for entry in told if isinstance(entry.body, Unwound) for entry_id in entry.body.retracted}
    retracted = {
        (entry_id, policy)
        for ruled in (entry.body for entry in told)
        if isinstance(ruled, Ruled) and ruled.outcome == "overturned"
        for entry_id in ruled.retracted
        for policy in ruled.policies
    }
    for entry in told:
        for label in () if entry.entry_id in unwound else labels_of(entry):
            if not (label.violates and (entry.entry_id, label.policy) in retracted):
                yield entry, label


def not_unwound(about: Sequence[Entry]) -> list[Entry]:
    """What is on record about a decision, in order, without what people made of it before that was taken back."""
    last = max((at for at, entry in enumerate(about) if isinstance(entry.body, Unwound)), default=-1)
    return [entry for at, entry in enumerate(about) if at > last or not isinstance(entry.body, Resolved)]


def said_between(connection: Connection, page: Iterable[Entry], after: int, until: int) -> list[Said]:
    """What the entries of a page, which begins after one seq and ends with another, change in what counts: each rater's last word."""
    about = {entry.body.decision_id for entry in page if isinstance(entry.body, Labelled | Answered | Ruled | Unwound)}
    if not about:
        return []
    found = []
    for decision, born, told in told_about(connection, about, until):
        before, now = (counting((entry for entry in told if entry.seq <= seq), born) for seq in (after, until))
        found.append(Said(decision, tuple((now - before).elements()), tuple((before - now).elements())))
    return found


def told_about(connection: Connection, about: Set[str], until: int) -> Iterator[tuple[str, datetime, list[Entry]]]:
    """Of each version of an ad that some decisions are about: one of these, when it was submitted, and all that was said of it up to an
    entry, in order."""
    versions = _versions(connection, sorted(about))
    touched = {versions[decision]: decision for decision in sorted(about & versions.keys())}
    for version, told in sorted(_told(connection, versions, until).items()):
        if version in touched:
            yield touched[version], moment(version[1]), told


def not_before(label: Label, submitted_at: datetime) -> Label:
    """A label that is no older than its ad: an answer bears the time of our clock, its ad that of the platform's, which may be ahead."""
    return label if label.labelled_at >= submitted_at else label.model_copy(update={"labelled_at": submitted_at})


def counting(told: Iterable[Entry], submitted_at: datetime) -> Counter[Label]:
    """The labels that count, of all that was said of a version of an ad."""
    return Counter(last_words(not_before(label, submitted_at) for _, label in effective(told)))


def _versions(connection: Connection, decisions: Sequence[str]) -> dict[str, tuple[str, int]]:
    """Every decision on the ads of some decisions, with the version it was about: its ad and when that was submitted."""
    columns = select(contents.c.about, contents.c.ad_id, contents.c.submitted_at).where(contents.c.submitted_at.is_not(None))
    ads: set[str] = set()
    for start in range(0, len(decisions), CHUNK):
        rows = connection.execute(columns.where(contents.c.about.in_(decisions[start : start + CHUNK])))
        ads.update(row.ad_id for row in rows)
    found = {}
    wanted = sorted(ads)
    for start in range(0, len(wanted), CHUNK):
        for row in connection.execute(columns.where(contents.c.ad_id.in_(wanted[start : start + CHUNK]))):
            found[row.about] = row.ad_id, row.submitted_at
    return found


def _told(connection: Connection, versions: Mapping[str, tuple[str, int]], until: int) -> dict[tuple[str, int], list[Entry]]:
    """By version, what was said of it up to an entry, in order."""
    found: defaultdict[tuple[str, int], list[Entry]] = defaultdict(list)
    decisions = sorted(versions)
    for start in range(0, len(decisions), CHUNK):
        query = entry_query().where(
            contents.c.about.in_(decisions[start : start + CHUNK]), entries.c.kind.in_(SAID), entries.c.seq <= until
        )
        for row in connection.execute(query):
            entry = entry_of(row)
            found[versions[getattr(entry.body, "decision_id", "")]].append(entry)
    return {version: sorted(told, key=lambda entry: entry.seq) for version, told in found.items()}
