"""Why an ad is decided otherwise now: what decided the run is asked again, of those few ads that somebody looks at."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from adverdict.domain.errors import AdverdictError
from adverdict.features.history.frozen import FrozenHistory
from adverdict.rescoring.deciding.job import fetch_history, kept_history
from adverdict.rescoring.deciding.scoring import scorer_of
from adverdict.scoring.explaining import CLOSE

if TYPE_CHECKING:
    from adverdict.domain.ad import Ad
    from adverdict.domain.decision import Reason
    from adverdict.rescoring.folder.manifest import RunFolder
    from adverdict.scoring.model import Model
    from adverdict.scoring.scorer import Scorer

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Why:
    """Reasons of a run's decisions, of which it published none. The model is loaded when the first ad is asked about."""

    folder: RunFolder
    scratch: Path
    """A folder here, where a history that is kept elsewhere has room."""
    model: Callable[[str], Model] | None
    """Bundle version -> the model. Raises NotFound and what opening a bundle raises. None: nobody asks."""

    @cached_property
    def missing(self) -> str | None:
        """Why there are none, in words; None: there are."""
        return self._asked[1]

    def of(self, ad: Ad, risks: Mapping[str, float], policies: Collection[str]) -> tuple[Reason, ...] | None:
        """Reasons of ``policies``. None where they cannot be made, or the ad does not come to the ``risks`` it was published with."""
        scorer = self._asked[0]
        if scorer is None:
            return None
        try:
            [made] = scorer.score([ad], as_of=self.folder.run.as_of, explain=tuple(policies))
        except Exception as error:  # what a model's libraries raise on one strange ad has no base class in common
            log.warning("no reasons for an example: %s", type(error).__name__)
            return None
        same = all(policy in made.risks and abs(made.risks[policy].p - risk) <= CLOSE for policy, risk in risks.items())
        return made.reasons if same else None

    @cached_property
    def _asked(self) -> tuple[Scorer | None, str | None]:
        """What decided the run, or why that cannot be had."""
        run = self.folder.run
        if self.model is None:
            return None, "nobody asked for them"
        try:
            history = FrozenHistory.open(self._history())
            return scorer_of(self.folder, self.model(run.model.version), history, lambda: "again", whose="this machine"), None
        except (AdverdictError, OSError) as error:
            return None, str(error).partition("\n")[0]

    def _history(self) -> Path:
        there = kept_history(self.folder.place).local()
        if there is not None:
            return there
        copy = self.scratch / "history"
        copy.mkdir()
        return fetch_history(self.folder.place, copy)
