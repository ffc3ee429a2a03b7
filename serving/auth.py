"""Who may ask for what: API keys with scopes, and the loopback rule when there are none."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address

from adverdict.domain.errors import Mistake

SCOPES = ("score", "label", "review", "policy", "admin")
FORMAT = "NAME:SCOPE+SCOPE:SHA256, e.g. platform:score:9f86d081…, scopes " + ", ".join(SCOPES)
_NAME = re.compile(r"^[A-Za-z0-9_.-]{1,64}$")
_HOST = re.compile(r"^(?P<name>\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:[0-9]{1,5})?$")
_SHA256 = re.compile(r"^[0-9a-f]{64}$")
_FORWARDED = (b"forwarded", b"x-real-ip", b"via", b"cf-connecting-ip", b"true-client-ip")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A caller. Only the key's sha256 is kept, so a leaked configuration opens nothing."""

    name: str
    scopes: frozenset[str]
    sha256: str = field(repr=False)


def new_key(name: str, scopes: Sequence[str]) -> tuple[str, str]:
    """A fresh key and its entry for ``ADVERDICT_API_KEYS``. The key itself (256 random bits) is shown once and stored nowhere.

    Raises ValueError when the entry would not be accepted.
    """
    key = "adj_" + secrets.token_urlsafe(32)
    entry = f"{name}:{'+'.join(scopes)}:{_digest(key.encode())}"
    wrong: list[Mistake] = []
    parse_keys([entry], "key", wrong)
    if wrong:
        raise ValueError(f"{name}:{'+'.join(scopes)}: expected {FORMAT}")
    return key, entry


def parse_keys(entries: Iterable[str], where: str, wrong: list[Mistake]) -> list[ApiKey]:
    """Entries as in ``FORMAT``; blank ones and ``#`` comments are skipped, bad ones are added to ``wrong`` by position only."""
    found = []
    for position, entry in enumerate(entries, start=1):
        text = entry.partition("#")[0].strip()
        if not text:
            continue
        name, scopes, digest, *rest = [*text.split(":"), "", ""][: max(3, text.count(":") + 1)]
        asked = frozenset(scopes.split("+"))
        if rest or not _NAME.match(name) or not asked <= set(SCOPES) or not _SHA256.match(digest):
            wrong.append(Mistake(where, f"entry {position}", FORMAT))
        else:
            found.append(ApiKey(name, asked, digest))
    return found


def authenticate(headers: Mapping[bytes, bytes], keys: Sequence[ApiKey]) -> ApiKey | None:
    """The caller whose key the request carries, as ``Authorization: Bearer KEY`` or ``X-API-Key: KEY``."""
    kind, _, token = headers.get(b"authorization", b"").partition(b" ")
    presented = token.strip() if kind.lower() == b"bearer" else headers.get(b"x-api-key", b"")
    if not presented:
        return None
    digest = _digest(presented)
    # Every key is compared, whatever the outcome: how long it takes says nothing about which one nearly matched.
    matches = [key for key in keys if hmac.compare_digest(key.sha256, digest)]
    return matches[0] if matches else None


def is_loopback(host: str) -> bool:
    """Whether an address stays on this machine."""
    try:
        address = ip_address(host)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_loopback


def comes_from_here(client: Sequence[object] | None, headers: Mapping[bytes, bytes]) -> bool:
    """Whether a request was made on this machine, for this machine.

    A proxy on the same machine also connects from loopback, and a web page may point its own name at it: a request that was
    forwarded, or that asks for another host, is somebody else's.
    """
    forwarded = any(name in _FORWARDED or name.startswith(b"x-forwarded-") for name in headers)
    if not client or not is_loopback(str(client[0])) or forwarded:
        return False
    host = headers.get(b"host", b"").decode("latin-1").lower()
    named = _HOST.match(host)
    return named is not None and (named["name"] == "localhost" or is_loopback(named["name"].strip("[]")))


def _digest(key: bytes) -> str:
    return hashlib.sha256(key).hexdigest()
