"""Probing: near copies of what was stopped that come nearer to passing are noticed and left to people; mending an ad is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from adverdict.decisions.decide import DecisionContext, decide
from adverdict.decisions.steering import Held, Steering
from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.errors import Conflict, InvalidInput, NotFound
from adverdict.domain.risk import RiskScore
from adverdict.domain.verdict import Verdict
from adverdict.ledger.erase import erase
from adverdict.ledger.in_force.probing import end, notices
from adverdict.ledger.in_force.steering import steering_now
from adverdict.ledger.schema import tasks
from adverdict.ledger.store import Ledger
from adverdict.monitoring.creatives import differ
from adverdict.monitoring.drafts import A_DAY, AN_HOUR, keep, room, rules_met
from adverdict.monitoring.following.decided import DecidedAd, decisions_between
from adverdict.monitoring.prober import AT_ONCE, Found, Prober, forget_probes
from adverdict.monitoring.probing import BURST, ProbingDetector, Try, alike, try_of, words_of
from adverdict.serving.worker.watches.probing import HELD, ProbingWatch
from tests.decisions.build import POLICY, book
from tests.ledger.made import START, an_ad, append_decisions, decided
from tests.review.desk import BOOK, PLAIN, Clock

SECRET = b"s" * 32
SAID = "double your savings in seven days guaranteed returns without any risk for the first hundred who call us today"
TEXT = SAID.split(" ")


def text(changes: int) -> str:
    """The ad with so many words changed."""
    return " ".join([*(f"other{n}" for n in range(changes)), *TEXT[changes:]])


def tried(number: int, level: float, *, changes: int | None = None, seconds: float | None = None, who: str = "adv-7") -> Try:
    words = words_of(an_ad(1, title=text(number if changes is None else changes), body=""), SECRET)
    at = START + timedelta(seconds=60 * number if seconds is None else seconds)
    return Try(who, at, words, level, level > 0, f"dec-{number}", f"ad-{number}")


def test_an_ad_that_climbs_down_word_by_word_is_noticed_before_or_when_it_passes() -> None:
    detector = ProbingDetector()
    found = [detector.see(tried(number, 3.0 - 0.4 * number)) for number in range(8)]
    [notice] = [one for one in found if one is not None]
    assert found.index(notice) == 5
    assert (notice.kind, notice.copies, notice.nearer, notice.passed) == ("climb", 5, 5, ())
    assert notice.says == ("5 changed copies of an ad that was stopped came within 5 minutes; 5 of them nearer to passing than all before.")


def test_what_passed_before_it_was_noticed_is_named() -> None:
    detector = ProbingDetector()
    levels = (1.0, 0.7, -0.2, -0.6, -0.7, -1.0)
    [notice] = [one for number, level in enumerate(levels) if (one := detector.see(tried(number, level))) is not None]
    assert notice.passed == ("ad-2", "ad-3", "ad-4", "ad-5")


def test_mending_an_ad_resending_it_and_other_ads_are_no_probing() -> None:
    detector = ProbingDetector()
    mended = [tried(0, 2.0), tried(1, 1.0), tried(2, -1.0)]
    resent = [tried(0, 2.0, seconds=60 * n, who="adv-8") for n in range(30)]
    unlike = [Try("adv-9", START, frozenset(range(100 * n, 100 * n + 20)), 2.0 - 0.3 * n, True, f"dec-{n}") for n in range(8)]
    never_stopped = [tried(number, -1.0 - number, who="adv-10") for number in range(30)]
    assert [detector.see(one) for one in (*mended, *resent, *unlike, *never_stopped)] == [None] * 71


def test_hundreds_of_near_copies_within_a_minute_are_noticed_by_their_number() -> None:
    detector, found = ProbingDetector(), None
    words = words_of(an_ad(1, title=text(0), body=""), SECRET)
    for number in range(1_075):
        copy = Try("adv-7", START + timedelta(seconds=number * 30 / 1_075), words | {number}, 2.0, True, f"dec-{number}", f"ad-{number}")
        found = detector.see(copy)
        if found:
            break
    assert found is not None
    assert found.kind in ("burst", "stubborn")
    assert found.copies <= BURST


def test_near_copies_are_told_by_their_words() -> None:
    one, other = frozenset(range(10)), frozenset(range(5, 15))
    assert alike(one, one) == alike(frozenset(), frozenset()) == 1.0
    assert alike(one, other) == pytest.approx(1 / 3)
    assert words_of(an_ad(1), SECRET) != words_of(an_ad(1), b"t" * 32), "hashes are of the ledger's secret"


BY_RISK = book([replace(POLICY, name="deceptive")])


def risk(p: float) -> RiskScore:
    return RiskScore(policy="deceptive", p=p, p_low=p, p_high=p)


def context(held: dict[str, Held], at: datetime = START) -> DecisionContext:
    return DecisionContext("dec-1", at, "v1", steering=Steering(held=held))


@pytest.mark.parametrize(("p", "verdict"), [(0.01, Verdict.REVIEW), (0.99, Verdict.REJECT), (0.5, Verdict.REVIEW)])
def test_an_advertiser_who_was_noticed_is_approved_nothing_automatically(p: float, verdict: Verdict) -> None:
    held = {"adv-7": Held("prb-1", START + timedelta(days=7))}
    told = decide(an_ad(), {"deceptive": risk(p)}, BY_RISK, SolvedThresholds(), context=context(held))
    assert told.verdict is verdict
    assert ("probing:prb-1" in told.degraded) is (p == 0.01)
    other = decide(an_ad(advertiser_id="adv-8"), {"deceptive": risk(0.01)}, BY_RISK, SolvedThresholds(), context=context(held))
    later = decide(an_ad(), {"deceptive": risk(0.01)}, BY_RISK, SolvedThresholds(), context=context(held, START + timedelta(days=8)))
    assert (other.verdict, later.verdict) == (Verdict.APPROVE, Verdict.APPROVE)


def climb(ledger: Ledger, clock: Clock, steps: int = 8) -> None:
    """One decision a step; the last ones are approved."""
    for number in range(steps):
        ad = an_ad(number, title=text(number), body="", submitted_at=clock())
        verdict = Verdict.REVIEW if number < steps - 2 else Verdict.APPROVE
        made = decided(ad, verdict, at=clock(), decision_id=f"dec-{number}")
        p = 0.8 - 0.09 * number if verdict is Verdict.REVIEW else 0.05
        policy = made.decision.policies[0].model_copy(update={"risk": risk(p)})
        append_decisions(ledger, made.model_copy(update={"decision": made.decision.model_copy(update={"policies": (policy,)})}))
        clock.on(30)


def test_a_climb_on_record_becomes_a_notice_once_and_what_passed_is_read_again(ledger: Ledger) -> None:
    clock = Clock()
    first, other = (ProbingWatch(ledger, lambda: SECRET, BOOK, PLAIN, clock) for _ in range(2))
    assert (first.look(), other.look()) == (True, False)
    climb(ledger, clock)
    assert first.look()
    with ledger.look() as connection:
        [one] = notices(connection)
    assert (one.told.advertiser_id, one.told.figures["kind"], one.holds(clock())) == ("adv-7", "climb", True)
    assert steering_now(ledger).held["adv-7"].notice == one.probing_id
    clock.now += HELD
    assert other.look()
    with ledger.look() as connection:
        assert len(notices(connection)) == 1, "another worker notices the same anew, and puts nothing on record twice"
        ended = one.probing_id
    with ledger.write() as writing:
        end(writing, ended, "harmless", "a shop with many variants", "olga", clock())
    assert steering_now(ledger).held == {}
    for outcome, why, error in (("evasion", "seen", Conflict), ("bad", " ", InvalidInput)):
        with ledger.write() as writing, pytest.raises(error):
            end(writing, ended, outcome, why, "olga", clock())
    with ledger.write() as writing, pytest.raises(NotFound, match="probing list"):
        end(writing, "prb-none", "evasion", "seen", "olga", clock())


def test_a_notice_goes_with_its_advertiser_when_it_is_erased(ledger: Ledger) -> None:
    clock = Clock()
    climb(ledger, clock)
    assert len(Prober(ledger, SECRET, clock).look().notices) == 1
    erase(ledger, advertiser="adv-7", why="asked for", by="olga", now=clock())
    with ledger.look() as connection:
        assert notices(connection) == []
    assert steering_now(ledger).held == {}


def test_a_long_look_pauses_for_others_and_finds_the_same(ledger: Ledger) -> None:
    clock, pauses = Clock(), list[datetime]()
    climb(ledger, clock)
    append_decisions(ledger, *(decided(an_ad(100 + number, advertiser_id="adv-9")) for number in range(3 * AT_ONCE)))
    found = Prober(ledger, SECRET, clock, lambda: pauses.append(clock())).look()
    assert [one.says for _, one in found.notices] != []
    assert len(pauses) >= 2 * 3, "while decisions are read, and while they are looked at"


def draft(p: float, number: int = 0) -> tuple[object, object]:
    ad = an_ad(number, title=text(number), body="")
    made = decided(ad, Verdict.REVIEW).decision
    return ad, made.model_copy(update={"policies": (made.policies[0].model_copy(update={"risk": risk(p)}),)})


def test_drafts_that_are_checked_are_counted_noticed_and_forgotten(ledger: Ledger) -> None:
    clock = Clock()
    prober = Prober(ledger, SECRET, clock)
    for number in range(7):
        ad, decision = draft(0.8 - 0.1 * number, number)
        keep(ledger, ad, decision, SECRET, clock())  # type: ignore[arg-type]
        clock.on(20)
    [(_, notice)] = prober.look().notices
    assert (notice.kind, notice.checked) == ("climb", 5)
    assert "5 of them drafts that were only checked" in notice.says
    assert prober.look() == Found()
    with ledger.look() as connection:
        assert room(connection, "adv-7", clock()).left == AN_HOUR - 7
        assert room(connection, "adv-8", clock()).left == AN_HOUR
    clock.on(8 * 86_400)
    assert forget_probes(ledger, clock()) == 7


def test_an_advertiser_has_so_many_checks_an_hour_and_a_day(ledger: Ledger) -> None:
    clock = Clock()
    ad, decision = draft(0.5)
    for _ in range(AN_HOUR):
        keep(ledger, ad, decision, SECRET, clock())  # type: ignore[arg-type]
        clock.on(1)
    with ledger.look() as connection:
        spent = room(connection, "adv-7", clock())
    assert (spent.left, spent.again) == (0, START + timedelta(hours=1))
    for _ in range(A_DAY - AN_HOUR):
        clock.on(120)
        keep(ledger, ad, decision, SECRET, clock())  # type: ignore[arg-type]
    clock.on(3600)
    with ledger.look() as connection:
        spent = room(connection, "adv-7", clock())
    assert (spent.left, spent.again) == (0, START + timedelta(days=1))


def test_what_is_told_of_a_draft_says_no_edge_that_others_share() -> None:
    """The risk from which a rule counts as met lies between half of what is approved and all of it, differently for each advertiser."""
    edges = []
    for number in range(40):
        met = []
        for step in range(1, 40):
            p = 0.1 * step / 40
            ad = an_ad(1, advertiser_id=f"adv-{number}")
            made = decided(ad, Verdict.APPROVE).decision
            told = made.model_copy(update={"policies": (made.policies[0].model_copy(update={"risk": risk(p)}),)})
            met.append(bool(rules_met(told, ad, BOOK, SECRET, START)))
        assert met == sorted(met)
        edges.append(0.1 * (40 - sum(met)) / 40)
    assert min(edges) >= 0.045
    assert max(edges) <= 0.1
    assert len(set(edges)) > 10


def test_the_words_and_the_sentence_of_a_rule_are_told_and_no_number() -> None:
    ad = an_ad(1)
    made = decided(ad, Verdict.REJECT).decision
    [met] = rules_met(made, ad, BOOK, SECRET, START)
    assert (met.policy, met.words) == ("deceptive", ("double",))
    assert met.rule == next(one.reason for one in BOOK.in_force("SE", "feed") if one.name == "deceptive")


def test_an_identical_decision_makes_the_same_try_whatever_it_is_held_for() -> None:
    made = decided(an_ad(), Verdict.APPROVE)
    held = made.decision.model_copy(update={"verdict": Verdict.REVIEW, "degraded": ("probing:prb-1",)})
    assert try_of(held, made.ad, SECRET).stopped is False
    assert try_of(made.decision.model_copy(update={"verdict": Verdict.REVIEW}), made.ad, SECRET).stopped is True


def test_what_is_read_of_a_decision_on_record_is_what_it_says(ledger: Ledger) -> None:
    made = [
        decided(an_ad(number, keywords=('"probing', "ünïted"), title=text(number)), verdict)
        for number, verdict in enumerate((Verdict.APPROVE, Verdict.REVIEW, Verdict.REJECT, Verdict.REVIEW, Verdict.REVIEW))
    ]
    held = made[3].decision.model_copy(update={"degraded": ("probing:prb-1",)})
    unknown = made[4].decision.policies[0].model_copy(update={"risk": None, "approve_below": None})
    made[3] = made[3].model_copy(update={"decision": held})
    made[4] = made[4].model_copy(update={"decision": made[4].decision.model_copy(update={"policies": (unknown,)})})
    append_decisions(
        ledger,
        *made,
        made[0].model_copy(update={"step": "stp-1", "decision": made[0].decision.model_copy(update={"decision_id": "dec-s"})}),
    )
    with ledger.look() as connection:
        read = [DecidedAd(seq, body) for seq, body in decisions_between(connection, 0, 99)]
    assert [one.as_try(SECRET) for one in read] == [try_of(one.decision, one.ad, SECRET) for one in made]
    assert [one.seq for one in read] == [1, 2, 3, 4, 5]


def test_an_ad_whose_creative_becomes_another_picture_is_read_again(ledger: Ledger) -> None:
    clock = Clock()
    watch = ProbingWatch(ledger, lambda: SECRET, BOOK, PLAIN, clock)

    def submit(number: int, picture: str | None, creative: str = "cr-1") -> None:
        ad = an_ad(number, creative_id=creative, creative_phash=picture, submitted_at=clock(), advertiser_id=f"adv-{number}")
        append_decisions(ledger, decided(ad, Verdict.APPROVE, at=clock()))
        clock.on(1)

    submit(1, "00000000000000ff")
    watch.look()
    submit(2, "00000000000000fe")
    submit(3, "ffffffffffffff00", "cr-2")
    submit(4, None)
    watch.look()
    with ledger.look() as connection:
        assert connection.execute(select(tasks)).all() == [], "a rendering of the same picture, another id, and no picture are none"
    submit(5, "ffffffffffffff00")
    watch.look()
    with ledger.look() as connection:
        put = {row.ad_id: row.kind for row in connection.execute(select(tasks))}
    assert put == {"ad-1": "recheck", "ad-2": "recheck"}
    told = [entry.body for entry in ledger.read(kinds=["put_back"])]
    assert {one.sign.value for one in told if one} == {"creative"}  # type: ignore[union-attr]


def test_of_what_is_no_perceptual_hash_nobody_can_tell() -> None:
    assert not differ("ff", None)
    assert not differ("ff", "fff")
    assert not differ("picture one", "picture two")
    assert differ("f" * 16, "0" * 16)
