"""DEPTH_TO_SPACE and its inverse, SPACE_TO_DEPTH."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ai_edge_litert import schema_py_generated as schema

from tinycomp.common.errors import ModelError
from tinycomp.ir.operator import TfliteOperator
from tinycomp.ir.tensor import Array, Operands, Shape
from tinycomp.ops._move import Move, Moved
from tinycomp.ops._tflite import version


@dataclass(frozen=True)
class DepthToSpace(Move):
    """Moves channels to blocks of cells, or blocks of cells to channels."""

    name: ClassVar[str] = "depth_to_space"
    moves: ClassVar[bool] = False  # LiteRT has it on bytes and 32 bits only
    tflite_names: ClassVar[tuple[str, ...]] = ("DEPTH_TO_SPACE", "SPACE_TO_DEPTH")

    block: int
    """Rows and columns of a block."""
    inverse: bool = False
    """Move blocks to channels (SPACE_TO_DEPTH)."""

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """Height, width and channels.

        Raises:
            ModelError: the input is not an image, or the block does not divide it.
        """
        (shape,) = inputs
        block = self.block
        fits = len(shape) == 3 and block >= 1
        if fits and self.inverse:
            fits = shape[0] % block == shape[1] % block == 0
        elif fits:
            fits = shape[2] % (block * block) == 0
        if not fits:
            raise ModelError(
                f"Blocks of {block} x {block} cells do not divide an input of shape {shape}.",
                expected="Expected (height, width, channels) that a block divides.",
            )
        height, width, channels = shape
        if self.inverse:
            return height // block, width // block, channels * block * block
        return height * block, width * block, channels // (block * block)

    def moved(self, x: Array) -> Array:
        """Splits, transposes and joins axes."""
        samples, height, width, channels = x.shape
        b = self.block
        if self.inverse:
            split = x.reshape(samples, height // b, b, width // b, b, channels)
        else:
            split = x.reshape(samples, height, width, b, b, channels // (b * b))
            split = split.transpose(0, 1, 3, 2, 4, 5)
            return split.reshape(samples, height * b, width * b, -1)
        return split.transpose(0, 1, 3, 2, 4, 5).reshape(samples, height // b, width // b, -1)

    def inner(self) -> DepthToSpace | None:
        """Itself, because it always applies to rows, columns and channels."""
        return self

    @classmethod
    def read(cls, name: str, options: Any, operands: Operands) -> Moved:
        """The block size is an option.

        Raises:
            ModelError: it does not fit the input.
        """
        batch, *image = operands.activations[0].shape
        op = cls(int(options.blockSize), name == "SPACE_TO_DEPTH")
        return Moved(op, (batch, *op.infer_shape([tuple(image)])))

    def to_tflite(self, operands: Operands) -> TfliteOperator:
        """Either builtin; version 2 of SPACE_TO_DEPTH has int8."""
        if self.inverse:
            inverse = schema.SpaceToDepthOptionsT(self.block)
            number = version(operands, 2)
            return TfliteOperator("SPACE_TO_DEPTH", "SpaceToDepthOptions", inverse, version=number)
        options = schema.DepthToSpaceOptionsT(self.block)
        return TfliteOperator("DEPTH_TO_SPACE", "DepthToSpaceOptions", options)
