"""``adverdict data``: tables are looked at, and what was understood can be kept."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adverdict.cli import console
from adverdict.cli.main import app
from adverdict.decisions.files.read import read_policies
from adverdict.storage.tables.pack import read_pack
from tests.storage.test_foreign import HEADER, ROW, database

RUNNER = CliRunner()
SEMICOLONS = f"{';'.join(HEADER)}\n{';'.join(ROW)}\n"


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of 80 columns."""
    monkeypatch.setattr(console.out, "width", 80)
    monkeypatch.setattr(console.err, "width", 80)


def test_what_was_understood_fits_a_terminal_and_is_kept_once(tmp_path: Path) -> None:
    (tmp_path / "ads.csv").write_text(SEMICOLONS)
    checked = RUNNER.invoke(app, ["data", "check", str(tmp_path), "--write", "--json", str(tmp_path / "x.json")])
    assert checked.exit_code == 0, checked.output
    assert max(map(len, checked.output.replace(str(tmp_path), "").splitlines())) <= 80
    assert "readable if what was assumed is right" in checked.output
    assert "separator: ;" in (tmp_path / "data.yaml").read_text()
    assert json.loads((tmp_path / "x.json").read_text())["assumed"].keys() == {"separator"}
    again = RUNNER.invoke(app, ["data", "check", str(tmp_path), "--write"])
    assert again.exit_code == 1
    assert "--force writes over it" in again.output
    assert "said" in RUNNER.invoke(app, ["data", "check", str(tmp_path)]).output


def test_first_rows_keep_their_ids_beside_long_texts_and_show_nothing_that_nobody_stated(tmp_path: Path) -> None:
    (tmp_path / "ads.csv").write_text(f"ad_id,advertiser_id,country,title,text\nad-1,adv-1,SE,{'long ' * 9},{'longer ' * 30}\n")
    said = RUNNER.invoke(app, ["data", "check", str(tmp_path)]).output
    assert re.search(r"^ ad-1 +adv-1 +SE +long long \S.*… +longer longer.*…", said, re.MULTILINE), said
    assert "2000-01-01" not in said
    (tmp_path / "ads.csv").write_text("text\nHi\n")
    said = RUNNER.invoke(app, ["data", "check", str(tmp_path)]).output
    assert "unknown-" not in said


def test_a_column_of_labels_in_other_words_is_named_with_the_words_that_are_read(tmp_path: Path) -> None:
    (tmp_path / "ads.csv").write_text("text,Spam\nHi,gut\nHo,schlecht\n")
    said = RUNNER.invoke(app, ["data", "check", str(tmp_path)]).output
    assert "column 'Spam' (gut, schlecht) looks like a label; one says yes or no, true or false, 1 or 0" in " ".join(said.split())


def test_a_decimal_comma_is_refused_with_where_one_is_read(tmp_path: Path) -> None:
    (tmp_path / "ads.csv").write_text(f'{",".join(HEADER)},impressions\n{",".join(ROW)},"12,5"\n')
    said = RUNNER.invoke(app, ["data", "check", str(tmp_path)]).output
    expected = "expected a number with a decimal point; a comma is read where semicolons separate columns"
    assert f"impressions = '12,5'; {expected}" in " ".join(said.split())


def test_an_id_that_is_refused_is_not_said_to_be_decided(tmp_path: Path) -> None:
    row = ",".join(["1.23457E+17", *ROW[1:]])
    (tmp_path / "ads.csv").write_text(f"{','.join(HEADER)}\n{row}\n{row}\n")
    said = RUNNER.invoke(app, ["data", "check", str(tmp_path)]).output
    assert ("a spreadsheet has rounded" in " ".join(said.split()), "decided each by itself" in said) == (True, False)


def test_rows_out_of_the_contract_end_with_one(tmp_path: Path) -> None:
    (tmp_path / "ads.csv").write_text(SEMICOLONS.replace(";", ",").replace("SE", "Atlantis"))
    checked = RUNNER.invoke(app, ["data", "check", str(tmp_path)])
    assert checked.exit_code == 1
    assert "market = 'Atlantis'; expected" in checked.output


def test_a_query_is_checked_and_has_no_place_for_a_file(tmp_path: Path) -> None:
    url = database(tmp_path / "x.db", HEADER, [ROW])
    assert RUNNER.invoke(app, ["data", "check", "--sql", url, "SELECT * FROM ads"]).exit_code == 0
    both = RUNNER.invoke(app, ["data", "check", str(tmp_path), "--sql", url, "SELECT 1"])
    assert (both.exit_code, "the data comes from one place" in both.output) == (2, True)
    none = RUNNER.invoke(app, ["data", "check"])
    assert (none.exit_code, "DIR|FILE = None; expected a folder" in none.output) == (2, True)
    write = RUNNER.invoke(app, ["data", "check", "--write", "--sql", url, "SELECT ad_id AS id, market, title FROM ads"])
    assert (write.exit_code, "a folder that data.yaml can lie in" in write.output.replace("\n", " ")) == (2, True)


def test_tables_are_converted_to_a_pack_and_to_adcom_and_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(SEMICOLONS.replace("title", "title;spam").replace(";Hi", ";Hi;yes"))
    said = ["--separator", "semicolon", "--label", "spam", "--policy", "spam"]
    pack, adcom = tmp_path / "pack", tmp_path / "x.jsonl"
    made = RUNNER.invoke(app, ["data", "convert", str(tmp_path / "x.csv"), "--out", str(pack), *said])
    assert (made.exit_code, "wrote 1 ad and 1 label" in made.output) == (0, True), made.output
    made = RUNNER.invoke(app, ["data", "convert", str(pack), "--out", str(adcom), "--to", "adcom"])
    assert (made.exit_code, "of labels AdCOM keeps one answer an ad" in made.output) == (0, True), made.output
    back = ["data", "convert", str(adcom), "--format", "adcom", "--label", "audit", "--policy", "spam", "--out"]
    assert RUNNER.invoke(app, [*back, str(tmp_path / "again")]).exit_code == 0
    assert read_pack(tmp_path / "again").ads == read_pack(pack).ads
    assert [label.violates for label in read_pack(tmp_path / "again").labels] == [True]
    assert RUNNER.invoke(app, [*back, str(pack)]).exit_code == 1, "it is already there"
    assert RUNNER.invoke(app, [*back, str(tmp_path / "y"), "--to", "klingon"]).exit_code == 2


def test_many_mistakes_of_a_table_lead_to_the_command_that_counts_them_by_kind(tmp_path: Path) -> None:
    rows = "".join(f"a{number},v,SE,2026-03-01T09:30:00Z,Hi,perhaps\n" for number in range(50))
    (tmp_path / "ads.csv").write_text(f"ad_id,advertiser_id,market,submitted_at,title,advertiser_verified\n{rows}")
    done = RUNNER.invoke(app, ["data", "convert", str(tmp_path), "--out", str(tmp_path / "all")])
    assert done.exit_code == 2
    assert "… and 10 more" in done.output
    assert "'adverdict data check' tells every kind of mistake once" in " ".join(done.output.split())


def test_policy_files_are_written_for_what_labels_and_ads_are_about_and_never_over_others(tmp_path: Path) -> None:
    (tmp_path / "ads.csv").write_text(f"{','.join(HEADER)},spam\n{','.join(ROW)},yes\nb,v,ZZ,{ROW[3]},Ho,no\n")
    folder = tmp_path / "policies"
    asked = ["init", str(folder), "--data", str(tmp_path), "--label", "spam", "--policy", "spam"]
    made = RUNNER.invoke(app, asked)
    assert made.exit_code == 0, made.output
    assert "no file for ZZ, which is no country" in made.output
    assert sorted(file.name for file in folder.iterdir()) == ["SE.yaml", "default.yaml"]
    assert read_policies(folder).names == ("spam",)
    (folder / "default.yaml").write_text("mine")
    assert RUNNER.invoke(app, asked).exit_code == 1
    assert (folder / "default.yaml").read_text() == "mine"
    assert RUNNER.invoke(app, [*asked, "--force"]).exit_code == 0
