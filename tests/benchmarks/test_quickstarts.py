"""A trained model on marketplaces it has not seen: what is counted, of how many."""

from __future__ import annotations

from pathlib import Path

import pytest

from adverdict.benchmarks.truth.quickstarts import quickstarts
from adverdict.domain.progress import Silent
from adverdict.domain.settings import Settings


@pytest.mark.slow
def test_every_policy_is_counted_over_all_marketplaces_and_nothing_is_kept(tiny_bundle: Path, tmp_path: Path) -> None:
    found = quickstarts(Settings(home=tmp_path, model=str(tiny_bundle)), 2, Silent(), ads=1_500)
    assert (found["seeds"], found["ads"]) == (2, 1_500)
    assert len(found["policies"]) > 1
    for policy in (*found["policies"].values(), found["together"]):
        assert policy["share"] == policy["certified"] / 2
        assert policy["interval"][0] <= policy["share"] <= policy["interval"][1]
    assert found["together"]["certified"] <= min(one["certified"] for one in found["policies"].values() if one["severity"] == "severe")
    assert 0 <= found["auto_share_range"][0] <= found["auto_share"] <= found["auto_share_range"][1] <= 1
    assert not (tmp_path / "certificates").exists()
