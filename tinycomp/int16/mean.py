"""MEAN on int16: the factor includes the division; rounds twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinycomp.common.errors import ModelError
from tinycomp.int16._form import Form, rescaling, saturate
from tinycomp.ir.fixed_point import Multiplier, requantize
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Array, Operands
from tinycomp.ops._reduction import positions, within_rows

_MOST_CELLS = 1 << 15
"""More cells of int16 could add up to more than 31 bits."""
_SPARE_BITS = 15
"""By which one int16 can be shifted left within 31 bits."""


@dataclass(frozen=True)
class MeanInt16(Form):
    """Mean along axes."""

    operators: ClassVar[tuple[str, ...]] = ("mean",)

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Sums, rescaled."""
        (x,) = inputs
        axes = tuple(1 + axis for axis in self.op.reduced(x.ndim - 1))
        sums = x.sum(axis=axes, dtype=np.int64)
        found = saturate(requantize(sums, *_factor(operands)))
        return found.reshape(len(x), *operands.output.shape)

    def kernel(self, operands: Operands) -> KernelCall:
        """Sums in scratch, or one after the other where each row has its own."""
        multiplier, shift = _factor(operands)
        last = {"multiplier": multiplier, "shift": shift}
        inside = within_rows(operands, self.op)
        if inside is not None:
            return KernelCall("mean_rows_int16", {**inside, **last})
        height, width, channels = positions(operands, self.op)
        fields = {"height": height, "width": width, "channels": channels, **last}
        return KernelCall("mean_int16", fields, scratch=4 * channels, input_rows=True)


def _factor(operands: Operands) -> Multiplier:
    """input scale / output scale / count: LiteRT divides the integer multiplier, truncating."""
    count = operands.activations[0].size // operands.output.size
    multiplier, shift = rescaling(operands.activations[0], operands.output)
    raised = min(count.bit_length() - 1, 32, 31 + shift)
    if count > _MOST_CELLS or shift - raised > _SPARE_BITS - (count - 1).bit_length():
        raise ModelError(
            f"{operands.output.name!r} (mean) adds up {count:,} cells, and its scale is "
            f"2^{shift} times finer than its input's.",
            expected=(
                f"Expected at most {_MOST_CELLS:,} cells, and sums within 32 bits of output steps."
            ),
            hint="Take the mean in two steps, or calibrate it with other data.",
        )
    return Multiplier((multiplier << raised) // count, shift - raised)
