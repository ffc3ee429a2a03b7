"""A signal and a model of a plug-in: trained, loaded, explained in words, and refused by name where they are missing."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import polars as pl
import pytest

from adverdict.domain.errors import InvalidSettings, MissingPlugin
from adverdict.domain.progress import Silent
from adverdict.domain.settings import Settings
from adverdict.models.bundle import load_bundle
from adverdict.models.explain import reasons
from adverdict.models.manifest import check, seal
from adverdict.storage.tables.pack import read_pack
from adverdict.training.fit.gbm import GbmSettings
from adverdict.training.fit.prepared import FitSettings
from adverdict.training.train import TrainJob, train
from tests.example_plugins import forget
from tests.serving.conftest import until
from tests.serving.test_run import free_port
from tests.training.reports import without_plots

pytestmark = pytest.mark.slow  # a model is trained for it

FIT = FitSettings(
    encoder=None,
    gbm=GbmSettings(num_boost_round=80, learning_rate=0.1),
    n_folds=2,
    signals=("price_claims",),
    components=("landing_words",),
    keep=("plugin.landing_words", "gbm"),
)


@pytest.fixture(scope="module")
def priced(small_marketplace: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A marketplace in which deceptive ads name more prices than others, so that the signal has something to tell."""
    pack = shutil.copytree(small_marketplace, tmp_path_factory.mktemp("priced") / "pack")
    labels = pl.read_parquet(pack / "labels.parquet").filter(pl.col("policy") == "deceptive", pl.col("violates") > 0)
    deceptive, draw = set(labels["ad_id"]), random.Random(0)
    ads = pl.read_parquet(pack / "ads.parquet")
    counts = [draw.randint(3, 6) if ad in deceptive else draw.randint(0, 2) for ad in ads["ad_id"]]
    prices = [" ".join(f"${draw.randint(10, 99)}" for _ in range(count)) for count in counts]
    ads.with_columns(body=pl.concat_str(pl.col("body").fill_null(""), pl.Series(prices), separator=" ")).write_parquet(pack / "ads.parquet")
    return pack


@pytest.fixture(scope="module")
def bundle(example_folder: Path, priced: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("home")
    sys.path.insert(0, str(example_folder))
    job = TrainJob([priced], Settings(home=home), policies=("deceptive",), fit=FIT, out=home / "bundle", register=False)
    trained = train(job, Silent(), report=without_plots)
    assert "plugin.landing_words" in trained.figures["components"]
    yield home / "bundle"
    if str(example_folder) in sys.path:
        sys.path.remove(str(example_folder))
    forget()


def with_weight(folder: Path) -> Path:
    """The bundle where the plug-in's model counts: on these few ads it earned no weight, as it may."""
    manifest, _ = check(folder)
    blend = json.loads((folder / "blend.json").read_text())
    blend["weights"][0][blend["components"].index("plugin.landing_words")] = 0.5
    (folder / "blend.json").write_text(json.dumps(blend))
    seal(folder, manifest)
    return folder


def test_a_bundle_says_which_plug_ins_it_was_made_with(bundle: Path, example: Path) -> None:
    manifest, _ = check(bundle)
    assert [(one.group, one.name, one.version, one.distribution, one.distribution_version) for one in manifest.plugins] == [
        ("adverdict.signals", "price_claims", "1", "adverdict-example", "1.0.0"),
        ("adverdict.components", "landing_words", "1", "adverdict-example", "1.0.0"),
    ]
    assert "plugins/landing_words/landing_words.json" in manifest.files


def test_it_scores_each_ad_as_it_scores_all_of_them_and_says_in_words_what_moved_the_risk(
    bundle: Path, example: Path, priced: Path, tmp_path: Path
) -> None:
    loaded, ads = load_bundle(with_weight(shutil.copytree(bundle, tmp_path / "bundle"))), read_pack(priced).ads[:200]
    scores = loaded.score(ads)
    alone = np.concatenate([loaded.score([ad]).risk for ad in ads])
    np.testing.assert_allclose(scores.risk, alone, rtol=0, atol=1e-12)
    told = [reason for row, ad in enumerate(ads) for reason in reasons(loaded, ad, scores, row, ["deceptive"])]
    texts = {reason.signal: reason.text for reason in told}
    assert "its landing domain" in texts["plugin.landing_words"]
    assert "price" in texts["price_claims"]


def test_it_is_refused_by_name_where_its_plug_ins_are_missing(bundle: Path, example_folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(bundle, tmp_path / "bundle")
    forget()
    kept = [path for path in sys.path if path != str(example_folder)]
    before, sys.path[:] = sys.path[:], kept
    try:
        with pytest.raises(MissingPlugin) as caught:
            load_bundle(copy)
    finally:
        sys.path[:] = before
    assert "signal `price_claims` is not installed here (it came with adverdict-example 1.0.0)" in str(caught.value)
    assert "component `landing_words` is not installed here (it came with adverdict-example 1.0.0)" in str(caught.value)


def test_a_training_that_names_a_plug_in_nobody_offers_is_refused_before_it_begins(small_marketplace: Path, tmp_path: Path) -> None:
    fit = FitSettings(encoder=None, components=("nothing_of_this_name",))
    with pytest.raises(InvalidSettings, match="nothing_of_this_name"):
        train(TrainJob([small_marketplace], Settings(home=tmp_path), fit=fit, register=False), Silent())


def ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def around(home: Path, bundle: Path, *installed: Path, **settings: str) -> dict[str, str]:
    """The environment of a service, or of a command, that decides by the bundle where ``installed`` is."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ADVERDICT_", "MLFLOW_", "BENTOML_HOME"))}
    path = ":".join([*map(str, installed), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**kept, "PYTHONPATH": path, "ADVERDICT_HOME": str(home), "ADVERDICT_MODEL": str(bundle), "OMP_NUM_THREADS": "1", **settings}


def command(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "adverdict.cli.main", *arguments]
    home = environment["ADVERDICT_HOME"]
    return subprocess.run(words, env=environment, cwd=home, capture_output=True, text=True, timeout=300, check=False)


@contextmanager
def service(environment: dict[str, str]) -> Iterator[str]:
    """Address of ``adverdict serve``."""
    port, home = free_port(), Path(environment["ADVERDICT_HOME"])
    with (home / "service.log").open("ab") as log:
        words = [sys.executable, "-m", "adverdict.cli.main", "serve", "--port", str(port)]
        started = subprocess.Popen(words, env=environment, cwd=home, stdout=log, stderr=log)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        started.terminate()
        started.wait(60)


def test_the_real_service_decides_with_plug_ins_explains_them_in_words_and_tells_the_sink_what_changed(
    bundle: Path, example_folder: Path, priced: Path, tmp_path: Path
) -> None:
    copy = with_weight(shutil.copytree(bundle, tmp_path / "bundle"))
    told = tmp_path / "changes.jsonl"
    environment = around(tmp_path, copy, example_folder, ADVERDICT_SINKS="jsonl", EXAMPLE_SINK_FILE=str(told))
    ads = [json.loads(ad.model_dump_json(exclude_none=True)) for ad in read_pack(priced).ads[:200]]
    with service(environment) as url:
        until(lambda: ready(url), seconds=180)
        answer = httpx.post(f"{url}/v1/score/batch?explain=all", json={"ads": ads}, timeout=120)
        assert answer.status_code == 200
        told_by = {reason["signal"]: reason["text"] for one in answer.json()["results"] for reason in one["reasons"]}
        assert "its landing domain has" in told_by["plugin.landing_words"]
        assert "price" in told_by["price_claims"]
        erased = command(
            environment, "ledger", "erase", "--advertiser", ads[0]["advertiser_id"], "--why", "asked for", "--no-compact", "--yes"
        )
        assert erased.returncode == 0, erased.stderr
        until(told.exists, seconds=60)
    changes = [json.loads(line) for line in told.read_text().splitlines()]
    assert {(one["change"], one["ad_id"] in {ad["ad_id"] for ad in ads}) for one in changes} == {("erasure", True)}


def test_where_the_plug_ins_are_missing_service_and_commands_refuse_the_bundle_with_all_their_names(
    bundle: Path, small_marketplace: Path, tmp_path: Path
) -> None:
    environment = around(tmp_path, bundle)
    missing = (
        "signal `price_claims` is not installed here (it came with adverdict-example 1.0.0)",
        "component `landing_words` is not installed here (it came with adverdict-example 1.0.0)",
    )
    with service(environment) as url:
        until(lambda: (tmp_path / "service.log").read_bytes().count(b"is refused") > 0, seconds=180)
        until(lambda: httpx.get(f"{url}/readyz", timeout=5).json()["status"] == "no_model", seconds=60)
        readiness = httpx.get(f"{url}/readyz", timeout=5)
        assert readiness.status_code == 503
        assert all(name in readiness.json()["refused"] for name in missing)
        ad = json.loads(read_pack(small_marketplace).ads[0].model_dump_json(exclude_none=True))
        decided = httpx.post(f"{url}/v1/score", json=ad, timeout=60).json()
        assert (decided["verdict"], "bundle_refused:bundle" in decided["degraded"]) == ("review", True)
    scored = command(environment, "score", "--ads", str(small_marketplace), "--out", "out.jsonl")
    assert scored.returncode == 1
    assert all(name in " ".join(scored.stderr.split()) for name in missing)
    unknown = command({**environment, "ADVERDICT_SINKS": "jsonl"}, "serve", "--port", str(free_port()))
    assert unknown.returncode == 2, "before a worker is started, which its supervisor would start again for ever"
    assert "ADVERDICT_SINKS = 'jsonl'" in unknown.stderr
