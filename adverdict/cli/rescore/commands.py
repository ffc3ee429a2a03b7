"""``adverdict rescore``: look again at every live ad, say what would flip, and only then apply it."""

from __future__ import annotations

import typer

from adverdict.cli.rescore import apply, diff, run

app = typer.Typer(help="Look again at every live ad: rescore, compare, apply, undo.", invoke_without_command=True)
app.callback()(run.rescore)
app.command("diff")(diff.diff_command)
app.command("apply")(apply.apply_command)
app.command("undo")(apply.undo_command)
