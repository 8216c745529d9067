"""The interface of an operator's arithmetic on 16-bit activations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tinycomp.ir.fixed_point import Multiplier, quantize_multiplier
from tinycomp.ir.operator import Arithmetic
from tinycomp.ir.tensor import Array, Operands, QuantizationParameters, Tensor
from tinycomp.ops._activation import Activation, quantize_bound
from tinycomp.ops._quantized import parameters

LOWEST, HIGHEST = -32768, 32767
"""The bounds of int16."""
UNIT = QuantizationParameters((1 / 32768,), (0,))
"""Of an output that LiteRT's tables give as a fraction of 1: softmax, sigmoid, tanh."""


@dataclass(frozen=True)
class Form(Arithmetic):
    """The arithmetic of some operators where their activations are int16."""

    operators: ClassVar[tuple[str, ...]] = ()
    """Names of the operators; none for a base class."""
    types: ClassVar[tuple[tuple[str, str], ...]] = (("int16", "int16"),)
    """Types of the inputs and of the output that it computes."""
    fixed: ClassVar[QuantizationParameters | None] = None
    """The output's parameters, where the specification prescribes them."""

    op: Any
    """The operator, whose attributes it reads."""


def saturate(values: Array) -> NDArray[np.int16]:
    """Integers saturated to int16."""
    return np.clip(values, LOWEST, HIGHEST).astype(np.int16)


def bounds(activation: Activation, output: Tensor) -> tuple[int, int]:
    """A fused activation's least and greatest output."""
    target = parameters(output)
    low, high = (None if b is None else quantize_bound(b, target) for b in activation.bounds)
    return (
        LOWEST if low is None else max(LOWEST, low),
        HIGHEST if high is None else min(HIGHEST, high),
    )


def clamped(values: Array, activation: Activation, output: Tensor) -> NDArray[np.int16]:
    """Rescaled values within the activation's bounds."""
    low, high = bounds(activation, output)
    # The kernels apply the lower bound first: an empty range (low > high) gives `high`.
    bounded: Array = np.minimum(np.maximum(values, low), high)
    return bounded.astype(np.int16)


def rescaling(source: Tensor, output: Tensor) -> Multiplier:
    """The factor from one tensor's scale to another's, divided in float64."""
    return quantize_multiplier(parameters(source).scale / parameters(output).scale)


def sources(operands: Operands) -> tuple[str, ...]:
    """The types of the computed inputs."""
    return tuple(tensor.dtype for tensor in operands.activations)
