"""Decisions of a run that may have to be put on record, in the order in which they are, with the ads they are about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision
from adverdict.domain.errors import InvalidInput, Mistake
from adverdict.domain.verdict import Verdict
from adverdict.ledger.effective import export
from adverdict.ledger.moments import micros
from adverdict.rescoring.applying.judging import EffectiveVerdict, RescoredDecision
from adverdict.rescoring.folder.workbench import Workbench, parquet, quoted
from adverdict.rescoring.input.reading import BadShard, read_shard

if TYPE_CHECKING:
    from adverdict.ledger.store import Ledger
    from adverdict.rescoring.folder.manifest import RunFolder

STREAMED = 10_000
"""Rows taken from DuckDB at a time."""

# The fixed order: the ads that most people will see first. A later version of an ad in the same run supersedes the earlier ones.
_JOINED = """
SELECT n.decision_id, n.ad_id, n.market, n.verdict, len(n.degraded) > 0, epoch_us(n.submitted_at), n.shard, n."row", n.latest = 1,
       s.decision_id, s.verdict, s."by", epoch_us(s.submitted_at)
FROM (
    SELECT decision_id, ad_id, market, verdict, degraded, submitted_at, shard, "row", impressions,
           row_number() OVER (PARTITION BY ad_id ORDER BY submitted_at DESC, shard DESC, "row" DESC) AS latest
    FROM new
) n LEFT JOIN standing s ON s.ad_id = n.ad_id
WHERE {chosen}
ORDER BY n.impressions DESC NULLS LAST, n.decision_id
"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One decision of the run, and what stood of its ad when the ledger was read."""

    new: RescoredDecision
    ad_id: str
    market: str
    shard: str
    row: int
    """Of the ad, in its file, from 1."""
    latest: bool
    """Whether the run holds no later version of the ad."""
    now: EffectiveVerdict | None


def candidates(bench: Workbench, ledger: Ledger, folder: RunFolder, markets: Sequence[str], only: Verdict | None) -> Iterator[Candidate]:
    """Every decision of the chosen markets and verdict. Raises InvalidInput for a market the run did not decide, and Unavailable.

    Reads the whole record once; memory grows with neither the run nor the ledger.
    """
    target = bench.scratch / "standing.parquet"
    export(ledger, target)
    bench.run(f"CREATE VIEW standing AS SELECT * FROM {parquet(target)}")
    bench.published("new", folder)
    there = sorted(market for (market,) in bench.run("SELECT DISTINCT market FROM new"))
    wrong = [Mistake("--market", one, "one that the run decided: " + (", ".join(there) or "none")) for one in markets if one not in there]
    if wrong:
        raise InvalidInput("nothing was applied:", wrong)
    chosen = ["true"]
    if markets:
        chosen.append(f"n.market IN ({', '.join(map(quoted, markets))})")
    if only is not None:
        chosen.append(f"n.verdict = {quoted(only.value)}")
    for rows in bench.stream(_JOINED.format(chosen=" AND ".join(chosen)), STREAMED):
        for decision_id, ad_id, market, verdict, degraded, submitted, shard, row, latest, before, stood, by, version in rows:
            new = RescoredDecision(decision_id, Verdict(verdict), bool(degraded), submitted)
            now = None if before is None else EffectiveVerdict(before, Verdict(stood), by, version)
            yield Candidate(new, ad_id, market, shard, row, latest, now)


class Original(NamedTuple):
    """An ad and what was decided about it, as JSON: a fifth of what the objects take."""

    ad: str
    decision: str

    def read(self) -> tuple[Ad, Decision]:
        return Ad.model_validate_json(self.ad), Decision.model_validate_json(self.decision)


class Originals:
    """The ads and whole decisions behind candidates, read from where the run read and wrote them."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._plan = folder.run.plan
        self._shards = {shard.name: shard for shard in self._plan.shards}
        self._done = folder.done()
        self.refused: dict[str, str] = {}
        """Shards that cannot be put on record, and why: their ads are not what was decided, or cannot be read any more."""

    @property
    def shards_done(self) -> int:
        return sum(1 for one in self._done.values() if one.reason is None)

    def read(self, some: Sequence[Candidate]) -> dict[str, Original]:
        """By decision id; those of refused shards are left out. Each shard is read once. Raises Unavailable."""
        by_shard: defaultdict[str, list[Candidate]] = defaultdict(list)
        for one in some:
            by_shard[one.shard].append(one)
        found: dict[str, Original] = {}
        for name in sorted(by_shard.keys() - self.refused.keys()):
            try:
                found.update(self._shard(name, by_shard[name]))
            except BadShard as error:
                self.refused[name] = error.reason
        return found

    def _shard(self, name: str, some: Sequence[Candidate]) -> dict[str, Original]:
        read = read_shard(self._plan, self._shards[name], self._folder.run.since)
        ads = dict(zip(read.rows, read.ads, strict=True))
        decisions = self._decisions(name, some)
        found = {}
        for one in some:
            ad, decision = ads.get(one.row), decisions.get(one.new.decision_id)
            if ad is None or decision is None or (ad.ad_id, micros(ad.submitted_at)) != (one.ad_id, one.new.submitted_at):
                was = Mistake("ad_id", None if ad is None else ad.ad_id, f"{one.ad_id}, as it was decided", f"{name}, row {one.row}")
                raise BadShard(f"the ads of {name} are not those that were decided", [was])
            found[one.new.decision_id] = Original(ad.model_dump_json(), decision.model_dump_json())
        return found

    def _decisions(self, name: str, some: Sequence[Candidate]) -> dict[str, Decision]:
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        from adverdict.rescoring.folder.columns import decisions_of

        rows, markets = pa.array([one.row for one in some]), {one.market for one in some}
        found = {}
        for file in self._done[name].files:
            market = unquote(file.partition("/")[0].removeprefix("market="))
            if market in markets:
                with self._folder.place.open(file) as opened:
                    table = pq.ParquetFile(opened).read()
                table = table.filter(pc.is_in(table.column("row"), value_set=rows))
                if "market" not in table.column_names:  # it is in the path
                    table = table.append_column("market", pa.array([market] * len(table), pa.string()))
                found.update({decision.decision_id: decision for decision in decisions_of(table)})
        return found
