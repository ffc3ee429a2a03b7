"""Familiarity of ads as a conformal p-value (Vovk et al. 2005) within groups of ads that are alike in language and surface."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from adverdict.domain.familiarity import Familiarity
from adverdict.features.text.traits import FORM, GRAM_BITS, Traits
from adverdict.models.calibration import logit, sigmoid
from adverdict.models.familiarity.strangeness import Known

ARRAYS = "familiarity.safetensors"
SETTINGS = "familiarity.json"

STRANGE = 0.1
"""Below this familiarity intervals of risks widen."""

Group = tuple[str | None, str | None]
"""Language and surface; None: all that have no group of their own. ``(None, None)`` is always there."""


@dataclass(frozen=True)
class FamiliarityModel:
    """``groups``: how strange honest ads were to a reference without their own advertisers, ``float32 (n_ads,)`` ascending."""

    known: Known
    groups: Mapping[Group, NDArray[np.float32]]

    def of(self, ads: Sequence[Traits], surfaces: Sequence[str]) -> tuple[Familiarity, ...]:
        """``surfaces`` by their keys (``domain.identity.surface_key``)."""
        return tuple(
            Familiarity(self._p(self.groups[self.group_of(ad.language, surface)], self.known.strangeness(ad)), self.known.causes(ad))
            for ad, surface in zip(ads, surfaces, strict=True)
        )

    def group_of(self, language: str, surface: str) -> Group:
        """The narrowest group there is."""
        wanted: tuple[Group, ...] = ((language, surface), (language, None))
        return next((group for group in wanted if group in self.groups), (None, None))

    @staticmethod
    def _p(reference: NDArray[np.float32], strange: np.float32) -> float:
        return float((1 + len(reference) - reference.searchsorted(strange)) / (1 + len(reference)))

    def save(self, folder: Path) -> None:
        """``ARRAYS``: the n-grams as bits, and the groups one after the other; ``SETTINGS``: everything that is words."""
        lengths = [len(reference) for reference in self.groups.values()]
        strange = np.concatenate([*self.groups.values()])
        save_file({"grams": np.packbits(self.known.grams), "strangeness": strange}, folder / ARRAYS)
        settings = {
            "form": FORM,
            "languages": sorted(self.known.languages),
            "scripts": sorted(self.known.scripts),
            "groups": [[*group, n] for group, n in zip(self.groups, lengths, strict=True)],
        }
        text = json.dumps(settings, indent=1, sort_keys=True, ensure_ascii=False)
        (folder / SETTINGS).write_text(text, encoding="utf-8", newline="\n")

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """None for a bundle made before there was familiarity, or with traits of another form. Raises ValueError for a broken one."""
        if not (folder / SETTINGS).exists():
            return None
        settings = json.loads((folder / SETTINGS).read_bytes())
        if settings["form"] != FORM:
            return None
        arrays = load_file(folder / ARRAYS)
        grams, strange = np.unpackbits(arrays["grams"]).view(np.bool_), arrays["strangeness"]
        names: list[Group] = [(language, surface) for language, surface, _ in settings["groups"]]
        lengths = [int(n) for *_, n in settings["groups"]]
        groups = dict(zip(names, np.split(strange, np.cumsum(lengths)[:-1]), strict=True))
        fits = grams.shape == (2**GRAM_BITS,) and sum(lengths) == len(strange) and min(lengths) > 0 and (None, None) in groups
        if not fits or strange.dtype != np.float32 or any((np.diff(reference) < 0).any() for reference in groups.values()):
            raise ValueError(f"{ARRAYS} and {SETTINGS} do not fit each other")
        return cls(Known(grams, frozenset(settings["languages"]), frozenset(settings["scripts"])), groups)


def widened(risk: NDArray[np.float64], familiarity: Sequence[Familiarity]) -> NDArray[np.float64]:
    """``risk`` ``(n_ads, n_policies, 3)``, the ends of its intervals farther from it in log-odds where the ad is among the strangest tenth.

    A risk was calibrated on ads of which only the share ``p`` was as strange: the error of a mean over ``p`` of a tenth of them is
    ``sqrt(STRANGE / p)`` times that over the tenth.
    """
    p = np.array([one.p for one in familiarity])
    rows = np.flatnonzero(p < STRANGE)
    if rows.size:
        risk = risk.copy()
        centre = logit(risk[rows, :, :1])
        ends = sigmoid(centre + (logit(risk[rows, :, 1:]) - centre) * np.sqrt(STRANGE / p[rows])[:, None, None])
        risk[rows, :, 1] = np.minimum(risk[rows, :, 1], ends[..., 0])  # at the edge of what a risk can be, log-odds round inwards
        risk[rows, :, 2] = np.maximum(risk[rows, :, 2], ends[..., 1])
    return risk
