"""Reports of viewers: weighed by who reports, read by people where they weigh enough, and never a part of what measures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from adverdict.domain.errors import InvalidInput
from adverdict.domain.verdict import Verdict
from adverdict.ledger.bodies.signals import PutBack, Reported
from adverdict.ledger.effective import effective_decisions
from adverdict.ledger.entries import DecisionMade, Resolved
from adverdict.ledger.verify import verify
from adverdict.review.period import Period
from adverdict.review.quality.readings import audited
from adverdict.review.quality.watching import AuditLog
from adverdict.review.reports.reliability import Reliability, estimate, likely
from adverdict.review.reports.reports import OPEN, Believed, Taken, ViewerReport, pseudonym, reporters, take
from adverdict.review.reports.signs import Seen, take_signs
from adverdict.review.tasks.routing import Reviewer
from tests.ledger.made import START
from tests.review.desk import BOOK, Desk

SECRET = b"s" * 32


@pytest.fixture
def desk(ledger) -> Desk:  # type: ignore[no-untyped-def]
    made = Desk(ledger)
    made.staff(*(Reviewer(name) for name in ("rita", "sven", "tove")), Reviewer("sonja", senior=True))
    return made


def report(desk: Desk, *told: tuple[DecisionMade, str]) -> list[Taken]:
    with desk.ledger.write() as writing:
        some = [ViewerReport(made.ad.ad_id, who, "deceptive") for made, who in told]
        return take(writing, some, SECRET, Believed.of(writing.connection, desk.clock()), BOOK, desk.settings, "platform", desk.clock())


def sign(desk: Desk, *told: Seen) -> Sequence[str | None]:
    with desk.ledger.write() as writing:
        return take_signs(writing, told, BOOK, desk.settings, "platform", desk.clock())


def stands(desk: Desk, made: DecisionMade) -> Verdict:
    with desk.ledger.look() as connection:
        return effective_decisions(connection, [made.ad.ad_id])[made.ad.ad_id].verdict


def known(desk: Desk, who: str) -> tuple[int, int]:
    with desk.ledger.look() as connection:
        return reporters(connection, desk.clock()).get(pseudonym(who, SECRET), (0, 0))


def test_one_report_of_somebody_unknown_changes_nothing_and_several_put_an_ad_back_in_line(desk: Desk) -> None:
    made = desk.decide(Verdict.APPROVE)
    [first] = report(desk, (made, "viewer-1"))
    assert (first.counts, first.task_id) == (True, None)
    [again] = report(desk, (made, "viewer-1"))
    assert (again.counts, again.task_id) == (False, None), "a viewer counts once about an ad"
    done = report(desk, (made, "viewer-2"), (made, "viewer-3"))
    assert done[0].task_id is not None
    [task] = desk.tasks(made)
    assert (task.kind, task.shown_kind, task.policies, task.due_at - task.opened_at < timedelta(hours=24)) == (
        "recheck",
        "review",
        ("deceptive",),
        True,
    )
    [put] = desk.entries(made, PutBack)
    assert (put.sign.value, put.figures["reporters"], put.task_id) == ("reports", 3, task.task_id)
    assert "viewer" not in "".join(one.reporter for one in desk.entries(made, Reported)), "no viewer is named"
    assert verify(desk.ledger).found == 0


def test_two_who_agree_overturn_what_stands_and_reporters_are_known_by_it(desk: Desk) -> None:
    made = desk.decide(Verdict.APPROVE)
    report(desk, *((made, f"viewer-{n}") for n in range(3)))
    desk.say("rita", "reject")
    assert stands(desk, made) is Verdict.APPROVE, "one reading overturns nothing"
    desk.say("sven", "reject")
    assert stands(desk, made) is Verdict.REJECT
    [settled] = desk.entries(made, Resolved)
    assert (settled.by, settled.violated) == ("recheck", ("deceptive",))
    assert known(desk, "viewer-1") == (1, 1)
    harmless = desk.decide(Verdict.APPROVE)
    report(desk, *((harmless, f"viewer-{n}") for n in range(3)))
    desk.say("rita", "approve")
    assert stands(desk, harmless) is Verdict.APPROVE
    assert known(desk, "viewer-1") == (1, 2)


def test_readers_who_disagree_leave_it_to_somebody_senior(desk: Desk) -> None:
    made = desk.decide(Verdict.APPROVE)
    sign(desk, Seen(made.ad.ad_id, "landing_page"))
    desk.say("rita", "reject")
    desk.say("sven", "approve")
    assert {one.kind for one in desk.tasks(made)} == {"recheck"}
    assert desk.queue.claim("tove") is None
    desk.say("sonja", "reject")
    assert stands(desk, made) is Verdict.REJECT


def measured(desk: Desk) -> object:
    """What audits say, as certificates and estimates of prevalence read it."""
    with desk.ledger.look() as connection:
        evidence = AuditLog().read(connection, START - timedelta(days=1))
    return evidence, audited(desk.ledger, Period())


def test_a_flood_of_reports_moves_nothing_that_measures(desk: Desk) -> None:
    """Audited ads among those reported: what people say on a recheck is about the same decisions, and must not be counted for the audit."""
    made = [desk.decide(Verdict.APPROVE, audited=0.2 if number % 2 else None, advertiser_id=f"adv-{number}") for number in range(8)]
    while (leased := desk.queue.claim("rita")) is not None:
        desk.give(leased, "approve")
    before = measured(desk)
    for number, one in enumerate(made):
        report(desk, *((one, f"bot-{number}-{n}") for n in range(6)))
    for reviewer in ("sven", "tove"):
        while (leased := desk.queue.claim(reviewer)) is not None:
            desk.give(leased, "reject")
    assert {stands(desk, one) for one in made} == {Verdict.REJECT}
    assert measured(desk) == before


def test_a_flood_opens_no_more_tasks_than_may_wait(desk: Desk) -> None:
    made = [desk.decide(Verdict.APPROVE, advertiser_id=f"adv-{number}") for number in range(OPEN + 5)]
    for one in made:
        report(desk, *((one, f"bot-{n}") for n in range(4)))
    assert sum(one.kind == "recheck" for one in desk.tasks()) == OPEN


def test_reporters_that_are_mostly_wrong_weigh_less_the_more_of_them_there_are() -> None:
    honest, flood = [(7, 10)] * 20, [(0, 3)] * 300
    among_honest, among_flood = estimate(honest), estimate(honest + flood)
    assert among_honest.of(0, 0) == pytest.approx(0.69, abs=0.04)
    assert among_flood.of(0, 0) < 0.1
    assert among_flood.of(7, 10) > 0.5, "who was right is believed all the same"
    assert estimate([]).of(0, 0) == pytest.approx(0.2, abs=0.05)


def test_many_reporters_of_one_ad_are_no_more_than_about_two_independent_ones() -> None:
    assert likely([]) == 0
    assert likely([0.5]) == 0.5
    assert likely([0.1] * 1000) < 0.2
    assert likely([0.1, 0.8]) > likely([0.8]) > likely([0.1] * 50)
    assert Reliability(0.2, 4.0).of(4, 4) == pytest.approx(0.6)


def test_what_was_never_decided_or_no_policy_is_refused_all_at_once(desk: Desk) -> None:
    made = desk.decide(Verdict.APPROVE)
    told = [ViewerReport("ad-none", "v"), ViewerReport(made.ad.ad_id, "v", "no_policy")]
    with desk.ledger.write() as writing, pytest.raises(InvalidInput) as refused:
        take(writing, told, SECRET, Believed.of(writing.connection, desk.clock()), BOOK, desk.settings, "platform", desk.clock())
    assert [one.field for one in refused.value.mistakes] == ["reports[0].ad_id", "reports[1].policy"]
    assert desk.entries(made, Reported) == []


def test_what_is_shown_far_more_often_than_expected_or_was_edited_is_read_again_once(desk: Desk) -> None:
    made, other = desk.decide(Verdict.APPROVE, impressions=20_000.0), desk.decide(Verdict.APPROVE, impressions=20_000.0)
    assert sign(desk, Seen(made.ad.ad_id, "impressions", 59_000.0)) == [None]
    [task] = sign(desk, Seen(made.ad.ad_id, "impressions", 61_000.0))
    assert task is not None
    assert sign(desk, Seen(made.ad.ad_id, "landing_page")) == [None], "it is in line already"
    desk.say("rita", "approve")
    assert sign(desk, Seen(made.ad.ad_id, "impressions", 90_000.0)) == [None], "it was read again for this lately"
    assert sign(desk, Seen(made.ad.ad_id, "creative"))[0] is not None
    desk.clock.on(8 * 86_400)
    assert sign(desk, Seen(other.ad.ad_id, "creative"), Seen(made.ad.ad_id, "impressions", 90_000.0))[0] is not None
    with pytest.raises(InvalidInput, match="how often it was shown"):
        sign(desk, Seen(made.ad.ad_id, "impressions"))


def test_an_ad_that_does_not_run_is_not_put_back_in_line(desk: Desk) -> None:
    made = desk.decide(Verdict.REJECT)
    assert sign(desk, Seen(made.ad.ad_id, "landing_page")) == [None]
    assert desk.tasks(made) == []
