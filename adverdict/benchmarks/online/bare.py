"""What the model alone takes for one ad, in a process with one thread: no HTTP, no ledger, no decision.

``python -m adverdict.benchmarks.online.bare BUNDLE ADS RULES [CERTIFICATES]`` reads lines of places of ads, and answers each
with the seconds an ad.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from adverdict.benchmarks.shared.processes import environment
from adverdict.domain.errors import Unavailable

if TYPE_CHECKING:
    from adverdict.domain.ad import Ad
    from adverdict.scoring.scorer import Scorer

Bare = Callable[[Sequence[int]], list[float]]
"""Places of ads -> seconds each."""
WARM = 20


@contextmanager
def bare(bundle: Path, ads: Path, rules: Path, certificates: Path | None, home: Path) -> Iterator[Bare]:
    """The process, ready and warm until the block ends. Raises Unavailable when it ends before."""
    given = [bundle, ads, rules, *([certificates] if certificates else [])]
    command = [sys.executable, "-m", "adverdict.benchmarks.online.bare", *map(str, given)]
    with (home / "bare.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment(home), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)

    def asked(places: Sequence[int]) -> list[float]:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(list(places)).encode() + b"\n")
            process.stdin.flush()
            return [float(one) for one in json.loads(process.stdout.readline())]
        except (OSError, ValueError) as error:
            words = (home / "bare.log").read_text(errors="replace")[-500:]
            raise Unavailable(f"the model alone could not be timed; its last words: {words}") from error

    try:
        yield asked
    finally:
        process.kill()
        process.communicate()


def main(bundle: Path, pack: Path, rules: Path, certificates: Path | None = None) -> None:
    from adverdict.scoring.scorer import Scorer
    from adverdict.storage.tables.pack import read_ads

    scorer, ads = Scorer.load(bundle, rules, certificates), read_ads(pack)
    score = alone(scorer)
    for ad in ads[:WARM]:
        score(ad)()
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        seconds = [_timed(score(ads[place])) for place in json.loads(line)]
        sys.stdout.write(json.dumps(seconds) + "\n")
        sys.stdout.flush()


def alone(scorer: Scorer) -> Callable[[Ad], Callable[[], object]]:
    """How the models score one ad, as deep as the scorer's exit rule sends it; what decides where verdicts change is looked up before."""
    from adverdict.certification.exits.cuts import CutTable, Exits
    from adverdict.scoring.model import CascadeModel

    model, rule = scorer.model, scorer.exits
    if model is None:
        raise Unavailable("no model is loaded")
    if rule is None or not isinstance(model, CascadeModel):
        return lambda ad: lambda: model.score([ad])
    cascade, table, limit = model, CutTable(scorer.book, scorer.solved, model.policies), rule.limit

    def until(ad: Ad) -> Callable[[], object]:
        exits = Exits(table([ad]), limit)
        return lambda: cascade.score_until([ad], None, exits)

    return until


def _timed(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
