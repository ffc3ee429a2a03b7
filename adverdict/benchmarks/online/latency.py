"""How long one client waits, beside what the model alone takes for the same ads: the rest is parsing, deciding, recording, HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from adverdict.benchmarks.online.bare import Bare, bare
from adverdict.benchmarks.online.figures import Figures, median, over, quantile
from adverdict.benchmarks.online.online_setup import Advance, OnlineSetup, Write, told
from adverdict.benchmarks.online.servers import Server

LEAST = 20
"""Requests that a median is worth telling of."""
WARM = 50
USED = {"early": "skipped", "full": "used"}


@dataclass(frozen=True)
class LatencyPlan:
    rounds: int = 5
    requests: int = 300
    """A round."""


QUICK = LatencyPlan(rounds=2, requests=100)


@dataclass
class Group:
    """Requests of one bundle whose decisions left at the same depth; by round."""

    http_ms: list[float | None] = field(default_factory=list)
    bare_ms: list[float | None] = field(default_factory=list)
    requests: int = 0

    def figures(self) -> Figures:
        ratios = [over(one, other) for one, other in zip(self.http_ms, self.bare_ms, strict=True)]
        return {
            "requests": self.requests,
            "p50_ms": median(self.http_ms),
            "bare_p50_ms": median(self.bare_ms),
            "p50_over_bare": median(ratios),
            "rounds": ratios,
        }


def steps(setup: OnlineSetup, plan: LatencyPlan) -> int:
    return plan.rounds * len(bundles(setup))


def bundles(setup: OnlineSetup) -> list[bool]:
    """With an encoder, and without: decisions that state no exit tell by their bundle whether the encoder was used."""
    return [setup.encoder] if setup.testbed.model else [False, True]


def latency(setup: OnlineSetup, plan: LatencyPlan, write: Write, advance: Advance) -> Figures:
    """``p50_over_bare``: of the bundle without an encoder, where that is served. ``p50_over_bare_skipped`` and ``_used``: from decisions
    that say which it was, else from the bundle without and with an encoder."""
    found: Figures = {"groups": {}, "left_out": {}}
    for encoder in bundles(setup):
        bundle = setup.testbed.bundle(encoder)
        for name, group in _bundle(setup, plan, bundle, advance).items():
            found["groups"][f"{'encoder' if encoder else 'plain'}{': ' + name if name else ''}"] = {
                "bundle": told(bundle),
                **group.figures(),
            }
        write(found)
    for kind in ("skipped", "used"):
        stands = chosen(found["groups"], kind)
        found[f"p50_over_bare_{kind}"] = found["groups"][stands]["p50_over_bare"] if stands else None
        found[f"{kind}_is"] = stands
        if stands is None:
            found["left_out"][f"p50_over_bare_{kind}"] = f"no {LEAST} requests had the encoder {kind}"
    plain = found["groups"].get("plain")
    found["p50_over_bare"] = plain["p50_over_bare"] if plain else found["p50_over_bare_skipped"]
    return found


def chosen(groups: Figures, kind: str) -> str | None:
    """The group that stands for ``skipped`` or ``used``: the bundle with an encoder saying so comes first."""
    order = {"skipped": ("encoder: early", "plain: early", "plain"), "used": ("encoder: full", "encoder")}[kind]
    return next((name for name in order if groups.get(name, {}).get("requests", 0) >= LEAST), None)


def _bundle(setup: OnlineSetup, plan: LatencyPlan, bundle: Path, advance: Advance) -> dict[str, Group]:
    groups: dict[str, Group] = {}
    home, rules, certificates = setup.home(), setup.rules(bundle), setup.certificates_for(bundle)
    setup.stop()
    server = setup.kept(bundle)
    with bare(bundle, setup.pack(), rules, certificates, home) as model:
        server.load(kind="closed", clients=1, requests=WARM, seconds=60.0)
        model(range(WARM))
        for _ in range(plan.rounds):
            _round(setup, plan, server, model, groups)
            advance()
    return groups


def _round(setup: OnlineSetup, plan: LatencyPlan, server: Server, model: Bare, groups: dict[str, Group]) -> None:
    found = server.load(kind="closed", clients=1, requests=plan.requests, seconds=120.0, read_every=1)
    for name in ("", "early", "full"):
        rows = found.good & found.exits(name)
        if rows.any():
            group = groups.setdefault(name, Group())
            group.http_ms.append(quantile(found.ms[rows], 0.5))
            places = (found.number[rows] % setup.ads).tolist()
            group.bare_ms.append(quantile([1000.0 * seconds for seconds in model(places)], 0.5))
            group.requests += int(rows.sum())
