"""Every address the service answers, who may ask, and what checks the body. An address that is not here does not exist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Access = Literal["probe", "public", "score", "label", "review", "admin"]
"""``probe``: anybody. ``public``: anybody once keys are configured, this machine only before. Otherwise the scope a key must have."""


@dataclass(frozen=True, slots=True)
class Route:
    """One address."""

    path: str
    method: Literal["GET", "POST"]
    access: Access
    takes_body: bool = False
    below: bool = False
    """Whether it stands for everything below it, too: ``path`` ends with a slash."""

    @property
    def allowed(self) -> str:
        return "GET, HEAD" if self.method == "GET" else self.method

    def answers(self, method: str) -> bool:
        return method == self.method or (method == "HEAD" and self.method == "GET")


SCORE = "/v1/score"
SCORE_BATCH = "/v1/score/batch"
LIVEZ = "/livez"
READYZ = "/readyz"
DECISIONS = "/v1/decisions/"
LABELS = "/v1/labels"
APPEALS = "/v1/appeals"
CONSOLE = "/console"
METRICS = "/metrics"
DOCS = "/docs"
DOCS_JSON = "/docs.json"
STATIC = "/static_content/"
"""Swagger UI's own files, as BentoML carries them; nothing is fetched from elsewhere."""

ROUTES = {
    route.path: route
    for route in (
        Route(SCORE, "POST", "score", takes_body=True),
        Route(SCORE_BATCH, "POST", "score", takes_body=True),
        Route(DECISIONS, "GET", "score", below=True),
        Route(LABELS, "POST", "label", takes_body=True),
        Route(APPEALS, "POST", "score", takes_body=True),
        Route(LIVEZ, "GET", "probe"),
        Route(READYZ, "GET", "probe"),
        Route(METRICS, "GET", "admin"),
        Route(DOCS, "GET", "public"),
        Route(DOCS_JSON, "GET", "public"),
        Route(STATIC, "GET", "public", below=True),
        Route("/schema.json", "GET", "public"),  # what BentoML's own client asks for first
    )
}
_BELOW = tuple(route for route in ROUTES.values() if route.below)


def find(path: str) -> Route | None:
    return ROUTES.get(path) or next((route for route in _BELOW if path.startswith(route.path) and path != route.path), None)
