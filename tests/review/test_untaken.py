"""A queue that nobody declared may take says which skill is missing."""

from __future__ import annotations

import pytest

from adverdict.cli.review.tables import show_untaken
from adverdict.review.queue import QueueDepth
from adverdict.review.tasks.routing import Reviewer
from adverdict.review.tasks.tasks import RoutingKey
from adverdict.review.tasks.untaken import why_nobody

LANE = RoutingKey("SE", "sv", senior=False, policies=("gambling",))
GERMAN = Reviewer("ann", ("DE",), ("de",), ("gambling",))
SWEDE = Reviewer("bo", ("SE",), ("sv",), ("adult",))


@pytest.mark.parametrize(
    ("declared", "lane", "why"),
    [
        ([], LANE, None),
        ([Reviewer("ann")], LANE, None),
        ([GERMAN, Reviewer("bo", ("SE",))], LANE, None),
        ([GERMAN], LANE, "no active reviewer reads SE's ads; no active reviewer reads sv"),
        ([GERMAN], LANE._replace(language=None), "no active reviewer reads SE's ads"),
        ([SWEDE], LANE, "no active reviewer knows gambling"),
        ([GERMAN, SWEDE], LANE, "no single active reviewer has all of these skills, though each has somebody"),
        ([Reviewer("ann", active=False)], LANE, "no declared reviewer is active"),
        ([Reviewer("ann")], LANE._replace(senior=True), "no active reviewer is senior"),
        ([], LANE._replace(senior=True), "no senior reviewer is declared"),
        ([Reviewer("ann", senior=True)], LANE._replace(senior=True), None),
    ],
)
def test_the_skill_that_nobody_has_is_named(declared: list[Reviewer], lane: RoutingKey, why: str | None) -> None:
    assert why_nobody(lane, declared) == why


def test_the_command_tells_how_many_tasks_wait_for_it(capsys: pytest.CaptureFixture[str]) -> None:
    waiting = QueueDepth("SE", "sv", "review", ("gambling",), False, open=2, leased=1, oldest_seconds=5.0, overdue=0)
    show_untaken([waiting], [SWEDE])
    said = " ".join(capsys.readouterr().err.split())
    assert said == "2 open tasks (SE, sv, gambling) have no declared reviewer: no active reviewer knows gambling"
