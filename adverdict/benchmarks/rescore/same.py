"""One ad, one answer: the same ads as of the same moment over HTTP, by ``adverdict score``, and rescored by each engine."""

from __future__ import annotations

import importlib.util
import json
import shutil
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adverdict.benchmarks.ledger.cost import served
from adverdict.benchmarks.shared.processes import CommandResult, RescoreCommand, adverdict, decided, environment, run
from adverdict.benchmarks.shared.testbed import SimulatedTestBed, moment_after, pieces
from adverdict.domain.errors import Unavailable

Figures = dict[str, Any]
Answer = tuple[str, dict[str, tuple[Any, ...]]]
"""The verdict, and for each policy: verdict, p, p_low, p_high, approve_below, reject_at, certificate_id."""

ADS, QUICK_ADS = 3000, 200
FILES, BATCH = 3, 128
RISKS = slice(1, 4)
SECONDS = 3600.0


@dataclass(frozen=True)
class EquivalenceCase:
    """Ads, split into several files; ``moved`` are the same ads submitted at ``moment``."""

    split: Path
    moved: Path
    moment: str
    bundle: Path
    rules: Path
    home: Path


def steps(data: Sequence[Path]) -> int:
    return 5 * (1 + len(data))


def same(testbed: SimulatedTestBed, data: Sequence[Path], write: Callable[[Figures], None], advance: Callable[[], None]) -> Figures:
    """Mismatches and the largest difference of a risk, of each way to the same decisions against one worker; for simulated ads and for
    each pack in ``data``. No ledger anywhere: all know what the bundle knows."""
    found: Figures = {"ads": {}, "mismatches": 0, "largest_difference": 0.0}
    count = QUICK_ADS if testbed.quick else ADS
    for source in (testbed.ads(count), *data):
        case = _case(testbed, source, count)
        reference, ways = by_rescoring(case, "local", 1), {}
        advance()
        for name, way in _ways(case).items():
            ways[name] = against(reference, way())
            found["ads"][source.name] = {"ads": len(reference), "moment": case.moment, **ways}
            found["mismatches"] += ways[name]["mismatches"]
            found["largest_difference"] = max(found["largest_difference"], ways[name]["largest_difference"])
            advance()
            write(found)
    return found


def _ways(case: EquivalenceCase) -> dict[str, Callable[[], dict[str, Answer]]]:
    ways: dict[str, Callable[[], dict[str, Answer]]] = {
        "rescore, local, 2 workers": lambda: by_rescoring(case, "local", 2),
        "adverdict score": lambda: by_scoring(case),
        "POST /v1/score/batch": lambda: over_http(case),
    }
    if importlib.util.find_spec("ray"):
        ways["rescore, ray, 2 workers"] = lambda: by_rescoring(case, "ray", 2)
    return ways


def against(reference: Mapping[str, Answer], other: Mapping[str, Answer]) -> Figures:
    """Exact: an ad with any other verdict, risk, threshold or certificate is one mismatch, and so is one that only one of them has."""
    both = reference.keys() & other.keys()
    differing = sorted(ad for ad in both if reference[ad] != other[ad])
    return {
        "compared": len(both),
        "mismatches": len(differing) + len(reference.keys() ^ other.keys()),
        "verdicts_differ": sum(reference[ad][0] != other[ad][0] for ad in both),
        "risks_differ": sum(_risks(reference[ad]) != _risks(other[ad]) for ad in both),
        "largest_difference": max((_apart(reference[ad], other[ad]) for ad in both), default=0.0),
        "for_example": differing[:5],
    }


def by_rescoring(case: EquivalenceCase, engine: str, workers: int) -> dict[str, Answer]:
    out = case.home / f"out-{engine}-{workers}"
    shutil.rmtree(out, ignore_errors=True)
    asked = RescoreCommand(case.split, out, case.bundle, case.rules, case.moment, engine, workers, rows_per_shard=97)
    _well(run(asked.command(), environment(case.home), case.home / "rescore.log", SECONDS))
    rows = decided(out).select(["ad_id", "verdict", "policies"]).to_pylist()
    return {row["ad_id"]: (row["verdict"], {one["policy"]: _columns(one) for one in row["policies"]}) for row in rows}


def by_scoring(case: EquivalenceCase) -> dict[str, Answer]:
    scored = case.home / "scored.jsonl"
    command = adverdict("score", "--ads", str(case.moved), "--out", str(scored), "--model", str(case.bundle), "--policies", str(case.rules))
    _well(run(command, environment(case.home), case.home / "score.log", SECONDS))
    return answers(json.loads(line) for line in scored.read_text(encoding="utf-8").splitlines())


def over_http(case: EquivalenceCase) -> dict[str, Answer]:
    """Raises Unavailable when an ad is refused."""
    from adverdict.storage.tables.pack import read_ads

    bodies = [ad.model_dump(mode="json", exclude_none=True) for ad in read_ads(case.moved)]
    results: list[Figures] = []
    home = case.home / "service"
    shutil.rmtree(home, ignore_errors=True)
    with served(home, case.bundle, case.rules, "none") as port:
        for start in range(0, len(bodies), BATCH):
            batch = json.dumps({"ads": bodies[start : start + BATCH]}).encode()
            url, headers = f"http://127.0.0.1:{port}/v1/score/batch", {"content-type": "application/json"}
            with urllib.request.urlopen(urllib.request.Request(url, batch, headers), timeout=300) as answer:
                results += json.load(answer)["results"]
    refused = [one for one in results if "verdict" not in one]
    if refused:
        raise Unavailable(f"{len(refused)} ads were refused over HTTP, the first one so: {refused[0]}")
    return answers(results)


def answers(decisions: Any) -> dict[str, Answer]:
    """Of decisions as JSON."""
    return {
        one["ad_id"]: (one["verdict"], {policy["policy"]: _columns({**policy, **(policy["risk"] or {})}) for policy in one["policies"]})
        for one in decisions
    }


def _columns(policy: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(policy.get(name) for name in ("verdict", "p", "p_low", "p_high", "approve_below", "reject_at", "certificate_id"))


def _risks(answer: Answer) -> dict[str, tuple[Any, ...]]:
    return {policy: columns[RISKS] for policy, columns in answer[1].items()}


def _apart(one: Answer, other: Answer) -> float:
    first, second = _risks(one), _risks(other)
    pairs = [(a, b) for policy in first.keys() & second.keys() for a, b in zip(first[policy], second[policy], strict=True)]
    return max((abs(a - b) for a, b in pairs if a is not None and b is not None), default=0.0)


def _case(testbed: SimulatedTestBed, source: Path, count: int) -> EquivalenceCase:
    home = testbed.home(f"same-{source.name}")
    bundle, moment = testbed.bundle(encoder=True), moment_after(source)
    for name in ("split", "moved"):
        shutil.rmtree(home / name, ignore_errors=True)
    split = pieces(source, home / "split", FILES, count)
    moved = pieces(source, home / "moved", 1, count, moment)
    return EquivalenceCase(split, moved, moment, bundle, testbed.rules(bundle, source), home)


def _well(ran: CommandResult) -> None:
    if ran.code:
        raise Unavailable(f"it ended with {ran.code}: {ran.said[-1500:]}")
