"""The reports that training and certifying wrote, of the model in service, as this machine has them."""

from __future__ import annotations

from pathlib import Path

from starlette.responses import HTMLResponse, Response

from adverdict.domain.errors import NotFound
from adverdict.serving.console.visits import Visit

POLICY = "sandbox allow-popups; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
"""A report carries its own style sheet and nothing else; it can neither run anything nor reach anything."""
LARGEST = 64 * 1024**2


def of_training(visit: Visit) -> Response:
    return _sent(training_report(visit), "the training's report")


def of_certificates(visit: Visit) -> Response:
    return _sent(certificates_page(visit), "the page of the certificates")


def training_report(visit: Visit) -> Path | None:
    """None: it is not on this machine."""
    loaded = visit.parts.champion.state.loaded
    version = loaded.scorer.model.version if loaded and loaded.scorer.model else None
    return _there(visit, "reports", version, "report.html")


def certificates_page(visit: Visit) -> Path | None:
    """None: it is not on this machine, or nothing is certified."""
    loaded = visit.parts.champion.state.loaded
    return _there(visit, "certificates", loaded.certificates if loaded else None, "certificates.html")


def _there(visit: Visit, folder: str, name: str | None, page: str) -> Path | None:
    if visit.parts.home is None or not name or not name.isalnum():
        return None
    for short in (name, name[:16]):
        path = visit.parts.home / folder / short / page
        if path.is_file() and path.stat().st_size <= LARGEST:
            return path
    return None


def _sent(path: Path | None, what: str) -> Response:
    if path is None:
        raise NotFound(f"This machine does not have {what} of the model in service. It lies where it was made, and with the run in MLflow.")
    return HTMLResponse(path.read_bytes(), headers={"content-security-policy": POLICY})
