"""Functions of one real value without an int8 operator in TFLite: computed here for each of the 256
int8 values, and exported as a table for look-up by LiteRT.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.ir.operator import TfliteOperator
from tinycomp.ir.tensor import Array, Operands
from tinycomp.ops._differentiable import chained
from tinycomp.ops._quantized import parameters
from tinycomp.ops._table import Table, every_input, saturate
from tinycomp.ops._unary import UnaryOperator

INDEX_OFFSET = 128
"""Offset from an int8 value to its index in the table."""

_OPTIONS = {
    "ABS": "AbsOptions",
    "ADD": "AddOptions",
    "EXP": "ExpOptions",
    "MAXIMUM": "MaximumMinimumOptions",
    "MINIMUM": "MaximumMinimumOptions",
    "MUL": "MulOptions",
    "NEG": "NegOptions",
    "SIGN": "SignOptions",
    "SQUARE": "SquareOptions",
}
"""Option tables of the builtins that `link` writes; the others have none."""


@dataclass(frozen=True)
class RealFunction(UnaryOperator):
    """A function of the real value. The int8 output is the value nearest to the function's,
    computed in float64: a table, without intermediate rounding by TFLite's arithmetic.
    """

    @abstractmethod
    def real(self, x: Array) -> Array:
        """The function, in float64."""

    @abstractmethod
    def float_chain(self) -> tuple[TfliteOperator, ...]:
        """The builtins that compute it in float32, each applied to the previous one's output."""

    def table(self, operands: Operands) -> Table:
        """Half away from zero."""
        source, target = parameters(operands.inputs[0]), parameters(operands.output)
        with np.errstate(over="ignore"):
            steps = self.real(source.scale * every_input(operands)) / target.scale
        rounded = np.copysign(np.floor(np.abs(steps) + 0.5), steps)
        return saturate(rounded + target.zero_point)

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """The float builtins, one after the other."""
        return chained(inputs[0], self.float_chain())

    def to_tflite(self, operands: Operands) -> TfliteOperator | tuple[TfliteOperator, ...]:
        """A table in an int8 graph, float builtins in a float graph."""
        if operands.output.dtype != "int8":
            return self.float_chain()
        return gather(self.table(operands))


class Definition(NamedTuple):
    """A function by two routes: one for tables, one for float graphs."""

    real: Callable[[Array], Array]
    """In float64."""
    chain: tuple[TfliteOperator, ...]
    """The float builtins that compute it."""


def gather(table: Table) -> tuple[TfliteOperator, ...]:
    """A table lookup in TFLite: the stored values become indices, and those the table's entries."""
    cast = schema.CastOptionsT()
    cast.inDataType, cast.outDataType = schema.TensorType.INT8, schema.TensorType.INT32
    look_up = schema.GatherOptionsT()
    return (
        TfliteOperator("CAST", "CastOptions", cast, dtype="int32"),
        TfliteOperator(
            "ADD",
            "AddOptions",
            schema.AddOptionsT(),
            extra=(np.array([INDEX_OFFSET], np.int32),),
            dtype="int32",
        ),
        TfliteOperator("GATHER", "GatherOptions", look_up, before=(table,), version=2),
    )


def link(builtin: str, *constants: float, again: bool = False) -> TfliteOperator:
    """A float builtin applied to the previous one's output.

    Args:
        builtin: its name.
        constants: a scalar as second input.
        again: whether the second input is the function's input.
    """
    options: Any = None
    name = _OPTIONS.get(builtin, "")
    if name:
        options = getattr(schema, f"{name}T")()
    extra: Sequence[Array] = [np.array([value], np.float32) for value in constants]
    return TfliteOperator(builtin, name, options, tuple(extra), reads=(0,) if again else None)


def leaky(alpha: float) -> TfliteOperator:
    """Values below zero times alpha."""
    return TfliteOperator("LEAKY_RELU", "LeakyReluOptions", schema.LeakyReluOptionsT(alpha))
