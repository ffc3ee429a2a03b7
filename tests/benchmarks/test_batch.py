"""The benchmark of batch scoring can fail: flips are found, bounds know of advertisers, ratios stay within their round."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adverdict.benchmarks.batch.batch_setup import BatchSetup
from adverdict.benchmarks.batch.counts import flipped_of, left_early
from adverdict.benchmarks.batch.encoder import twins
from adverdict.benchmarks.batch.flips import compared
from adverdict.benchmarks.batch.packs import precision, refuse_others_policies
from adverdict.benchmarks.batch.run import BatchBenchmark, headlined, run
from adverdict.benchmarks.batch.speed import summed
from adverdict.benchmarks.shared.certified_exit import refuse_without_exit
from adverdict.benchmarks.shared.testbed import SimulatedTestBed, made
from adverdict.cli.benchmark.batch import show
from adverdict.cli.console import out as console
from adverdict.domain.decision import Decision, PolicyVerdict
from adverdict.domain.errors import InvalidInput, InvalidSettings, NotFound
from adverdict.domain.progress import Silent
from adverdict.domain.verdict import Verdict
from tests.golden import Golden


def decision(verdicts: Mapping[str, str], exit: Literal["early", "full"] = "full", market: str = "SE") -> Decision:
    under = tuple(
        PolicyVerdict(policy=policy, verdict=Verdict(said), risk=None, approve_below=0.3, reject_at=0.8, certificate_id=None, because="")
        for policy, said in verdicts.items()
    )
    worst = max((one.verdict for one in under), key=["approve", "review", "reject"].index)
    return Decision(
        decision_id="dec-1",
        ad_id="a",
        advertiser_id="b",
        market=market,
        surface=None,
        decided_at=datetime(2026, 5, 6, tzinfo=UTC),
        verdict=worst,
        policies=under,
        uncertified=True,
        audit=None,
        bundle_version="1",
        policy_hash="0",
        threshold_set=None,
        exit=exit,
    )


WHOLE = {"gambling": "review", "weapons": "approve"}
FLIPPED = {
    "nothing": (WHOLE, 0, 0),
    "the verdict under one policy, not the decision": ({"gambling": "review", "weapons": "review"}, 1, 0),
    "the decision": ({"gambling": "approve", "weapons": "approve"}, 1, 1),
    "a policy that nobody judged": ({"gambling": "review"}, 1, 0),
}


@pytest.mark.parametrize("what", FLIPPED)
def test_an_ad_is_flipped_when_its_verdict_under_any_policy_is_another(what: str) -> None:
    became, flipped, decisions = FLIPPED[what]
    whole, other = [decision(WHOLE)] * 2, [decision(became, "early"), decision(WHOLE)]
    found = compared(whole, other, other, np.array([0, 1]))
    assert (found["flipped"], found["decisions_flipped"], found["exit_share"]) == (flipped, decisions, 0.5)


def test_flips_are_told_by_policy_and_by_market() -> None:
    whole = [decision(WHOLE), decision(WHOLE, market="DE")]
    found = compared(whole, [decision({"gambling": "reject", "weapons": "approve"}, "early"), whole[1]], whole, np.array([0, 1]))
    assert found["by_policy"] == {"gambling": {"review -> reject": 1}}
    assert {name: (one["ads"], one["flipped"], one["left_early"]) for name, one in found["markets"].items()} == {
        "SE": (1, 1, 1),
        "DE": (1, 0, 0),
    }


def test_the_bound_of_ads_of_an_advertiser_each_is_that_of_clopper_and_pearson() -> None:
    found = flipped_of(np.zeros(3000, dtype=bool), np.arange(3000), alike=1.0)
    assert found["flipped_share_upper"] == pytest.approx(1 - 0.05 ** (1 / 3000), rel=1e-4)


def test_ads_of_one_advertiser_that_flip_together_show_less() -> None:
    flipped, groups = np.zeros(3000, dtype=bool), np.repeat(np.arange(300), 10)
    uppers = [flipped_of(flipped, groups, alike)["flipped_share_upper"] for alike in (0.0, 0.5, 1.0)]
    assert uppers == sorted(set(uppers))


def test_shares_of_no_ads_are_unknown_and_their_bound_is_everything() -> None:
    nobody = np.zeros(0, dtype=bool)
    found = flipped_of(nobody, np.zeros(0, dtype=np.int64), 1.0) | left_early(nobody)
    assert (found["flipped_share"], found["exit_share"], found["flipped_share_upper"]) == (None, None, 1.0)


def rates(**rows_per_s: float) -> dict[str, Any]:
    return {name: {"rows_per_s": rate} for name, rate in rows_per_s.items()}


def ours(rate: float) -> dict[str, Any]:
    return {"rows_per_s": rate, "rows_per_cpu_s": rate, "native": True, "exit_share": 0.75, "stages": {"history": rate / 10}}


def test_a_ratio_is_of_one_round_and_the_median_is_over_rounds() -> None:
    rounds = [{"cascade": ours(cascade)} | rates(pipeline=pipeline) for cascade, pipeline in ((100, 10), (300, 10), (50, 1))]
    found = summed(rounds)
    assert (found["vs_pipeline"], found["vs_pipeline_range"]) == (30, [10, 50])
    assert (found["rows_per_s"], found["stages"]) == ({"cascade": 100, "pipeline": 10}, {"history": 10})
    assert (found["us_per_ad"], found["native"]) == (10_000.0, True)


def test_what_could_not_run_has_no_ratio() -> None:
    found = summed([{"cascade": ours(100)} | rates(full=50)])
    assert found["cascade_vs_full"] == 2
    assert not {"vs_pipeline", "vs_pyfunc_row_by_row"} & set(found)


def test_a_round_in_which_one_of_the_two_failed_does_not_count() -> None:
    found = summed([{"cascade": ours(100)} | rates(pipeline=10), {"cascade": ours(900)}])
    assert found["vs_pipeline_range"] == [10, 10]


def test_what_was_left_half_made_is_made_again(tmp_path: Path) -> None:
    def stopped(folder: Path) -> None:
        folder.mkdir()
        (folder / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made(tmp_path / "ads", stopped)
    path = made(tmp_path / "ads", lambda folder: folder.mkdir())
    assert list(path.iterdir()) == []


def bundle(folder: Path, *policies: str, **manifest: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    told = {"policies": list(policies), "components": ["ngram"], **manifest}
    (folder / "manifest.json").write_text(json.dumps(told), encoding="utf-8")
    return folder


def pack(folder: Path, *policies: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"policy": list(policies)}), folder / "labels.parquet")
    return folder


def test_a_pack_of_policies_that_the_bundle_does_not_know_is_refused_with_both(tmp_path: Path) -> None:
    model = bundle(tmp_path / "model", "gambling", "weapons")
    refuse_others_policies(model, pack(tmp_path / "one", "weapons", "political_issue"))
    with pytest.raises(InvalidInput, match=r"political_issue.*gambling, weapons"):
        refuse_others_policies(model, pack(tmp_path / "other", "political_issue"))


def test_a_bundle_without_early_exit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no early exit"):
        refuse_without_exit(bundle(tmp_path, "gambling"))


def test_another_model_is_no_fp32_twin(tmp_path: Path) -> None:
    setup = BatchSetup(SimulatedTestBed(tmp_path), 1, 1)
    mine, other = bundle(tmp_path / "int8", "gambling"), bundle(tmp_path / "fp32", "weapons")
    with pytest.raises(InvalidInput, match="before it was quantised"):
        twins(setup, mine, other, tmp_path)


def test_the_same_risks_rank_alike_and_differ_by_nothing() -> None:
    rng = np.random.default_rng(0)
    p = rng.random((200, 1))
    found = precision({"int8": p, "fp32": p}, (p[:, 0] > 0.5).astype(float), np.arange(200), 0)
    assert (found["int8"]["ap"], found["int8"]["difference"], found["int8"]["difference_interval"]) == (1.0, 0.0, [0.0, 0.0])


def test_a_worse_ranking_is_told_by_its_difference() -> None:
    p = np.linspace(0, 1, 200)[:, None]
    found = precision({"cascade": 1 - p, "full": p}, (p[:, 0] > 0.7).astype(float), np.arange(200), 0)
    assert found["cascade"]["difference_interval"][1] < 0


def test_nothing_is_ranked_where_no_ad_violates() -> None:
    assert precision({"a": np.ones((3, 1)), "b": np.ones((3, 1))}, np.array([0.0, 0.0, np.nan]), np.arange(3), 0) == {}


def test_mistakes_are_told_before_anything_is_measured(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    job = BatchBenchmark(parts=("speed", "sped"), data=(tmp_path,), fp32=missing, certificates=missing, policies=missing)
    with pytest.raises(InvalidSettings) as refused:
        run(job, Silent(), lambda figures: None)
    fields = [mistake.field for mistake in refused.value.mistakes]
    assert fields == ["--part", "--data", "--data", "--fp32", "--policies", "--certificates", "--model"]


def share(flipped: int, ads: int, left: int, upper: float) -> dict[str, Any]:
    return {
        "ads": ads,
        "flipped": flipped,
        "flipped_share": flipped / ads,
        "flipped_share_upper": upper,
        "left_early": left,
        "exit_share": left / ads,
    }


def ap(**models: float) -> dict[str, Any]:
    return {"n": 700, "positives": 120} | {
        name: {"ap": value, "interval": [value - 0.05, value + 0.04], "difference": -0.001} for name, value in models.items()
    }


FIGURES: dict[str, Any] = {
    "speed": {
        "rows_per_s": {"cascade": 1410.0, "full": 290.0, "no_encoder": 1900.0, "pipeline": 41.0, "pyfunc_row_by_row": 31.0},
        **{name: value for key in ("vs_pipeline", "full_vs_pipeline") for name, value in ((key, 34.2), (f"{key}_range", [31.0, 36.5]))},
        "stages": {"history": 40.0, "features": 410.0, "cheap_models": 90.0, "encoder": 3100.0, "deciding": 51.0},
        "left_out": {"pyfunc_row_by_row": "it did not start"},
    },
    "flips": {
        **share(9, 24_000, 20_000, 0.0007),
        "decisions_flipped": 7,
        "why_no_exit": None,
        "if_all_left_early": {"flipped": 1200, "flipped_share": 0.05},
        "markets": {"DE": share(1, 4000, 3500, 0.0019), "SE": share(0, 900, 400, 0.007)},
        "packs": {
            "kids_video": {
                "ads": 4400,
                "labelled": 700,
                "limits": [
                    {"max_flipped": limit, **share(3, 4400, 2000, 0.002), "ap": {"kids_sexual": ap(early=0.51, cascade=0.598, full=0.6)}}
                    for limit in (0.001, 0.01)
                ],
            }
        },
        "left_out": {"news_site_ads": "b8 knows none of the policies of news_site_ads"},
    },
    "int8": {
        "int8_share_of_peak": 0.52,
        "encoder": {"texts_per_s": 300.0, "gflop_per_s": 230.0, "int8_peak_gflop_per_s": 440.0},
        "beside_fp32": {
            "kids_video": {**share(5, 6401, 0, 0.002), "new_to_the_bundle": True, "ap": {"kids_sexual": ap(int8=0.598, fp32=0.6)}}
        },
        "left_out": {},
    },
}


def test_what_is_asked_for_first_is_at_the_top_with_what_it_is_a_share_of() -> None:
    found = headlined(FIGURES)
    assert (found["vs_pipeline"], found["flipped_share"], found["flipped_of"]) == (34.2, 9 / 24_000, 24_000)
    assert (found["flipped_share_upper"], found["exit_share"], found["int8_share_of_peak"]) == (0.0007, 20_000 / 24_000, 0.52)
    assert set(found["left_out"]) == {"speed: pyfunc_row_by_row", "flips: news_site_ads"}
    assert "vs_pipeline" not in headlined({"flips": FIGURES["flips"]})


def test_what_a_person_reads(golden: Golden) -> None:
    with console.capture() as read:
        show(headlined(FIGURES))
    golden.check("batch.txt", "\n".join(line.rstrip() for line in read.get().splitlines()))
