"""What ``adverdict serve`` does: check everything that can be wrong before the first process starts, then serve."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path

from adverdict.decisions.files.read import read_policies
from adverdict.delivery.receivers import channels_of
from adverdict.domain.errors import InvalidSettings, Mistake
from adverdict.domain.settings import Settings
from adverdict.serving.access import is_loopback

OFFLINE = {"BENTOML_DO_NOT_TRACK": "true", "MLFLOW_DISABLE_TELEMETRY": "true", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
"""Nobody is told that somebody serves, nothing is fetched; and workers, not threads within one, use the cores."""


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises InvalidSettings or InvalidPolicy before anything is started."""
    prepare(settings)
    with tempfile.TemporaryDirectory(prefix="adverdict-serving-", ignore_cleanup_errors=True) as own:
        # BentoML empties its folder of metrics when it starts: two servers must not share one.
        os.environ.setdefault("BENTOML_HOME", own)
        from adverdict.serving.service import serve

        serve(settings.host, settings.port, Path(own) / "draining", settings.drain_seconds)


def prepare(settings: Settings) -> None:
    """Check everything that can be wrong, and put the settings into the environment, where the workers find them.

    Raises InvalidSettings or InvalidPolicy.
    """
    read_policies(settings.policies)
    channels_of(settings)
    check_exposure(settings)
    check_free(settings.host, settings.port)
    os.environ.update(settings.to_environment())  # files by absolute paths: the workers run in another folder
    for key, default in OFFLINE.items():
        os.environ.setdefault(key, default)


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
