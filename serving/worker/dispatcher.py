"""How answers get from the intake's thread to the event loop."""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import Future
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class LoopDispatcher(Generic[Answer]):
    """Answers that are ready together wake the event loop once; ``asyncio.wrap_future`` would wake it, by a system call, for each."""

    def __init__(self) -> None:
        self._ready: deque[tuple[asyncio.Future[Answer], Future[Answer]]] = deque()
        self._called = False

    async def fetch(self, answer: Future[Answer], seconds: float | None = None) -> Answer:
        """Its result or its exception. Who stops waiting cancels it, unless it has begun. Raises TimeoutError after so many ``seconds``."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Answer] = loop.create_future()
        answer.add_done_callback(lambda done: self._put(loop, waiter, done))
        late = None if seconds is None else loop.call_later(seconds, _give_up, waiter)  # ``asyncio.timeout`` costs more than asking
        try:
            return await waiter
        finally:
            if late is not None:
                late.cancel()
            if not answer.done():
                answer.cancel()

    def _put(self, loop: asyncio.AbstractEventLoop, waiter: asyncio.Future[Answer], done: Future[Answer]) -> None:
        self._ready.append((waiter, done))
        # In this order: whoever is called after the line below finds what was put before it.
        if not self._called and not loop.is_closed():
            self._called = True
            loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        self._called = False
        while self._ready:
            waiter, done = self._ready.popleft()
            if waiter.done() or done.cancelled():  # nobody waits any more
                continue
            error = done.exception()
            if error is None:
                waiter.set_result(done.result())
            else:
                waiter.set_exception(error)


def _give_up(waiter: asyncio.Future[Answer]) -> None:
    if not waiter.done():
        waiter.set_exception(TimeoutError())
