"""A run about to be spoilt: ads in several files, how they would be rescored, and how it went."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adverdict.benchmarks.shared.processes import Asked, Ran, decided, environment, lost_and_twice, run
from adverdict.benchmarks.shared.world import World, moment_after, pieces

Figures = dict[str, Any]

ADS, QUICK_ADS, FILES, SHARD = 2000, 600, 4, 50
SECONDS = 300.0


@dataclass(frozen=True)
class Case:
    """Ads in several files, which a fault may spoil, and how they would be rescored."""

    folder: Path
    ads: Path
    asked: Asked

    def run(self, asked: Asked | None = None, **more: str) -> Ran:
        return run((asked or self.asked).command(), environment(self.folder / "home", **more), self.folder / "rescore.log", SECONDS)


def case(world: World, name: str) -> Case:
    count = QUICK_ADS if world.quick else ADS
    bundle, ads, folder = world.bundle(encoder=False), world.ads(count), world.folder / "faults" / name
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "home").mkdir(parents=True)
    split = pieces(ads, folder / "ads", FILES)
    asked = Asked(split, folder / "out", bundle, world.rules(bundle, ads), moment_after(ads), "local", 2, rows_per_shard=SHARD)
    return Case(folder, split, asked)


def told(ran: Ran, out: Path, good: list[str]) -> Figures:
    table = decided(out) if out.exists() else None
    lost, twice = lost_and_twice(table, good) if table is not None else (len(good), 0)
    return {"exit_code": ran.code, "said": ran.line, "seconds": ran.seconds, "rows_lost": lost, "rows_twice": twice}
