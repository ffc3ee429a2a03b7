"""What the process gives up before it reads a byte of the file."""

from __future__ import annotations

import ctypes
import os
import resource
import signal

NO_NEW_PRIVILEGES, DIE_WITH_PARENT = 38, 1
NEW_USER, NEW_NETWORK = 0x10000000, 0x40000000
FILES = 64


def leave_the_network() -> bool:
    """Whether there is none from now on: a user and network namespace of its own, where the kernel grants one. Before any thread starts."""
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        libc.prctl(DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
        libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        return bool(libc.unshare(NEW_USER | NEW_NETWORK) == 0)
    except AttributeError:  # not Linux
        return False


def limit(seconds: int, memory: int) -> None:
    """From now on. ``seconds`` of a processor, ``memory`` bytes of address space; no file may be written, no core is left."""
    os.nice(10)
    for what, most in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, FILES),
    ):
        _, hard = resource.getrlimit(what)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))
