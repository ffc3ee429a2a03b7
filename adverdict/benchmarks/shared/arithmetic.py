"""How much arithmetic a core can do, measured on the spot, and how much of that an encoder achieves."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SHAPES = ((256, 384, 1536), (512, 384, 1536), (512, 1536, 384), (1024, 1024, 1024), (2048, 2048, 2048))
"""Rows, inner, columns: those of a small encoder's layers, and larger ones."""
SECONDS = 0.3
"""Of multiplying, for each shape."""
KINDS = ("int8", "fp32")
ALL = 1 << 30
"""Tokens: more than any text has."""


@dataclass(frozen=True)
class Work:
    """What one text of n tokens costs: ``per_token`` multiply-adds a token in linear layers; in each of ``layers`` two products of n x n
    by ``width`` for attention. Norms, softmax, activations, pooling and the heads are less than a hundredth, and left out.

    ``cut`` is what reads a text's first tokens only, as pairs of how many and the work on them; it comes on top."""

    per_token: int
    layers: int
    width: int
    cut: tuple[tuple[int, Work], ...] = ()

    def flop(self, lengths: Sequence[int]) -> float:
        """Of texts with these numbers of tokens; a multiply-add is two."""
        tokens = np.asarray(lengths, dtype=np.float64)
        whole = float(2 * (self.per_token * tokens.sum() + 2 * self.layers * self.width * (tokens**2).sum()))
        return whole + sum(work.flop(np.minimum(tokens, most).tolist()) for most, work in self.cut)


def work_of(graph: Path) -> Work:
    """Counted from an ONNX graph: products with a stored matrix are linear layers, products of what they made are attention."""
    import onnx

    model = onnx.load(str(graph), load_external_data=False)
    stored = _stored(model)
    limits: dict[str, int] = {}
    learned: set[str] = set()
    linear: dict[int, list[tuple[int, ...]]] = {}
    attention: dict[int, int] = {}
    for node in model.graph.node:
        most = min([ALL, *(limits[name] for name in node.input if name in limits)])
        if node.op_type == "Slice":
            most = min(most, _first_tokens(node, stored))
        if "MatMul" in node.op_type and len(stored.get(node.input[1], ((),))[0]) == 2:
            linear.setdefault(most, []).append(stored[node.input[1]][0])
            learned.update(node.output)
        elif "MatMul" in node.op_type and learned.issuperset(node.input[:2]):
            attention[most] = attention.get(most, 0) + 1
        if learned.intersection(node.input):
            learned.update(node.output)
        limits.update(dict.fromkeys(node.output, most))
    if not linear:
        raise ValueError(f"{graph} holds no product with a stored matrix")
    width = min(next(iter(linear.values()))[0])
    works = {
        most: Work(sum(rows * columns for rows, columns in shapes), attention.get(most, 0) // 2, width) for most, shapes in linear.items()
    }
    whole = works.pop(ALL, Work(0, 0, width))
    return Work(whole.per_token, whole.layers, width, tuple(sorted(works.items())))


def _stored(model: Any) -> dict[str, tuple[tuple[int, ...], Any]]:
    """Shapes and tensors of what a graph holds, also under the names it has once unpacked or turned."""
    tensors = {tensor.name: (tuple(tensor.dims), tensor) for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type in ("DequantizeLinear", "Transpose", "Cast", "Identity") and node.input[0] in tensors:
            tensors[node.output[0]] = tensors[node.input[0]]
        elif node.op_type == "Constant" and node.attribute[0].name == "value":
            tensors[node.output[0]] = (tuple(node.attribute[0].t.dims), node.attribute[0].t)
    return tensors


def _first_tokens(node: Any, stored: Mapping[str, tuple[tuple[int, ...], Any]]) -> int:
    """How many tokens a Slice of states leaves: it cuts the second axis at a stored place."""
    from onnx import numpy_helper

    ends, axes = (numpy_helper.to_array(stored[name][1]) if name in stored else None for name in node.input[2:4])
    return int(ends[0]) if ends is not None and axes is not None and axes.tolist() == [1] and ends[0] > 0 else ALL


def peaks(threads: int = 1) -> dict[str, float]:
    """The most GFLOP/s that ONNX Runtime reaches here in one large product, by kind; best of ``SHAPES``."""
    return {kind: max(_speed(kind, shape, threads) for shape in SHAPES) for kind in KINDS}


def _speed(kind: str, shape: tuple[int, int, int], threads: int) -> float:
    rows, inner, columns = shape
    session, given = _product(kind, rows, inner, columns, threads)
    session.run(None, given)
    best, end = float("inf"), time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        begin = time.perf_counter()
        session.run(None, given)
        best = min(best, time.perf_counter() - begin)
    return 2 * rows * inner * columns / best / 1e9


def _product(kind: str, rows: int, inner: int, columns: int, threads: int) -> tuple[Any, dict[str, NDArray[Any]]]:
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(0)
    whole = kind == "int8"
    left: NDArray[Any] = rng.integers(0, 255, (rows, inner), np.uint8) if whole else rng.standard_normal((rows, inner), np.float32)
    right: NDArray[Any] = rng.integers(-127, 127, (inner, columns), np.int8) if whole else rng.standard_normal((inner, columns), np.float32)
    node = helper.make_node("MatMulInteger" if whole else "MatMul", ["left", "right"], ["product"])
    taken, given = (TensorProto.UINT8, TensorProto.INT32) if whole else (TensorProto.FLOAT, TensorProto.FLOAT)
    graph = helper.make_graph(
        [node],
        "product",
        [helper.make_tensor_value_info("left", taken, [rows, inner])],
        [helper.make_tensor_value_info("product", given, [rows, columns])],
        [numpy_helper.from_array(right, "right")],  # stored, so that it is laid out once and for all, as an encoder's are
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session, {"left": left}


def share_of_peak(bundle: Path, texts: Sequence[str], rounds: int = 3) -> dict[str, float]:
    """GFLOP/s of a bundle's encoder on these texts, best of ``rounds``, and what share of a core's int8 and fp32 peaks that is.

    Encoding a text into tokens counts as time, not as arithmetic; padding counts as time too. Texts that repeat count once.
    """
    from adverdict.models.bundle import load_bundle

    encoder = load_bundle(bundle).encoder
    if encoder is None:
        raise ValueError(f"{bundle} has no encoder")
    distinct = list({tuple(one.ids): text for one, text in zip(encoder.tokenizer.encode_batch(list(texts)), texts, strict=True)}.values())
    lengths = [len(one.ids) for one in encoder.tokenizer.encode_batch(distinct)]
    flop = work_of(_graph(bundle)).flop(lengths)
    before = peaks()
    best = min(_seconds(encoder, distinct) for _ in range(rounds))
    after = peaks()
    peak = {kind: max(before[kind], after[kind]) for kind in KINDS}
    achieved = flop / best / 1e9
    return {
        "texts": len(distinct),
        "tokens": sum(lengths),
        "texts_per_s": len(distinct) / best,
        "gflop_per_token": flop / sum(lengths) / 1e9,
        "gflop_per_s": achieved,
        "int8_peak_gflop_per_s": peak["int8"],
        "fp32_peak_gflop_per_s": peak["fp32"],
        "int8_share_of_peak": achieved / peak["int8"],
        "fp32_share_of_peak": achieved / peak["fp32"],
    }


def _seconds(encoder: Any, texts: Sequence[str]) -> float:
    begin = time.perf_counter()
    encoder.run(texts)
    return time.perf_counter() - begin


def _graph(bundle: Path) -> Path:
    from adverdict.models.encoder.encoder import GRAPH

    return bundle / GRAPH
