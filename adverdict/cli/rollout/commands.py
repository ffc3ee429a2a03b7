"""``adverdict rollout``: bring a set of policies into force step by step."""

from __future__ import annotations

import typer

from adverdict.cli.rollout import drafting, moving, showing

app = typer.Typer(
    help="Bring policies into force step by step: draft, propose, sign, try on some advertisers, advance, abort.", no_args_is_help=True
)
freezes = typer.Typer(help="Windows in which nothing advances.", no_args_is_help=True)

app.command("draft")(drafting.draft_command)
app.command("check")(drafting.check_command)
app.command("backtest")(drafting.backtest_command)
app.command("propose")(drafting.propose_command)
app.command("sign")(moving.sign_command)
app.command("start")(moving.start_command)
app.command("advance")(moving.advance_command)
app.command("pause")(moving.pause_command)
app.command("resume")(moving.resume_command)
app.command("abort")(moving.abort_command)
app.command("repair")(moving.repair_command)
app.command("watch")(moving.watch_command)
app.command("list")(showing.list_command)
app.command("show")(showing.show_command)
app.command("evidence")(showing.evidence_command)
freezes.command("show")(showing.freezes_command)
freezes.command("check")(showing.frozen_command)
app.add_typer(freezes, name="freeze")
