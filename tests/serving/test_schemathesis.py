"""Requests made up from the OpenAPI document, over real HTTP."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from adverdict.serving.assembly import assemble
from adverdict.serving.http import openapi
from adverdict.serving.http.app import ENDPOINTS
from tests.effort import part_of
from tests.scoring.fakes import FakeRegistry, open_fake
from tests.serving.conftest import until, usual

pytestmark = pytest.mark.slow

DOCUMENT = openapi.document(ENDPOINTS, "1.2.3")


@pytest.fixture
def address(service: Any, app: Any, policy_folder: Path, tmp_path: Path) -> Iterator[str]:
    """The service behind a real HTTP server on a port of its own."""
    import uvicorn

    with socket.socket() as free, pytest.MonkeyPatch.context() as patch:
        free.bind(("127.0.0.1", 0))
        patch.setattr(
            service.inner, "assemble", staticmethod(lambda _: assemble(usual(tmp_path, policy_folder), FakeRegistry(), open_fake))
        )
        patch.setenv("MLFLOW_TRACKING_URI", "unused")
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [free]})
        thread.start()
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        until(lambda: server.started and httpx.get(f"{url}/readyz").status_code == 200)
        yield url
        server.should_exit = True
        thread.join()


@pytest.mark.sampled
@pytest.mark.parametrize("mode", ["POSITIVE", "NEGATIVE"])
@pytest.mark.filterwarnings("ignore")  # the deprecations of Schemathesis' dependencies are not ours
def test_requests_made_up_from_the_document_never_break_the_service(address: str, mode: str) -> None:
    """Schemathesis, up to 40 valid or invalid requests an address: no 5xx, no undescribed status, content type or shape."""
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings
    from schemathesis.checks import not_a_server_error
    from schemathesis.generation import GenerationMode
    from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

    wanted: list[Any] = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
    statuses: Counter[tuple[str, int]] = Counter()
    schema: Any = schemathesis.openapi.from_dict(DOCUMENT)
    for path in ("/v1/score", "/v1/score/batch"):

        @settings(
            max_examples=part_of(40),
            derandomize=True,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        )
        @given(case=schema[path]["POST"].as_strategy(generation_mode=GenerationMode[mode]))
        def call(case: Any) -> None:
            response = case.call(base_url=address)
            statuses[case.operation.path, response.status_code] += 1
            case.validate_response(response, checks=wanted)

        call()
    assert statuses["/v1/score", 200 if mode == "POSITIVE" else 400] > 0
    assert statuses["/v1/score/batch", 200] + statuses["/v1/score/batch", 400] > 0
