"""A bundle scores the same ad the same way wherever it stands, and refuses to load when anything in it is not what it promised."""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from adverdict.domain.ad import Ad
from adverdict.domain.errors import ContractMismatch, NotFound, UntrustedBundle
from adverdict.models.blend import BlendModel
from adverdict.models.bundle import Bundle, load_bundle
from adverdict.models.explain import reasons
from adverdict.models.manifest import NAME, seal
from adverdict.storage.tables.pack import read_ads


@pytest.fixture(scope="module")
def bundle(tiny_bundle: Path) -> Bundle:
    return load_bundle(tiny_bundle)


@pytest.fixture(scope="module")
def ads(marketplace: Path) -> list[Ad]:
    return read_ads(marketplace)[-120:]


@pytest.fixture
def copy(tiny_bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))


def test_risks_are_probabilities_inside_their_intervals(bundle: Bundle, ads: list[Ad]) -> None:
    risk = bundle.score(ads).risk
    assert risk.shape == (len(ads), len(bundle.policies), 3)
    assert ((risk > 0) & (risk < 1)).all()
    assert (risk[..., 1] <= risk[..., 0]).all()
    assert (risk[..., 0] <= risk[..., 2]).all()


def test_an_ad_alone_scores_exactly_as_among_others(bundle: Bundle, ads: list[Ad]) -> None:
    together = bundle.score(ads).risk
    alone = np.concatenate([bundle.score([ad]).risk for ad in ads])
    np.testing.assert_allclose(alone, together, rtol=0, atol=1e-12)


def test_all_four_models_take_part(bundle: Bundle, ads: list[Ad]) -> None:
    assert set(bundle.score(ads[:3]).parts) == {"ridge", "gbm", "transformer", "encoder"} == set(bundle.manifest.components)


def test_two_loads_score_alike(tiny_bundle: Path, bundle: Bundle, ads: list[Ad]) -> None:
    np.testing.assert_array_equal(load_bundle(tiny_bundle).score(ads).risk, bundle.score(ads).risk)


def test_a_bundle_holds_no_format_that_can_execute(tiny_bundle: Path) -> None:
    suffixes = {path.suffix for path in tiny_bundle.rglob("*") if path.is_file()}
    assert suffixes <= {".json", ".txt", ".safetensors", ".onnx", ".parquet"}


def _flip_a_byte(folder: Path) -> None:
    path = next(path for path in sorted(folder.rglob("*.txt")))
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)


def _drop_a_pickle(folder: Path) -> None:
    (folder / "extra.pkl").write_bytes(pickle.dumps({"harmless": True}))


def _list_a_pickle(folder: Path) -> None:
    raw = pickle.dumps([1])
    (folder / "model.pkl").write_bytes(raw)
    _edit(folder, lambda m: m["files"].update({"model.pkl": {"sha256": hashlib.sha256(raw).hexdigest(), "size": len(raw)}}))


def _point_outside(folder: Path) -> None:
    (folder.parent / "outside.json").write_text("{}")
    _edit(folder, lambda m: m["files"].update({"../outside.json": {"sha256": hashlib.sha256(b"{}").hexdigest(), "size": 2}}))


def _link_outside(folder: Path) -> None:
    target = folder.parent / "elsewhere.json"
    shutil.move(folder / "blend.json", target)
    (folder / "blend.json").symlink_to(target)


def _remove_a_file(folder: Path) -> None:
    (folder / "calibration.json").unlink()


def _add_a_file(folder: Path) -> None:
    (folder / "notes.txt").write_text("not listed")


def _break_the_manifest(folder: Path) -> None:
    (folder / NAME).write_text("{not json")


def _huge_manifest(folder: Path) -> None:
    (folder / NAME).write_bytes(b" " * 5_000_000)


def _other_schema(folder: Path) -> None:
    _edit(folder, lambda m: m.update(schema_version=99))


def _edit(folder: Path, change: Callable[[dict], object]) -> None:  # type: ignore[type-arg]
    manifest = json.loads((folder / NAME).read_text())
    change(manifest)
    (folder / NAME).write_text(json.dumps(manifest))


def _reseal(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    _edit(folder, lambda m: m["files"].update({name: {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}}))


def _resealed_rubbish(folder: Path) -> None:
    _reseal(folder, "calibration.json", b'[{"score": [1, 1]}]')


def _resealed_graph(folder: Path) -> None:
    _reseal(folder, "encoder/model.onnx", b"not a graph")


def _resealed_history(folder: Path) -> None:
    _reseal(folder, "history.parquet", b"PAR1rubbishPAR1")


def _resealed_early_exit(folder: Path) -> None:
    """One that knows a policy less than the bundle."""
    stored = json.loads((folder / "cascade.json").read_bytes())
    stored["spreads"].pop()
    _reseal(folder, "cascade.json", json.dumps(stored).encode())


def _resealed_exit_after_the_encoder(folder: Path) -> None:
    stored = json.loads((folder / "cascade.json").read_bytes())
    stored["blend"] = json.loads((folder / "blend.json").read_bytes())
    _reseal(folder, "cascade.json", json.dumps(stored).encode())


def _resealed_nan(folder: Path) -> None:
    stored = json.loads((folder / "cascade.json").read_bytes())
    stored["blend"]["weights"][0][0] = float("nan")
    _reseal(folder, "cascade.json", json.dumps(stored).encode())


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_flip_a_byte, "content differs"),
        (_drop_a_pickle, "extra.pkl: not a format a bundle may hold"),
        (_list_a_pickle, "model.pkl: not a format a bundle may hold"),
        (_point_outside, "points outside the bundle"),
        (_link_outside, "a link, expected a plain file"),
        (_remove_a_file, "listed, but missing"),
        (_add_a_file, "present, but not listed"),
        (_break_the_manifest, "is not a manifest"),
        (_huge_manifest, "at most"),
        (_other_schema, "schema_version"),
        (_resealed_rubbish, "cannot be loaded"),
        (_resealed_early_exit, "do not fit each other"),
        (_resealed_exit_after_the_encoder, "do not fit each other"),
        (_resealed_nan, "do not fit each other"),
        (_resealed_graph, "cannot be loaded"),
        (_resealed_history, "history.parquet"),
    ],
)
def test_a_bundle_that_is_not_what_it_promised_is_refused_saying_what(copy: Path, damage: Callable[[Path], None], said: str) -> None:
    damage(copy)
    with pytest.raises(UntrustedBundle, match=said):
        _ = load_bundle(copy).history


def test_a_folder_without_a_manifest_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"manifest\.json is missing"):
        load_bundle(tmp_path)


def test_features_that_differ_from_training_are_shown(copy: Path) -> None:
    def rename(manifest: dict) -> None:  # type: ignore[type-arg]
        shared = manifest["contract"]["shared"]
        shared[shared.index("characters") if "characters" in shared else 0] = "a_feature_of_tomorrow"

    _edit(copy, rename)
    with pytest.raises(ContractMismatch, match="a_feature_of_tomorrow"):
        load_bundle(copy)


def test_a_bundle_of_before_the_ridge_still_scores(tiny_bundle: Path, ads: list[Ad], tmp_path: Path) -> None:
    """N-grams alone, all of the encoder's outputs, and the kernel that read them: as bundles were made until November 2026."""
    from adverdict.models.encoder.kernel import KernelModel

    folder = tmp_path / "bundle"
    shutil.copytree(tiny_bundle, folder)
    for name in ("ridge.safetensors", "vectors/table.safetensors", "vectors/tokenizer.json", "cascade.json"):
        (folder / name).unlink()
    shutil.rmtree(folder / "transformer")
    before = load_bundle(tiny_bundle)
    n, width = len(before.policies), len(before.transformer.directions.centre)  # type: ignore[union-attr]
    rng = np.random.default_rng(0)
    kernel = KernelModel(np.ones(width), np.zeros(width), rng.normal(size=(9, width)), rng.normal(size=(9, n)), np.ones(n), np.zeros(n))
    kernel.save(folder)
    names = ("ngram", "gbm", "encoder", "kernel")
    blend = BlendModel(names, np.full((n, 4), 0.3), np.zeros(n))
    (folder / "blend.json").write_text(json.dumps(blend.to_json()))
    seal(folder, before.manifest.model_copy(update={"components": names, "vectors": None}))
    old = load_bundle(folder)
    scores = old.score(ads[:20])
    assert tuple(scores.parts) == names
    np.testing.assert_array_equal(scores.parts["encoder"], before.score(ads[:20]).parts["encoder"])
    expected = sum(0.3 * scores.parts[name] for name in names)
    np.testing.assert_allclose(scores.blend, expected)
    assert reasons(old, ads[0], scores, 0, old.policies[:1])
