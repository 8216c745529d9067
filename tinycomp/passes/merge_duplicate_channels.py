"""Of channels that are always equal one is read: it gets the other's weights on top of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tinycomp.ir import Constant, Graph, Node
from tinycomp.passes._bounds import bounds
from tinycomp.passes._channels import channels, mixes, ties
from tinycomp.passes._equal_channels import Numbers, equal_channels
from tinycomp.passes._rewrite import Edit

LARGEST = 127
"""The largest magnitude of a weight."""


def merge_duplicate_channels(graph: Graph) -> Graph:
    """The int8 graph in which nothing reads a duplicate, so that remove_dead_channels takes it.

    Only where the sums of weights are weights: within LARGEST, and in the codebook if there is one.
    """
    merging = _Merging(graph)
    gone: set[int] = set()
    for first, second in merging.candidates():
        if first not in gone and second not in gone and merging.merge(first, second):
            gone.add(second)
    return merging.apply() if gone else graph


class _Merging:
    """Bundles: channels of all tensors that are computed together or not at all, by number."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.equal = equal_channels(graph, bounds(graph))
        self.bundle = _bundles(graph)
        self.weights: dict[str, NDArray[np.int64]] = {}
        pinned = {*graph.inputs, *graph.outputs}
        self.fixed = {int(b) for name in pinned for b in self.bundle[name]}

    def candidates(self) -> Iterator[tuple[int, int]]:
        """Bundles that have equal channels in one tensor."""
        for name, numbers in self.equal.items():
            first: dict[int, int] = {}
            for number, bundle in zip(numbers.tolist(), self.bundle[name].tolist(), strict=True):
                kept = first.setdefault(number, bundle)
                if kept != bundle:
                    yield kept, bundle

    def merge(self, first: int, second: int) -> bool:
        """Let all readers of the second bundle read the first, if that is exact."""
        if second in self.fixed:
            return False
        changed: dict[str, NDArray[np.int64]] = {}
        for node in self.graph.nodes:
            name = node.inputs[0]
            if not np.any(self.bundle[name] == second):
                continue
        ...
        return True
