"""What both ways to resize an image have in common: the size, and how it is read and written."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from tinycomp.common.errors import ModelError
from tinycomp.ir.operator import TfliteOperator
from tinycomp.ir.tensor import Constant, Operands
from tinycomp.ops._tflite import version


class Resizing(Protocol):
    """The attributes of an operator that resizes images."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the output."""

    @property
    def align_corners(self) -> bool:
        """Whether the corners' cells lie on each other."""

    @property
    def half_pixel_centers(self) -> bool:
        """Whether positions are those of the cells' centres."""


def read_resizing(
    name: str, options: Any, operands: Operands
) -> tuple[tuple[int, int], bool, bool]:
    """The attributes, in the order of Resizing, of an operator of a file.

    Raises:
        ModelError: the size is not constant.
    """
    size = operands.inputs[1]
    if not isinstance(size, Constant) or size.values.size != 2:
        raise ModelError(
            f"{operands.output.name!r} ({name}) takes its size from {size.name!r}.",
            expected="Expected a constant height and width.",
            hint="Convert the model with a fixed input shape.",
        )
    height, width = (int(each) for each in size.values.ravel())
    return (height, width), bool(options.alignCorners), bool(options.halfPixelCenters)


def write_resizing(
    op: Resizing, operands: Operands, builtin: str, options_type: str, options: Any
) -> TfliteOperator:
    """The builtin with the attributes; version 2 has int8, version 3 half-pixel centres."""
    options.alignCorners = op.align_corners
    options.halfPixelCenters = op.half_pixel_centers
    number = 3 if op.half_pixel_centers else version(operands, 2)
    extra = (np.array(op.size, np.int32),)
    return TfliteOperator(builtin, options_type, options, extra, number)
