"""Who may ask for what: API keys with scopes, and the loopback rule when there are none."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from adverdict.domain.keys import ApiKey, digest_of

_HOST = re.compile(r"^(?P<name>\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:[0-9]{1,5})?$")
_FORWARDED = (b"forwarded", b"x-real-ip", b"via", b"cf-connecting-ip", b"true-client-ip")


def authenticate(headers: Mapping[bytes, bytes], keys: Sequence[ApiKey]) -> ApiKey | None:
    """The caller whose key the request carries, as ``Authorization: Bearer KEY`` or ``X-API-Key: KEY``."""
    kind, _, token = headers.get(b"authorization", b"").partition(b" ")
    presented = token.strip() if kind.lower() == b"bearer" else headers.get(b"x-api-key", b"")
    if not presented:
        return None
    digest = digest_of(presented)
    # Every key is compared, whatever the outcome: how long it takes says nothing about which one nearly matched.
    matches = [key for key in keys if hmac.compare_digest(key.sha256, digest)]
    return matches[0] if matches else None


@lru_cache(maxsize=4096)
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
