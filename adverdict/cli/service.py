"""``adverdict serve``."""

from __future__ import annotations

from adverdict.cli.console import errors_end_the_command


def serve(host: str | None, port: int | None, workers: int | None, model: str | None) -> None:
    with errors_end_the_command():
        from adverdict.serving.run import run

        run({"host": host, "port": port, "workers": workers, "model": model})
