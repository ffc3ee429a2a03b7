"""Who is next, told without a thread, a model or a ledger."""

from __future__ import annotations

import pytest

from adverdict.decisions.policy import PolicyBook
from adverdict.scoring.scorer import Scorer
from adverdict.serving.worker.admission import AdmissionControl, DeadlineMissed, Depth
from adverdict.serving.worker.scoring_queue import CHUNK, LEAST_SHARE, ScoringJob, ScoringQueue, micro_batches
from tests.serving.test_intake import ads


@pytest.fixture
def scorer(book: PolicyBook) -> Scorer:
    return Scorer(None, book)


def job(scorer: Scorer, count: int = 1, name: str = "a", until: float | None = None) -> ScoringJob:
    return ScoringJob(ads(name, count), scorer=scorer, until=until, queued=count)


def waiting(*jobs: ScoringJob) -> tuple[ScoringQueue, AdmissionControl]:
    admission = AdmissionControl(chunk=CHUNK)
    line = ScoringQueue(admission)
    for one in jobs:
        admission.joined(one.queued)
        line.join(one)
    return line, admission


def learnt(cascade: float, early: float) -> AdmissionControl:
    """After rounds of three ads that took so many seconds, at a moment that stands still."""
    admission = AdmissionControl(chunk=CHUNK, clock=lambda: 100.0)
    paces: list[tuple[Depth, float]] = [("cascade", cascade), ("early", early)]
    for depth, seconds in paces * 3:
        admission.learn(depth, 3, seconds)
    return admission


def test_no_more_than_a_chunk_of_requests_takes_a_turn_in_the_order_they_came(scorer: Scorer) -> None:
    jobs = [job(scorer, name=f"{number}-") for number in range(CHUNK + 2)]
    line, _ = waiting(*jobs)
    assert line.turn() == jobs[:CHUNK]
    assert line.turn() == jobs[CHUNK:]
    assert not line


def test_who_has_no_answer_after_its_turn_goes_to_the_end(scorer: Scorer) -> None:
    large, small = job(scorer, 20), job(scorer)
    line, admission = waiting(large)
    turn = line.turn()
    line.join(small)
    admission.joined(1)
    large.decided += [None] * 16
    line.back(turn)
    assert line.turn() == [small, large]
    assert admission.ads == 4 + 1


def test_who_was_answered_or_left_is_no_longer_in_line(scorer: Scorer) -> None:
    gone, answered = job(scorer, 5), job(scorer)
    assert gone.answer.cancel()
    line, admission = waiting(gone, answered)
    turn = line.turn()
    assert turn == [answered]
    answered.answer.set_result([None])
    line.back(turn)
    assert (bool(line), admission.ads) == (False, 0)


@pytest.mark.parametrize(("requests", "share"), [(1, CHUNK), (2, CHUNK // 2), (3, CHUNK // 3), (CHUNK, LEAST_SHARE)])
def test_a_chunk_is_shared_by_whose_turn_it_is_and_nobody_gets_too_little(scorer: Scorer, requests: int, share: int) -> None:
    [batch] = micro_batches([job(scorer, 100) for _ in range(requests)], AdmissionControl(chunk=CHUNK))
    assert batch.share == share
    assert {len(one.next_ads(batch.share)) for one in batch.jobs} == {share}


def test_a_request_goes_on_where_it_stopped(scorer: Scorer) -> None:
    large = job(scorer, 20)
    large.decided += [None] * 16
    assert [ad.ad_id for ad in large.next_ads(16)] == ["a16", "a17", "a18", "a19"]


def test_only_requests_with_the_same_bundle_are_decided_together(scorer: Scorer, book: PolicyBook) -> None:
    newer = Scorer(None, book)
    old, new, old_too = job(scorer), job(newer), job(scorer)
    batches = micro_batches([old, new, old_too], AdmissionControl(chunk=CHUNK))
    assert [(batch.scorer is scorer, list(batch.jobs)) for batch in batches] == [(True, [old, old_too]), (False, [new])]


def test_who_is_in_a_hurry_is_decided_first_and_by_less_of_the_model(scorer: Scorer) -> None:
    patient, hurried = job(scorer), job(scorer, until=160.0)
    batches = micro_batches([patient, hurried], learnt(cascade=100.0, early=0.001))
    assert [(batch.depth, list(batch.jobs)) for batch in batches] == [("early", [hurried]), ("cascade", [patient])]


def test_who_would_not_be_there_for_the_answer_is_told_and_takes_no_part(scorer: Scorer) -> None:
    late, other = job(scorer, until=100.5), job(scorer)
    [batch] = micro_batches([late, other], learnt(cascade=1.0, early=1.0))
    assert list(batch.jobs) == [other]
    assert isinstance(late.answer.exception(0), DeadlineMissed)


def test_who_was_answered_before_its_turn_takes_no_part(scorer: Scorer) -> None:
    answered = job(scorer)
    answered.answer.set_result([None])
    assert micro_batches([answered], AdmissionControl(chunk=CHUNK)) == []
