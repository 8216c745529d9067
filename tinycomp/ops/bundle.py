"""The outputs of a model with several, as one row of bytes: what a library returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Array, Operands, Shape
from tinycomp.ops._pieces import PiecesOperator


@dataclass(frozen=True)
class Bundle(PiecesOperator):
    """Tensors of any shapes and scales, one after the other. Only int8 graphs that are emitted have
    one, as their last node: a .tflite returns the tensors themselves.
    """

    name: ClassVar[str] = "bundle"

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """All bytes in one axis."""
        return (sum(int(np.prod(shape)) for shape in inputs),)

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """Copies."""
        return np.concatenate([each.reshape(len(each), -1) for each in inputs], axis=1)

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
