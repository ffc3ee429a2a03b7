"""How entries are chained: every hash covers the one before it, so no row can be edited, dropped, moved or added unseen.

An entry's digest is salted. Once content and salt are erased, the digest neither tells the content nor lets a guess be tried (an ad id
alone would be found in seconds), and still the chain can be followed past it.
"""

from __future__ import annotations

import hashlib
import zlib
from typing import NamedTuple

try:  # the same format in a quarter of the time; comes with the native core
    from isal.isal_zlib import compress, decompress
except ImportError:
    from zlib import compress, decompress

from pydantic_core import from_json, to_json

from adverdict.domain.ad import ON_RECORD
from adverdict.ledger.columns import arm_column
from adverdict.ledger.entries import KINDS, Body, DecisionMade, Rescored
from adverdict.ledger.entropy import draw
from adverdict.ledger.moments import micros

GENESIS = hashlib.sha256(b"adjudicate ledger 1").digest()
"""Stands before the first entry; 1 is the version of what is hashed."""
LEVEL = 1
"""Of zlib: a third of the size for a third of the time of its default."""


class Sealed(NamedTuple):
    """A content as it is stored, and the digest that goes into the chain."""

    salt: bytes
    body: bytes
    digest: bytes


def seal(body: Body) -> Sealed:
    plain = canonical(body)
    salt = draw()
    return Sealed(salt, compress(plain, LEVEL), digest_of(salt, plain))


def canonical(body: Body) -> bytes:
    """Fields in the order of the class, without spaces. What is stored is what was hashed, so a later class may have other fields."""
    if isinstance(body, DecisionMade):  # its longest part is written already, for the answer
        parts = (
            body.ad.model_dump_json().encode(),
            body.decision.json_text,
            *map(to_json, (body.thresholds, body.first, body.step, body.caller)),
        )
        return _DECISION % parts
    return body.model_dump_json().encode()


_DECISION = b'{"ad":%b,"decision":%b,"thresholds":%b,"first":%b,"step":%b,"caller":%b}'


def digest_of(salt: bytes, plain: bytes) -> bytes:
    return hashlib.sha256(salt + plain).digest()


def link(before: bytes, seq: int, kind: str, entry_id: str, at: int, digest: bytes) -> bytes:
    """The hash of an entry. Lengths are spelt out, so that no two entries are written alike."""
    told = f"{seq}:{len(kind)}:{kind}:{len(entry_id.encode())}:{entry_id}:{at}:".encode()
    return hashlib.sha256(before + told + digest).digest()


def unpack(kind: str, stored: bytes) -> Body:
    """The content of an entry. Raises ValueError (pydantic's, zlib's error is one of its kind here) on what was never written."""
    try:
        return KINDS[kind].model_validate_json(zlib.decompress(stored), context=ON_RECORD)
    except (zlib.error, KeyError) as error:
        raise ValueError(f"not the content of an entry of kind {kind}: {error}") from error


def looked_up_by(body: Body, entry_id: str) -> dict[str, str | int | None]:
    """The columns of ``contents`` that repeat the body."""
    if isinstance(body, DecisionMade):
        ad = body.ad
        return {
            "about": entry_id,
            "ad_id": ad.ad_id,
            "advertiser_id": ad.advertiser_id,
            "creative_id": ad.creative_id,
            "landing_domain": ad.landing_domain,
            "market": ad.market,
            "creative_format": ad.creative_format,
            "creative_category": ad.creative_category,
            "surface": ad.surface,
            "verdict": body.decision.verdict.value,
            "submitted_at": micros(ad.submitted_at),
            "submission": micros(ad.submitted_at) if body.first else None,
            "step": body.step,
            "arm": arm_column(arm.rollout, arm.side) if (arm := body.decision.arm) else None,
        }
    return {
        "about": getattr(body, "decision_id", None),
        "ad_id": getattr(body, "ad_id", None),
        "advertiser_id": getattr(body, "advertiser_id", None),
        "creative_id": None,
        "landing_domain": None,
        "market": getattr(body, "market", None),
        "creative_format": None,
        "creative_category": None,
        "surface": None,
        "verdict": getattr(body, "verdict", None),
        "submitted_at": None,
        "submission": None,
        "step": entry_id if isinstance(body, Rescored) else getattr(body, "step", None),
        "arm": None,
    }


def inflated(stored: bytes) -> bytes:
    """What a content says, in the bytes that were sealed. For what this chain has written."""
    return decompress(stored)


def plain_json(stored: bytes) -> object:
    """A stored content as JSON values, without checking it against its class: for reading fast."""
    return from_json(zlib.decompress(stored))
