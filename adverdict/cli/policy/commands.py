"""``adverdict policy``: the commands, each told in the file of its subject."""

from __future__ import annotations

import typer

from adverdict.cli.policy import explain, files, sample, solve

app = typer.Typer(help="Check and read policy files.", no_args_is_help=True)
app.command("check")(files.check_command)
app.command("show")(files.show_command)
app.command("explain")(explain.explain_command)
app.command("sample")(sample.sample_command)
app.command("solve")(solve.solve_command)
app.command("diff")(files.diff_command)
