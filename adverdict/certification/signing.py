"""Who issued certificates: a signature by a key that only this deployment has.

A certificate's name is a hash of its content, which anybody can compute anew; so whoever may write into the registry could raise a
threshold and name the certificate again. With a key (``ADVERDICT_CERTIFICATE_KEY``) what is issued is signed, and what is not signed by it
decides nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import json

from adverdict.domain.errors import UntrustedBundle

SIGNATURE = "signature"
"""The entry of certificates.json that holds it: HMAC-SHA256 (RFC 2104) of all others, in hexadecimal digits."""


def signed(text: str, key: bytes) -> str:
    """``Issued.to_json``'s text with its signature by ``key``."""
    stored = json.loads(text)
    return json.dumps({**stored, SIGNATURE: _signature(stored, key)}, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)


def refuse_unsigned(text: str, key: bytes, where: str) -> None:
    """Raises UntrustedBundle unless ``text`` is what ``signed`` made with ``key``. ``where`` they lie, for whoever reads the error."""
    again = "solve them again with this deployment's ADVERDICT_CERTIFICATE_KEY (adverdict policy solve)"
    try:
        stored = json.loads(text)
    except ValueError as error:
        raise UntrustedBundle(f"the certificates of {where} are no JSON: {error}") from error
    found = stored.pop(SIGNATURE, None) if isinstance(stored, dict) else None
    if not isinstance(found, str):
        raise UntrustedBundle(f"the certificates of {where} are not signed: {again}")
    if not hmac.compare_digest(found.encode(), _signature(stored, key).encode()):
        raise UntrustedBundle(f"the certificates of {where} were changed after they were signed, or signed with another key: {again}")


def _signature(stored: dict[str, object], key: bytes) -> str:
    content = json.dumps(stored, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hmac.new(key, content.encode(), hashlib.sha256).hexdigest()
