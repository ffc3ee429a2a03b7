"""Leaving without losing anybody, the log for machines, and traces by OpenTelemetry's variables."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from adverdict.domain.settings import Settings
from adverdict.serving.draining import Draining, leave, stop_listening
from adverdict.serving.http.app import application
from adverdict.serving.logs import ACCESS, JsonLines, request_id, speak_up
from adverdict.serving.tracing import Untraced, tracer_of
from adverdict.serving.worker.runtime import RuntimeSlot


class Tracer:
    """Remembers what was answered."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []

    @contextmanager
    def request(self, method: str, headers: Mapping[bytes, bytes], request_id: str):  # type: ignore[no-untyped-def]
        yield self

    def answered(self, route: str, status: int) -> None:
        self.told.append((route, status))


def test_whoever_leaves_says_so_goes_on_answering_and_then_listens_no_more(tmp_path: Path) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        waited: list[float] = []

        def wait(seconds: float) -> None:
            waited.append(seconds)
            with socket.socket() as caller:
                answers = caller.connect_ex(("127.0.0.1", port)) == 0
            assert answers == (len(waited) == 1), "as long as it drains it accepts, and then it refuses"

        leave(tmp_path / "mark", 7.0, port, wait)
        assert waited[0] == 7.0
        assert (tmp_path / "mark").exists()


def test_sockets_of_others_go_on_listening() -> None:
    with socket.socket() as ours:
        ours.bind(("127.0.0.1", 0))
        ours.listen()
        assert stop_listening(1) == 0
        with socket.socket() as caller:
            assert caller.connect_ex(ours.getsockname()) == 0


def test_workers_see_the_mark_within_a_moment_and_look_no_more_often(tmp_path: Path) -> None:
    now = [0.0]
    draining = Draining(str(tmp_path / "mark"), lambda: now[0])
    assert not draining
    (tmp_path / "mark").touch()
    assert not draining
    now[0] = 0.2
    assert draining
    assert not Draining(None)


def test_a_server_that_leaves_is_not_ready_and_keeps_no_connection(tmp_path: Path) -> None:
    (tmp_path / "mark").touch()
    tracer = Tracer()
    client = TestClient(application(RuntimeSlot(), Starlette(), "0", Draining(str(tmp_path / "mark")), tracer))
    answer = client.get("/readyz")
    assert (answer.status_code, answer.headers["connection"]) == (503, "close")
    assert tracer.told == [("other", 503)]
    staying = TestClient(application(RuntimeSlot(), Starlette(), "0")).get("/readyz")
    assert "connection" not in staying.headers


def test_a_line_of_the_log_for_machines_is_an_object_with_the_requests_id() -> None:
    record = logging.LogRecord("adverdict.http", logging.INFO, "", 0, "said %s", ("it",), None)
    record.route = "/v1/score"
    token = request_id.set("req-1")
    try:
        told = json.loads(JsonLines().format(record))
    finally:
        request_id.reset(token)
    assert {name: told[name] for name in ("level", "logger", "message", "request_id", "route")} == {
        "level": "info",
        "logger": "adverdict.http",
        "message": "said it",
        "request_id": "req-1",
        "route": "/v1/score",
    }
    assert told["time"].endswith("+00:00")


@pytest.mark.parametrize("on", [True, False])
def test_the_access_log_is_there_when_it_was_asked_for(on: bool) -> None:
    speak_up(Settings(access_log=on))
    assert logging.getLogger(ACCESS).isEnabledFor(logging.INFO) == on


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, ""),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, ""),
        ({"OTEL_TRACES_EXPORTER": "console", "OTEL_SDK_DISABLED": "true"}, ""),
        ({"OTEL_TRACES_EXPORTER": "carrier-pigeon"}, "expected otlp, console or none"),
    ],
)
def test_nothing_is_traced_unless_it_was_asked_for(environment: dict[str, str], said: str, caplog: pytest.LogCaptureFixture) -> None:
    assert isinstance(tracer_of(environment), Untraced)
    assert said in caplog.text


def test_a_traced_request_continues_its_callers_trace(capsys: pytest.CaptureFixture[str]) -> None:
    tracer = tracer_of({"OTEL_TRACES_EXPORTER": "console"})
    parent = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with tracer.request("POST", {b"traceparent": parent}, "req-1") as traced:
        traced.answered("/v1/score", 503)
        span = traced.span  # type: ignore[attr-defined]
    assert format(span.get_span_context().trace_id, "032x") == "0af7651916cd43dd8448eb211c80319c"
    assert (span.name, span.attributes["http.response.status_code"], span.status.is_ok) == ("POST /v1/score", 503, False)
