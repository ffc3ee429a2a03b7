"""Commands about models: train, evaluate, compare, promote, roll back, and the nested benchmark."""

from __future__ import annotations

import getpass
import signal
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adverdict.cli.console import Bars, err, out, write_json
from adverdict.cli.door import door, ledger_of
from adverdict.cli.options import (
    CHAMPION,
    Data,
    Device,
    Encoder,
    EncoderEpochs,
    EncoderPrefix,
    Json,
    Model,
    Policies,
    PolicyFiles,
    Seed,
    Tune,
    Vectors,
)
from adverdict.cli.reading import reads
from adverdict.cli.tables import columns, say_unmatched, table
from adverdict.domain.formats import interval, number

if TYPE_CHECKING:
    from adverdict.domain.settings import Settings
    from adverdict.training.fit.prepared import FitSettings
    from adverdict.training.train import Trained


@reads("data", own=["about"])
def train(
    data: Data,
    policies: Policies = None,
    policy_files: PolicyFiles = None,
    vectors: Vectors = "multilingual",
    encoder: Encoder = "minilm",
    tune: Tune = False,
    encoder_epochs: EncoderEpochs = 2,
    encoder_prefix: EncoderPrefix = "",
    device: Device = "auto",
    trials: Annotated[
        int,
        typer.Option("--trials", min=0, help="Optuna trials of settings: ridge, word vectors, facts, LightGBM, calibration; 0: none."),
    ] = 0,
    study: Annotated[
        str | None, typer.Option("--study", metavar="NAME", help="Keep the trials under this name, and go on with those that are kept.")
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            "--keep", help="A model that decides even where it adds nothing: gbm, transformer or encoder. Can be given more than once."
        ),
    ] = None,
    signal_plugins: Annotated[
        list[str] | None, typer.Option("--signal", metavar="NAME", help="A plug-in's signal to read besides. Can be given more than once.")
    ] = None,
    component_plugins: Annotated[
        list[str] | None, typer.Option("--component", metavar="NAME", help="A plug-in's model to fit besides. Can be given more than once.")
    ] = None,
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
    folder: Annotated[Path | None, typer.Option("--out", help="Also keep the bundle in this folder; must not exist.")] = None,
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
    with door(policies=policy_files) as settings:
        from adverdict.decisions.files.read import read_policies
        from adverdict.training.train import TrainJob
        from adverdict.training.train import train as run

        signal.signal(signal.SIGTERM, signal.default_int_handler)  # a stopped training withdraws what it registered, as on Ctrl-C
        job = TrainJob(
            data=data,
            settings=settings,
            policies=policies or [],
            fit=replace(
                fit_settings(vectors, encoder, seed, tune, encoder_epochs, encoder_prefix, device=device),
                keep=tuple(keep or ()),
                signals=tuple(signal_plugins or ()),
                components=tuple(component_plugins or ()),
            ),
            trials=trials,
            study=study,
            test_share=test_share,
            certify_share=certify_share,
            cross_validate=cross_validate,
            out=folder,
            register=register,
            cache_bytes=round(cache_gib * 2**30) if cache else 0,
        )
        read_by = "none" if encoder == "none" else f"{encoder}, its top fine-tuned" if tune else encoder
        out.print(f"word vectors: {vectors}; transformer: {read_by}", markup=False, highlight=False)
        with Bars() as bars:
            trained = run(job, bars)
        _show_trained(trained)
        say_unmatched(
            read_policies(settings.policies), {policy for one in trained.figures["models"].values() for policy in one["policies"]}
        )
        if json:
            write_json(json, dict(trained.figures))


@reads("data")
def evaluate(data: Data, model: Model = None, json: Json = None) -> None:
    """Measure a model on labelled ads, per policy and market, with intervals."""
    with door(model=model) as settings:
        from adverdict.models.opening import find_model
        from adverdict.storage.tables.pack import read_pack
        from adverdict.training.evaluation.evaluate import evaluate as measure

        bundle = find_model(settings.model, settings).load()
        packs = [read_pack(folder) for folder in data]
        with Bars() as bars:
            figures = measure(bundle, packs, bars)
        for name in figures["trained_on"]:
            err.print(f"warning: the model was trained on {name}: these figures are too good", style="yellow", markup=False)
        show_figures(figures)
        if json:
            write_json(json, figures)


@reads("data")
def compare(
    data: Data,
    champion: Annotated[str, typer.Option(help="The model in place.")] = CHAMPION,
    challenger: Annotated[str, typer.Option(help="The model that would replace it.")] = "models:/adverdict@challenger",
    json: Json = None,
) -> None:
    """Compare two models on the same ads by paired bootstrap."""
    with door() as settings:
        from adverdict.training.evaluation.compare import render

        comparison = _compare(champion, challenger, data, settings)
        out.print(render(comparison))
        if json:
            write_json(json, comparison)


@reads("data")
def promote(
    model: Annotated[str, typer.Option("--model", help="The registered version to promote.")] = "models:/adverdict@challenger",
    data: Annotated[
        list[Path] | None, typer.Option("--data", help="Labelled ads to compare with the champion on; needed once there is one.")
    ] = None,
    drop_policies: Annotated[bool, typer.Option(help="Allow a model that no longer scores one of the champion's policies.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse also what a gate has too little to judge by (exit code 4).")] = False,
) -> None:
    """Make a version the champion, unless a gate refuses it; says which, and what could not be judged."""
    with door() as settings:
        from adverdict.decisions.files.read import read_policies
        from adverdict.models.manifest import check
        from adverdict.models.opening import find_model
        from adverdict.training.gates import counted, first_of_all
        from adverdict.training.promote import promote as run

        _refuse_during_rollout(settings)
        with Bars() as bars:
            promoted = run(model, data or [], drop_policies, settings, bars, strict=strict)
        if promoted.already:
            out.print(f"{promoted.uri} is the champion already: nothing was changed")
            return
        table(["gate", "", "measured"], [[gate.name, gate.outcome, gate.measured] for gate in promoted.gates])
        out.print(counted(promoted.gates), highlight=False)
        if told := first_of_all(promoted.gates, promoted.before):
            out.print(told, style="yellow", markup=False, highlight=False)
        out.print(f"{promoted.uri} is the champion" + (f", in place of {promoted.before}" if promoted.before else ""))
        manifest, _ = check(find_model(promoted.uri, settings).folder)
        say_unmatched(read_policies(settings.policies), manifest.policies)


def rollback(
    why: Annotated[str, typer.Option("--why", help="Kept with the version that is left, or on record.")],
    policies: Annotated[bool, typer.Option("--policies", help="Not the model but the policies: the set before decides again.")] = False,
    by: Annotated[str | None, typer.Option("--by", help="Who does it; the name of the user otherwise.")] = None,
) -> None:
    """Make the champion before the champion again, or the policies before those in force: no labels, no gates. Every service follows
    within seconds."""
    with door() as settings:
        if policies:
            _roll_back_policies(settings, why, by or getpass.getuser())
            return
        from adverdict.training.tracking.aliases import NAME
        from adverdict.training.tracking.rollback import rollback as run
        from adverdict.training.tracking.server import configure, ping

        _refuse_during_rollout(settings)
        store = configure(settings)
        ping(store)
        done = run(store, why, by or getpass.getuser(), datetime.now(UTC))
        out.print(f"models:/{NAME}/{done.now} is the champion again, in place of {done.before}")


def _refuse_during_rollout(settings: Settings) -> None:
    """While a model is tried against the champion, or is just taking its place, nobody else moves the alias. Raises Conflict."""
    from adverdict.domain.errors import Conflict, InvalidSettings, NotFound
    from adverdict.ledger.in_force.rollouts import rollouts_now

    try:
        with ledger_of(settings) as ledger:
            told = rollouts_now(ledger)
    except (InvalidSettings, NotFound):
        return
    on = [one for one in told.on if one.brings_model]
    if on:
        raise Conflict(f"{on[0].rollout_id} tries a model against the champion: 'adverdict rollout abort' ends it first")
    if told.promoting:
        raise Conflict(f"{told.promoting[0].rollout_id} is done and its model is just becoming the champion: wait a minute")


def _roll_back_policies(settings: Settings, why: str, by: str) -> None:
    from adverdict.ledger.in_force.policy_sets import roll_back
    from adverdict.ledger.store import now

    with ledger_of(settings) as ledger, ledger.write() as writing:
        done = roll_back(writing, why, by, now())
    out.print(f"policies {done.policies[:12]} are in force again, in place of {(done.before or '')[:12]}", highlight=False)


def fit_settings(
    vectors: str,
    encoder: str,
    seed: int,
    tune: bool = False,
    epochs: int = 2,
    prefix: str = "",
    history: bool = True,
    device: str = "auto",
) -> FitSettings:
    from adverdict.training.encoder.tune import EncoderSettings
    from adverdict.training.fit.prepared import FitSettings
    from adverdict.training.fit.vectors import VectorSettings

    words = None if vectors == "none" else VectorSettings(vectors)
    chosen = None if encoder == "none" else EncoderSettings(encoder, tune=tune, epochs=epochs, prefix=prefix, device=device)
    return FitSettings(vectors=words, encoder=chosen, history=history, seed=seed)


def _who_decides(figures: Mapping[str, Any]) -> str:
    """Which models are in the bundle, and which earned no place in it."""
    decide = figures["components"]
    left = dict.fromkeys(one["component"] for one in figures["earned"] if one["component"] not in decide)
    said = f"decided by {', '.join(decide)}"
    return f"{said}; left out, for they add nothing that chance would not: {', '.join(left)}" if left else said


def _searched(search: Mapping[str, Any]) -> str:
    now, before = len(search["trials"]), search["trials_before"]
    said = f"{now} trial{'' if now == 1 else 's'} of settings"
    if search["study"]:
        said += f" in study {search['study']}" + (f", which had {before} already" if before else "")
    return f"{said}; the settings are those of trial {search['best']}"


def _show_trained(trained: Trained) -> None:
    from adverdict.storage.tables.told import DataWarning

    for warning in trained.warnings:
        warnings.warn(warning, DataWarning, stacklevel=1)
    show_figures(trained.figures)
    out.print(_who_decides(trained.figures), markup=False, highlight=False)
    if "search" in trained.figures:
        out.print(_searched(trained.figures["search"]), markup=False, highlight=False)
    for paragraph in trained.figures["unstated"]:
        out.print(paragraph, style="yellow", markup=False, highlight=False)
    out.print(f"bundle   {trained.version}")
    if trained.registered:
        out.print(f"model    {trained.registered.uri} (models:/{trained.registered.name}@challenger)")
        if trained.registered.page:
            out.print(f"run      {trained.registered.page}", soft_wrap=True, highlight=False)
    out.print(f"report   {trained.report}", soft_wrap=True, highlight=False)


def show_figures(figures: dict[str, Any] | Any) -> None:
    """A table of every model and policy: how good, of how many, how sure."""
    names = ("policy", "model", "ads", "violating", "AP", "95 %", "AUROC", "Brier", "slope", "intercept")
    shown = columns(names, left=("policy", "model"), title=figures.get("split"))
    for policy, model, measured in _rows(figures["models"]):
        calibration = measured["calibration"]
        ends = measured["ap_interval"]
        shown.add_row(
            policy,
            model,
            str(measured["n"]),
            str(measured["positives"]),
            number(measured["ap"], ".3f"),
            interval(ends[0], ends[1], ".3f") if ends else "–",
            number(measured["auroc"], ".3f"),
            number(measured["brier"], ".4f"),
            number(calibration["slope"], ".2f"),
            number(calibration["intercept"], ".2f"),
        )
    out.print(shown)
    for policy, reason in (figures.get("skipped") or {}).items():
        err.print(f"not trained: {policy}: {reason}", style="yellow", markup=False)
    if figures.get("not_scored"):
        err.print(f"not scored by this model: {', '.join(figures['not_scored'])}", style="yellow", markup=False)


def _rows(models: dict[str, Any]) -> Iterable[tuple[str, str, dict[str, Any]]]:
    policies = list(dict.fromkeys(policy for found in models.values() for policy in found["policies"]))
    for policy in policies:
        for model, found in models.items():
            yield policy, model, found["policies"][policy]


def _compare(champion: str, challenger: str, data: Sequence[Path], settings: Settings) -> dict[str, Any]:
    from adverdict.models.opening import find_model
    from adverdict.training.promote import compare_bundles

    with Bars() as bars:
        return compare_bundles(find_model(champion, settings).load(), find_model(challenger, settings).load(), data, bars)
