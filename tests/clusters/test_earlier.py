"""What people said of near copies by others counts from then on, and nothing that comes later is known."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from adverdict.clusters.earlier import EarlierSaid, earlier_said
from adverdict.clusters.fingerprints import fingerprints
from adverdict.domain.ad import Ad, Label
from tests.effort import examples
from tests.ledger.made import START, minutes

WORDS = (
    "Guaranteed profit without any work: ask our team how thousands of readers double their deposit every week",
    "Fresh oat biscuits from the bakery round the corner, open late on Fridays and all of Saturday for everybody",
)
POLICIES = ("deceptive", "gambling")


def an_ad(number: int, at: float, which: int = 0, advertiser: int | None = None) -> Ad:
    whose = f"adv-{number if advertiser is None else advertiser}"
    return Ad(ad_id=f"ad-{number}", advertiser_id=whose, market="SE", submitted_at=minutes(at), body=f"{WORDS[which]} {number}!")


def a_label(number: int, at: float, violates: bool = True, policy: str = "deceptive", rater: str = "rita") -> Label:
    return Label(ad_id=f"ad-{number}", policy=policy, violates=violates, labelled_at=minutes(at), rater_id=rater)


def test_near_copies_of_others_count_from_when_they_were_spoken_of() -> None:
    ads = [an_ad(1, 0), an_ad(2, 1), an_ad(3, 10), an_ad(4, 20), an_ad(5, 30, which=1), an_ad(6, 31, advertiser=1)]
    labels = [a_label(1, 10), a_label(2, 15, violates=False)]
    found = earlier_said(ads, labels, POLICIES)[:, 0].tolist()
    # At the very moment of the label nothing is known; another text is no copy; one's own ads say nothing.
    assert found == [[0, 0], [0, 0], [0, 0], [1, 1], [0, 0], [1, 0]]


def test_a_raters_last_word_counts_and_the_majority_of_raters() -> None:
    ads = [an_ad(1, 0), an_ad(2, 50), an_ad(3, 70)]
    labels = [a_label(1, 10), a_label(1, 60, violates=False), a_label(1, 20, violates=False, rater="sven"), a_label(1, 30, rater="ann")]
    found = earlier_said(ads, labels, POLICIES)[:, 0].tolist()
    assert found == [[0, 0], [0, 1], [1, 0]]


EVENT = st.tuples(st.integers(0, 8), st.integers(0, 40), st.booleans(), st.sampled_from(POLICIES), st.sampled_from(["rita", "sven"]))


@examples(60)
@given(
    submitted=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 1), st.integers(0, 3)), min_size=1, max_size=8),
    said=st.lists(EVENT, max_size=12),
    cut=st.integers(0, 41),
)
def test_what_comes_later_changes_nothing_and_who_hears_it_one_by_one_counts_the_same(
    submitted: list[tuple[int, int, int]], said: list[tuple[int, int, bool, str, str]], cut: int
) -> None:
    ads = [an_ad(number, at, which, advertiser) for number, (at, which, advertiser) in enumerate(submitted)]
    labels = [a_label(number, at, violates, policy, rater) for number, at, violates, policy, rater in said if number < len(ads)]
    labels = [one for one in labels if one.labelled_at >= ads[int(one.ad_id[3:])].submitted_at]
    whole = earlier_said(ads, labels, POLICIES)
    until = minutes(cut)
    early = [row for row, ad in enumerate(ads) if ad.submitted_at < until]
    before = earlier_said([ads[row] for row in early], [one for one in labels if one.labelled_at < until], POLICIES)
    assert np.array_equal(before, whole[early])
    online, moment = EarlierSaid(POLICIES), START - timedelta(minutes=1)
    told = sorted([(ad.submitted_at, 0, row) for row, ad in enumerate(ads)] + [(one.labelled_at, 1, i) for i, one in enumerate(labels)])
    for at, is_label, place in told:
        assert at >= moment
        moment = at
        if is_label:
            ad = ads[int(labels[place].ad_id[3:])]
            online.say(ad, fingerprints([ad]), labels[place])
        else:
            assert np.array_equal(online.of(ads[place], fingerprints([ads[place]])), whole[place])
