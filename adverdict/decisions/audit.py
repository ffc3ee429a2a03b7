"""The audit stream: a random, recorded share of the ads decided automatically also goes to a reviewer.

Reviewers otherwise see only what the model was unsure of, and no count of their verdicts says how many violating ads were approved.
These draws do: with the probability of each on record, they estimate leakage and wrongful rejection without bias.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import blake2b

from adverdict.decisions.policy import PolicyInForce, Thresholds
from adverdict.domain.ad import Ad
from adverdict.domain.decision import Audit
from adverdict.domain.verdict import Verdict

OPEN, KEYED = "audit-1", "audit-2"
"""How ads are drawn, named on each decision and label: by a hash that everybody can compute, and by one that takes a secret."""
SECRET_BYTES = 32
"""Of a secret that is made; one that is told has at least half as many, at most ``MOST_SECRET_BYTES``."""
MOST_SECRET_BYTES = 64
_PERSON = b"adjudicate-audit"
"""Sets this hash apart from every other use of the same ids (BLAKE2, RFC 7693); changing it would draw other ads on a replay."""
_BITS = 53
"""Of the hash: as many as a float64 holds exactly, so that the result is never rounded up to 1."""


def audit(
    ad: Ad,
    verdict: Verdict,
    policies: Iterable[PolicyInForce],
    used: Iterable[Thresholds],
    secret: bytes | None = None,
    least: float = 0.0,
) -> Audit | None:
    """None for review. The largest ``audit_share`` counts, of the policies in force and of the thresholds used: none of them is watched
    less than its file asks, or its certificate needs to be renewed; and none less than ``least``, as an arm of a roll-out asks."""
    if verdict is Verdict.REVIEW:
        return None
    needed = (thresholds.audit_share for thresholds in used if thresholds.audit_share is not None)
    probability = max((*(policy.audit_share for policy in policies), *needed), default=0.0)
    probability = max(probability, least)
    return Audit(probability=probability, chosen=audit_draw(ad, secret) < probability, design=KEYED if secret else OPEN)


def audit_draw(ad: Ad, secret: bytes | None = None) -> float:
    """A number in [0, 1), uniform over ads: BLAKE2b of ``ad_id`` and ``submitted_at``, and of nothing else, with the secret as its key.

    So one ad is drawn alike over HTTP, in a batch and on a replay, an edited ad is drawn anew, and raising a share only adds ads to
    those already chosen. Without the secret (up to ``MOST_SECRET_BYTES``) nobody can tell which; without *a* secret anybody can, and ad
    ids must not be chosen by whoever would rather not be audited.
    """
    drawn_by = json.dumps([ad.ad_id, ad.submitted_at.isoformat(timespec="microseconds")])
    digest = blake2b(drawn_by.encode(), digest_size=8, person=_PERSON, key=secret or b"").digest()
    return (int.from_bytes(digest) >> (64 - _BITS)) / (1 << _BITS)
