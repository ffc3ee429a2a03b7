"""Labelled ads as arrays: who may be compared with whom, and what each policy's raters said."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from adverdict.decisions.suitability import PREFIX as SUITABILITY
from adverdict.domain.ad import Ad, Label
from adverdict.domain.errors import InvalidInput, Mistake
from adverdict.models.manifest import DataEntry
from adverdict.storage.tables.pack import Pack
from adverdict.storage.tables.reading import stands_in

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Dataset:
    """Ads with labels, and the other ads whose submissions are history.

    ``ads`` are the labelled ads in order of submission; ``targets`` is ``float64 (n_ads, n_policies)``, the mean of the raters' verdicts in
    [0, 1] and NaN where nobody labelled the ad under that policy: unknown, never negative. ``labels`` are the labels behind ``targets``.
    """

    ads: tuple[Ad, ...]
    policies: tuple[str, ...]
    targets: NDArray[np.float64]
    labels: tuple[Label, ...]
    others: tuple[Ad, ...]
    sources: tuple[DataEntry, ...]

    @property
    def known_ads(self) -> tuple[Ad, ...]:
        """Every ad whose submission is a fact, labelled or not."""
        return self.ads + self.others

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """Group of each labelled ad, named by its first advertiser: ads that share an advertiser or a creative, directly or through other
        ads, never sit on two sides of a split."""
        return groups_of(self.ads)

    @cached_property
    def unstated(self) -> Mapping[str, int]:
        """Of ``advertiser_id``, ``submitted_at`` and ``market`` those that labelled ads do not state, with how many do not."""
        return Counter(name for ad in self.ads for name in stands_in(ad))

    @cached_property
    def positives(self) -> NDArray[np.intp]:
        """Violating ads (mean of raters at least one half) a policy, ``(n_policies,)``."""
        return np.asarray((self.targets >= 0.5).sum(axis=0))

    def labelled(self, policy: int) -> Rows:
        """Rows with a label under a policy."""
        return np.flatnonzero(~np.isnan(self.targets[:, policy]))

    def part(self, rows: Rows) -> Dataset:
        """The labelled ads of ``rows`` with their labels only; the rest become ads whose labels nobody has seen."""
        chosen = set(rows.tolist())
        kept = tuple(self.ads[row] for row in rows)
        ids = {ad.ad_id for ad in kept}
        return replace(
            self,
            ads=kept,
            targets=self.targets[rows],
            labels=tuple(label for label in self.labels if label.ad_id in ids),
            others=self.others + tuple(ad for row, ad in enumerate(self.ads) if row not in chosen),
        )

    def with_policies(self, policies: Sequence[str]) -> Dataset:
        """The same ads under some of the policies, in the given order."""
        columns = [self.policies.index(policy) for policy in policies]
        return replace(self, policies=tuple(policies), targets=self.targets[:, columns])


def dataset(packs: Sequence[Pack], policies: Sequence[str] = ()) -> Dataset:
    """Join packs. Ads of different packs stay strangers to each other's policies: a missing label stays missing.

    Raises InvalidInput for a policy nobody labelled, an ad id in two packs, or no labelled ad at all.
    """
    _refuse_shared_ids(packs)
    everything_said = [label for pack in packs for label in pack.labels]
    found = sorted({label.policy for label in everything_said})
    unknown = [policy for policy in policies if policy not in found]
    if unknown or not found:
        expected = "one of " + ", ".join(found) if found else "at least one label in the data"
        raise InvalidInput("these policies cannot be trained", [Mistake("policy", policy, expected) for policy in unknown or ["(none)"]])
    # Tiers of suitability are no policy: a risk of one would send every ad to people, as no file defines it.
    chosen = tuple(policies) or tuple(one for one in found if not one.startswith(SUITABILITY))
    labels = [label for label in everything_said if label.policy in chosen]
    means = _mean_verdicts(labels)
    everything = sorted((ad for pack in packs for ad in pack.ads), key=lambda ad: ad.submitted_at)
    ads = tuple(ad for ad in everything if ad.ad_id in means)
    targets = np.array([[means[ad.ad_id].get(policy, np.nan) for policy in chosen] for ad in ads], dtype=np.float64)
    return Dataset(
        ads=ads,
        policies=chosen,
        targets=targets.reshape(len(ads), len(chosen)),
        labels=tuple(labels),
        others=tuple(ad for ad in everything if ad.ad_id not in means),
        sources=tuple(
            DataEntry(name=pack.name, digest=pack.digest, ads=len(pack.ads), labels=len(pack.labels), simulated=pack.simulated)
            for pack in packs
        ),
    )


def groups_of(ads: Sequence[Ad]) -> tuple[str, ...]:
    """The group of each ad, named by its first advertiser: what advertisers and creatives connect, directly or through other ads."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for ad in ads:
        if ad.creative_id is not None:
            first, second = sorted((root(f"advertiser {ad.advertiser_id}"), root(f"creative {ad.creative_id}")))
            parent[second] = first
    return tuple(root(f"advertiser {ad.advertiser_id}").removeprefix("advertiser ") for ad in ads)


def _mean_verdicts(labels: Iterable[Label]) -> dict[str, dict[str, float]]:
    verdicts: defaultdict[str, defaultdict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for label in labels:
        verdicts[label.ad_id][label.policy].append(label.violates)
    return {ad: {policy: sum(said) / len(said) for policy, said in by_policy.items()} for ad, by_policy in verdicts.items()}


def _refuse_shared_ids(packs: Sequence[Pack]) -> None:
    seen: dict[str, int] = {}
    mistakes = []
    for number, pack in enumerate(packs):
        for ad in pack.ads:
            first = seen.setdefault(ad.ad_id, number)
            if first != number:
                mistakes.append(Mistake("ad_id", ad.ad_id, f"an id not already in {packs[first].name}", where=pack.name))
    if mistakes:
        raise InvalidInput("the same ad is in two of the packs", mistakes)
