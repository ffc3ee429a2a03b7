from __future__ import annotations

import pytest

from adverdict.domain.errors import InvalidInput
from adverdict.review.tasks import routing
from adverdict.review.tasks.claims import may_take
from adverdict.review.tasks.routing import Reviewer
from adverdict.review.tasks.tasks import RoutingKey
from tests.review.desk import Desk

ANY = Reviewer("any")
SE = RoutingKey("SE", "sv", False, ("deceptive",))


@pytest.mark.parametrize(
    ("who", "lane", "may"),
    [
        (ANY, SE, True),
        (ANY, SE._replace(senior=True), False),
        (Reviewer("boss", senior=True), SE._replace(senior=True), True),
        (Reviewer("boss", senior=True), SE, True),
        (Reviewer("r", markets=("DE", "SE")), SE, True),
        (Reviewer("r", markets=("DE",)), SE, False),
        (Reviewer("r", languages=("sv",)), SE, True),
        (Reviewer("r", languages=("de",)), SE, False),
        (Reviewer("r", languages=("de",)), SE._replace(language=None), True),
        (Reviewer("r", policies=("deceptive", "gambling")), SE, True),
        (Reviewer("r", policies=("gambling",)), SE, False),
        (Reviewer("r", policies=("deceptive",)), SE._replace(policies=("deceptive", "gambling")), False),
    ],
)
def test_a_task_goes_to_who_has_every_skill_it_asks(who: Reviewer, lane: RoutingKey, may: bool) -> None:
    assert may_take(who, lane) is may
    assert RoutingKey.parse(lane.key) == lane


@pytest.mark.parametrize("skills", [{}, {"markets": ("SE", "DE")}, {"languages": ("sv", "de")}, {"policies": ("deceptive",)}])
def test_whatever_the_skills_the_earliest_due_of_all_lanes_comes_first(desk: Desk, skills: dict[str, tuple[str, ...]]) -> None:
    desk.staff(Reviewer("rita", **skills))  # type: ignore[arg-type]
    for number, (market, language) in enumerate((("SE", "sv-SE"), ("DE", "de"), ("SE", None), ("DE", "sv_FI")) * 3):
        desk.decide(market=market, language=language, impressions=float(10 ** (number * 5 % 7)))
    taken = [desk.claim("rita").task for _ in range(12)]
    assert [task.due_at for task in taken] == sorted(task.due_at for task in taken)
    assert len({task.task_id for task in taken}) == 12
    assert desk.queue.claim("rita") is None


def test_an_expired_lease_of_another_lane_is_not_passed_over(desk: Desk) -> None:
    desk.staff(Reviewer("rita", markets=("SE", "DE")))
    first = desk.decide(market="DE")
    desk.clock.on(1)
    desk.decide(market="SE")
    desk.claim("sven")
    desk.clock.on(desk.settings.lease_seconds)
    assert desk.claim("rita").task.about == first.decision.decision_id


def test_skills_are_kept_and_replaced(desk: Desk) -> None:
    desk.staff(Reviewer("rita", ("SE",), ("sv-SE", "sv"), ("gambling",), senior=True), Reviewer("anna"))
    desk.staff(Reviewer("rita", ("DE",), (), (), active=False))
    with desk.ledger.look() as connection:
        assert routing.reviewers(connection) == [Reviewer("anna"), Reviewer("rita", ("DE",), (), (), active=False)]
        assert routing.reviewer(connection, "nobody") == Reviewer("nobody")


def test_language_tags_are_registered_by_their_primary_subtag(desk: Desk) -> None:
    desk.staff(Reviewer("rita", languages=("sv-SE", "SV", "de_AT")))
    with desk.ledger.look() as connection:
        assert routing.reviewer(connection, "rita").languages == ("sv", "de")


def test_who_is_not_active_gets_nothing(desk: Desk) -> None:
    desk.staff(Reviewer("rita", active=False))
    desk.decide()
    assert desk.queue.claim("rita") is desk.queue.peek("rita") is None


def test_every_mistake_of_a_registration_is_told(desk: Desk) -> None:
    wrong = Reviewer("no such name", ("Sweden",), ("?",), ("Gambling",))
    with pytest.raises(InvalidInput) as error, desk.ledger.change() as connection:
        routing.register(connection, wrong)
    assert [mistake.field for mistake in error.value.mistakes] == ["name", "markets", "languages", "policies"]


def test_queues_are_counted_by_market_language_kind_and_policies(desk: Desk) -> None:
    for market in ("SE", "SE", "SE", "DE"):
        desk.decide(market=market)
    desk.claim("rita")
    desk.clock.on(100)
    [germany, sweden] = desk.queue.depths()
    assert (germany.market, germany.open, germany.leased, germany.oldest_seconds) == ("DE", 1, 0, 100.0)
    assert (sweden.market, sweden.language, sweden.kind, sweden.policies, sweden.open, sweden.leased) == (
        ("SE", "sv", "review", ("deceptive",), 2, 1)
    )
    desk.clock.on(desk.settings.deadline_seconds("review"))
    assert [(one.open, one.leased, one.overdue) for one in desk.queue.depths()] == [(1, 0, 1), (3, 0, 3)]
