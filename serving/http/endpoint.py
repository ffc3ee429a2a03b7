"""An endpoint is written down once, beside its handler; its route, its guards and its place in the OpenAPI document follow from that.

    @endpoints.post("/v1/labels", "label", takes=RequestBody(…), gives=ResponseBody(…), summary="…", errors=(404,))
    async def labels(call: Call, body: LabelsRequest) -> LabelsRecorded: ...

The handler gets what was read and gives what is to be written, so it answers callers in this process, too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel
from starlette.responses import Response

from adverdict.ledger.idempotency import Request
from adverdict.serving.worker.runtime import WorkerRuntime

JSON = "application/json"
LOCAL = "local"
"""Name of callers on this machine while no keys are configured."""

Access = Literal["probe", "public", "score", "label", "review", "policy", "plan", "metrics", "admin"]
"""``probe``: anybody. ``public``: anybody once keys are configured, this machine only before. Otherwise the scope a key must have."""
ADMIN: Access = "admin"
POLICY: Access = "policy"

PROBE: Access = "probe"
PUBLIC: Access = "public"

Read = TypeVar("Read")
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was let in."""

    runtime: WorkerRuntime
    caller: str = LOCAL
    """Name of the API key; ``local`` without keys."""
    named: Mapping[str, str] = field(default_factory=dict)
    """What the address names, such as ``decision_id``."""
    request: Request | None = None
    """Under which the same answer is given again."""
    until: float | None = None
    """When the caller stops waiting, by the clock of the intake's admission control; None: it did not say."""
    query: bytes = b""
    """What stands after the question mark in the address."""


@dataclass(frozen=True, slots=True)
class RequestBody(Generic[Read]):
    """The body of a request."""

    model: type[BaseModel]
    """As the document describes it."""
    read: Callable[[bytes], Read]
    """Raises InvalidInput with every mistake."""
    example: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ResponseBody(Generic[Model]):
    """An answer. Without a model: an object in JSON, or text."""

    words: str
    model: type[Model] | None = None
    example: Mapping[str, Any] | None = None
    status: int = 200
    media: str = JSON


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address."""

    method: Literal["GET", "POST"]
    path: str
    """As Starlette writes it."""
    access: Access
    handler: Callable[..., Awaitable[BaseModel | Response]]
    takes: RequestBody[Any] | None = None
    gives: Sequence[ResponseBody[Any]] = ()
    summary: str = ""
    """What it is for, in the document."""
    errors: Sequence[int] = ()
    """Statuses beside those that its guards give."""
    examples: Mapping[str, str] = field(default_factory=dict)
    """Of what the address names."""
    waits: bool = False
    """Whether it stands in line to be decided, so that it is refused where waiting is vain."""
    open_here: bool = False
    """Whether this machine is let in without a key, whatever the scope."""
    or_admin: bool = False
    """Whether the scope ``admin`` will do as well."""
    or_policy: bool = False
    """The same of the scope ``policy``."""
    asks: Sequence[Mapping[str, Any]] = ()
    """What may stand after the question mark, as the document describes it."""

    @property
    def scopes(self) -> tuple[Access, ...]:
        """Any of these will do."""
        return (self.access, *((POLICY,) if self.or_policy else ()), *((ADMIN,) if self.or_admin else ()))

    @property
    def label(self) -> str:
        """By which its requests are counted: the address, without what it names."""
        return self.path.partition("{")[0]

    @property
    def scoped(self) -> bool:
        return self.access not in (PROBE, PUBLIC)


Getting = TypeVar("Getting", bound=Callable[[Call], Awaitable[BaseModel | Response]])
Posting = Callable[[Call, Read], Awaitable[Model]]


class Endpoints:
    """The endpoints of one file, in the order they are written."""

    def __init__(self) -> None:
        self._all: list[Endpoint] = []

    def __iter__(self) -> Iterator[Endpoint]:
        return iter(self._all)

    def get(
        self,
        path: str,
        access: Access,
        *,
        gives: Sequence[ResponseBody[Any]] = (),
        summary: str = "",
        errors: Sequence[int] = (),
        examples: Mapping[str, str] | None = None,
        open_here: bool = False,
        or_admin: bool = False,
        or_policy: bool = False,
        asks: Sequence[Mapping[str, Any]] = (),
    ) -> Callable[[Getting], Getting]:
        def written(handler: Getting) -> Getting:
            told = (path, access, handler, None, gives, summary, errors, examples or {})
            self._all.append(Endpoint("GET", *told, open_here=open_here, or_admin=or_admin, or_policy=or_policy, asks=asks))
            return handler

        return written

    def post(
        self,
        path: str,
        access: Access,
        *,
        takes: RequestBody[Read],
        gives: ResponseBody[Model],
        summary: str,
        errors: Sequence[int] = (),
        waits: bool = False,
        or_admin: bool = False,
        or_policy: bool = False,
    ) -> Callable[[Posting[Read, Model]], Posting[Read, Model]]:
        def written(handler: Posting[Read, Model]) -> Posting[Read, Model]:
            told = (path, access, handler, takes, (gives,), summary, errors)
            self._all.append(Endpoint("POST", *told, waits=waits, or_admin=or_admin, or_policy=or_policy))
            return handler

        return written
