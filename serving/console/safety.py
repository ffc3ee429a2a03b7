"""What every answer carries, and what a form must show before it is believed."""

from __future__ import annotations

import asyncio
import hmac
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request

from adverdict.domain.errors import InvalidInput, Mistake
from adverdict.serving.limits import BODY_SECONDS

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "x-content-type-options": "nosniff",
    # Not no-referrer: a browser then sends "Origin: null" with our own forms, and nothing tells them from a stranger's.
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
MAX_FORM_BYTES = 64 * 1024
MAX_FIELDS = 200
UNKEEPABLE = re.compile("[\x00\ud800-\udfff]")
"""Characters that no id or word of ours has and not every database keeps: NUL (PostgreSQL has none in text) and lone surrogates."""

Form = Mapping[str, tuple[str, ...]]
"""Field -> what came under that name, in order."""


class ForgedForm(Exception):
    """A form that no page of ours sent, or one of a session that has ended."""


async def read_form(request: Request) -> Form:
    """Raises InvalidInput for what is no form of ours."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise InvalidInput("not a form", [Mistake("Content-Type", kind or None, "application/x-www-form-urlencoded")])
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_FORM_BYTES:
                    raise InvalidInput(
                        "the form is too large", [Mistake("body", f"more than {MAX_FORM_BYTES} bytes", f"{MAX_FORM_BYTES} bytes")]
                    )
    except TimeoutError:
        raise InvalidInput("the form came too slowly", [Mistake("body", None, f"the whole within {BODY_SECONDS:g} s")]) from None
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError:  # UnicodeDecodeError is one
        raise InvalidInput("not a form", [Mistake("body", "(unreadable)", "fields as a browser writes them, in UTF-8")]) from None
    form: dict[str, tuple[str, ...]] = {}
    for told, value in pairs:
        name = keepable(told)
        form[name] = (*form.get(name, ()), keepable(value, name))
    return form


def one(form: Form, name: str) -> str:
    """The first value under a name; empty when there is none."""
    return form.get(name, ("",))[0]


def keepable(text: str, field: str = "body") -> str:
    """The text itself. Raises InvalidInput when it holds a character of ``UNKEEPABLE``."""
    if UNKEEPABLE.search(text):
        raise InvalidInput("this holds a character that no text may hold", [Mistake(field, "(unreadable)", "text without NUL")])
    return text


def must_be_ours(request: Request, form: Form, expected: str) -> None:
    """Raises Forged unless the browser says that a page of ours sent the form, and the form carries the token it was given."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site != "same-origin":
        raise ForgedForm("the form was sent from another site")
    origin = request.headers.get("origin")
    if origin is not None and _place(origin) != request.headers.get("host", "").lower():
        raise ForgedForm("the form was sent from another site")
    if not expected or not hmac.compare_digest(one(form, "csrf").encode(), expected.encode()):
        raise ForgedForm("the form belongs to a session that has ended; go back, reload the page and try again")


def _place(origin: str) -> str | None:
    """Host and port as the ``Host`` header writes them; None for what is no address."""
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:
        return None
