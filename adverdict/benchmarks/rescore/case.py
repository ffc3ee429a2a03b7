"""A run about to be spoilt: ads in several files, how they would be rescored, and how it went."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adverdict.benchmarks.shared.processes import CommandResult, RescoreCommand, decided, environment, lost_and_twice, run
from adverdict.benchmarks.shared.testbed import SimulatedTestBed, moment_after, pieces

Figures = dict[str, Any]

ADS, QUICK_ADS, FILES, SHARD = 2000, 600, 4, 50
SECONDS = 300.0


@dataclass(frozen=True)
class FaultCase:
    """Ads in several files, which a fault may spoil, and how they would be rescored."""

    folder: Path
    ads: Path
    asked: RescoreCommand

    def run(self, asked: RescoreCommand | None = None, **more: str) -> CommandResult:
        return run((asked or self.asked).command(), environment(self.folder / "home", **more), self.folder / "rescore.log", SECONDS)


def case(testbed: SimulatedTestBed, name: str) -> FaultCase:
    count = QUICK_ADS if testbed.quick else ADS
    bundle, ads, folder = testbed.bundle(encoder=False), testbed.ads(count), testbed.folder / "faults" / name
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "home").mkdir(parents=True)
    split = pieces(ads, folder / "ads", FILES)
    asked = RescoreCommand(split, folder / "out", bundle, testbed.rules(bundle, ads), moment_after(ads), "local", 2, rows_per_shard=SHARD)
    return FaultCase(folder, split, asked)


def told(ran: CommandResult, out: Path, good: list[str]) -> Figures:
    table = decided(out) if out.exists() else None
    lost, twice = lost_and_twice(table, good) if table is not None else (len(good), 0)
    return {"exit_code": ran.code, "said": ran.line, "seconds": ran.seconds, "rows_lost": lost, "rows_twice": twice}
