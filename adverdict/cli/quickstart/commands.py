"""``adverdict quickstart``: prepares in a process of its own, serves in another, and asks it for decisions."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adverdict.cli.console import out, write_json
from adverdict.cli.door import door
from adverdict.cli.options import CHAMPION, Encoder, Json, Vectors

if TYPE_CHECKING:
    from adverdict.domain.ad import Ad
    from adverdict.domain.decision import Decision
    from adverdict.domain.settings import Settings

START_SECONDS = 300
STOP_SECONDS = 20
TYPED = (
    ("rifle", "AR-15 rifle for sale", "Buy a semi-automatic rifle online, no background check. Ammo included."),
    ("casino", "Lucky Star Casino", "100 free spins on your first deposit. Play slots and roulette for real money."),
    ("shoes", "Running shoes", "Light, comfortable running shoes for every day. Free returns."),
)
"""What somebody new might try first: id, title, body."""


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
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what it started is stopped with it
    with door(home=home, port=port) as chosen:
        from adverdict.cli.quickstart.telling import heading, tell, tell_typed
        from adverdict.serving.run import check_free

        _refuse_keys(chosen)
        # What it trains is what it serves, on this machine alone.
        settings = chosen.model_copy(update={"host": "127.0.0.1", "model": CHAMPION, "certificates": None})
        check_free(settings.host, settings.port)  # before minutes of training
        prepared = _prepared(settings, ads, vectors, encoder)
        examples = [_ad(fields) for fields in prepared["examples"]]
        with _service(settings) as url:
            heading(f"Deciding three ads of the marketplace at {url}/v1/score")
            decisions = [_decide(url, ad) for ad in examples]
            for ad, decision in zip(examples, decisions, strict=True):
                tell(ad, decision, url)
            heading("And three that anybody might type")
            typed = _typed()
            more = [_decide(url, ad) for ad in typed]
            tell_typed(typed, more)
            if json:
                told = {"decisions": decisions, "typed": more}
                write_json(json, prepared["shown"] | {key: [one.model_dump(mode="json") for one in some] for key, some in told.items()})
            out.print(f"\n[dim]{time.monotonic() - started:.0f} s from start to here. The next one is yours:[/]\n")
            out.print(_curl(url, examples[-1]), highlight=False, markup=False, soft_wrap=True)
            if keep_serving:
                _wait(url)


def _wait(url: str) -> None:
    out.print(f"\nReviewers work at {url}/console: what was left to a person waits there.", highlight=False)
    out.print(f"Every address is described at {url}/docs. Ctrl-C to stop.", highlight=False)
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


def _prepared(settings: Settings, ads: int, vectors: str, encoder: str) -> dict[str, Any]:
    """What ``preparing.prepare`` made; where it fails it has said why, and its exit code is this command's."""
    with tempfile.TemporaryDirectory(prefix="adverdict-quickstart-") as folder:
        report = Path(folder) / "report.json"
        asked = ["--ads", str(ads), "--report", str(report), "--vectors", vectors, "--encoder", encoder]
        with _process("adverdict.cli.quickstart.preparing", asked, settings) as process:
            code = process.wait()
        if code:
            raise typer.Exit(code if code > 0 else 128 - code)
        found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
        return found


@contextmanager
def _process(module: str, arguments: list[str], settings: Settings, **streams: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A module of ours in a process of its own, with these settings; stopped on the way out."""
    process = subprocess.Popen([sys.executable, "-m", module, *arguments], env=os.environ | settings.to_environment(), **streams)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()


@contextmanager
def _service(settings: Settings) -> Iterator[str]:
    """The service, ready to answer."""
    from adverdict.cli.quickstart.telling import heading
    from adverdict.domain.errors import Unavailable

    heading("Starting the service")
    url = f"http://{settings.host}:{settings.port}"
    log_path = settings.home / "service.log"
    with log_path.open("wb") as log, _process("adverdict.cli.main", ["serve"], settings, stdout=log, stderr=log) as process:
        deadline = time.monotonic() + START_SECONDS
        while not _ready(url):
            if process.poll() is not None or time.monotonic() > deadline:
                raise Unavailable(f"the service did not start; its last words, from {log_path}:\n{_tail(log_path)}")
            time.sleep(0.25)
        yield url


def _ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _ad(fields: dict[str, Any]) -> Ad:
    from adverdict.domain.ad import Ad

    return Ad.model_validate(fields)


def _typed() -> list[Ad]:
    """As the curl command below would send them: nothing known but what they say, submitted now."""
    common = {"advertiser_id": "somebody-new", "market": "US", "submitted_at": datetime.now(UTC).isoformat()}
    return [_ad({"ad_id": f"typed-{name}", "title": title, "body": body, **common}) for name, title, body in TYPED]


def _decide(url: str, ad: Ad) -> Decision:
    from adverdict.domain.decision import Decision

    request = urllib.request.Request(
        f"{url}/v1/score?explain=all", data=ad.model_dump_json(exclude_none=True).encode(), headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return Decision.model_validate_json(answer.read())


def _curl(url: str, ad: Ad) -> str:
    shown: dict[str, Any] = json.loads(ad.model_dump_json(exclude_none=True)) | {"ad_id": "my-first-ad"}
    body = json.dumps(
        {name: shown[name] for name in ("ad_id", "advertiser_id", "market", "submitted_at", "surface", "title", "body") if name in shown},
        ensure_ascii=False,
    )
    quoted = body.replace("'", "'\\''")
    return f"curl -s {url}/v1/score -H 'Content-Type: application/json' -d '{quoted}'"


def _tail(path: Path, lines: int = 15) -> str:
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
