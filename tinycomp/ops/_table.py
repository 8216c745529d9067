"""Unary int8 functions as tables of 256 bytes: entry q + 128 is the output of input q."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from tinycomp.ir.fixed_point import requantize
from tinycomp.ir.operator import TfliteOperator
from tinycomp.ir.tensor import Array, Operands
from tinycomp.ops._activation import quantize_bound
from tinycomp.ops._factor import bounded_multiplier
from tinycomp.ops._quantized import parameters

Table = NDArray[np.int8]

_INPUTS = np.arange(-128, 128, dtype=np.int64)


def every_input(operands: Operands) -> NDArray[np.int64]:
    """All 256 int8 values in order, without the input's zero point."""
    return _INPUTS - parameters(operands.inputs[0]).zero_point


def saturate(x: Array) -> Table:
    """Clamp to int8."""
    return np.clip(x, -128, 127).astype(np.int8)


def rescale(x: Array, factor: float, operands: Operands) -> Array:
    """Centred inputs times a positive real factor, rounded twice.

    Raises:
        ModelError: the factor is so large that 32 bits overflow.
    """
    return requantize(x, *bounded_multiplier(factor, 8, operands))


def table_of_real(function: Callable[[Array], Array], operands: Operands) -> Table:
    """The table of a function of the real value, as computed by LiteRT when it loads a model.

    The function takes and returns float32; rounding is half away from zero.
    """
    source, target = parameters(operands.inputs[0]), parameters(operands.output)
    real = np.float32(source.scale) * every_input(operands).astype(np.float32)
    scaled = function(real) * (np.float32(1) / np.float32(target.scale))
    rounded = np.copysign(np.floor(np.abs(scaled.astype(np.float64)) + 0.5), scaled)
    return saturate(rounded + target.zero_point)


def with_limit(
    first: TfliteOperator, limit: float | None, operands: Operands
) -> TfliteOperator | tuple[TfliteOperator, ...]:
    """A TFLite operator with an upper bound on its output: followed by a MINIMUM.

    An integer output with the bound as its largest value needs none: it saturates.
    """
    if limit is None:
        return first
    dtype = np.dtype(operands.output.dtype)
    if dtype.kind == "f":
        return first, _minimum(np.array([limit], np.float32), version=1)
    output, found = parameters(operands.output), np.iinfo(dtype)
    bound = quantize_bound(limit, output)
    if bound >= found.max:
        return first
    first = replace(first, quantization=output)
    return first, _minimum(np.array([max(bound, found.min)], dtype), version=2)


def _minimum(bound: Array, version: int) -> TfliteOperator:
    options = schema.MaximumMinimumOptionsT()
    return TfliteOperator("MINIMUM", "MaximumMinimumOptions", options, (bound,), version)
