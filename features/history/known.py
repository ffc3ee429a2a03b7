"""What was known about an ad's advertiser, creative, landing domain and market strictly before it was submitted, in integers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Final, Protocol, Self

import numpy as np
import numpy.typing as npt

from adverdict.features.history.entities import KINDS

if TYPE_CHECKING:
    from adverdict.domain.ad import Ad

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Rows = Ints | Bools | Sequence[int] | slice

USES: Final = {
    "advertiser_markets": ("advertiser", "market"),
    "advertiser_domains": ("advertiser", "domain"),
    "creative_advertisers": ("creative", "advertiser"),
    "domain_advertisers": ("domain", "advertiser"),
    "advertiser_formats": ("advertiser", "format"),
    "advertiser_categories": ("advertiser", "category"),
    "advertiser_surfaces": ("advertiser", "surface"),
}
"""Counts of distinct things: of each whose, and of what."""
DISTINCT: Final = tuple(USES)

DAY: Final = 86_400_000_000
"""Microseconds."""
WINDOWS: Final = (1 * DAY, 7 * DAY, 28 * DAY)
"""A window w before t holds the events of [t - w, t)."""
NEVER: Final = int(np.iinfo(np.int64).min)
"""Stands for the time of an event that has not happened."""

_FACTS = ("present", "ads_1d", "ads_7d", "ads_28d", "ads_ever", "first", "last", "labels_any", "violations_any")


@dataclass(frozen=True, slots=True, eq=False)
class EntityCounts:
    """Counts of one kind of entity before n ads. A label row is one label: two raters make two. Zeros where not ``present``."""

    present: Bools
    """(n,): the ad states such an entity."""
    ads_1d: Ints
    """(n,): submissions in the last day; likewise 7 and 28 days, and ever."""
    ads_7d: Ints
    ads_28d: Ints
    ads_ever: Ints
    first: Ints
    """(n,): time of the first submission before the ad, microseconds since 1970 UTC; NEVER where there is none."""
    last: Ints
    """(n,): likewise of the last one before the ad."""
    labels_any: Ints
    """(n,): labels under all policies, those not in ``HistoryCounts.policies`` too."""
    violations_any: Ints
    """(n,): how many of ``labels_any`` say violating."""
    labels: Ints
    """(n, n_policies)"""
    violations: Ints
    """(n, n_policies)"""

    @classmethod
    def from_table(cls, table: Ints, n_policies: int) -> Self:
        """From int64 ``(n, 9 + 2 n_policies)``, one row an ad: the facts in the order of the fields, then labels and violations a policy.

        It is not copied.
        """
        facts = dict(zip(_FACTS[1:], table.T[1 : len(_FACTS)], strict=True))
        labels, violations = table[:, len(_FACTS) : len(_FACTS) + n_policies], table[:, len(_FACTS) + n_policies :]
        return cls(present=table[:, 0] > 0, labels=labels, violations=violations, **facts)

    def take(self, rows: Rows) -> Self:
        return type(self)(*(getattr(self, field.name)[rows] for field in fields(self)))

    def unlabelled(self, rows: Rows | None) -> Self:
        """The same without a label, for all ads or for some rows."""
        chosen: Rows = slice(None) if rows is None else rows
        return replace(
            self,
            labels_any=_zeroed(self.labels_any, chosen),
            violations_any=_zeroed(self.violations_any, chosen),
            labels=_zeroed(self.labels, chosen),
            violations=_zeroed(self.violations, chosen),
        )


@dataclass(frozen=True, slots=True, eq=False)
class HistoryCounts:
    """What was known before each of n ads. Known strictly before t: an event of the same microsecond is not known yet.

    An ad does not count its own submission. Earlier submissions of the same ad and labels on it count like any other.
    """

    policies: tuple[str, ...]
    at: Ints
    """(n,): when each ad was submitted, microseconds since 1970 UTC."""
    advertiser: EntityCounts
    creative: EntityCounts
    domain: EntityCounts
    market: EntityCounts
    advertiser_markets: Ints
    """(n,): distinct markets the advertiser submitted ads for before."""
    advertiser_domains: Ints
    """(n,): distinct landing domains the advertiser used before."""
    creative_advertisers: Ints
    """(n,): distinct advertisers that used the creative before; 0 where there is none."""
    domain_advertisers: Ints
    """(n,): distinct advertisers that led to the landing domain before; 0 where there is none."""
    advertiser_formats: Ints
    """(n,): distinct formats of the advertiser's ads before; likewise categories and surfaces."""
    advertiser_categories: Ints
    advertiser_surfaces: Ints

    @classmethod
    def assemble(cls, policies: Sequence[str], at: Ints, by_kind: Mapping[str, EntityCounts], distinct: Mapping[str, Ints]) -> Self:
        """``by_kind`` has the four kinds of entity by name, ``distinct`` the counts of distinct things."""
        return cls(
            policies=tuple(policies),
            at=at,
            advertiser=by_kind["advertiser"],
            creative=by_kind["creative"],
            domain=by_kind["domain"],
            market=by_kind["market"],
            **{name: distinct[name] for name in DISTINCT},
        )

    def __len__(self) -> int:
        return len(self.at)

    def take(self, rows: Rows) -> Self:
        """The counts of some of the ads, in the order given."""
        by_kind = {kind: getattr(self, kind).take(rows) for kind in KINDS}
        return self.assemble(self.policies, self.at[rows], by_kind, {name: getattr(self, name)[rows] for name in DISTINCT})


class History(Protocol):
    """What was known of advertisers, however it is kept."""

    def counts(self, ads: Sequence[Ad], policies: Sequence[str]) -> HistoryCounts:
        """Of each of ``ads``, row for row, under each of ``policies``."""
        ...


def without_labels(counts: HistoryCounts, rows: Rows | None = None) -> HistoryCounts:
    """The same as if the ads' advertisers, creatives and domains had no label yet; their markets keep theirs.

    ``rows`` picks ads by mask or index, None means all. Training on some such rows teaches a model what to do without labels.
    """
    return replace(
        counts,
        advertiser=counts.advertiser.unlabelled(rows),
        creative=counts.creative.unlabelled(rows),
        domain=counts.domain.unlabelled(rows),
    )


def _zeroed(values: Ints, rows: Rows) -> Ints:
    values = values.copy()
    values[rows] = 0
    return values
