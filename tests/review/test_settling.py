from __future__ import annotations

import pytest

from adverdict.domain.verdict import Verdict
from adverdict.review.cases.settling import More, Reading, Settle, Stand, Step, Wait, audit_step, review_step

A, G = "deceptive", "gambling"
APPROVE, UNSURE, ESCALATE, UNSEEN = Reading("approve"), Reading("unsure"), Reading("escalate"), Reading("unseen")
REJECT, REJECT_G, REJECT_BOTH = Reading("reject", (A,)), Reading("reject", (G,)), Reading("reject", (A, G))
SENIOR_APPROVES, SENIOR_REJECTS = Reading("approve", senior=True), Reading("reject", (G,), senior=True)
APPROVED, REJECTED = Settle(Verdict.APPROVE), Settle(Verdict.REJECT, (A,))


@pytest.mark.parametrize(
    ("readings", "pending", "senior_pending", "step"),
    [
        ([APPROVE], 0, False, APPROVED),
        ([REJECT], 0, False, REJECTED),
        ([UNSURE], 0, False, More("senior")),
        ([ESCALATE], 0, False, More("senior")),
        ([APPROVE], 1, False, Wait()),
        ([UNSURE], 1, False, More("senior")),
        ([ESCALATE], 1, False, More("senior")),
        ([UNSURE, APPROVE], 1, True, Wait()),
        ([APPROVE, APPROVE], 0, False, APPROVED),
        ([REJECT, REJECT], 0, False, REJECTED),
        ([REJECT, REJECT_BOTH], 0, False, REJECTED),
        ([REJECT, REJECT_G], 0, False, More("senior")),
        ([APPROVE, REJECT], 0, False, More("senior")),
        ([APPROVE, UNSURE], 0, False, More("senior")),
        ([APPROVE, REJECT, SENIOR_APPROVES], 0, False, APPROVED),
        ([UNSURE, SENIOR_REJECTS], 1, False, Settle(Verdict.REJECT, (G,))),
        ([UNSEEN], 0, False, More("again")),
        ([UNSEEN], 1, False, More("again")),
        ([UNSEEN, APPROVE], 0, False, APPROVED),
        ([UNSEEN, APPROVE], 1, False, Wait()),
        ([APPROVE, UNSEEN], 0, False, More("again")),
        ([APPROVE, UNSEEN, REJECT], 0, False, More("senior")),
        ([UNSEEN, UNSEEN], 0, False, More("senior")),
        ([UNSEEN, UNSURE], 0, False, More("senior")),
        ([UNSEEN, UNSEEN], 1, True, Wait()),
        ([UNSEEN, UNSEEN, SENIOR_APPROVES], 0, False, APPROVED),
    ],
)
def test_a_review_case_is_settled_by_one_reading_or_two_that_agree_or_a_senior_one(
    readings: list[Reading], pending: int, senior_pending: bool, step: Step
) -> None:
    assert review_step(readings, pending, senior_pending) == step


@pytest.mark.parametrize(
    ("automatic", "readings", "pending", "senior_pending", "chance", "step"),
    [
        (Verdict.APPROVE, [APPROVE], 0, False, 0.5, Stand()),
        (Verdict.APPROVE, [APPROVE], 0, False, 0.04, More("double", 2, 0.05)),
        (Verdict.APPROVE, [REJECT], 0, False, 0.5, More("double", 2)),
        (Verdict.REJECT, [APPROVE], 0, False, 0.04, More("double", 2)),
        (Verdict.REJECT, [REJECT_G], 0, False, 0.5, Stand()),
        (Verdict.APPROVE, [UNSURE], 0, False, 0.04, More("senior")),
        (Verdict.APPROVE, [ESCALATE], 0, False, 0.5, More("senior")),
        (Verdict.APPROVE, [REJECT, REJECT], 1, False, 0.5, Wait()),
        (Verdict.APPROVE, [REJECT, REJECT, APPROVE], 0, False, 0.5, REJECTED),
        (Verdict.APPROVE, [REJECT, REJECT_BOTH, REJECT_G], 0, False, 0.5, Settle(Verdict.REJECT, (A, G))),
        (Verdict.APPROVE, [REJECT, REJECT_G, APPROVE], 0, False, 0.5, Settle(Verdict.REJECT, (A, G))),
        (Verdict.APPROVE, [REJECT, APPROVE, APPROVE], 0, False, 0.5, Stand()),
        (Verdict.REJECT, [APPROVE, APPROVE, REJECT], 0, False, 0.5, APPROVED),
        (Verdict.APPROVE, [REJECT, APPROVE, UNSURE], 0, False, 0.5, More("senior")),
        (Verdict.APPROVE, [REJECT, UNSURE, UNSURE], 0, False, 0.5, More("senior")),
        (Verdict.APPROVE, [REJECT, UNSURE], 1, False, 0.5, Wait()),
        (Verdict.APPROVE, [REJECT, ESCALATE], 1, False, 0.5, More("senior")),
        (Verdict.APPROVE, [REJECT, ESCALATE, REJECT], 1, True, 0.5, Wait()),
        (Verdict.APPROVE, [UNSURE, SENIOR_APPROVES], 0, False, 0.5, Stand()),
        (Verdict.APPROVE, [UNSEEN], 0, False, 0.5, More("again")),
        (Verdict.APPROVE, [UNSEEN, APPROVE], 0, False, 0.5, Stand()),
        (Verdict.APPROVE, [UNSEEN, REJECT], 0, False, 0.5, More("double", 2)),
        (Verdict.APPROVE, [REJECT, UNSEEN], 1, False, 0.5, More("again")),
        (Verdict.APPROVE, [REJECT, UNSEEN, REJECT, APPROVE], 0, False, 0.5, REJECTED),
        (Verdict.APPROVE, [UNSEEN, UNSEEN], 0, False, 0.5, More("senior")),
        (Verdict.APPROVE, [UNSURE, SENIOR_REJECTS], 1, False, 0.5, Settle(Verdict.REJECT, (G,))),
    ],
)
def test_an_automatic_verdict_falls_only_to_two_of_three_or_a_senior_reading(
    automatic: Verdict, readings: list[Reading], pending: int, senior_pending: bool, chance: float, step: Step
) -> None:
    assert audit_step(automatic, readings, pending, senior_pending, chance, 0.05) == step
