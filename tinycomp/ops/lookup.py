"""A table by itself: any function of one int8 value, whatever it was made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinycomp.common.errors import ModelError
from tinycomp.ir.operator import TfliteOperator
from tinycomp.ir.tensor import Operands
from tinycomp.ops._function import gather
from tinycomp.ops._table import Table
from tinycomp.ops._unary import UnaryOperator


@dataclass(frozen=True)
class Lookup(UnaryOperator):
    """The entry of each stored value."""

    name: ClassVar[str] = "lookup"

    entries: bytes
    """256 int8 values: those of -128 to 127."""

    def table(self, operands: Operands) -> Table:
        """The entries.

        Raises:
            ModelError: there are not 256.
        """
        if len(self.entries) != 256:
            raise ModelError(
                f"The table of {operands.output.name!r} has {len(self.entries)} entries.",
                expected="Expected 256, one for each int8 value.",
            )
        return np.frombuffer(self.entries, np.int8)

    def to_tflite(self, operands: Operands) -> tuple[TfliteOperator, ...]:
        """A gather."""
        return gather(self.table(operands))
