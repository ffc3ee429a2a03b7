"""Strikes are what stands of rejections, and nothing else: whatever is taken back takes them with it, for whoever reads the chain."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.decisions.strikes import Strike
from adverdict.domain.errors import InvalidInput, NotFound
from adverdict.domain.standing import Standing
from adverdict.domain.verdict import Verdict
from adverdict.ledger.bodies.copies import Unwound
from adverdict.ledger.bodies.strikes import StrikesLifted
from adverdict.ledger.entries import Carried, DecisionMade, KnownHistory, Rescored, Withdrawn
from adverdict.ledger.in_force.strikes import StrikeHistory, lift, strikes_at
from adverdict.ledger.store import Ledger, withdrawal_id
from tests.effort import examples
from tests.ledger.made import about, an_ad, append_decisions, decided, erase_rows, minutes, resolved, ruled

ADVERTISER = "adv-7"


def certified(made: DecisionMade, standing: Standing | None = Standing.CERTIFIED) -> DecisionMade:
    """The same, by a threshold whose certificate stood so."""
    told = tuple(one.model_copy(update={"certificate_id": "cert-1", "standing": standing}) for one in made.decision.policies)
    return made.model_copy(update={"decision": made.decision.model_copy(update={"policies": told})})


def unwound(made: DecisionMade) -> Unwound:
    return Unwound(**about(made), source=made.decision.decision_id, why="a slip", by="lea")


def say(ledger: Ledger, *told: tuple[str, object], at: float = 60) -> None:
    with ledger.write() as writing:
        for entry_id, body in told:
            writing.append(entry_id, body, minutes(at))  # type: ignore[arg-type]


def struck(ledger: Ledger, until: int | None = None) -> list[tuple[str, str, str]]:
    """Ad, policy and by whom."""
    with ledger.look() as connection:
        found = strikes_at(connection, [ADVERTISER], ledger.end()[0] if until is None else until)
    return sorted((one.ad_id, one.policy, one.by) for one in found.get(ADVERTISER, ()))


def test_people_make_a_strike_and_a_threshold_does_where_its_certificate_held(ledger: Ledger) -> None:
    rejected = [decided(an_ad(number), Verdict.REJECT) for number in range(1, 6)]
    append_decisions(ledger, decided(an_ad(9), Verdict.APPROVE), certified(rejected[0]), certified(rejected[1], Standing.PROVISIONAL))
    append_decisions(ledger, certified(rejected[2], None), certified(rejected[3], Standing.DOUBTED), rejected[4])
    assert struck(ledger) == [("ad-1", "deceptive", "model"), ("ad-4", "deceptive", "model")]
    reviewed = decided(an_ad(6))
    append_decisions(ledger, reviewed)
    say(ledger, ("res-6", resolved(reviewed)), ("rul-5", ruled(rejected[4], "upheld")))
    assert struck(ledger)[2:] == [("ad-5", "deceptive", "people"), ("ad-6", "deceptive", "people")]


def test_a_verdict_that_was_carried_is_a_strike_and_unwinding_takes_it(ledger: Ledger) -> None:
    made, copy = decided(an_ad(1)), decided(an_ad(2))
    append_decisions(ledger, made, copy)
    carried = Carried(decision_id="dec-ad-1", resolution="res-1", distance=0.05, certificate="car-1")
    say(ledger, ("res-1", resolved(made)), ("res-2", resolved(copy).model_copy(update={"by": "copy", "carried": carried})))
    assert struck(ledger) == [("ad-1", "deceptive", "people"), ("ad-2", "deceptive", "copy")]
    say(ledger, ("unw-1", unwound(made)), ("unw-2", unwound(copy)), at=70)
    assert struck(ledger) == []
    assert len(struck(ledger, ledger.end()[0] - 2)) == 2, "as of before, they stood"


def test_an_appeal_that_is_won_takes_the_strike_away(ledger: Ledger) -> None:
    made = certified(decided(an_ad(1), Verdict.REJECT))
    append_decisions(ledger, made)
    assert len(struck(ledger)) == 1
    say(ledger, ("rul-1", ruled(made)))
    assert struck(ledger) == []


def test_a_withdrawn_rescoring_step_takes_its_strikes(ledger: Ledger) -> None:
    made = decided(an_ad(1), Verdict.APPROVE)
    append_decisions(ledger, made)
    told = KnownHistory(kind="ledger", digest="0" * 64, seq=1)
    step = Rescored(
        run_id="run-1", bundle_version="v1", policy_hash="0" * 64, thresholds="0" * 64, as_of=minutes(60), history=told, by="olga"
    )
    again = certified(decided(an_ad(1), Verdict.REJECT, first=False, decision_id="dec-again")).model_copy(update={"step": "stp-1"})
    say(ledger, ("stp-1", step), ("dec-again", again))
    assert [by for _, _, by in struck(ledger)] == ["model"]
    say(ledger, (withdrawal_id("stp-1"), Withdrawn(step="stp-1", why="wrong", by="olga")), at=70)
    assert struck(ledger) == []


def test_an_answer_of_people_outweighs_what_models_say_afterwards(ledger: Ledger) -> None:
    made = decided(an_ad(1))
    append_decisions(ledger, made)
    say(ledger, ("res-1", resolved(made)))
    say(ledger, ("dec-2", decided(an_ad(1), Verdict.APPROVE, first=False, decision_id="dec-2")), at=70)
    assert struck(ledger) == [("ad-1", "deceptive", "people")]


def test_losing_an_appeal_does_not_make_a_strike_younger(ledger: Ledger) -> None:
    made = certified(decided(an_ad(1), Verdict.REJECT))
    append_decisions(ledger, made)
    say(ledger, ("rul-1", ruled(made, "upheld")), at=9_000)
    with ledger.look() as connection:
        [strike] = strikes_at(connection, [ADVERTISER], ledger.end()[0])[ADVERTISER]
    assert strike == Strike("deceptive", minutes(1), minutes(1), "ad-1", "dec-ad-1", "people")


def test_what_was_lifted_counts_no_more_and_what_comes_after_does(ledger: Ledger) -> None:
    append_decisions(ledger, certified(decided(an_ad(1), Verdict.REJECT)))
    with pytest.raises(InvalidInput, match="a reason"), ledger.write() as writing:
        lift(writing, ADVERTISER, " ", "lea", minutes(2))
    with ledger.write() as writing:
        lift(writing, ADVERTISER, "a new owner", "lea", minutes(2))
    assert struck(ledger) == []
    with pytest.raises(NotFound, match="has no strike that counts"), ledger.write() as writing:
        lift(writing, ADVERTISER, "again", "lea", minutes(3))
    append_decisions(ledger, certified(decided(an_ad(3), Verdict.REJECT)))
    assert [ad for ad, _, _ in struck(ledger)] == ["ad-3"]


def test_an_erased_advertiser_has_no_strikes(ledger: Ledger) -> None:
    append_decisions(ledger, certified(decided(an_ad(1), Verdict.REJECT)), certified(decided(an_ad(2), Verdict.REJECT)))
    history = StrikeHistory(ledger)
    assert len(history.as_of(2).of({ADVERTISER})[ADVERTISER]) == 2
    erase_rows(ledger, 1)
    assert [ad for ad, _, _ in struck(ledger)] == ["ad-2"]
    assert len(history.as_of(ledger.end()[0]).of({ADVERTISER})[ADVERTISER]) == 1


STEP = st.tuples(
    st.sampled_from(["reject", "approve", "review", "people reject", "people approve", "unwind", "overturn", "uphold", "lift", "again"]),
    st.integers(0, 5),
    st.booleans(),
)


@examples(40, deadline=None)
@given(steps=st.lists(STEP, max_size=14))
def test_two_workers_agree_with_each_other_and_with_whoever_reads_the_whole_chain(
    steps: list[tuple[str, int, bool]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    ledger = Ledger.open(f"sqlite:///{tmp_path_factory.mktemp('strikes') / 'ledger.db'}")
    try:
        always, seldom = StrikeHistory(ledger), StrikeHistory(ledger)
        everybody = {ADVERTISER, "adv-8", "adv-9"}
        for number, (what, which, asked) in enumerate(steps):
            made = certified(decided(an_ad(which + 1, advertiser_id=(ADVERTISER, "adv-8")[which % 2]), Verdict.REJECT))
            _step(ledger, what, made, number)
            end = ledger.end()[0]
            with ledger.look() as connection:
                anew = {name: sorted(told) for name, told in strikes_at(connection, everybody, end).items()}
            workers = [always, seldom] if asked else [always]
            for worker in workers:
                assert {name: sorted(told) for name, told in worker.as_of(end).of(everybody).items()} == anew
    finally:
        ledger.close()


def _step(ledger: Ledger, what: str, made: DecisionMade, number: int) -> None:
    there = {entry.entry_id for entry in ledger.read(kinds=["decision"])}
    verdicts = {"reject": Verdict.REJECT, "approve": Verdict.APPROVE, "review": Verdict.REVIEW, "again": Verdict.APPROVE}
    if what in verdicts:
        first = made.decision.decision_id not in there
        name = made.decision.decision_id if first else f"dec-{number}"
        again = certified(decided(made.ad, verdicts[what], first=first, decision_id=name))
        say(ledger, (name, again), at=number)
    elif what == "lift":
        say(ledger, (f"stl-{number}", StrikesLifted(advertiser_id=made.ad.advertiser_id, why="a new owner", by="lea")), at=number)
    elif made.decision.decision_id in there:
        told = {
            "people reject": resolved(made),
            "people approve": resolved(made, Verdict.APPROVE),
            "unwind": unwound(made),
            "overturn": ruled(made),
            "uphold": ruled(made, "upheld"),
        }
        say(ledger, (f"ent-{number}", told[what]), at=number)
