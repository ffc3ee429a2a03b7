"""What to do with a version that was registered when the product was called Adjudicate, said where ``mlflow.pyfunc.load_model`` fails.

Such a version carries a script that imports top-level ``features`` and ``models``, which are nobody's packages any more. MLflow loads
the plug-ins of ``mlflow.run_context_provider`` when it is imported; ours provides no context and only makes that failure say what helps.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import FrameType, ModuleType

SCRIPT = "pyfunc_model.py"
ROOMS = frozenset({"features", "models"})
SAID = (
    "this model was registered when Adverdict was called Adjudicate, and its script imports packages by their former names: "
    "run 'adverdict model upgrade adjudicate' once, then load models:/adverdict@champion"
)


class FormerVersions(MetaPathFinder):
    """Asked last, for what nobody else has found; answers only such a script."""

    def find_spec(self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Raises ModuleNotFoundError with the sentence."""
        if fullname in ROOMS and _asked_by_a_former_script(sys._getframe()):
            raise ModuleNotFoundError(SAID, name=fullname)
        return None


class SaysWhatHelps:
    """Implements MLflow's ``RunContextProvider``, without any context of a run to provide."""

    def __init__(self) -> None:
        if not any(isinstance(finder, FormerVersions) for finder in sys.meta_path):
            sys.meta_path.append(FormerVersions())

    def in_context(self) -> bool:
        return False

    def tags(self) -> dict[str, str]:
        return {}


def _asked_by_a_former_script(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.endswith(SCRIPT):
            return "as an MLflow pyfunc" in (frame.f_globals.get("__doc__") or "")
        frame = frame.f_back
    return False
