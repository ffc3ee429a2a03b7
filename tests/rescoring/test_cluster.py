"""The engine of Ray: the same rows as the local one, the same blame, and a plain word where Ray is missing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from adverdict.domain.errors import NotFound
from adverdict.rescoring.deciding.progress import SilentProgress
from adverdict.rescoring.deciding.run import rescore
from tests.rescoring.deciding import Bench, files_of, in_process
from tests.scoring.fakes import open_fake

ROOT = Path(__file__).parent.parent.parent


def test_without_ray_the_extra_is_named_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adverdict.rescoring.deciding.cluster.find_spec", lambda name: None)
    bench = Bench.make(tmp_path)
    with pytest.raises(NotFound, match=r"pip install 'adverdict\[ray\]'"):
        rescore(bench.options(engine="ray"), SilentProgress(), open_model=open_fake)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_in_place_its_rows_are_those_of_the_local_engine_and_a_deadly_shard_is_blamed_exactly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray")
    bench = Bench.make(tmp_path)
    told = on_ray(tmp_path)
    assert told["quarantined"] == [["part-00000-00001", "3 workers died of it"]]
    with monkeypatch.context() as patch:
        in_process(patch)
        rescore(bench.options("local", workers=1), SilentProgress(), open_model=open_fake, now=lambda: told_moment(told))
    expected = files_of(tmp_path / "local")
    found = files_of(tmp_path / "out")
    assert found == {name: content for name, content in expected.items() if not name.endswith("part-00000-00001.parquet")}
    assert len(found) == 10


def told_moment(told: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(told["started_at"])


def on_ray(home: Path) -> dict[str, Any]:
    """In a process of its own: Ray deprecates what it itself uses, and a warning is an error here."""
    command = [sys.executable, "-m", "tests.rescoring.deciding", str(home), "ray"]
    environment = os.environ | {"ADVERDICT_HOME": str(home / "home"), "PYTHONPATH": os.environ["PYTHONPATH"]}
    environment.pop("RAY_ADDRESS", None)
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    assert "RayDeprecationWarning" not in done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.slow
def test_the_bundles_pyfunc_scores_in_spark_what_the_bundle_scores(tiny_bundle: Path, marketplace: Path, tmp_path: Path) -> None:
    if find_spec("pyspark") is None:
        pytest.skip("PySpark is not installed: pip install 'adverdict[spark]'")
    if shutil.which("java") is None:
        pytest.skip("PySpark needs Java, and there is none")
    command = [sys.executable, "-c", IN_SPARK, str(tiny_bundle), str(marketplace), str(tmp_path / "model")]
    environment = os.environ | {"PYSPARK_PYTHON": sys.executable}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    scored = dict(json.loads(done.stdout.splitlines()[-1]))
    from adverdict.models.bundle import load_bundle
    from adverdict.storage.tables.pack import read_ads

    bundle, ads = load_bundle(tiny_bundle), read_ads(marketplace)[:20]
    assert scored == dict(zip([ad.ad_id for ad in ads], bundle.score(ads).risk[:, 0, 0].tolist(), strict=True))


IN_SPARK = """
import json, sys
from pathlib import Path
import mlflow.pyfunc
from pyspark.sql import SparkSession, functions as F
from adverdict import models
from adverdict.models.manifest import check
bundle, pack, target = sys.argv[1:]
mlflow.pyfunc.save_model(path=target, python_model=str(Path(models.__file__).parent / "pyfunc_model.py"), artifacts={"bundle": bundle})
settings = {"spark.ui.enabled": "false", "spark.sql.session.timeZone": "UTC"}
spark = SparkSession.builder.master("local[1]").config(map=settings).getOrCreate()
ads = spark.read.parquet(f"{pack}/ads.parquet").limit(20)
for name in ("submitted_at", "advertiser_created_at"):
    ads = ads.withColumn(name, F.date_format(name, "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'"))
policy = check(Path(bundle))[0].policies[0]
risks = mlflow.pyfunc.spark_udf(spark, target, result_type=f"ad_id string, p_{policy} double", env_manager="local")
rows = ads.select(risks(F.struct(*ads.columns)).alias("risk")).select("risk.*").collect()
print(json.dumps([list(row) for row in rows]))
"""
