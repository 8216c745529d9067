"""Rows of a constant table, looked up by their numbers: an embedding of words or categories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.common.errors import ModelError
from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.kernel_call import KernelCall, Weights
from tinycomp.ir.operator import (
    PREVIOUS,
    Cost,
    KerasLayer,
    Operator,
    OutputRange,
    TfliteOperator,
)
from tinycomp.ir.tensor import Array, Constant, Operands, Shape, Tensor
from tinycomp.ops._keras import weight
from tinycomp.ops._quantized import parameters
from tinycomp.ops._rows import rows
from tinycomp.ops._tflite import version

MOST_ROWS = 1 << 15
"""Row numbers are int16, and begin at 0."""
RANDOM_ACCESS = ("dense", "channel_codebook", "codebook")
"""Codecs that find any row without reading those before it."""


@dataclass(frozen=True)
class Embedding(Operator):
    """Reads (row numbers, table); one row of the table for each number.

    LiteRT refuses an inference with a number beyond the table; the kernel takes the last row then,
    and the first for a negative one.
    """

    name: ClassVar[str] = "embedding"
    keras_names: ClassVar[tuple[str, ...]] = ("Embedding",)
    row_numbers: ClassVar[tuple[int, ...]] = (0,)
    looked_up: ClassVar[int | None] = 1

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """The numbers' shape, and an axis for the row.

        Raises:
            ModelError: the table has other than two axes, or too many rows.
        """
        numbers, table = inputs
        if len(table) != 2 or not 1 <= table[0] <= MOST_ROWS or not numbers:
            raise ModelError(
                f"A table of shape {table} is looked up.",
                expected=f"Expected (rows, values), with at most {MOST_ROWS:,} rows.",
                hint="Keep the most frequent words, and give all others one number "
                "(max_tokens=... of TextVectorization).",
            )
        return (*numbers, table[1])

    def scale_groups(self, channels: int) -> int:
        """One scale for all rows."""
        return 1

    def rows_needed(self, operands: Operands, index: int, first: int, last: int) -> tuple[int, int]:
        """Numbers of two axes or more are in the rows of the output, others in one row."""
        return (first, last) if len(operands.inputs[0].shape) > 1 else (0, 1)

    def output_range(self, operands: Operands) -> OutputRange:
        """The table's."""
        return OutputRange(tied=True)

    def cost(self, operands: Operands) -> Cost:
        """No multiply-accumulates; the table."""
        (table,) = operands.constants
        return Cost(parameters=table.values.size)

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Copies of rows.

        Raises:
            ModelError: table and output have different scales.
        """
        (table,) = operands.constants
        require_equal(table, operands.output)
        found: Array = table.values[np.clip(inputs[0], 0, len(table.values) - 1)]
        return found

    def may_abort(self, operands: Operands) -> bool:
        """Unless every int16 is a row."""
        return True

    def aborts(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Where a number is beyond the table."""
        (table,) = operands.constants
        flat = inputs[0].reshape(len(inputs[0]), -1)
        found: Array = np.any((flat < 0) | (flat >= len(table.values)), axis=1)
        return found

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """Rows, by the real numbers cut to integers."""
        from keras import ops

        numbers, table = inputs
        return ops.take(table, ops.cast(numbers, "int32"), axis=0)

    def kernel(self, operands: Operands) -> KernelCall:
        """Rows are decoded one by one."""
        (table,) = operands.constants
        require_equal(table, operands.output)
        numbers = operands.inputs[0].shape
        together = len(numbers) == 1
        fields: dict[str, Any] = {
            "together": int(together),
            "numbers": 1 if together else rows(numbers)[1],
            "rows": len(table.values),
            "size": table.shape[1],
            "table": Weights(table.values, 1, table.codebook, RANDOM_ACCESS),
        }
        return KernelCall("embedding", fields)

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> Embedding:
        """A GATHER of rows (frontend/_tflite_numbers.py)."""
        return cls()

    @classmethod
    def from_keras(cls, layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
        """The table as it is."""
        table = weight(builder, layer, "embeddings", layer.weights["embeddings"])
        return builder.add(cls(), [inputs[0], table], layer.name)

    def to_tflite(self, operands: Operands) -> tuple[TfliteOperator, ...]:
        """CAST to int32, and GATHER."""
        cast = schema.CastOptionsT()
        numbers = operands.inputs[0]
        assert isinstance(numbers, Tensor)
        real = numbers.dtype == "float32"
        cast.inDataType = schema.TensorType.FLOAT32 if real else schema.TensorType.INT16
        cast.outDataType = schema.TensorType.INT32
        return (
            TfliteOperator(
                "CAST", "CastOptions", cast, dtype="int32", shape=numbers.shape, reads=(0,)
            ),
            TfliteOperator(
                "GATHER",
                "GatherOptions",
                schema.GatherOptionsT(),
                operands=(1, PREVIOUS),
                version=version(operands, 2),
            ),
        )


def require_equal(table: Constant, output: Tensor) -> None:
    """Require one scale and zero point of a table and what is read from it.

    Raises:
        ModelError: they differ.
    """
    if parameters(table) != parameters(output):
        raise ModelError(
            f"{output.name!r} (embedding) has another scale than its table {table.name!r}.",
            expected="Expected the same scale and zero point.",
            hint="Quantize the model again.",
        )
