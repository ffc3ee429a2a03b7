"""Small faults made on purpose in the code that decides, calibrates, counts and keeps the record: a test must notice each of them.

    .venv/bin/python tests/mutants.py                                  all of them, two at a time
    .venv/bin/python tests/mutants.py --only chain --limit 3
    .venv/bin/python tests/mutants.py --whole                          with every example drawn, and the slow tests
    .venv/bin/python tests/mutants.py --tree ../before --map adverdict/=    another checkout, whose files stand elsewhere

Each is a file, a text that must be there exactly once, and the text to put in its place: one that does not apply is an error, not a
success. It is tried in a copy of the tree by the tests of its own package, which stop at their first failure; before, they must pass
without it. Ends with 1 unless every one was killed.
"""

from __future__ import annotations

import argparse
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 900
"""A mutant that keeps its tests busy for longer has been noticed: they end in time without it."""
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "var", "build", "dist", "*.egg-info", "fixtures")
ALONE = """# An editable installation of another tree must not be found before this one.
import sys

sys.meta_path[:] = [one for one in sys.meta_path if getattr(one, "__name__", "") != "_EditableFinder"]
"""


@dataclass(frozen=True)
class Mutant:
    kind: str
    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Outcome:
    mutant: Mutant
    what: str
    """killed, survived, or error."""
    by: str
    """The test that noticed, or what went wrong."""
    seconds: float


TESTS = {
    "decide": ["tests/decisions"],
    "chain": ["tests/ledger/test_chain.py", "tests/ledger/test_verify.py", "tests/ledger/test_store.py"],
    "calibration": ["tests/models/test_calibration.py", "tests/training/test_recalibration.py"],
    "history": ["tests/features/history"],
    "thresholds": ["tests/decisions/test_thresholds.py", "tests/certification"],
}
"""Who is asked."""


def decide(old: str, new: str, file: str = "adverdict/decisions/decide.py") -> Mutant:
    return Mutant("decide", file, old, new)


def chain(old: str, new: str, file: str = "adverdict/ledger/verify.py") -> Mutant:
    return Mutant("chain", file, old, new)


def calibration(old: str, new: str, file: str = "models/calibration.py") -> Mutant:
    return Mutant("calibration", file, old, new)


def history(old: str, new: str, file: str = "features/history/state.py") -> Mutant:
    return Mutant("history", file, old, new)


def thresholds(old: str, new: str, file: str = "adverdict/certification/thresholds/sequence.py") -> Mutant:
    return Mutant("thresholds", file, old, new)


POLICY, CHAIN, COUNTS = "adverdict/decisions/policy.py", "adverdict/ledger/chain.py", "features/history/counts.py"
SOLVED, BOUNDS, ISSUE = (
    "adverdict/decisions/thresholds.py",
    "adverdict/certification/statistics/bounds.py",
    "adverdict/certification/thresholds/issue.py",
)

MUTANTS = [
    decide("1 - (risk < approve_below)", "1 - (risk <= approve_below)", SOLVED),
    decide("(risk >= reject_at)", "(risk > reject_at)", SOLVED),
    decide("verdict = most_severe(ruling", "verdict = min(ruling"),
    decide("return 0 <= risk.p <= 1 and risk.policy == name", "return risk.policy == name"),
    decide("return 0 <= risk.p <= 1 and risk.policy == name", "return 0 <= risk.p <= 1"),
    decide("if not policy.may_reject(held):", "if held is True:"),
    decide("if policy.stance is Stance.ALLOWED:", "if policy.stance is Stance.RESTRICTED:"),
    decide("        if stopped:\n", "        if stopped and risk is None:\n"),
    decide("if not degradation.cause.still_decides]", "if degradation.cause.still_decides]"),
    decide("uncertified=any(not thresholds", "uncertified=all(not thresholds"),
    decide("policy.thresholds or solved.find(policy.name", "solved.find(policy.name"),
    decide(
        "return self.expires_at is not None and self.expires_at <= moment",
        "return self.expires_at is not None and self.expires_at < moment",
        POLICY,
    ),
    chain("hashlib.sha256(before + told + digest)", "hashlib.sha256(told + digest)", CHAIN),
    chain("return hashlib.sha256(salt + plain).digest()", "return hashlib.sha256(plain).digest()", CHAIN),
    chain('{entry_id}:{at}:".encode()', '{entry_id}:".encode()', CHAIN),
    chain("{len(kind)}:{kind}:{len(entry_id.encode())}:{entry_id}", "{kind}{entry_id}", CHAIN),
    chain("if following and hashed != _link(", "if not following and hashed != _link("),
    chain("same = hashlib.sha256(salt + plain).digest() == digest", "same = True"),
    chain("elif repeated != columns:", "elif repeated[:1] != columns[:1]:"),
    chain("self._anchor[0] == self._seq and self._anchor[1] != self._hash", "self._anchor[0] == self._seq and not self._hash"),
    chain("if self._anchor and self._anchor[0] > self._seq:", "if self._anchor and self._anchor[0] < 0:"),
    chain("                    if last >= seq:\n", "                    if last > seq:\n"),
    chain("elif head != [(1, self._seq, self._hash)]:", "elif not head:"),
    chain("if not stream.eof or stream.unused_data:", "if not stream.eof:"),
    calibration("FLOOR = 1e-6", "FLOOR = 0.0"),
    calibration("centre - np.hypot(centre - low, spread)", "centre - (centre - low)"),
    calibration("centre + np.hypot(high - centre, spread)", "centre + np.hypot(high - centre, 0 * spread)"),
    calibration("        around += shift[..., None]\n", "        around -= shift[..., None]\n"),
    calibration("np.any(np.diff(score) <= 0)", "np.any(np.diff(score) < 0)"),
    calibration("if np.any(np.diff(centre) < 0) or", "if"),
    calibration("self._row.get(market, len(self._row))", "self._row.get(market, 0)"),
    calibration("MarketShift(0.0, policy.between_markets)", "MarketShift(0.0, 0.0)"),
    calibration("np.maximum(scores - self._last, 0) * self._right", "0 * self._right"),
    calibration("np.minimum(scores - self._first, 0) * self._left", "np.minimum(scores - self._first, 0) * self._right"),
    calibration("knot += self._begin - 1", "knot += self._begin[:1] - 1"),
    calibration("np.log(kept) - np.log1p(-kept)", "np.log(kept)"),
    history("ever = bisect_left(ads, at)", "ever = bisect_left(ads, at + 1)"),
    history("ever - bisect_left(ads, at - window, 0, ever)", "ever - bisect_left(ads, at - window + 1, 0, ever)"),
    history("            ads[0] if ever else NEVER,", "            ads[0] if ads else NEVER,"),
    history("            ads[ever - 1] if ever else NEVER,", "            ads[-1] if ever else NEVER,"),
    history("{policy: bisect_left(times, at) for", "{policy: len(times) for"),
    history("    if not times or at >= times[-1]:\n", "    if True:\n"),
    history("        if violates:\n            _remove(", "        if not violates:\n            _remove("),
    history('        self.timelines["advertiser"].pop(advertiser, None)\n', ""),
    history("if seen.discard(advertiser)}", "if seen}"),
    history("happened = moment != NEVER", "happened = moment > 0", COUNTS),
    history("return (violations + k) / (labels + n)", "return (violations + k) / (labels + k)", COUNTS),
    history("_OWN.start + 1] = np.minimum(violations[1:], 1)", "_OWN.start + 1] = violations[1:]", COUNTS),
    thresholds("if counts.p_value(index, limit) > level:", "if counts.p_value(index, limit) > 2 * level:"),
    thresholds("            stopped = here\n            break\n", "            stopped = here\n            continue\n"),
    thresholds("first, last = first or here, here", "first, last = first or here, first or here"),
    thresholds("FORGIVEN = 1", "FORGIVEN = 0"),
    thresholds("return alikeness(self.violating, self.group, self.elsewhere) if", "return 0.0 if"),
    thresholds("if ads == 0 or errors >= ads or limit <= 0:", "if ads == 0 or limit <= 0:", BOUNDS),
    thresholds(
        "(float(self.size**2 @ self.count) / ads - 1.0) * self.alike", "(float(self.size @ self.count) / ads - 1.0) * self.alike", BOUNDS
    ),
    thresholds("errors * share + 1.0, 1.0 - limit", "errors * share, 1.0 - limit", BOUNDS),
    thresholds("Status.CERTIFIED if all(shown)", "Status.CERTIFIED if any(shown)", ISSUE),
    thresholds("own if own is not None else self.points.get(SolvedFor(policy, POOLED, targets))", "own", SOLVED),
    thresholds("        if len(points) != len(entries):\n", "        if len(points) > len(entries):\n", SOLVED),
    thresholds('"thresholds": _stored(thresholds)}', '"thresholds": _stored(thresholds) | {"expires_at": None}}', SOLVED),
]


@contextmanager
def copies(tree: Path, number: int) -> Iterator[queue.Queue[Path]]:
    """Copies of a tree, to be taken and put back."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        free: queue.Queue[Path] = queue.Queue()
        for copy in (Path(folder) / str(name) for name in range(number)):
            shutil.copytree(tree, copy, symlinks=True, ignore=LEFT_OUT)
            (copy / "sitecustomize.py").write_text(ALONE, encoding="utf-8")
            free.put(copy)
        yield free


def tried(mutant: Mutant, free: queue.Queue[Path], options: Sequence[str], places: Sequence[tuple[str, str]]) -> Outcome:
    """The mutant in a copy of its own, which is as it was afterwards."""
    copy = free.get()
    try:
        file = copy / placed(mutant.file, places)
        before = file.read_text(encoding="utf-8") if file.is_file() else ""
        if (times := before.count(mutant.old)) != 1:
            return Outcome(mutant, "error", f"is there {times} times, 1 is needed", 0.0)
        file.write_text(before.replace(mutant.old, mutant.new), encoding="utf-8")
        try:
            return judged(mutant, *asked(mutant.kind, copy, options, places))
        finally:
            file.write_text(before, encoding="utf-8")
    finally:
        free.put(copy)


def asked(kind: str, copy: Path, options: Sequence[str], places: Sequence[tuple[str, str]]) -> tuple[int | None, str, float]:
    """What the kind's tests end with, None when they do not; what they print; and seconds."""
    tests = [placed(test, places) for test in TESTS[kind]]
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-rfE", "--tb=no", "-p", "no:cacheprovider", *options, *tests]
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    begin = time.monotonic()
    try:
        ended = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return None, "", time.monotonic() - begin
    return ended.returncode, ended.stdout + ended.stderr, time.monotonic() - begin


def judged(mutant: Mutant, code: int | None, printed: str, seconds: float) -> Outcome:
    if code is None:
        return Outcome(mutant, "killed", f"not done after {SECONDS} s", seconds)
    if code == 0:
        return Outcome(mutant, "survived", "", seconds)
    named = re.findall(r"^(?:FAILED|ERROR) (.+?)(?: - |$)", printed, re.M)
    return Outcome(mutant, "killed", named[0], seconds) if code in (1, 2) and named else Outcome(mutant, "error", printed[-500:], seconds)


def placed(path: str, places: Sequence[tuple[str, str]]) -> str:
    """Where a path of this tree stands in the other one: the first beginning that fits is exchanged."""
    return next((new + path.removeprefix(old) for old, new in places if path.startswith(old)), path)


def show(number: int, one: Outcome) -> None:
    lines = (one.mutant.old.strip(), one.mutant.new.strip())
    print(f"{number:2} {one.what:8} {one.seconds:4.0f} s  {one.mutant.file}  {lines[0]!r} -> {lines[1]!r}\n      {one.by}", flush=True)  # noqa: T201


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tree", type=Path, default=ROOT, help="another checkout")
    parser.add_argument("--map", action="append", default=[], metavar="HERE=THERE", help="beginning of a path here, and what it is there")
    parser.add_argument("--only", choices=TESTS, help="one kind")
    parser.add_argument("--limit", type=int, help="so many of each kind")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--whole", action="store_true", help="with every example drawn, and the slow tests")
    return parser.parse_args()


def chosen(only: str | None, limit: int | None) -> list[Mutant]:
    kinds = [only] if only else list(TESTS)
    return [mutant for kind in kinds for mutant in [one for one in MUTANTS if one.kind == kind][:limit]]


def main() -> int:
    told = arguments()
    places = [(old, new) for old, _, new in (place.partition("=") for place in told.map)]
    options = ["-m", "slow or not slow", "--hypothesis-profile=whole"] if told.whole else []
    mutants = chosen(told.only, told.limit)
    counted: Counter[str] = Counter()
    with copies(told.tree.resolve(), told.jobs) as free, ThreadPoolExecutor(told.jobs) as pool:
        first = free.get()
        for kind in dict.fromkeys(mutant.kind for mutant in mutants):
            code, printed, seconds = asked(kind, first, options, places)
            print(f"{kind}: without a mutant, {seconds:.0f} s", flush=True)  # noqa: T201
            if code != 0:
                sys.exit(f"these tests fail without any mutant:\n{printed[-2000:]}")
        free.put(first)
        for number, one in enumerate(pool.map(lambda mutant: tried(mutant, free, options, places), mutants), 1):
            show(number, one)
            counted[one.what] += 1
    print(", ".join(f"{counted[what]} {what}" for what in ("killed", "survived", "error")))  # noqa: T201
    return 0 if counted["killed"] == len(mutants) else 1


if __name__ == "__main__":
    sys.exit(main())
