"""HTTP/1.1 as uvicorn speaks it; who does not send the head of a request in time is cut off.

uvicorn has no such limit, and a connection that says one line every few seconds would be kept for as long as it likes.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any, ClassVar

import uvicorn.config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from adverdict.serving.limits import HEAD_SECONDS

TRUSTED_PROXIES = "FORWARDED_ALLOW_IPS"
"""uvicorn's own variable: which proxies' word on a caller's address is taken. It takes anybody's on this machine unless told otherwise."""
_LOOK_EVERY = 1.0


class HeadTimeoutProtocol(HttpToolsProtocol):
    """One connection. Those whose head is awaited are looked at together once a second: a timer each would cost every request."""

    _awaited: ClassVar[dict[HeadTimeoutProtocol, float]] = {}
    _looking: ClassVar[bool] = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]  # as uvicorn narrows it
        self._await_head()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._await_head()

    def on_headers_complete(self) -> None:
        self._awaited.pop(self, None)
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._awaited.pop(self, None)
        super().connection_lost(exc)

    def _await_head(self) -> None:
        self._awaited.setdefault(self, self.loop.time())
        if not HeadTimeoutProtocol._looking:
            HeadTimeoutProtocol._looking = True
            self.loop.call_later(_LOOK_EVERY, _look, self.loop)


def _look(loop: asyncio.AbstractEventLoop) -> None:
    awaited = HeadTimeoutProtocol._awaited
    late = loop.time() - HEAD_SECONDS
    for connection in [one for one, since in awaited.items() if since < late]:
        del awaited[connection]
        connection.transport.abort()
    HeadTimeoutProtocol._looking = bool(awaited)
    if awaited:
        loop.call_later(_LOOK_EVERY, _look, loop)


def use() -> None:
    """Have the servers of this process speak it, whoever starts them. BentoML makes uvicorn's configuration itself and hands nothing of the
    kind through."""
    os.environ.setdefault(TRUSTED_PROXIES, "")
    protocols: dict[Any, Any] = uvicorn.config.HTTP_PROTOCOLS
    protocols["auto"] = f"{__name__}:{HeadTimeoutProtocol.__name__}"
