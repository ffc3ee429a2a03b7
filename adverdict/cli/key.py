"""``adverdict key``: API keys."""

from __future__ import annotations

from typing import Annotated

import typer

from adverdict.cli.door import door

app = typer.Typer(help="Make API keys.", no_args_is_help=True)


@app.command("new")
def new_command(
    name: Annotated[str, typer.Option("--name", help="Who will hold it, such as platform.")],
    scope: Annotated[list[str], typer.Option("--scope", help="score, label, review, policy or admin. Repeat for several.")],
) -> None:
    """Make an API key: the key, which is shown once and stored nowhere, and the entry for ADVERDICT_API_KEYS, which holds its digest."""
    with door():
        from adverdict.domain.keys import new_key

        key, entry = new_key(name, scope)
        typer.echo("The key, for its holder; it is shown this once and stored nowhere:")
        typer.echo(key)
        typer.echo("\nThe entry for ADVERDICT_API_KEYS, or a line of ADVERDICT_API_KEYS_FILE; it holds only the key's digest:")
        typer.echo(entry)
