"""A small rescoring with a fake model: ads on disk, policies, options; and workers that misbehave. All of it can be sent to a process."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adverdict.domain.ad import Ad
from adverdict.domain.settings import Settings, read_settings
from adverdict.rescoring.deciding.job import RescoringJob
from adverdict.rescoring.deciding.probe import look
from adverdict.rescoring.deciding.progress import SilentProgress
from adverdict.rescoring.deciding.run import Options, rescore
from adverdict.rescoring.deciding.start import make_worker as real_worker
from adverdict.rescoring.folder.manifest import RunFolder, ShardReport
from adverdict.rescoring.input.plan import Shard
from adverdict.storage.tables.pack import write_ads
from tests.scoring.fakes import open_fake

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
AS_OF = datetime(2026, 4, 1, tzinfo=UTC)
MARKETS = ("SE", "GB")
POLICIES = """
policies:
  deceptive: &rules
    title: Deceptive
    severity: serious
    stance: prohibited
    targets: {max_leakage: 0.02, max_wrongful_reject: 0.10, confidence: 0.95}
    thresholds: {approve_below: 0.1, reject_at: 0.9}
    when_degraded: review
    reason: The ad is deceptive.
  gambling:
    title: Gambling
    severity: serious
    stance: prohibited
    targets: {max_leakage: 0.02, max_wrongful_reject: 0.10, confidence: 0.95}
    thresholds: {approve_below: 0.1, reject_at: 0.9}
    when_degraded: review
    reason: The ad is gambling.
"""


def an_ad(number: int, **changes: Any) -> Ad:
    """Every seventh is a scam; markets take turns."""
    usual: dict[str, Any] = {
        "ad_id": f"ad-{number}",
        "advertiser_id": f"adv-{number % 5}",
        "market": MARKETS[number % 2],
        "submitted_at": START + timedelta(minutes=number),
        "surface": "feed",
        "title": "A scam" if number % 7 == 0 else f"Offer {number}",
        "impressions": float(number),
    }
    return Ad(**{**usual, **changes})


@dataclass(frozen=True)
class Bench:
    """A folder with everything that a rescoring needs: 2 files of ads in shards of 20 rows, a fake bundle, policies, no history."""

    home: Path

    @classmethod
    def make(cls, home: Path, ads: Sequence[Ad] | None = None, files: int = 2) -> Bench:
        listed = list(ads if ads is not None else map(an_ad, range(1, 101)))
        (home / "ads").mkdir(parents=True)
        size = -(-len(listed) // files)
        for file in range(files):
            write_ads(home / "ads" / f"{file}.parquet", listed[file * size : (file + 1) * size])
        (home / "bundle").mkdir()
        (home / "bundle" / "bundle.json").write_text(json.dumps({"version": "v1"}))
        (home / "policies").mkdir()
        (home / "policies" / "default.yaml").write_text(POLICIES.replace(" &rules", ""))
        for market in MARKETS:
            (home / "policies" / f"{market}.yaml").write_text("extends: default\n")
        return cls(home)

    def settings(self, **changes: Any) -> Settings:
        """Of the environment, with the bundle and policies of this folder unless told otherwise."""
        return read_settings(os.environ, {"model": str(self.home / "bundle"), "policies": self.home / "policies", **changes})

    def options(self, out: str = "out", **changes: Any) -> Options:
        usual = Options(
            ads=str(self.home / "ads"),
            out=str(self.home / out),
            settings=self.settings(),
            as_of=AS_OF,
            workers=1,
            rows_per_shard=20,
        )
        return replace(usual, **changes)


def rows_of(out: str | Path) -> list[dict[str, Any]]:
    """Every published decision with all its columns, in the order of the shards."""
    return [row for table in RunFolder.open(str(out)).decisions(None) for row in table.to_pylist()]


def files_of(out: str | Path) -> dict[str, bytes]:
    """Every published Parquet file."""
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(Path(out).rglob("*.parquet"))}


@dataclass
class Poisoned:
    """A worker that one shard kills."""

    decide: Callable[[Shard], ShardReport]
    poison: str

    def __call__(self, shard: Shard) -> ShardReport:
        if shard.name == self.poison:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.decide(shard)


def poisoned(job: RescoringJob) -> Poisoned:
    return Poisoned(real_worker(job), "part-00000-00001")


def slow(job: RescoringJob) -> Callable[[Shard], ShardReport]:
    """Takes its time, so that there is a moment in which to kill it."""
    decide = real_worker(job)

    def later(shard: Shard) -> ShardReport:
        time.sleep(0.25)
        return decide(shard)

    return later


def dies_while_loading(job: RescoringJob) -> Callable[[Shard], ShardReport]:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def a_bug(job: RescoringJob) -> Callable[[Shard], ShardReport]:
    raise ZeroDivisionError("while loading")


def in_process(patch: pytest.MonkeyPatch) -> None:
    """The local engine and the look at the model without processes of their own, which take most of a small run's time."""

    def engine(job: RescoringJob, shards: Sequence[Shard], workers: int, on_done: Callable[[ShardReport], None], **others: Any) -> None:
        decide = others.get("make", real_worker)(job)
        for shard in shards:
            on_done(decide(shard))

    patch.setattr("adverdict.rescoring.deciding.local.run", engine)
    patch.setattr("adverdict.rescoring.deciding.run.probe", look)


def main(home: str, how: str) -> None:
    """A whole run in a process of its own, to be killed, or to have Ray in it; ``how``: the moment it begins, or ray."""
    bench = Bench(Path(home))
    if how != "ray":
        moment = datetime.fromisoformat(how)
        rescore(bench.options(workers=2), SilentProgress(), open_model=open_fake, make=slow, now=lambda: moment)
        return
    summary = rescore(bench.options(workers=2, engine="ray"), SilentProgress(), open_model=open_fake, make=poisoned)
    quarantined = [(one.shard, one.reason) for one in summary.quarantined_shards]
    sys.stdout.write(json.dumps({"started_at": summary.started_at.isoformat(), "quarantined": quarantined}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
