"""Keys are kept for a week, and then no longer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from adverdict.decisions.policy import PolicyBook
from adverdict.domain.ad import Ad
from adverdict.ledger.idempotency import Request
from adverdict.ledger.schema import idempotency
from adverdict.ledger.store import Ledger
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.scoring.recorder import DecidedRequest, Recorder
from adverdict.scoring.scorer import Scorer
from tests.scoring.fakes import FakeModel

AD = Ad.model_validate(Ad.model_json_schema()["examples"][0])


def test_keys_older_than_a_week_are_forgotten_while_the_service_runs(book: PolicyBook, tmp_path: Path) -> None:
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")
    now = [datetime(2026, 3, 1, tzinfo=UTC)]
    recorder, scorer = Recorder(ledger, ReviewSettings(), lambda: now[0]), Scorer(FakeModel(), book)
    for number, day in enumerate((0, 6, 8)):
        now[0] = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days=day)
        recorder.record([DecidedRequest([AD], scorer.score([AD]), Request("platform", f"key-{number}", b"x" * 32))], scorer)
    with ledger.look() as connection:
        assert connection.scalars(select(idempotency.c.key).order_by(idempotency.c.key)).all() == ["key-1", "key-2"]
    ledger.close()
