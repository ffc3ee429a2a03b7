"""Solved thresholds as they are kept: written, read back, refused when altered."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.decisions.policy import Targets, Thresholds
from adverdict.decisions.thresholds import POOLED, SolvedFor, SolvedThresholds
from adverdict.domain.errors import UntrustedBundle
from tests.decisions.build import TARGETS

END = datetime(2026, 11, 22, tzinfo=UTC)
targets = st.builds(Targets, st.floats(0, 1), st.floats(0, 1), st.just(0.95))


@given(
    st.dictionaries(
        st.tuples(st.sampled_from("abc"), st.sampled_from(["SE", POOLED]), targets),
        st.tuples(
            st.floats(0, 1),
            st.floats(0, 1),
            st.sampled_from([(), ("cert-1",), ("cert-1", END), ("cert-1", END, True), ("cert-1", None, False, 0.05)]),
        ),
    )
)
def test_solved_thresholds_survive_being_written(content: dict[tuple[str, str, Targets], tuple[float, float, tuple[Any, ...]]]) -> None:
    solved = SolvedThresholds({SolvedFor(*key): Thresholds(min(a, b), max(a, b), *more) for key, (a, b, more) in content.items()})
    again = SolvedThresholds.from_json(solved.to_json())
    assert again == solved
    turned = SolvedThresholds(dict(reversed(list(solved.points.items()))))
    assert turned.digest == solved.digest


STORED = SolvedThresholds({SolvedFor("gambling", POOLED, TARGETS): Thresholds(0.25, 0.75)}).to_json()


def test_what_thresholds_do_not_say_is_not_stored_so_that_older_ones_keep_their_digest() -> None:
    plain = SolvedThresholds({SolvedFor("gambling", POOLED, TARGETS): Thresholds(0.25, 0.75, "cert-1", END)})
    assert plain.digest == "556f9ff26f1c24bbfa57c858e695047c3d32563971149eda5f3707560b0cb4fb"
    provisional = SolvedThresholds({key: replace(found, provisional=True) for key, found in plain.points.items()})
    audited = SolvedThresholds({key: replace(found, audit_share=0.05) for key, found in plain.points.items()})
    assert len({plain.digest, provisional.digest, audited.digest}) == 3


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("0.25", "0.95"),
        ("0.25", "NaN"),
        ("0.25", "Infinity"),
        ("0.25", '"0.25"'),
        ("0.75", "1.5"),
        ('"policy"', '"polise"'),
        ('"max_leakage": 0.02', '"max_leakage": 2'),
        ('"certificate_id": null', '"certificate_id": 3'),
        ('"expires_at": null', '"expires_at": "2026-11-22T00:00:00Z"'),
        ('"certificate_id": null', '"certificate_id": "cert-1", "expires_on": null'),
        (',\n    "expires_at": null', ""),
        ("{", ""),
        ('"certificate_id": null', '"certificate_id": null, "provisional": true'),
        ('"certificate_id": null', '"certificate_id": "cert-1", "provisional": 1'),
        ('"certificate_id": null', '"certificate_id": "cert-1", "audit_share": 1.5'),
        ('"schema": 2', '"schema": 2, "more": 1'),
        ('"schema": 2', '"skema": 2'),
    ],
)
def test_altered_thresholds_are_refused(old: str, new: str) -> None:
    assert old in STORED
    with pytest.raises(UntrustedBundle, match=r"thresholds\.json is not a set of solved thresholds"):
        SolvedThresholds.from_json(STORED.replace(old, new, 1))


@pytest.mark.parametrize("expires", ['"2026-11-22T00:00:00"', '"2026-11-22"', '"tomorrow"', "1795305600", '"1795305600"'])
def test_a_certificate_s_end_is_a_time_with_a_zone(expires: str) -> None:
    certified = SolvedThresholds({SolvedFor("gambling", POOLED, TARGETS): Thresholds(0.25, 0.75, "cert-1", END)}).to_json()
    stored = '"2026-11-22T00:00:00+00:00"'
    assert stored in certified
    assert SolvedThresholds.from_json(certified.replace(stored, '"2026-11-22T01:00:00+01:00"')).to_json() == certified
    with pytest.raises(UntrustedBundle, match="expires_at"):
        SolvedThresholds.from_json(certified.replace(stored, expires))


@pytest.mark.parametrize("schema", ["1", "3", '"2"', "null", "[2]"])
def test_thresholds_of_another_schema_are_refused_before_anything_else_is_said_of_them(schema: str) -> None:
    with pytest.raises(UntrustedBundle, match=r"^thresholds\.json has schema .*; this version reads schema 2: train the bundle again$"):
        SolvedThresholds.from_json(STORED.replace('"schema": 2', f'"schema": {schema}').replace("0.25", "NaN"))


def test_one_key_solved_twice_is_refused() -> None:
    entry = STORED[STORED.index("[") + 1 : STORED.rindex("]")]
    with pytest.raises(UntrustedBundle, match="twice"):
        SolvedThresholds.from_json(f'{{"schema": 2, "solved": [{entry}, {entry}]}}')
