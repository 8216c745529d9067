"""Masks of steps in a .tflite: operators that only the graph of an operator over time has there.

A mask is (steps, 1); a step counts where it is not zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.operator import PREVIOUS, Cost, Operator, OutputRange, TfliteOperator
from tinycomp.ir.tensor import Array, Operands, Shape, Tensor
from tinycomp.ops._registry import operators

AT_STEPS = ("GATHER", "RESHAPE", "CUMSUM", "CAST", "NOT_EQUAL", "CAST")
"""The operators from the mask to what AtSteps returns, the last one first."""


class _Written(Operator):
    """It is in files alone: what it is part of has the reference and the kernel."""

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """The first input's."""
        return inputs[0]

    def output_range(self, operands: Operands) -> OutputRange:
        """The first input's."""
        return OutputRange(tied=True)

    def cost(self, operands: Operands) -> Cost:
        """That of the operator that it is part of."""
        return Cost()

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """None of its own."""
        raise NotImplementedError

    def kernel(self, operands: Operands) -> KernelCall | None:
        """None of its own."""
        raise NotImplementedError


@dataclass(frozen=True)
class Counts(_Written):
    """Whether each step counts, as bool."""

    name = "counts"

    def to_tflite(self, operands: Operands) -> tuple[TfliteOperator, ...]:
        """Stored values that are not zero."""
        return _counts(operands.activations[0], 0)


@dataclass(frozen=True)
class Choice(_Written):
    """By a bool (1, 1): the second input, else the third."""

    name = "choice"

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """The second input's."""
        return inputs[1]

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """SELECT_V2."""
        return TfliteOperator("SELECT_V2", "SelectV2Options", schema.SelectV2OptionsT())


@dataclass(frozen=True)
class CountedFirst(_Written):
    """Of (steps, features) and a mask: the rows that count, then the last row again."""

    name = "counted_first"

    def to_tflite(self, operands: Operands) -> tuple[TfliteOperator, ...]:
        """Row j is the one before which j + 1 count, itself included: as many rows as there are
        with fewer lie before it.
        """
        steps = operands.activations[0].shape[0]
        places = np.arange(steps, dtype=np.int32).reshape(1, 1, -1)
        square = (steps, steps)
        return (
            *_numbers(operands.activations[1], 1),
            _link("LESS_EQUAL", (), "bool", square, (places,)),
            _cast("bool", square),
            TfliteOperator(
                "SUM", "ReducerOptions", schema.ReducerOptionsT(), (np.array([1], np.int32),),
                shape=(steps,), dtype="int32", reads=(),
            ),
            _link("MINIMUM", (), "int32", (steps,), (np.array([steps - 1], np.int32),),
                  "MaximumMinimumOptions"),
            _gather(),
        )  # fmt: skip


@dataclass(frozen=True)
class AtSteps(_Written):
    """Of (1 + steps, units) and a mask: for each step the row whose number is how many steps have
    counted so far.
    """

    name = "at_steps"

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """(steps, units)."""
        return (inputs[1][0], *inputs[0][1:])

    def to_tflite(self, operands: Operands) -> tuple[TfliteOperator, ...]:
        """CUMSUM, GATHER."""
        steps = operands.output.shape[0]
        shape = np.array([-1, steps], np.int32)
        flat = _link("RESHAPE", (), "int32", (steps,), (shape,), "ReshapeOptions")
        return (*_numbers(operands.activations[1], 1), flat, _gather())


def masked_by_rows(op: Operator, operands: Operands) -> Graph:
    """The graph of an operator over time that has no steps in a .tflite: it runs over the rows that
    count, and every step takes the state after the last of them.
    """
    source, mask = operands.activations
    output, (weights, bias) = operands.output, operands.constants
    steps, units = output.shape

    def made(title: str, shape: Shape, like: Tensor) -> Tensor:
        return Tensor(f"{output.name}/{title}", shape, like.dtype, like.quantization)

    first = made("counted", source.shape, source)
    states = made("states", output.shape, output)
    padded = made("padded", (steps + 1, units), output)
    pad = operators()["pad"](((1, 0), (0, 0)))  # type: ignore[call-arg]
    nodes = (
        Node(first.name, CountedFirst(), (source.name, mask.name), (first.name,)),
        Node(states.name, op, (first.name, weights.name, bias.name), (states.name,)),
        Node(padded.name, pad, (states.name,), (padded.name,)),
        Node(output.name, AtSteps(), (padded.name, mask.name), (output.name,)),
    )
    tensors = {each.name: each for each in (source, mask, first, states, padded, output)}
    constants = {each.name: each for each in (weights, bias)}
    read = (source.name, mask.name)
    return Graph(output.name, nodes, tensors, constants, read, (output.name,))


def _counts(mask: Tensor, place: int) -> tuple[TfliteOperator, ...]:
    """Whether steps count: a chain from input `place` to a bool."""
    zero = 0 if mask.quantization is None else mask.quantization.zero_point
    shape = mask.shape
    return (
        _cast(mask.dtype, shape, (place,)),
        _link("NOT_EQUAL", (), "bool", shape, (np.array([zero], np.int32),)),
    )


def _numbers(mask: Tensor, place: int) -> tuple[TfliteOperator, ...]:
    """How many steps count so far, each included, (steps, 1)."""
    options = schema.CumsumOptionsT()
    axis = np.array(1, np.int32)
    return (
        *_counts(mask, place),
        _cast("bool", mask.shape),
        TfliteOperator(
            "CUMSUM", "CumsumOptions", options, (axis,), shape=mask.shape, dtype="int32", reads=()
        ),
    )


def _link(
    builtin: str,
    reads: tuple[int, ...],
    dtype: str,
    shape: Shape,
    extra: tuple[Array, ...],
    options: str = "",
) -> TfliteOperator:
    table = getattr(schema, f"{options}T")() if options else None
    return TfliteOperator(builtin, options, table, extra, shape=shape, dtype=dtype, reads=reads)


def _cast(
    dtype: str, shape: Shape, reads: tuple[int, ...] = (), target: str = "int32"
) -> TfliteOperator:
    options = schema.CastOptionsT()
    options.inDataType = getattr(schema.TensorType, dtype.upper())
    options.outDataType = getattr(schema.TensorType, target.upper())
    return TfliteOperator("CAST", "CastOptions", options, shape=shape, dtype=target, reads=reads)


def _gather() -> TfliteOperator:
    """Rows of the first input by the numbers of the link before."""
    options = schema.GatherOptionsT()
    options.axis = options.batchDims = 1
    return TfliteOperator("GATHER", "GatherOptions", options, operands=(0, PREVIOUS))


@dataclass(frozen=True)
class Links(_Written):
    """A chain of operators."""

    name = "links"

    shape: Shape
    """Of the last one's output."""
    links: tuple[TfliteOperator, ...]
    """The operators."""

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """As given."""
        return self.shape

    def to_tflite(self, operands: Operands) -> tuple[TfliteOperator, ...]:
        """As given."""
        return self.links


def mean_graph(operands: Operands) -> Graph:
    """The graph of a mean of the rows that count: on int32 for an integer graph, else float32."""
    source, mask = operands.activations
    output, (steps, channels) = operands.output, source.shape
    integer = output.dtype != "float32"
    inner = "int32" if integer else "float32"
    one, row = np.array([1], inner), (1, channels)
    zero = source.quantization.zero_point if source.quantization else 0
    tensors = {each.name: each for each in (source, mask, output)}
    nodes: list[Node] = []

    def add(title: str, op: Operator, read: Sequence[str], shape: Shape, dtype: str) -> str:
        name = f"{output.name}/{title}"
        tensors[name] = Tensor(name, shape, dtype)
        nodes.append(Node(name, op, tuple(read), (name,)))
        return name

    def links(shape: Shape, *parts: TfliteOperator) -> Links:
        return Links(shape, parts)

    cast = _cast("bool", (steps, 1), (0,), inner)
    counts = add("counts", Counts(), [mask.name], (steps, 1), "bool")
    ones = add("ones", links((steps, 1), cast), [counts], (steps, 1), inner)
    number = links(
        (1, 1),
        cast,
        _total(inner, (1, 1)),
        _link("MAXIMUM", (), inner, (1, 1), (one,), "MaximumMinimumOptions"),
    )
    count = add("count", number, [counts], (1, 1), inner)
    first = (
        (
            _cast(source.dtype, source.shape, (0,), inner),
            _link("SUB", (), inner, source.shape, (zero * one,), "SubOptions"),
            _link("MUL", (1,), inner, source.shape, (), "MulOptions"),
        )
        if integer
        else (_link("MUL", (0, 1), inner, source.shape, (), "MulOptions"),)
    )
    sums = add("sums", links(row, *first, _total(inner, row)), [source.name, ones], row, inner)
    flat = _link(
        "RESHAPE", (), inner, (channels,), (np.array([-1, channels], np.int32),), "ReshapeOptions"
    )
    if not integer:
        parts = _link("DIV", (0, 1), inner, row, (), "DivOptions"), flat
        nodes.append(Node(output.name, Links(output.shape, parts), (sums, count), (output.name,)))
    else:
        halved = _link("FLOOR_DIV", (0,), inner, (1, 1), (2 * one,))
        half = add("half", links((1, 1), halved), [count], (1, 1), inner)
        last = (
            _link("ADD", (0, 1), inner, row, (), "AddOptions"),
            _link("FLOOR_DIV", (2,), inner, row, ()),
            _link("ADD", (), inner, row, (zero * one,), "AddOptions"),
            flat,
            _cast(inner, output.shape, (), output.dtype),
        )
        read = (sums, half, count)
        nodes.append(Node(output.name, Links(output.shape, last), read, (output.name,)))
    return Graph(output.name, tuple(nodes), tensors, {}, (source.name, mask.name), (output.name,))


def _total(dtype: str, shape: Shape) -> TfliteOperator:
    """The sum over the rows."""
    options = schema.ReducerOptionsT()
    options.keepDims = True
    axis = (np.array([1], np.int32),)
    return TfliteOperator(
        "SUM", "ReducerOptions", options, axis, shape=shape, dtype=dtype, reads=()
    )
