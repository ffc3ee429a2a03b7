"""``adverdict``: every command.

Each is told, with what it takes, in the file of its subject, and imports what it needs in its body: ``--help`` imports nothing heavy.
"""

from __future__ import annotations

import os
from typing import Annotated

import typer

from adverdict.cli import (
    ads,
    brake,
    certificate,
    clusters,
    history,
    key,
    launch,
    market,
    model,
    models,
    monitor,
    service,
    settings,
)
from adverdict.cli.benchmark import commands as benchmark
from adverdict.cli.creative import creatives, suitability
from adverdict.cli.data import commands as data
from adverdict.cli.data import init
from adverdict.cli.ledger import changes
from adverdict.cli.ledger import commands as ledger
from adverdict.cli.monitor import probing
from adverdict.cli.policy import commands as policy
from adverdict.cli.quickstart import commands as quickstart
from adverdict.cli.rescore import commands as rescore
from adverdict.cli.review import advertiser, report
from adverdict.cli.review import commands as review
from adverdict.cli.rollout import commands as rollout
from adverdict.cli.workforce import commands as workforce

app = typer.Typer(
    name="adverdict",
    help="Decide which ads may run: calibrated risk, certified thresholds, human review for the rest.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version
        from platform import python_version

        from adverdict.features.native import in_words

        typer.echo(f"adverdict {version('adverdict')}, Python {python_version()}, {in_words()}")
        raise typer.Exit


@app.callback()
def adverdict(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")] = False,
) -> None:
    """Decide which ads may run: calibrated risk, certified thresholds, human review for the rest."""
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")  # its bars would run through our own output


for command in (
    init.init,
    ads.simulate,
    models.train,
    models.evaluate,
    models.compare,
    models.promote,
    models.rollback,
    ads.score,
    ads.explain,
    service.serve,
    quickstart.quickstart,
    settings.settings,
):
    app.command()(command)
for name, group in {
    "data": data.app,
    "policy": policy.app,
    "market": market.app,
    "model": model.app,
    "ledger": ledger.app,
    "history": history.app,
    "brake": brake.app,
    "changes": changes.app,
    "monitor": monitor.app,
    "probing": probing.app,
    "launch": launch.app,
    "rollout": rollout.app,
    "certificate": certificate.app,
    "creatives": creatives.app,
    "review": review.app,
    "clusters": clusters.app,
    "advertiser": advertiser.app,
    "report": report.app,
    "rescore": rescore.app,
    "suitability": suitability.app,
    "workforce": workforce.app,
    "benchmark": benchmark.app,
    "key": key.app,
}.items():
    app.add_typer(group, name=name)

if __name__ == "__main__":
    app()
