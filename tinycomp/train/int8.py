"""Quantization-aware training: weights on the symmetric int8 grid of their channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from tinycomp.common.errors import TinycompError
from tinycomp.ir.tensor import Array
from tinycomp.train.constraint import (
    Constraint,
    Fixed,
    Initial,
    Kernel,
    other_axes,
    straight_through,
)

_SMALLEST = 1e-12
"""Grid step of a channel whose weights are all zero."""


@dataclass(frozen=True)
class Int8(Constraint):
    """The grid that post-training quantization uses: symmetric, scaled so that the largest weight
    of a channel maps to the last step (Jacob et al., CVPR 2018).
    """

    name: ClassVar[str] = "int8"
    stage: ClassVar[Literal["zeros", "grid"]] = "grid"

    bits: int = 8
    """2 to 8; steps range from -(2^(bits - 1) - 1) to 2^(bits - 1) - 1."""

    def __post_init__(self) -> None:
        """Check the options.

        Raises:
            TinycompError: `bits` is out of range.
        """
        if not 2 <= self.bits <= 8:
            raise TinycompError(
                f"A grid of {self.bits} bits is not possible.", expected="Expected 2 to 8."
            )

    @property
    def last(self) -> int:
        """The largest step number."""
        return int(2 ** (self.bits - 1)) - 1

    def variables(self, kernel: Kernel, axis: int) -> dict[str, Initial]:
        """No state."""
        return {}

    def project(self, kernel: Any, state: Mapping[str, Any], axis: int) -> Any:
        """Weights rounded to the grid."""
        from keras import ops

        axes = other_axes(len(kernel.shape), axis)
        step = ops.max(ops.abs(kernel), axis=axes, keepdims=True) / self.last
        step = ops.stop_gradient(ops.maximum(step, _SMALLEST))
        return straight_through(kernel, step * ops.round(kernel / step))

    def finish(self, fixed: Fixed, state: Mapping[str, Array], axis: int) -> Fixed:
        """Weights rounded to the grid, in float64."""
        axes = other_axes(fixed.kernel.ndim, axis)
        step = np.abs(fixed.kernel).max(axis=axes, keepdims=True) / self.last
        step = np.maximum(step, _SMALLEST)
        return fixed.on(step * np.rint(fixed.kernel / step), step)
