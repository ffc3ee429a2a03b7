"""A message to an address over the network: signed, following no redirection, and what an answer means."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

PATIENCE = 10.0
"""Seconds for an answer."""
NOT_TAKEN = frozenset({400, 409, 413, 422})
"""Answers about what was sent: the receiver is there, and does not take this. Any other that is no success is about the receiver."""
Post = Callable[[str, Mapping[str, str], bytes], int]
"""Address, headers and body to the status of the answer. Raises OSError."""


@dataclass(frozen=True)
class Receiver:
    url: str
    secret: bytes


class NotTaken(Exception):
    """The receiver answers and does not take what was sent."""


class Away(Exception):
    """The receiver does not answer, or takes nothing at all now."""


def tell(receiver: Receiver, body: bytes, at: datetime, post: Post | None = None) -> str:
    """What it answered. Raises NotTaken or Away."""
    try:
        status = (post or posted)(receiver.url, signed(receiver.secret, body, at), body)
    except OSError as error:
        raise Away(type(error).__name__) from error
    if 200 <= status < 300:
        return f"answered {status}"
    raise (NotTaken if status in NOT_TAKEN else Away)(f"answered {status}")


def signed(secret: bytes, body: bytes, at: datetime) -> dict[str, str]:
    """Headers: the receiver computes HMAC-SHA256 of the time, a dot and the body with the secret, compares, and refuses what is old."""
    moment = str(int(at.timestamp()))
    digest = hmac.new(secret, moment.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"content-type": "application/json", "x-adverdict-timestamp": moment, "x-adverdict-signature": f"sha256={digest}"}


def posted(url: str, headers: Mapping[str, str], body: bytes) -> int:
    """Over the network, following no redirection: a signature is for one receiver."""
    request = Request(url, body, dict(headers), method="POST")  # the settings take https, and http of this machine
    try:
        with build_opener(_Nowhere).open(request, timeout=PATIENCE) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code
    except URLError as error:
        raise OSError(str(error.reason)) from error


class _Nowhere(HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None
