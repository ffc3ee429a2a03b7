"""``adverdict benchmark ledger``: does the ledger keep what it promises, and what does it cost, on SQLite and on PostgreSQL."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from adverdict.benchmarks.ledger import cost as ledger_cost
from adverdict.benchmarks.ledger import mutations
from adverdict.benchmarks.ledger.claims import claims
from adverdict.benchmarks.ledger.kills import kills
from adverdict.benchmarks.ledger.lively import live
from adverdict.benchmarks.ledger.size import ads_of_their_own, decide, size
from adverdict.benchmarks.shared.databases import fresh, postgres_server
from adverdict.benchmarks.shared.killable import write_policies
from adverdict.decisions.files.read import read_policies
from adverdict.decisions.policy import PolicyBook
from adverdict.domain.errors import NotFound
from adverdict.domain.progress import Progress
from adverdict.ledger.store import Ledger
from adverdict.ledger.verify import verify

PARTS = ("kills", "claims", "mutations", "size", "cost")
SQLITE, POSTGRES = "sqlite", "postgres"

Figures = dict[str, Any]
Fresh = Callable[[], AbstractContextManager[str]]
"""Gives the URL of a new database for as long as a block lasts."""
Bodies = Sequence[Mapping[str, Any]]
DISTINCT = 20_000
"""Ads at most whose room is measured; more decisions are of the same ads under other ids."""


@dataclass(frozen=True)
class LedgerBenchmark:
    """How much of each; ``parts`` of ``PARTS``. ``postgres``: URL of a server to use instead of one started here."""

    kills: int = 200
    claims: int = 100_000
    mutations: int | None = None
    """At most, drawn at random; None: all of them."""
    decisions: int = 100_000
    """Written and verified."""
    cost: ledger_cost.LedgerCostPlan = ledger_cost.FULL
    seed: int = 0
    postgres: str | None = None
    parts: Sequence[str] = PARTS


QUICK = LedgerBenchmark(kills=5, claims=300, mutations=300, decisions=3000, cost=ledger_cost.QUICK)


def quick(job: LedgerBenchmark) -> LedgerBenchmark:
    """The same parts in less than two minutes."""
    return replace(QUICK, seed=job.seed, postgres=job.postgres, parts=job.parts)


def run(job: LedgerBenchmark, progress: Progress) -> Figures:
    """Figures by database; ``missing`` says why a database was left out."""
    found: Figures = {"missing": {}, "databases": {}}
    with tempfile.TemporaryDirectory(prefix="adverdict-ledger-") as folder, ExitStack() as stack:
        databases: dict[str, Fresh] = {SQLITE: _sqlite(Path(folder))}
        try:
            server = stack.enter_context(postgres_server(job.postgres))
        except NotFound as error:
            found["missing"][POSTGRES] = str(error)
        else:
            databases[POSTGRES] = lambda: fresh(server)
        book = read_policies(write_policies(Path(folder) / "policies"))
        for name, new in databases.items():
            found["databases"][name] = {}
            for part in (part for part in _MEASURED if part in job.parts):
                found["databases"][name] |= _MEASURED[part](job, name, new, book, progress)
        if {"size", "cost"} & {*job.parts}:
            progress.stage("training a small model", 1)
            bundle, bodies = ledger_cost.train(Path(folder), job.cost.quick)
            rules = ledger_cost.policies_that_decide(Path(folder) / "rules", bundle, bodies)
            for measure in (measure for part, measure in _WITH_A_MODEL.items() if part in job.parts):
                for name, figures in measure(job, databases, Path(folder), bundle, rules, bodies, progress).items():
                    found["databases"][name] |= figures
    return found


def _kills(job: LedgerBenchmark, name: str, new: Fresh, book: PolicyBook, progress: Progress) -> Figures:
    progress.stage(f"{name}: killing the service", job.kills)
    found = kills(new, job.kills, job.seed, progress.advance)
    return {**{key: found[key] for key in ("kills", "lost", "duplicated", "chain_errors", "history_mismatches")}, "after_kills": found}


def _claims(job: LedgerBenchmark, name: str, new: Fresh, book: PolicyBook, progress: Progress) -> Figures:
    progress.stage(f"{name}: claiming", job.claims)
    with new() as url, _opened(url) as ledger:
        found = claims(ledger, book, job.claims, job.seed, progress.advance)
    return {**{key: found[key] for key in ("claims", "double_decided", "tasks_lost", "overdue")}, "after_claims": found}


def _mutations(job: LedgerBenchmark, name: str, new: Fresh, book: PolicyBook, progress: Progress) -> Figures:
    with new() as url, _opened(url) as ledger:
        live(ledger, book)
        progress.stage(f"{name}: tampering", job.mutations or mutations.number(ledger, job.seed))
        before = verify(ledger)
        tried = mutations.try_all(ledger, job.seed, job.mutations, progress.advance)
    return {
        "mutations": tried.tried,
        "mutations_found": tried.found,
        "mutations_missed": list(tried.missed),
        "mutations_refused": tried.refused,
        "mutated_rows": before.rows,
        "problems_before": before.found,
    }


_Measured = Callable[[LedgerBenchmark, str, Fresh, PolicyBook, Progress], Figures]
_MEASURED: dict[str, _Measured] = {"kills": _kills, "claims": _claims, "mutations": _mutations}


def _size(
    job: LedgerBenchmark, databases: dict[str, Fresh], folder: Path, bundle: Path, rules: Path, bodies: Bodies, progress: Progress
) -> Figures:
    progress.stage("deciding", 1)
    scorer, decided = decide(bundle, rules, ads_of_their_own(folder / "ads", min(job.decisions, DISTINCT), job.seed))
    found: Figures = {}
    for name, new in databases.items():
        progress.stage(f"{name}: writing and verifying", -(-job.decisions // 100))
        with new() as url, _opened(url) as ledger:
            found[name] = size(ledger, scorer, decided, job.decisions, progress.advance)
    return found


def _cost(
    job: LedgerBenchmark, databases: dict[str, Fresh], folder: Path, bundle: Path, rules: Path, bodies: Bodies, progress: Progress
) -> Figures:
    found: Figures = {name: {} for name in databases}
    progress.stage("asking with and without", job.cost.rounds * len(job.cost.clients) * (1 + len(databases)))
    with ExitStack() as stack:
        urls = {name: stack.enter_context(new()) for name, new in databases.items()}
        asked = ledger_cost.cost(urls, folder, bundle, rules, bodies, job.cost, progress.advance)
    most = str(max(job.cost.clients))
    for name in databases:
        found[name] |= {
            "requests_per_s_with": asked[name][most]["requests_per_s"],
            "requests_per_s_without": asked[ledger_cost.WITHOUT][most]["requests_per_s"],
            "of_without": asked[name][most]["of_without"],
            "with_ledger": asked[name],
            "without_ledger": asked[ledger_cost.WITHOUT],
        }
    return found


_WITH_A_MODEL = {"size": _size, "cost": _cost}


@contextmanager
def _opened(url: str) -> Iterator[Ledger]:
    ledger = Ledger.open(url)
    try:
        yield ledger
    finally:
        ledger.close()


def _sqlite(folder: Path) -> Fresh:
    @contextmanager
    def new() -> Iterator[str]:
        with tempfile.TemporaryDirectory(dir=folder) as own:
            yield f"sqlite:///{own}/ledger.db"

    return new
