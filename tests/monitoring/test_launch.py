"""Launches: each gate says what is missing, by when and whose it is; together they are the verdict; what became of it is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time, timedelta

import pytest
from scipy.stats import binom

from adverdict.benchmarks.workforce.worlds import shapes_of
from adverdict.decisions.policy import MarketRules, PolicyBook, Severity, Targets, WhenUncertified
from adverdict.decisions.steering import Steering
from adverdict.domain.errors import Conflict, InvalidInput, NotFound
from adverdict.ledger.bodies.launch import GateStatus, GateTold, LaunchVerdict
from adverdict.ledger.store import Ledger
from adverdict.monitoring.launch.facts import Installed, facts, policies_ready, thin_hours
from adverdict.monitoring.launch.gates import GOLDEN, gates, verdict
from adverdict.monitoring.launch.joint import Evidence, joint_limit
from adverdict.monitoring.launch.people import review_share, with_launch
from adverdict.monitoring.launch.record import checked, find, keep, latest, launch_of, launches, missing
from adverdict.monitoring.launch.score import Happened, judged, score
from adverdict.monitoring.launch.score import keep as keep_score
from adverdict.monitoring.launch.words import Launch, LaunchFacts, PeopleWeek, PolicyReady
from adverdict.review.quality.prevalence import AuditShare
from adverdict.review.tasks.routing import Reviewer, register
from adverdict.simulation.demand import Setup, simulate
from adverdict.workforce.forecast.forecast import forecast
from adverdict.workforce.operations.read import Operations
from adverdict.workforce.operations.roster import Shift
from adverdict.workforce.outlook import Known
from adverdict.workforce.volume.history import Queue
from tests.decisions.build import POLICY
from tests.ledger.made import START
from tests.review.certificates import a_certificate
from tests.workforce.worlds import history_of

HOURS = ((time(8), time(16)), (time(12), time(20)))
TODAY, OPENS = date(2026, 3, 2), date(2026, 5, 4)
LAUNCH = Launch("market", "JP", ("JP",), 900.0, OPENS, ("ja",), ("SE",))
READY = PolicyReady("deceptive", "JP", Severity.SEVERE, "certified", True, 0.02, 0.95, 0.2, "ja", limit=0.02)
WEEK = PeopleWeek(OPENS, 4.0, 5.0, 0.95, 900.0, 300.0)
FACTS = LaunchFacts(
    today=TODAY,
    files=frozenset({"JP", "SE"}),
    in_force=frozenset({"JP", "SE"}),
    signed=("petra",),
    policies=(READY,),
    model_languages=frozenset({"ja", "sv"}),
    readers={"ja": 3},
    seniors={"ja": 1},
    thin_hours={"ja": 0.0},
    golden={"ja": GOLDEN},
    weeks=(WEEK,),
    met_target=0.9,
    in_time=0.95,
    review_share=0.1,
    rollouts=("rol-1",),
)


def stands(launch: Launch, known: LaunchFacts) -> dict[str, GateTold]:
    return {one.name: one for one in gates(launch, known)}


def test_with_everything_there_it_is_go() -> None:
    told = gates(LAUNCH, FACTS)
    assert [one.status for one in told] == [GateStatus.OK] * len(told)
    assert verdict(told) is LaunchVerdict.GO
    assert missing(told) == []


@pytest.mark.parametrize(
    ("gate", "changes", "status", "says"),
    [
        ("policies", {"files": frozenset({"SE"})}, "missing", "no policy file for JP"),
        ("policies", {"in_force": frozenset({"SE"})}, "missing", "not in the set of policies that is in force"),
        ("certificates", {"policies": ()}, "missing", "no policy looks at its ads"),
        (
            "certificates",
            {"policies": (replace(READY, decides=False, state="not solved"),)},
            "people",
            "people read every ad there: 900 a day",
        ),
        (
            "certificates",
            {"policies": (replace(READY, state="provisional", limit=None),)},
            "todo",
            "0 of 1 policies decide with a certificate",
        ),
        ("languages", {"readers": {"ja": 1}}, "missing", "fewer than 2 reviewers read ja"),
        ("languages", {"thin_hours": {"ja": 0.5}}, "todo", "in 50% of the hours on duty"),
        ("languages", {"model_languages": frozenset({"sv"})}, "people", "the model has learnt from no ads in ja"),
        ("languages", {"model_languages": None}, "people", "the model has learnt from no ads in ja"),
        ("people", {"weeks": None}, "missing", "too little is on record"),
        ("people", {"weeks": (replace(WEEK, rostered=0.0),)}, "missing", "nobody is rostered, and 4.0 full-time people are needed"),
        ("people", {"weeks": (WEEK, replace(WEEK, met=0.5))}, "missing", "targets kept with probability 0.50"),
        ("people", {"weeks": (replace(WEEK, met=None, needed=6.0),)}, "missing", "6.0 full-time people are needed and 5.0 rostered"),
        ("people", {"weeks": (WEEK,) * 5 + (replace(WEEK, met=0.5),)}, "todo", "targets kept with probability 0.50"),
        ("golden", {"golden": {"ja": 30}}, "todo", "30 golden items in ja"),
        ("audits", {"policies": (replace(READY, audit_share=0.001),)}, "todo", "24 in the first month"),
        ("reasons", {"seniors": {"ja": 0}}, "missing", "no senior reviewer reads ja"),
        ("reasons", {"policies": (replace(READY, reason_language="en"),)}, "todo", "deceptive in JP"),
        ("roll-out", {"rollouts": ()}, "todo", "no roll-out is on record"),
        ("freezes", {"freezes": (("golden week", date(2026, 4, 29), date(2026, 5, 6)),)}, "missing", "lies in the freeze golden week"),
        ("freezes", {"stopped": ("brk-1",)}, "people", "brakes are on there: brk-1"),
    ],
)
def test_each_gate_says_what_is_missing(gate: str, changes: dict[str, object], status: str, says: str) -> None:
    known = replace(FACTS, **changes)  # type: ignore[arg-type]  # fields of it
    told = stands(LAUNCH, known)
    assert told[gate].status == status
    assert says in told[gate].says
    assert told[gate].needs
    others = {name: one for name, one in told.items() if name != gate and one.status == "missing"}
    assert others == {}
    expected = {"missing": LaunchVerdict.NO_GO, "people": LaunchVerdict.PEOPLE, "todo": LaunchVerdict.GO}[status]
    assert verdict(list(told.values())) is expected


def test_what_is_missing_has_a_day_before_it_opens_and_an_owner() -> None:
    told = stands(LAUNCH, replace(FACTS, readers={"ja": 0}))["languages"]
    assert (told.owner, told.until, told.cost) == ("workforce", OPENS - timedelta(days=28), "2 people a shift")


@pytest.mark.parametrize(
    ("met", "high", "needed", "status"),
    [
        (0.95, 0.99, 4.0, "ok"),
        (0.85, 0.96, 4.0, "todo"),
        (0.85, 0.96, 5.1, "missing"),
        (0.75, 0.89, 4.0, "missing"),
        (0.75, None, 4.0, "missing"),
        (None, None, 4.0, "ok"),
    ],
)
def test_a_week_that_may_be_bad_luck_stops_no_launch_while_the_people_needed_are_there(
    met: float | None, high: float | None, needed: float, status: str
) -> None:
    facts = replace(FACTS, weeks=(replace(WEEK, met=met, met_high=high, needed=needed), WEEK))
    assert stands(LAUNCH, facts)["people"].status.value == status


def test_how_many_labels_would_do_is_said_as_far_as_it_is_known() -> None:
    unsolved = replace(READY, decides=False, state="not solved")
    assert stands(LAUNCH, replace(FACTS, policies=(unsolved,)))["certificates"].cost == (
        "at least 149 labels, each of another advertiser, if none of them violates"
    )
    foreseen = replace(unsolved, labels_needed=700)
    assert stands(LAUNCH, replace(FACTS, policies=(unsolved, foreseen)))["certificates"].cost == (
        "about 700 labels, each of another advertiser"
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"market": "JP", "surface": "feed"}, "one of --market, --surface, --product"),
        ({"market": "XX"}, "an ISO 3166-1 alpha-2 code"),
        ({"languages": ()}, "such as ja"),
        ({"ads_per_day": "0"}, "above 0"),
        ({"ads_per_day": "many"}, "above 0, such as 900"),
        ({"ads_per_day": "inf"}, "above 0"),
        ({"opens": (TODAY - timedelta(days=1)).isoformat()}, "or later"),
        ({"opens": "tomorrow"}, "such as 2027-03-01"),
        ({"like": ("DE",)}, "a market on record: SE"),
        ({"where": ("SE",)}, "a market opens in itself"),
    ],
)
def test_mistakes_in_what_is_asked_name_the_value_and_what_was_expected(changes: dict[str, object], expected: str) -> None:
    usual: dict[str, object] = {"market": "JP", "surface": None, "product": None, "where": (), "languages": ("ja-JP",), "like": ("SE",)}
    usual |= {"ads_per_day": "900", "opens": OPENS.isoformat(), "known": ("SE",), "today": TODAY}
    assert launch_of(**usual) == LAUNCH  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match=expected):
        launch_of(**{**usual, **changes})  # type: ignore[arg-type]


def test_a_surface_opens_where_there_is_a_past_unless_markets_are_named() -> None:
    usual = {
        "market": None,
        "product": None,
        "languages": ("sv",),
        "like": (),
        "ads_per_day": "9",
        "opens": OPENS.isoformat(),
        "today": TODAY,
    }
    assert launch_of(surface="feed", where=(), known=("DE", "SE"), **usual).markets == ("DE", "SE")  # type: ignore[arg-type]
    assert launch_of(surface="feed", where=("SE",), known=("DE", "SE"), **usual).markets == ("SE",)  # type: ignore[arg-type]


def test_what_is_checked_is_kept_found_and_scored_once_its_weeks_are_over(ledger: Ledger) -> None:
    told = checked(LAUNCH, FACTS, 0, "paul")
    assert told.claims == {
        "leakage": {"deceptive/JP": 0.02},
        "in_time": pytest.approx(0.855),
        "reviews_per_day": 90.0,
        "ads_per_day": 900.0,
    }
    first, second = keep(ledger, told, START), keep(ledger, told, START + timedelta(days=1))
    assert [one.launch_id for one in launches(ledger)] == [first, second]
    assert [one.launch_id for one in latest(launches(ledger))] == [second]
    with pytest.raises(NotFound, match="adverdict launch list"):
        find(ledger, "lch-none")
    with pytest.raises(Conflict, match="is scored from 2026-06-01 on"):
        score(ledger, find(ledger, second), date(2026, 5, 31), "paul")
    scored = score(ledger, find(ledger, second), date(2026, 6, 1), "paul")
    assert scored.broke == ()
    assert scored.unknown == ("leakage of deceptive/JP: too little was audited, at most 2 % may", "reviews in time: 0 were due")
    keep_score(ledger, scored, START + timedelta(days=90))
    assert find(ledger, second).score == scored


def test_a_launch_that_may_not_open_claims_nothing() -> None:
    assert checked(LAUNCH, replace(FACTS, readers={}), 0, "paul").claims == {}


@pytest.mark.parametrize(
    ("share", "due", "ads", "broke", "unknown"),
    [
        (AuditShare(0.01, 0.005, 0.018, 400, 4, 9000), 600, 900.0, 0, 0),
        (AuditShare(0.01, 0.002, 0.04, 90, 1, 9000), 600, 900.0, 0, 1),
        (AuditShare(0.03, 0.015, 0.05, 300, 9, 9000), 600, 900.0, 0, 1),
        (AuditShare(0.05, 0.03, 0.07, 400, 20, 9000), 600, 900.0, 1, 0),
        (AuditShare(0.01, 0.005, 0.018, 400, 4, 9000), 1000, 900.0, 1, 0),
        (AuditShare(0.01, 0.005, 0.018, 400, 4, 9000), 600, 1400.0, 1, 0),
        (None, 20, 900.0, 0, 2),
    ],
)
def test_a_claim_is_broken_where_the_whole_interval_says_so(
    ledger: Ledger, share: AuditShare | None, due: int, ads: float, broke: int, unknown: int
) -> None:
    one = find(ledger, keep(ledger, checked(LAUNCH, FACTS, 0, "paul"), START))
    told = judged(one, Happened(ads, 90.0, due, min(due, 590), {"deceptive/JP": share}), "paul")
    assert (len(told.broke), len(told.unknown)) == (broke, unknown)


AUTO = replace(POLICY, name="deceptive", thresholds=None, targets=Targets(0.02, 0.1, 0.95), when_uncertified=WhenUncertified.REVIEW)


@pytest.mark.parametrize(
    ("market", "opens", "revoked", "state", "decides"),
    [
        ("SE", START.date() + timedelta(days=5), False, "certified", True),
        ("SE", START.date() + timedelta(days=95), False, "expired", False),
        ("SE", START.date() + timedelta(days=5), True, "revoked", False),
        ("JP", START.date() + timedelta(days=5), False, "not solved", False),
    ],
)
def test_a_policy_is_ready_as_its_certificate_stands_on_the_day(market: str, opens: date, revoked: bool, state: str, decides: bool) -> None:
    book = PolicyBook(("deceptive",), {one: MarketRules((AUTO,)) for one in ("SE", "JP")})
    made = a_certificate()
    steering = Steering(revoked=frozenset({made.certificate_id} if revoked else ()))
    launch = replace(LAUNCH, name=market, markets=(market,), opens=opens)
    [ready] = policies_ready(book, [made], steering, launch)
    assert (ready.state, ready.decides, ready.limit) == (state, decides, 0.02 if decides else None)


def test_several_certificates_claim_at_once_what_the_labels_of_each_show_at_their_part_of_the_confidence() -> None:
    shown = Evidence(errors=2, draws=330, limit=0.02, level=0.05)
    assert joint_limit(shown, 1) == 0.02, "what was tested, as long as one alone is claimed"
    assert binom.cdf(2, 330, joint_limit(shown, 3)) == pytest.approx(0.05 / 3)
    assert joint_limit(shown, 30) > joint_limit(shown, 3) > 0.02


def test_hours_in_which_one_reader_is_alone_are_told() -> None:
    day, late = (Shift("all", 1.0, tuple(range(7)), *hours, "UTC", 40.0) for hours in HOURS)
    assert thin_hours([], LAUNCH) is None
    assert thin_hours([day, late], LAUNCH) == {"ja": pytest.approx(8 / 12)}
    assert thin_hours([replace(day, people=2.0)], LAUNCH) == {"ja": 0.0}
    assert thin_hours([replace(day, languages=("sv",))], LAUNCH) == {"ja": 1.0}


def a_past() -> Known:
    history = history_of(simulate(Setup(seed=3, days=42, ads_a_day=3_000))).only(lambda market: market in ("SE", "DE"))
    return Known(history, shapes_of(history), operations=Operations())


def test_a_market_opens_on_its_day_and_grows_up_and_people_read_all_its_ads_where_nothing_decides() -> None:
    known, first = a_past(), 9
    without = forecast(known.history, (), 6)
    launch = replace(LAUNCH, opens=known.history.end + timedelta(days=first), like=("SE", "DE"), ads_per_day=500.0)
    share = review_share(known, launch)
    assert share is not None
    few, every = (with_launch(without, launch, first, read_all) for read_all in ((), ("JP",)))
    reviews = [told.daily[told.queues.index(Queue("JP", "review"))] for told in (few, every)]
    ads = sum(row for row, one in zip(few.submissions, few.series, strict=True) if one.market == "JP")
    assert ads[:first].sum() == 0
    assert ads[-7:].mean() == pytest.approx(500, rel=0.1)
    assert reviews[0][-7:].sum() == pytest.approx(share * ads[-7:].sum(), rel=0.3)
    assert reviews[1][-7:].sum() == pytest.approx(ads[-7:].sum(), rel=0.05)
    assert every.daily[every.queues.index(Queue("JP", "audit"))].sum() == 0
    assert few.daily[: len(without.queues)].tolist() == without.daily.tolist()


def test_more_ads_in_markets_that_are_open_make_more_of_their_tasks() -> None:
    known = a_past()
    without = forecast(known.history, (), 6)
    surface = Launch("surface", "shorts", ("SE",), 400.0, known.history.end, ("sv",))
    reviews = without.queues.index(Queue("SE", "review"))
    few, every = (with_launch(without, surface, 0, read_all).daily[reviews] - without.daily[reviews] for read_all in ((), ("SE",)))
    assert 0 < few[-7:].sum() < every[-7:].sum()
    assert every[-7:].mean() == pytest.approx(400, rel=0.1)


def test_facts_are_gathered_from_what_is_installed_and_on_record(ledger: Ledger) -> None:
    with ledger.change() as connection:
        for who in (Reviewer("rita", languages=("ja",), senior=True), Reviewer("sven"), Reviewer("old", active=False)):
            register(connection, who)
    known = a_past()
    book = PolicyBook(("deceptive",), {one: MarketRules((AUTO,)) for one in ("SE", "JP")})
    freezes = (("sale", OPENS, OPENS + timedelta(days=2), ("JP",)), ("other", OPENS, OPENS + timedelta(days=2), ("SE",)))
    installed = Installed(book, book, (a_certificate(),), frozenset({"ja"}), known, freezes)
    launch = replace(LAUNCH, opens=known.history.end + timedelta(days=3), like=("SE",))
    found = facts(ledger, installed, launch, TODAY, twin=False)
    assert (found.readers, found.seniors, found.thin_hours) == ({"ja": 2}, {"ja": 1}, None)
    assert found.people_decide == {"JP": ("deceptive",)}
    assert (found.review_share, found.freezes) == (1.0, (("sale", OPENS, OPENS + timedelta(days=2)),))
    assert found.weeks is not None
    assert (found.weeks[0].week, len(found.weeks)) == (known.history.end, 8)
    assert found.weeks[-1].extra > found.weeks[0].extra > 0
    told = checked(launch, found, 0, "paul")
    assert told.outcome is LaunchVerdict.NO_GO
    assert "nobody is rostered" in next(one.says for one in told.gates if one.name == "people")
