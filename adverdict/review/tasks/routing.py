"""Who reviews what: the skills of each reviewer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, Row, insert, select, update

from adverdict.domain.errors import InvalidInput, Mistake
from adverdict.domain.identity import language_key
from adverdict.ledger.schema import reviewers as table

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_MARKET = re.compile(r"[A-Z]{2}")
_POLICY = re.compile(r"[a-z][a-z0-9_]{0,62}")


@dataclass(frozen=True)
class Reviewer:
    """A person who answers tasks. An empty tuple means all."""

    name: str
    """That of the API key."""
    markets: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    """Primary subtags (BCP 47), such as ``de``. An ad whose language is not told goes to anybody in its market."""
    policies: tuple[str, ...] = ()
    """A task goes only to those skilled in every policy it asks about."""
    senior: bool = False
    """Whether what others could not settle may come here."""
    active: bool = True


def reviewer(connection: Connection, name: str) -> Reviewer:
    """A name that nobody registered has all skills and is not senior."""
    row = connection.execute(select(table).where(table.c.name == name)).one_or_none()
    return Reviewer(name) if row is None else _reviewer(row)


def reviewers(connection: Connection) -> list[Reviewer]:
    """Those registered, by name."""
    return [_reviewer(row) for row in connection.execute(select(table).order_by(table.c.name))]


def register(connection: Connection, who: Reviewer) -> None:
    """Add a reviewer, or replace what was registered under the name. Raises InvalidInput with every mistake."""
    mistakes = list(_mistakes(who))
    if mistakes:
        raise InvalidInput("the reviewer cannot be registered:", mistakes)
    languages = tuple(dict.fromkeys(language_key(tag) or "" for tag in who.languages))
    values = {
        "markets": json.dumps(who.markets),
        "languages": json.dumps(languages),
        "policies": json.dumps(who.policies),
        "senior": who.senior,
        "active": who.active,
    }
    if connection.execute(update(table).where(table.c.name == who.name).values(values)).rowcount == 0:
        connection.execute(insert(table).values(name=who.name, **values))


def _reviewer(row: Row[tuple[object, ...]]) -> Reviewer:
    markets, languages, policies = (tuple(json.loads(text)) for text in (row.markets, row.languages, row.policies))
    return Reviewer(row.name, markets, languages, policies, bool(row.senior), bool(row.active))


def _mistakes(who: Reviewer) -> Iterator[Mistake]:
    if not _NAME.fullmatch(who.name):
        yield Mistake("name", who.name, "the name of an API key: up to 64 letters, digits, _ . -")
    for market in who.markets:
        if not _MARKET.fullmatch(market):
            yield Mistake("markets", market, "an ISO 3166-1 alpha-2 code such as SE")
    for tag in who.languages:
        if language_key(tag) is None:
            yield Mistake("languages", tag, "a BCP 47 language tag such as de")
    for policy in who.policies:
        if not _POLICY.fullmatch(policy):
            yield Mistake("policies", policy, "a policy's name such as kids_unsuitable")
