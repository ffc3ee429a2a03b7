"""What a training is asked for, and whether it can be had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adverdict.domain.errors import InvalidSettings, Mistake
from adverdict.domain.plugins import COMPONENTS, SIGNALS, known
from adverdict.domain.settings import Settings
from adverdict.models.plugins import PREFIX
from adverdict.storage.tables.reading import Source
from adverdict.training.encoder.device import device_of
from adverdict.training.encoder.tables import token_table
from adverdict.training.encoder.tune import EncoderSettings
from adverdict.training.fit.prepared import FitSettings
from adverdict.training.fit.search import Study
from adverdict.training.fit.vectors import VectorSettings

CACHE_BYTES = 10 * 2**30
"""Of texts and ads, about 50 kB each where an encoder as small as minilm is fine-tuned."""


@dataclass(frozen=True)
class TrainJob:
    """What to train on, how, and where it goes. ``cross_validate`` folds report on every ad and leave all of them to fit on;
    otherwise a ``test_share`` of the advertisers is held back. A ``certify_share`` of them is not looked at: their labels are for
    certificates, which may use nothing the model was chosen by. ``cache_bytes``: what texts and ads were made into is kept for the
    next training, under the settings' home and as far as it fits; 0 keeps and reads nothing. It changes no digit of the result."""

    data: Sequence[Path | Source]
    settings: Settings
    policies: Sequence[str] = ()
    fit: FitSettings = field(default_factory=lambda: FitSettings(encoder=EncoderSettings("minilm"), vectors=VectorSettings()))
    trials: int = 0
    study: str | None = None
    """Name under which trials are kept, for a later training to go on with."""
    test_share: float = 0.2
    certify_share: float = 0.0
    cross_validate: int = 0
    out: Path | None = None
    register: bool = True
    cache_bytes: int = CACHE_BYTES

    @property
    def kept_study(self) -> Study | None:
        """Where the trials are kept; None: nowhere."""
        return None if self.study is None else Study(self.study, self.settings.home)

    @property
    def shares(self) -> dict[str, Any]:
        """Who is held back for what, and how long is searched; as parameters of a run."""
        shares = {"test_share": self.test_share, "certify_share": self.certify_share, "cross_validate": self.cross_validate}
        return {"trials": self.trials, **shares}


def check(job: TrainJob) -> None:
    """Raises InvalidSettings, with all that is wrong with what was asked, or NotFound for a table, an encoder or a device that is not
    there."""
    if mistakes := [*_mistakes(job), *_not_offered(job.fit), *_not_kept(job.fit)]:
        raise InvalidSettings("this training cannot start", mistakes)
    if job.fit.vectors is not None:
        token_table(job.fit.vectors.source)
    if job.fit.encoder is not None:
        device_of(job.fit.encoder.device)


def _mistakes(job: TrainJob) -> list[Mistake]:
    mistakes = []
    if job.cross_validate == 1:
        mistakes.append(Mistake("cross_validate", 1, "0, or at least 2 folds"))
    if job.out is not None and job.out.exists():
        mistakes.append(Mistake("out", str(job.out), "a path where nothing is yet"))
    if job.study is not None and not job.trials:
        mistakes.append(Mistake("study", job.study, "--trials of at least 1 beside it"))
    return mistakes


def _not_offered(fit: FitSettings) -> list[Mistake]:
    """Plug-ins that are not installed."""
    mistakes: list[Mistake] = []
    for group, names, option in ((SIGNALS, fit.signals, "--signal"), (COMPONENTS, fit.components, "--component")):
        try:
            known(group, names, option)
        except InvalidSettings as error:
            mistakes += error.mistakes
    return mistakes


def _not_kept(fit: FitSettings) -> list[Mistake]:
    """Models to keep that are not fitted."""
    encoder = () if fit.encoder is None else ("transformer", "encoder") if fit.encoder.tune else ("transformer",)
    fitted = ("gbm", *(PREFIX + name for name in fit.components), *encoder)
    expected = f"a model that is fitted beside the ridge: {', '.join(fitted)}"
    return [Mistake("keep", name, expected) for name in fit.keep if name not in fitted]
