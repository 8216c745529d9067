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
    tflite_names: ClassVar[tuple[str, ...]] = ("GATHER",)

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
        """The entries, if the reader has found them (frontend/_tflite_tables.py).

        Raises:
            ModelError: it looks up something else.
        """
        if not isinstance(options, bytes):
            raise ModelError(
                f"{operands.output.name!r} (GATHER) looks up other values than those of one table.",
                expected="A table of 256 int8 values, and indices made of an int8 tensor by CAST "
                "and ADD.",
                hint="Look indices up outside the model, and pass the values in.",
            )
        return cls(options)

    def to_tflite(self, operands: Operands) -> tuple[TfliteOperator, ...]:
        """A gather."""
        return gather(self.table(operands))
