"""Decisions as columns, and back again exactly."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from adverdict.domain.ad import Ad
from adverdict.domain.decision import Arm, Audit, Decision, PolicyVerdict, Reason
from adverdict.domain.errors import InvalidTable, Mistake
from adverdict.domain.risk import RiskScore

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS = (
    "decision_id",
    "ad_id",
    "advertiser_id",
    "market",
    "surface",
    "verdict",
    "uncertified",
    "degraded",
    "impressions",
    "submitted_at",
    "as_of",
    "decided_at",
    "policies",
    "unused_risks",
    "reasons",
    "audit",
    "bundle_version",
    "policy_hash",
    "threshold_set",
    "history_seq",
    "exit",
    "exit_certificate",
    "familiarity",
    "arm",
    "cluster",
    "steered_seq",
    "record",
    "shard",
    "row",
)
ADDED: dict[str, int | None] = {
    **dict.fromkeys(("exit", "exit_certificate")),
    **dict.fromkeys(("unused_risks", "familiarity", "arm", "cluster", "steered_seq")),
    "record": 1,
}
"""Columns that tables lack which were written before there was an early exit, or before record 2; and what they hold to who reads them."""
OF_AD = ("impressions", "submitted_at")
OF_RUN = ("shard", "row")
MOMENTS = ("submitted_at", "as_of", "decided_at")
VERDICTS = (
    "policy",
    "verdict",
    "p",
    "p_low",
    "p_high",
    "approve_below",
    "reject_at",
    "certificate_id",
    "because",
    "advertiser_reason",
    "standing",
)
NESTED = ("policies", "unused_risks", "reasons", "audit", "arm")
RISK = ("p", "p_low", "p_high")
_NO_RISK = dict.fromkeys(RISK)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DECISIONS: TypeAdapter[list[Decision]] = TypeAdapter(list[Decision])


def schema() -> pa.Schema:
    """The columns and their types. ``market`` is in the path of a published file, not in the file."""
    import pyarrow as pa

    text, number, moment = pa.string(), pa.float64(), pa.timestamp("us", tz="UTC")
    types = dict.fromkeys(COLUMNS, text) | dict.fromkeys(MOMENTS, moment)
    types |= {"uncertified": pa.bool_(), "degraded": pa.list_(text), "impressions": number, "history_seq": pa.int64(), "row": pa.int64()}
    numbers = {*RISK, "approve_below", "reject_at"}
    types["policies"] = pa.list_(pa.struct([(name, number if name in numbers else text) for name in VERDICTS]))
    types["reasons"] = pa.list_(pa.struct([(name, number if name == "effect" else text) for name in Reason.model_fields]))
    types |= {"familiarity": number, "steered_seq": pa.int64(), "record": pa.int64()}
    types["unused_risks"] = pa.list_(pa.struct([(name, text if name == "policy" else number) for name in RiskScore.model_fields]))
    types["audit"] = pa.struct([("probability", number), ("chosen", pa.bool_()), ("design", text)])
    types["arm"] = pa.struct([(name, number if name in ("bucket", "share") else text) for name in Arm.model_fields])
    return pa.schema([(name, types[name]) for name in COLUMNS])


def to_table(rows: Sequence[int], ads: Sequence[Ad], decisions: Sequence[Decision], shard: str) -> pa.Table:
    """One row a decision, in order. ``rows[i]`` is the row of ``ads[i]`` in its file, from 1; ``decisions[i]`` is about ``ads[i]``."""
    import pyarrow as pa

    if not len(rows) == len(ads) == len(decisions):
        raise ValueError(f"{len(rows)} rows, {len(ads)} ads and {len(decisions)} decisions of {shard} do not belong together")
    kinds = schema()
    plain = [name for name in COLUMNS if name not in (*OF_AD, *OF_RUN, *NESTED)]
    columns: dict[str, Any] = {**_fields(decisions, plain), **_fields(ads, OF_AD), "shard": [shard] * len(rows), "row": rows}
    arrays = {name: pa.array(values, kinds.field(name).type) for name, values in columns.items()}
    arrays["policies"] = _policies([decision.policies for decision in decisions], kinds.field("policies").type)
    arrays["unused_risks"] = _lists([decision.unused_risks for decision in decisions], kinds.field("unused_risks").type)
    arrays["reasons"] = _lists([decision.reasons for decision in decisions], kinds.field("reasons").type)
    arrays["audit"] = _structs([decision.audit for decision in decisions], kinds.field("audit").type)
    arrays["arm"] = _structs([decision.arm for decision in decisions], kinds.field("arm").type)
    return pa.Table.from_arrays([arrays[name] for name in COLUMNS], schema=kinds)


def decisions_of(table: pa.Table) -> list[Decision]:
    """The decisions of a table that ``to_table`` made, equal to the last bit. Raises InvalidTable with what is none."""
    table = completed(table)
    fields = [name for name in COLUMNS if name not in (*OF_AD, *OF_RUN)]
    lacking = [name for name in fields if name not in table.column_names]
    if lacking:
        expected = f"a column of this name; the columns found: {', '.join(table.column_names)}"
        raise InvalidTable("not a table of decisions", [Mistake(name, None, expected) for name in lacking])
    lists = [_moments(table.column(name)) if name in MOMENTS else table.column(name).to_pylist() for name in fields]
    values = [dict(zip(fields, row, strict=True)) for row in zip(*lists, strict=True)]
    for value in values:
        for policy in value["policies"]:
            risk = {name: policy.pop(name) for name in RISK}
            policy["risk"] = None if risk["p"] is None else {"policy": policy["policy"], **risk}
    try:
        return _DECISIONS.validate_python(values)
    except ValidationError as error:
        raise InvalidTable(
            f"not a table of decisions: {error.error_count()} values are none; the first: {error.errors()[0]['msg']}"
        ) from error


def completed(table: pa.Table) -> pa.Table:
    """With the columns of ``ADDED`` that it lacks."""
    import pyarrow as pa

    for name, told in ADDED.items():
        if name not in table.column_names:
            table = table.append_column(name, pa.array([told] * len(table), schema().field(name).type))
    return table


def parquet_of(table: pa.Table) -> bytes:
    """As a file: the same rows give the same bytes."""
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(table.combine_chunks(), sink, compression="zstd", row_group_size=65_536)
    return sink.getvalue()


def _policies(told: Sequence[Sequence[PolicyVerdict]], kind: Any) -> Any:
    """A risk becomes three numbers beside the verdict, all null without one."""
    import pyarrow as pa

    flat = [one for verdicts in told for one in verdicts]
    columns = _fields(flat, [*(name for name in VERDICTS if name not in RISK), "risk"])
    risks = [_NO_RISK if risk is None else risk.__dict__ for risk in columns.pop("risk")]
    if any(risk["policy"] != policy for risk, policy in zip(risks, columns["policy"], strict=True) if risk is not _NO_RISK):
        raise ValueError("a verdict holds the risk of another policy")
    columns |= {name: [risk[name] for risk in risks] for name in RISK}
    return _list_array(told, pa.StructArray.from_arrays(*_struct(columns, kind.value_type)), kind)


def _lists(told: Sequence[Sequence[Reason | RiskScore] | None], kind: Any) -> Any:
    """A list of structs a row; null for None."""
    import pyarrow as pa

    columns = _fields([one for some in told for one in some or ()], [field.name for field in kind.value_type])
    return _list_array(told, pa.StructArray.from_arrays(*_struct(columns, kind.value_type)), kind)


def _structs(told: Sequence[Audit | Arm | None], kind: Any) -> Any:
    import pyarrow as pa

    columns = {field.name: [None if one is None else getattr(one, field.name) for one in told] for field in kind}
    arrays, names = _struct(columns, kind)
    return pa.StructArray.from_arrays(arrays, names, mask=pa.array([one is None for one in told], pa.bool_()))


def _struct(columns: dict[str, Any], kind: Any) -> tuple[list[Any], list[str]]:
    import pyarrow as pa

    return [pa.array(columns[field.name], field.type) for field in kind], [field.name for field in kind]


def _list_array(told: Sequence[Sequence[Any] | None], flat: Any, kind: Any) -> Any:
    import pyarrow as pa

    offsets = pa.array(accumulate((len(one or ()) for one in told), initial=0), pa.int32())
    missing = pa.array([one is None for one in told], pa.bool_()) if None in told else None
    return pa.ListArray.from_arrays(offsets, flat, type=kind, mask=missing)


def _fields(objects: Sequence[Any], names: Sequence[str]) -> dict[str, list[Any]]:
    """The values of each field. Straight from the objects' dictionaries, which is three times as fast as asking for attributes."""
    values = [one.__dict__ for one in objects]
    return {name: [value[name] for value in values] for name in names}


def _moments(column: Any) -> list[datetime | None]:
    import pyarrow as pa

    return [None if one is None else _EPOCH + timedelta(microseconds=one) for one in column.cast(pa.int64()).to_pylist()]
