"""A platform in simulated time: its ads are decided, its tasks answered by whoever is there, and its rejections come back."""

from __future__ import annotations

from pathlib import Path

from adverdict.benchmarks.world.clock import SimulatedClock
from adverdict.benchmarks.world.platform import SimulatedPlatform
from adverdict.decisions.files.read import read_policies
from adverdict.ledger.entries import Answered, DecisionMade
from adverdict.ledger.store import Ledger
from adverdict.ledger.verify import verify
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.scoring.scorer import Scorer
from adverdict.simulation.crew import SICK_OR_AWAY, Colleague, Team, draw_crew, learning
from adverdict.simulation.marketplace import Marketplace
from adverdict.simulation.world import DAYS

DAYS_LIVED = 8
TEAMS = (Team("early", 2, 8, 4, newcomers=1), Team("late", 1, 16, 4, languages=("en",)), Team("lead", 1, 12, 4, senior=True))


def crew() -> list[Colleague]:
    return draw_crew(TEAMS, DAYS_LIVED, 1, away=0.25)


def test_a_platform_lives_its_days_in_order_and_nobody_answers_who_is_not_there(tmp_path: Path) -> None:
    """Without a model every ad goes to people: the whole of the queue is theirs."""
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", create=True)
    book = read_policies(None)

    def scorer(clock: SimulatedClock) -> Scorer:
        return Scorer(None, book, clock=clock)

    platform = SimulatedPlatform(ledger, scorer, Marketplace(5, 12 * DAYS), crew(), ReviewSettings(), 1)
    platform.live(DAYS_LIVED)
    made = [one for one in ledger.read(kinds=[DecisionMade.kind]) if isinstance(one.body, DecisionMade)]
    assert len(made) == platform.submitted > 6 * DAYS_LIVED
    assert [one.at for one in made] == sorted(one.at for one in made)
    answers = [one for one in ledger.read(kinds=[Answered.kind]) if isinstance(one.body, Answered)]
    assert len(answers) == sum(one.answers for one in platform.people) > platform.submitted / 2
    by_name = {one.name: one for one in crew()}
    for one in answers:
        assert isinstance(one.body, Answered)
        who, day = by_name[one.body.reviewer], int((one.at.timestamp() - platform.begin) // 86_400)
        assert day not in who.away
        assert one.at.hour >= who.team.starts
    assert platform.came_back > 0
    assert len({one.body.ad.ad_id for one in made if isinstance(one.body, DecisionMade)}) == platform.submitted - platform.came_back
    assert verify(ledger).problems == ()
    ledger.close()


def test_people_are_drawn_with_spells_of_absence_and_learn() -> None:
    many = draw_crew((Team("all", 200, 8, 8, newcomers=100),), 300, 3)
    assert abs(sum(len(one.away) for one in many) / (200 * 300) - SICK_OR_AWAY) < 0.01
    assert many == draw_crew((Team("all", 200, 8, 8, newcomers=100),), 300, 3)
    assert many[0].factor(0) == 1.5 * many[0].pace > many[0].factor(200) > many[0].pace
    assert learning(10_000) == 1.0
