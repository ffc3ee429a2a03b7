"""Creatives at the command line: one looked at, a table filled, the record's fetched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adverdict.cli.main import app
from adverdict.storage.tables.pack import iter_ads
from adverdict.storage.tables.writers import write_ads
from tests.creatives.files import picture
from tests.ledger.made import an_ad


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "creatives").mkdir()
    (tmp_path / "creatives" / "a.png").write_bytes(picture())
    (tmp_path / "creatives" / "b.svg").write_bytes(b"<svg onload=alert(1)>")
    monkeypatch.setenv("ADVERDICT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ADVERDICT_CREATIVE_FOLDERS", str(tmp_path / "creatives"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "creatives"


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["creatives", *arguments])
    return done.exit_code, done.output


def test_one_creative_is_looked_at_and_what_is_not_shown_says_why(folder: Path, tmp_path: Path) -> None:
    code, said = run("check", f"{folder}/a.png", "--out", str(tmp_path / "shown"), "--json", str(tmp_path / "told.json"))
    assert code == 0, said
    assert "image, 320 x 180" in said
    assert len(list((tmp_path / "shown").glob("*.jpg"))) == 1
    assert json.loads((tmp_path / "told.json").read_text())["kind"] == "image"
    assert run("check", f"{folder}/b.svg")[0] == 2
    assert run("check", "https://10.0.0.1/a.png")[0] == 2


def test_a_table_is_read_and_written_again_with_why_pictures_were_not_seen(folder: Path, tmp_path: Path) -> None:
    write_ads(tmp_path / "ads.jsonl", [an_ad(1, creative_uri=f"{folder}/b.svg"), an_ad(2)])
    table, seen, told = (str(tmp_path / name) for name in ("ads.jsonl", "seen.jsonl", "told.json"))
    code, said = run("fetch", "--ads", table, "--out", seen, "--json", told)
    assert code == 0, said
    assert [ad for some in iter_ads(Path(seen)) for ad in some] == [an_ad(1, creative_uri=f"{folder}/b.svg"), an_ad(2)]
    figures = json.loads(Path(told).read_text())
    assert (figures["ads"], figures["named"], figures["seen"]) == (2, 1, 0)
    assert "SVG" in figures["why_refused"][0]["said"]


def test_creatives_of_the_record_are_fetched_and_counted(folder: Path, tmp_path: Path) -> None:
    from adverdict.ledger.store import Ledger

    Ledger.open(f"sqlite:///{tmp_path / 'home' / 'ledger.db'}").close()
    code, said = run("fetch", "--again")
    assert (code, "0 creatives kept" in said) == (0, True), said
    code, said = run("status", "--json", str(tmp_path / "told.json"))
    assert code == 0, said
    assert json.loads((tmp_path / "told.json").read_text())["kept"] == 0


def test_without_sources_or_half_a_table_the_command_says_what_is_missing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, said = run("fetch", "--ads", "ads.jsonl")
    assert (code, "--ads, --out" in said) == (2, True), said
    monkeypatch.delenv("ADVERDICT_CREATIVE_FOLDERS")
    code, said = run("fetch")
    assert (code, "ADVERDICT_CREATIVE_HOSTS" in said) == (2, True), said
