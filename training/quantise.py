"""An exported encoder in int8: every weight column and every token's state scaled by its own largest value.

Vector-wise quantisation (Dettmers et al. 2022, arXiv 2208.07339, section 2; token-wise in Yao et al. 2022, arXiv 2206.01861): a product of
int8 rows and columns, summed exactly in int32, times both scales. ONNX Runtime's own dynamic quantisation takes one scale for a whole
batch instead, so that a text's score would depend on the texts beside it, and one large state costs all others their precision.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
CONTRIBUTED = "com.microsoft"


def quantise(graph: Path) -> None:
    """Rewrite an ONNX file in place: products with large constant matrices in int8, everything else as it was."""
    import onnx

    model = onnx.load(str(graph))
    _Rewriter(model).rewrite()
    onnx.save(model, str(graph))


def columns(weights: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """``(rows, columns)`` as int8 in [-127, 127], and the ``float32 (columns,)`` that bring them back."""
    scale = np.maximum(np.abs(weights).max(axis=0), SMALLEST) / LARGEST
    return np.clip(np.rint(weights / scale), -LARGEST, LARGEST).astype(np.int8), scale.astype(np.float32)


class _Rewriter:
    """Products that read one state (a layer's query, key and value) become one product: the state is packed once."""

    def __init__(self, model: Any) -> None:
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
        self._new: dict[str, NDArray[Any]] = {}

    def rewrite(self) -> None:
        from onnx import helper, numpy_helper

        graph = self._model.graph
        products: dict[str, list[Any]] = defaultdict(list)
        for node in graph.node:
            if self._is_large(node):
                products[node.input[0]].append(node)
        nodes: list[Any] = []
        replaced: set[str] = set()
        for node in graph.node:
            if node.output[0] in replaced:
                continue
            if not self._is_large(node):
                nodes.append(node)
                continue
            together = products[node.input[0]]
            adds = [self._bias(one) for one in together]
            nodes += self._product(node.input[0], together, adds)
            replaced.update(one.output[0] for one in (*together, *(add for add in adds if add is not None)))
        used = {name for node in nodes for name in node.input} | {output.name for output in graph.output}
        nodes = [node for node in nodes if node.op_type != "Identity" or node.output[0] in used]
        used = {name for node in nodes for name in node.input}
        kept = [tensor for tensor in graph.initializer if tensor.name in used]
        del graph.node[:], graph.initializer[:]
        graph.node.extend(nodes)
        graph.initializer.extend([*kept, *(numpy_helper.from_array(values, name) for name, values in self._new.items())])
        if all(opset.domain != CONTRIBUTED for opset in self._model.opset_import):
            self._model.opset_import.append(helper.make_opsetid(CONTRIBUTED, 1))

    def _is_large(self, node: Any) -> bool:
        tensor = self._constants.get(node.input[1]) if node.op_type == "MatMul" else None
        return tensor is not None and len(tensor.dims) == 2 and min(tensor.dims) >= SMALL_MATRIX

    def _bias(self, product: Any) -> Any | None:
        """The node that adds a constant row to a product and is all that reads it."""
        readers = self._readers[product.output[0]]
        if len(readers) != 1 or readers[0].op_type != "Add":
            return None
        return readers[0] if any(name in self._constants for name in readers[0].input) else None

    def _product(self, state: str, together: Sequence[Any], adds: Sequence[Any | None]) -> Iterator[Any]:
        from onnx import helper

        name = f"{state}.product"
        middle, smallest = (GELU_MIDDLE, GELU_FLOOR) if self._leaves_gelu(state) else (SIGNED_MIDDLE, SMALLEST)
        yield from self._rows(state, middle, smallest)
        weights = np.concatenate([self._value(one.input[1]) for one in together], axis=1)
        rounded, scale = columns(weights)
        inputs = [f"{state}.int8", self._keep(f"{name}.weights", rounded), self._unit(middle), self._keep(f"{name}.scale", scale)]
        yield helper.make_node("MatMulIntegerToFloat", [*inputs, self._middle(middle)], [f"{name}.unscaled"], domain=CONTRIBUTED)
        outputs = [(add or one).output[0] for one, add in zip(together, adds, strict=True)]
        whole = outputs[0] if len(outputs) == 1 else f"{name}.whole"
        if all(add is None for add in adds):
            yield helper.make_node("Mul", [f"{name}.unscaled", f"{state}.scale"], [whole])
        else:
            bias = np.concatenate([self._row(add, one) for one, add in zip(together, adds, strict=True)])
            yield helper.make_node("Mul", [f"{name}.unscaled", f"{state}.scale"], [f"{name}.scaled"])
            yield helper.make_node("Add", [f"{name}.scaled", self._keep(f"{name}.bias", bias)], [whole])
        if len(outputs) > 1:
            sizes = np.array([self._value(one.input[1]).shape[1] for one in together], dtype=np.int64)
            yield helper.make_node("Split", [whole, self._keep(f"{name}.sizes", sizes)], outputs, axis=-1)

    def _rows(self, state: str, middle: int, smallest: float) -> Iterator[Any]:
        """Each token's state over its largest value, in steps of one 127th, or one 223rd for what leaves a GELU."""
        from onnx import helper

        sizes = state
        if middle == SIGNED_MIDDLE:
            sizes = f"{state}.sizes"
            yield helper.make_node("Abs", [state], [sizes])
        least = self._keep(f"int8.smallest.{middle}", np.full((), smallest, np.float32))
        yield helper.make_node("ReduceMax", [sizes], [f"{state}.largest"], axes=[-1], keepdims=1)
        yield helper.make_node("Max", [f"{state}.largest", least], [f"{state}.scale"])
        yield helper.make_node("Reciprocal", [f"{state}.scale"], [f"{state}.inverse"])
        yield helper.make_node("Mul", [state, f"{state}.inverse"], [f"{state}.scaled"])
        yield helper.make_node("QuantizeLinear", [f"{state}.scaled", self._unit(middle), self._middle(middle)], [f"{state}.int8"])

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

    def _row(self, add: Any | None, product: Any) -> NDArray[np.float32]:
        """What an Add adds; zeros without one."""
        if add is None:
            return np.zeros(self._value(product.input[1]).shape[1], np.float32)
        return self._value(next(name for name in add.input if name in self._constants))

    def _keep(self, name: str, values: NDArray[Any]) -> str:
        self._new[name] = values
        return name

    def _unit(self, middle: int) -> str:
        steps = LARGEST if middle == SIGNED_MIDDLE else 255 - middle
        return self._keep(f"int8.unit.{middle}", np.full((), 1 / steps, np.float32))

    def _middle(self, middle: int) -> str:
        return self._keep(f"int8.middle.{middle}", np.full((), middle, np.uint8))
