"""Today's page says what was decided, what waits, what was promised and what advertisers suffer, and where to go from there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from starlette.testclient import TestClient

from adverdict.certification.statistics.intervals import clopper_pearson
from adverdict.domain.verdict import Verdict
from adverdict.review.quality.prevalence import AuditShare
from adverdict.review.quality.quality import PolicyQuality
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.rollout.ways import ways
from adverdict.serving.console.parts import Parts
from adverdict.serving.console.today import needs, pages, promised, suffered, volume, waiting
from adverdict.storage.charts import Bar, columns, interval, nice_top
from tests.ledger.made import an_ad
from tests.review.certificates import a_certificate
from tests.review.desk import Desk
from tests.review.story import Story
from tests.serving.console.conftest import Visitor, log_in
from tests.serving.console.filled import NOW, World


@pytest.fixture
def client(world: World, visit: Visitor) -> TestClient:
    return log_in(visit(world.parts))


def test_what_was_decided_adds_up_to_the_record(world: World) -> None:
    with world.parts.ledger.look() as connection:
        counted = volume.count(connection, NOW)
    by_verdict = counted.last(24 * 28)
    assert by_verdict == {
        v.value: sum(one.decision.verdict is v for one in world.decisions) for v in (Verdict.APPROVE, Verdict.REVIEW, Verdict.REJECT)
    }
    last_day = [one for one in world.decisions if (NOW - one.decision.decided_at) < timedelta(hours=24)]
    assert abs(counted.today - len(last_day)) <= 1


def test_what_is_usual_is_not_said_of_a_platform_of_yesterday() -> None:
    assert volume.Volume({}, NOW).usual is None
    hour = int(NOW.timestamp()) // 3600
    week = volume.Volume({hour - 24 * day: {"approve": 3 + day, "review": 1} for day in range(8)}, NOW)
    assert week.usual == 8
    assert week.usual_automatic is not None
    few = volume.Volume({hour: {"approve": 1, "review": 5}}, NOW)
    assert (few.automatic, few.alone, few.today) == (None, 1, 6), "a share of six decisions would say nothing"


def test_a_task_is_past_due_by_its_kinds_deadline_and_not_by_its_place_in_the_queue(world: World) -> None:
    with world.parts.ledger.look() as connection:
        counted = waiting.count(connection, world.parts.review, NOW)
        later = waiting.count(connection, world.parts.review, NOW + timedelta(days=30))
    depths = world.parts.queue.depths()
    assert counted.tasks == sum(one.open + one.leased for one in depths) == sum(number for number, _ in counted.ages.values())
    assert later.late == counted.tasks
    assert counted.late < counted.tasks


def test_tasks_that_share_a_creative_are_counted(world: World) -> None:
    with world.parts.ledger.look() as connection:
        counted = waiting.count(connection, world.parts.review, NOW)
    assert 0 < counted.repeats <= counted.tasks
    assert counted.creatives > 0


def test_an_ad_that_names_no_creative_is_one_of_its_own(empty: Parts) -> None:
    desk = Desk(empty.ledger, ReviewSettings(double_share=0.0))
    for creative in ("cr-1", "cr-1", None, None):
        desk.decide(creative_id=creative)
    with empty.ledger.look() as connection:
        counted = waiting.count(connection, empty.review, desk.clock())
    assert (counted.tasks, counted.creatives, counted.repeats) == (4, 3, 2)


def test_a_rejection_that_people_took_back_is_told_by_its_rule_with_how_many_were_looked_at(empty: Parts) -> None:
    story = Story(empty.ledger)
    for number in range(4):
        made = story.decide(an_ad(number), Verdict.REJECT, stopped_by=["gambling"])
        if number < 3:
            story.rule(made, story.appeal(made), "overturned" if number < 2 else "upheld")
        if number == 2:
            story.resolve(made, Verdict.REJECT, "appeal", ["gambling"])
    with empty.ledger.look() as connection:
        found = suffered.count(connection, _of(empty))
    (one,) = found.overturned
    assert (one.policy, one.rejected, one.looked_at, one.overturned) == ("gambling", 4, 3, 2)
    assert (one.low, one.high) == clopper_pearson(2, 3, 0.95)


def test_a_creative_rejected_again_and_again_is_told_once_for_its_advertiser(empty: Parts) -> None:
    story = Story(empty.ledger)
    for number in range(5):
        ad = an_ad(number).model_copy(update={"creative_id": "cr-1", "advertiser_id": "adv-1" if number < 4 else "adv-2"})
        story.decide(ad, Verdict.REJECT)
    with empty.ledger.look() as connection:
        found = suffered.count(connection, _of(empty))
    assert [one.times for one in found.repeated] == [4]


def _of(parts: Parts) -> datetime:
    with parts.ledger.look() as connection:
        del connection
    last = list(parts.ledger.read())[-1].at
    return last + timedelta(hours=1)


SHARE = AuditShare(value=0.01, low=0.005, high=0.03, audited=400, said_violating=4, decisions=9000)


@pytest.mark.parametrize(
    ("target", "share", "state"),
    [
        (0.05, SHARE, "kept"),
        (0.02, SHARE, "open"),
        (0.004, SHARE, "missed"),
        (0.02, AuditShare(0.0, 0.0, 0.6, 3, 0, 9000), "not measured"),
        (0.02, None, "not measured"),
    ],
)
def test_leakage_is_kept_open_missed_or_not_measured(target: float, share: AuditShare | None, state: str) -> None:
    quality = PolicyQuality("gambling", None, share, None, 9000, 10, 4)
    (one,), top = promised.leakages([quality], {"gambling": target})
    assert one.state == state
    assert (one.value is None) == (state == "not measured") == (one.drawing is None)
    assert top >= target


def test_the_way_to_a_certificate_leads_to_the_nearest_place_that_has_none() -> None:
    one = a_certificate(NOW)
    lacking = one.model_copy(
        update={
            "approve_below": 0.0,
            "markets": tuple(market.model_copy(update={"served": False}) for market in one.markets),
            "bounds": tuple(bound.model_copy(update={"labels_needed": 4000}) for bound in one.bounds),
        }
    )
    farther = lacking.model_copy(update={"bounds": tuple(bound.model_copy(update={"labels_needed": 9000}) for bound in one.bounds)})
    (way,) = ways([farther, lacking, one])
    assert way.needed == 4000
    assert 0 < way.labels <= lacking.ads
    assert 0 < way.certified < way.places
    hopeless = lacking.model_copy(update={"bounds": tuple(bound.model_copy(update={"labels_needed": None}) for bound in one.bounds)})
    assert ways([hopeless])[0].needed == 0


def test_what_needs_somebody_comes_in_the_order_of_its_urgency(world: World) -> None:
    with world.parts.ledger.look() as connection:
        waits = waiting.count(connection, world.parts.review, NOW + timedelta(days=9))
    quality = PolicyQuality("gambling", None, SHARE, None, 9000, 10, 4)
    leakages, _ = promised.leakages([quality], {"gambling": 0.004})
    ends = [NOW - timedelta(days=1), NOW + timedelta(days=3)]
    known = needs.Known(NOW, waits, (), leakages, (), ends, {"PK": 19, "FR": 2}, ("no_model",), {"gambling": "Gambling"})
    found = needs.needs(known)
    assert [one.urgency for one in found] == sorted((one.urgency for one in found), key=["act", "look", "know"].index)
    told = " ".join(f"{one.what} {one.told}" for one in found)
    for expected in (
        "no model was loaded",
        "the target is 0.4 %",
        "past the deadline",
        "Pakistan 19",
        "has expired",
        "within a week",
        "repeat a creative",
    ):
        assert expected in told


def test_the_page_shows_all_of_it(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adverdict.serving.console.today.pages.QUALITY_PATIENCE", 60)
    monkeypatch.setattr("adverdict.serving.console.today.pages.PATIENCE", 60)
    text = client.get("/console/today").text
    for expected in (
        "Decided in 24 hours",
        "What needs you",
        "How old what waits is",
        "Violating among the approved",
        "What advertisers suffer",
    ):
        assert expected in text


def test_figures_that_take_long_are_waited_for_elsewhere(empty: Parts, visit: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adverdict.serving.console.today.pages.PATIENCE", 0.0)
    cache = pages.TodayCache(empty, lambda parts: pages.counted(parts))
    assert cache.get() is None
    monkeypatch.setattr("adverdict.serving.console.today.pages.PATIENCE", 60)
    assert cache.get() is not None


def test_columns_are_as_high_as_what_they_hold() -> None:
    drawn = columns([Bar("a", {"x": 3.0, "y": 1.0}, ""), Bar("b", {"x": 0.0, "y": 5.0}, "")])
    assert drawn.top == 5
    assert [[(part.kind, part.y, part.height) for part in one.segments] for one in drawn.columns] == [
        [("x", 40, 60), ("y", 20, 20)],
        [("y", 0, 100)],
    ]


@pytest.mark.parametrize(("value", "top"), [(0, 1), (1, 1), (1.01, 2), (43, 50), (0.012, 0.02), (1000, 1000)])
def test_an_axis_ends_with_a_round_number(value: float, top: float) -> None:
    assert nice_top(value) == pytest.approx(top)


def test_an_interval_that_goes_on_is_said_to() -> None:
    drawn = interval(0.01, 0.02, 0.5, 0.02, 0.05)
    assert drawn.beyond
    assert 0 < drawn.low < drawn.value < drawn.high == drawn.width


def test_hours_are_those_of_utc() -> None:
    at = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
    drawn = volume.Volume({int(at.timestamp()) // 3600: {"approve": 2}}, at).by_hour()
    assert drawn.columns[-1].told.startswith("10:00: 2 approved")
