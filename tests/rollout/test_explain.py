"""A policy explained: the bands are what ``decide`` makes of each risk, and the limits are seen in them."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.decisions.policy import Stance, Thresholds
from adverdict.decisions.thresholds import SolvedThresholds, verdict_at
from adverdict.domain.errors import InvalidSettings
from adverdict.domain.verdict import Verdict
from adverdict.rollout.explain import draw_bands, explain
from adverdict.rollout.known import known_policy
from adverdict.training.pages.plots import render, write_png
from tests.decisions.build import POLICY, WHEN, book

LIMITED = replace(POLICY, max_risk=0.25, min_risk_rejected=0.5)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_the_bands_cover_all_risks_and_say_what_is_decided(one: float, two: float, p: float) -> None:
    policy = replace(LIMITED, thresholds=Thresholds(min(one, two), max(one, two)))
    bands = explain(policy, "SE", None, SolvedThresholds(), None, WHEN).bands
    assert bands[0].low == 0
    assert bands[-1].high == 1
    assert all(first.high == second.low for first, second in pairwise(bands))
    within = next(band for band in bands if band.low <= p < band.high or band.high == 1)
    limited = policy.limited(policy.thresholds or Thresholds(0, 1))
    if within.low < p < within.high:
        assert within.verdict is verdict_at(p, limited.approve_below, limited.reject_at)


def test_a_limit_is_told_where_it_decides() -> None:
    found = explain(replace(LIMITED, thresholds=Thresholds(0.4, 0.45)), "SE", None, SolvedThresholds(), None, WHEN)
    assert (found.bands[0].low, found.bands[0].verdict) == (0.0, Verdict.APPROVE)
    assert any("max_risk 0.25" in band.because for band in found.bands)
    assert any("min_risk_rejected 0.5" in band.because for band in found.bands)
    assert any("nothing is promised" in sentence for sentence in found.sentences())


def test_what_is_allowed_has_one_band() -> None:
    found = explain(replace(LIMITED, stance=Stance.ALLOWED), "SE", None, SolvedThresholds(), None, WHEN)
    assert {band.verdict for band in found.bands} == {Verdict.APPROVE}
    assert "is allowed in SE" in found.sentences()[0]


def test_the_picture_is_drawn(tmp_path: Path) -> None:
    found = explain(LIMITED, "SE", None, SolvedThresholds(), None, WHEN)
    write_png(draw_bands(found), "Gambling: SE", tmp_path / "policy.png")
    assert "a person decides" in render(draw_bands(found), "Gambling: SE", "policy")
    assert (tmp_path / "policy.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("policy", "market", "said"),
    [("gamblin", "SE", "did you mean gambling"), ("gambling", "XX", "a market with a file"), ("gambling", "SE", None)],
)
def test_a_policy_nobody_knows_is_refused_with_the_likeliest(policy: str, market: str, said: str | None) -> None:
    if said is None:
        assert known_policy(book([LIMITED]), policy, market, None) == LIMITED
    else:
        with pytest.raises(InvalidSettings, match=said):
            known_policy(book([LIMITED]), policy, market, None)
