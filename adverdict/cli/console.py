"""What every command shares: where it prints, progress bars, and how errors end a command."""

from __future__ import annotations

import json
import sys
import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from adverdict.storage.whole import write_whole

WIDTH = None if sys.stdout.isatty() else 140
"""In a file or a pipe nobody is served by lines broken at 80."""

HIDDEN = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs"})
"""Unicode's categories of what steers a terminal, turns text around, or cannot be seen: controls, formats, line ends, lone surrogates."""
JOINERS = "\u200c\u200d"
"""Formats that Persian, Hindi and emoji are written with."""

out = Console(width=WIDTH)
err = Console(stderr=True, width=WIDTH)


def printable(text: str, keep: str = JOINERS) -> str:
    """Strangers' text for a terminal: whatever could hide, forge or steer becomes visible, such as ``\\x1b``. ``keep``: what may stay.

    Without a line end in ``keep`` the text stays on its line.
    """
    return "".join(_shown(char) if unicodedata.category(char) in HIDDEN and char not in keep else char for char in text)


def _shown(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


class Bars:
    """Rich bars, one a stage (``domain.progress.Progress``). Off a terminal, one line when a stage is done.

    ``columns`` stand between a stage's name and the time that remains; they may show ``task.fields[told]``.
    """

    def __init__(self, *columns: ProgressColumn) -> None:
        usual = columns or (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        columns = (TextColumn("{task.description}"), *usual, TimeRemainingColumn())
        self._bars = Progress(*columns, console=err, disable=not err.is_terminal)
        self._current: TaskID | None = None
        self._name = ""

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._finish("done" if kind is None else "stopped")
        self._bars.stop()

    def stage(self, name: str, total: int) -> None:
        self._finish()
        self._name, self._current = name, self._bars.add_task(name, total=max(total, 1), told="")

    def advance(self, steps: int = 1) -> None:
        if self._current is not None:
            self._bars.advance(self._current, steps)

    def tell(self, words: str) -> None:
        """Beside the bar, where a column shows it."""
        if self._current is not None:
            self._bars.update(self._current, told=words)

    def _finish(self, how: str = "done") -> None:
        if self._current is None:
            return
        task = self._bars.tasks[self._current]
        if how == "done":
            self._bars.update(self._current, completed=task.total)
        self._current = None
        if not err.is_terminal:
            err.print(f"--> {self._name}: {how} after {task.elapsed or 0:.0f} s", highlight=False, markup=False)


@contextmanager
def errors_end_the_command() -> Iterator[None]:
    """Print what went wrong, without a stack trace, and leave: 2 for the caller's mistakes, 3 and 4 for gates (``domain.errors``), 1 for
    the rest, 130 when interrupted."""
    from adverdict.domain.errors import SHOWN, AdverdictError

    try:
        with _data_warnings_shown():
            yield
    except AdverdictError as error:
        err.print(f"[bold red]error[/] ({error.code}): ", end="")
        err.print(printable(str(error), keep=f"{JOINERS}\n\t"), markup=False, highlight=False)
        if error.code == "invalid_table" and len(getattr(error, "mistakes", ())) > SHOWN:
            err.print("'adverdict data check' tells every kind of mistake once, with how often it is there")
        sys.exit(error.exit_code)
    except OSError as error:
        err.print("[bold red]error[/] (system): ", end="")
        err.print(str(error), markup=False, highlight=False)
        sys.exit(1)
    except KeyboardInterrupt:
        err.print("interrupted", style="yellow")
        sys.exit(130)


@contextmanager
def _data_warnings_shown() -> Iterator[None]:
    """What readers of tables notice goes to the terminal, each sentence once."""
    from adverdict.storage.tables.told import DataWarning

    said: set[str] = set()
    usual = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        if not issubclass(category, DataWarning):
            usual(message, category, *where, **more)
        elif str(message) not in said:
            said.add(str(message))
            err.print(f"warning: {printable(str(message))}", style="yellow", markup=False, highlight=False)

    with warnings.catch_warnings():
        warnings.simplefilter("always", DataWarning)
        warnings.showwarning = show
        yield


def write_json(path: Path, value: Any) -> None:
    """Write whole or not at all."""
    write_whole(path, json.dumps(value, indent=1, allow_nan=False) + "\n")
