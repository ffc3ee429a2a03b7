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
from adverdict.domain.decision import RECORD
from adverdict.domain.errors import Conflict, InvalidInput, NotFound
from adverdict.domain.verdict import Verdict
from adverdict.ledger.bodies.emerging import CaseMoved, CaseOpened, CaseState, Marked
from adverdict.ledger.bodies.signals import Reported
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.in_force.cases import cases, move_case, open_case
from adverdict.ledger.store import Ledger
from adverdict.monitoring.case_labels import case_labels, label_case
from adverdict.monitoring.emerging import Kind
from adverdict.monitoring.kinds import SeenWhere, case_of, draft, look_for_kinds, looked_for
from adverdict.review.cases.answers import Answer
from adverdict.review.labels.export import export
from adverdict.review.tasks.routing import Reviewer
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.rollout.designs import by_design
from adverdict.storage.tables.pack import read_pack
from tests.ledger.made import CASE, START, an_ad, decided, minutes, resolved
from tests.review.desk import BOOK, Desk

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


def test_what_came_today_is_a_case_before_the_day_is_over(past: Ledger) -> None:
    """They came at nine; a service looks at noon."""
    early, later = (lambda: START + timedelta(days=28, hours=2)), (lambda: START + timedelta(days=28, hours=3))
    assert look_for_kinds(past, clock=early).opened == ()
    assert not looked_for(past, later)
    assert len(look_for_kinds(past, clock=later).opened) == 1
    assert looked_for(past, later)
    assert look_for_kinds(past, clock=lambda: START + timedelta(days=29)).opened == (), "it has its case"


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


def unfamiliar(number: int, at: object, title: str, *, told: bool = True) -> DecisionMade:
    ad = an_ad_of(number, at, title)
    made = decided(ad, Verdict.REVIEW, first=True, decision_id=f"dec-{number:032x}")
    how = {"degraded": ("unfamiliar:text",)} if told else {"familiarity": 0.002, "record": RECORD}
    return made.model_copy(update={"decision": made.decision.model_copy(update=how)})


@pytest.fixture
def strange(past: Ledger) -> Ledger:
    """A day after the pumps, of eight usual ads and seven that say nothing alike and that the model has hardly seen."""
    at = START + timedelta(days=29)
    with past.write() as writing:
        for number in range(400, 408):
            ad = an_ad_of(number, at, PLAIN[number % 4])
            writing.append(f"dec-{number}", decided(ad, Verdict.APPROVE, first=True, decision_id=f"dec-{number}"), at)
        for number in range(410, 417):
            made = unfamiliar(number, at, f"zq{number}a vx{number}b", told=number % 2 == 0)
            writing.append(made.decision.decision_id, made, at)
    return past


def test_a_day_on_which_far_more_advertisers_send_what_the_model_has_hardly_seen_is_a_case(strange: Ledger) -> None:
    at = START + timedelta(days=30, hours=1)
    found = look_for_kinds(strange, clock=lambda: at)
    [kind] = [one for one in found.kinds if one.strange]
    assert (kind.strange, kind.phrases, kind.advertisers, kind.ads, kind.by_marks) == ("text", (), 7, 7, False)
    assert "7 advertisers (46.7 % of the day's) sent ads unlike those the model learnt from (text)" in kind.says
    assert "Ads unlike those learnt from" in kind.draft
    assert len(found.opened) == 1
    with strange.look() as connection:
        [case] = [one for one in cases(connection) if one.told.strange]
    assert case.same(kind, at)
    assert case.same(kind, at + timedelta(days=400)), "while nobody has said what it is"
    case.moves.append((at, CaseMoved(case=case.case_id, state=CaseState.CLOSED, why="seen", by="olga")))
    assert case.same(kind, at + timedelta(days=27))
    assert not case.same(kind, at + timedelta(days=29)), "what is strange a month later may be another kind"


def test_ads_that_viewers_report_are_looked_at_like_marked_ones_unless_reporters_are_mostly_wrong(past: Ledger) -> None:
    at = START + timedelta(days=29)

    def reports(number: int, reporter: str, decision: str) -> Reported:
        about = {"decision_id": decision, "ad_id": f"ad-{number}", "advertiser_id": f"adv-{number}", "market": "SE"}
        return Reported(**about, reporter=reporter, by="platform")

    with past.write() as writing:
        for number in range(300, 304):
            ad = an_ad_of(number, at, "forex signals guaranteed")
            writing.append(f"dec-{number}", decided(ad, Verdict.APPROVE, first=True, decision_id=f"dec-{number}"), at)
            writing.append(f"rpt-{number}", reports(number, f"viewer-{number}", f"dec-{number}"), at)
    found = look_for_kinds(past, clock=lambda: at + timedelta(days=1), keep=False)
    [kind] = [one for one in found.kinds if one.by_marks]
    assert (kind.advertisers, kind.reported, kind.marked) == (4, 4, 0)
    assert "Viewers reported" in kind.says
    with past.write() as writing:
        for number in range(1, 60):
            made = decided(an_ad_of(number, START, PLAIN[0]), Verdict.APPROVE, decision_id=f"dec-{number}")
            for bot in range(3):
                writing.append(f"rpt-{number}-{bot}", reports(number, f"bot-{number}-{bot}", f"dec-{number}"), at - timedelta(days=9))
            settled = resolved(made, Verdict.APPROVE, task_id=f"tsk-{number}")
            writing.append(f"res-{number}", settled, at - timedelta(days=8))
    again = look_for_kinds(past, clock=lambda: at + timedelta(days=1), keep=False)
    assert [one for one in again.kinds if one.by_marks] == []


def test_a_case_is_labelled_one_ad_an_advertiser_and_its_labels_certify_nothing(strange: Ledger, tmp_path: Path) -> None:
    clock = lambda: START + timedelta(days=30, hours=1)  # noqa: E731
    [case_id] = look_for_kinds(strange, clock=clock).opened
    asked = {"book": BOOK, "settings": ReviewSettings(double_share=0, golden_share=0), "by": "olga", "now": clock()}
    done = label_case(strange, case_id, 5, **asked)  # type: ignore[arg-type]
    assert (done.opened, done.before, done.advertisers, done.ads) == (5, 0, 7, 7)
    desk = Desk(strange)
    desk.clock.now = clock()
    desk.staff(Reviewer("rita"))
    for violating in (True, True, False):
        desk.say("rita", "reject" if violating else "approve")
    told = case_labels(strange, case_id)
    assert (told.read, told.waiting, told.any_of_them, dict(told.violating)) == (3, 2, 2, {"deceptive": 2})
    assert told.interval == pytest.approx((0.094, 0.992), abs=0.001)
    again = label_case(strange, case_id, None, **asked)  # type: ignore[arg-type]
    assert (again.opened, again.before) == (2, 5), "the two advertisers that are left, not the same ones twice"
    export(strange, tmp_path / "out")
    labels = [one for one in read_pack(tmp_path / "out").labels if one.source == "review"]
    assert {one.design for one in labels} == {f"case-{case_id[4:12]}-5"}
    assert {round(one.inclusion_probability or 0, 6) for one in labels} == {round(5 / 7, 6)}
    assert by_design(labels).random == ()
    with strange.look() as connection:
        assert next(one.state for one in cases(connection) if one.case_id == case_id) is CaseState.LABELLING


def test_a_case_that_is_over_or_unknown_is_not_labelled(ledger: Ledger) -> None:
    asked = {"book": BOOK, "settings": ReviewSettings(), "by": "olga", "now": minutes(9)}
    with ledger.write() as writing:
        case_id = open_case(writing, CASE, minutes(1)) or ""
        move_case(writing, CaseMoved(case=case_id, state=CaseState.EXPLAINED, why="a campaign", by="olga"), minutes(2))
    with pytest.raises(Conflict, match="is explained"):
        label_case(ledger, case_id, None, **asked)  # type: ignore[arg-type]
    with pytest.raises(NotFound, match="emerging list"):
        label_case(ledger, "cas-none", None, **asked)  # type: ignore[arg-type]
