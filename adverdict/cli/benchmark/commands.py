"""``adverdict benchmark``: every measurement, with what it takes. Each body imports what it needs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from adverdict.cli.benchmark import attacks as benchmark_attacks
from adverdict.cli.benchmark import audits as benchmark_audits
from adverdict.cli.benchmark import batch as benchmark_batch
from adverdict.cli.benchmark import clusters as benchmark_clusters
from adverdict.cli.benchmark import delivery as benchmark_delivery
from adverdict.cli.benchmark import earlier as benchmark_earlier
from adverdict.cli.benchmark import familiarity as benchmark_familiarity
from adverdict.cli.benchmark import fuzz as benchmark_fuzz
from adverdict.cli.benchmark import ledger as benchmark_ledger
from adverdict.cli.benchmark import monitoring as benchmark_monitoring
from adverdict.cli.benchmark import online as benchmark_online
from adverdict.cli.benchmark import packs as benchmark_packs
from adverdict.cli.benchmark import probing as benchmark_probing
from adverdict.cli.benchmark import profile as benchmark_profile
from adverdict.cli.benchmark import quickstarts as benchmark_quickstarts
from adverdict.cli.benchmark import reading as benchmark_reading
from adverdict.cli.benchmark import reports as benchmark_reports
from adverdict.cli.benchmark import rescore as benchmark_rescore
from adverdict.cli.benchmark import rollout as benchmark_rollout
from adverdict.cli.benchmark import start as benchmark_start
from adverdict.cli.benchmark import suitability as benchmark_suitability
from adverdict.cli.benchmark import train as benchmark_train
from adverdict.cli.benchmark import workforce as benchmark_workforce
from adverdict.cli.options import Data, Encoder, EncoderEpochs, EncoderPrefix, Json, Policies, Seed, Tune, Vectors

app = typer.Typer(help="Measure on your own data and machine.", no_args_is_help=True)
app.command("online")(benchmark_online.online)
app.command("batch")(benchmark_batch.batch)
app.command("train")(benchmark_train.train)
app.command("profile")(benchmark_profile.profile)
app.command("start")(benchmark_start.start)
app.command("familiarity")(benchmark_familiarity.familiarity)
app.command("ledger")(benchmark_ledger.ledger)
app.command("attacks")(benchmark_attacks.attacks)
app.command("fuzz")(benchmark_fuzz.fuzz)
app.command("audits")(benchmark_audits.audits)
app.command("rescore")(benchmark_rescore.rescore)
app.command("rollout")(benchmark_rollout.rollout)
app.command("packs")(benchmark_packs.packs)
app.command("quickstarts")(benchmark_quickstarts.quickstarts)
app.command("workforce")(benchmark_workforce.workforce)
app.command("monitoring")(benchmark_monitoring.monitoring)
app.command("delivery")(benchmark_delivery.delivery)
app.command("probing")(benchmark_probing.probing)
app.command("reading")(benchmark_reading.reading)
app.command("reports")(benchmark_reports.reports)
app.command("clusters")(benchmark_clusters.clusters)
app.command("earlier")(benchmark_earlier.earlier)
app.command("suitability")(benchmark_suitability.suitability)


@app.command("certificates")
def certificates(
    data: Annotated[
        list[Path] | None, typer.Option("--data", help="Also on these labelled ads: a folder with ads.* and labels.*. Repeat for several.")
    ] = None,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="60 deployments a stratum, a smaller simulated marketplace, and packs scored by their words alone."),
    ] = False,
    deployments: Annotated[int, typer.Option("--deployments", min=500, help="Deployments a stratum.")] = 500,
    vectors: Vectors = "multilingual",
    encoder: Encoder = "none",
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Whether certified thresholds keep their targets as often as they promise, and what harm they do, where the truth is known."""
    from adverdict.cli import models
    from adverdict.cli.benchmark import certificates as benchmarks

    benchmarks.certificates(data or [], models.fit_settings(vectors, encoder, seed), deployments, quick, json)


@app.command("markets")
def markets(
    data: Data,
    policies: Policies = None,
    max_leakage: Annotated[float, typer.Option("--max-leakage", min=0.0, max=1.0, help="Target for approvals.")] = 0.05,
    max_wrongful_reject: Annotated[float, typer.Option("--max-wrongful-reject", min=0.0, max=1.0, help="Target for rejections.")] = 0.2,
    vectors: Vectors = "multilingual",
    encoder: Encoder = "none",
    tune: Tune = False,
    encoder_epochs: EncoderEpochs = 2,
    encoder_prefix: EncoderPrefix = "",
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Leave out each market in turn and compare what is said of it without labels with its labels."""
    from adverdict.cli import market as markets
    from adverdict.cli import models

    settings = models.fit_settings(vectors, encoder, seed, tune, encoder_epochs, encoder_prefix)
    markets.benchmark(data, policies or [], max_leakage, max_wrongful_reject, settings, json)


@app.command("capacity")
def capacity(
    quick: Annotated[bool, typer.Option("--quick", help="One simulated market instead of three, halved less often.")] = False,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """What planned thresholds are worth beside fixed ones for the same reviewers, where the truth is known."""
    from adverdict.cli.benchmark import capacity as benchmarks

    benchmarks.capacity(seed, quick, json)


@app.command("solve")
def solve(
    quick: Annotated[bool, typer.Option("--quick", help="Up to 30,000 ads instead of a million.")] = False,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """How long solving takes, and how much memory, for 50 policies in 60 markets."""
    from adverdict.cli.benchmark import capacity as benchmarks

    benchmarks.solve(seed, quick, json)
