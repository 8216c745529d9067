"""One node of an ONNX file with its inputs resolved: what the functions that read operators get."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tinycomp.common.errors import ModelError
from tinycomp.frontend._onnx_file import OnnxNode
from tinycomp.frontend._onnx_views import View, Weaver, view
from tinycomp.ir.operator import KerasLayer, Operator
from tinycomp.ir.tensor import Array, QuantizationParameters, Shape
from tinycomp.ops.batch_normalization import BatchNormalization

Value = View | Array
"""A computed tensor, or values that are known."""


@dataclass(frozen=True)
class Call:
    """A node to be read."""

    node: OnnxNode
    """As in the file."""
    inputs: tuple[Value | None, ...]
    """None for those that are left out."""
    weaver: Weaver
    """Receives the nodes of the graph."""
    opset: int
    """The version of the operators."""
    name: str
    """Of the node that computes the output."""
    grids: Mapping[str, Array] = field(default_factory=dict)
    """By name, the scales of constants that lie on symmetric int8 steps: one for all, or one for
    each output channel.
    """

    def attribute(self, name: str, default: Any = None) -> Any:
        """An attribute of the node."""
        return self.node.attributes.get(name, default)

    def view(self, index: int = 0) -> View:
        """A computed input.

        Raises:
            ModelError: it is a constant, or left out.
        """
        value = self.inputs[index] if index < len(self.inputs) else None
        if not isinstance(value, View):
            raise self.refusal(
                f"has {'a constant' if value is not None else 'no'} input {index}",
                expected="Expected one that the model computes.",
            )
        return value

    def constant(self, index: int, what: str) -> Array | None:
        """A constant input; None if it is left out.

        Raises:
            ModelError: it is computed.
        """
        value = self.inputs[index] if index < len(self.inputs) else None
        if isinstance(value, View):
            raise self.refusal(
                f"has {what} that the model computes",
                expected="Expected constant values.",
                hint="Export the model with fixed shapes, and as trained.",
            )
        return value

    def required(self, index: int, what: str) -> Array:
        """A constant input that must be there."""
        value = self.constant(index, what)
        if value is None:
            raise self.refusal(f"has no {what}")
        return value

    def listed(self, index: int, name: str) -> list[int] | None:
        """Whole numbers: an attribute in early opsets, an input in later ones."""
        if name in self.node.attributes:
            value = self.attribute(name)
            return [int(each) for each in (value if isinstance(value, Sequence) else [value])]
        values = self.constant(index, name)
        return None if values is None else [int(each) for each in values.ravel()]

    def axes(self, given: Sequence[int], rank: int) -> tuple[int, ...]:
        """Axes from 0.

        Raises:
            ModelError: the tensor does not have them.
        """
        if any(not -rank <= axis < rank for axis in given):
            raise self.refusal(f"names the axes {list(given)} of a tensor of {rank} axes")
        return tuple(axis % rank for axis in given)

    def refusal(self, what: str, *, expected: str = "", hint: str = "") -> ModelError:
        """The error for something unsupported; the text continues the node's name."""
        return ModelError(f"{self.node.label} {what}.", expected=expected, hint=hint)

    def part(self, name: str) -> str:
        """The name of a node beside the one of the output."""
        return f"{self.name}/{name}" if name else self.name

    def add(self, op: Operator, inputs: Sequence[str], part: str = "") -> str:
        """Append a node."""
        return self.weaver.add(op, inputs, self.part(part))

    def same(self, op: Operator, x: View, part: str = "") -> View:
        """A function of each value."""
        return x.renamed(self.add(op, [x.name], part))

    def whole(self, x: View) -> View:
        """The tensor, marked as one of whole numbers, which a Cast may make of another type."""
        self.weaver.whole.add(x.name)
        return x

    def grid(self, index: int) -> Array | None:
        """The scales of a constant input's int8 steps, if it has some."""
        return self.grids.get(self.node.inputs[index])

    def weight(self, part: str, values: Array, scales: Array | None = None) -> str:
        """A constant of the graph; with the scales of the int8 steps that it lies on, if any."""
        builder = self.weaver.builder
        name = builder.constant(self.part(part), np.ascontiguousarray(values, np.float32))
        if scales is not None:
            numbers = tuple(float(np.float32(scale)) for scale in scales)
            grid = QuantizationParameters(numbers, (0,) * len(numbers))
            builder.constants[name] = replace(builder.constants[name], grid=grid)
        return name

    def layer(
        self, kind: str, weights: dict[str, Array] | None = None, **config: Any
    ) -> KerasLayer:
        """A layer of Keras that computes the same."""
        return KerasLayer(self.name, kind, config, weights or {})

    def scaled(self, x: View, scale: Array | float, offset: Array | float, part: str = "") -> View:
        """x * scale + offset, with one factor and summand or one for each cell of the last axis in
        memory. Right behind another such node both become one.
        """
        name, (scales, offsets) = x.name, (np.asarray(each, np.float64) for each in (scale, offset))
        known = self.weaver.producer(name)
        constants = self.weaver.builder.constants
        channels = self.weaver.shape(name)[-1]
        if known is not None and isinstance(known.op, BatchNormalization):
            before, shift = (constants[each].values for each in known.inputs[1:])
            if before.size == channels or not (np.ptp(before) or np.ptp(shift)):
                if before.size != channels:
                    before, shift = before[:1], shift[:1]
                scales, offsets = scales * before, scales * shift + offsets
                name = self.weaver.reshape(known.inputs[0], self.weaver.shape(name))
        if np.all(np.abs(scales - 1) < 1e-7) and np.all(np.abs(offsets) < 1e-12):
            return x.renamed(name)
        inputs = [
            self.weaver.builder.constant(self.part(each), np.broadcast_to(values, channels).copy())
            for each, values in ((f"{part}scale", scales), (f"{part}offset", offsets))
        ]
        return x.renamed(self.add(BatchNormalization(), [name, *inputs], part))

    def result(self, name: str, shape: Shape, order: Sequence[int] | None = None) -> View:
        """The output, with its axes in memory in that order."""
        return view(name, shape, order)


Reader = Callable[[Call], View | Sequence[View]]
"""Adds the nodes of one node of the file; its outputs."""
