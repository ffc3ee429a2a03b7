"""Brakes, and how audits have moved certificates, on record: put on, released, revoked, renewed, and what holds as of an entry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from pydantic import JsonValue
from sqlalchemy import Connection

from adverdict.decisions.files.fields import one_of
from adverdict.decisions.policy import PolicyBook
from adverdict.decisions.steering import Brake, BrakeSide, Held, Moved, Steering
from adverdict.domain.errors import Conflict, InvalidInput, Mistake, NotFound
from adverdict.ledger.bodies.probing import ProbingEnded, ProbingNoticed
from adverdict.ledger.entries import Braked, CertificateMoved, CertificateRevoked, Entry, Released
from adverdict.ledger.entropy import hexadecimal
from adverdict.ledger.schema import entries
from adverdict.ledger.store import Ledger, Writing, entry_of, entry_query, find

STEERING = tuple(one.kind for one in (Braked, Released, CertificateRevoked, CertificateMoved, ProbingNoticed, ProbingEnded))
"""Kinds of entries."""


def steering_at(connection: Connection, until: int | None = None) -> Steering:
    """What holds once the entry ``until`` is written; now when None."""
    query = entry_query().where(entries.c.kind.in_(STEERING)).order_by(entries.c.seq)
    rows = connection.execute(query if until is None else query.where(entries.c.seq <= until))
    return steered(Steering(), map(entry_of, rows))


def steering_now(ledger: Ledger) -> Steering:
    """What holds now. Raises Unavailable."""
    with ledger.look() as connection:
        return steering_at(connection)


def steered(before: Steering, told: Iterable[Entry]) -> Steering:
    """What holds after some more entries, in their order. Those of other kinds change nothing."""
    brakes, revoked = {brake.brake_id: brake for brake in before.brakes}, before.revoked
    moved, held = dict(before.moved), dict(before.held)
    for entry in told:
        body = entry.body
        if isinstance(body, Braked):
            brakes[entry.entry_id] = Brake(entry.entry_id, body.side, body.policy, body.market, body.surface, body.cluster)
        elif isinstance(body, Released):
            brakes.pop(body.brake, None)
        elif isinstance(body, CertificateRevoked):
            revoked |= {body.certificate_id}
        elif isinstance(body, CertificateMoved):
            moved[body.certificate_id] = Moved(body.standing, body.until)
        elif isinstance(body, ProbingNoticed):
            held[body.advertiser_id] = Held(entry.entry_id, body.until)
        elif isinstance(body, ProbingEnded):
            held.pop(body.advertiser_id, None)
    return Steering(tuple(brakes.values()), revoked, moved, held)


def brakes_on(connection: Connection) -> list[tuple[Entry, Braked]]:
    """The entries of the brakes that are on, oldest first."""
    on = {brake.brake_id for brake in steering_at(connection).brakes}
    rows = connection.execute(entry_query().where(entries.c.entry_id.in_(sorted(on))).order_by(entries.c.seq)) if on else ()
    return [(entry, entry.body) for entry in map(entry_of, rows) if isinstance(entry.body, Braked)]


def asked_for(
    book: PolicyBook,
    *,
    side: str,
    policy: str | None,
    market: str | None,
    surface: str | None,
    why: str,
    by: str,
    cluster: str | None = None,
    found: Sequence[Mistake] = (),
) -> Braked:
    """A brake that somebody asks for; blanks mean everywhere. ``found``: mistakes that were found before. Raises InvalidInput with every
    mistake, such as a market that is none."""
    policy, market, surface = (text.strip() or None if text else None for text in (policy, market, surface))
    mistakes = [] if side in set(BrakeSide) else [Mistake("side", side, f"one of {', '.join(BrakeSide)}")]
    if policy is not None and policy not in book.names:
        mistakes.append(Mistake("policy", policy, f"a policy that default.yaml defines: {one_of(book.names, policy)}"))
    if market is not None and not book.knows(market):
        mistakes.append(Mistake("market", market, f"a market with a file: {one_of(book.markets, market)}"))
    mistakes += found
    if not why.strip():
        mistakes.append(Mistake("why", why, "a reason: it stays on record"))
    if mistakes:
        raise InvalidInput("no brake was put on:", mistakes)
    return Braked(side=BrakeSide(side), policy=policy, market=market, surface=surface, cluster=cluster, why=why.strip(), by=by)


def brake(writing: Writing, told: Braked, at: datetime) -> tuple[str, int]:
    """Put a brake on: its id, and the seq of its entry. One of the same side and scope that is on already is that one."""
    for entry, on in brakes_on(writing.connection):
        if _scope(on) == _scope(told):
            return entry.entry_id, entry.seq
    brake_id = f"brk-{hexadecimal()}"
    return brake_id, writing.append(brake_id, told, at)


def release(writing: Writing, brake_id: str, why: str, by: str, at: datetime) -> int:
    """Take a brake off: the seq of the entry that does. Raises NotFound, InvalidInput, or Conflict where it is off already."""
    if not why.strip():
        raise InvalidInput("no brake was released:", [Mistake("why", why, "a reason: it stays on record")])
    body = find(writing.connection, brake_id).body
    if not isinstance(body, Braked):
        raise NotFound(f"{brake_id} is no brake")
    if brake_id not in {entry.entry_id for entry, _ in brakes_on(writing.connection)}:
        raise Conflict(f"brake {brake_id} is off already")
    return writing.append(f"rel-{brake_id}", Released(brake=brake_id, why=why, by=by), at)


def revoke(writing: Writing, certificate_id: str, why: str, by: str, at: datetime, evidence: Mapping[str, JsonValue] | None = None) -> bool:
    """Revoke a certificate from the next round of every worker on. False where that was done before: then nothing changes."""
    if certificate_id in steering_at(writing.connection).revoked:
        return False
    told = CertificateRevoked(certificate_id=certificate_id, why=why, evidence=dict(evidence or {}), by=by)
    writing.append(f"rev-{certificate_id}", told, at)
    return True


def move(writing: Writing, told: CertificateMoved, at: datetime) -> bool:
    """Say how a certificate stands from the next round of every worker on. False where it stands so already: then nothing changes."""
    last = steering_at(writing.connection)
    if told.certificate_id in last.revoked or last.moved.get(told.certificate_id) == (told.standing, told.until):
        return False
    writing.append(f"std-{hexadecimal()}", told, at)
    return True


def _scope(told: Braked) -> tuple[str | None, ...]:
    return told.side, told.policy, told.market, told.surface, told.cluster


def scope_in_words(told: Braked) -> str:
    """What a brake stops, such as ``approving under gambling in SE on feed``."""
    done = {BrakeSide.APPROVE: "approving", BrakeSide.REJECT: "rejecting", BrakeSide.BOTH: "deciding"}[told.side]
    where = [word and f"{before} {word}" for before, word in (("under", told.policy), ("in", told.market), ("on", told.surface))]
    what = [f"copies in cluster {told.cluster}"] if told.cluster else []
    return " ".join([done, *what, *(one for one in where if one)]) + ("" if any(where) or what else " anything anywhere")
