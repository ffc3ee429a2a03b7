"""The history store is built from within the service when it is time, and workers change to it without a pause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from adverdict.decisions.policy import PolicyBook
from adverdict.features.history.store.layered import LayeredHistory
from adverdict.ledger.erase import erase
from adverdict.ledger.history import forget
from adverdict.ledger.store import Ledger, now
from adverdict.ledger.stored import folder as stored
from adverdict.ledger.stored.folder import HistoryFolder
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.scoring.recorder import LOOK_EVERY, Recorder
from adverdict.scoring.scorer import Scorer
from adverdict.serving.worker.watches.history import BUILD, HistoryWatch
from tests.features.history.worlds import START, an_ad
from tests.ledger.test_history import record
from tests.scoring.fakes import FakeModel


class Command:
    """``adverdict history``, in this process."""

    def __init__(self, ledger: Ledger, folder: Path) -> None:
        self._ledger, self._folder = ledger, folder
        self.ran: list[Sequence[str]] = []

    def __call__(self, arguments: Sequence[str]) -> Mapping[str, Any]:
        self.ran.append(arguments)
        HistoryFolder(self._folder).refresh(self._ledger)
        return {}


def test_a_store_is_built_when_enough_has_come_or_something_was_erased(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "WORTH", 3)
    folder, command = HistoryFolder(tmp_path / "history"), Command(ledger, tmp_path / "history")
    watch = HistoryWatch(ledger, folder, command)
    record(ledger, [an_ad("a", START), an_ad("b", START, advertiser_id="gone")])
    assert not watch.look()
    record(ledger, [an_ad("c", START)])
    with folder.alone():  # another worker is at it
        assert not watch.look()
    assert watch.look()
    assert not watch.look()
    erase(ledger, advertiser="gone", why="asked to", by="test", now=now(), forget=forget, rewrite=False)
    assert watch.look()
    assert not watch.look()
    assert command.ran == [BUILD, BUILD]


def test_a_worker_changes_to_a_newer_store_and_goes_on_knowing_the_same(ledger: Ledger, tmp_path: Path, book: PolicyBook) -> None:
    folder, moment = HistoryFolder(tmp_path / "history"), [now()]
    recorder, scorer = Recorder(ledger, ReviewSettings(), lambda: moment[0], stored=folder), Scorer(FakeModel(), book)
    asked = [an_ad("asked", START + timedelta(days=1))]
    recorder.known(scorer)
    record(ledger, [an_ad("a", START), an_ad("b", START)])
    before = recorder.known(scorer)
    folder.refresh(ledger)
    record(ledger, [an_ad("c", START)])
    moment[0] += LOOK_EVERY
    after, until = recorder.known(scorer), monotonic() + 60
    while not isinstance(after.state, LayeredHistory) and monotonic() < until:
        sleep(0.01)
        after = recorder.known(scorer)
    assert isinstance(after.state, LayeredHistory)
    assert (before.seq, after.seq) == (ledger.end()[0] - 1, ledger.end()[0])
    assert after.state.counts(asked, ("deceptive",)).advertiser.ads_ever.tolist() == [3]
