"""Writes what was fitted as a bundle: a folder that is complete or not there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from adverdict.decisions.thresholds import SolvedThresholds
from adverdict.domain.errors import InvalidSettings, Mistake
from adverdict.features.history.snapshot import write_snapshot
from adverdict.features.history.state import HistoryState
from adverdict.features.text.normalise import VERSION as NORMALISER_VERSION
from adverdict.models.bundle import BLEND, CALIBRATION, HISTORY, THRESHOLDS
from adverdict.models.cascade import FILE as CASCADE
from adverdict.models.encoder import encoder_text
from adverdict.models.manifest import EncoderEntry, Manifest, seal
from adverdict.models.seen import Seen
from adverdict.storage.whole import making_folder
from adverdict.training.dataset import Dataset
from adverdict.training.encoder.tune import EXAMPLES, export
from adverdict.training.fit.everything import Fitted


def write_bundle(
    fitted: Fitted,
    thresholds: SolvedThresholds,
    known: Dataset,
    out: Path,
    created_at: datetime,
    settings: Mapping[str, Any],
    metrics: Mapping[str, Any] | None = None,
) -> str:
    """Write the bundle to ``out``; its version.

    ``known`` is the data whose submissions and labels become the advertiser history: the development data while the test data is still to
    be scored, everything afterwards. Raises InvalidSettings when ``out`` is already there.
    """
    if out.exists():
        raise InvalidSettings("a bundle is never overwritten", [Mistake("out", str(out), "a path where nothing is yet")])
    with making_folder(out) as work:
        work.mkdir()
        return _write(fitted, thresholds, known, work, created_at, settings, metrics or {})


def rewrite_bundle(folder: Path, used: Dataset, known: Dataset, metrics: Mapping[str, Any]) -> str:
    """Give a bundle that was just evaluated its metrics, the names of all whose labels were ``used`` (training and evaluation), and the
    whole history there is, and seal it again; its new version."""
    from adverdict.models.manifest import check

    manifest, _ = check(folder)
    write_snapshot(_history(known), folder / HISTORY)
    Seen.of(used.ads).save(folder)
    return seal(folder, manifest.model_copy(update={"metrics": dict(metrics)}))


def _write(
    fitted: Fitted,
    thresholds: SolvedThresholds,
    known: Dataset,
    folder: Path,
    created_at: datetime,
    settings: Mapping[str, Any],
    metrics: Mapping[str, Any],
) -> str:
    policies = fitted.data.policies
    fitted.ngram.save(folder)
    fitted.gbm.save(folder, policies)
    encoder = None
    if fitted.encoder is not None:
        chosen = fitted.encoder.settings
        some = fitted.data.ads[:: max(1, len(fitted.data.ads) // EXAMPLES)]
        examples = [encoder_text(ad, chosen.prefix) for ad in some]
        export(fitted.encoder.pretrained, fitted.encoder.top, chosen, folder, examples)
        fitted.encoder.kernel.save(folder)
        encoder = EncoderEntry(source=Path(chosen.source).name, prefix=chosen.prefix, max_tokens=chosen.max_tokens)
    _write_json(folder / BLEND, fitted.blend_model.to_json())
    _write_json(folder / CALIBRATION, fitted.calibration.to_json())
    if fitted.cascade is not None:
        _write_json(folder / CASCADE, fitted.cascade.to_json())
    (folder / THRESHOLDS).write_text(thresholds.to_json(), encoding="utf-8", newline="\n")
    write_snapshot(_history(known), folder / HISTORY)
    Seen.of(fitted.data.ads).save(folder)
    if fitted.familiarity is not None:
        fitted.familiarity.save(folder)
    manifest = Manifest(
        created_at=created_at,
        policies=policies,
        components=fitted.blend_model.components,  # type: ignore[arg-type]  # checked by the manifest
        contract=json.loads(fitted.contract.to_json()),
        contract_hash=fitted.contract.hash,
        normaliser_version=NORMALISER_VERSION,
        encoder=encoder,
        settings=dict(settings),
        metrics=dict(metrics),
        data=fitted.data.sources,
        files={},
    )
    return seal(folder, manifest)


def _history(known: Dataset) -> HistoryState:
    state = HistoryState()
    state.observe(known.known_ads, known.labels)
    return state


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, sort_keys=True, allow_nan=False), encoding="utf-8", newline="\n")
