"""The outputs of a model with several, as one row of bytes: what a library returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn

import numpy as np

from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.operator import Cost, Operator, OutputRange
from tinycomp.ir.tensor import Array, Operands, Shape
from tinycomp.ops._rows import rows


@dataclass(frozen=True)
class Bundle(Operator):
    """Tensors of any shapes and scales, one after the other. Only int8 graphs that are emitted have
    one, as their last node: a .tflite returns the tensors themselves.
    """

    name: ClassVar[str] = "bundle"
    emitted_only: ClassVar[bool] = True
    moves: ClassVar[bool] = True

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """All bytes in one axis."""
        return (sum(int(np.prod(shape)) for shape in inputs),)

    def rows_needed(self, operands: Operands, index: int, first: int, last: int) -> tuple[int, int]:
        """All rows."""
        return 0, rows(operands.inputs[index].shape)[0]

    def output_range(self, operands: Operands) -> OutputRange:
        """There is none: each tensor keeps its own."""
        return OutputRange()

    def cost(self, operands: Operands) -> Cost:
        """No multiply-accumulates."""
        return Cost()

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Copies."""
        return np.concatenate([each.reshape(len(each), -1) for each in inputs], axis=1)

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> NoReturn:
        """There is none: float graphs have several outputs."""
        raise NotImplementedError("only int8 graphs have a bundle")

    def kernel(self, operands: Operands) -> KernelCall:
        """A concatenation of rows, without regard to scales."""
        sizes = np.array([tensor.nbytes for tensor in operands.activations], np.int32)
        fields: dict[str, int | Array] = {
            "inputs": len(sizes),
            "repeats": 1,
            "sizes": sizes,
            "row": operands.output.nbytes,
        }
        return KernelCall("concatenation", fields)

    def to_tflite(self, operands: Operands) -> NoReturn:
        """There is none: see the class."""
        raise NotImplementedError("a .tflite returns its outputs one by one")
