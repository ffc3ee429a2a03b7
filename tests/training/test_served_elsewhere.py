"""A registered model loads where nobody has this product: MLflow makes an environment of what travels with it, and serves it, also in
Spark."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import pandas as pd
import pytest

from adverdict.domain.ad import Ad
from adverdict.models.bundle import Bundle, load_bundle
from adverdict.storage.tables.pack import read_ads
from adverdict.training.tracking.aliases import promote
from adverdict.training.tracking.pyfunc import EXAMPLE
from adverdict.training.tracking.run import TrainingRun
from adverdict.training.tracking.store import Store

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
MAKING = 1500.0
"""Seconds that an environment of some hundred packages may take."""


def environment(store: Store, made_in: Path) -> dict[str, str]:
    """Of a stranger: no path to this repository, nothing but uv and a Python."""
    tools = made_in / "tools"
    tools.mkdir(parents=True)
    (tools / "uv").symlink_to(Path(sys.executable).parent / "uv")
    kept = {name: value for name, value in os.environ.items() if name in ("HOME", "LANG", "SSL_CERT_FILE", "HTTPS_PROXY", "UV_CACHE_DIR")}
    path = f"{tools}:{Path(sys.base_prefix) / 'bin'}:/usr/bin:/bin"
    here = {"PATH": path, "MLFLOW_TRACKING_URI": store.uri, "MLFLOW_ENV_ROOT": str(made_in / "environments")}
    return {**kept, **here, "MLFLOW_DISABLE_TELEMETRY": "true", "UV_SYSTEM_CERTS": "true"}


@contextmanager
def served(store: Store, folder: Path) -> Iterator[str]:
    """``mlflow models serve`` of the champion, from ``folder``; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).parent / "mlflow"), "models", "serve", "--model-uri", "models:/adverdict@champion"]
    command += ["--env-manager", "uv", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment(store, folder), stdout=log, stderr=log, start_new_session=True)
    try:
        until = time.monotonic() + MAKING
        while not _answers(f"http://127.0.0.1:{port}/ping"):
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < until, (folder / "log").read_text()
            time.sleep(1)
        yield f"http://127.0.0.1:{port}/invocations"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except (URLError, OSError):
        return False


def ask(url: str, body: dict[str, Any]) -> Any:
    request = Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urlopen(request, timeout=120) as response:
        return json.load(response)["predictions"]


def register(store: Store, folder: Path) -> Bundle:
    """The bundle, after it was made the champion."""
    bundle = load_bundle(folder)
    with TrainingRun(store, {}) as run:
        promote(run.register(run.log_bundle(folder, bundle.policies), {}).version)
    return bundle


def risks_of(bundle: Bundle, ads: list[Ad]) -> pd.DataFrame:
    """As the bundle itself says, in the columns of the registered model."""
    risk = bundle.score(ads).risk
    columns: dict[str, Any] = {"ad_id": [ad.ad_id for ad in ads]}
    for i, policy in enumerate(bundle.policies):
        columns |= {f"p_{policy}": risk[:, i, 0], f"p_low_{policy}": risk[:, i, 1], f"p_high_{policy}": risk[:, i, 2]}
    return pd.DataFrame(columns)


def test_a_registered_model_is_served_in_an_environment_of_its_own_from_another_folder(
    store: Store, tiny_bundle: Path, tmp_path: Path, package_index: None
) -> None:
    bundle = register(store, tiny_bundle)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with served(store, elsewhere) as url:
        said = ask(url, {"inputs": [EXAMPLE]})
    (python,) = (elsewhere / "environments").glob("*/bin/python")
    where = subprocess.run([python, "-I", "-c", "import adverdict; print(adverdict.__file__)"], capture_output=True, text=True, check=True)
    assert Path(where.stdout.strip()).is_relative_to(elsewhere), "it runs the software that travelled with it"
    pd.testing.assert_frame_equal(pd.DataFrame(said), risks_of(bundle, [Ad(**EXAMPLE)]), rtol=0, atol=1e-9)


IN_SPARK = """
import json, sys
import mlflow.pyfunc
from pyspark.sql import SparkSession, functions as F
[pack] = sys.argv[1:]
settings = {"spark.ui.enabled": "false", "spark.sql.session.timeZone": "UTC", "spark.driver.memory": "1g"}
spark = SparkSession.builder.master("local[1]").config(map=settings).getOrCreate()
ads = spark.read.parquet(f"{pack}/ads.parquet").limit(50)
for name in ("submitted_at", "advertiser_created_at"):
    ads = ads.withColumn(name, F.date_format(name, "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'"))
risks = mlflow.pyfunc.spark_udf(spark, "models:/adverdict@champion", env_manager="local")
rows = ads.select(risks(F.struct(*ads.columns)).alias("risk")).select("risk.*").collect()
print(json.dumps([row.asDict() for row in rows]))
"""


def test_spark_scores_a_registered_model_as_the_bundle_does(store: Store, tiny_bundle: Path, marketplace: Path, tmp_path: Path) -> None:
    if find_spec("pyspark") is None:
        pytest.skip("PySpark is not installed: pip install 'adverdict[spark]'")
    if shutil.which("java") is None:
        pytest.skip("PySpark needs Java 17 or newer, and there is none")
    bundle = register(store, tiny_bundle)
    here = {**os.environ, "PYSPARK_PYTHON": sys.executable, "MLFLOW_TRACKING_URI": store.uri}
    command = [sys.executable, "-c", IN_SPARK, str(marketplace)]
    done = subprocess.run(command, env=here, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    scored = pd.DataFrame(json.loads(done.stdout.splitlines()[-1]))
    expected = risks_of(bundle, read_ads(marketplace)[:50])
    pd.testing.assert_frame_equal(scored.set_index("ad_id").sort_index(), expected.set_index("ad_id").sort_index(), rtol=0, atol=1e-9)
