"""LightGBM's own model texts as arrays for the native core, which walks all policies' trees in one pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from adverdict.features.native import core

if TYPE_CHECKING:
    from numpy.typing import NDArray


def forest(texts: Sequence[str], shared: int, own: int) -> Any | None:
    """The boosters of ``texts``, one a policy, which see ``shared`` features, ``own`` ones of the policy and the n-gram score.

    None where the core is not installed, or does not know what one of them does: LightGBM does it then.
    """
    native = core()
    if native is None:
        return None
    try:
        return native.Forest(len(texts), shared, own, *_arrays(texts, shared + own + 1))
    except (ValueError, KeyError, IndexError):
        return None


def _arrays(texts: Sequence[str], features: int) -> tuple[NDArray[Any], ...]:
    """Trees, nodes, thresholds, leaves, bounds and sets, as ``native/src/forest.h`` has them. Raises ValueError for what it cannot."""
    trees: list[list[int]] = []
    nodes: list[list[int]] = []
    thresholds: list[float] = []
    leaves: list[float] = []
    bounds, sets = [0], list[int]()
    for policy, text in enumerate(texts):
        head, *rest = text.split("\nTree=")
        _refuse_others(_fields(head), features)
        for told in map(_fields, (part.split("\n\n", 1)[0] for part in rest)):
            if told.get("is_linear", "0") != "0":
                raise ValueError("linear trees")
            values = [*map(float, told["leaf_value"].split())]
            trees.append([policy, len(nodes), len(values) - 1, len(leaves)])
            leaves += values
            if len(values) > 1:
                for node, threshold in _nodes(told, len(bounds) - 1):
                    nodes.append(node)
                    thresholds.append(threshold)
                ends = [int(end) for end in told.get("cat_boundaries", "0").split()]
                bounds += [len(sets) + end for end in ends[1:]]
                sets += map(int, told.get("cat_threshold", "").split())
    return (
        np.array(trees, dtype=np.int32).reshape(-1, 4),
        np.array(nodes, dtype=np.int32).reshape(-1, 4),
        np.array(thresholds, dtype=np.float64),
        np.array(leaves, dtype=np.float64),
        np.array(bounds, dtype=np.int32),
        np.array(sets or [0], dtype=np.uint32),
    )


def _nodes(told: Mapping[str, str], sets: int) -> Iterator[tuple[list[int], float]]:
    """Feature, decision type and children of each node, and its threshold; of a categorical one the number of its set."""
    names = ("split_feature", "decision_type", "left_child", "right_child")
    for *node, threshold in zip(*(map(int, told[name].split()) for name in names), map(float, told["threshold"].split()), strict=True):
        yield [int(part) for part in node], threshold + sets if int(node[1]) & 1 else threshold


def _refuse_others(head: Mapping[str, str], features: int) -> None:
    """Raises ValueError for boosters of several outputs, averages, or other features."""
    if head.get("num_tree_per_iteration") != "1" or "average_output" in head or int(head["max_feature_idx"]) + 1 != features:
        raise ValueError("no booster of one sum over these features")


def _fields(text: str) -> dict[str, str]:
    return {name: value for name, _, value in (line.partition("=") for line in text.splitlines())}
