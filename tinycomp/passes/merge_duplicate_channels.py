"""Merges channels that are always equal: readers use one of them, with the sum of both weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.tensor import Constant
from tinycomp.passes._bounds import bounds
from tinycomp.passes._channels import Indices, bundles, mixes
from tinycomp.passes._equal_channels import equal_channels
from tinycomp.passes._rewrite import Edit

LARGEST = 127
"""Maximum magnitude of a weight."""


def merge_duplicate_channels(graph: Graph) -> Graph:
    """The int8 graph in which nothing reads duplicates, so that remove_dead_channels removes them.

    Only if the sums of weights are valid weights: within LARGEST, and in the codebook if any.

    Raises:
        ModelError: a sum of the graph could leave 32 bits.
    """
    merging = _Merging(graph)
    gone: set[int] = set()
    for first, second in merging.candidates():
        if first not in gone and second not in gone and merging.merge(first, second):
            gone.add(second)
    return merging.apply() if gone else graph


class _Pairs(NamedTuple):
    """Pairs of equal channels of one tensor."""

    first: Indices
    """The channels that stay."""
    second: Indices
    """Their duplicates."""


class _Merging:
    """Works on bundles: channels of several tensors that can only be removed together."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.equal = equal_channels(graph, bounds(graph))
        self.bundle = bundles(graph)
        self.fixed = {
            number for name in (*graph.inputs, *graph.outputs) for number in self.bundle[name]
        }
        self.weights: dict[str, NDArray[np.int64]] = {}

    def candidates(self) -> Iterator[tuple[int, int]]:
        """Pairs of bundles that have equal channels in one tensor."""
        for name, numbers in self.equal.items():
            first: dict[int, int] = {}
            for number, bundle in zip(numbers.tolist(), self.bundle[name].tolist(), strict=True):
                kept = first.setdefault(number, bundle)
                if kept != bundle:
                    yield kept, bundle

    def merge(self, first: int, second: int) -> bool:
        """Let all readers of the second bundle read the first one, if that is exact."""
        pairs = None if second in self.fixed else self._pairs(first, second)
        if pairs is None:
            return False
        changed: dict[str, NDArray[np.int64]] = {}
        for node in self.graph.nodes:
            if mixes(node.op) and node.inputs[0] in pairs:
                changed[node.name] = self._added(node, pairs[node.inputs[0]])
                if not self._fits(node, changed[node.name][..., pairs[node.inputs[0]].first]):
                    return False
        self.weights |= changed
        return True

    def _pairs(self, first: int, second: int) -> dict[str, _Pairs] | None:
        """Pairs by tensor; None if a duplicate has no equal in the first bundle."""
        found = {}
        for name, numbers in self.equal.items():
            here = self.bundle[name]
            at = {int(numbers[c]): int(c) for c in np.flatnonzero(here == first)}
            duplicates = np.flatnonzero(here == second)
            if any(int(numbers[c]) not in at for c in duplicates):
                return None
            if len(duplicates):
                stand_ins = [at[int(numbers[c])] for c in duplicates]
                found[name] = _Pairs(np.array(stand_ins), duplicates)
        return found

    def _added(self, node: Node, pairs: _Pairs) -> NDArray[np.int64]:
        known = self.weights.get(node.name)
        values = self._constant(node).values.astype(np.int64) if known is None else known.copy()
        for first, second in zip(*pairs, strict=True):
            values[..., first] += values[..., second]
            values[..., second] = 0
        return values

    def _fits(self, node: Node, sums: NDArray[np.int64]) -> bool:
        codebook = self._constant(node).codebook
        if np.abs(sums).max(initial=0) > LARGEST:
            return False
        if codebook is None:
            return True
        groups = np.broadcast_to(codebook, (len(sums), codebook.shape[1]))
        return all(np.isin(row, group).all() for row, group in zip(sums, groups, strict=True))

    def _constant(self, node: Node) -> Constant:
        return self.graph.constants[node.inputs[1]]

    def apply(self) -> Graph:
        """The graph with the new weights."""
        edit = Edit(self.graph)
        for node in self.graph.nodes:
            if node.name in self.weights:
                values = self.weights[node.name].astype(np.int8)
                name = edit.swap_constant(node, replace(self._constant(node), values=values))
                source, _, bias = node.inputs
                edit.replace(node, [replace(node, inputs=(source, name, bias))])
        return edit.apply()
