"""Options of more than one command of ``adverdict monitor``."""

from __future__ import annotations

from typing import Annotated

import typer

Why = Annotated[str, typer.Option("--why", help="Kept on record.")]
By = Annotated[str | None, typer.Option("--by", help="Who does it; the name of the user otherwise.")]
