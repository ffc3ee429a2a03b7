"""A search tries what matters, keeps its trials, and goes on where it stopped."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from adverdict.domain.errors import InvalidSettings
from adverdict.domain.progress import Silent
from adverdict.training.dataset import Dataset, dataset
from adverdict.training.encoder.device import device_of
from adverdict.training.fit.gbm import GbmSettings
from adverdict.training.fit.prepared import FitSettings
from adverdict.training.fit.search import Study, search
from adverdict.training.fit.search_space import chosen, given
from adverdict.training.fit.splits import by_advertiser
from adverdict.training.fit.vectors import VectorSettings
from tests.training.data import ad, pack, said

QUICK = FitSettings(encoder=None, gbm=GbmSettings(num_boost_round=10, learning_rate=0.2), n_folds=2)


class Heard(Silent):
    """Progress that remembers what was said."""

    def __init__(self) -> None:
        self.stages: list[str] = []

    def stage(self, name: str, total: int) -> None:
        self.stages.append(name)


@pytest.fixture(scope="module")
def data() -> Dataset:
    violates = {number: number % 3 == 0 for number in range(60)}
    ads = [ad(number, title=f"{'win cash' if bad else 'fresh bread'} {number % 7}") for number, bad in violates.items()]
    return dataset([pack(ads, said(violates))])


def test_settings_survive_being_drawn_as_they_are() -> None:
    for settings in (QUICK, replace(QUICK, vectors=VectorSettings(width=32))):
        assert chosen(settings, given(settings)) == settings


def test_facts_and_word_vectors_can_be_left_out() -> None:
    settings = replace(QUICK, vectors=VectorSettings())
    without = chosen(settings, {**given(settings), "width": 0, "facts": "none"})
    assert without.vectors is None
    assert [kernel.reads for kernel in without.ridge.kernels] == [("words",)]
    some = chosen(settings, {**given(settings), "facts": "creative"})
    assert {kernel.facts for kernel in some.ridge.kernels} == {"creative"}


def test_the_given_settings_are_tried_first_and_the_least_loss_is_chosen(data: Dataset) -> None:
    found = search(data, QUICK, 3, Silent())
    assert dict(found.trials[0].params) == given(QUICK)
    best = min(found.trials, key=lambda trial: trial.loss)
    assert found.best == best.number
    assert found.settings == chosen(QUICK, best.params)
    assert found.settings.n_folds == QUICK.n_folds
    json.dumps(found.told(), allow_nan=False)


def test_a_study_goes_on_where_it_stopped_and_says_so(data: Dataset, tmp_path: Path) -> None:
    study = Study("spring", tmp_path)
    first = search(data, QUICK, 2, Silent(), study=study)
    heard = Heard()
    second = search(data, QUICK, 1, heard, study=study)
    assert heard.stages == ["searching settings, going on with spring after 2 trials"]
    assert (first.before, second.before) == (0, 2)
    assert [trial.number for trial in (*first.trials, *second.trials)] == [0, 1, 2]
    drawn = [json.dumps(dict(trial.params), sort_keys=True) for trial in (*first.trials, *second.trials)]
    assert len(set(drawn)) == 3
    least = min((*first.trials, *second.trials), key=lambda trial: trial.loss)
    assert second.best == least.number


def test_a_study_of_other_labels_or_settings_is_refused_by_name(data: Dataset, tmp_path: Path) -> None:
    study = Study("spring", tmp_path)
    search(data, QUICK, 1, Silent(), study=study)
    _, rows, _ = next(by_advertiser(data, 2, 0))
    with pytest.raises(InvalidSettings, match=r"spring.*other ads, labels or settings"):
        search(data.part(rows), QUICK, 1, Silent(), study=study)
    with pytest.raises(InvalidSettings, match="spring"):
        search(data, replace(QUICK, seed=1), 1, Silent(), study=study)
    assert search(data.part(rows), QUICK, 1, Silent(), study=study.part("fold 1 of 2")).before == 0


@pytest.mark.parametrize("name", ["cuda", "mps", "tpu"])
def test_a_device_that_is_not_there_is_refused_with_those_that_are(name: str) -> None:
    import torch

    if (name == "cuda" and torch.cuda.is_available()) or (name == "mps" and torch.backends.mps.is_available()):
        assert device_of(name).type == name
        return
    with pytest.raises(InvalidSettings, match=rf"{name}.*PyTorch finds here: cpu"):
        device_of(name)


def test_the_cpu_can_always_be_asked_for() -> None:
    assert device_of("cpu").type == "cpu"
