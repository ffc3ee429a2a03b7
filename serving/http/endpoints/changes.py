"""The endpoint of changes, for those who poll: what stands about ads since they asked last."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qs

from adverdict.delivery.following import KEPT, follow
from adverdict.domain.errors import InvalidInput, Mistake
from adverdict.ledger.changes import changes_after, span
from adverdict.ledger.store import Ledger
from adverdict.serving.http.endpoint import Call, Endpoints, ResponseBody
from adverdict.serving.http.endpoints.records import ledger_of
from adverdict.serving.http.messages import ChangesAnswer

MOST = 1_000
"""Changes in one answer."""
LARGEST = 2**62
AFTER: dict[str, Any] = {
    "name": "after",
    "in": "query",
    "required": False,
    "description": "`next` of the last answer: what has changed since. Left out, or 0: from the oldest that is kept on.",
    "schema": {"type": "integer", "minimum": 0, "maximum": LARGEST, "default": 0},
}
LIMIT: dict[str, Any] = {
    "name": "limit",
    "in": "query",
    "required": False,
    "description": "How many at most.",
    "schema": {"type": "integer", "minimum": 1, "maximum": MOST, "default": MOST},
}

endpoints = Endpoints()


@endpoints.get(
    "/v1/changes",
    "score",
    gives=(ResponseBody("in order", ChangesAnswer),),
    summary="What has changed about what stands of ads: by people, appeals, rescorings and erasures; kept for 30 days",
    errors=(400, 404, 503),
    or_admin=True,
    asks=(AFTER, LIMIT),
)
async def changes(call: Call) -> ChangesAnswer:
    after, limit = asked(call.query)
    return await asyncio.to_thread(_changes, ledger_of(call), after, limit)


def asked(query: bytes) -> tuple[int, int]:
    """``after`` and ``limit`` of an address. Raises InvalidInput with every mistake."""
    told = parse_qs(query.decode("latin-1"), keep_blank_values=True)
    wrong: list[Mistake] = []
    after = _whole(told, "after", 0, 0, LARGEST, wrong)
    limit = _whole(told, "limit", MOST, 1, MOST, wrong)
    if wrong:
        raise InvalidInput("the changes cannot be told", wrong)
    return after, limit


def _whole(told: dict[str, list[str]], name: str, usual: int, least: int, most: int, wrong: list[Mistake]) -> int:
    if name not in told:
        return usual
    text = told[name][0] if len(told[name]) == 1 else ", ".join(told[name])
    if text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= most:
        return int(text)
    wrong.append(Mistake(name, text, f"once, a whole number from {least} to {most}"))
    return usual


def _changes(ledger: Ledger, after: int, limit: int) -> ChangesAnswer:
    follow(ledger)
    with ledger.look() as connection:
        first, last = span(connection)
        found = changes_after(connection, after, limit)
    if 0 < after < first - 1:
        expected = f"0, or at least {first - 1}: changes are kept for {KEPT.days} days, and those in between are gone; ask for each ad anew"
        raise InvalidInput("the changes cannot be told", [Mistake("after", after, expected)])
    if after > last:
        raise InvalidInput("the changes cannot be told", [Mistake("after", after, f"at most {last}, the last there is")])
    reached = found[-1].seq if found else max(after, first - 1)
    return ChangesAnswer(changes=tuple(found), next=reached, more=reached < last)
