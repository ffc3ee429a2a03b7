"""An exported encoder in int8: every weight column by its own largest value, every state by a range measured on examples or by its own.

Vector-wise quantisation (Dettmers et al. 2022, arXiv 2208.07339, section 2; token-wise in Yao et al. 2022, arXiv 2206.01861): a product of
int8 rows and columns, summed exactly in int32, times both scales. ONNX Runtime's own dynamic quantisation takes one scale for a whole
batch instead, so that a text's score would depend on the texts beside it, and one large state costs all others their precision.

Where examples are at hand, states get a range fixed beforehand, which spares six passes over them. Not what leaves a GELU: the first
token's is ten times all others', and what one range for both loses there shows in the scores.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adverdict.training.encoder.static_shapes import drop_unread, runner

LARGEST = 127
"""Of an int8 weight."""
SIGNED_MIDDLE, GELU_MIDDLE = 128, 32
"""Zero points of states as uint8: processors multiply unsigned by signed int8. What leaves a GELU is hardly negative, so it gets more steps
above zero."""
GELU_FLOOR = 0.17 * (255 - GELU_MIDDLE) / GELU_MIDDLE
"""The least scale of what leaves a GELU: its smallest value, -0.17, still fits below the zero point."""
SMALLEST = 1e-9
"""The least scale of other states: zeros stay zeros."""
SMALL_MATRIX = 256
"""Products with fewer rows or columns stay as they are: they cost nothing."""
LARGE_TABLE = 4096
"""Embedding tables with as many rows are stored in int8, each row by its own largest value."""
UNEVEN = 6.0
"""Where the largest channel of a state reaches this many times the median one, channels are evened out."""
MIGRATION = 0.8
"""How much of the unevenness moves into the weights: alpha of SmoothQuant (Xiao et al. 2022, arXiv 2211.10438, equation 4)."""
QUIETEST = 0.1
"""The least a channel is divided by, the median one being 1: what was all but silent in the examples may speak up later."""
CONTRIBUTED = "com.microsoft"


def quantise(graph: Path, examples: Sequence[Sequence[int]] = ()) -> None:
    """Rewrite an ONNX file in place: products with large constant matrices and large embedding tables in int8, all else as it was.

    ``examples`` are token ids of texts such as will be read; a few hundred do. Without any, every state is scaled by its own largest value.
    """
    import onnx

    model = onnx.load(str(graph))
    _Rewriter(model, examples).rewrite()
    onnx.save(model, str(graph))


def columns(weights: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """``(rows, columns)`` as int8 in [-127, 127], and the ``float32 (columns,)`` that bring them back."""
    scale = np.maximum(np.abs(weights).max(axis=0), SMALLEST) / LARGEST
    return np.clip(np.rint(weights / scale), -LARGEST, LARGEST).astype(np.int8), scale.astype(np.float32)


class _Rewriter:
    """Products that read one state (a layer's query, key and value) share its int8 form."""

    def __init__(self, model: Any, examples: Sequence[Sequence[int]]) -> None:
        self._model = model
        self._constants = {tensor.name: tensor for tensor in model.graph.initializer}
        for node in model.graph.node:
            if node.op_type == "Identity" and node.input[0] in self._constants:  # how the exporter writes equal matrices once
                self._constants[node.output[0]] = self._constants[node.input[0]]
        self._made_by = {name: node for node in model.graph.node for name in node.output}
        self._readers: dict[str, list[Any]] = defaultdict(list)
        for node in model.graph.node:
            for name in node.input:
                self._readers[name].append(node)
        self._products: dict[str, list[Any]] = defaultdict(list)
        for node in model.graph.node:
            if self._is_large(node):
                self._products[node.input[0]].append(node)
        self._ranges = _ranges(model, [name for name in self._products if not self._leaves_gelu(name)], examples)
        self._new: dict[str, NDArray[Any]] = {}

    def rewrite(self) -> None:
        from onnx import helper, numpy_helper

        graph = self._model.graph
        nodes: list[Any] = []
        replaced: set[str] = set()
        prepared: set[str] = set()
        for node in graph.node:
            if node.output[0] in replaced:
                continue
            if self._is_large(node):
                state, add = node.input[0], self._bias(node)
                if state not in prepared:
                    nodes += self._fixed(state) if state in self._ranges else self._by_token(state)
                    prepared.add(state)
                nodes += self._product(node, add)
                replaced.update(add.output if add is not None else ())
            elif self._is_table(node):
                nodes += self._table(node)
            else:
                nodes.append(node)
        del graph.node[:]
        graph.node.extend(nodes)
        graph.initializer.extend(numpy_helper.from_array(values, name) for name, values in self._new.items())
        drop_unread(graph)
        if all(opset.domain != CONTRIBUTED for opset in self._model.opset_import):
            self._model.opset_import.append(helper.make_opsetid(CONTRIBUTED, 1))

    def _is_large(self, node: Any) -> bool:
        tensor = self._constants.get(node.input[1]) if node.op_type == "MatMul" else None
        return tensor is not None and len(tensor.dims) == 2 and min(tensor.dims) >= SMALL_MATRIX

    def _is_table(self, node: Any) -> bool:
        tensor = self._constants.get(node.input[0]) if node.op_type == "Gather" else None
        return tensor is not None and len(tensor.dims) == 2 and tensor.dims[0] >= LARGE_TABLE

    def _bias(self, product: Any) -> Any | None:
        """The node that adds a constant row to a product and is all that reads it."""
        readers = self._readers[product.output[0]]
        if len(readers) != 1 or readers[0].op_type != "Add":
            return None
        return readers[0] if any(name in self._constants for name in readers[0].input) else None

    def _fixed(self, state: str) -> Iterator[Any]:
        """A state in 256 steps of its range over all examples, each channel first brought to a like size where they differ much."""
        from onnx import helper

        low, high = self._ranges[state]
        even, source = self._even(state), state
        if even is not None:
            source = f"{state}.even"
            yield helper.make_node("Mul", [state, self._keep(f"{state}.evening", 1 / even)], [source])
            low, high = low / even, high / even
        least, most = min(float(low.min()), 0.0), max(float(high.max()), SMALLEST)
        step = (most - least) / 255
        scale = self._keep(f"{state}.step", np.full((), step, np.float32))
        middle = self._keep(f"{state}.middle", np.full((), round(-least / step), np.uint8))
        yield helper.make_node("QuantizeLinear", [source, scale, middle], [f"{state}.int8"])

    def _even(self, state: str) -> NDArray[np.float32] | None:
        """What to divide a state's channels by, and multiply the rows of its weights with; None where channels are alike."""
        low, high = self._ranges[state]
        reach: NDArray[np.float32] = np.maximum(np.maximum(np.abs(low), np.abs(high)), SMALLEST).astype(np.float32)
        if reach.max() < UNEVEN * np.median(reach):
            return None
        weights = np.max([np.abs(self._value(one.input[1])).max(axis=1) for one in self._products[state]], axis=0)
        factor = reach**MIGRATION / np.maximum(weights, SMALLEST) ** (1 - MIGRATION)
        even: NDArray[np.float32] = np.maximum(factor / np.median(factor), QUIETEST).astype(np.float32)
        return even

    def _by_token(self, state: str) -> Iterator[Any]:
        """Each token's state over its largest value, in steps of one 127th, or one 223rd for what leaves a GELU."""
        from onnx import helper

        sizes, gelu = state, self._leaves_gelu(state)
        if not gelu:
            sizes = f"{state}.sizes"
            yield helper.make_node("Abs", [state], [sizes])
        least = self._keep(f"int8.smallest.{gelu}", np.full((), GELU_FLOOR if gelu else SMALLEST, np.float32))
        scale, middle = self._unit(state)
        yield helper.make_node("ReduceMax", [sizes], [f"{state}.largest"], axes=[-1], keepdims=1)
        yield helper.make_node("Max", [f"{state}.largest", least], [f"{state}.scale"])
        yield helper.make_node("Reciprocal", [f"{state}.scale"], [f"{state}.inverse"])
        yield helper.make_node("Mul", [state, f"{state}.inverse"], [f"{state}.scaled"])
        yield helper.make_node("QuantizeLinear", [f"{state}.scaled", scale, middle], [f"{state}.int8"])

    def _product(self, product: Any, add: Any | None) -> Iterator[Any]:
        from onnx import helper

        state, whole = product.input[0], (add or product).output[0]
        weights, fixed = self._value(product.input[1]), state in self._ranges
        even = self._even(state) if fixed else None
        rounded, scale = columns(weights if even is None else weights * even[:, None])
        kept = [self._keep(f"{whole}.weights", rounded), self._keep(f"{whole}.scale", scale)]
        step, middle = (f"{state}.step", f"{state}.middle") if fixed else self._unit(state)
        inputs = [f"{state}.int8", kept[0], step, kept[1], middle]
        bias = None if add is None else next(self._constants[name].name for name in add.input if name in self._constants)
        if fixed:
            inputs += [] if bias is None else ["", bias]
            yield helper.make_node("MatMulIntegerToFloat", inputs, [whole], domain=CONTRIBUTED)
            return
        scaled = whole if bias is None else f"{whole}.scaled"
        yield helper.make_node("MatMulIntegerToFloat", inputs, [f"{whole}.unscaled"], domain=CONTRIBUTED)
        yield helper.make_node("Mul", [f"{whole}.unscaled", f"{state}.scale"], [scaled])
        if bias is not None:
            yield helper.make_node("Add", [scaled, bias], [whole])

    def _table(self, gather: Any) -> Iterator[Any]:
        """Rows looked up in int8, and brought back by a scale looked up beside them."""
        from onnx import TensorProto, helper

        table, ids, name = gather.input[0], gather.input[1], gather.output[0]
        rounded, scale = columns(self._value(table).T)
        kept = self._keep(f"{table}.int8", np.ascontiguousarray(rounded.T)), self._keep(f"{table}.scale", scale[:, None])
        yield helper.make_node("Gather", [kept[0], ids], [f"{name}.int8"])
        yield helper.make_node("Gather", [kept[1], ids], [f"{name}.scale"])
        yield helper.make_node("Cast", [f"{name}.int8"], [f"{name}.whole"], to=TensorProto.FLOAT)
        yield helper.make_node("Mul", [f"{name}.whole", f"{name}.scale"], [name])

    def _leaves_gelu(self, state: str) -> bool:
        """Whether the error function is among the last operations that made a state (Hendrycks and Gimpel 2016, arXiv 1606.08415)."""
        before = [state]
        for _ in range(4):
            makers = [self._made_by[name] for name in before if name in self._made_by]
            if any(node.op_type == "Erf" for node in makers):
                return True
            before = [name for node in makers if node.op_type in ("Mul", "Add") for name in node.input]
        return False

    def _value(self, name: str) -> NDArray[np.float32]:
        from onnx import numpy_helper

        return numpy_helper.to_array(self._constants[name])

    def _keep(self, name: str, values: NDArray[Any]) -> str:
        self._new[name] = values
        return name

    def _unit(self, state: str) -> tuple[str, str]:
        """Names of the step and the zero point of a state scaled by token."""
        middle, steps = (GELU_MIDDLE, 255 - GELU_MIDDLE) if self._leaves_gelu(state) else (SIGNED_MIDDLE, LARGEST)
        return (
            self._keep(f"int8.unit.{middle}", np.full((), 1 / steps, np.float32)),
            self._keep(f"int8.middle.{middle}", np.full((), middle, np.uint8)),
        )


def _ranges(model: Any, names: Sequence[str], examples: Sequence[Sequence[int]]) -> Mapping[str, tuple[NDArray[Any], NDArray[Any]]]:
    """The least and the largest value of each channel of each state over all examples, ``(width,)`` each; empty without examples."""
    found: dict[str, tuple[NDArray[Any], NDArray[Any]]] = {}
    if not names or not examples:
        return found
    run = runner(model, names)
    for ids in examples:
        for name, state in run(np.array([ids], np.int64)).items():
            low, high = state.min(axis=(0, 1)), state.max(axis=(0, 1))
            before = found.get(name, (low, high))
            found[name] = np.minimum(before[0], low), np.maximum(before[1], high)
    return found
