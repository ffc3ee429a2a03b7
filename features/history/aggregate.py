"""Events counted up to one moment, in SQL: DuckDB groups and sorts in the memory it is given and puts the rest on the disk."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from adverdict.domain.errors import InvalidTable, Mistake, UntrustedBundle, shorten
from adverdict.features.history.database import Database, text
from adverdict.features.history.entities import KINDS, microseconds
from adverdict.features.history.known import DISTINCT, USES, WINDOWS
from adverdict.features.history.layout import counted

EXAMPLES = 20
"""Labels about unknown ads that are named; all are counted."""
FIRST, LAST, OWN = "first_at", "last_at", "own"
"""Columns of times, and of whether a row of counts is the entity's own."""

SNAPSHOT_RULES = {
    f"kind not in {(*KINDS, *DISTINCT)!r}": "one of " + ", ".join((*KINDS, *DISTINCT)),
    "key is null": "the name of an entity",
    "len(times) is null or len(times) = 0": "at least one time",
    f"kind in {DISTINCT!r} and (policy is not null or len(things) <> len(times))": "one thing for each time in a set, and no policy",
    "policy is null and len(violating) > 0": "no violating times: the row is not about labels",
    "len(violating) > len(times)": "no more violating labels than labels",
}
"""What a row of a snapshot may not be, as SQL, and what is expected instead. Its digest has been checked: this guards against mix-ups."""


class Aggregation(Database):
    """Queries over the files of events, whose results are files too. A context manager."""

    def __init__(self, scratch: Path, moment: datetime, policies: Sequence[str], memory: int) -> None:
        super().__init__(scratch, memory)
        self._at, self._policies = microseconds(moment), tuple(policies)

    def begin(self, snapshot: Path | None) -> None:
        """Read the events, and what was known before them. Raises InvalidTable naming labels about unknown ads, and UntrustedBundle."""
        for name in ("submissions", "told", "labels"):
            self._view(name, self._scratch / name)
        if snapshot is None:
            nothing = "null::varchar kind, null::varchar key, null::varchar policy"
            lists = "[]::bigint[] times, []::bigint[] violating, []::varchar[] things"
            self._run(f"create view snapshot as select {nothing}, {lists} where false")
        else:
            self._view("snapshot", snapshot)
            self._check_snapshot(snapshot)
        self._keep("labelled", _LABELLED)
        self._refuse_orphans()
        self._keep("opinions", _OPINIONS.format(at=self._at, code=_code(self._policies)))

    @property
    def events(self) -> int:
        """No count of any entity is more."""
        lists = "select coalesce(sum(greatest(len(times), len(things))), 0) from snapshot"
        return int(self._run(f"select (select count(*) from submissions) + (select count(*) from opinions) + ({lists})")[0][0])

    def write(self, kind: str, to: Path) -> None:
        """The entities of one kind as Parquet, sorted by hash: hi, lo, first_at, last_at, then ``counted`` in its order."""
        self._copy(self._entities(kind), to)

    def _entities(self, kind: str) -> str:
        n, sets = len(self._policies), [name for name, (whose, _) in USES.items() if whose == kind]
        parts = [_seen(kind), _labelled(kind), *(_used(name) for name in sets)]
        ends = [f"sum(n) filter (what = 'ad' and at_us >= {self._at - window})" for window in WINDOWS]
        sums = [*ends, "sum(n) filter (what = 'ad')", "sum(n) filter (what = 'label')", "sum(violating)"]
        sums += [f"sum({of}) filter (what = 'label' and code = {code})" for of in ("n", "violating") for code in range(1, n + 1)]
        sums += [f"sum(n) filter (what = '{name}')" for name in sets]
        names = [f"c{number}" for number in range(len(counted(kind, self._policies)))]
        columns = ", ".join(f"coalesce({one}, 0)::bigint {name}" for one, name in zip(sums, names, strict=True))
        events = " union all ".join(part.format(at=self._at, code=_code(self._policies)) for part in parts)
        grouped = f"select key, min(at_us) {FIRST}, max(at_us) {LAST}, {columns} from ({events}) where n <> 0 group by key"
        hashed = f"select sha256(key) digest, * exclude (key) from ({grouped})"
        halves = ", ".join(f"('0x' || substr(digest, {start}, 16))::ubigint {half}" for half, start in (("hi", 1), ("lo", 17)))
        return f"select {halves}, {FIRST}, {LAST}, {', '.join(names)} from ({hashed}) order by hi, lo"

    def _refuse_orphans(self) -> None:
        (orphans,) = self._run("select count(*) from labelled where advertiser is null")[0]
        if orphans:
            rows = self._run(f'select "row", ad_id from labelled where advertiser is null order by "row" limit {EXAMPLES}')
            wrong = [Mistake("ad_id", ad_id, "the id of an ad in the table of ads", where=f"label {row}") for row, ad_id in rows]
            count = "1 label is" if orphans == 1 else f"{orphans} labels are"
            raise InvalidTable(f"{count} about unknown ads{f'; the first {EXAMPLES}' if orphans > EXAMPLES else ''}:", wrong)

    def _check_snapshot(self, snapshot: Path) -> None:
        for rule, expected in SNAPSHOT_RULES.items():
            found = self._run(f"select kind, key, policy from snapshot where {rule} limit 1")
            if found:
                raise UntrustedBundle(f"{snapshot}: not a history snapshot: row {shorten(found[0])}; expected {expected}")
        twice = self._run("select kind, key, policy from snapshot group by all having count(*) > 1 limit 1")
        if twice:
            raise UntrustedBundle(
                f"{snapshot}: not a history snapshot: row {shorten(twice[0])} twice; expected one row a kind, key and policy"
            )


_LABELLED = f"""
with versions as (
    select ad_id, {", ".join(KINDS)}, at_us as since, lead(at_us) over every as until, row_number() over every = 1 as earliest
    from submissions where ad_id in (select ad_id from labels)
    window every as (partition by ad_id order by at_us, {", ".join(f"coalesce({kind}, '')" for kind in KINDS)})
)
select l."row", l.ad_id, {", ".join(f"v.{kind}" for kind in KINDS)}, l.policy, l.violates, l.at_us,
coalesce(v.since, 0) as since, coalesce('r ' || l.rater, l.at_us || ' ' || l.violates) as who
from labels l left join versions v
on l.ad_id = v.ad_id and (v.earliest or l.at_us >= v.since) and (v.until is null or l.at_us < v.until)
"""
"""``entities.rows_of_labels``: each label with the last version of its ad submitted at or before it, or else the first one.

``who``: whose vote it is; of an unknown person, only the same row is the same label.
"""

_WHOSE = f"ad_id, since, {', '.join(KINDS)}, policy, who"
_VOTES = f"""
select {", ".join(KINDS)}, policy, last as violates, min(at_us) as at_us from (
    select *, max(place) filter (violates <> last) over (partition by {_WHOSE}) as turned from (
        select *, arg_max(violates, place) over (partition by {_WHOSE}) as last
        from (select *, 2 * at_us + violates::bigint as place from labelled)
    )
) where turned is null or place > turned group by {_WHOSE}, last
"""
"""``domain.votes``: of each person's labels on a version, the one with which they began to say what they said last."""

_OPINIONS = f"""
select {", ".join(KINDS)}, {{code}} as code, violates, weight from (
    select {", ".join(KINDS)}, policy, violates, at_us, 1 as weight from ({_VOTES})
    union all
    select {", ".join(KINDS)}, policy, violates, at_us, weight from told
) where at_us < {{at}}
"""
"""All labels given before the moment. ``code``: 1 for the first of the policies asked for, and so on; null for any other."""


def _seen(kind: str) -> str:
    """Submissions of each entity before the moment."""
    return f"""
    select {kind} as key, 'ad' as what, null::integer as code, at_us, 1::bigint as n, 0::bigint as violating
    from submissions where {kind} is not null and at_us < {{at}}
    union all
    select key, 'ad', null, at_us, 1, 0 from (select key, unnest(times) at_us from snapshot where kind = '{kind}' and policy is null)
    where at_us < {{at}}"""


def _labelled(kind: str) -> str:
    """Labels of each entity and policy, already summed: there are many policies, and a sum for each is dear."""
    return f"""
    select {kind}, 'label', code, null, sum(weight)::bigint, coalesce(sum(weight) filter (violates), 0)::bigint
    from opinions where {kind} is not null group by {kind}, code
    union all
    select key, 'label', {{code}}, null, count(*) filter (at_us < {{at}}), count(*) filter (bad < {{at}})
    from (select key, policy, unnest(times) at_us, unnest(violating) bad from snapshot where kind = '{kind}' and policy is not null)
    group by key, policy"""


def _used(name: str) -> str:
    """How many different things each entity used before the moment."""
    whose, what = USES[name]
    return f"""
    select key, '{name}', null, null, count(*), 0 from (
        select {whose} as key, {what} as thing from submissions where {whose} is not null and {what} is not null and at_us < {{at}}
        union
        select key, thing from (select key, unnest(things) thing, unnest(times) at_us from snapshot where kind = '{name}')
        where at_us < {{at}}
    ) group by key"""


def _code(policies: Sequence[str]) -> str:
    """Of a policy, as SQL: its number among ``policies``, from 1; null where it is none of them."""
    cases = " ".join(f"when {text(policy)} then {code}" for code, policy in enumerate(policies, start=1))
    return f"(case policy {cases} end)" if policies else "null::integer"
