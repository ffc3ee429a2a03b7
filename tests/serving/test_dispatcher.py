"""Answers reach whoever waits for them, and nobody else is woken."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future

import pytest

from adverdict.serving.worker.dispatcher import LoopDispatcher


def test_answers_and_failures_of_another_thread_reach_whoever_waits() -> None:
    async def all_of_them() -> list[int | BaseException]:
        post: LoopDispatcher[int] = LoopDispatcher()
        futures: list[Future[int]] = [Future() for _ in range(500)]

        def answer() -> None:
            for number, future in enumerate(futures):
                if number % 7:
                    future.set_result(number)
                else:
                    future.set_exception(ZeroDivisionError(number))

        threading.Thread(target=answer).start()
        return await asyncio.gather(*(post.fetch(future) for future in futures), return_exceptions=True)

    answers = asyncio.run(all_of_them())
    assert [one for one in answers if not isinstance(one, BaseException)] == [number for number in range(500) if number % 7]
    assert sum(isinstance(one, ZeroDivisionError) for one in answers) == 72


def test_what_is_ready_together_wakes_the_loop_once() -> None:
    async def calls() -> int:
        post: LoopDispatcher[int] = LoopDispatcher()
        loop = asyncio.get_running_loop()
        futures: list[Future[int]] = [Future() for _ in range(16)]
        waiting = [asyncio.create_task(post.fetch(future)) for future in futures]
        await asyncio.sleep(0)
        called = []
        call = loop.call_soon_threadsafe
        loop.call_soon_threadsafe = lambda *what, **how: called.append(what) or call(*what, **how)  # type: ignore[method-assign, func-returns-value]
        for future in futures:
            future.set_result(1)
        await asyncio.gather(*waiting)
        return len(called)

    assert asyncio.run(calls()) == 1


def test_who_stops_waiting_cancels_what_has_not_begun() -> None:
    async def leave(answer: Future[int]) -> None:
        async with asyncio.timeout(0.01):
            await LoopDispatcher[int]().fetch(answer)

    waiting: Future[int] = Future()
    begun: Future[int] = Future()
    begun.set_running_or_notify_cancel()
    for answer in (waiting, begun):
        with pytest.raises(TimeoutError):
            asyncio.run(leave(answer))
    assert (waiting.cancelled(), begun.cancelled()) == (True, False)
    begun.set_result(1)  # its loop is closed; nobody hears of it, and nothing fails


def test_who_goes_without_a_word_keeps_nobody_from_an_answer() -> None:
    async def last_of_three() -> int:
        post: LoopDispatcher[int] = LoopDispatcher()
        gone, first, second = Future[int](), Future[int](), Future[int]()
        fetching = post.fetch(gone)
        fetching.send(None)
        waiting = [asyncio.create_task(post.fetch(one)) for one in (first, second)]
        await asyncio.sleep(0)
        first.set_result(1)
        fetching.close()  # as of a task that is collected while it waits: nothing cancels what it waited for
        second.set_result(2)
        async with asyncio.timeout(5):
            return sum(await asyncio.gather(*waiting))

    assert asyncio.run(last_of_three()) == 3
