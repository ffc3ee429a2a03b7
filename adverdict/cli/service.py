"""``adverdict serve``."""

from __future__ import annotations

from typing import Annotated

import typer

from adverdict.cli.door import door
from adverdict.cli.options import Certificates, PolicyFiles


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; beyond loopback, API keys are required.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535)] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes.")] = None,
    model: Annotated[str | None, typer.Option("--model", help="Model to serve; ADVERDICT_MODEL otherwise.")] = None,
    policy_files: PolicyFiles = None,
    certificates: Certificates = None,
) -> None:
    """Serve POST /v1/score and the rest over HTTP."""
    with door(host=host, port=port, workers=workers, model=model, policies=policy_files, certificates=certificates) as settings:
        from adverdict.serving.run import run

        run(settings)
