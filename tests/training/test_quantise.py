"""The encoder in int8: close to what it was in float32, and no text's score depends, in any digit, on the texts beside it."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.encoder import GRAPH, EncoderModel
from tests.tiny import tiny_encoder
from training.fit_encoder import EncoderSettings, _top, export
from training.prefix_cache import load_pretrained
from training.quantise import LARGEST, columns, quantise

WIDTH = 256
POLICIES = 3
TOKENS = 64
WORDS = ("win", "free", "money", "now", "casino", "shoes", "garden", "sale", "bonus", "credit", "click", "kids", "video", "loan")
TEXTS = [" ".join(random.Random(number).choices(WORDS, k=1 + number % 9)) for number in range(40)]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same encoder exported as it is, and in int8."""
    made = tmp_path_factory.mktemp("encoders")
    source = tiny_encoder(made / "source", WIDTH)
    settings = EncoderSettings(str(source), max_tokens=TOKENS, tuned_tokens=32, int8=False)
    pretrained = load_pretrained(str(source), settings.layers, settings.max_tokens)
    export(pretrained, _top(pretrained, POLICIES, settings).eval(), settings, made / "float32")
    shutil.copytree(made / "float32", made / "int8")
    quantise(made / "int8" / GRAPH)
    return {name: made / name for name in ("float32", "int8")}


@pytest.fixture(scope="module")
def encoders(folders: dict[str, Path]) -> dict[str, EncoderModel]:
    return {name: EncoderModel.load(folder, POLICIES, TOKENS) for name, folder in folders.items()}


@pytest.mark.parametrize("kind", ["float32", "int8"])
def test_a_text_is_scored_alike_alone_and_among_others(encoders: dict[str, EncoderModel], kind: str) -> None:
    together = encoders[kind].run(TEXTS)
    alone = [encoders[kind].run([text]) for text in TEXTS]
    reversed_pairs = [encoders[kind].run([other, text]) for text, other in zip(TEXTS, reversed(TEXTS), strict=True)]
    for output in (0, 1):
        np.testing.assert_array_equal(together[output], np.concatenate([one[output] for one in alone]))
        np.testing.assert_array_equal(together[output], np.stack([one[output][1] for one in reversed_pairs]))


def test_int8_stays_close_to_float32(encoders: dict[str, EncoderModel]) -> None:
    (exact, embedding), (rounded, similar) = encoders["float32"].run(TEXTS), encoders["int8"].run(TEXTS)
    assert 0 < np.abs(exact - rounded).max() < 0.05
    cosine = (embedding * similar).sum(1) / np.linalg.norm(embedding, axis=1) / np.linalg.norm(similar, axis=1)
    assert cosine.min() > 0.999


def test_every_large_product_and_no_other_is_in_int8(folders: dict[str, Path]) -> None:
    model = onnx.load(str(folders["int8"] / GRAPH))
    operations = [node.op_type for node in model.graph.node]
    tuned_twice = 3  # the last layer is there as it was and as it was tuned
    assert operations.count("MatMulIntegerToFloat") == 4 * tuned_twice  # query, key and value are one product
    large = [tensor for tensor in model.graph.initializer if len(tensor.dims) == 2 and min(tensor.dims) >= WIDTH]
    assert all(tensor.data_type == onnx.TensorProto.INT8 for tensor in large)
    assert (folders["int8"] / GRAPH).stat().st_size < 0.5 * (folders["float32"] / GRAPH).stat().st_size


def test_equal_texts_are_read_once(folders: dict[str, Path]) -> None:
    encoder = EncoderModel.load(folders["int8"], POLICIES, TOKENS)
    logits, _ = encoder.run(["free money", "kids video", "free money"])
    assert (encoder.work.texts, encoder.work.read) == (3, 2)
    np.testing.assert_array_equal(logits[0], logits[2])


@given(arrays(np.float32, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.floats(-1e6, 1e6, width=32)))
def test_a_column_is_brought_back_within_half_a_step_of_its_largest_weight(weights: np.ndarray) -> None:
    rounded, scale = columns(weights)
    assert (np.abs(rounded.astype(int)) <= LARGEST).all()
    assert (np.abs(rounded * scale.astype(np.float64) - weights) <= 0.501 * scale).all()
