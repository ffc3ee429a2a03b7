"""API keys: what callers present, with the scopes they have. Only digests are kept."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from adverdict.domain.errors import InvalidSettings, Mistake

SCOPES = ("score", "label", "review", "policy", "plan", "metrics", "admin")
FORMAT = "NAME:SCOPE+SCOPE:SHA256, e.g. platform:score:9f86d081…, scopes " + ", ".join(SCOPES)
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A caller. Only the key's sha256 is kept, so a leaked configuration opens nothing."""

    name: str
    scopes: frozenset[str]
    sha256: str = field(repr=False)


def new_key(name: str, scopes: Sequence[str]) -> tuple[str, str]:
    """A fresh key and its entry for ``ADVERDICT_API_KEYS``. The key itself (256 random bits) is shown once and stored nowhere.

    Raises InvalidSettings when the entry would not be accepted.
    """
    key = "adv_" + secrets.token_urlsafe(32)
    wrong = [] if _NAME.fullmatch(name) else [Mistake("--name", name, "up to 64 letters, digits, dots, dashes and underscores")]
    wrong += [Mistake("--scope", scope, f"one of {', '.join(SCOPES)}") for scope in scopes if scope not in SCOPES]
    if wrong:
        raise InvalidSettings("no key was made:", wrong)
    return key, f"{name}:{'+'.join(dict.fromkeys(scopes))}:{digest_of(key.encode())}"


def parse_keys(entries: Iterable[str], where: str, wrong: list[Mistake]) -> list[ApiKey]:
    """Entries as in ``FORMAT``; blank ones and ``#`` comments are skipped, bad ones are added to ``wrong`` by position only."""
    found = []
    for position, entry in enumerate(entries, start=1):
        text = entry.partition("#")[0].strip()
        if not text:
            continue
        name, scopes, digest, *rest = [*text.split(":"), "", ""][: max(3, text.count(":") + 1)]
        asked = frozenset(scopes.split("+"))
        if rest or not _NAME.fullmatch(name) or not asked <= set(SCOPES) or not _SHA256.fullmatch(digest):
            wrong.append(Mistake(where, f"entry {position}", FORMAT))
        else:
            found.append(ApiKey(name, asked, digest))
    return found


def digest_of(key: bytes) -> str:
    """The sha256 of a key, as entries have it."""
    return hashlib.sha256(key).hexdigest()
