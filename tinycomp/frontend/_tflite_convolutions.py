"""CONV_2D with groups and TRANSPOSE_CONV, as ordinary convolutions and movers of values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from tinycomp.common.errors import ModelError
from tinycomp.frontend._convolutions import Channels, Transposed
from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import (
    Array,
    Constant,
    Operands,
    QuantizationParameters,
    Shape,
    Tensor,
    Value,
)
from tinycomp.ops._move import Move
from tinycomp.ops._tflite import read_activation
from tinycomp.ops._window import Pair


@dataclass(frozen=True)
class Maker:
    """Makes nodes and constants of the convolutions that compute one in the file."""

    append: Callable[[Operator, Sequence[Value], Tensor], None]
    """Adds a node to the graph."""
    keep: Callable[[Constant], None]
    """Adds a constant to the graph."""
    free: Callable[[str], str]
    """Makes an unused name."""
    output: Tensor
    """Of the whole; its parts share its quantization."""
    kernel: Constant
    """Weights, channels first."""
    sums: Constant
    """The bias."""

    def add(self, op: Operator, inputs: Sequence[Value], part: str) -> Value:
        """A node."""
        name = self.free(f"{self.output.name}/{part}") if part else self.output.name
        shape = op.infer_shape([value.shape for value in inputs])
        made = replace(self.output, name=name, shape=shape)
        if isinstance(op, Move):
            made = replace(made, quantization=inputs[0].quantization)
        self.append(op, inputs, made)
        return made

    def weights(self, values: Array, channels: Channels, part: str) -> Value:
        """With the scales of its channels, along whichever axis they are."""
        axis = 0 if values.shape[0] == len(channels) else values.ndim - 1
        return self._constant(self.kernel, values, channels, axis, f"{part}/weights")

    def bias(self, channels: Channels, part: str) -> Value:
        """With the scales of its channels."""
        return self._constant(self.sums, self.sums.values[channels], channels, 0, f"{part}/bias")

    def _constant(
        self, of: Constant, values: Array, channels: Channels, axis: int, part: str
    ) -> Constant:
        known = _picked(of.quantization, channels, axis)
        made = Constant(self.free(f"{of.name}/{part}"), values, known)
        self.keep(made)
        return made


def _picked(
    known: QuantizationParameters | None, channels: Channels, axis: int
) -> QuantizationParameters | None:
    """The parameters of some channels."""
    if known is None or len(known.scales) == 1:
        return known
    scales = tuple(known.scales[channel] for channel in channels)
    return QuantizationParameters(scales, (0,) * len(scales), axis)


def read_transposed(
    options: Any, operands: Operands, source: Shape, size: Array | None
) -> Transposed:
    """The geometry of a TRANSPOSE_CONV.

    Args:
        options: of the operator.
        operands: input, weights and bias; the output.
        source: the input's shape, (height, width, channels).
        size: the output's shape with the batch, as the file's constant has it.

    Raises:
        ModelError: the shape is not constant or does not fit, or a number is out of range.
    """
    name, weights = operands.output.name, operands.constants[0]
    if size is None or size.size != 4 or len(source) != 3:
        raise ModelError(
            f"{name!r} (TRANSPOSE_CONV) takes its shape from a tensor, or reads one of {source}.",
            expected="Expected a constant shape with four axes.",
            hint="Convert the model with a fixed input shape.",
        )
    _, rows, columns, channels = (int(each) for each in size.ravel())
    stride = (int(options.strideH), int(options.strideW))
    kernel = weights.shape[1:3]
    if channels != weights.shape[0] or weights.shape[3] != source[2] or min(stride) < 1:
        raise ModelError(
            f"{name!r} (TRANSPOSE_CONV) has weights {weights.shape} and stride {stride} for an "
            f"input of {source[2]} channels and an output of {channels}.",
            expected="Expected weights (out, height, width, in), and a stride from 1.",
        )
    before = tuple(
        _before(options.padding, length, window, step, own)
        for length, window, step, own in zip(
            (rows, columns), kernel, stride, source[:2], strict=True
        )
    )
    activation = read_activation(name, getattr(options, "fusedActivationFunction", 0))
    target: Pair = (rows, columns)
    return Transposed(stride, (before[0], before[1]), (source[0], source[1]), target, activation)


def _before(padding: int, length: int, window: int, step: int, source: int) -> int:
    """Cells that are cut off before the output of this length, as LiteRT computes it.

    Raises:
        ModelError: the output is longer than what the input reaches.
    """
    count = -(-length // step)
    if padding == schema.Padding.VALID:
        count = (length - window + step) // step
    if length < 1 or length > source * step + max(window, step):
        raise ModelError(
            f"It makes {length} rows or columns of {source}.",
            expected=f"Expected at most {source * step + max(window, step)}.",
        )
    return max(0, (count - 1) * step + window - length) // 2


def groups_of(source: Shape, weights: Constant) -> int:
    """The number of groups of a CONV_2D's weights (out, height, width, in of a group)."""
    own = weights.shape[3] if len(weights.shape) == 4 else 0
    fits = own and len(source) == 3 and source[2] % own == 0
    groups = source[2] // own if fits else 1
    return groups if weights.shape[0] % groups == 0 else 1
