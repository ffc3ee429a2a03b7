"""Senders that are killed lose nothing, and a receiver that was dead for a day is caught up with."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

import pytest

from adverdict.benchmarks.delivery.away import dead_for_a_day
from adverdict.benchmarks.delivery.kills import sender_kills
from adverdict.benchmarks.delivery.receiver import Witness
from adverdict.domain.progress import SILENT


@pytest.mark.slow
def test_a_sender_killed_at_every_statement_loses_nothing(tmp_path: Path) -> None:
    @contextmanager
    def new():  # type: ignore[no-untyped-def]
        yield f"sqlite:///{tmp_path / 'ledger.db'}"

    found = sender_kills(new, 12, 3, SILENT)
    assert (found["kills"], found["lost"], found["out_of_order"], found["chain_problems"]) == (12, 0, 0, 0)
    assert found["told"] > 0


@pytest.mark.slow
def test_after_a_day_a_receiver_is_caught_up_with(tmp_path: Path) -> None:
    found = dead_for_a_day(f"sqlite:///{tmp_path / 'ledger.db'}", 3, SILENT)
    assert (found["away_lost"], found["away_out_of_order"]) == (0, 0)
    assert found["away_minutes_to_catch_up"] <= 31
    assert found["away_changes"] > 100


def test_a_witness_counts_what_is_lost_repeated_and_out_of_order() -> None:
    witness = Witness()
    witness.told = [("a", 1), ("b", 3), ("a", 1), ("b", 2), ("a", 4)]
    assert (witness.lost({1, 2, 3, 4, 5}), witness.repeated, witness.out_of_order) == (1, 1, 1)
