"""How long it takes to take back a verdict that was carried to thousands of copies."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

from adverdict.decisions.files.read import read_policies
from adverdict.domain.ad import Ad, Label
from adverdict.domain.decision import Decision, PolicyVerdict
from adverdict.domain.progress import Progress
from adverdict.domain.verdict import Verdict
from adverdict.ledger.entries import Answered, Carried, DecisionMade, Resolved
from adverdict.ledger.store import Ledger
from adverdict.ledger.verify import verify
from adverdict.review.carrying.unwind import unwind
from adverdict.review.tasks.settings import ReviewSettings

START = datetime(2026, 3, 1, tzinfo=UTC)
A_TRANSACTION = 500


def unwinding(copies: int, progress: Progress) -> dict[str, Any]:
    """On SQLite. ``unwind_seconds`` from the command's beginning until people are asked again about the last copy."""
    progress.stage("a verdict to take back", copies)
    with tempfile.TemporaryDirectory(prefix="adverdict-unwind-") as folder:
        ledger = Ledger.open(f"sqlite:///{Path(folder) / 'ledger.db'}", create=True)
        try:
            for first in range(0, copies + 1, A_TRANSACTION):
                with ledger.write() as writing:
                    for number in range(first, min(first + A_TRANSACTION, copies + 1)):
                        for entry_id, body in _told(number):
                            writing.append(entry_id, body, START + timedelta(seconds=number))
                progress.advance(A_TRANSACTION)
            began = perf_counter()
            done = unwind(ledger, "dec-0", why="a benchmark", by="benchmark", book=read_policies(), settings=ReviewSettings())
            seconds = perf_counter() - began
            problems = verify(ledger).found
        finally:
            ledger.close()
    return {
        "unwind_seconds": seconds,
        "unwound": len(done.decisions),
        "unwound_labels": done.labels,
        "tasks_opened": done.reopened,
        "chain_problems": problems,
    }


def _told(number: int) -> list[tuple[str, Any]]:
    """An ad that waits, and its verdict: people's of the first, carried from it of the others."""
    ad = Ad(
        ad_id=f"ad-{number}", advertiser_id=f"adv-{number % 97}", market="SE", submitted_at=START, title=f"Double your deposit {number}"
    )
    about: dict[str, Any] = {"decision_id": f"dec-{number}", "ad_id": ad.ad_id, "advertiser_id": ad.advertiser_id, "market": ad.market}
    ruling = PolicyVerdict(policy="deceptive", verdict=Verdict.REVIEW, because="between the thresholds")
    decision = Decision(
        **about,
        surface=None,
        decided_at=START + timedelta(seconds=number),
        verdict=Verdict.REVIEW,
        policies=(ruling,),
        uncertified=False,
        bundle_version="v1",
        policy_hash="0" * 64,
        threshold_set=None,
    )
    told: list[tuple[str, Any]] = [(f"dec-{number}", DecisionMade(ad=ad, decision=decision, first=True))]
    carried = None
    if number:
        carried = Carried(decision_id="dec-0", resolution="res-0", distance=0.05, certificate="car-1")
    else:
        label = Label(ad_id=ad.ad_id, policy="deceptive", violates=True, labelled_at=START, rater_id="rita", source="review")
        answer = Answered(
            **about,
            task_id="tsk-0",
            case_id="dec-0",
            task_kind="review",
            reviewer="rita",
            token=1,
            verdict="reject",
            asked=("deceptive",),
            violated=("deceptive",),
            labels=(label,),
        )
        told.append(("ans-tsk-0", answer))
    by: Any = "copy" if carried else "review"
    body = Resolved(**about, verdict=Verdict.REJECT, by=by, violated=("deceptive",), task_id="tsk-0", carried=carried)
    return [*told, (f"res-{number}", body)]
