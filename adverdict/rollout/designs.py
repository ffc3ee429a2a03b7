"""Which labels may certify anything, by how their ads were chosen: a rate is that of whom chance has drawn, and of nobody else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from adverdict.certification.words import SamplePart
from adverdict.domain.ad import Label
from adverdict.domain.errors import InvalidInput, Mistake

STATED = frozenset({"import", "review", "audit"})
"""Sources of labels that may be a random part of the ads where nothing on record says how they were chosen; golden tasks and appeals are
chosen ads, and reports are of violations."""
_BY_VIEWS = re.compile(r"views-[0-9a-f]{8}-\d+\Z")
_SAMPLE = re.compile(r"sample-(?P<id>[0-9a-f]{8})-(?P<ads>\d+)(/(?P<part>[a-z]+))?\Z")


def sample_design(sample: str, ads: int, part: SamplePart, *, by_views: bool = False) -> str:
    """How a label of a planned sample says where it is from: the sample, the ads of its random part, and the part if it is another.

    One that was drawn by views has a name that tells it apart: its rate is that of views.
    """
    return f"{'views' if by_views else 'sample'}-{sample}-{ads}" + ("" if part is SamplePart.RANDOM else f"/{part}")


@dataclass(frozen=True)
class Designed:
    """Labels by what they may show. ``samples``: planned ones, with the ads announced."""

    random: tuple[Label, ...]
    """Of a random part of all ads."""
    risky: tuple[Label, ...]
    """Of ads chosen for their risk, all of one risk alike."""
    samples: dict[str, int]
    by_views: tuple[Label, ...] = ()
    """Of ads drawn in proportion to their views: they speak of views alone."""

    @property
    def announced(self) -> int | None:
        return sum(self.samples.values()) or None

    @property
    def complete(self) -> bool:
        """Whether every ad of the random part has a label, where a number was announced; ads nobody could label count as missing."""
        return self.announced is None or len({label.ad_id for label in self.random}) >= self.announced


def by_design(labels: Iterable[Label]) -> Designed:
    """Planned samples where there are any, else what is stated to be a random part.

    Reviews of ads that people saw because of their risk, all of them, speak of the riskiest ads beside a planned sample. Raises
    InvalidInput for labels without a design of which some were drawn with other probabilities than others: counted alike they mislead.
    """
    labels = list(labels)
    told = [(label, _SAMPLE.match(label.design or "")) for label in labels]
    drawn = [(label, found) for label, found in told if found]
    by_views = tuple(label for label in labels if _BY_VIEWS.match(label.design or "") and label.inclusion_probability)
    if not drawn:
        stated = tuple(label for label in labels if label.source in STATED and label.design is None)
        _refuse_mixed(stated)
        return Designed(stated, (), {}, by_views)
    reviewed = [label for label in labels if label.source == "review" and label.inclusion_probability == 1 and not label.design]
    return Designed(
        tuple(label for label, found in drawn if found["part"] is None),
        (*(label for label, found in drawn if found["part"] is not None), *reviewed),
        {found["id"]: int(found["ads"]) for _, found in drawn},
        by_views,
    )


def _refuse_mixed(labels: Sequence[Label]) -> None:
    chances = {label.inclusion_probability for label in labels}
    if len(chances) > 1:
        shown = ", ".join("none" if one is None else f"{one:g}" for one in sorted(chances, key=lambda one: one or 0.0)[:4])
        expected = (
            "labels that were all drawn alike: a planned sample (adverdict policy sample), or labels without a probability that are stated "
            "to be a random part of all ads"
        )
        raise InvalidInput("these labels cannot be counted together", [Mistake("labels.inclusion_probability", shown, expected)])
