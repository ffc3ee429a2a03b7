"""Who is at the other end: an API key is shown once and exchanged for a cookie, of which only the sha256 is stored."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select

from adverdict.domain.keys import SCOPES, ApiKey
from adverdict.ledger.moments import micros
from adverdict.ledger.schema import sessions
from adverdict.ledger.store import Ledger

COOKIE = "adverdict_session"
LASTS = timedelta(hours=12)
LOCAL = "local"
"""Name of whoever works on this machine while no API keys are configured."""
ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is logged in."""

    name: str
    """That of the API key."""
    scopes: frozenset[str]
    csrf: str
    """Stands in every form; a page of another site cannot read it."""

    def may(self, *scopes: str) -> bool:
        """Whether any of these scopes is held; ``admin`` holds them all."""
        return ADMIN in self.scopes or not self.scopes.isdisjoint(scopes)


def begin(ledger: Ledger, name: str, scopes: Sequence[str], now: datetime) -> str:
    """A new session; the token (256 random bits) goes into the cookie and is stored nowhere. Sessions that have ended are cleared away."""
    token = secrets.token_urlsafe(32)
    row = {
        "token": _stored(token),
        "name": name,
        "scopes": json.dumps(sorted(scopes)),
        "csrf": secrets.token_urlsafe(32),
        "expires_at": micros(now + LASTS),
    }
    with ledger.change() as connection:
        connection.execute(delete(sessions).where(sessions.c.expires_at <= micros(now)))
        connection.execute(insert(sessions).values(row))
    return token


def find(ledger: Ledger, token: str | None, keys: Sequence[ApiKey], now: datetime) -> Session | None:
    """The session of a cookie; None when there is none, it has ended, or its key is configured no more."""
    if not token:
        return None
    with ledger.look() as connection:
        row = connection.execute(select(sessions).where(sessions.c.token == _stored(token))).one_or_none()
    if row is None or row.expires_at <= micros(now):
        return None
    granted = _granted(row.name, keys)
    return Session(row.name, frozenset(json.loads(row.scopes)) & granted, row.csrf) if granted else None


def end(ledger: Ledger, token: str | None) -> None:
    if token:
        with ledger.change() as connection:
            connection.execute(delete(sessions).where(sessions.c.token == _stored(token)))


def _granted(name: str, keys: Sequence[ApiKey]) -> frozenset[str]:
    """What the configuration grants now: a key that was taken away, or lost a scope, does so at once."""
    if not keys:
        return frozenset(SCOPES) if name == LOCAL else frozenset()
    return next((key.scopes for key in keys if key.name == name), frozenset())


def _stored(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
