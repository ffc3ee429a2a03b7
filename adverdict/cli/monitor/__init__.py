"""``adverdict monitor``: whether what was promised is still true, and what became of the alarms."""

from __future__ import annotations

import typer

from adverdict.cli.monitor import alarms, drift, emerging, looking

app = typer.Typer(help="Whether what was promised is still true: alarms within one budget of false ones.", no_args_is_help=True)
for part in (looking, alarms, drift):
    app.add_typer(part.app)
app.add_typer(emerging.app, name="emerging")
