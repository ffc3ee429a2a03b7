"""``adverdict rescore``: what it prints, what it refuses, and how it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adverdict.cli.main import app
from adverdict.cli.rescore import run as rescore_run
from adverdict.rescoring.deciding.run import rescore
from adverdict.rescoring.deciding.summary import DuplicateIds, Effort, GivenUp, Summary
from tests.golden import Golden
from tests.rescoring.deciding import AS_OF, START, Bench, in_process, rows_of
from tests.scoring.fakes import open_fake

RUNNER = CliRunner()
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    in_process(monkeypatch)
    monkeypatch.setattr("adverdict.rescoring.deciding.run.rescore", partial(rescore, open_model=open_fake))
    monkeypatch.setenv("ADVERDICT_HOME", str(tmp_path / "home"))
    return Bench.make(tmp_path)


def run(bench: Bench, *others: str) -> tuple[int, str]:
    home = bench.home
    told = ["--ads", home / "ads", "--out", home / "out", "--model", home / "bundle", "--policies", home / "policies", *others]
    result = RUNNER.invoke(app, ["rescore", "--as-of", "2026-04-01", "--rows-per-shard", "20", *map(str, told)])
    assert "Traceback" not in result.output
    return result.exit_code, re.sub(r"[ \t]+", " ", result.output)


def test_all_ads_are_decided_and_the_next_command_is_told(bench: Bench) -> None:
    code, said = run(bench)
    assert code == 0, said
    assert "100 ads decided as of 2026-04-01 00:00 UTC by bundle v1" in said
    assert "SE 43 0 7 50" in said
    assert f"adverdict rescore diff --out OTHER --against {bench.home / 'out'}" in said, "no ledger is here"
    assert {row["as_of"] for row in rows_of(bench.home / "out")} == {AS_OF}


def test_quarantine_ends_the_command_with_3_and_tells_where_to_look(bench: Bench) -> None:
    (bench.home / "ads" / "1.parquet").write_bytes(b"not a table")
    code, said = run(bench)
    assert code == rescore_run.QUARANTINED == 3
    assert "50 ads decided" in said
    assert "part-00001-00000" in said
    assert f"look in {bench.home}/out/_adverdict/quarantine" in said


def test_a_second_run_is_told_to_resume_and_then_has_nothing_left_to_do(bench: Bench) -> None:
    assert run(bench)[0] == 0
    code, said = run(bench)
    assert (code, "--resume" in said) == (1, True)
    code, said = run(bench, "--resume")
    assert code == 0
    assert "6 of 6 shards were decided before and stay" in said
    assert "nothing was left to decide" in said
    assert "0 shards" not in said
    code, said = run(bench, "--resume", "--since", "2026-03-01T10:00")
    assert code == 2
    assert "since = '2026-03-01T10:00:00+00:00'" in said


def test_every_option_that_cannot_be_used_is_named_at_once() -> None:
    told = ["--engine", "spark", "--as-of", "soon", "--since", "late", "--limit-memory", "much"]
    result = RUNNER.invoke(app, ["rescore", *told])
    assert result.exit_code == 2
    for option in (
        "--ads = '(none)'",
        "--out = '(none)'",
        "--engine = 'spark'",
        "--as-of = 'soon'",
        "--since = 'late'",
        "--limit-memory = 'much'",
    ):
        assert option in result.output


@pytest.mark.parametrize("before", [("--out", "there"), ("--limit-memory", "1GiB"), ("--rows-per-shard", "8192"), ("--resume",)])
def test_options_before_a_subcommand_are_refused(before: tuple[str, ...]) -> None:
    result = RUNNER.invoke(app, ["rescore", *before, "diff", "--out", "there"])
    assert result.exit_code == 2
    assert "come after 'diff'" in re.sub(r"[\s│]+", " ", result.output)


def test_what_is_printed_at_the_end(golden: Golden) -> None:
    golden.check("rescore.txt", rescore_run.report(summary()))


def test_without_a_ledger_only_what_works_is_proposed() -> None:
    said = rescore_run.report(summary(), lacking="no ledger at sqlite:///l.db: 'adverdict serve' makes it").splitlines()
    assert said[-3].startswith("no ledger at sqlite:///l.db: 'adverdict serve' makes it.")
    assert said[-1] == "  adverdict rescore diff --out OTHER --against s3://bucket/out"
    assert not any("what would change" in line for line in said)


def test_a_moment_that_has_not_come_is_told() -> None:
    told = summary()
    assert "not come" not in rescore_run.report(told)
    assert "warning: as of a moment that has not come" in rescore_run.report(told.model_copy(update={"as_of": AS_OF + timedelta(days=1)}))


def test_of_a_file_without_a_footer_no_number_of_rows_is_claimed() -> None:
    said = rescore_run.report(summary().model_copy(update={"rows_in_quarantined_shards": 0}))
    assert "1 shard could not be decided; what stands, stands:" in said


def test_time_left_is_told_only_once_an_ad_was_decided() -> None:
    pace = rescore_run.Pace(shards=2, ads=100, before=0)
    pace.add(0, 0, 0)
    assert pace.left() == ""
    pace.add(50, 0, 0)
    assert pace.left().endswith(" left")


def test_of_many_causes_the_most_frequent_are_told() -> None:
    causes = {f"no_risk:policy_{number}": 9 - number for number in range(7)}
    said = rescore_run.report(summary().model_copy(update={"degraded": 9, "degraded_by": causes}))
    assert "9 of 82,248 decisions are degraded: no_risk:policy_0 9," in said
    assert "no_risk:policy_4 5, and 2 more" in said
    assert "policy_5" not in said


@pytest.mark.slow
def test_ctrl_c_ends_it_with_130_and_says_how_to_go_on(tmp_path: Path) -> None:
    bench = Bench.make(tmp_path)
    command = [sys.executable, "-c", INTERRUPTED, str(bench.home)]
    running = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"ADVERDICT_HOME": str(tmp_path)}, stderr=subprocess.PIPE, text=True)
    done = tmp_path / "out" / "_adverdict" / "done"
    end = time.monotonic() + 60
    while not list(done.glob("*.json")):
        assert time.monotonic() < end
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130, said
    assert "--resume goes on" in said
    assert "Traceback" not in said
    assert 1 <= len(list(done.glob("*.json"))) < 6


INTERRUPTED = """
import sys
from functools import partial
import adverdict.rescoring.deciding.run as module
from tests.rescoring.deciding import Bench, slow
from tests.scoring.fakes import open_fake
module.rescore = partial(module.rescore, open_model=open_fake, make=slow)
from adverdict.cli.main import app
home = sys.argv[1]
told = ["--ads", f"{home}/ads", "--out", f"{home}/out", "--model", f"{home}/bundle", "--policies", f"{home}/policies"]
if __name__ == "__main__":
    app(["rescore", *told, "--rows-per-shard", "20", "--workers", "2"])
"""


def summary() -> Summary:
    markets = {"GB": Counter(approve=1200, review=34, reject=5), "SE": Counter(approve=81_000, review=9)}
    return Summary(
        run_id="run-0123456789abcdef",
        out="s3://bucket/out",
        started_at=AS_OF,
        finished_at=AS_OF,
        as_of=AS_OF,
        since=START,
        bundle_version="0123456789abcdef",
        policy_hash="0" * 64,
        threshold_set="1" * 64,
        shards=12,
        ads=82_248,
        skipped=1,
        verdicts={"approve": 82_200, "review": 43, "reject": 5},
        markets={market: dict(found) for market, found in markets.items()},
        degraded=3,
        degraded_by={"licence_unknown:gambling": 2, "encoder_missing": 1},
        quarantined_rows=2,
        quarantined_shards=(GivenUp(shard="part-00001-00000", reason="\x1b[31m1.parquet: no Parquet file"),),
        rows_in_quarantined_shards=8192,
        twice=DuplicateIds(ads=2, rows=5, examples=("ad-1", "ad-\u202e2")),
        texts=82_248,
        encoded=30_000,
        effort=Effort(
            engine="local",
            workers=2,
            shards=12,
            ads=82_248,
            seconds=100.0,
            ads_per_second=822.48,
            driver_peak_mib=99.6,
            worker_peak_mib=512.2,
        ),
    )
