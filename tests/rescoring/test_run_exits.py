"""A run holds on to the exit rule it was begun with, and what was written before there were any is read as it was."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from adverdict.decisions.exits import ExitRule
from adverdict.domain.errors import InvalidInput
from adverdict.rescoring.folder.manifest import Run, RunFolder
from tests.rescoring.tables import MOMENT
from tests.rescoring.test_manifest import SHARDS, a_run, begun, publish

RULE = ExitRule(0.01, "exit-0123456789abcdef", MOMENT + timedelta(days=90))


def test_a_run_without_an_exit_rule_and_with_reasons_has_the_id_it_had_before_that_was_a_choice() -> None:
    run = a_run(policy_hash="5a" * 32, thresholds="0" * 64, reasons=True)
    assert run.run_id == "run-0ca489b02120e3cf"
    stored = json.loads(run.to_json())
    del stored["exits"], stored["reasons"]
    assert Run.model_validate_json(json.dumps(stored)) == run


def test_an_exit_rule_is_part_of_what_a_run_is_and_reads_back() -> None:
    run = a_run(exits=RULE)
    others = [a_run(), a_run(exits=replace(RULE, limit=0.02)), a_run(exits=replace(RULE, certificate_id="exit-1"))]
    assert len({one.run_id for one in (run, *others)}) == 4
    assert a_run(exits=replace(RULE, expires_at=None)).run_id == run.run_id, "when it expires moves no row"
    assert Run.model_validate_json(run.to_json()) == run


@pytest.mark.parametrize(
    ("before", "now", "named"),
    [
        (None, RULE, {"exits.certificate": ("exit-0123456789abcdef", "None"), "exits.limit": (0.01, "None")}),
        (RULE, None, {"exits.certificate": (None, "'exit-0123456789abcdef'"), "exits.limit": (None, "0.01")}),
        (RULE, replace(RULE, certificate_id="exit-1"), {"exits.certificate": ("exit-1", "'exit-0123456789abcdef'")}),
    ],
)
def test_a_run_is_not_gone_on_with_under_another_exit_rule(
    tmp_path: Path, before: ExitRule | None, now: ExitRule | None, named: dict[str, tuple[object, str]]
) -> None:
    begun(str(tmp_path), a_run(exits=before))
    with pytest.raises(InvalidInput) as error:
        begun(str(tmp_path), a_run(exits=now), resume=True)
    assert {one.field: (one.value, one.expected.removesuffix(", as on record")) for one in error.value.mistakes} == named


def test_files_written_before_ads_could_leave_early_are_read(tmp_path: Path) -> None:
    folder = begun(str(tmp_path))
    publish(folder, SHARDS[0])
    before = [row for table in folder.decisions() for row in table.to_pylist()]
    for path in tmp_path.rglob("*.parquet"):
        pq.write_table(pq.ParquetFile(path).read().drop_columns(["exit", "exit_certificate"]), path)
    assert [row for table in RunFolder.open(tmp_path).decisions() for row in table.to_pylist()] == before
    assert {row["exit"] for row in before} == {None}
    [table] = RunFolder.open(tmp_path).decisions(["exit", "ad_id"])
    assert table.column_names == ["exit", "ad_id"]
