"""Errors as they leave the service: one shape, a status and a stable code for each, nothing about the inside."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from adverdict.domain.errors import SHOWN, AdverdictError, Conflict, InvalidInput, Mistake, NotFound, Unavailable, shorten
from adverdict.serving.http.messages import ErrorBody, ErrorDetail, MistakeBody
from adverdict.serving.worker.admission import TurnedAway

MEANING: dict[int, tuple[str, str]] = {
    400: ("invalid_input", "the request cannot be understood"),
    401: ("unauthenticated", "an API key is needed: Authorization: Bearer KEY, or X-API-Key: KEY"),
    403: ("forbidden", "this caller may not do that"),
    404: ("not_found", "there is nothing here; every address is described at /docs"),
    405: ("method_not_allowed", "this address does not answer that method"),
    408: ("body_too_slow", "the request body did not arrive in time"),
    409: ("conflict", "somebody else was first"),
    413: ("body_too_large", "the request body is too large"),
    415: ("unsupported_media_type", "the request body must be JSON"),
    429: ("overloaded", "too much is waiting, so nothing was decided; ask again after a while"),
    500: ("internal", "something went wrong here; it was logged under the request id"),
    503: ("unavailable", "not ready to answer; ask again shortly"),
    504: ("timeout", "no answer in time; ask again shortly"),
}
RETRY_AFTER_S = 1


@dataclass(frozen=True, slots=True)
class Problem:
    """An error on its way out."""

    status: int
    code: str
    message: str
    mistakes: tuple[Mistake, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def detail(self, request_id: str | None = None) -> ErrorDetail:
        shown = tuple(MistakeBody(field=m.field, value=echo(m.value), expected=m.expected) for m in self.mistakes[:SHOWN])
        first = shown[0] if shown else None
        return ErrorDetail(
            code=self.code,
            message=self.message,
            field=first.field if first else None,
            value=first.value if first else None,
            expected=first.expected if first else None,
            mistakes=shown,
            request_id=request_id,
        )

    def response(self, request_id: str) -> Response:
        body = ErrorBody(error=self.detail(request_id)).model_dump_json()
        return Response(body, self.status, dict(self.headers), "application/json")


class Refused(Exception):
    """Ends a request with a problem."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.message)


class NotDecided(AdverdictError):
    """An ad could not be scored; the log says why."""

    code = "internal"


def problem(status: int, message: str = "", *, code: str = "", mistakes: Sequence[Mistake] = (), **headers: str) -> Problem:
    """A problem by HTTP status; an unknown status becomes 500."""
    status = status if status in MEANING else (400 if 400 <= status < 500 else 500)
    usual_code, usual_message = MEANING[status]
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    if status in (503, 504):
        fields["retry-after"] = str(RETRY_AFTER_S)
    return Problem(status, code or usual_code, message or usual_message, tuple(mistakes), fields)


def from_error(error: Exception) -> Problem:
    """What a caller may know of an error raised on purpose; anything else is ours and stays inside."""
    if isinstance(error, Refused):
        return error.problem
    if isinstance(error, HTTPException):
        methods = ", ".join(sorted((error.headers or {}).get("Allow", "").split(", ")))  # they come in no order
        if not methods:
            return problem(error.status_code)
        return replace(problem(error.status_code, f"this address answers {methods} only"), headers={"allow": methods})
    if isinstance(error, InvalidInput):
        hidden = len(error.mistakes) - SHOWN
        return problem(400, error.what + (f" ({hidden} more mistakes)" if hidden > 0 else ""), code=error.code, mistakes=error.mistakes)
    if isinstance(error, TurnedAway):
        return problem(429, str(error), code=error.code, retry_after=str(math.ceil(error.seconds) or RETRY_AFTER_S))
    if isinstance(error, Unavailable):
        return problem(503)
    if isinstance(error, NotFound):
        return problem(404, str(error))
    if isinstance(error, Conflict):
        return problem(409, str(error))
    if isinstance(error, AdverdictError):
        return problem(500, code=error.code)
    return problem(500)


def echo(value: Any) -> Any:
    """A value as it may be repeated in JSON: itself when short and plain, else its shortened ``repr``."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else shorten(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    if isinstance(value, str) and len(value) <= 80 and not any("\ud800" <= character <= "\udfff" for character in value):
        return value
    return shorten(value)
