"""New kinds on record: a burst and marked ads become cases once, with examples and a draft that can be read; no mark is a label."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from adverdict import policies
from adverdict.decisions.files.read import read_policies
from adverdict.decisions.policy import Stance
from adverdict.domain.ad import Ad
from adverdict.domain.errors import Conflict, InvalidInput, NotFound
from adverdict.domain.verdict import Verdict
from adverdict.ledger.bodies.emerging import CaseMoved, CaseOpened, CaseState, Marked
from adverdict.ledger.in_force.cases import cases, move_case, open_case
from adverdict.ledger.store import Ledger
from adverdict.monitoring.emerging import Kind
from adverdict.monitoring.kinds import SeenWhere, case_of, draft, look_for_kinds, looked_for
from adverdict.review.cases.answers import Answer
from adverdict.review.tasks.routing import Reviewer
from tests.ledger.made import CASE, START, an_ad, decided, minutes
from tests.review.desk import Desk

PLAIN = ("shoes for wet autumns", "lamps from last season", "learn spanish on the bus", "bikes tested in snow")


def an_ad_of(number: int, at: object, title: str, **fields: object) -> Ad:
    return an_ad(number, advertiser_id=f"adv-{number}", submitted_at=at, title=title, body="", language="en", **fields)


@pytest.fixture
def past(ledger: Ledger) -> Ledger:
    """Twenty-nine days of eight ads, and on the last one six advertisers who sell crypto pumps."""
    number = 0
    for day in range(29):
        at = START + timedelta(days=day)
        texts = [PLAIN[k % 4] for k in range(8)] + (["crypto pump to the moon"] * 6 if day == 28 else [])
        with ledger.write() as writing:
            for text in texts:
                number += 1
                made = decided(an_ad_of(number, at, text), Verdict.APPROVE, first=True, decision_id=f"dec-{number}")
                writing.append(f"dec-{number}", made, at)
    return ledger


def test_a_burst_is_a_case_once_with_its_ads_as_examples(past: Ledger) -> None:
    clock = lambda: START + timedelta(days=29, hours=1)  # noqa: E731
    assert not looked_for(past, clock)
    found = look_for_kinds(past, clock=clock)
    assert (found.ads, found.share, len(found.opened)) == (29 * 8 + 6, 1.0, 1)
    assert looked_for(past, clock)
    with past.look() as connection:
        [case] = cases(connection)
    assert (case.told.advertisers, case.told.ads, case.told.markets, case.told.by_marks) == (6, 6, ("SE",), False)
    assert "crypto pump" in case.told.phrases
    assert set(case.told.examples) == {f"dec-{number}" for number in range(233, 239)}
    assert "adverdict brake on --side approve --market SE" in case.told.proposal
    again = look_for_kinds(past, clock=clock)
    assert (len(again.kinds), again.opened) == (1, ())
    assert look_for_kinds(past, clock=lambda: clock() + timedelta(days=1)).kinds == ()


def test_ads_that_reviewers_marked_are_looked_at_by_themselves(past: Ledger) -> None:
    """Three of the pumps come a day later, too few for a burst: marked, they are a case."""
    at = START + timedelta(days=29)
    with past.write() as writing:
        for number in range(300, 303):
            ad = an_ad_of(number, at, "forex signals guaranteed")
            writing.append(f"dec-{number}", decided(ad, Verdict.REVIEW, first=True, decision_id=f"dec-{number}"), at)
            about = {"decision_id": f"dec-{number}", "ad_id": ad.ad_id, "advertiser_id": ad.advertiser_id, "market": "SE"}
            writing.append(f"mrk-{number}", Marked(**about, task_id=f"tsk-{number}", reviewer="rita"), at)
    found = look_for_kinds(past, clock=lambda: at + timedelta(days=1), keep=False)
    [kind] = [one for one in found.kinds if one.by_marks]
    assert (kind.advertisers, kind.marked) == (3, 3)
    assert "Reviewers marked ads of 3 advertisers" in kind.says
    assert found.opened == ()


def test_a_draft_is_a_policy_that_can_be_read_and_rejects_nobody_by_itself(tmp_path: Path) -> None:
    kind = Kind("en", ("crypto pump", "moon"), 6, (), by_marks=False, p_value=1e-9)
    shutil.copytree(policies.folder(), tmp_path / "policies", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    file = tmp_path / "policies" / "default.yaml"
    told = yaml.safe_load(file.read_text(encoding="utf-8"))
    told["policies"] |= yaml.safe_load(draft(kind))["policies"]
    file.write_text(yaml.safe_dump(told, allow_unicode=True), encoding="utf-8")
    rule = next(one for one in read_policies(tmp_path / "policies").in_force("SE", None) if one.name == "new_crypto_pump")
    assert (rule.stance, rule.may_reject(None)) == (Stance.RESTRICTED, False)


def test_where_it_comes_from_is_said_and_a_brake_is_proposed_only_where_it_would_reach_most() -> None:
    kind = Kind("en", ("moon",), 4, ("a", "b", "c", "d"), by_marks=False, p_value=1e-9)
    where = {
        name: SeenWhere(f"dec-{name}", market, marked=name == "c") for name, market in zip("abcd", ("SE", "SE", "DE", "DE"), strict=True)
    }
    told = case_of(kind, where, 9)
    assert (told.markets, told.marked, told.examples[0]) == (("SE", "DE"), 1, "dec-c")
    assert "2 markets" in told.proposal
    assert "brake on" not in told.proposal


def test_a_case_is_moved_with_a_reason_and_not_after_it_is_closed(ledger: Ledger) -> None:
    def move(state: CaseState, why: str = "looked at", case: str | None = None) -> None:
        with ledger.write() as writing:
            move_case(writing, CaseMoved(case=case or case_id, state=state, why=why, by="olga"), minutes(9))

    with ledger.write() as writing:
        made = open_case(writing, CASE, minutes(1))
        assert made is not None
        case_id = made
        assert open_case(writing, CaseOpened(**{**CASE.model_dump(), "phrases": ("moon", "rocket")}), minutes(2)) is None
        assert open_case(writing, CaseOpened(**{**CASE.model_dump(), "language": "sv"}), minutes(3)) is not None
    move(CaseState.LABELLING)
    with pytest.raises(InvalidInput, match="a reason"):
        move(CaseState.CLOSED, " ")
    with pytest.raises(InvalidInput, match="one of labelling, braked, policy, explained, closed"):
        move(CaseState.OPEN)
    with pytest.raises(NotFound, match="emerging list"):
        move(CaseState.CLOSED, case="cas-none")
    move(CaseState.CLOSED)
    with pytest.raises(Conflict, match="closed already"):
        move(CaseState.EXPLAINED)


@pytest.fixture
def desk(ledger: Ledger) -> Desk:
    made = Desk(ledger)
    made.staff(Reviewer("rita", senior=True))
    return made


def test_a_reviewers_mark_is_on_record_and_labels_nothing(desk: Desk) -> None:
    desk.decide(Verdict.REVIEW)
    leased = desk.queue.claim("rita")
    assert leased is not None
    given = Answer("escalate", no_policy_fits=True, reason="a pyramid")
    desk.queue.answer(leased.task.task_id, "rita", leased.token, given)
    desk.queue.answer(leased.task.task_id, "rita", leased.token, given)
    [entry] = desk.ledger.read(kinds=["mark"])
    assert isinstance(entry.body, Marked)
    assert (entry.body.reviewer, entry.body.reason, entry.body.decision_id) == ("rita", "a pyramid", leased.task.about)
    [answer] = desk.ledger.read(kinds=["answer"])
    assert answer.body is not None
    assert answer.body.labels == ()  # type: ignore[union-attr]


def test_an_ad_that_is_rejected_fits_a_policy(desk: Desk) -> None:
    desk.decide(Verdict.REVIEW)
    leased = desk.queue.claim("rita")
    assert leased is not None
    wrong = Answer("reject", violated=leased.task.policies[:1], no_policy_fits=True)
    with pytest.raises(InvalidInput, match="no such mark on an ad that is rejected"):
        desk.queue.answer(leased.task.task_id, "rita", leased.token, wrong)
