"""One vote a person: of everything people said of an ad, what counts.

A rater has one vote on an ad under a policy: the last thing they said, by ``labelled_at``, counted from when they began to say so. A label
that was sent again changes nothing, and one that contradicts an earlier one takes its place, in whatever order they came. Where a rater
said both at one instant, nobody can tell which was last, and *violates* counts. A label without a rater is an unknown person's, so that
each counts; but the same row twice (one time, one verdict) is one label.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from datetime import datetime
from itertools import groupby

from adverdict.domain.ad import Label
from adverdict.domain.errors import Mistake


def last_words(labels: Iterable[Label]) -> list[Label]:
    """The labels that count, in the order in which they came. Ids of ads name versions: a label is about one of them."""
    labels = list(labels)
    return [labels[row] for row in votes(labels, [label.ad_id for label in labels])]


def votes(labels: Sequence[Label], about: Sequence[Hashable]) -> list[int]:
    """Which of ``labels`` count, ascending. ``about``: which version of which ad each label is about."""
    said: dict[Hashable, int | list[int]] = {}
    for row, label in enumerate(labels):
        whose: Hashable = label.rater_id or (label.labelled_at, label.violates)
        key = about[row], label.policy, whose
        before = said.setdefault(key, row)
        if before is not row:  # almost every key is met once: a list is made only for those that are not
            said[key] = [*before, row] if isinstance(before, list) else [before, row]
    return sorted(rows if isinstance(rows, int) else _settled(labels, rows) for rows in said.values())


def _settled(labels: Sequence[Label], rows: Sequence[int]) -> int:
    """Of one person's labels, the one with which they began to say what they said last."""
    ordered = sorted(rows, key=lambda row: (labels[row].labelled_at, labels[row].violates))
    *_, last = (list(run) for _, run in groupby(ordered, key=lambda row: labels[row].violates))
    return last[0]


def older_than_its_ad(label: Label, submitted_at: datetime, field: str = "labelled_at", where: str = "") -> Mistake | None:
    """The mistake of a label from before its ad was submitted: nobody can have seen it, and it would count as the ad's own past."""
    if label.labelled_at >= submitted_at:
        return None
    expected = f"a time not before the ad was submitted ({submitted_at.isoformat()})"
    return Mistake(field, label.labelled_at.isoformat(), expected, where)
