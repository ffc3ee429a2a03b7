"""Which labels may certify: planned samples, what is stated to be a random part, and no mixture of the two."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from adverdict.certification.words import SamplePart
from adverdict.domain.ad import Label
from adverdict.domain.errors import InvalidInput
from adverdict.rollout.designs import by_design, sample_design

AT = datetime(2026, 3, 1, tzinfo=UTC)


def label(ad_id: str, part: SamplePart | None = None, **changes: Any) -> Label:
    design = None if part is None else sample_design("0123abcd", 2, part)
    fields = {"ad_id": ad_id, "policy": "gambling", "violates": False, "labelled_at": AT, "design": design} | changes
    return Label.model_validate(fields)


def test_a_planned_sample_stands_alone_for_what_is_random() -> None:
    found = by_design([label("a", SamplePart.RANDOM), label("b"), label("c", SamplePart.ABOVE), label("d", source="audit")])
    assert [one.ad_id for one in found.random] == ["a"]
    assert [one.ad_id for one in found.risky] == ["c"]
    assert (found.samples, found.announced, found.complete) == ({"0123abcd": 2}, 2, False)


def test_a_sample_is_complete_with_every_ad_that_was_announced() -> None:
    assert by_design([label("a", SamplePart.RANDOM), label("b", SamplePart.RANDOM)]).complete


def test_reviews_of_all_risky_ads_speak_of_them_beside_a_sample() -> None:
    reviewed = label("r", source="review", inclusion_probability=1.0)
    chosen = label("s", source="review", inclusion_probability=0.5)
    assert [one.ad_id for one in by_design([label("a", SamplePart.RANDOM), reviewed, chosen]).risky] == ["r"]


@pytest.mark.parametrize("source", ["golden", "appeal"])
def test_chosen_ads_are_no_random_part(source: str) -> None:
    assert by_design([label("a", source=source)]).random == ()


def test_without_a_design_labels_are_taken_as_stated_if_they_were_drawn_alike() -> None:
    assert len(by_design([label("a"), label("b", source="review")]).random) == 2
    with pytest.raises(InvalidInput, match="cannot be counted together") as refused:
        by_design([label("a", inclusion_probability=0.01), label("b", inclusion_probability=1.0)])
    assert "0.01, 1" in str(refused.value)


def test_a_sample_drawn_by_views_speaks_of_views_and_certifies_no_ads() -> None:
    design = sample_design("0123abcd", 2, SamplePart.RANDOM, by_views=True)
    found = by_design([label("a", design=design, inclusion_probability=0.2), label("b")])
    assert [[one.ad_id for one in some] for some in (found.random, found.by_views)] == [["b"], ["a"]]
    assert found.samples == {}
