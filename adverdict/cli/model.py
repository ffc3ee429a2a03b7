"""``adverdict model``: what is done with registered models besides training, comparing and promoting them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from adverdict.cli.door import door

if TYPE_CHECKING:
    from adverdict.training.tracking.upgrade import Upgraded

app = typer.Typer(help="Look after registered models.", no_args_is_help=True)


@app.command("upgrade")
def upgrade_command(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="adjudicate (all its versions with an alias), models:/adjudicate/1 or …@champion.")
    ],
) -> None:
    """Register again, once, what was registered under the product's former name. The old versions stay as they are."""
    with door() as settings:
        from adverdict.training.tracking.server import configure, ping
        from adverdict.training.tracking.upgrade import upgrade

        store = configure(settings)
        ping(store)
        for done in upgrade(name, store, settings.cache):
            show(done)


def show(done: Upgraded) -> None:
    from adverdict.cli.console import out, printable

    if done.already:
        out.print(printable(f"{done.before} was upgraded before, to {done.now}: nothing was done"), highlight=False, markup=False)
        return
    aliases = f" ({', '.join(done.aliases)})" if done.aliases else ""
    out.print(printable(f"{done.before} is registered again as {done.now}{aliases}"), highlight=False, markup=False)
    for alias, version in done.kept.items():
        out.print(printable(f"  {alias} stays with version {version}"), highlight=False, markup=False)
