"""A bundle is tried in a process of its own before it may come near one that serves: what a native library makes of a crafted file may
be the end of the process that reads it, which no exception tells.

    python -m adverdict.serving.worker.trial FOLDER
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from adverdict.domain.errors import AdverdictError, ContractMismatch, MissingPlugin, UntrustedBundle
from adverdict.models.manifest import NAME

SECONDS = 300.0
TRIED = "tried"
"""Folder of notes in the cache: one a bundle that was tried here and is sound, so that every worker, and the next start, need not."""
WRONG = 3
"""Exit status where the bundle was refused in words."""
OF_THIS_PLACE: dict[str, type[AdverdictError]] = {error.code: error for error in (ContractMismatch, MissingPlugin)}
"""Refusals of a sound bundle: what it needs is not here."""


class BundleTrial:
    """Raises UntrustedBundle where a bundle cannot be loaded, or one ad not be scored by it; MissingPlugin or ContractMismatch where the
    reason is what is installed here. ``command``: to which the folder is added."""

    def __init__(self, cache: Path, command: Sequence[str] = (sys.executable, "-m", "adverdict.serving.worker.trial")) -> None:
        self._notes = cache / TRIED
        self._command = command

    def __call__(self, folder: Path) -> None:
        try:
            digest = hashlib.sha256((folder / NAME).read_bytes()).hexdigest()
        except OSError as error:
            raise UntrustedBundle(f"{folder} has no {NAME} that can be read: {error.strerror}") from error
        self._notes.mkdir(parents=True, exist_ok=True)
        with (self._notes / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # workers that start together: one tries, and the others read its note
            note = self._notes / digest
            if not note.exists():
                self._try(folder)
                note.touch()

    def _try(self, folder: Path) -> None:
        try:
            ended = subprocess.run([*self._command, str(folder)], capture_output=True, text=True, errors="replace", timeout=SECONDS)
        except subprocess.TimeoutExpired:
            raise UntrustedBundle(f"the process that tried it had not ended after {SECONDS:g} s") from None
        if ended.returncode < 0:
            raise UntrustedBundle(f"it ended the process that tried it ({signal.Signals(-ended.returncode).name})")
        if ended.returncode == WRONG:
            raise _refusal(ended.stderr)
        if ended.returncode:
            told = ended.stderr.strip().splitlines()
            raise UntrustedBundle(told[-1] if told else f"the process that tried it ended with status {ended.returncode}")


def try_out(folder: Path, score_one: Callable[[Path], object]) -> int:
    """The process's exit status; what is wrong is the last line of its standard error, as JSON."""
    try:
        score_one(folder)
    except AdverdictError as error:
        sys.stderr.write(json.dumps({"code": error.code, "message": str(error)}) + "\n")
        return WRONG
    return 0


def _refusal(said: str) -> AdverdictError:
    """What a process that refused a bundle said, as it was meant."""
    told = json.loads(said.splitlines()[-1])
    return OF_THIS_PLACE.get(told["code"], UntrustedBundle)(told["message"])


def _score_one(folder: Path) -> None:
    from adverdict.decisions.files.read import read_policies
    from adverdict.domain.settings import read_settings
    from adverdict.scoring.opened import open_bundle
    from adverdict.scoring.scorer import Scorer
    from adverdict.scoring.warm_up import WARM_UP

    Scorer(open_bundle(folder), read_policies(read_settings(os.environ).policies)).score([WARM_UP])


if __name__ == "__main__":
    sys.exit(try_out(Path(sys.argv[1]), _score_one))
