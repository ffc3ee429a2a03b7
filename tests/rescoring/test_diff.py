"""What a rescoring would change is counted exactly, over the whole inventory, with what could not be compared beside it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.domain.errors import InvalidInput, InvalidSettings, Unavailable
from adverdict.domain.verdict import Verdict
from adverdict.ledger.erase import erase
from adverdict.ledger.store import Ledger
from adverdict.rescoring.applying.judging import EffectiveVerdict, RescoredDecision, SkipReason, skip_reason
from adverdict.rescoring.diff.diff import diff
from adverdict.rescoring.diff.difference import Difference
from adverdict.rescoring.diff.record import LedgerRecord, RunRecord
from adverdict.rescoring.folder.manifest import RunFolder
from adverdict.rescoring.memory import MIB
from adverdict.storage.places import Place
from adverdict.workforce.handling import ENOUGH, Handling, HandlingTimes, measured
from tests.effort import examples
from tests.ledger.made import an_ad, minutes
from tests.rescoring.inventories import HIGHER, decided, rescored
from tests.review.story import Story

APPROVE, REVIEW, REJECT = Verdict.APPROVE, Verdict.REVIEW, Verdict.REJECT
MARKETS = ("DE", "SE")


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")


def with_ledger(folder: RunFolder, ledger: Ledger) -> Difference:
    return diff(folder, LedgerRecord.now(ledger), HandlingTimes())


def with_run(folder: RunFolder, other: RunFolder) -> Difference:
    return diff(folder, RunRecord(other), HandlingTimes())


def turned(found: Difference) -> dict[tuple[str, str, str], tuple[int, int]]:
    """(market, was, now) -> (ads, of) of the model's flips."""
    return {(one.market, one.was.value, one.now.value): (one.ads, one.of) for one in found.flips}


verdicts = st.sampled_from(list(Verdict))
rows = st.lists(
    st.tuples(
        st.sampled_from(MARKETS),
        verdicts,
        verdicts,
        st.none() | st.floats(0, 1e6, allow_nan=False).map(lambda value: round(value, 3)),
        st.sampled_from(["both", "both", "both", "new", "old"]),
    ),
    max_size=25,
)


@examples(8)
@given(rows)
def test_every_ad_is_counted_once_and_every_flip_has_its_denominator(
    told: list[tuple[str, Verdict, Verdict, float | None, str]],
) -> None:
    ads = [an_ad(number, market=market, impressions=stated) for number, (market, *_, stated, _) in enumerate(told)]
    with TemporaryDirectory() as home:
        new = [(ad, decided(ad, deceptive=now)) for ad, (_, _, now, _, where) in zip(ads, told, strict=True) if where != "old"]
        old = [(ad, decided(ad, deceptive=was)) for ad, (_, was, _, _, where) in zip(ads, told, strict=True) if where != "new"]
        found = with_run(rescored(Path(home, "new"), new), rescored(Path(home, "old"), old))
    both = [(market, was, now, stated) for market, was, now, stated, where in told if where == "both"]
    pairs, of = Counter(one[:3] for one in both), Counter(one[:2] for one in both)
    assert {(one.market, one.was, one.now): one.ads for one in found.compared} == pairs
    assert {(one.market, one.was, one.now): (one.ads, one.of) for one in found.flips} == {
        key: (ads, of[key[:2]]) for key, ads in pairs.items() if key[1] is not key[2]
    }
    assert sum(one.impressions for one in found.compared) == pytest.approx(sum(stated or 0 for *_, stated in both))
    assert sum(one.stating for one in found.compared) == sum(stated is not None for *_, stated in both)
    assert found.inventory.compared + found.inventory.not_on_record == found.inventory.decided == len(new)
    assert found.inventory.missing == len(old) - len(both)
    assert sum(one.opened for one in found.reviews) == sum(was is not REVIEW and now is REVIEW for _, was, now, _ in both)
    assert sum(one.closed for one in found.reviews) == sum(was is REVIEW and now is not REVIEW for _, was, now, _ in both)
    assert {one.ad_id for one in found.examples} == {
        f"ad-{number}" for number, (_, was, now, _, where) in enumerate(told) if where == "both" and was is not now
    } or len(found.examples) >= 10


def test_the_ledger_says_what_stands_and_people_are_counted_apart(tmp_path: Path, ledger: Ledger) -> None:
    ads = [an_ad(number) for number in range(1, 8)]
    story = Story(ledger)
    story.decide(ads[0], APPROVE)
    story.decide(ads[1], APPROVE)
    reviewed = story.decide(ads[2], REVIEW)
    story.resolve(reviewed, Verdict.APPROVE)
    agreed = story.decide(ads[3], REVIEW)
    story.resolve(agreed, Verdict.REJECT)
    story.decide(ads[4], REVIEW)
    story.decide(ads[5].model_copy(update={"submitted_at": minutes(500)}), REJECT)
    now = [REVIEW, APPROVE, REJECT, REJECT, APPROVE, APPROVE, REVIEW]
    found = with_ledger(rescored(tmp_path / "run", [(ad, decided(ad, deceptive=one)) for ad, one in zip(ads, now, strict=True)]), ledger)
    assert turned(found) == {("SE", "approve", "review"): (1, 2), ("SE", "review", "approve"): (1, 1)}
    assert [(one.was, one.now, one.ads, one.of) for one in found.against_people] == [(APPROVE, REJECT, 1, 1)]
    assert found.total("person") == 2
    assert (found.inventory.compared, found.inventory.not_on_record, found.inventory.outdated) == (5, 1, 1)
    assert [(one.market, one.verdict, one.ads) for one in found.unrecorded] == [("SE", REVIEW, 1)]
    assert found.inventory.missing is None
    assert [(one.market, one.opened, one.closed, one.net, one.first) for one in found.reviews] == [("SE", 1, 1, 0, 1)]
    assert {(one.by, one.ad_id) for one in found.examples} == {("model", "ad-1"), ("model", "ad-5"), ("person", "ad-3")}


def test_a_policys_own_verdicts_are_told_with_the_risks_before_and_after(tmp_path: Path, ledger: Ledger) -> None:
    ads = [an_ad(number) for number in range(1, 4)]
    story = Story(ledger)
    for ad in ads:
        story.decide(ad, APPROVE)
    made = [
        (ads[0], decided(ads[0], risk=HIGHER, deceptive=REJECT, gambling=APPROVE)),
        (ads[1], decided(ads[1], risk=HIGHER, deceptive=REJECT, gambling=REVIEW)),
        (ads[2], decided(ads[2], risk=HIGHER, deceptive=APPROVE, weapons=APPROVE)),
    ]
    found = with_ledger(rescored(tmp_path / "run", made), ledger)
    assert [(one.policy, one.was, one.now, one.ads, one.of, one.risk_before, one.risk_after) for one in found.policies] == [
        ("deceptive", "approve", "reject", 2, 2, 0.01, 0.99),
        ("gambling", "approve", "review", 1, 2, 0.01, 0.5),
    ]


@pytest.mark.parametrize("against", ["ledger", "run"])
def test_a_policy_that_came_or_went_is_told_as_absent(against: str, tmp_path: Path, ledger: Ledger) -> None:
    ad = an_ad()
    new = rescored(tmp_path / "new", [(ad, decided(ad, deceptive=APPROVE, weapons=REJECT))])
    Story(ledger).decide(ad, APPROVE)
    old = rescored(tmp_path / "old", [(ad, decided(ad, deceptive=APPROVE, gambling=APPROVE))])
    found = with_ledger(new, ledger) if against == "ledger" else with_run(new, old)
    assert [(one.policy, one.was, one.now) for one in found.policies] == [
        ("gambling", "approve", "absent"),
        ("weapons", "absent", "reject"),
    ]
    [example] = found.examples
    assert [(one.policy, one.was, one.now) for one in example.changes] == [
        ("gambling", "approve", "absent"),
        ("weapons", "absent", "reject"),
    ]


def test_verdicts_under_no_policy_at_all_are_known_and_not_called_erased(tmp_path: Path) -> None:
    ad = an_ad()
    old, new = decided(ad), decided(ad, deceptive=APPROVE)
    found = with_run(rescored(tmp_path / "new", [(ad, new)]), rescored(tmp_path / "old", [(ad, old)]))
    assert turned(found) == {("SE", "review", "approve"): (1, 1)}
    assert found.unknown_policies == 0
    assert [(one.policy, one.was, one.now) for one in found.policies] == [("deceptive", "absent", "approve")]


def test_an_erased_advertisers_ads_are_not_on_record_any_more(tmp_path: Path, ledger: Ledger) -> None:
    gone, stays = an_ad(1, advertiser_id="adv-gone"), an_ad(2)
    story = Story(ledger)
    story.decide(gone, APPROVE)
    story.decide(stays, APPROVE)
    erase(ledger, advertiser="adv-gone", why="asked", by="me", now=minutes(900))
    found = with_ledger(rescored(tmp_path / "run", [(ad, decided(ad, deceptive=REJECT)) for ad in (gone, stays)]), ledger)
    assert found.inventory.not_on_record == 1
    assert turned(found) == {("SE", "approve", "reject"): (1, 1)}


def test_what_was_erased_between_reading_what_stands_and_reading_why_is_counted_as_unknown(tmp_path: Path, ledger: Ledger) -> None:
    ads = [an_ad(1, advertiser_id="adv-gone"), an_ad(2)]
    for ad in ads:
        Story(ledger).decide(ad, APPROVE)

    class Meanwhile(LedgerRecord):
        def verdicts(self, bench: object) -> None:
            erase(self.ledger, advertiser="adv-gone", why="asked", by="me", now=minutes(900))
            super().verdicts(bench)  # type: ignore[arg-type]

    folder = rescored(tmp_path / "run", [(ad, decided(ad, deceptive=REJECT)) for ad in ads])
    found = diff(folder, Meanwhile(ledger, ledger.end()[0]), HandlingTimes())
    assert found.flipped == 2
    assert found.unknown_policies == 1
    assert {(one.policy, one.ads, one.of) for one in found.policies} == {("deceptive", 1, 1), ("gambling", 1, 1)}
    assert {one.ad_id: [change.was for change in one.changes] for one in found.examples} == {"ad-1": [None], "ad-2": ["approve", "approve"]}


def test_what_happens_in_the_ledger_after_the_comparison_began_is_not_in_it(tmp_path: Path, ledger: Ledger) -> None:
    ad = an_ad()
    made = Story(ledger).decide(ad, REVIEW)
    record = LedgerRecord.now(ledger)
    Story(ledger).resolve(made, Verdict.REJECT)
    found = diff(rescored(tmp_path / "run", [(ad, decided(ad, deceptive=APPROVE))]), record, HandlingTimes())
    assert turned(found) == {("SE", "review", "approve"): (1, 1)}


def test_an_ad_that_stands_in_several_rows_counts_once_by_its_latest_version(tmp_path: Path) -> None:
    first, second = an_ad(1), an_ad(1, submitted_at=minutes(60))
    made = [(second, decided(second, name="b", deceptive=REJECT)), (first, decided(first, name="a", deceptive=REVIEW))]
    old = [(second, decided(second, name="old", deceptive=APPROVE))]
    found = with_run(rescored(tmp_path / "new", made), rescored(tmp_path / "old", old))
    assert found.inventory.earlier_versions == 1
    assert turned(found) == {("SE", "approve", "reject"): (1, 1)}


def test_an_ad_of_which_an_earlier_version_alone_is_on_record_has_nothing_to_be_compared_with(tmp_path: Path, ledger: Ledger) -> None:
    Story(ledger).decide(an_ad(1), REJECT)
    later = an_ad(1, submitted_at=minutes(60))
    found = with_ledger(rescored(tmp_path / "run", [(later, decided(later, deceptive=REVIEW))]), ledger)
    assert (found.inventory.compared, found.inventory.not_on_record, found.inventory.outdated) == (0, 1, 0)
    assert [(one.opened, one.first) for one in found.reviews] == [(0, 1)]


@pytest.mark.parametrize(
    ("was", "now", "held"),
    [
        (REJECT, REVIEW, True),
        (REJECT, APPROVE, True),
        (REVIEW, APPROVE, True),
        (APPROVE, REVIEW, False),
        (APPROVE, REJECT, False),
        (REVIEW, REJECT, False),
        (None, APPROVE, True),
        (None, REVIEW, False),
    ],
)
def test_what_applying_leaves_alone_for_a_degraded_decision_is_told_and_opens_and_closes_nothing(
    was: Verdict | None, now: Verdict, held: bool, tmp_path: Path
) -> None:
    ads = [an_ad(1), an_ad(2)]
    old = rescored(tmp_path / "old", [(ad, decided(ad, deceptive=was)) for ad in ads if was is not None])
    made = [(ad, decided(ad, degraded=["encoder_missing"] if ad.ad_id == "ad-1" else [], deceptive=now)) for ad in ads]
    found = with_run(rescored(tmp_path / "new", made), old)
    assert found.held == held
    assert sum(one.opened for one in found.reviews) == (2 - held if was is not None and now is REVIEW else 0)
    assert sum(one.closed for one in found.reviews) == (2 - held if was is REVIEW else 0)
    stood = None if was is None else EffectiveVerdict("dec-old", was, "model", 0)
    judged = [skip_reason(RescoredDecision("dec-new", now, degraded, 0), stood) for degraded in (True, False)]
    assert judged == [SkipReason.DEGRADED if held else None, None], "applying says the same"


def test_rows_and_parts_without_a_decision_are_counted(tmp_path: Path, ledger: Ledger) -> None:
    ads = [an_ad(number) for number in range(1, 13)]
    made = [
        (ad, None if number == 0 else decided(ad, degraded=["encoder_missing"] * (number < 3), deceptive=APPROVE))
        for number, ad in enumerate(ads)
    ]
    found = with_ledger(rescored(tmp_path / "run", made, stop_after=3, lost=[1]), ledger).inventory
    assert (found.rows, found.decided, found.quarantined, found.unread_parts, found.unfinished_parts) == (9, 5, 4, 1, 1)
    assert (found.degraded, found.degraded_by, found.uncertified, found.not_on_record) == (2, {"encoder_missing": 2}, 5, 5)


def test_an_applied_decision_is_no_flip_any_more(tmp_path: Path, ledger: Ledger) -> None:
    from adverdict.ledger.entries import DecisionMade

    ad = an_ad()
    decision = decided(ad, deceptive=REJECT)
    with ledger.write() as writing:
        writing.append(decision.decision_id, DecisionMade(ad=ad, decision=decision, first=True), minutes(9))
    found = with_ledger(rescored(tmp_path / "run", [(ad, decision)]), ledger)
    assert (found.flipped, found.inventory.compared, found.inventory.applied) == (0, 1, 1)


def test_examples_are_those_with_most_impressions_and_what_they_say_is_read_from_the_input(tmp_path: Path) -> None:
    ads = [an_ad(number, impressions=None if number == 1 else 10.0 * number) for number in range(1, 15)]
    old = rescored(tmp_path / "old", [(ad, decided(ad, deceptive=APPROVE)) for ad in ads])
    new = rescored(tmp_path / "new", [(ad, decided(ad, name="x", risk=HIGHER, deceptive=REJECT)) for ad in ads])
    found = with_run(new, old)
    assert [one.ad_id for one in found.examples] == [f"ad-{number}" for number in range(14, 4, -1)]
    first = found.examples[0]
    assert (first.title, first.body, first.row, first.readable) == ("Offer 14", "Double your savings in seven days", 14, True)
    assert [(one.risk_before, one.risk_after, one.approve_below, one.reject_at) for one in first.changes] == [(0.02, 0.99, 0.1, 0.9)]
    assert [(one.signal, one.effect) for one in first.reasons] == [("double", 1.5), ("ask", -0.9), ("sure", 0.5)]


@pytest.mark.parametrize("become", ["gone", "changed"])
def test_an_input_that_is_not_what_it_was_costs_the_examples_their_texts_and_nothing_else(become: str, tmp_path: Path) -> None:
    ad = an_ad()
    new, old = (rescored(tmp_path / name, [(ad, decided(ad, deceptive=one))]) for name, one in (("new", REJECT), ("old", APPROVE)))
    source = tmp_path / "new" / "ads.parquet"
    source.unlink() if become == "gone" else source.write_bytes(b"something else")
    [example] = with_run(new, old).examples
    assert (example.readable, example.title, example.body) == (False, None, None)


def test_a_run_over_nothing_and_an_empty_ledger_are_compared_without_an_error(tmp_path: Path, ledger: Ledger) -> None:
    found = with_ledger(rescored(tmp_path / "run", []), ledger)
    assert (found.compared, found.flips, found.reviews, found.examples) == ((), (), (), ())
    assert found.inventory.decided == 0


def test_an_output_elsewhere_is_compared_as_one_here(tmp_path: Path) -> None:
    ads = [an_ad(number, market=MARKETS[number % 2]) for number in range(1, 6)]
    old = rescored(tmp_path / "old", [(ad, decided(ad, deceptive=APPROVE)) for ad in ads])
    made = [(ad, decided(ad, deceptive=REJECT)) for ad in ads]
    here = with_run(rescored(tmp_path / "here", made), old)
    there = with_run(rescored(tmp_path / "there", made, out=Place.at(f"memory://diff-{tmp_path.name}/out")), old)
    assert turned(there) == turned(here) == {("DE", "approve", "reject"): (2, 2), ("SE", "approve", "reject"): (3, 3)}
    assert there.run.out.startswith("memory://")


@pytest.mark.parametrize("name", ["it's", "[a-z]*", "x=1", "market=XX", "verdict=approve", "{a,b}", 'a"b'])
def test_a_folders_name_is_never_read_as_a_pattern_or_as_sql(name: str, tmp_path: Path) -> None:
    ad = an_ad()
    old = rescored(tmp_path / name / "old", [(ad, decided(ad, deceptive=APPROVE))])
    new = rescored(tmp_path / name / "new", [(ad, decided(ad, deceptive=REJECT))])
    assert with_run(new, old).flipped == 1


def test_too_little_memory_is_refused_with_what_is_needed(tmp_path: Path, ledger: Ledger) -> None:
    with pytest.raises(InvalidSettings, match=r"--limit-memory = '100 MiB'; expected at least 256 MiB"):
        diff(rescored(tmp_path / "run", []), LedgerRecord.now(ledger), HandlingTimes(), memory=100 * MIB)


def test_a_published_file_that_is_damaged_or_gone_is_told(tmp_path: Path, ledger: Ledger) -> None:
    ad = an_ad()
    folder = rescored(tmp_path / "run", [(ad, decided(ad, deceptive=REJECT))])
    [path] = folder.files()
    Path(path).write_bytes(b"not Parquet at all, though long enough")
    with pytest.raises(InvalidInput, match="not as it was written"):
        with_ledger(folder, ledger)
    Path(path).unlink()
    with pytest.raises(Unavailable, match="cannot be read"):
        with_ledger(folder, ledger)


def test_handling_times_are_the_reviewers_own_where_enough_of_them_are_on_record(ledger: Ledger) -> None:
    story = Story(ledger)
    swedish = story.decide(an_ad(1), REVIEW)
    german = story.decide(an_ad(2, market="DE"), REVIEW)
    for number in range(ENOUGH):
        story.answer(swedish, "approve", seconds=20.0 + number % 3)
    for _ in range(ENOUGH - 1):
        story.answer(german, "approve", seconds=100.0)
    story.answer(german, "approve", seconds=None)
    story.answer(german, "approve", seconds=9_000.0, kind="golden")
    times = measured(ledger, 45)
    assert [(times.of(market).source, times.of(market).answers) for market in ("SE", "DE", "BR")] == [
        ("market", ENOUGH), ("market", ENOUGH - 1), ("everywhere", 2 * ENOUGH - 1),
    ]  # fmt: skip
    assert 21 < times.of("SE").seconds < times.of("BR").seconds < times.of("DE").seconds < 100


def test_without_enough_answers_a_review_takes_as_long_as_told(ledger: Ledger) -> None:
    Story(ledger).answer(Story(ledger).decide(an_ad(1), REVIEW), "approve", seconds=20.0)
    assert measured(ledger, 60).of("SE") == Handling(seconds=60, source="told")
