"""Ads whose verdict flips, to look at: of each direction those with most impressions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from adverdict.domain.decision import Reason
from adverdict.domain.errors import NotFound, Unavailable
from adverdict.rescoring.diff.difference import Change, Example
from adverdict.rescoring.diff.why import Why
from adverdict.rescoring.folder.workbench import Workbench
from adverdict.rescoring.input.plan import Shard, ShardPlan
from adverdict.rescoring.input.reading import BadShard, read_shard

if TYPE_CHECKING:
    from adverdict.domain.ad import Ad
    from adverdict.rescoring.folder.manifest import RunFolder

EACH = 10
"""Examples of a direction."""
REASONS = 3

CHOSEN = f"""
CREATE TABLE chosen AS
SELECT *, row_number() OVER (PARTITION BY was, now, who ORDER BY impressions DESC NULLS LAST, ad_id) AS place
FROM flips QUALIFY place <= {EACH}
"""


@dataclass(frozen=True)
class Examples:
    """Reads in full only what it shows. Needs ``flips``, ``before``, ``new`` on the bench."""

    bench: Workbench
    folder: RunFolder
    why: Why

    def chosen(self) -> tuple[Example, ...]:
        """Model's verdicts before people's; by direction, then most impressions first."""
        self.bench.run(CHOSEN)
        decided, before = self._decided(), self._before()
        columns = 'who, was, now, ad_id, decision_id, before, market, impressions, shard, "row"'
        rows = self.bench.run(f"SELECT {columns} FROM chosen ORDER BY who, place")
        found = [self._example(row, decided[row[4]], before.get(row[5])) for row in rows]
        return tuple(sorted(found, key=lambda one: (one.by, one.was.severity, one.now.severity)))

    def _example(self, row: tuple[Any, ...], decided: tuple[Any, ...], before: dict[str, tuple[str, float | None]] | None) -> Example:
        by, was, now, ad_id, decision_id, _, market, impressions, shard, number = row
        policies, reasons, degraded = decided
        ad = self._ad(shard, number, ad_id)
        changes = tuple(_changes(policies, before, now))
        told = self._reasons(ad, policies, {change.policy for change in changes}, reasons)
        return Example(
            ad_id=ad_id,
            decision_id=decision_id,
            market=market,
            was=was,
            now=now,
            by=by,
            impressions=impressions,
            shard=shard,
            row=number,
            readable=ad is not None,
            title=ad.title if ad else None,
            body=ad.body if ad else None,
            changes=changes,
            reasons=None if told is None else tuple(sorted(told, key=lambda reason: -abs(reason.effect))[:REASONS]),
            degraded=tuple(degraded),
        )

    def _reasons(
        self, ad: Ad | None, policies: list[dict[str, Any]], about: set[str], published: list[dict[str, Any]]
    ) -> list[Reason] | None:
        """As they were published, where the run has any; else made now. None where they cannot be."""
        if self.folder.run.reasons:
            return [Reason(**one) for one in published if one["policy"] in about]
        risks = {one["policy"]: one["p"] for one in policies if one["p"] is not None}
        if not risks:
            return []  # nothing was scored
        made = None if ad is None else self.why.of(ad, risks, about)
        return None if made is None else list(made)

    def _decided(self) -> dict[str, tuple[Any, ...]]:
        """New decision id -> its policies, reasons and what it lacked."""
        sql = "SELECT decision_id, policies, reasons, degraded FROM new WHERE decision_id IN (SELECT decision_id FROM chosen)"
        return {row[0]: row[1:] for row in self.bench.run(sql)}

    def _before(self) -> dict[str, dict[str, tuple[str, float | None]]]:
        """Old decision id -> policy -> (verdict, risk); those that are known."""
        found: dict[str, dict[str, tuple[str, float | None]]] = {}
        sql = "SELECT decision_id, policy, verdict, p FROM before WHERE decision_id IN (SELECT before FROM chosen)"
        for decision_id, policy, verdict, p in self.bench.run(sql):
            by_policy = found.setdefault(decision_id, {})
            if policy is not None:
                by_policy[policy] = (verdict, p)
        return found

    def _ad(self, shard: str, row: int, ad_id: str) -> Ad | None:
        """One row of the run's input; None where that is not what it was any more, or cannot be reached now."""
        try:
            found = read_shard(self._plan, replace(self._shards[shard], start=row - 1, stop=row), None)
        except (BadShard, NotFound, Unavailable):
            return None
        return next((ad for ad in found.ads if ad.ad_id == ad_id), None)

    @cached_property
    def _plan(self) -> ShardPlan:
        return self.folder.run.plan

    @cached_property
    def _shards(self) -> dict[str, Shard]:
        return {shard.name: shard for shard in self._plan.shards}


def _changes(policies: list[dict[str, Any]], before: dict[str, tuple[str, float | None]] | None, now: str) -> list[Change]:
    """The policies whose verdict changed; where none is known to have, those that give the new verdict."""
    new = {one["policy"]: one for one in policies}
    if before is None:
        names = [policy for policy, one in new.items() if one["verdict"] == now]
    else:
        changed = [policy for policy in {**before, **new} if before.get(policy, ("absent",))[0] != new.get(policy, _ABSENT)["verdict"]]
        names = changed or [policy for policy, one in new.items() if one["verdict"] == now]
    return [_change(policy, new.get(policy, _ABSENT), before) for policy in names]


_ABSENT: dict[str, Any] = {
    "verdict": "absent",
    "p": None,
    "approve_below": None,
    "reject_at": None,
    "because": "the policy is not in force",
}


def _change(policy: str, now: dict[str, Any], before: dict[str, tuple[str, float | None]] | None) -> Change:
    was, risk = (None, None) if before is None else before.get(policy, ("absent", None))
    return Change(
        policy=policy,
        was=was,  # type: ignore[arg-type]  # text from a column; checked here
        now=now["verdict"],
        risk_before=risk,
        risk_after=now["p"],
        approve_below=now["approve_below"],
        reject_at=now["reject_at"],
        because=now["because"],
    )
