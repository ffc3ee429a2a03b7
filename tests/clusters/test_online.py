"""What scoring is told of copies: their cluster, and what people rejected, the nearest first."""

from __future__ import annotations

from datetime import timedelta

from adverdict.clusters.kept import pack
from adverdict.clusters.names import CopyFacts
from adverdict.clusters.online import ClustersBegun, OnlineClusters
from adverdict.decisions.decide import DecisionContext, decide
from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.risk import RiskScore
from adverdict.domain.verdict import Verdict
from adverdict.ledger.store import Ledger
from adverdict.scoring.known import known_to
from adverdict.scoring.scorer import Scorer
from tests.decisions.build import POLICY, book
from tests.ledger.made import START, an_ad, append_decisions, decided, resolved, ruled
from tests.scoring.fakes import FakeModel

WORDS = "Guaranteed profit without any work: ask our team how thousands of readers double their deposit every week"
MORE = f"{WORDS}, and no questions about papers, fees or what becomes of it"


def test_an_ad_is_told_the_cluster_of_the_first_of_its_copies(ledger: Ledger) -> None:
    append_decisions(ledger, decided(an_ad(1, title="", body=WORDS)), decided(an_ad(2, title="", body=f"{WORDS}!!")))
    known = OnlineClusters(ledger).catch_up()
    other = an_ad(4, title="", body="Fresh oat biscuits from the bakery round the corner, open late on Fridays")
    assert known.of([an_ad(3, title="", body=WORDS.upper()), other]) == [CopyFacts("clu-ad-1"), CopyFacts()]


def test_copies_that_are_asked_about_at_once_are_named_as_if_they_had_come_one_by_one(ledger: Ledger) -> None:
    append_decisions(ledger, decided(an_ad(1, title="", body=WORDS)))
    known = OnlineClusters(ledger).catch_up()
    other = "Fresh oat biscuits from the bakery round the corner, open late on Fridays"
    at_once = [an_ad(2, title="", body=other), an_ad(3, title="", body=f"{WORDS} 3"), an_ad(4, title="", body=f"{other}!")]
    assert known.of(at_once) == [CopyFacts(), CopyFacts("clu-ad-1"), CopyFacts(same_as=0)]


def test_the_decisions_of_one_request_name_the_cluster_of_the_first_copy_in_it(ledger_url: str) -> None:
    ids = iter(("dec-a", "dec-b", "dec-c"))
    scorer = Scorer(FakeModel(), book([POLICY]), known=known_to(ledger_url, None, copies=True), ids=lambda: next(ids))
    ads = [
        an_ad(2, title="", body=WORDS),
        an_ad(3, title="", body="Oat biscuits, fresh every day from our bakery"),
        an_ad(4, title="", body=WORDS),
    ]
    assert [one.cluster for one in scorer.score(ads)] == ["clu-a", "clu-b", "clu-a"]


def test_the_nearest_that_people_have_spoken_of_counts_until_it_is_overturned(ledger: Ledger) -> None:
    bad, fine = decided(an_ad(1, title="", body=WORDS)), decided(an_ad(2, title="", body=MORE))
    append_decisions(ledger, bad, fine)
    known = OnlineClusters(ledger).catch_up()
    with ledger.write() as writing:
        writing.append("res-1", resolved(bad), START)
        writing.append("res-2", resolved(fine, Verdict.APPROVE, task_id="tsk-2"), START)
    near_bad, near_fine = an_ad(3, title="", body=f"{WORDS} 5"), an_ad(4, title="", body=f"{MORE} 5")
    told = known.catch_up().of([near_bad, near_fine])
    assert [one.rejected for one in told] == [(("deceptive", "dec-ad-1"),), ()]
    with ledger.write() as writing:
        writing.append("rul-1", ruled(bad), START + timedelta(minutes=1))
    assert known.catch_up().of([near_bad])[0].rejected == ()


def test_decisions_taken_in_without_reading_them_make_the_same_clusters_as_reading_them(ledger: Ledger) -> None:
    own = OnlineClusters(ledger).catch_up()
    pictures = dict(zip((2, 5), ("bc30c28cce9eee31", "bc30c28cce9eee33"), strict=True))
    ads = [
        an_ad(number, title="", body=f"{WORDS if number % 2 else MORE} {number}", creative_phash=pictures.get(number))
        for number in range(1, 9)
    ]
    seq = 0
    for asked, decided_on in ((ads[:3], ads[:3]), (ads[3:6], ads[4:6]), ([], ads[6:7]), (ads[7:], [ads[0], ads[7]])):
        own.of(asked[:1])
        own.of(asked[1:])  # an arm at a time
        made = [decided(ad, first=ad is not ads[0] or seq == 0, decision_id=f"dec-{ad.ad_id}-{seq}") for ad in decided_on]
        with ledger.write() as writing:
            for one in made:
                writing.append(one.decision.decision_id, one, START)
        own.observe_own(seq + 1, made)
        seq += len(made)
    assert own._follower.seq == own._heard == ledger.end()[0]
    read = OnlineClusters(ledger).catch_up()
    assert own._follower.seqs.tolist() == read._follower.seqs.tolist()
    assert pack(own._follower.index.taken()) == pack(read._follower.index.taken())
    asked = [
        an_ad(11, title="", body=WORDS),
        an_ad(12, title="", body="", creative_phash="bc30c28cce9eee31"),
        an_ad(13, title="", body=MORE),
    ]
    assert own.of(asked) == read.of(asked)


def test_decisions_after_somebody_elses_entry_are_read(ledger: Ledger) -> None:
    known, made = OnlineClusters(ledger).catch_up(), decided(an_ad(2, title="", body=WORDS))
    append_decisions(ledger, decided(an_ad(1, title="", body=WORDS)), made)
    known.observe_own(2, [made])
    assert known.of([an_ad(3, title="", body=WORDS)]) == [CopyFacts()]
    assert known.catch_up().of([an_ad(3, title="", body=WORDS)]) == [CopyFacts("clu-ad-1")]


def test_what_people_rejected_is_not_approved_without_them_and_nothing_is_rejected_by_it() -> None:
    ad = an_ad()
    for p, verdict in ((0.01, Verdict.REVIEW), (0.5, Verdict.REVIEW), (0.99, Verdict.REJECT)):
        context = DecisionContext("dec-2", START, "v1", rejected_copies={POLICY.name: "dec-1"})
        risk = RiskScore(policy=POLICY.name, p=p, p_low=p, p_high=p)
        made = decide(ad, {POLICY.name: risk}, book([POLICY]), SolvedThresholds(), context=context)
        assert made.verdict is verdict
        assert (f"copy_rejected:{POLICY.name}:dec-1" in made.degraded) == (p == 0.01)


def test_whoever_asks_does_not_wait_until_clusters_are_read(ledger: Ledger) -> None:
    append_decisions(ledger, decided(an_ad(1, title="", body=WORDS)))
    begun = ClustersBegun(ledger)
    begun.now()
    assert begun._begun is not None
    assert begun._begun.result(timeout=30).of([an_ad(2, title="", body=WORDS)]) == [CopyFacts("clu-ad-1")]
    assert begun.now() is not None
