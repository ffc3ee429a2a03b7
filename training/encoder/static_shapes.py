"""An exported graph that looks its shapes up instead of working them out.

The exporter computes every reshape's target from the states themselves, node by node. With hundreds of such nodes a small batch spends
more time on shapes than on sums.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Run = Callable[[NDArray[np.int64]], dict[str, NDArray[Any]]]

TRIALS = ((3, 7), (5, 11))
"""Texts and tokens: numbers that no layer's own sizes are likely to be told from by chance."""
KEPT, LEFT_OVER = 0, -1
"""What ONNX's Reshape reads as: this axis as it came; whatever is left."""


def settle_shapes(model: Any) -> None:
    """Give each Reshape of an ONNX model a stored shape wherever one says the same for all texts, and drop what nobody reads any more.

    The model's inputs are ``int64 (n_texts, n_tokens)``. It is run twice, on different numbers of texts and tokens; an axis is stored
    when it did not change, kept when it followed the input's, and one may be left over.
    """
    from onnx import numpy_helper

    stored = {tensor.name for tensor in model.graph.initializer}
    reshapes = [node for node in model.graph.node if node.op_type == "Reshape" and node.input[1] not in stored]
    if not reshapes:
        return
    run = runner(model, sorted({name for node in reshapes for name in (node.input[0], node.output[0])}))
    seen = [{name: value.shape for name, value in run(np.ones(trial, np.int64)).items()} for trial in TRIALS]
    for node in reshapes:
        shape = _settled([trial[node.input[0]] for trial in seen], [trial[node.output[0]] for trial in seen])
        if shape is not None:
            name = f"{node.output[0]}.shape"
            model.graph.initializer.append(numpy_helper.from_array(np.array(shape, np.int64), name))
            node.input[1] = name
    drop_unread(model.graph)


def drop_unread(graph: Any) -> None:
    """Remove nodes and stored arrays that lead to no output."""
    needed, nodes = {output.name for output in graph.output}, []
    for node in reversed(graph.node):  # in topological order, as ONNX demands
        if needed.intersection(node.output):
            nodes.append(node)
            needed.update(node.input)
    arrays = [tensor for tensor in graph.initializer if tensor.name in needed]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(reversed(nodes))
    graph.initializer.extend(arrays)


def runner(model: Any, names: Sequence[str]) -> Run:
    """A function from texts of equal length, ``int64 (n_texts, n_tokens)``, to what the model makes of these names."""
    import onnxruntime
    from onnx import ModelProto, ValueInfoProto

    copy = ModelProto()
    copy.CopyFrom(model)
    del copy.graph.output[:]
    copy.graph.output.extend(ValueInfoProto(name=name) for name in names)
    drop_unread(copy.graph)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(copy.SerializeToString(), options, providers=["CPUExecutionProvider"])
    asked = [given.name for given in session.get_inputs()]

    def run(ids: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        given = {name: ids if name == "input_ids" else np.ones_like(ids) for name in asked}
        return dict(zip(names, session.run(list(names), given), strict=True))

    return run


def _settled(came: Sequence[tuple[int, ...]], went: Sequence[tuple[int, ...]]) -> list[int] | None:
    """One shape for both trials, or None when more than one axis would be left over."""
    shape = []
    for axis, (first, second) in enumerate(zip(*went, strict=True)):
        if first == second:
            shape.append(first)
        elif axis < len(came[0]) and all(before[axis] == after[axis] for before, after in zip(came, went, strict=True)):
            shape.append(KEPT)
        else:
            shape.append(LEFT_OVER)
    return shape if shape.count(LEFT_OVER) <= 1 else None
