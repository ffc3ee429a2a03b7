"""Commands about models: train, evaluate, compare, promote, and the nested benchmark."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adverdict.cli.console import Bars, err, errors_end_the_command, out, write_json
from adverdict.cli.tables import columns
from adverdict.domain.formats import number

if TYPE_CHECKING:
    from adverdict.training.fit.everything import FitSettings


@dataclass(frozen=True)
class TrainOptions:
    """The options of ``adverdict train``, in its order."""

    data: Sequence[Path]
    policies: Sequence[str]
    policy_files: Path | None
    encoder: str
    encoder_epochs: int
    encoder_prefix: str
    trials: int
    test_share: float
    certify_share: float
    cross_validate: int
    out: Path | None
    register: bool
    cache_bytes: int
    seed: int
    json: Path | None


def train(options: TrainOptions) -> None:
    with errors_end_the_command():
        from adverdict.training.train import TrainJob
        from adverdict.training.train import train as run

        signal.signal(signal.SIGTERM, signal.default_int_handler)  # a stopped training withdraws what it registered, as on Ctrl-C
        job = TrainJob(
            data=options.data,
            home=home(),
            policies=options.policies,
            policy_files=options.policy_files,
            settings=fit_settings(options.encoder, options.encoder_epochs, options.encoder_prefix, options.seed),
            trials=options.trials,
            test_share=options.test_share,
            certify_share=options.certify_share,
            cross_validate=options.cross_validate,
            out=options.out,
            register=options.register,
            cache_bytes=options.cache_bytes,
        )
        with Bars() as bars:
            trained = run(job, bars)
        for warning in trained.warnings:
            err.print(f"warning: {warning}", style="yellow", markup=False)
        show_figures(trained.figures)
        out.print(f"bundle   {trained.version}")
        if trained.registered:
            out.print(f"model    {trained.registered.uri} (models:/{trained.registered.name}@challenger)")
        out.print(f"report   {trained.report}")
        if options.json:
            write_json(options.json, dict(trained.figures))


def evaluate(model: str, data: Sequence[Path], json: Path | None) -> None:
    with errors_end_the_command():
        from adverdict.storage.tables.pack import read_pack
        from adverdict.training.evaluation.evaluate import evaluate as measure

        bundle = fetch(model)
        packs = [read_pack(folder) for folder in data]
        with Bars() as bars:
            figures = measure(bundle, packs, bars)
        for name in figures["trained_on"]:
            err.print(f"warning: the model was trained on {name}: these figures are too good", style="yellow", markup=False)
        show_figures(figures)
        if json:
            write_json(json, figures)


def compare(champion: str, challenger: str, data: Sequence[Path], json: Path | None) -> None:
    with errors_end_the_command():
        from adverdict.training.evaluation.compare import render

        found = _compare(champion, challenger, data)
        out.print(render(found))
        if json:
            write_json(json, found)


def promote(model: str, data: Sequence[Path], drop_policies: bool) -> None:
    with errors_end_the_command():
        from adverdict.training.promote import promote as run

        with Bars() as bars:
            promoted = run(model, data, drop_policies, home(), bars)
        for gate in promoted.gates:
            out.print(f"  [green]passed[/]  {gate.sentence}")
        out.print(f"models:/adverdict/{promoted.version} is the champion" + (f", in place of {promoted.before}" if promoted.before else ""))


def benchmark_packs(
    data: Sequence[Path], split: str, policies: Sequence[str], settings: FitSettings, by: str | None, live: bool, json: Path | None
) -> None:
    with errors_end_the_command():
        from adverdict.benchmarks.truth.packs import run

        with Bars() as bars:
            figures = run(data, split, policies, settings, bars, by, live)
        show_figures(figures)
        for field, values in figures.get("slices", {}).items():
            for value, policies_of in values.items():
                show_figures({"split": f"{field} = {value}", "models": {"blend": {"policies": policies_of}}})
        if json:
            write_json(json, figures)


def home() -> Path:
    """Where local state is kept: ``ADVERDICT_HOME``, or ``var`` here."""
    return Path(os.environ.get("ADVERDICT_HOME", "var"))


def fetch(model: str, certificates: Path | None = None) -> Any:
    """The bundle a name or folder stands for, loaded, with the thresholds of its certificates where it has any."""
    from dataclasses import replace

    from adverdict.models.bundle import load_bundle
    from adverdict.models.certified import certificates as certificates_of
    from adverdict.models.certified import certified_thresholds
    from adverdict.models.registry import fetch_bundle, is_registered

    if is_registered(model):
        from adverdict.training.tracking.run import configure

        configure(home())
    bundle = load_bundle(fetch_bundle(model, home() / "bundles"))
    found = certificates_of(model, home() / "bundles", certificates)
    return bundle if found is None else replace(bundle, thresholds=certified_thresholds(found, bundle.version, bundle.thresholds))


def fit_settings(encoder: str, epochs: int, prefix: str, seed: int, history: bool = True) -> FitSettings:
    from adverdict.training.encoder.tune import EncoderSettings
    from adverdict.training.fit.everything import FitSettings

    chosen = None if encoder == "none" else EncoderSettings(encoder, epochs=epochs, prefix=prefix)
    return FitSettings(encoder=chosen, history=history, seed=seed)


def show_figures(figures: dict[str, Any] | Any) -> None:
    """A table of every model and policy: how good, of how many, how sure."""
    names = ("policy", "model", "ads", "violating", "AP", "95 %", "AUROC", "Brier", "slope", "intercept")
    table = columns(names, left=("policy", "model"), title=figures.get("split"))
    for policy, model, found in _rows(figures["models"]):
        calibration = found["calibration"]
        table.add_row(
            policy,
            model,
            str(found["n"]),
            str(found["positives"]),
            number(found["ap"], ".3f"),
            "–".join(number(end, ".3f") for end in found["ap_interval"] or (None, None)),
            number(found["auroc"], ".3f"),
            number(found["brier"], ".4f"),
            number(calibration["slope"], ".2f"),
            number(calibration["intercept"], ".2f"),
        )
    out.print(table)
    for policy, reason in (figures.get("skipped") or {}).items():
        err.print(f"not trained: {policy}: {reason}", style="yellow", markup=False)
    if figures.get("not_scored"):
        err.print(f"not scored by this model: {', '.join(figures['not_scored'])}", style="yellow", markup=False)


def _rows(models: dict[str, Any]) -> Iterable[tuple[str, str, dict[str, Any]]]:
    policies = list(dict.fromkeys(policy for found in models.values() for policy in found["policies"]))
    for policy in policies:
        for model, found in models.items():
            yield policy, model, found["policies"][policy]


def _compare(champion: str, challenger: str, data: Sequence[Path]) -> dict[str, Any]:
    from adverdict.training.promote import compare_bundles

    with Bars() as bars:
        return compare_bundles(fetch(champion), fetch(challenger), data, bars)
