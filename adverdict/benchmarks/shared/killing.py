"""A process that is killed in the middle of what it does with a ledger: at its 1st, 2nd, … statement, commit or other moment."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from multiprocessing import get_context
from typing import Any

from sqlalchemy import event

from adverdict.ledger.store import Ledger

SECONDS = 60.0
"""After which a process that was not killed, and has not ended, is not waited for."""


def killed(what: Callable[..., None], *told: Any) -> bool:
    """Whether ``what``, in a process of its own, was killed."""
    context = get_context("forkserver")  # from a process without threads, whose locks nobody holds
    context.set_forkserver_preload([what.__module__])
    process = context.Process(target=what, args=told)
    process.start()
    process.join(SECONDS)
    return process.exitcode == -signal.SIGKILL


def killed_at(ledger: Ledger, statement: int) -> Callable[..., None]:
    """Kill this process at the ledger's statement, or commit, of this number; what is returned counts as one, too."""
    sent = 0

    def count(*_: object) -> None:
        nonlocal sent
        sent += 1
        if sent == statement:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(ledger.engine, "before_cursor_execute", count)
    event.listen(ledger.engine, "commit", count)
    return count
