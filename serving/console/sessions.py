"""Who is at the other end: an API key is shown once and exchanged for a cookie.

What is stored of the cookie is its digest keyed with that of the API key: a key that is changed or taken away ends its sessions, and
who can write into the table, but does not know the configuration, is nobody.
"""

from __future__ import annotations

import hashlib
import hmac
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


def begin(ledger: Ledger, key: ApiKey | None, scopes: Sequence[str], now: datetime) -> str:
    """A new session; the token (256 random bits) goes into the cookie and is stored nowhere. Sessions that have ended are cleared away.

    ``key`` None: of whoever works on this machine, while no keys are configured.
    """
    token = secrets.token_urlsafe(32)
    row = {
        "token": _stored(token, key),
        "name": key.name if key else LOCAL,
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
    # Under which key it was begun the cookie does not say, and what the row says of it is not believed.
    by_stored = {_stored(token, key): key for key in keys or (None,)}
    with ledger.look() as connection:
        row = connection.execute(select(sessions).where(sessions.c.token.in_(by_stored))).first()
    if row is None or row.expires_at <= micros(now):
        return None
    key = by_stored[bytes(row.token)]
    granted = key.scopes if key else frozenset(SCOPES)
    return Session(key.name if key else LOCAL, frozenset(json.loads(row.scopes)) & granted, row.csrf)


def end(ledger: Ledger, token: str | None, keys: Sequence[ApiKey]) -> None:
    if token:
        with ledger.change() as connection:
            stored = [_stored(token, key) for key in keys or (None,)]
            connection.execute(delete(sessions).where(sessions.c.token.in_(stored)))


def _stored(token: str, key: ApiKey | None) -> bytes:
    return hmac.digest(key.sha256.encode() if key else LOCAL.encode(), token.encode(), hashlib.sha256)
