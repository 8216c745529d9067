"""A look-up table: any function of one int8 value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

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
    """256 int8 values, for inputs -128 to 127."""

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

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> Lookup:
        """The options are the entries, which the reader found (frontend/_tflite_tables.py)."""
        return cls(options)

    def to_tflite(self, operands: Operands) -> tuple[TfliteOperator, ...]:
        """A gather."""
        return gather(self.table(operands))
