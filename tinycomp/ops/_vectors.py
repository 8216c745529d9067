"""Operators on each vector along the last axis, whose output's parameters the int8 specification
fixes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from tinycomp.common.errors import ModelError
from tinycomp.ir.operator import Cost, Operator, OutputRange
from tinycomp.ir.tensor import Operands, QuantizationParameters
from tinycomp.ops._quantized import parameters
from tinycomp.ops._rows import same_rows


@dataclass(frozen=True)
class VectorOperator(Operator):
    """An output vector depends on all of its input vector, and on no other.

    A subclass implements `infer_shape`, `reference`, `kernel` and the conversion to TFLite.
    """

    output: ClassVar[QuantizationParameters]
    """The parameters that the specification fixes."""

    def rows_needed(self, operands: Operands, index: int, first: int, last: int) -> tuple[int, int]:
        """The same rows."""
        return same_rows(self, operands, index, first, last)

    def output_range(self, operands: Operands) -> OutputRange:
        """As specified."""
        return OutputRange(fixed=self.output)

    def cost(self, operands: Operands) -> Cost:
        """No multiply-accumulates are counted."""
        return Cost()

    def require_specified(self, operands: Operands) -> None:
        """Require the output's fixed parameters.

        Raises:
            ModelError: it has others.
        """
        found = parameters(operands.output)
        if (found.scale, found.zero_point) != (self.output.scale, self.output.zero_point):
            raise ModelError(
                f"{operands.output.name!r} ({self.name}) has scale {found.scale:g} and zero point "
                f"{found.zero_point}.",
                expected=f"Expected 1/{1 / self.output.scale:g} and "
                f"{self.output.zero_point}: the int8 "
                "specification fixes them.",
            )


def vector_fields(operands: Operands) -> dict[str, int]:
    """The first members of the kernels' structs: vectors per row, values per vector."""
    shape = operands.output.shape
    return {"width": math.prod(shape[1:-1]), "channels": shape[-1]}
