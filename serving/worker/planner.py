"""Plans and drafts for pages and for HTTP: made by the command line in a process of its own, for a worker has ads to score meanwhile."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

from adverdict.domain.errors import InvalidInput, Unavailable
from adverdict.domain.settings import Settings

FRESH = timedelta(minutes=10)
"""How long a plan is shown again: volumes are counted by the day."""
KEPT = 16
"""Plans kept; scenarios differ."""
WAITING = 3
"""Plans being made or in line; whoever asks for more is told to come back."""
LONGEST = 300.0
"""Seconds that one may take."""
Arguments = tuple[str, ...]
Run = Callable[[Sequence[str]], Mapping[str, Any]]
"""The arguments of a group of commands (``adverdict workforce …``) to its figures. Raises InvalidInput or Unavailable."""


@dataclass(frozen=True)
class Planned:
    """What the command wrote, and when."""

    at: datetime
    figures: Mapping[str, Any]


class Planner:
    """One plan at a time, each asked for once however many ask."""

    def __init__(self, run: Run, clock: Callable[[], datetime]) -> None:
        self._run, self._clock, self._lock = run, clock, Lock()
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="planner")
        self._made: dict[Arguments, Planned] = {}
        self._making: dict[Arguments, Future[Planned]] = {}

    def get(self, *arguments: str, patience: float) -> Planned | None:
        """At most ``FRESH`` old; None where it takes longer than ``patience`` seconds: ask again. Raises InvalidInput or Unavailable."""
        with self._lock:
            made, making = self._made.get(arguments), self._making.get(arguments)
            if made is not None and self._clock() - made.at < FRESH:
                return made
            if making is None:
                if len(self._making) >= WAITING:
                    raise Unavailable(f"{WAITING} plans are being made already; ask again when one is done")
                making = self._making[arguments] = self._pool.submit(self._make, arguments)
        try:
            found = making.result(timeout=patience)
        except TooSlow:
            return made
        except Exception:
            self._forget(arguments, making)
            raise
        self._forget(arguments, making)
        return found

    def _forget(self, arguments: Arguments, making: Future[Planned]) -> None:
        with self._lock:
            if self._making.get(arguments) is making:
                del self._making[arguments]

    def _make(self, arguments: Arguments) -> Planned:
        figures = self._run(arguments)
        with self._lock:
            found = self._made[arguments] = Planned(self._clock(), figures)
            while len(self._made) > KEPT:
                del self._made[min(self._made, key=lambda one: self._made[one].at)]
        return found


def command_line(settings: Settings, group: str = "workforce", longest: float = LONGEST, *, answers_with_one: bool = False) -> Run:
    """``adverdict GROUP … --json`` of this installation, politely: it yields the processor to everything else. ``answers_with_one``: of a
    group whose commands end with 1 to say no; where they wrote their figures they have answered."""

    def run(arguments: Sequence[str]) -> Mapping[str, Any]:
        polite = ["nice", "-n", "10"] if shutil.which("nice") else []
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "plan.json"
            command = [*polite, sys.executable, "-m", "adverdict.cli.main", group, *arguments, "--json", str(target)]
            environment = {**os.environ, **settings.to_environment()}
            try:
                done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=longest, cwd=folder, check=False)
            except subprocess.TimeoutExpired:
                what = "the plan was not made" if group == "workforce" else f"adverdict {group} did not end"
                raise Unavailable(f"{what} within {longest:g} s") from None
            answered = answers_with_one and done.returncode == 1 and target.is_file()
            if done.returncode and not answered:
                _refuse(done.returncode, done.stderr)
            figures: dict[str, Any] = json.loads(target.read_text(encoding="utf-8"))
            return figures

    return run


def _refuse(code: int, said: str) -> None:
    """In the command's own words, without the lines that tell of progress."""
    words = "\n".join(line for line in said.splitlines() if not line.startswith("-->")).strip()
    told = words.partition("): ")[2] or words or f"the command ended with {code}"
    raise InvalidInput(told) if code == 2 else Unavailable(told)
