"""The history survives being written, and a snapshot that was tampered with is refused with what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given

from adverdict.domain.errors import UntrustedBundle
from adverdict.features.history.columns import SCHEMA
from adverdict.features.history.snapshot import from_table, read_snapshot, to_table, write_snapshot
from adverdict.features.history.state import HistoryState
from tests.features.history.worlds import ALL_POLICIES, START, World, a_label, an_ad, difference, worlds

Row = dict[str, Any]


@given(worlds(), worlds())
def test_a_snapshot_counts_as_the_state_did_and_goes_on_from_there(world: World, later: World) -> None:
    state = HistoryState()
    state.observe(*world)
    again = from_table(to_table(state))
    assert again == state
    assert difference(again.counts(later[0], ALL_POLICIES), state.counts(later[0], ALL_POLICIES)) == []
    for one in (state, again):
        one.observe(*later)
    assert again == state


@given(worlds())
def test_the_order_of_rows_and_chunks_does_not_matter(world: World) -> None:
    state = HistoryState()
    state.observe(*world)
    table = to_table(state)
    rows = [table.slice(row, 1) for row in reversed(range(len(table)))]
    assert from_table(pa.concat_tables([table.slice(0, 0), *rows])) == state


def test_equal_states_give_equal_files(tmp_path: Path) -> None:
    state = a_state()
    write_snapshot(state, tmp_path / "a.parquet")
    write_snapshot(read_snapshot(tmp_path / "a.parquet"), tmp_path / "b.parquet")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    assert read_snapshot(tmp_path / "b.parquet") == state


def test_states_that_know_different_things_are_not_equal() -> None:
    state = a_state()
    state.observe_ads([an_ad("more", START)])
    assert state != a_state()


def set_field(kind: str, field: str, value: Any) -> Callable[[list[Row]], None]:
    def change(rows: list[Row]) -> None:
        row = next(row for row in rows if row["kind"] == kind and (field != "violating" or row["policy"]))
        row[field] = value

    return change


def repeat_first_row(rows: list[Row]) -> None:
    rows.append(rows[0])


def violate_without_label(rows: list[Row]) -> None:
    row = next(row for row in rows if row["violating"])
    row["violating"] = [row["times"][0]] * (len(row["times"]) + 1)


def violate_between_labels(rows: list[Row]) -> None:
    row = next(row for row in rows if row["violating"])
    row["violating"] = [row["times"][0] - 1]


@pytest.mark.parametrize(
    ("tamper", "named"),
    [
        (set_field("market", "kind", "planet"), "row 10: kind = 'planet'; expected one of advertiser, creative, domain, market"),
        (set_field("market", "kind", None), "kind = None; expected no nulls"),
        (set_field("market", "times", None), "times = None; expected no nulls"),
        (set_field("market", "times", [None]), "times = None; expected lists without nulls"),
        (set_field("market", "times", []), "times = 0; expected at least one time"),
        (set_field("market", "times", [2, 1]), "times = 'DE'; expected times in order"),
        (set_field("creative", "violating", [2, 1]), "violating = 'c'; expected times in order"),
        (set_field("market", "things", ["x"]), "things = 1; expected one for each of times in a set, none elsewhere"),
        (set_field("advertiser_domains", "things", []), "things = 0; expected one for each of times"),
        (set_field("advertiser_markets", "things", ["SE", "SE"]), "things = 'adv'; expected different things"),
        (set_field("advertiser_markets", "policy", "gambling"), "policy = 'gambling'; expected null for a set of things"),
        (repeat_first_row, "key = 'adv'; expected one row a kind, key and policy"),
        (violate_between_labels, "expected times that are among the labels' times"),
        (violate_without_label, "expected times that are among the labels' times"),
    ],
)
def test_a_wrong_row_is_refused_and_named(tamper: Callable[[list[Row]], None], named: str) -> None:
    rows = to_table(a_state()).to_pylist()
    tamper(rows)
    with pytest.raises(UntrustedBundle) as refused:
        from_table(pa.Table.from_pylist(rows, schema=SCHEMA))
    assert named in str(refused.value)


def test_all_wrong_rows_are_named_at_once() -> None:
    rows = to_table(a_state()).to_pylist()
    set_field("market", "times", [])(rows)
    set_field("creative", "kind", "planet")(rows)
    with pytest.raises(UntrustedBundle, match=r"(?s)'planet'.*at least one time"):
        from_table(pa.Table.from_pylist(rows, schema=SCHEMA))


def test_other_columns_are_refused_with_both_lists(tmp_path: Path) -> None:
    path = tmp_path / "history.parquet"
    pq.write_table(pa.table({"kind": [1]}), path)
    with pytest.raises(UntrustedBundle, match=r"(?s)history.parquet: .*columns = 'kind: int64'; expected kind: string, key: string"):
        read_snapshot(path)


@pytest.mark.parametrize("content", [None, b"", b"PAR1", b"\x80\x04pickle", b"PAR1" + b"\xff" * 64 + b"PAR1"])
def test_a_file_that_is_no_parquet_is_refused_by_name(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "history.parquet"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UntrustedBundle, match=r"history\.parquet"):
        read_snapshot(path)


def test_no_byte_of_a_file_can_be_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "history.parquet"
    write_snapshot(a_state(), path)
    whole = path.read_bytes()
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        with pytest.raises(UntrustedBundle):
            read_snapshot(path)


def a_state() -> HistoryState:
    state = HistoryState()
    ads = [
        an_ad(str(i), START + timedelta(days=i), market=market, creative_id="c", landing_domain="a.example")
        for i, market in enumerate(["SE", "DE"])
    ]
    labels = [a_label("0", START + timedelta(days=3), violates) for violates in (True, False)]
    state.observe(ads, labels)
    return state
