"""A platform with decided ads, and a run that decided them again as a test says: everything but the model is real."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.ad import Ad
from adverdict.domain.decision import Audit, Decision
from adverdict.domain.verdict import Verdict
from adverdict.ledger.effective import EffectiveDecision, effective_decisions
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.schema import tasks as task_table
from adverdict.ledger.store import Ledger
from adverdict.rescoring.applying.apply import Applied, Choice, apply
from adverdict.rescoring.applying.undo import Undone, undo
from adverdict.rescoring.folder.columns import to_table
from adverdict.rescoring.folder.manifest import HistoryUsed, ModelUsed, Run, RunFolder, ShardReport
from adverdict.rescoring.input.plan import plan
from adverdict.review.tasks.tasks import Task, task_of
from adverdict.storage.tables.pack import write_ads
from tests.ledger.made import a_decision, an_ad, minutes
from tests.review.desk import BOOK, PLAIN, Desk

APPROVE, REVIEW, REJECT = Verdict.APPROVE, Verdict.REVIEW, Verdict.REJECT
AS_OF = minutes(500)
ROWS_PER_SHARD = 4


def live_ad(number: int, **changes: Any) -> Ad:
    """Ads with odd numbers run in Germany, the others in Sweden; the higher its number, the more people see an ad."""
    return an_ad(number, **{"market": "DE" if number % 2 else "SE", "impressions": float(number), **changes})


@dataclass
class World:
    """A ledger, the people at its desk, and runs in folders."""

    ledger: Ledger
    home: Path
    desk: Desk = field(init=False)
    remake: Callable[[Ad, Decision], Decision] | None = None
    """A model that decides what a run holds, instead of the test."""

    def __post_init__(self) -> None:
        self.desk = Desk(self.ledger)
        self.desk.clock.now = minutes(400)

    def decide(self, verdicts: Mapping[int, Verdict], **ad: Any) -> dict[int, DecisionMade]:
        """As the service does, at the desk's time."""
        made = {}
        for number, verdict in verdicts.items():
            one = live_ad(number, **ad)
            decision = a_decision(one, verdict, at=self.desk.clock(), decision_id=f"dec-{self.ledger.end()[0] + 1:032x}")
            with self.ledger.write() as writing:
                first = writing.first_seen([one])[0]
            made[number] = self.desk.append(DecisionMade(ad=one, decision=decision, first=first))
        return made

    def run(
        self,
        verdicts: Mapping[int, Verdict] | Sequence[tuple[Ad, Verdict]],
        *,
        name: str = "out",
        as_of: datetime = AS_OF,
        degraded: Sequence[int] = (),
        drawn: Sequence[int] = (),
        history: str = "ledger",
    ) -> RunFolder:
        """A finished run. ``degraded`` and ``drawn``: positions of decisions, from 0; those drawn are to be audited."""
        pairs = [(live_ad(one), verdict) for one, verdict in verdicts.items()] if isinstance(verdicts, Mapping) else list(verdicts)
        folder = self.home / f"ads of {name}"
        folder.mkdir()
        write_ads(folder / "ads.parquet", [ad for ad, _ in pairs])
        planned, solved = plan(str(folder), ROWS_PER_SHARD), SolvedThresholds()
        run = Run.of(
            planned,
            started_at=as_of + timedelta(minutes=1),
            as_of=as_of,
            since=None,
            model=ModelUsed(source="v2", resolved="v2", version="v2"),
            policy_hash=BOOK.hash,
            thresholds=solved.digest,
            exits=None,
            history=HistoryUsed(kind=history, digest="3" * 64, seq=self.ledger.end()[0] if history == "ledger" else None),  # type: ignore[arg-type]
        )
        made = RunFolder(self.home / name)
        made.begin(run, BOOK.to_json(), solved.to_json().encode(), resume=False)
        for shard in planned.shards:
            numbers = range(shard.start, shard.stop)
            told = [self._decision(run, shard.name, row, *pairs[row], row in degraded, row in drawn) for row in numbers]
            table = to_table([row + 1 for row in numbers], [pairs[row][0] for row in numbers], told, shard.name)
            made.publish(shard, table, ShardReport(shard=shard.name), [])
        return RunFolder.open(self.home / name)

    def _decision(self, run: Run, shard: str, row: int, ad: Ad, verdict: Verdict, degraded: bool, drawn: bool) -> Decision:
        made = a_decision(ad, verdict, at=run.started_at, decision_id=f"dec-{run.run_id}-{shard}-{row:05d}")
        told = {"bundle_version": "v2", "policy_hash": run.policy_hash, "as_of": run.as_of, "history_seq": run.history.seq}
        audit = None if verdict is REVIEW else Audit(probability=0.5, chosen=drawn)
        if self.remake is not None:
            return self.remake(ad, made)
        return made.model_copy(update={**told, "audit": audit, "degraded": ("registry_unreachable",) if degraded else ()})

    def apply(self, folder: RunFolder, *markets: str, only: Verdict | None = None, most: int | None = None) -> Applied:
        self.desk.clock.on(60)
        return apply(self.ledger, folder, Choice(markets, only, most, by="olga"), PLAIN, clock=self.desk.clock)

    def undo(self, step: str, why: str = "too many") -> Undone:
        self.desk.clock.on(60)
        return undo(self.ledger, step, why, "olga", clock=self.desk.clock)

    def stands(self) -> dict[int, tuple[str, str]]:
        """Of each ad by its number: its verdict and who gave it."""
        return {number: (one.verdict.value, one.by) for number, one in self.standing().items()}

    def standing(self) -> dict[int, EffectiveDecision]:
        ids = {entry.body.ad.ad_id for entry in self.ledger.read(kinds=["decision"]) if isinstance(entry.body, DecisionMade)}
        with self.ledger.look() as connection:
            return {int(ad_id.removeprefix("ad-")): one for ad_id, one in sorted(effective_decisions(connection, ids).items())}

    def tasks(self) -> list[Task]:
        with self.ledger.look() as connection:
            return [task_of(row) for row in connection.execute(select(task_table).order_by(task_table.c.task_id))]

    def waiting(self) -> dict[str, str]:
        """Unfinished tasks: what they are about, by id."""
        return {task.task_id: task.ad_id for task in self.tasks() if task.state in ("open", "leased")}
