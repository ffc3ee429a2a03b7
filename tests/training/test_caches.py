"""What trainings keep for one another changes nothing but the time they take."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adverdict.domain.progress import Silent
from adverdict.domain.settings import Settings
from adverdict.features.history.asof import counts_asof
from adverdict.features.table import feature_table, learn_contract
from adverdict.features.text.ngrams import ngram_counts, ngram_text
from adverdict.models.encoder.encoder import encoder_text
from adverdict.storage.tables.pack import Pack, read_pack, write_ads, write_labels
from adverdict.training.cache import contents
from adverdict.training.cache.contents import ContentCache, Contents
from adverdict.training.cache.disk_cache import DiskCache
from adverdict.training.dataset import Dataset, dataset
from adverdict.training.encoder import prefix_cache
from adverdict.training.encoder.encoder_cache import EncoderCache
from adverdict.training.encoder.prefix_cache import PrefixCache, Pretrained, load_pretrained, made_by
from adverdict.training.encoder.tune import EncoderSettings
from adverdict.training.fit.gbm import GbmSettings
from adverdict.training.fit.prepared import FitSettings, prepare
from adverdict.training.train import TrainJob, train
from tests.training.reports import without_plots

PLENTY = 10**9
ADS = 1000
POLICIES = ("deceptive", "kids_unsuitable")


@pytest.fixture(scope="module")
def pack(marketplace: Path) -> Pack:
    """As many of the marketplace's ads as are needed to train on."""
    whole = read_pack(marketplace)
    kept = {ad.ad_id for ad in whole.ads[:ADS]}
    return replace(whole, ads=whole.ads[:ADS], labels=[label for label in whole.labels if label.ad_id in kept])


@pytest.fixture(scope="module")
def data(pack: Pack) -> Dataset:
    return dataset([pack], POLICIES)


def same(one: PrefixCache, other: PrefixCache) -> bool:
    rows = range(len(one.lengths))
    states = [[cache.hidden[cache.starts[row] : cache.starts[row] + cache.lengths[row]] for row in rows] for cache in (one, other)]
    return np.array_equal(one.embedding, other.embedding) and all(map(np.array_equal, *states))


def counting(monkeypatch: pytest.MonkeyPatch, module: Any, position: int) -> list[int]:
    """How many were computed, call by call."""
    real, found = module._compute, []

    def compute(*arguments: Any) -> Any:
        found.append(len(arguments[position]))
        return real(*arguments)

    monkeypatch.setattr(module, "_compute", compute)
    return found


def test_contents_are_what_features_and_ngrams_are_computed_one_by_one(data: Dataset, tmp_path: Path) -> None:
    history = counts_asof(data.ads, data.known_ads, data.labels, data.policies)
    contract = learn_contract(data.ads)
    table = feature_table(data.ads, history, contract)
    counts = ngram_counts([ngram_text(ad, text) for ad, text in zip(data.ads, table.texts, strict=True)])
    for disk_cache in (None, DiskCache(tmp_path, PLENTY), DiskCache(tmp_path, PLENTY)):  # without, cold, warm
        found = ContentCache(disk_cache).of(data.ads, Silent())
        assert found.contract() == contract
        ours = found.table(contract, history)
        np.testing.assert_array_equal(ours.shared, table.shared)
        np.testing.assert_array_equal(ours.per_policy, table.per_policy)
        for part in ("indptr", "indices", "data"):
            np.testing.assert_array_equal(getattr(found.counts, part), getattr(counts, part))


def test_a_level_the_contract_does_not_know_and_one_that_is_missing_are_coded_as_features_do(data: Dataset) -> None:
    ads = (data.ads[0].model_copy(update={"market": "QQ", "creative_format": None, "language": "tlh"}), *data.ads[1:30])
    contract = learn_contract(data.ads)
    history = counts_asof(ads, ads, (), data.policies)
    ours = ContentCache().of(ads, Silent()).table(contract, history)
    np.testing.assert_array_equal(ours.shared, feature_table(ads, history, contract).shared)


def test_only_ads_not_kept_are_taken_apart_again(data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = counting(monkeypatch, contents, 0)
    ContentCache(DiskCache(tmp_path, PLENTY)).of(data.ads[:100], Silent())
    cache = ContentCache(DiskCache(tmp_path, PLENTY))
    changed = data.ads[3].model_copy(update={"title": "Something else"})
    cache.of([*data.ads[50:120], changed], Silent())
    cache.of([changed, *data.ads[110:120]], Silent())
    assert made == [100, 21]


def test_rows_come_in_the_order_asked_for_wherever_they_come_from(data: Dataset, tmp_path: Path) -> None:
    ads = list(data.ads[:60])
    straight = ContentCache().of(ads, Silent())
    for some in (ads[40:50], ads[5:20]):
        ContentCache(DiskCache(tmp_path, PLENTY)).of(some, Silent())
    order = np.random.default_rng(0).permutation(60)
    found = ContentCache(DiskCache(tmp_path, PLENTY)).of([ads[row] for row in order], Silent())
    np.testing.assert_array_equal(found.values, straight.values[order])
    assert found.categories == tuple(straight.categories[row] for row in order)
    assert (found.counts != straight.counts[order]).nnz == 0


def test_labels_reach_features_through_history_alone_which_is_never_kept(pack: Pack, tmp_path: Path) -> None:
    turned = replace(pack, labels=[label.model_copy(update={"violates": not label.violates}) for label in pack.labels])
    settings = FitSettings(encoder=None, n_folds=2)

    def features(one: Pack, disk_cache: DiskCache | None) -> Any:
        prepared = prepare(dataset([one], POLICIES), settings, Silent(), ContentCache(disk_cache))
        return prepared.table.shared, prepared.table.per_policy

    features(pack, DiskCache(tmp_path, PLENTY))
    warm, alone = features(turned, DiskCache(tmp_path, PLENTY)), features(turned, None)
    for one, other in zip(warm, alone, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(alone[1], features(pack, None)[1], equal_nan=True), "history does depend on labels"


def test_a_mended_feature_is_another_shelf(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "features").mkdir()
    (tmp_path / "features" / "text.py").write_text("mended = True\n")
    before = contents.made_by()
    monkeypatch.setattr("adverdict.features.__file__", str(tmp_path / "features" / "__init__.py"))
    assert contents.made_by()["code"] != before["code"]
    assert contents.made_by()["contract"] == before["contract"]


@pytest.fixture(scope="module")
def texts(data: Dataset) -> list[str]:
    return list(dict.fromkeys(encoder_text(ad, "") for ad in data.ads[:200]))


@pytest.mark.slow
def test_a_texts_states_are_the_same_in_any_company_and_from_any_cache(encoder_folder: Path, texts: list[str], tmp_path: Path) -> None:
    settings = EncoderSettings(str(encoder_folder), tune=True, max_tokens=32)
    alone = EncoderCache(settings).of(texts, Silent())
    EncoderCache(settings, disk_cache=DiskCache(tmp_path, PLENTY)).of(texts[::-3], Silent())
    disk_cache = DiskCache(tmp_path, PLENTY)
    assert same(EncoderCache(settings, disk_cache=disk_cache).of(texts, Silent()), alone)
    assert same(EncoderCache(settings, disk_cache=disk_cache).of(texts, Silent()), alone)
    assert disk_cache.warnings == []


@pytest.mark.slow
def test_only_texts_not_kept_run_through_the_encoder(
    encoder_folder: Path, texts: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = counting(monkeypatch, prefix_cache, 1)
    settings = EncoderSettings(str(encoder_folder), tune=True, max_tokens=32)
    for some in (texts[:50], texts[20:70], texts[:70]):
        EncoderCache(settings, disk_cache=DiskCache(tmp_path, PLENTY)).of(some, Silent())
    assert ran == [50, 20, 0]


@pytest.mark.slow
def test_who_was_read_deeper_is_not_read_again_and_says_the_same(
    encoder_folder: Path, texts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pretrained, "depths", property(lambda self: self.some or (1, 2)))  # of two layers one would be asked for
    settings = EncoderSettings(str(encoder_folder), max_tokens=32)
    whole = EncoderCache(settings)
    everything, depths = whole.of(texts, Silent()).embedding, whole.pretrained.depths
    ran = counting(monkeypatch, prefix_cache, 1)
    cache = EncoderCache(settings)
    for place, depth in enumerate(depths):
        cache.states(texts[40:90], depths, Silent())
        np.testing.assert_array_equal(cache.states(texts, (depth,), Silent())[:, 0], everything[:, place])
    assert ran == [50] + [len(texts) - 50] * 2


@pytest.mark.slow
def test_other_weights_another_cut_or_another_length_share_nothing(encoder_folder: Path) -> None:
    import torch

    pretrained = load_pretrained(str(encoder_folder), 1, 32)
    found = [made_by(pretrained, 32), made_by(pretrained, 16), made_by(load_pretrained(str(encoder_folder), 0, 32), 32)]
    with torch.no_grad():
        next(iter(pretrained.model.parameters()))[0, 0] += 1e-3
    found.append(made_by(pretrained, 32))
    said = [json.dumps(one, sort_keys=True) for one in found]
    assert len(set(said)) == len(said)
    again = load_pretrained(str(encoder_folder), 1, 32)
    again.tokenizer(["a text"], truncation=True, max_length=7)  # which the tokeniser remembers
    assert made_by(again, 32) == found[0]


@pytest.mark.parametrize("library", ["torch", "transformers", "tokenizers"])
def test_another_version_of_a_library_that_makes_states_shares_nothing(
    encoder_folder: Path, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    pretrained = load_pretrained(str(encoder_folder), 1, 32)
    before, usual = made_by(pretrained, 32), metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "0.0.1" if name == library else usual(name))
    assert made_by(pretrained, 32) != before


def _files(bundle: Path) -> dict[str, Any]:
    """Digests of a bundle's files; its manifest says when it was made."""
    return dict(json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))["files"])


def _written(pack: Pack, folder: Path) -> Path:
    folder.mkdir()
    write_ads(folder / "ads.parquet", pack.ads)
    write_labels(folder / "labels.parquet", pack.labels)
    return folder


@pytest.mark.slow
def test_a_bundle_is_the_same_byte_for_byte_with_the_cache_cold_warm_partly_filled_damaged_or_off(
    pack: Pack, encoder_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ads = sorted(pack.ads, key=lambda ad: ad.submitted_at)
    whole = _written(pack, tmp_path / "whole")
    encoder = EncoderSettings(str(encoder_folder), tune=True, epochs=1, max_tokens=32)
    settings = FitSettings(encoder, GbmSettings(num_boost_round=5, learning_rate=0.2), n_folds=2)

    def made(home: str, name: str, cache_bytes: int = PLENTY) -> tuple[dict[str, Any], tuple[str, ...]]:
        job = TrainJob([whole], Settings(home=tmp_path / home), POLICIES[:1], fit=settings, register=False, cache_bytes=cache_bytes)
        trained = train(replace(job, out=tmp_path / name), Silent(), report=without_plots)
        return _files(tmp_path / name), trained.warnings

    off, _ = made("off", "without", cache_bytes=0)
    assert not (tmp_path / "off" / "cache").exists()
    assert made("home", "cold") == (off, ())
    assert made("home", "warm") == (off, ())
    disk_cache = DiskCache(tmp_path / "other" / "cache", PLENTY)
    ContentCache(disk_cache).of(ads[300:600], Silent())
    EncoderCache(encoder, disk_cache=disk_cache).of(list(dict.fromkeys(encoder_text(ad, "") for ad in ads[:500])), Silent())
    ran, counted = counting(monkeypatch, prefix_cache, 1), counting(monkeypatch, contents, 0)
    assert made("other", "partly") == (off, ())
    assert 0 < sum(ran) <= 500
    assert 0 < sum(counted) < 700
    for part in DiskCache(tmp_path / "home" / "cache", PLENTY).parts():
        (part / "keys.npy").write_bytes(b"\x93NUMPY and nothing else")
    files, warnings = made("home", "damaged")
    assert files == off
    assert len(warnings) == 2, "features and encoder, one part each"
    assert all("computed again" in warning for warning in warnings)


@pytest.mark.slow
def test_folds_share_what_one_of_them_computed(marketplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from adverdict.training.fit.crossvalidate import held_out
    from adverdict.training.fit.splits import by_advertiser

    made: list[int] = counting(monkeypatch, contents, 0)
    data = dataset([read_pack(marketplace)], POLICIES).part(np.arange(1200))
    settings = FitSettings(encoder=None, gbm=GbmSettings(num_boost_round=3), n_folds=2)
    scored = held_out(data, by_advertiser(data, 2, seed=0), settings, Silent())
    assert sum(made) == len(scored.ad_ids) == len(data.ads)


def test_no_ads_have_no_rows() -> None:
    found = ContentCache().of([], Silent())
    assert isinstance(found, Contents)
    assert found.values.shape == (0, len(contents.NAMES))
    assert found.counts.shape[0] == 0
