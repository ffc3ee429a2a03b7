"""What ``adverdict serve`` does: check everything that can be wrong before the first process starts, then serve."""

from __future__ import annotations

import json
import os
import shutil
import socket
import tempfile
from collections.abc import Mapping
from pathlib import Path

from adverdict.domain.errors import InvalidSettings, Mistake
from adverdict.domain.settings import KEYS_FILE, TRACKING_URI, Settings, read_settings
from adverdict.scoring.scorer import load_policies
from adverdict.serving.access import is_loopback

OFFLINE = {"BENTOML_DO_NOT_TRACK": "true", "MLFLOW_DISABLE_TELEMETRY": "true", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
"""Nobody is told that somebody serves, nothing is fetched; and workers, not threads within one, use the cores."""


def run(options: Mapping[str, str | int | None] | None = None) -> None:
    """Serve until SIGTERM or SIGINT. ``options`` (``host``, ``port``, ``model``, ``workers``, … as in Settings) override the environment.

    Raises InvalidSettings or InvalidPolicy before anything is started.
    """
    settings = prepare(options or {})
    own_home = None
    if "BENTOML_HOME" not in os.environ:
        # BentoML empties its folder of metrics when it starts: two servers must not share one.
        own_home = tempfile.mkdtemp(prefix="adverdict-bentoml-")
        os.environ["BENTOML_HOME"] = own_home
    try:
        from adverdict.serving.service import serve

        serve(settings.host, settings.port)
    finally:
        if own_home:
            shutil.rmtree(own_home, ignore_errors=True)


def prepare(options: Mapping[str, str | int | None]) -> Settings:
    """Put the options into the environment, where the workers find them, and check everything. Raises InvalidSettings, InvalidPolicy."""
    for name, value in options.items():
        if value is not None:
            os.environ[f"ADVERDICT_{name.upper()}"] = str(value)
    settings = read_settings(os.environ)
    load_policies(settings.policies)
    check_exposure(settings)
    check_free(settings.host, settings.port)
    os.environ.update(anchored(settings))
    os.environ["BENTOML_CONFIG_OVERRIDES"] = json.dumps({"services": {"adverdict": {"workers": settings.workers}}})
    for key, default in OFFLINE.items():
        os.environ.setdefault(key, default)
    return settings


def anchored(settings: Settings) -> dict[str, str]:
    """The settings that name files, made absolute: the workers run in another folder."""
    found = {"ADVERDICT_HOME": str(settings.home), TRACKING_URI: settings.registry_uri}
    if settings.policies:
        found["ADVERDICT_POLICIES"] = str(settings.policies)
    if Path(settings.model).is_dir():
        found["ADVERDICT_MODEL"] = str(Path(settings.model).resolve())
    if os.environ.get(KEYS_FILE):
        found[KEYS_FILE] = str(Path(os.environ[KEYS_FILE]).resolve())
    return found


def check_exposure(settings: Settings) -> None:
    """Without keys anybody who reaches the port could score and read; so only this machine may reach it."""
    if not settings.api_keys and not is_loopback(settings.host):
        expected = "a loopback address such as 127.0.0.1, or API keys in ADVERDICT_API_KEYS or ADVERDICT_API_KEYS_FILE"
        raise InvalidSettings("the service would be open to everybody:", [Mistake("ADVERDICT_HOST", settings.host, expected)])


def check_free(host: str, port: int) -> None:
    """A port that is taken is said in one line here; the server's supervisor would say it in fifty."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            mistake = Mistake("ADVERDICT_HOST:PORT", f"{host}:{port}", f"an address that can be listened on ({error.strerror})")
            raise InvalidSettings("the service cannot listen:", [mistake]) from None
