"""An S3-compatible server in this process, and the environment that leads to it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest

led_to: list[str] = []
"""The endpoint of the file systems that are kept."""


@contextmanager
def server() -> Iterator[str]:
    """Its address, on a free port of 127.0.0.1."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    try:
        yield f"http://127.0.0.1:{running.get_host_and_port()[1]}"
    finally:
        running.stop()


def lead_to(endpoint: str, patch: pytest.MonkeyPatch) -> None:
    """As an operator does it: by the environment alone."""
    from s3fs import S3FileSystem

    if led_to != [endpoint]:
        S3FileSystem.clear_instance_cache()  # file systems are kept by their arguments, and the endpoint is none of them
        led_to[:] = [endpoint]
    told = {"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
    told["AWS_MAX_ATTEMPTS"] = "1"  # s3fs tries again by itself
    for name, value in told.items():
        patch.setenv(name, value)
    patch.delenv("AWS_PROFILE", raising=False)


def new_bucket() -> str:
    """The address of an empty bucket."""
    from s3fs import S3FileSystem

    name = f"test-{uuid4().hex[:12]}"
    S3FileSystem().mkdir(name)
    return f"s3://{name}"
