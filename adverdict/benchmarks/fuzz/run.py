"""Everything ``adverdict benchmark fuzz`` measures."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from adverdict.benchmarks.fuzz import inside, wire
from adverdict.benchmarks.online.servers import service
from adverdict.benchmarks.shared.machine import machine
from adverdict.benchmarks.shared.testbed import SimulatedTestBed, apart
from adverdict.domain.progress import Progress

ADS = 500
WARM = 0.2
"""Share of the requests after which memory is taken to have settled: code, caches and tables are there by then."""


def run(requests: int, over_sockets: int, seconds: float, seed: int, progress: Progress) -> dict[str, Any]:
    """All figures, ready for JSON. ``seconds``: after which the part without sockets stops."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        folder = Path(name)
        testbed = SimulatedTestBed(folder, quick=True)
        progress.stage("training a small bundle", 1)
        bundle = testbed.bundle(False)
        rules, ads = testbed.rules(bundle, testbed.ads(ADS)), _ads(testbed.ads(ADS))
        progress.stage(f"{requests:,} requests in one process", 1)
        found = apart(inside.hammer, inside.Plan(requests, seed, ads, _environment(folder, bundle, rules), seconds))
        progress.stage(f"{over_sockets:,} requests over sockets", 1)
        with service(bundle, rules, folder / "none.json", testbed.home("fuzz")) as server:
            wire.hammer(server.port, max(1, over_sockets // 10), seed + 1, ads)
            before = server.memory_mib()
            told = wire.hammer(server.port, over_sockets, seed, ads)
            told["memory_mib"] = {"before": before, "after": server.memory_mib()}
            told["alive"] = not server.running.ended
    return {"inside": {**found, "growth_mib": growth(found["memory_mib"])}, "over_sockets": told, "seed": seed, "machine": machine()}


def growth(memory: list[tuple[int, float]]) -> float | None:
    """MiB that memory grew by from when it had settled to the end; None: too short to tell."""
    settled = [mib for asked, mib in memory if memory and asked >= WARM * memory[-1][0]]
    return round(settled[-1] - settled[0], 1) if len(settled) > 1 else None


def _environment(folder: Path, bundle: Path, rules: Path) -> dict[str, str]:
    home = folder / "home"
    home.mkdir()
    return {
        "ADVERDICT_HOME": str(home),
        "ADVERDICT_MODEL": str(bundle),
        "ADVERDICT_POLICIES": str(rules),
        "ADVERDICT_MAX_WAIT_MS": "60000",
        "MLFLOW_TRACKING_URI": f"sqlite:///{home / 'mlflow.db'}",
        "BENTOML_HOME": str(home / "bentoml"),
        "BENTOML_DO_NOT_TRACK": "true",
    }


def _ads(pack: Path) -> list[dict[str, Any]]:
    from adverdict.storage.tables.pack import read_ads

    return [ad.model_dump(mode="json", exclude_none=True) for ad in read_ads(pack)[:ADS]]
