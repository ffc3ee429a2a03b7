"""What counts as an encoder's arithmetic."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from adverdict.benchmarks.shared import arithmetic
from adverdict.benchmarks.shared.arithmetic import Work

WIDTH = 4


def test_what_reads_a_texts_first_tokens_only_is_counted_on_those(tmp_path: Path) -> None:
    """One layer on all tokens, and one on the first two: each a product with a stored matrix and two of what was computed."""
    cut = [numpy_helper.from_array(np.array([value], np.int64), name) for name, value in {"from": 0, "to": 2, "axis": 1}.items()]
    nodes = [*_layer("x", "whole"), helper.make_node("Slice", ["whole", "from", "to", "axis"], ["first"]), *_layer("first", "y")]
    work = _counted(tmp_path, nodes, cut)
    assert work == Work(per_token=16, layers=1, width=WIDTH, cut=((2, Work(per_token=16, layers=1, width=WIDTH)),))
    assert work.flop([5, 1]) == Work(16, 1, WIDTH).flop([5, 1]) + Work(16, 1, WIDTH).flop([2, 1])


def test_a_mean_over_tokens_is_no_attention(tmp_path: Path) -> None:
    """Pooling is a product, too, but of weights that come from no layer."""
    weights = numpy_helper.from_array(np.full((1, 1, 3), 1 / 3, np.float32), "weights")
    nodes = [*_layer("x", "states"), helper.make_node("MatMul", ["weights", "states"], ["y"])]
    assert _counted(tmp_path, nodes, [weights]) == Work(per_token=16, layers=1, width=WIDTH)


def test_a_graph_without_stored_matrices_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no product with a stored matrix"):
        _counted(tmp_path, [helper.make_node("Neg", ["x"], ["y"])], [])


def _layer(given: str, made: str) -> list[onnx.NodeProto]:
    return [
        helper.make_node("MatMul", [given, "w"], [f"{made} q"]),
        helper.make_node("Transpose", [f"{made} q"], [f"{made} k"], perm=[0, 2, 1]),
        helper.make_node("MatMul", [f"{made} q", f"{made} k"], [f"{made} a"]),
        helper.make_node("MatMul", [f"{made} a", f"{made} q"], [made]),
    ]


def _counted(folder: Path, nodes: list[onnx.NodeProto], constants: list[onnx.TensorProto]) -> Work:
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["ads", "tokens", WIDTH]) for name in ("x", "y"))
    matrix = numpy_helper.from_array(np.eye(WIDTH, dtype=np.float32), "w")
    onnx.save(helper.make_model(helper.make_graph(nodes, "layers", [x], [y], [matrix, *constants])), str(folder / "model.onnx"))
    return arithmetic.work_of(folder / "model.onnx")
