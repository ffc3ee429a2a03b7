"""Labels from outside: what a platform's own reviewers, or anybody it trusts, said about ads that were decided here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import Connection, select

from adverdict.decisions.files.fields import one_of
from adverdict.domain.ad import Label
from adverdict.domain.errors import InvalidInput, Mistake
from adverdict.domain.votes import older_than_its_ad
from adverdict.ledger import idempotency
from adverdict.ledger.entries import MAX_LABELS, Labelled
from adverdict.ledger.idempotency import Request
from adverdict.ledger.moments import micros, moment
from adverdict.ledger.schema import contents, entries
from adverdict.ledger.store import Ledger

AHEAD = timedelta(minutes=5)
"""How far another machine's clock may be ahead of ours."""


@dataclass(frozen=True, slots=True)
class _Version:
    decision_id: str
    advertiser_id: str
    market: str
    submitted_at: int


def bring(
    ledger: Ledger,
    labels: Sequence[Label],
    by: str,
    now: datetime,
    request: Request | None = None,
    policies: Collection[str] | None = None,
) -> list[str]:
    """Ids of the entries: one an ad, or as many as it takes to hold them. A label is about the version of its ad that was current at
    ``labelled_at``.

    ``policies``: names that a label may be about; None: any. Raises InvalidInput with every label that is about another one, about an ad
    not on record, golden, older than its ad, or of the future: then none of them is recorded. Raises Conflict when the request's key was
    used for another one.
    """
    with ledger.write() as writing:
        before = idempotency.answered(writing.connection, request) if request else None
        if before is not None:
            return [one for one in before if one is not None]
        versions = _versions(writing.connection, {label.ad_id for label in labels})
        _check(labels, versions, now, policies)
        ids = []
        for version, about in _grouped(labels, versions):
            told = {"decision_id": version.decision_id, "advertiser_id": version.advertiser_id, "market": version.market}
            for first in range(0, len(about), MAX_LABELS):
                ids.append(f"lab-{uuid4().hex}")
                held = tuple(about[first : first + MAX_LABELS])
                writing.append(ids[-1], Labelled(**told, ad_id=about[0].ad_id, labels=held, by=by), now)
        if request:
            idempotency.answer(writing.connection, request, ids, now)
        return ids


def _versions(connection: Connection, ad_ids: Iterable[str]) -> dict[str, list[_Version]]:
    """Of each ad, the first decision on each of its versions, oldest submission first."""
    found: dict[str, list[_Version]] = {}
    wanted = sorted(ad_ids)
    for start in range(0, len(wanted), 500):
        query = (
            select(entries.c.entry_id, contents.c.ad_id, contents.c.advertiser_id, contents.c.market, contents.c.submission)
            .join(entries, entries.c.seq == contents.c.seq)
            .where(contents.c.ad_id.in_(wanted[start : start + 500]), contents.c.submission.is_not(None))
            .order_by(contents.c.submission)
        )
        for row in connection.execute(query):
            found.setdefault(row.ad_id, []).append(_Version(row.entry_id, row.advertiser_id, row.market, row.submission))
    return found


def _check(labels: Sequence[Label], versions: dict[str, list[_Version]], now: datetime, policies: Collection[str] | None) -> None:
    wrong = []
    for position, label in enumerate(labels):
        if label.ad_id not in versions:
            wrong.append(Mistake(f"labels[{position}].ad_id", label.ad_id, "an ad that was decided here"))
        elif early := older_than_its_ad(label, moment(versions[label.ad_id][0].submitted_at), f"labels[{position}].labelled_at"):
            wrong.append(early)
        if policies is not None and label.policy not in policies:
            expected = f"a policy of the policy files: {one_of(policies, label.policy)}"
            wrong.append(Mistake(f"labels[{position}].policy", label.policy, expected))
        if label.labelled_at > now + AHEAD:
            wrong.append(Mistake(f"labels[{position}].labelled_at", label.labelled_at.isoformat(), f"not after now ({now.isoformat()})"))
        if label.source == "golden":
            wrong.append(Mistake(f"labels[{position}].source", "golden", "import, review, audit or appeal: golden ads are no traffic"))
    if wrong:
        raise InvalidInput("the labels cannot be recorded; none of them is:", wrong)


def _grouped(labels: Sequence[Label], versions: dict[str, list[_Version]]) -> list[tuple[_Version, list[Label]]]:
    grouped: dict[str, tuple[_Version, list[Label]]] = {}
    for label in labels:
        known = versions[label.ad_id]
        version = [version for version in known if version.submitted_at <= micros(label.labelled_at)][-1]
        grouped.setdefault(version.decision_id, (version, []))[1].append(label)
    return list(grouped.values())
