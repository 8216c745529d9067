"""MAXIMUM, MINIMUM, REDUCE_MAX and REDUCE_MIN on int16."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from tinycomp.int16._form import Form
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Array, Operands
from tinycomp.ops._broadcast import repeat_fields
from tinycomp.ops._quantized import require_tied
from tinycomp.ops._reduction import positions, within_rows


@dataclass(frozen=True)
class ExtremumInt16(Form):
    """The larger or the smaller of two values."""

    operators: ClassVar[tuple[str, ...]] = ("extremum",)

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Of the stored values, of any type."""
        found: Array = self.op.reference(operands, inputs)
        return found

    def kernel(self, operands: Operands) -> KernelCall:
        """The broadcast input comes second."""
        require_tied(self.op.name, operands)
        walk = repeat_fields(operands)
        fields = {**walk, "largest": int(self.op.largest)}
        return KernelCall("extremum_int16", fields, in_place=walk["wide"] == 0)


@dataclass(frozen=True)
class ExtremeReductionInt16(Form):
    """A maximum or minimum along axes."""

    operators: ClassVar[tuple[str, ...]] = ("reduce_max", "reduce_min")

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Of the stored values, of any type."""
        found: Array = self.op.reference(operands, inputs)
        return found

    def kernel(self, operands: Operands) -> KernelCall:
        """Extrema in scratch, or one after the other where each row has its own."""
        require_tied(self.op.name, operands)
        last = {"largest": int(self.op.largest)}
        inside = within_rows(operands, self.op)
        if inside is not None:
            return KernelCall("extreme_rows_int16", {**inside, **last})
        height, width, channels = positions(operands, self.op)
        fields = {"height": height, "width": width, "channels": channels, **last}
        return KernelCall("extreme_int16", fields, scratch=2 * channels, input_rows=True)
