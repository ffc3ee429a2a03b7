"""The ledger's history as a stream: what the state knows, in constant memory."""

from __future__ import annotations

import hashlib
import io
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from sqlalchemy import update

from adverdict.domain.errors import NotFound, UntrustedBundle
from adverdict.features.history.snapshot import from_table, to_table
from adverdict.features.history.state import HistoryState
from adverdict.ledger.events import telling
from adverdict.ledger.history import LedgerHistory, found
from adverdict.ledger.schema import contents, kept
from adverdict.ledger.store import Ledger
from adverdict.review.labels.incoming import bring
from tests.features.history.worlds import START, a_label, an_ad
from tests.ledger.made import an_ad as an_ad_to_decide
from tests.ledger.made import answered, append_decisions, decided, every_kind, ruled

LATER = START + timedelta(days=100)


def snapshot(*advertisers: str) -> bytes:
    known = HistoryState()
    known.observe_ads([an_ad(f"{name}-1", START, advertiser_id=name) for name in advertisers])
    out = io.BytesIO()
    pq.write_table(to_table(known), out)
    return out.getvalue()


def test_submissions_and_labels_are_told_with_whose_they_are(ledger: Ledger) -> None:
    one, again = decided(an_ad_to_decide(1)), decided(an_ad_to_decide(1), first=False, decision_id="dec-again")
    append_decisions(ledger, one, again)
    bring(ledger, [a_label("ad-1", START), a_label("ad-1", START, False, "gambling")], "platform", LATER)
    with telling(ledger) as told:
        (page,) = told.events()
    whose = {"advertiser": "adv-7", "creative": "cr-1", "domain": "quick-returns.example", "market": "SE"}
    assert [(row["ad_id"], row["advertiser"]) for row in page.submissions.to_pylist()] == [("ad-1", "adv-7")]
    assert [{name: row[name] for name in whose} for row in page.told.to_pylist()] == [whose, whose]
    assert [(row["policy"], row["violates"], row["weight"]) for row in page.told.to_pylist()] == [
        ("deceptive", True, 1),
        ("gambling", False, 1),
    ]


def test_a_label_that_is_retracted_twice_is_taken_back_once(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    one = decided(an_ad_to_decide(1))
    append_decisions(ledger, one)
    with ledger.write() as writing:
        writing.append("ans-tsk-1", answered(one), LATER)
        for number in range(2):
            writing.append(f"rul-{number}", ruled(one, retracted=("ans-tsk-1",)), LATER)
    monkeypatch.setattr("adverdict.ledger.events.PAGE", 1)
    with telling(ledger) as told:
        rows = [row for page in told.events() for row in page.told.to_pylist()]
    assert [row["weight"] for row in rows] == [1, -1]


def test_what_was_erased_is_not_told(ledger: Ledger) -> None:
    every_kind(ledger)
    with telling(ledger) as told:
        (page,) = told.events()
    assert [row["ad_id"] for row in page.submissions.to_pylist()] == ["ad-1"]
    with ledger.change() as connection:
        connection.execute(contents.delete().where(contents.c.about == "dec-ad-1", contents.c.submission.is_not(None)))
    with telling(ledger) as told:
        (page,) = told.events()
    assert (page.submissions.num_rows, page.told.num_rows) == (0, 0)  # labels on an erased ad are about nobody


def test_pages_tell_what_one_page_tells_and_nothing_after_the_last_entry_asked_for(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    append_decisions(ledger, *(decided(an_ad_to_decide(number)) for number in range(1, 8)))
    monkeypatch.setattr("adverdict.ledger.events.PAGE", 2)
    with telling(ledger, 5) as told:
        pages = [[row["ad_id"] for row in page.submissions.to_pylist()] for page in told.events()]
    assert pages == [["ad-1", "ad-2"], ["ad-3", "ad-4"], ["ad-5"]]
    with telling(ledger, 99) as told:
        assert told.seq == 7


def test_an_empty_ledger_tells_nothing(ledger: Ledger, tmp_path: Path) -> None:
    with telling(ledger) as told:
        assert (told.seq, told.founded, list(told.events()), told.write_snapshot(tmp_path / "s")) == (0, False, [], False)


def test_the_snapshot_is_read_in_pieces(ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adverdict.ledger.events.PIECE", 1000)
    found(ledger, snapshot("old", "older"), "bundle-1", LATER)
    with telling(ledger) as told:
        assert (told.founded, told.write_snapshot(tmp_path / "s")) == (True, True)
    assert (tmp_path / "s").read_bytes() == snapshot("old", "older")
    assert from_table(pq.ParquetFile(tmp_path / "s").read()) == LedgerHistory(ledger).catch_up()


def test_a_ledger_that_knew_nothing_before_its_first_entry_is_founded_on_nothing(ledger: Ledger, tmp_path: Path) -> None:
    found(ledger, None, None, LATER)
    with telling(ledger) as told:
        assert (told.founded, told.write_snapshot(tmp_path / "s")) == (True, False)


def test_a_kept_snapshot_that_was_changed_or_is_gone_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    body = snapshot("old")
    found(ledger, body, "bundle-1", LATER)
    with ledger.change() as connection:
        connection.execute(update(kept).values(body=snapshot("forged")))
    with telling(ledger) as told, pytest.raises(UntrustedBundle, match=hashlib.sha256(body).hexdigest()):
        told.write_snapshot(tmp_path / "s")
    with ledger.change() as connection:
        connection.execute(kept.delete())
    with telling(ledger) as told, pytest.raises(NotFound, match="the ledger keeps no history"):
        told.write_snapshot(tmp_path / "s")
