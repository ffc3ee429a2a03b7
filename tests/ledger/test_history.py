"""The history from the ledger: the same for whoever reads the same entries, and the same as offline features compute from their export."""

from __future__ import annotations

import io
from datetime import timedelta

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, update

from adverdict.domain.ad import Ad, Label
from adverdict.domain.errors import Unavailable
from adverdict.features.history.asof import counts_asof
from adverdict.features.history.snapshot import from_table, to_table
from adverdict.features.history.state import HistoryState
from adverdict.ledger.entries import DecisionMade, Erased, Ruled
from adverdict.ledger.history import LedgerHistory, forget, found
from adverdict.ledger.schema import contents, entries, head
from adverdict.ledger.store import Ledger
from adverdict.review.labels.incoming import bring
from tests.effort import examples
from tests.features.history.worlds import POLICIES, START, World, a_label, an_ad, difference, worlds
from tests.ledger.made import a_decision, about, answered, appealed, decided

LATER = START + timedelta(days=100)


def record(ledger: Ledger, ads: list[Ad]) -> list[DecisionMade]:
    """Decisions on the ads, one transaction each."""
    made = []
    for number, ad in enumerate(ads):
        with ledger.write() as writing:
            first = writing.first_seen([ad])[0]
            one = DecisionMade(ad=ad, decision=a_decision(ad, decision_id=f"dec-{number}-{writing.seq}"), first=first)
            writing.append(one.decision.decision_id, one, LATER)
        made.append(one)
    return made


def state(ledger: Ledger) -> HistoryState:
    """As a worker has it that has just started."""
    return LedgerHistory(ledger).catch_up()


@given(world=worlds(), stops=st.sets(st.integers(1, 30)))
@examples(25)
def test_history_from_the_ledger_equals_the_offline_history_of_the_same_events(
    tmp_path_factory: pytest.TempPathFactory, world: World, stops: set[int]
) -> None:
    ads, labels = world
    born = {ad.ad_id: min(other.submitted_at for other in ads if other.ad_id == ad.ad_id) for ad in ads}
    labels = [label for label in labels if label.labelled_at >= born[label.ad_id]]  # others are refused
    versions = list({(ad.ad_id, ad.submitted_at): ad for ad in reversed(ads)}.values())[::-1]
    ledger = Ledger.open(f"sqlite:///{tmp_path_factory.mktemp('ledger')}/l.db")
    follower = LedgerHistory(ledger)
    made = record(ledger, versions)
    record(ledger, ads)  # decided again: no submissions
    for some in (labels[::2], labels[1::2]):  # a rater's later word may come first
        if some:
            bring(ledger, some, "platform", LATER)
    for stop in sorted(stops):
        follower.catch_up(min(stop, ledger.end()[0]))
    asked = [an_ad("asked", LATER, creative_id="c1", landing_domain="shop.example"), *versions]
    offline = counts_asof(asked, versions, labels, POLICIES)
    assert difference(follower.catch_up().counts(asked, POLICIES), offline) == []
    assert difference(state(ledger).counts(asked, POLICIES), offline) == []
    assert follower.state == state(ledger)
    assert len(made) == len(versions)
    ledger.close()


def test_an_overturned_rejection_takes_the_wrong_labels_back(ledger: Ledger) -> None:
    one, other = decided(an_ad("a", START)), decided(an_ad("b", START))
    answer = answered(one)
    gambling = a_label("a", START, policy="gambling")
    with ledger.write() as writing:
        for made in (one, other):
            writing.append(made.decision.decision_id, made, LATER)
        writing.append("ans-tsk-1", answer.model_copy(update={"labels": (*answer.labels, gambling)}), LATER)
        writing.append("app-a", appealed(one), LATER)
    follower = LedgerHistory(ledger)
    before = follower.catch_up().counts([an_ad("c", LATER)], POLICIES)
    ruling = Ruled(
        **about(one),
        appeal_id="app-a",
        outcome="overturned",
        task_id="t",
        reviewer="sven",
        retracted=("ans-tsk-1",),
        policies=("deceptive",),
    )
    for number in range(2):  # a second ruling on the same label takes nothing more away
        with ledger.write() as writing:
            writing.append(f"rul-{number}", ruling, LATER)
    after = follower.catch_up().counts([an_ad("c", LATER)], POLICIES)
    assert (before.advertiser.labels_any.tolist(), after.advertiser.labels_any.tolist()) == ([2], [1])
    assert after.advertiser.violations.tolist() == [[0, 1]]
    assert follower.state == state(ledger)


def test_an_upheld_rejection_changes_nothing(ledger: Ledger) -> None:
    one = decided(an_ad("a", START))
    with ledger.write() as writing:
        writing.append(one.decision.decision_id, one, LATER)
        writing.append("ans-tsk-1", answered(one), LATER)
        told = {"appeal_id": "app-a", "task_id": "t", "reviewer": "sven"}
        writing.append("rul-1", Ruled(**about(one), **told, outcome="upheld", retracted=("ans-tsk-1",), policies=("deceptive",)), LATER)
    assert state(ledger).counts([an_ad("c", LATER)], POLICIES).advertiser.labels_any.tolist() == [1]


def test_golden_answers_are_about_the_reviewer_and_not_about_any_advertiser(ledger: Ledger) -> None:
    one = decided(an_ad("a", START))
    with ledger.write() as writing:
        writing.append("ans-tsk-1", answered(one, kind="golden"), LATER)
    assert state(ledger) == HistoryState()


def test_what_was_known_before_the_first_entry_is_founded_once(ledger: Ledger) -> None:
    first, second = _snapshot("old"), _snapshot("newer")
    early = LedgerHistory(ledger)
    early.catch_up()
    found(ledger, first, "bundle-1", LATER)
    found(ledger, second, "bundle-2", LATER)
    assert ledger.end()[0] == 1
    asked = [an_ad("a", LATER, advertiser_id="old"), an_ad("b", LATER, advertiser_id="newer")]
    for one in (early.catch_up(), state(ledger)):
        assert one.counts(asked, POLICIES).advertiser.ads_ever.tolist() == [1, 0]


def test_a_worker_that_wrote_an_entry_itself_need_not_read_it(ledger: Ledger) -> None:
    follower = LedgerHistory(ledger)
    follower.catch_up()
    made = record(ledger, [an_ad("a", START)])
    follower.observe_own(1, made)
    assert (follower.seq, follower.state) == (1, state(ledger))
    record(ledger, [an_ad("b", START)])  # another worker's
    follower.observe_own(3, record(ledger, [an_ad("c", START)]))
    assert follower.seq == 1  # something came between: it is read
    assert follower.catch_up() == state(ledger)


def test_erased_contents_are_forgotten_by_workers_that_had_read_them(ledger: Ledger) -> None:
    follower = LedgerHistory(ledger)
    record(ledger, [an_ad("a", START, advertiser_id="gone"), an_ad("b", START)])
    follower.catch_up()
    with ledger.write() as writing:
        writing.connection.execute(contents.delete().where(contents.c.advertiser_id == "gone"))
        writing.append("ers-1", Erased(seqs=((1, 1),), why="asked to", by="test"), LATER)
    kept = HistoryState()
    kept.observe_ads([an_ad("b", START)])
    assert follower.catch_up() == kept


def test_a_snapshot_without_an_advertiser_holds_nothing_of_it() -> None:
    left = forget(_snapshot("gone", "stays"), "gone")
    assert b"gone" not in pq.ParquetFile(io.BytesIO(left)).read().to_pandas().to_csv().encode()
    asked = [an_ad("a", LATER, advertiser_id="stays")]
    table = from_table(pq.ParquetFile(io.BytesIO(left)).read())
    assert table.counts(asked, POLICIES).advertiser.ads_ever.tolist() == [1]


def _snapshot(*advertisers: str) -> bytes:
    known = HistoryState()
    ads = [an_ad(f"{name}-1", START, advertiser_id=name, creative_id="c1", landing_domain="shop.example") for name in advertisers]
    known.observe(ads, [Label(ad_id=ad.ad_id, policy="deceptive", violates=True, labelled_at=START) for ad in ads])
    out = io.BytesIO()
    pq.write_table(to_table(known), out)
    return out.getvalue()


def test_a_connection_that_breaks_leaves_a_page_observed_whole_or_not_at_all(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    follower = LedgerHistory(ledger)
    follower.catch_up()
    made = record(ledger, ads := [an_ad("a", START), an_ad("b", START)])
    bring(ledger, [a_label(ad.ad_id, START) for ad in ads], "platform", LATER)
    told = {"appeal_id": "app-a", "task_id": "t", "reviewer": "sven", "policies": ("deceptive",)}
    labels = [entry.entry_id for entry in ledger.read(kinds=["label"])]
    with ledger.write() as writing:
        writing.append("rul-1", Ruled(**about(made[0]), **told, outcome="overturned", retracted=tuple(labels[:1])), LATER)
    for broken in ("_submissions", "page_of", "said_between", "ads_of"):
        with monkeypatch.context() as patch:
            patch.setattr(f"adverdict.ledger.history.{broken}", _away)
            with pytest.raises(Unavailable):
                follower.catch_up()
    assert follower.catch_up() == state(ledger)
    assert follower.state.counts([an_ad("c", LATER)], POLICIES).advertiser.violations_any.tolist() == [1]


def test_labels_that_said_the_right_thing_stay_after_an_overturn(ledger: Ledger) -> None:
    made = record(ledger, [an_ad("a", START)])
    labels = [a_label("a", START, violates) for violates in (True, False)]
    (entry,) = bring(ledger, labels, "platform", LATER)
    told = {"appeal_id": "app-a", "task_id": "t", "reviewer": "sven", "policies": ("deceptive",)}
    with ledger.write() as writing:
        writing.append("rul-1", Ruled(**about(made[0]), **told, outcome="overturned", retracted=(entry,)), LATER)
    counts = state(ledger).counts([an_ad("c", LATER)], POLICIES).advertiser
    assert (counts.labels_any.tolist(), counts.violations_any.tolist()) == ([1], [0])


def test_a_settled_follower_stops_before_an_erasure(ledger: Ledger) -> None:
    follower = LedgerHistory(ledger)
    record(ledger, [an_ad("a", START, advertiser_id="gone"), an_ad("b", START)])
    assert follower.catch_up_settled()
    with ledger.write() as writing:
        writing.connection.execute(contents.delete().where(contents.c.advertiser_id == "gone"))
        writing.append("ers-1", Erased(seqs=((1, 1),), why="asked to", by="test"), LATER)
    record(ledger, [an_ad("c", START)])
    assert not follower.catch_up_settled()
    assert follower.seq == 2
    anew = LedgerHistory(ledger)
    assert anew.catch_up_settled()
    assert (anew.seq, anew.state) == (4, follower.catch_up())


def _away(*_: object) -> None:
    raise Unavailable("the connection broke")


def test_a_follower_forgets_what_a_backup_put_back_does_not_hold(ledger: Ledger) -> None:
    """Or a standby that took over and lagged behind."""
    early, late = ([an_ad(f"{when}{number}", START) for number in range(2)] for when in ("early", "late"))
    record(ledger, early)
    kept, _ = ledger.end()
    record(ledger, late)
    follower = LedgerHistory(ledger)
    assert follower.catch_up_settled()
    with ledger.change() as connection:
        for table in (contents, entries):
            connection.execute(delete(table).where(table.c.seq > kept))
        connection.execute(update(head).values(seq=kept))
    assert follower.catch_up_settled()
    assert follower.seq == kept
    asked = [an_ad("asked", LATER)]
    assert difference(follower.state.counts(asked, POLICIES), state(ledger).counts(asked, POLICIES)) == []
