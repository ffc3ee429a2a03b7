"""Writes what was fitted as a bundle: a folder that is complete or not there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.errors import InvalidSettings, Mistake
from adverdict.features.history.snapshot import write_snapshot
from adverdict.features.history.state import HistoryState
from adverdict.features.text.normalise import VERSION as NORMALISER_VERSION
from adverdict.models.bundle import AFTER_EXIT, BLEND, CALIBRATION, HISTORY, THRESHOLDS
from adverdict.models.cascade import FILE as CASCADE
from adverdict.models.encoder.encoder import GRAPH, encoder_text
from adverdict.models.manifest import SUFFIXES, EncoderEntry, Manifest, check, seal
from adverdict.models.plugins import BASELINES, PREFIX, entries
from adverdict.models.plugins import FOLDER as PLUGINS
from adverdict.models.seen import Seen
from adverdict.storage.whole import making_folder
from adverdict.training.dataset import Dataset
from adverdict.training.encoder.tune import EXAMPLES, export
from adverdict.training.fit.cascade import cheap
from adverdict.training.fit.everything import Fitted, ReadEncoder
from adverdict.training.fit.prepared import FitSettings


def write_bundle(
    fitted: Fitted,
    thresholds: SolvedThresholds,
    known: Dataset,
    out: Path,
    created_at: datetime,
    settings: Mapping[str, Any],
    metrics: Mapping[str, Any] | None = None,
    *,
    whole: bool = False,
    like: Path | None = None,
) -> str:
    """Write the bundle to ``out``; its version. ``whole``: with the components that have not earned their place, at weight 0, so that they
    can be measured beside the others. ``like``: another bundle of the same fit, whose encoder is copied where it is the same, for making
    one takes seconds.

    ``known`` is the data whose submissions and labels become the advertiser history: the development data while the test data is still to
    be scored, everything afterwards. Raises InvalidSettings when ``out`` is already there.
    """
    if out.exists():
        raise InvalidSettings("a bundle is never overwritten", [Mistake("out", str(out), "a path where nothing is yet")])
    with making_folder(out) as work:
        work.mkdir()
        components = fitted.blend_model.components if whole else fitted.served
        return _write(fitted, components, thresholds, known, work, created_at, settings, metrics or {}, like)


def rewrite_bundle(folder: Path, used: Dataset, known: Dataset, metrics: Mapping[str, Any]) -> str:
    """Give a bundle that was just evaluated its metrics, the names of all whose labels were ``used`` (training and evaluation), and the
    whole history there is, and seal it again; its new version."""
    manifest, _ = check(folder)
    write_snapshot(_history(known), folder / HISTORY)
    Seen.of(used.ads).save(folder)
    return seal(folder, manifest.model_copy(update={"metrics": dict(metrics)}))


def _write(
    fitted: Fitted,
    components: Sequence[str],
    thresholds: SolvedThresholds,
    known: Dataset,
    folder: Path,
    created_at: datetime,
    settings: Mapping[str, Any],
    metrics: Mapping[str, Any],
    like: Path | None,
) -> str:
    policies = fitted.data.policies
    fitted.ridge.save(folder)
    if fitted.vectors is not None:
        fitted.vectors.save(folder)
    if "gbm" in components:
        fitted.gbm.save(folder, policies)
    own = [name.removeprefix(PREFIX) for name in components if name.startswith(PREFIX)]
    _save_plugins(fitted, own, folder)
    encoder = None
    if fitted.encoder is not None and AFTER_EXIT & {*components}:
        read = fitted.encoder
        _save_encoder(fitted, read, components, folder, like)
        if "transformer" in components:
            read.transformer.save(folder)
        name = Path(read.settings.source).name
        encoder = EncoderEntry(source=name, prefix=read.settings.prefix, max_tokens=read.settings.max_tokens, layers=read.depth)
    _write_json(folder / BLEND, fitted.blend_model.of(components).to_json())
    _write_json(folder / CALIBRATION, fitted.calibration.to_json())
    if fitted.cascade is not None:
        cascade = replace(fitted.cascade, blend=fitted.cascade.blend.of(cheap(components)))
        _write_json(folder / CASCADE, cascade.to_json())
    (folder / THRESHOLDS).write_text(thresholds.to_json(), encoding="utf-8", newline="\n")
    write_snapshot(_history(known), folder / HISTORY)
    Seen.of(fitted.data.ads).save(folder)
    if fitted.familiarity is not None:
        fitted.familiarity.save(folder)
    manifest = Manifest(
        created_at=created_at,
        policies=policies,
        components=tuple(components),
        plugins=entries(fitted.contract.signals, own),
        contract=json.loads(fitted.contract.to_json()),
        contract_hash=fitted.contract.hash,
        normaliser_version=NORMALISER_VERSION,
        vectors=None if fitted.vectors is None else fitted.vectors.name,
        encoder=encoder,
        settings=dict(settings),
        metrics=dict(metrics),
        data=fitted.data.sources,
        files={},
    )
    return seal(folder, manifest)


def _save_encoder(fitted: Fitted, read: ReadEncoder, components: Sequence[str], folder: Path, like: Path | None) -> None:
    """Its tuned top is written only where it is a component."""
    tuned = "encoder" in components
    if like is not None and (like / GRAPH).is_file() and tuned == ("encoder" in check(like)[0].components):
        shutil.copytree((like / GRAPH).parent, (folder / GRAPH).parent)
        return
    some = fitted.data.ads[:: max(1, len(fitted.data.ads) // EXAMPLES)]
    examples = [encoder_text(ad, read.settings.prefix) for ad in some]
    export(read.pretrained, read.depth, read.top if tuned else None, read.settings, folder, examples)


def _save_plugins(fitted: Fitted, names: Sequence[str], folder: Path) -> None:
    """Raises InvalidSettings where one writes what no bundle may hold."""
    if not names:
        return
    for name in names:
        (folder / PLUGINS / name).mkdir(parents=True)
        fitted.plugins[name].fitted.save(folder / PLUGINS / name)
    wrong = [
        path for path in sorted((folder / PLUGINS).rglob("*")) if path.is_symlink() or (path.is_file() and path.suffix not in SUFFIXES)
    ]
    if wrong:
        mistakes = [
            Mistake("--component", path.relative_to(folder / PLUGINS).as_posix(), f"files ending in {', '.join(sorted(SUFFIXES))}")
            for path in wrong
        ]
        raise InvalidSettings("a plug-in saves what no bundle may hold:", mistakes)
    _write_json(folder / BASELINES, {name: fitted.plugins[name].held_out.mean(axis=0).tolist() for name in names})


def _history(known: Dataset) -> HistoryState:
    state = HistoryState()
    state.observe(known.known_ads, known.labels)
    return state


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, sort_keys=True, allow_nan=False), encoding="utf-8", newline="\n")


def described(settings: FitSettings) -> dict[str, Any]:
    """Settings for the manifest; of an encoder's folder only the name, for bundles travel."""
    told = asdict(settings)
    if settings.encoder is not None:
        told["encoder"]["source"] = Path(settings.encoder.source).name
    return told


def params_of(model: str, settings: FitSettings) -> dict[str, Any]:
    """Those of one of the models, as parameters of its run."""
    if model in ("transformer", "encoder") and settings.encoder is not None:
        return dict(described(settings)["encoder"])
    if model == "gbm":
        return asdict(settings.gbm)
    return asdict(settings.ridge) if model == "ridge" else {}
