"""``adverdict benchmark online``: what it takes and what it prints."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from adverdict.cli.door import door
from adverdict.cli.tables import number, say, table


def online(
    quick: Annotated[bool, typer.Option("--quick", help="Less of everything: six minutes instead of twenty.")] = False,
    part: Annotated[
        list[str] | None,
        typer.Option("--part", help="Only throughput, latency_one, tail, overload, memory or startup. Repeat for several."),
    ] = None,
    model: Annotated[Path | None, typer.Option("--model", help="Bundle's folder to serve; small ones are trained otherwise.")] = None,
    policies: Annotated[
        Path | None, typer.Option("--policies", help="Folder of policy files to decide by; rules with fixed thresholds otherwise.")
    ] = None,
    certificates: Annotated[
        Path | None,
        typer.Option(
            "--certificates", help="certificates.json of the model, for its thresholds and its early exit; certified here otherwise."
        ),
    ] = None,
    requests: Annotated[
        int | None, typer.Option("--requests", min=100, max=1_000_000, help="Of the memory part; 100,000 unless given.")
    ] = None,
    work: Annotated[
        Path | None, typer.Option("--work", help="Keep simulated ads and trained bundles in this folder for the next time.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the moments at which requests arrive.")] = 0,
    json: Annotated[Path | None, typer.Option("--json", help="Write the figures here, for machines; also those so far.")] = None,
) -> None:
    """How fast the service answers beside mlflow models serve, a bare FastAPI and the model alone; its tail, overload, memory and start."""
    from adverdict.cli.console import Bars, write_json

    with door():
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # a stopped benchmark ends what it has started, as on Ctrl-C
        from dataclasses import replace

        from adverdict.benchmarks.online.run import PARTS, OnlineBenchmark, run
        from adverdict.benchmarks.online.run import quick as less

        job = OnlineBenchmark(parts=tuple(part or PARTS), model=model, policies=policies, certificates=certificates, work=work, seed=seed)
        job = less(job) if quick else job
        if requests is not None:
            job = replace(job, memory=replace(job.memory, requests=requests))
        with Bars() as bars:
            figures = run(job, bars, lambda some: write_json(json, some) if json else None)
        show(figures)
        if json:
            write_json(json, figures)


def show(figures: Mapping[str, Any]) -> None:
    """What of the figures a person looks for first."""
    parts = figures["parts"]
    shown = {
        "throughput": _throughput,
        "latency_one": _latency,
        "tail": _tail,
        "overload": _overload,
        "memory": _memory,
        "startup": _startup,
    }
    for part, one in shown.items():
        if part in parts:
            one(parts[part])
    for name, why in figures["left_out"].items():
        say(f"left out: {name}: {why}", "yellow")


def _throughput(found: Mapping[str, Any]) -> None:
    rows = [
        [group, server, *(number(one[server][name]) for name in ("requests_per_s", "p50_ms", "cpu_us_per_request", "pss"))]
        for group, one in found.items()
        if isinstance(one, Mapping)
        for server in ("service", "fastapi", "fastapi_h11", "mlflow_serve")
        if server in one
    ]
    table([f"{found['clients']} clients", "server", "requests/s", "p50 ms", "CPU µs a request", "PSS MiB"], rows)
    say(f"vs_mlflow_serve: {number(found.get('vs_mlflow_serve'))}, vs_fastapi: {number(found.get('vs_fastapi'))} (one worker)")
    for group, one in found.items():
        if isinstance(one, Mapping) and one.get("exit"):
            say(f"{group}: {_exit(one['exit'], one['service'])}")
    told = ("vs_mlflow_serve_no_encoder", "cpu_vs_fastapi", "cpu_vs_fastapi_h11")
    say("without an encoder: " + ", ".join(f"{name}: {number(found.get(name))}" for name in told))


def _exit(found: Mapping[str, Any], service: Mapping[str, Any]) -> str:
    """Of the early exit: how many took it, and what is promised of it."""
    certificate = found["certificate"]
    if certificate is None:
        return f"every ad goes all the way: {found['why_none']}"
    exits = service.get("exits", {})
    early, could = exits.get("early", 0), exits.get("early", 0) + exits.get("full", 0)
    left = f"{early:,} of {could:,} answers read left early ({early / could:.1%})" if could else "no answer was read"
    if not certificate["limit"]:
        return f"{left}; no exit could be certified on {certificate['ads']:,} ads, so only ads on which nothing hangs leave"
    return (
        f"{left}; certificate {certificate['certificate_id']}: at most {certificate['max_flipped']:.2%} of all ads get another verdict, "
        f"at {certificate['confidence']:.0%} confidence ({certificate['flipped']:,} of {certificate['ads']:,} simulated ads of "
        f"{certificate['advertisers']:,} advertisers did)"
    )


def _latency(found: Mapping[str, Any]) -> None:
    rows = [
        [name, f"{one['requests']:,}", *(number(one[key]) for key in ("p50_ms", "bare_p50_ms", "p50_over_bare"))]
        for name, one in found["groups"].items()
    ]
    table(["one client", "requests", "p50 ms", "model alone ms", "ratio"], rows)
    for kind in ("skipped", "used"):
        say(f"p50_over_bare_{kind}: {number(found.get(f'p50_over_bare_{kind}'))} ({found.get(f'{kind}_is') or 'too few requests'})")


def _tail(found: Mapping[str, Any]) -> None:
    rows = [[name, *_spread(found[name])] for name in ("service", "untuned") if name in found]
    share = f"{found['share_of_saturation']:.0%} of {number(found['saturation_per_s'])}/s"
    table([share, "requests", "p50 ms", "p99 ms", "p99.9 ms", "max ms", "p99/p50"], rows)


def _overload(found: Mapping[str, Any]) -> None:
    rows = [[name, *_spread(found[name])] for name in ("beside", "overloaded", "after") if name in found]
    table([f"{found['times_saturation']:g} x saturation", "accepted", "p50 ms", "p99 ms", "p99.9 ms", "max ms", "p99/p50"], rows)
    if "overload_accepted_share" in found:
        say(
            f"accepted {found['overload_accepted_share']:.1%}, refused with 429 {found['overload_refused_share']:.1%} "
            f"({found['overload_refused_without_retry_after']} without Retry-After), 5xx {found['overload_5xx']}, "
            f"broken or timed out {found['overload_connection_errors']}; p99 {number(found['overload_p99_over_before'])} x that before"
        )


def _memory(found: Mapping[str, Any]) -> None:
    rows = [[f"{one['requests']:,}", *(number(one.get(name)) for name in ("pss", "rss", "ledger_mib"))] for one in found["looks"]]
    table(["requests", "PSS MiB", "RSS MiB", "ledger MiB"], rows)
    new, known = (number(found.get(f"memory_mib_per_1e5_{name}")) for name in ("requests", "known_ads"))
    say(f"memory: {new} MiB for each 100,000 new ads, {known} for known ones")


def _startup(found: Mapping[str, Any]) -> None:
    for name, one in found["ready"].items():
        say(f"{name}: ready after {number(one['seconds'])} s")
    for name, one in found.get("commands", {}).items():
        say(f"{name}: {number(one['wall_s'])} s, {number(one['cpu_s'])} s of CPU")


def _spread(one: Mapping[str, Any]) -> list[str]:
    count = one.get("accepted", one["requests"])
    return [f"{count:,}", *(number(one[name]) for name in ("p50_ms", "p99_ms", "p999_ms", "max_ms", "p99_over_p50"))]
