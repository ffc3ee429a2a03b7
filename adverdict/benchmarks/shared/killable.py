"""A service that can be killed and be there again within a fraction of a second: a process that has imported everything forks it anew.

Its model is a few lines long, and its risks tell exactly what history it read: whether that was the right one can be computed afterwards.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.ad import Ad
from adverdict.domain.decision import Reason
from adverdict.domain.risk import RiskScore
from adverdict.features.history.known import History, HistoryCounts
from adverdict.features.history.state import HistoryState
from adverdict.models.opening import Registry
from adverdict.scoring.model import Model

POLICIES = ("deceptive", "gambling")
MARKETS = ("GB", "SE")
POLICY = """  {name}:
    title: {name}
    severity: serious
    stance: prohibited
    targets: {{max_leakage: 0.02, max_wrongful_reject: 0.10, confidence: 0.95}}
    thresholds: {{approve_below: {below:g}, reject_at: {at:g}}}
    audit_share: 0.05
    when_degraded: review
    reason: The ad is {name}.
"""


def write_policies(
    folder: Path, policies: Sequence[str] = POLICIES, markets: Sequence[str] = MARKETS, thresholds: tuple[float, float] = (0.4, 0.6)
) -> Path:
    """One file a market, all with the same rules; approvals, reviews and rejections all happen."""
    folder.mkdir(parents=True)
    below, at = thresholds
    rules = "".join(POLICY.format(name=name, below=below, at=at) for name in policies)
    (folder / "default.yaml").write_text("policies:\n" + rules, encoding="utf-8")
    for market in markets:
        (folder / f"{market}.yaml").write_text("extends: default\n", encoding="utf-8")
    return folder


def told_by(counts: HistoryCounts, ad: int) -> float:
    """The risk that stands for what was known of an ad's advertiser, in thousandths."""
    known = counts.advertiser
    number = 67 * int(known.ads_ever[ad]) + 113 * int(known.labels_any[ad]) + 229 * int(known.violations_any[ad])
    return number % 997 / 1000


@dataclass(frozen=True)
class CountingModel:
    """Implements ``scoring.model.Model``."""

    version: str = "counting-1"
    policies: tuple[str, ...] = POLICIES
    solved: SolvedThresholds = field(default_factory=SolvedThresholds)
    snapshot: bytes | None = None

    def score(self, ads: Sequence[Ad], history: History | None = None) -> CountingRisks:
        return CountingRisks((HistoryState() if history is None else history).counts(ads, POLICIES))


@dataclass(frozen=True)
class CountingRisks:
    """Implements ``scoring.model.Risks``."""

    counts: HistoryCounts

    def risks(self, ad: int) -> dict[str, RiskScore]:
        p = told_by(self.counts, ad)
        return {policy: RiskScore(policy=policy, p=p, p_low=p, p_high=p) for policy in POLICIES}

    def familiarity(self, ad: int) -> None:
        return None

    def reasons(self, ad: int, policies: Sequence[str]) -> tuple[Reason, ...]:
        return ()


class OneModelRegistry:
    """Implements ``models.opening.Registry``: there is one model, and it is here."""

    def resolve(self, model: str) -> str:
        return model

    def fetch(self, model: str, cache: Path) -> Path:
        return cache

    def certificates(self, source: str, policy_hash: str) -> str | None:
        return None

    def fetch_certificates(self, source: str, digest: str, cache: Path) -> str:
        raise AssertionError("there are none")


class KillableService:
    """Starts the service, again and again, on one port. ``environment`` is the service's own. ``make_app``, of a module's own level, has
    another registry or other models."""

    def __init__(self, environment: Mapping[str, str], port: int, make_app: Callable[[], Any] | None = None) -> None:
        context = get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(
            target=_fork_on_demand, args=(theirs, {**environment}, port, make_app or counting_app), daemon=False
        )
        self._process.start()
        self.pid = 0

    def __enter__(self) -> KillableService:
        self._expect("imported")
        return self

    def __exit__(self, *_: object) -> None:
        self._ours.send("end")
        self._process.join(30)
        if self._process.is_alive():
            self._process.kill()

    def start(self) -> None:
        """Returns at once; the service answers a little later."""
        self._ours.send("start")
        self.pid = int(self._expect("pid"))

    def kill(self) -> None:
        """With SIGKILL: nothing is tidied up."""
        self._ours.send("kill")
        self._expect("killed")

    def _expect(self, what: str) -> Any:
        if not self._ours.poll(120):
            raise TimeoutError(f"the service's keeper did not say {what!r}")
        said, value = self._ours.recv()
        assert said == what, f"{said} {value}"
        return value


def _fork_on_demand(told: Connection, environment: dict[str, str], port: int, make_app: Callable[[], Any]) -> None:
    os.environ.update(environment)
    app = make_app()
    told.send(("imported", None))
    pid = 0
    try:
        while (order := told.recv()) != "end":
            if order == "start":
                pid = os.fork()
                if pid == 0:
                    _serve(app, port, told)
                told.send(("pid", pid))
            else:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                pid = 0
                told.send(("killed", None))
    except EOFError:
        pass
    if pid:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def counting_app() -> Any:
    """The whole service as a worker runs it, with the one model that counts."""
    return service_app(OneModelRegistry(), lambda folder: CountingModel())


def service_app(registry: Registry, open_bundle: Callable[[Path], Model]) -> Any:
    """The whole service as a worker runs it, but for the models and where they come from."""
    import uvicorn  # noqa: F401  # here, not after every fork

    import adverdict.ledger.history
    import adverdict.serving.http.endpoints.records  # noqa: F401
    from adverdict.serving.assembly import assemble
    from adverdict.serving.service import Adverdict

    logging.getLogger("adverdict").setLevel(logging.ERROR)
    service: Any = Adverdict
    service.inner.assemble = staticmethod(lambda environment: assemble(environment, registry, open_bundle))
    return service.to_asgi()


def _serve(app: Any, port: int, told: Connection) -> None:
    """In the fork; never returns."""
    import uvicorn

    told.close()
    try:
        uvicorn.run(app, host="127.0.0.1", port=port, log_level="critical", access_log=False)
    except BaseException as error:
        print(f"the service ended: {error!r}", file=sys.stderr)  # noqa: T201  # there is nobody else to tell
    finally:
        os._exit(1)
