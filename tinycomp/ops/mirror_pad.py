"""MIRROR_PAD: cells beyond the ends of each axis are those inside, mirrored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.common.errors import ModelError
from tinycomp.ir.operator import TfliteOperator
from tinycomp.ir.tensor import Array, Operands, Shape
from tinycomp.ops._move import Move, Moved
from tinycomp.ops._tflite import version


@dataclass(frozen=True)
class MirrorPad(Move):
    """Padding by mirrored cells (batch not counted)."""

    name: ClassVar[str] = "mirror_pad"
    tflite_names: ClassVar[tuple[str, ...]] = ("MIRROR_PAD",)

    padding: tuple[tuple[int, int], ...]
    """Cells (before, after) for each axis."""
    twice: bool = False
    """Whether the outermost cell is mirrored too ("symmetric"), or is the axis of the mirror
    ("reflect").
    """

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """Each axis longer by its padding.

        Raises:
            ModelError: the padding has another number of axes, or more cells than can be mirrored.
        """
        (shape,) = inputs
        most = [size if self.twice else size - 1 for size in shape]
        fits = len(shape) == len(self.padding) and all(
            0 <= side <= cells
            for pair, cells in zip(self.padding, most, strict=False)
            for side in pair
        )
        if not fits:
            raise ModelError(
                f"The mirrored padding {self.padding} does not fit an input of shape {shape}.",
                expected=f"Expected pairs of 0 to {most} cells.",
            )
        sizes = zip(shape, self.padding, strict=True)
        return tuple(before + size + after for size, (before, after) in sizes)

    def moved(self, x: Array) -> Array:
        """The padded input."""
        return np.pad(x, ((0, 0), *self.padding), mode="symmetric" if self.twice else "reflect")

    def inner(self) -> MirrorPad | None:
        """Itself, if the first axis is not padded."""
        return MirrorPad(self.padding[1:], self.twice) if self.padding[0] == (0, 0) else None

    @classmethod
    def read(cls, name: str, options: Any, operands: Operands) -> Moved:
        """The padding is a constant.

        Raises:
            ModelError: it is not constant, or does not fit the input.
        """
        pairs = [row for each in operands.constants for row in each.values.reshape(-1, 2)]
        mode = schema.MirrorPadMode.REFLECT if options is None else options.mode
        op = cls(
            tuple((int(before), int(after)) for before, after in pairs),
            mode == schema.MirrorPadMode.SYMMETRIC,
        )
        return Moved(op, op.infer_shape([operands.activations[0].shape]))

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """MIRROR_PAD; version 2 has int8."""
        options = schema.MirrorPadOptionsT()
        modes = schema.MirrorPadMode
        options.mode = modes.SYMMETRIC if self.twice else modes.REFLECT
        extra = (np.array([(0, 0), *self.padding], np.int32),)
        return TfliteOperator(
            "MIRROR_PAD", "MirrorPadOptions", options, extra, version(operands, 2)
        )
