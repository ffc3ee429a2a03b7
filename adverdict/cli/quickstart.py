"""``adverdict quickstart``: from nothing to a decision over HTTP, on simulated data."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adverdict.cli.console import Bars, out, printable, write_json
from adverdict.cli.door import door
from adverdict.cli.options import CHAMPION, Encoder, Json, Vectors

if TYPE_CHECKING:
    from adverdict.domain.ad import Ad
    from adverdict.domain.decision import Decision
    from adverdict.domain.settings import Settings

SEED = 7
START_SECONDS = 120
CERTIFY_SHARE = 0.5
"""Of the advertisers: the model never sees them, so that their labels can certify its thresholds."""
ADS_PER_ADVERTISER = 1.5
"""Of those who could have submitted: a third as many advertisers as ads come of it, and it is advertisers that certify."""


def quickstart(
    ads: Annotated[int, typer.Option("--ads", min=3000, help="Size of the simulated marketplace.")] = 10_000,
    vectors: Vectors = "multilingual",
    encoder: Encoder = "none",
    home: Annotated[Path | None, typer.Option("--home", help="Where everything is kept; ADVERDICT_HOME otherwise.")] = None,
    keep_serving: Annotated[bool, typer.Option("--serve/--no-serve", help="Go on serving after the three decisions.")] = True,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port to listen on; ADVERDICT_PORT otherwise.")] = None,
    json: Json = None,
) -> None:
    """Simulate a marketplace, train, promote, serve, and decide three ads. A second run reuses the data and champion of the first."""
    started = time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the service it started is stopped with it
    with door(home=home, port=port) as chosen:
        from adverdict.serving.run import check_free

        _refuse_keys(chosen)
        # What it trains is what it serves, on this machine alone.
        settings = chosen.model_copy(update={"host": "127.0.0.1", "model": CHAMPION, "certificates": None})
        check_free(settings.host, settings.port)  # before minutes of training
        marketplace = _simulate(ads, settings.home)
        shown: dict[str, Any] = {}
        if _champion(marketplace, vectors, encoder, settings):
            shown = _certify(_labelled_sample(marketplace, settings), settings)
        with _service(settings) as url:
            _heading(f"Deciding three ads at {url}/v1/score")
            examples = _examples(marketplace)
            shown["decisions"] = [_decide(url, ad).model_dump(mode="json") for ad in examples]
            if json:
                write_json(json, shown)
            out.print(f"[dim]{time.monotonic() - started:.0f} s from start to here. The next one is yours:[/]\n")
            out.print(_curl(url, examples[-1]), highlight=False, markup=False, soft_wrap=True)
            if keep_serving:
                out.print(f"\n[bold]Open {url}/console in a browser[/]: what needs you, reviews, decisions explained; all of it made up.")
                out.print(f"The service is at {url}, its OpenAPI at {url}/docs.json. Ctrl-C to stop.")
                with suppress(KeyboardInterrupt):
                    signal.pause()


def _refuse_keys(settings: Settings) -> None:
    from adverdict.domain.errors import InvalidSettings, Mistake
    from adverdict.domain.settings import KEYS

    if settings.api_keys:
        named = ", ".join(key.name for key in settings.api_keys)
        raise InvalidSettings(
            "the quickstart asks its service without a key:", [Mistake(KEYS, named, "no keys, as only this machine asks")]
        )


def _simulate(ads: int, home: Path) -> Path:
    folder = home / f"marketplace-{ads}-{SEED}"
    if (folder / "ads.parquet").is_file():
        _heading(f"Simulated marketplace: {folder} is there")
        return folder
    _heading(f"Simulating a marketplace of {ads} ads (made up, and marked so: nobody may ship real ones)")
    from adverdict.simulation import write_marketplace

    with Bars() as bars:
        bars.stage("simulating ads", ads)
        write_marketplace(folder, ads, SEED, bars, ADS_PER_ADVERTISER)
    return folder


def _champion(marketplace: Path, vectors: str, encoder: str, settings: Settings) -> bool:
    """Whether one was made; False when there was one."""
    from adverdict.models.registry import resolve
    from adverdict.training.encoder.tune import EncoderSettings
    from adverdict.training.fit.everything import FitSettings
    from adverdict.training.fit.vectors import VectorSettings
    from adverdict.training.gates import counted
    from adverdict.training.promote import promote
    from adverdict.training.tracking.aliases import CHAMPION, aliased
    from adverdict.training.tracking.server import configure, ping
    from adverdict.training.train import TrainJob, train

    ping(configure(settings))
    if aliased(CHAMPION) is not None:
        _heading(f"Champion: {resolve('models:/adverdict@champion')} is registered")
        return False
    _heading("Training on words, facts and history; everything is tracked in MLflow")
    words = None if vectors == "none" else VectorSettings(vectors)
    chosen = None if encoder == "none" else EncoderSettings(encoder, max_tokens=64)
    with Bars() as bars:
        trained = train(
            TrainJob([marketplace], settings, fit=FitSettings(encoder=chosen, vectors=words), certify_share=CERTIFY_SHARE), bars
        )
    from adverdict.cli.models import show_figures

    show_figures(trained.figures)
    out.print(f"report: {trained.report}")
    if trained.registered is None:
        raise AssertionError("a training that registers returns what it registered")
    with Bars() as bars:
        promoted = promote(trained.registered.uri, [], False, settings, bars)
    out.print(f"{counted(promoted.gates)}; {trained.registered.uri} is now models:/adverdict@champion")
    return True


def _labelled_sample(marketplace: Path, settings: Settings) -> Path:
    """A planned sample of ads of advertisers the model never saw, read by simulated reviewers."""
    from adverdict.cli.policy.sample import show
    from adverdict.rollout.sample import SampleJob, plan_labels
    from adverdict.rollout.simulated import read_by_reviewers

    _heading("Planning which ads to label, one of an advertiser, and having simulated reviewers read them")
    with Bars() as bars:
        sample = plan_labels(SampleJob([marketplace], settings), bars)
    show(sample)
    folder = settings.home / f"sample-{sample.name}"
    labels = read_by_reviewers(marketplace, sample, folder, SEED)
    out.print(f"{labels:,} simulated labels written to {folder}", markup=False, highlight=False)
    return folder


def _certify(sample: Path, settings: Settings) -> dict[str, Any]:
    """How many policies of how many are certified, in most of the ads they decide on, and the share of ads decided without a person."""
    from adverdict.cli.policy.solve import show
    from adverdict.rollout.certify import SolveJob, certified_policies, solve

    _heading("Certifying thresholds on advertisers the model never saw; where too few labels show nothing they are provisional")
    with Bars() as bars:
        solved = solve(SolveJob([sample], settings), bars)
    show(solved, brief=True)
    certificates = solved.solution.certificates
    found = certified_policies(certificates)
    certified = [policy for policy, is_so in found.items() if is_so]
    for policy in certified:
        ours = (one for one in certificates if one.policy == policy and one.approve_below > 0 and one.served)
        widest = max(ours, key=lambda one: one.traffic.ads)
        out.print(f"\n[bold]{policy}[/] in {', '.join(widest.served)}: {widest.statement}", highlight=False)
    out.print(f"\n{len(certified)} of {len(found)} policies are certified to approve in most of the ads they decide on")
    return {"certified": len(certified), "policies": len(found), "auto_share": 1.0 - solved.solution.people, "ads": len(solved.sample.ads)}


@contextmanager
def _service(settings: Settings) -> Iterator[str]:
    """The service as a process of its own, ready to answer; stopped on the way out."""
    from adverdict.domain.errors import Unavailable

    _heading("Starting the service")
    url = f"http://{settings.host}:{settings.port}"
    log_path = settings.home / "service.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "adverdict.cli.main", "serve"], stdout=log, stderr=log, env=os.environ | settings.to_environment()
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _ready(url):
            if process.poll() is not None or time.monotonic() > deadline:
                raise Unavailable(f"the service did not start; its last words, from {log_path}:\n{_tail(log_path)}")
            time.sleep(0.25)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()


def _ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _examples(marketplace: Path) -> list[Ad]:
    """Three late ads of the marketplace in the policies' markets that differ in what is likely to happen to them."""
    from adverdict.storage.tables.pack import read_pack

    pack = read_pack(marketplace)
    violating = {label.ad_id for label in pack.labels if label.violates}
    harmless = {label.ad_id for label in pack.labels} - violating
    late = list(reversed(pack.ads))
    chosen = [next(ad for ad in late if ad.ad_id in harmless), *islice((ad for ad in late if ad.ad_id in violating), 2)]
    return [ad.model_copy(update={"ad_id": f"example-{i + 1}"}) for i, ad in enumerate(chosen)]


def _decide(url: str, ad: Ad) -> Decision:
    from rich.markup import escape

    from adverdict.cli.ads import show
    from adverdict.domain.decision import Decision

    request = urllib.request.Request(
        f"{url}/v1/score?explain=all", data=ad.model_dump_json(exclude_none=True).encode(), headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        decision = Decision.model_validate_json(answer.read())
    text = " / ".join(part for part in (ad.title, ad.body) if part)
    out.print(f"\n[italic]{escape(printable(text[:160]))}[/]")
    show(decision)
    out.print()
    return decision


def _curl(url: str, ad: Ad) -> str:
    shown: dict[str, Any] = json.loads(ad.model_dump_json(exclude_none=True)) | {"ad_id": "my-first-ad"}
    body = json.dumps(
        {name: shown[name] for name in ("ad_id", "advertiser_id", "market", "submitted_at", "surface", "title", "body") if name in shown},
        ensure_ascii=False,
    )
    quoted = body.replace("'", "'\\''")
    return f"curl -s {url}/v1/score -H 'Content-Type: application/json' -d '{quoted}'"


def _heading(text: str) -> None:
    out.print(f"\n[bold]--> {text}[/]", highlight=False)


def _tail(path: Path, lines: int = 15) -> str:
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
