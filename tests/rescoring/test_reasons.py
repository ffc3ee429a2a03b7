"""A rescoring writes why only where it is asked to, or where nobody could say it later; a diff asks of what it shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from adverdict.domain.ad import Label
from adverdict.domain.errors import InvalidInput, NotFound
from adverdict.rescoring.deciding.progress import SilentProgress
from adverdict.rescoring.deciding.run import Options, rescore
from adverdict.rescoring.diff.diff import diff
from adverdict.rescoring.diff.difference import Difference
from adverdict.rescoring.diff.record import RunRecord
from adverdict.rescoring.folder.manifest import RunFolder
from adverdict.scoring.model import Model
from adverdict.storage.tables.pack import write_ads, write_labels
from adverdict.workforce.handling import HandlingTimes
from tests.rescoring.deciding import START, Bench, an_ad, in_process, rows_of
from tests.scoring.fakes import FakeModel, open_fake


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    in_process(monkeypatch)
    monkeypatch.setenv("ADVERDICT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ADVERDICT_DATABASE_URL", raising=False)
    return Bench.make(tmp_path)


def run(options: Options) -> Path:
    rescore(options, SilentProgress(), open_model=open_fake)
    return Path(options.out)


def test_reasons_are_written_of_what_stops_an_ad_where_they_were_asked_for_and_nothing_else_differs(bench: Bench) -> None:
    without, with_them = rows_of(run(bench.options("without"))), rows_of(run(bench.options("with", reasons=True)))
    assert {bool(row["reasons"]) for row in without} == {False}
    assert {(row["verdict"], bool(row["reasons"])) for row in with_them} == {("approve", False), ("reject", True)}
    of_the_run = ("decision_id", "decided_at", "reasons", "audit")
    plain = [[{name: value for name, value in row.items() if name not in of_the_run} for row in rows] for rows in (without, with_them)]
    assert plain[0] == plain[1]


def test_a_run_is_gone_on_with_as_it_was_begun(bench: Bench) -> None:
    out = run(bench.options(reasons=True))
    assert RunFolder.open(run(bench.options(resume=True))).run.reasons
    with pytest.raises(InvalidInput) as refused:
        run(bench.options(resume=True, reasons=False))
    assert [(one.field, one.value, one.expected) for one in refused.value.mistakes] == [("reasons", False, "True, as on record")]
    assert RunFolder.open(out).run.reasons


@pytest.mark.parametrize(("ledger", "written"), [(False, False), (True, True)])
def test_what_a_folder_told_no_ledger_can_tell_again_once_it_is_applied(
    bench: Bench, ledger: bool, written: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from adverdict.ledger.store import Ledger

    if ledger:
        url = f"sqlite:///{bench.home / 'ledger.db'}"
        monkeypatch.setenv("ADVERDICT_DATABASE_URL", url)
        Ledger.open(url).close()
    (bench.home / "known").mkdir()
    write_ads(bench.home / "known" / "ads.parquet", [an_ad(1)])
    label = Label(ad_id="ad-1", policy="deceptive", violates=True, labelled_at=START, rater_id="r1")
    write_labels(bench.home / "known" / "labels.jsonl", [label])
    folder = RunFolder.open(run(bench.options(settings=bench.settings(), history=bench.home / "known")))
    assert folder.run.reasons == written


def turned(bench: Bench, asked: Model | None) -> Difference:
    """Everything went to people before, and is approved or rejected now. ``asked``: what is found as the model that decided."""
    policies = bench.home / "policies" / "default.yaml"
    usual = policies.read_text()
    policies.write_text(usual.replace("approve_below: 0.1, reject_at: 0.9", "approve_below: 0.001, reject_at: 0.995"))
    before = run(bench.options("before"))
    policies.write_text(usual)

    def model(version: str) -> Model:
        if asked is None:
            raise NotFound(f"bundle {version} is neither downloaded nor registered")
        return asked

    return diff(RunFolder.open(run(bench.options("now"))), RunRecord(RunFolder.open(before)), HandlingTimes(), model=model)


def test_a_diff_asks_what_decided_why_also_of_what_is_approved_now(bench: Bench) -> None:
    found = turned(bench, FakeModel())
    assert {(one.was, one.now) for one in found.examples} == {("review", "approve"), ("review", "reject")}
    assert found.reasons_missing is None
    for one in found.examples:
        assert one.reasons is not None
        assert {reason.policy for reason in one.reasons} == {change.policy for change in one.changes}


@pytest.mark.parametrize(
    ("asked", "missing"),
    [
        (None, "bundle v1 is neither downloaded nor registered"),
        (FakeModel("v2"), "this machine has bundle v2, and the run decides by v1"),
        (FakeModel(otherwise=0.02), None),
    ],
)
def test_reasons_that_are_not_those_of_the_decision_are_not_shown(bench: Bench, asked: Model | None, missing: str | None) -> None:
    found = turned(bench, asked)
    assert {one.reasons for one in found.examples if one.now == "approve"} == {None}
    assert found.reasons_missing == missing
