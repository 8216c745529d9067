"""Merges channels that are always equal: readers use one of them, with the sum of both weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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


def _members(bundle: Mapping[str, Indices]) -> dict[int, dict[str, list[int]]]:
    """The channels of each bundle by tensor."""
    found: dict[int, dict[str, list[int]]] = {}
    for name, numbers in bundle.items():
        for channel, number in enumerate(numbers.tolist()):
            found.setdefault(number, {}).setdefault(name, []).append(channel)
    return found


class _Merging:
    """Works on bundles: channels of several tensors that can only be removed together."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.equal = equal_channels(graph, bounds(graph))
        self.bundle = bundles(graph)
        self.fixed = {
            number for name in (*graph.inputs, *graph.outputs) for number in self.bundle[name]
        }
        self.members = _members(self.bundle)
        self.readers: dict[str, list[Node]] = {}
        for node in graph.nodes:
            if mixes(node.op):
                self.readers.setdefault(node.inputs[0], []).append(node)
        self.weights: dict[str, NDArray[np.int32]] = {}

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
        changed = []
        for node in (node for name in pairs for node in self.readers.get(name, ())):
            sums = self._sums(node, pairs[node.inputs[0]])
            if not self._fits(node, np.stack(list(sums.values()), axis=-1)):
                return False
            changed.append((node, sums, pairs[node.inputs[0]].second))
        for node, sums, duplicates in changed:
            values = self._values(node)
            values[..., list(sums)] = np.stack(list(sums.values()), axis=-1)
            values[..., duplicates] = 0
        return True

    def _pairs(self, first: int, second: int) -> dict[str, _Pairs] | None:
        """Pairs by tensor; None if a duplicate has no equal in the first bundle."""
        found = {}
        for name, duplicates in self.members[second].items():
            numbers = self.equal[name]
            at = {int(numbers[c]): c for c in self.members[first].get(name, ())}
            if any(int(numbers[c]) not in at for c in duplicates):
                return None
            stand_ins = [at[int(numbers[c])] for c in duplicates]
            found[name] = _Pairs(np.array(stand_ins), np.array(duplicates))
        return found

    def _sums(self, node: Node, pairs: _Pairs) -> dict[int, NDArray[np.int32]]:
        """The new weights of the channels that stay."""
        known = self.weights.get(node.name)
        values = self._constant(node).values if known is None else known
        sums: dict[int, NDArray[np.int32]] = {}
        for first, second in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True):
            before = sums.get(first, values[..., first].astype(np.int32))
            sums[first] = before + values[..., second]
        return sums

    def _values(self, node: Node) -> NDArray[np.int32]:
        """The weights so far, to be changed; one copy of each layer, since they may be many MB."""
        if node.name not in self.weights:
            self.weights[node.name] = self._constant(node).values.astype(np.int32)
        return self.weights[node.name]

    def _fits(self, node: Node, sums: NDArray[np.int32]) -> bool:
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
