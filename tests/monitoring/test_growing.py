"""A cluster that more advertisers join than any ever did is a case, seldom by chance, and once."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from adverdict.clusters.follower import ClusterFollower
from adverdict.domain.verdict import Verdict
from adverdict.ledger.bodies.emerging import CaseOpened
from adverdict.ledger.in_force.cases import Case, cases, open_case
from adverdict.ledger.store import Ledger
from adverdict.monitoring.case_labels import ads_of_case
from adverdict.monitoring.emerging import DAYS, Kind
from adverdict.monitoring.growing import growing_kinds, growths, outgrown
from adverdict.monitoring.kinds import look_for_kinds
from tests.effort import part_of
from tests.ledger.made import CASE, START, an_ad, decided, minutes

WORDS = (
    "Sturdy shoes for wet autumns from a small workshop by the harbour of Malmo",
    "Lamps from last season for reading late, sent within two days to your door",
    "Learn Spanish on the bus with short lessons that nobody beside you can hear",
    "Bikes tested in snow and salt, with tyres that hold on ice and lights that last",
)
LAST = START + timedelta(days=DAYS)


@pytest.fixture
def grown(ledger: Ledger) -> Ledger:
    """Four ads whose copies one advertiser more sends each day; on the last day six more send the last one's."""
    number = 0
    for day in range(DAYS + 1):
        at = START + timedelta(days=day)
        with ledger.write() as writing:
            for which in [*range(4), *([3] * 6 if day == DAYS else [])]:
                number += 1
                fields = {"advertiser_id": f"adv-{number}", "submitted_at": at, "title": f"{number}", "language": "en"}
                made = decided(an_ad(number, body=WORDS[which], **fields), Verdict.APPROVE, decision_id=f"dec-{number}")
                writing.append(f"dec-{number}", made, at)
    ClusterFollower(ledger).catch_up()
    return ledger


def test_what_grows_as_never_before_is_a_case_once_with_all_that_a_case_has(grown: Ledger) -> None:
    clock = lambda: LAST + timedelta(hours=20)  # noqa: E731
    found = look_for_kinds(grown, clock=clock)
    [told] = [one for one in found.kinds if one.cluster is not None]
    assert (told.cluster, told.language, told.markets, told.labels) == ("clu-4", "en", ("SE",), 50)
    assert (told.advertisers, len(told.examples)) == (DAYS + 7, 10)
    assert told.says == (
        "7 advertisers began on one day to send copies of one ad, which 35 have sent by now; the most that any ad's copies got in the four "
        "weeks before is 1."
    )
    assert "adverdict brake on --side approve --cluster clu-4 --why" in told.proposal
    assert "bikes tested" in told.phrases
    assert look_for_kinds(grown, clock=clock).opened == ()
    with grown.look() as connection:
        [case] = [one for one in cases(connection) if one.told.cluster]
    assert {one.ad.body for one in ads_of_case(grown, case, clock())} == {WORDS[3]}


def test_what_another_kind_tells_of_already_is_no_case_of_its_own(grown: Ledger) -> None:
    with grown.look() as connection:
        [one] = growing_kinds(connection, LAST.date())
        same = Kind("en", ("bikes",), 7, one.kind.ads, by_marks=False, p_value=0.01)
        assert growing_kinds(connection, LAST.date(), [same]) == []


def test_nobody_is_told_of_growth_before_four_weeks_were_seen(grown: Ledger) -> None:
    with grown.look() as connection:
        assert growths(connection, (LAST - timedelta(days=1)).date()) == []
        assert len(growths(connection, LAST.date())) == 1


def test_a_cluster_has_one_case_whatever_its_phrases(ledger: Ledger) -> None:
    told = CaseOpened(**{**CASE.model_dump(), "cluster": "clu-4"})
    with ledger.write() as writing:
        assert open_case(writing, told, minutes(1)) is not None
        assert open_case(writing, told.model_copy(update={"phrases": ("other",), "language": "sv"}), minutes(2)) is None
    assert not Case("cas-1", minutes(1), CASE).same(told.model_copy(update={"phrases": ("other",)}), minutes(2))


@pytest.mark.parametrize("mean", [0.5, 3.0, 20.0])
def test_days_that_are_alike_raise_a_case_in_one_of_twenty_nine_at_most(mean: float) -> None:
    """However many join clusters on a day: the largest of 29 alike is the last one's by chance. Simulated."""
    random, tries = np.random.default_rng(3), part_of(2000)
    raised = 0
    for _ in range(tries):
        counts = random.poisson(mean, (DAYS + 1, 40)) + random.negative_binomial(1, 0.2, (DAYS + 1, 40))
        days = {day: {cluster: int(count) for cluster, count in enumerate(row) if count > 1} for day, row in enumerate(counts)}
        raised += bool(outgrown(days, DAYS, DAYS))
    assert raised / tries <= 1 / (DAYS + 1) + 3 * np.sqrt(1 / (DAYS + 1) / tries)
