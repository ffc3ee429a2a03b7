"""``adverdict``: every command, with what it takes. Each body imports what it needs, so that ``--help`` imports nothing heavy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from adverdict.cli import model as model_commands
from adverdict.cli.benchmark import commands as benchmark
from adverdict.cli.ledger import commands as ledger
from adverdict.cli.options import (
    CHAMPION,
    Certificates,
    Data,
    Encoder,
    EncoderEpochs,
    EncoderPrefix,
    Json,
    Model,
    Policies,
    PolicyFiles,
    Seed,
)
from adverdict.cli.rescore import commands as rescore
from adverdict.cli.review import commands as review
from adverdict.cli.review import report

app = typer.Typer(
    name="adverdict",
    help="Decide which ads may run: calibrated risk, certified thresholds, human review for the rest.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
policy = typer.Typer(help="Check and read policy files.", no_args_is_help=True)
app.add_typer(policy, name="policy")
app.add_typer(benchmark.app, name="benchmark")
market = typer.Typer(help="Open a market that nobody labelled an ad of.", no_args_is_help=True)
app.add_typer(market, name="market")
app.add_typer(model_commands.app, name="model")
app.add_typer(ledger.app, name="ledger")
app.add_typer(review.app, name="review")
app.add_typer(report.app, name="report")
app.add_typer(rescore.app, name="rescore")


@app.command()
def simulate(
    ads: Annotated[int, typer.Option("--ads", min=1, help="How many ads.")] = 20_000,
    seed: Seed = 7,
    out: Annotated[Path, typer.Option("--out", help="Folder to write; must not exist.")] = Path("var/marketplace"),
) -> None:
    """Write a simulated marketplace: ads, labels, and their truth kept apart."""
    from adverdict.cli import data

    data.simulate(ads, seed, out)


@app.command()
def train(
    data: Data,
    policies: Policies = None,
    policy_files: PolicyFiles = None,
    encoder: Encoder = "minilm",
    encoder_epochs: EncoderEpochs = 2,
    encoder_prefix: EncoderPrefix = "",
    trials: Annotated[int, typer.Option("--trials", min=0, help="Optuna trials for LightGBM's settings; 0 keeps the defaults.")] = 0,
    test_share: Annotated[float, typer.Option("--test-share", min=0.0, max=0.5, help="Share of advertisers held back to report on.")] = 0.2,
    certify_share: Annotated[
        float,
        typer.Option("--certify-share", min=0.0, max=0.5, help="Share of advertisers not looked at, kept for adverdict policy solve."),
    ] = 0.0,
    cross_validate: Annotated[
        int,
        typer.Option(
            "--cross-validate", min=0, help="Report pooled figures of this many nested folds by advertiser instead, and fit on all labels."
        ),
    ] = 0,
    out: Annotated[Path | None, typer.Option("--out", help="Also keep the bundle in this folder; must not exist.")] = None,
    register: Annotated[bool, typer.Option(help="Register the bundle with MLflow as the challenger.")] = True,
    cache: Annotated[
        bool, typer.Option("--cache/--no-cache", help="Keep what texts and ads were made into for the next training, and use what is kept.")
    ] = True,
    cache_gib: Annotated[
        float, typer.Option("--cache-gib", min=0.001, help="Most that is kept; what was used longest ago goes first.")
    ] = 10.0,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Train all models on labelled ads, evaluate, and register the bundle as the challenger."""
    from adverdict.cli import models

    models.train(
        models.TrainOptions(
            data,
            policies or [],
            policy_files,
            encoder,
            encoder_epochs,
            encoder_prefix,
            trials,
            test_share,
            certify_share,
            cross_validate,
            out,
            register,
            round(cache_gib * 2**30) if cache else 0,
            seed,
            json,
        )
    )


@app.command()
def evaluate(data: Data, model: Model = CHAMPION, json: Json = None) -> None:
    """Measure a model on labelled ads, per policy and market, with intervals."""
    from adverdict.cli import models

    models.evaluate(model, data, json)


@app.command()
def compare(
    data: Data,
    champion: Annotated[str, typer.Option(help="The model in place.")] = CHAMPION,
    challenger: Annotated[str, typer.Option(help="The model that would replace it.")] = "models:/adverdict@challenger",
    json: Json = None,
) -> None:
    """Compare two models on the same ads by paired bootstrap."""
    from adverdict.cli import models

    models.compare(champion, challenger, data, json)


@app.command()
def promote(
    model: Annotated[str, typer.Option("--model", help="The registered version to promote.")] = "models:/adverdict@challenger",
    data: Annotated[
        list[Path] | None, typer.Option("--data", help="Labelled ads to compare with the champion on; needed once there is one.")
    ] = None,
    drop_policies: Annotated[bool, typer.Option(help="Allow a model that no longer scores one of the champion's policies.")] = False,
) -> None:
    """Make a version the champion, unless a gate refuses it; says which."""
    from adverdict.cli import models

    models.promote(model, data or [], drop_policies)


@app.command()
def score(
    ads: Annotated[Path, typer.Option("--ads", help="A table of ads, or a folder that holds one.")],
    out: Annotated[Path, typer.Option("--out", help="Decisions, one JSON document a line, in the order of the ads.")],
    model: Model = CHAMPION,
    policy_files: PolicyFiles = None,
    certificates: Certificates = None,
) -> None:
    """Decide a table of ads as the service would."""
    from adverdict.cli import data

    data.score(ads, out, model, policy_files, certificates)


@app.command()
def explain(
    ad: Annotated[Path, typer.Option("--ad", help="A JSON file with one ad; - for standard input.")],
    model: Model = CHAMPION,
    policy_files: PolicyFiles = None,
    certificates: Certificates = None,
) -> None:
    """Decide one ad and say why."""
    from adverdict.cli import data

    data.explain(ad, model, policy_files, certificates)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; beyond loopback, API keys are required.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535)] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes.")] = None,
    model: Annotated[str | None, typer.Option("--model", help="Model to serve; ADVERDICT_MODEL otherwise.")] = None,
) -> None:
    """Serve POST /v1/score and the rest over HTTP."""
    from adverdict.cli import service

    service.serve(host, port, workers, model)


@app.command()
def quickstart(
    ads: Annotated[int, typer.Option("--ads", min=3000, help="Size of the simulated marketplace.")] = 10_000,
    encoder: Encoder = "minilm",
    home: Annotated[Path, typer.Option("--home", help="Where everything is kept.")] = Path("var"),
    keep_serving: Annotated[bool, typer.Option("--serve/--no-serve", help="Go on serving after the three decisions.")] = True,
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8377,
) -> None:
    """Simulate a marketplace, train, promote, serve, and decide three ads."""
    from adverdict.cli import quickstart as steps

    steps.quickstart(ads, encoder, home, keep_serving, port)


@policy.command("check")
def policy_check(folder: Annotated[Path | None, typer.Argument(help="Folder of policy files; those in use otherwise.")] = None) -> None:
    """Report every mistake in a folder of policy files, with file and line."""
    from adverdict.cli.policy import files as policies

    policies.check(folder)


@policy.command("show")
def policy_show(
    market: Annotated[str, typer.Option("--market", help="Country code, such as SE.")],
    surface: Annotated[str | None, typer.Option("--surface", help="Such as feed; the general rules otherwise.")] = None,
    policy: Annotated[list[str] | None, typer.Option("--policy", help="Only this policy. Repeat for several.")] = None,
    policy_files: PolicyFiles = None,
    model: Annotated[str | None, typer.Option("--model", help="Also show the thresholds this model decides by.")] = None,
    certificates: Certificates = None,
    json: Json = None,
) -> None:
    """Say what is in force in a market, and in which file and line each value is written."""
    from adverdict.cli.policy import files as policies

    policies.show(market, surface, policy or [], policy_files, model, certificates, json)


@policy.command("solve")
def policy_solve(
    data: Data,
    model: Model = CHAMPION,
    policy_files: PolicyFiles = None,
    capacity: Annotated[
        str | None, typer.Option("--capacity", help="Reviews a day, such as 400/day: least expected harm within it, over all markets.")
    ] = None,
    volume: Annotated[Path | None, typer.Option("--volume", help="CSV with market and ads_per_day; needed with --capacity.")] = None,
    label_noise: Annotated[
        bool, typer.Option("--label-noise/--no-label-noise", help="Lower the bounds by what the raters' disagreement leaves open.")
    ] = True,
    one_policy: Annotated[
        bool, typer.Option("--each-policy-alone", help="Confidence for each policy by itself, not for all of a market at once.")
    ] = False,
    otherwise: Annotated[
        str, typer.Option("--otherwise", help="Where nothing is certified: review, or uncertified for the model's own thresholds.")
    ] = "review",
    valid_days: Annotated[int, typer.Option("--valid-days", min=1, max=3650, help="Days until the certificates expire.")] = 90,
    max_flipped: Annotated[
        float, typer.Option("--max-flipped", min=1e-6, max=0.5, help="Share of ads whose verdict leaving the models early may change.")
    ] = 0.001,
    out: Annotated[Path | None, typer.Option("--out", help="Keep certificates.json and its page in this folder.")] = None,
    json: Json = None,
) -> None:
    """Solve and certify the thresholds of every policy in every market, on labelled ads the model has not seen."""
    from adverdict.cli.policy import solve as certify

    certify.solve(
        certify.SolveOptions(
            data=data,
            model=model,
            policy_files=policy_files,
            capacity=capacity,
            volume=volume,
            label_noise=label_noise,
            one_policy=one_policy,
            otherwise=otherwise,
            valid_days=valid_days,
            max_flipped=max_flipped,
            out=out,
            json=json,
        )
    )


@policy.command("diff")
def policy_diff(
    before: Annotated[Path, typer.Argument(metavar="A", help="Folder of policy files as they are.")],
    after: Annotated[Path, typer.Argument(metavar="B", help="Folder of policy files as they would be.")],
    model: Annotated[str | None, typer.Option("--model", help="Score ads once with this model and decide them by both folders.")] = None,
    certificates: Certificates = None,
    data: Annotated[
        list[Path] | None, typer.Option("--data", help="Those ads: a folder with ads.* and labels.*. Repeat for several.")
    ] = None,
    json: Json = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write every ad whose verdict changes here, as CSV.")] = None,
) -> None:
    """Say in words what changes between two folders of policy files, and on ads, which verdicts."""
    from adverdict.cli.policy import files as policies

    policies.diff(before, after, model, certificates, data or [], json, out)


@market.command("onboard")
def market_onboard(
    country: Annotated[str, typer.Option("--market", help="Country code of the new market, such as JP.")],
    data: Annotated[
        list[Path], typer.Option("--data", help="Folder with ads of the market and labelled ads of other markets. Repeat for several.")
    ],
    model: Model = CHAMPION,
    policy_files: PolicyFiles = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the ads to label here, in order, as CSV.")] = None,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Estimate how often ads violate in a market without labels, whether that can be relied on, and which ads to label first."""
    from adverdict.cli import market as markets

    markets.onboard(country, data, model, policy_files, out, seed, json)


if __name__ == "__main__":
    app()
