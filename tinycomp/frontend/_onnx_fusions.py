"""Groups of ONNX nodes that are one function here: GELU by the error function, softplus with a
threshold, softsign, vectors divided by their lengths; and nodes that nobody reads, which are left
out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from tinycomp.frontend._onnx_file import OnnxModel, OnnxNode
from tinycomp.ir.tensor import Array

_SMALLEST = 1e-6
"""Bounds of lengths up to this only avoid a division by zero."""


class _Whole(NamedTuple):
    """A group of nodes."""

    source: str
    """What it reads."""
    last: OnnxNode
    """The node with its result."""
    kind: str
    """The operator that it is."""
    attributes: Mapping[str, Any] = {}
    """Of that operator."""


def fused(model: OnnxModel) -> OnnxModel:
    """The model with each group as one node, and only the nodes that its outputs need.

    x * (1 + erf(x / sqrt(2))) / 2, in any order of the products, is a Gelu; x where x is above a
    threshold, else softplus(x), is a Softplus: the threshold only avoids an overflow.
    x / (1 + |x|) is a Softsign, x / max(|x|, 1e-12) an LpNormalization.
    """
    found = _Search(model)
    finders = {"Div": found.quotient, "Erf": found.gelu, "Where": found.softplus}
    nodes = list(model.nodes)
    for node in model.nodes:
        whole = finders.get(node.kind, _nothing)(node)
        if whole is not None:
            place = nodes.index(whole.last)
            nodes[place] = replace(
                whole.last, kind=whole.kind, inputs=(whole.source,), attributes=whole.attributes
            )
    return replace(model, nodes=_needed(model, nodes))


def _nothing(node: OnnxNode) -> None:
    return None


def _needed(model: OnnxModel, nodes: Sequence[OnnxNode]) -> tuple[OnnxNode, ...]:
    """Without nodes that nobody reads; outputs that nobody reads have no name."""
    wanted, kept = {*model.outputs}, []
    for node in reversed(nodes):
        outputs = tuple(name if name in wanted else "" for name in node.outputs)
        if any(outputs):
            wanted |= {*node.inputs} - {""}
            kept.append(replace(node, outputs=outputs))
    return tuple(reversed(kept))


@dataclass(frozen=True)
class _Search:
    """Looks along the edges of a graph."""

    model: OnnxModel
    """The graph."""

    def number(self, name: str) -> float | None:
        """A constant of one value."""
        values: Array | None = self.model.constants.get(name)
        if values is None:
            node = self.producer(name)
            values = node.attributes.get("value") if node and node.kind == "Constant" else None
        return float(values.reshape(-1)[0]) if values is not None and np.size(values) == 1 else None

    def producer(self, name: str) -> OnnxNode | None:
        """The node that computes a value."""
        return next((node for node in self.model.nodes if name in node.outputs), None)

    def readers(self, name: str) -> list[OnnxNode]:
        """The nodes that read a value."""
        return [node for node in self.model.nodes if name in node.inputs]

    def softplus(self, where: OnnxNode) -> _Whole | None:
        """The input, and the last node, of a softplus with a threshold."""
        test, curve = self.producer(where.inputs[0]), self.producer(where.inputs[2])
        source = where.inputs[1]
        if test is None or curve is None or curve.kind != "Softplus":
            return None
        number = self.number(test.inputs[1]) if test.kind == "Greater" else None
        if (number or 0) >= 10 and test.inputs[0] == source == curve.inputs[0]:
            return _Whole(source, where, "Softplus")
        return None

    def quotient(self, division: OnnxNode) -> _Whole | None:
        """A softsign, or vectors divided by their lengths, which may have a lower bound."""
        source, divisor = division.inputs[0], self.producer(division.inputs[1])
        if divisor is not None and divisor.kind == "Add":
            sizes = [self.producer(name) for name in divisor.inputs]
            one = 1.0 in [self.number(name) for name in divisor.inputs]
            if one and any(each and each.kind == "Abs" and each.inputs[0] == source
                           for each in sizes):  # fmt: skip
                return _Whole(source, division, "Softsign")
        while divisor is not None and self._passes(divisor):
            divisor = self.producer(divisor.inputs[0])
        axis = None if divisor is None else self._length_axis(divisor, source)
        if axis is None:
            return None
        return _Whole(source, division, "LpNormalization", {"axis": axis, "p": 2})

    def _passes(self, node: OnnxNode) -> bool:
        """Whether it repeats a length, or bounds it only to avoid a division by zero."""
        if node.kind not in ("Clip", "Max"):
            return node.kind == "Expand"
        given = [name for name in node.inputs[1:] if name]
        if len(given) > 1 or "max" in node.attributes:
            return False
        bound = self.number(given[0]) if given else node.attributes.get("min")
        lower = node.kind == "Max" or not given or node.inputs[1] == given[0]
        return lower and bound is not None and 0 <= bound <= _SMALLEST

    def _length_axis(self, node: OnnxNode, source: str) -> int | None:
        """The axis along which it takes the lengths of that tensor's vectors."""
        if node.kind != "ReduceL2" or node.inputs[0] != source:
            return None
        axes = node.attributes.get("axes")
        if axes is None and len(node.inputs) > 1:
            number = self.number(node.inputs[1])
            axes = None if number is None else [int(number)]
        if axes is None or len(axes) != 1 or not node.attributes.get("keepdims", 1):
            return None
        return int(axes[0])

    def gelu(self, erf: OnnxNode) -> _Whole | None:
        """The input, and the last node, of a GELU around an Erf."""
        inner = self.producer(erf.inputs[0])
        source = None if inner is None else self._scaled(inner, math.sqrt(0.5))
        plus = self.readers(erf.outputs[0])
        if source is None or len(plus) != 1 or plus[0].kind != "Add":
            return None
        if 1.0 not in [self.number(name) for name in plus[0].inputs]:
            return None
        last = next(self._products(plus[0].outputs[0], source), None)
        return None if last is None else _Whole(source, last, "Gelu")

    def _scaled(self, node: OnnxNode, factor: float) -> str | None:
        """The other input of a product with a number, or of a division by its inverse."""
        for place, name in enumerate(node.inputs):
            number = self.number(name)
            if number is None or node.kind not in ("Mul", "Div"):
                continue
            own = number if node.kind == "Mul" else 1 / number
            if abs(own - factor) < 1e-4 and (node.kind == "Mul" or place == 1):
                return node.inputs[1 - place]
        return None

    def _products(self, name: str, source: str) -> Iterator[OnnxNode]:
        """Ways from 1 + erf to x / 2 times that."""
        for first in self.readers(name):
            if first.kind != "Mul":
                continue
            other = next((each for each in first.inputs if each != name), name)
            half = self.producer(other)
            if half is not None and self._scaled(half, 0.5) == source:
                yield first
            for second in self.readers(first.outputs[0]):
                if other == source and self._scaled(second, 0.5) == first.outputs[0]:
                    yield second
                scaled = self._scaled(first, 0.5) == name
                if scaled and second.kind == "Mul" and source in second.inputs:
                    yield second
