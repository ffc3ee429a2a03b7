"""Traces by OpenTelemetry's own variables. Without them, nothing is imported and nothing costs anything."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

log = logging.getLogger("adverdict")
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


class Traced(Protocol):
    """A request that is traced."""

    def answered(self, route: str, status: int) -> None: ...


class Tracer(Protocol):
    def request(self, method: str, headers: Mapping[bytes, bytes], request_id: str) -> AbstractContextManager[Traced]: ...


class _Nothing:
    def answered(self, route: str, status: int) -> None:
        pass


class Untraced:
    """Where nobody asked for traces."""

    def request(self, method: str, headers: Mapping[bytes, bytes], request_id: str) -> AbstractContextManager[Traced]:
        return NOTHING


NOTHING: AbstractContextManager[Traced] = nullcontext(_Nothing())


def tracer_of(environment: Mapping[str, str]) -> Tracer:
    """By ``OTEL_TRACES_EXPORTER`` (``otlp``, the default where an endpoint is given; ``console``; ``none``) and what the libraries read
    themselves: endpoint, headers, sampler, service name, resource. ``OTEL_SDK_DISABLED=true`` turns all off."""
    asked = environment.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    kind = asked or ("otlp" if any(environment.get(name) for name in ENDPOINTS) else "none")
    if kind == "none" or environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return Untraced()
    if kind not in ("otlp", "console"):
        log.warning("nothing is traced: OTEL_TRACES_EXPORTER = %s; expected otlp, console or none", kind)
        return Untraced()
    try:
        return _traced(kind)
    except ImportError as error:
        log.warning("nothing is traced: %s is not installed here (pip install 'adverdict[otel]')", error.name)
        return Untraced()


def _traced(kind: str) -> Tracer:
    from opentelemetry import trace
    from opentelemetry.propagate import extract
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter

    exporter: SpanExporter
    if kind == "console":
        exporter = ConsoleSpanExporter()
    else:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        exporter = OTLPSpanExporter()
    provider = TracerProvider(resource=Resource.create({"service.name": "adverdict"}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("adverdict")

    class Span:
        def __init__(self, method: str, span: trace.Span) -> None:
            self.method, self.span = method, span

        def answered(self, route: str, status: int) -> None:
            self.span.update_name(f"{self.method} {route}")
            self.span.set_attributes({"http.route": route, "http.response.status_code": status})
            if status >= 500:
                self.span.set_status(trace.Status(trace.StatusCode.ERROR))

    class Otel:
        def request(self, method: str, headers: Mapping[bytes, bytes], request_id: str) -> AbstractContextManager[Traced]:
            told = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers.items()}
            attributes = {"http.request.method": method, "adverdict.request_id": request_id}
            opened = tracer.start_as_current_span(method, context=extract(told), kind=trace.SpanKind.SERVER, attributes=attributes)
            return _Opened(method, opened)

    class _Opened(AbstractContextManager[Traced]):
        def __init__(self, method: str, opened: AbstractContextManager[trace.Span]) -> None:
            self.method, self.opened = method, opened

        def __enter__(self) -> Traced:
            return Span(self.method, self.opened.__enter__())

        def __exit__(self, *error: object) -> None:
            self.opened.__exit__(*error)  # type: ignore[arg-type]

    return Otel()
