"""Debian's Chromium, and the console on a port of its own."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import uvicorn

from adverdict.serving.console.app import console
from adverdict.serving.console.parts import Parts

CHROMIUM = os.environ.get("CHROMIUM") or "/usr/bin/chromium"
SHOTS = os.environ.pop("ADVERDICT_SHOTS", None)
"""Taken out of the environment: the service refuses variables that it does not know."""
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def missing() -> str:
    """Why there is no browser to test with; empty when there is one."""
    absent = [name for name in ("playwright", "axe_playwright_python") if find_spec(name) is None]
    if absent:
        return f"{absent[0]} is not installed"
    return "" if Path(CHROMIUM).exists() else f"there is no browser at {CHROMIUM} (set CHROMIUM)"


@contextmanager
def running(parts: Parts) -> Iterator[str]:
    """The console's address while it is served in a thread."""
    server = uvicorn.Server(uvicorn.Config(console(parts), host="127.0.0.1", port=0, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    end = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < end, "the console did not start"
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=10)


@contextmanager
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


def reached(page: Any, state: str) -> None:
    """Wait for what the scripts write on the document's element; waiting for a function would need eval, which the pages forbid."""
    page.locator(f"html{state}").wait_for(state="attached")
