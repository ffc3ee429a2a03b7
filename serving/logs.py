"""The service's log: text for people or JSON for machines, each line of a request with its id."""

from __future__ import annotations

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime

from adverdict.domain.settings import Settings

ACCESS = "adverdict.access"
request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""Of the request at hand; None outside any."""
USUAL = frozenset(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {"message", "asctime", "taskName"}
"""Attributes that every record has; others were given with ``extra``, and are fields of their own."""


class JsonLines(logging.Formatter):
    """One object a line: ``time`` (UTC), ``level``, ``logger``, ``process``, ``message``, ``request_id`` where there is one, ``exception``,
    and what was given with ``extra``."""

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
        }
        told |= {"request_id": at_hand} if (at_hand := request_id.get()) else {}
        told |= {name: value for name, value in vars(record).items() if name not in USUAL}
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told, default=str, ensure_ascii=False)


class TextLines(logging.Formatter):
    """The same for people; what was given with ``extra`` stands in the message already."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s [%(process)d] %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        line, at_hand = super().format(record), request_id.get()
        return f"{line} (request {at_hand})" if at_hand else line


def speak_up(settings: Settings) -> None:
    """Send the service's log to standard error, unless somebody has already arranged for it."""
    log = logging.getLogger("adverdict")
    logging.getLogger(ACCESS).setLevel(logging.INFO if settings.access_log else logging.CRITICAL)
    if log.level == logging.NOTSET:
        log.setLevel(settings.log_level.upper())
    if not log.handlers and not logging.getLogger().handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonLines() if settings.log_format == "json" else TextLines())
        log.addHandler(handler)
        if settings.log_format == "json":
            _others_too(handler)


def _others_too(handler: logging.Handler) -> None:
    """What the server itself says, in the same form: a log that is parsed must hold nothing else."""
    for name in ("bentoml", "circus", "uvicorn", "uvicorn.error"):
        other = logging.getLogger(name)
        other.handlers = [handler]
        other.propagate = False
