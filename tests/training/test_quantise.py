"""The encoder in int8: close to what it was in float32, and no text's score depends, in any digit, on the texts beside it."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from onnx import helper, numpy_helper

from adverdict.models.encoder.encoder import GRAPH, EncoderModel
from adverdict.training.encoder.prefix_cache import load_pretrained
from adverdict.training.encoder.quantise import CONTRIBUTED, LARGEST, columns, quantise
from adverdict.training.encoder.static_shapes import runner, settle_shapes
from adverdict.training.encoder.tune import EXAMPLES, EncoderSettings, _top, export, spread
from tests.tiny import tiny_encoder

pytestmark = pytest.mark.slow  # encoders are trained and exported for it

WIDTH = 256
POLICIES = 3
TOKENS, TUNED = 64, 32
KINDS = ("float32", "int8", "int8 by token")
WORDS = ("win", "free", "money", "now", "casino", "shoes", "garden", "sale", "bonus", "credit", "click", "kids", "video", "loan")
TEXTS = [" ".join(random.Random(number).choices(WORDS, k=1 + number % 9)) for number in range(40)]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same encoder exported as it is, in int8 with ranges taken from examples, and in int8 without examples."""
    made = tmp_path_factory.mktemp("encoders")
    source = tiny_encoder(made / "source", WIDTH)
    pretrained = load_pretrained(str(source), 1, TOKENS)
    settings = EncoderSettings(str(source), max_tokens=TOKENS, tuned_tokens=TUNED)
    top = _top(pretrained, POLICIES, settings).eval()
    export(pretrained, 1, top, replace(settings, int8=False), made / "float32")
    export(pretrained, 1, top, settings, made / "int8", TEXTS[:20])
    shutil.copytree(made / "float32", made / "int8 by token")
    quantise(made / "int8 by token" / GRAPH)
    return {name: made / name for name in KINDS}


@pytest.fixture(scope="module")
def encoders(folders: dict[str, Path]) -> dict[str, EncoderModel]:
    return {name: EncoderModel.load(folder, POLICIES, TOKENS) for name, folder in folders.items()}


@pytest.mark.parametrize("n", [0, 1, EXAMPLES, EXAMPLES + 1, 2 * EXAMPLES - 1, 10_000])
def test_examples_come_from_the_whole_of_the_texts(n: int) -> None:
    chosen = [int(text) for text in spread([str(number) for number in range(n)])]
    assert len(set(chosen)) == min(n, EXAMPLES)
    assert chosen == sorted(chosen)
    assert max(np.diff([-1, *chosen, n])) <= n // EXAMPLES + 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_is_scored_alike_alone_and_among_others(encoders: dict[str, EncoderModel], kind: str) -> None:
    together = encoders[kind].run(TEXTS)
    alone = [encoders[kind].run([text]) for text in TEXTS]
    reversed_pairs = [encoders[kind].run([other, text]) for text, other in zip(TEXTS, reversed(TEXTS), strict=True)]
    for output in (0, 1):
        np.testing.assert_array_equal(together[output], np.concatenate([one[output] for one in alone]))
        np.testing.assert_array_equal(together[output], np.stack([one[output][1] for one in reversed_pairs]))


@pytest.mark.parametrize("kind", KINDS[1:])
def test_int8_stays_close_to_float32(encoders: dict[str, EncoderModel], kind: str) -> None:
    (exact, embedding), (rounded, similar) = encoders["float32"].run(TEXTS), encoders[kind].run(TEXTS)
    assert 0 < np.abs(exact - rounded).max() < 0.05
    cosine = (embedding * similar).sum(1) / np.linalg.norm(embedding, axis=1) / np.linalg.norm(similar, axis=1)
    assert cosine.min() > 0.999


@pytest.mark.parametrize("kind", KINDS[1:])
def test_every_large_product_and_no_other_is_in_int8(folders: dict[str, Path], kind: str) -> None:
    model = onnx.load(str(folders[kind] / GRAPH))
    operations = [node.op_type for node in model.graph.node]
    layers = 2  # the first as it was and the last as it was tuned
    assert operations.count("MatMulIntegerToFloat") == 6 * layers
    assert operations.count("QuantizeLinear") == 4 * layers  # query, key and value read one state
    large = [tensor for tensor in model.graph.initializer if len(tensor.dims) == 2 and min(tensor.dims) >= WIDTH]
    assert all(tensor.data_type == onnx.TensorProto.INT8 for tensor in large)
    assert (folders[kind] / GRAPH).stat().st_size < 0.5 * (folders["float32"] / GRAPH).stat().st_size


def test_with_examples_only_what_leaves_a_gelu_is_scaled_by_token(folders: dict[str, Path]) -> None:
    layers = 2
    counted = {kind: [node.op_type for node in onnx.load(str(folders[kind] / GRAPH)).graph.node].count("ReduceMax") for kind in KINDS}
    assert counted == {"float32": 0, "int8": layers, "int8 by token": 4 * layers}


def test_nothing_works_out_a_shape_that_could_be_stored(folders: dict[str, Path]) -> None:
    for kind in KINDS:
        graph = onnx.load(str(folders[kind] / GRAPH)).graph
        stored = {tensor.name for tensor in graph.initializer}
        attention = [node for node in graph.node if node.op_type == "Reshape" and "attention" in node.output[0]]
        assert len(attention) >= 2 * 4
        assert all(node.input[1] in stored for node in attention)


def test_a_graph_that_asks_for_a_mask_still_runs(folders: dict[str, Path], encoders: dict[str, EncoderModel], tmp_path: Path) -> None:
    model = onnx.load(str(folders["float32"] / GRAPH))
    mask = helper.make_tensor_value_info("attention_mask", onnx.TensorProto.INT64, ["ads", "tokens"])
    model.graph.input.append(mask)
    shutil.copytree(folders["float32"] / "encoder", tmp_path / "encoder")
    onnx.save(model, str(tmp_path / GRAPH))
    before = EncoderModel.load(tmp_path, POLICIES, TOKENS)
    for old, new in zip(before.run(TEXTS), encoders["float32"].run(TEXTS), strict=True):
        np.testing.assert_array_equal(old, new)


def test_one_channel_that_dwarfs_the_others_costs_them_no_precision(tmp_path: Path) -> None:
    """A state a hundred times larger in one channel than elsewhere: with one step for all, the others would keep two digits or none."""
    rng = np.random.default_rng(0)
    table, weights = rng.standard_normal((40, WIDTH), np.float32), rng.standard_normal((WIDTH, WIDTH), np.float32)
    table[:, 7] *= 100
    weights[7] /= 100
    _save(tmp_path / "model.onnx", table, weights)
    quantise(tmp_path / "model.onnx", [[token] for token in range(40)])
    ids = np.arange(40)[None]
    found = runner(onnx.load(str(tmp_path / "model.onnx")), ["y"])(ids)["y"]
    exact = (table @ weights)[None]
    assert np.abs(found - exact).mean() < 0.015 * exact.std()


def test_a_state_beyond_all_examples_is_cut_at_their_range(tmp_path: Path) -> None:
    table, weights = np.zeros((3, WIDTH), np.float32), np.eye(WIDTH, dtype=np.float32)
    table[:, 0] = (1, 2, 50)
    _save(tmp_path / "model.onnx", table, weights)
    quantise(tmp_path / "model.onnx", [[0], [1]])
    found = runner(onnx.load(str(tmp_path / "model.onnx")), ["y"])(np.arange(3)[None])["y"]
    np.testing.assert_allclose(found[0, :, 0], (1, 2, 2), atol=0.02)


def test_a_large_table_is_looked_up_in_int8(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    table = rng.standard_normal((5000, 8), np.float32) * rng.uniform(0.01, 10, (5000, 1)).astype(np.float32)
    _save(tmp_path / "model.onnx", table, np.eye(8, dtype=np.float32))
    quantise(tmp_path / "model.onnx")
    ids = rng.integers(0, 5000, (3, 50))
    found = runner(onnx.load(str(tmp_path / "model.onnx")), ["y"])(ids)["y"]
    assert (np.abs(found - table[ids]) <= 0.501 * np.abs(table[ids]).max(axis=-1, keepdims=True) / LARGEST).all()
    assert (tmp_path / "model.onnx").stat().st_size < 0.5 * table.nbytes


@pytest.mark.parametrize(
    ("shape", "settled"),
    [
        (["texts", "tokens", "two", "four"], [0, 0, 2, 4]),
        (["texts", "two", "tokens", "four"], [0, 2, -1, 4]),
        (["all", "four", "two"], [-1, 4, 2]),
        (["two", "tokens", "texts", "four"], [2, 0, -1, 4]),
        (["tokens", "two", "texts", "four"], None),
    ],
)
def test_a_shape_is_stored_where_one_says_the_same_for_all_texts(shape: list[str], settled: list[int] | None) -> None:
    """States ``(texts, tokens, 8)`` brought to each shape, which is worked out from the texts as an exporter has it done."""
    vectors = {"two": [2], "four": [4], "all": [-1]}
    constants = [numpy_helper.from_array(np.array(value, np.int64), name) for name, value in vectors.items()]
    constants += [numpy_helper.from_array(np.array([place], np.int64), f"at {place}") for place in (0, 1)]
    table = numpy_helper.from_array(np.ones((2, 8), np.float32), "table")
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["x"]),
        helper.make_node("Shape", ["x"], ["sizes"]),
        helper.make_node("Gather", ["sizes", "at 0"], ["texts"]),
        helper.make_node("Gather", ["sizes", "at 1"], ["tokens"]),
        helper.make_node("Concat", shape, ["worked out"], axis=0),
        helper.make_node("Reshape", ["x", "worked out"], ["y"]),
    ]
    model = _model(nodes, [*constants, table])
    settle_shapes(model)
    reshape = model.graph.node[-1]
    stored = {tensor.name: numpy_helper.to_array(tensor).tolist() for tensor in model.graph.initializer}
    assert stored.get(reshape.input[1]) == settled
    assert any(node.op_type == "Shape" for node in model.graph.node) == (settled is None)


def _save(path: Path, table: np.ndarray, weights: np.ndarray) -> None:
    """Token ids, their rows of a table, and one product."""
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["x"]), helper.make_node("MatMul", ["x", "w"], ["y"])]
    onnx.save(_model(nodes, [numpy_helper.from_array(table, "table"), numpy_helper.from_array(weights, "w")]), str(path))


def _model(nodes: list[onnx.NodeProto], constants: list[onnx.TensorProto]) -> onnx.ModelProto:
    ids = helper.make_tensor_value_info("input_ids", onnx.TensorProto.INT64, ["texts", "tokens"])
    graph = helper.make_graph(nodes, "tiny", [ids], [onnx.ValueInfoProto(name="y")], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid(CONTRIBUTED, 1)], ir_version=8)


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
