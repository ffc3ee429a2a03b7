"""Where a server listens that somebody else starts: ``bentoml serve``, which reads this when it imports the service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adverdict.domain.errors import InvalidSettings
from adverdict.domain.settings import Settings, read_settings


def listening(environment: Mapping[str, str]) -> dict[str, Any]:
    """What ``bentoml serve`` goes by: host, port and workers of the settings. Where these are wrong, every worker says so when it starts;
    until then it is this machine alone that could ask."""
    try:
        settings = read_settings(environment)
    except InvalidSettings:
        settings = Settings()
    return {"http": {"host": settings.host, "port": settings.port}, "workers": settings.workers}
