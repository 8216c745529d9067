"""SPACE_TO_BATCH_ND, a convolution, BATCH_TO_SPACE_ND: how converters write a dilated convolution.

Block b moves every b-th cell to a separate batch, so a convolution of each is one whose taps
are b cells apart. Around a 1-D one stand operators that add and remove an axis of size 1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tinycomp.frontend._tflite_file import FileOperator, TfliteFile
from tinycomp.ir.tensor import Array, Shape
from tinycomp.ops._window import Window

_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")
_SAME_BYTES = ("EXPAND_DIMS", "RESHAPE", "SQUEEZE")


@dataclass(frozen=True, eq=False)
class Dilated(FileOperator):
    """A dilated convolution made of three operators: from the input of the first to the output of
    the last.
    """

    block: tuple[int, int] = (1, 1)
    """Dilation of height and width: the block size of SPACE_TO_BATCH_ND."""
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Cells (top, left, bottom, right) that the first operator adds."""
    crops: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Cells (top, left, bottom, right) that the last operator removes."""
    length_axis: int | None = None
    """For a 1-D input, the axis of the image (0 or 1) that its length becomes; None for 2-D."""
    reshaped: tuple[Array | None, Array | None] = (None, None)
    """Shape constants of a RESHAPE before and after the convolution, if any."""

    def image(self, source: Shape) -> Shape:
        """The IR's input (height, width, channels) for the tensor that is read."""
        if self.length_axis is None:
            return source
        length, channels = source
        return (length, 1, channels) if self.length_axis == 0 else (1, length, channels)

    def window(self, inner: Window) -> Window | None:
        """The convolution's window over the whole image; None where it has none.

        inner: the window over one batch.
        """
        if inner.stride != (1, 1) or inner.dilation != (1, 1):
            return None
        top, left, bottom, right = (
            added + cells * self.block[side % 2] - taken
            for side, (added, cells, taken) in enumerate(
                zip(self.padding, inner.padding, self.crops, strict=True)
            )
        )
        if min(top, left, bottom, right) < 0:
            return None
        return Window(inner.kernel, (1, 1), self.block, (top, left, bottom, right))

    def fits(self, image: Shape, inner: Window, channels: int) -> bool:
        """Whether the padded image is made of whole blocks, and reshapes only add or drop an axis.

        inner: the window over one batch; channels: of the output.
        """
        top, left, bottom, right = self.padding
        padded = image[0] + top + bottom, image[1] + left + right
        if padded[0] % self.block[0] or padded[1] % self.block[1]:
            return False
        size = padded[0] // self.block[0], padded[1] // self.block[1]
        before, behind = self.reshaped
        if before is not None and tuple(before[1:]) != (*size, image[2]):
            return False
        if behind is None:
            return True
        length = inner.output(size)[self.length_axis or 0]
        return self.length_axis is not None and tuple(behind[1:]) == (length, channels)


def fuse_dilation(file: TfliteFile) -> TfliteFile:
    """The file with one Dilated operator in place of each such group."""
    groups = _Groups(file)
    operators: list[FileOperator] = []
    gone: set[int] = set()
    for operator in file.operators:
        found = groups.around(operator) if operator.builtin in _CONVOLUTIONS else None
        if found is not None:
            fused, members = found
            operators.append(fused)
            gone |= members
    kept = [operator for operator in file.operators if operator.index not in gone]
    ordered = sorted([*kept, *operators], key=lambda operator: operator.index)
    return replace(file, operators=tuple(ordered))


class _Groups:
    """Finds the group around a convolution."""

    def __init__(self, file: TfliteFile) -> None:
        self.file = file
        self.writers = {i: op for op in file.operators for i in op.outputs}
        self.readers: dict[int, list[FileOperator]] = {}
        for operator in file.operators:
            for index in dict.fromkeys(operator.inputs):
                self.readers.setdefault(index, []).append(operator)

    def around(self, convolution: FileOperator) -> tuple[Dilated, set[int]] | None:
        """The fused operator, and the places of all that it replaces."""
        if len(convolution.inputs) < 2 or len(convolution.outputs) != 1:
            return None
        before = self._chain(convolution, -1, "SPACE_TO_BATCH_ND")
        behind = self._chain(convolution, 1, "BATCH_TO_SPACE_ND")
        if not before or not behind:
            return None
        first, last = before[-1], behind[-1]
        block, again = (self._amounts(op, 1, (-1,)) for op in (first, last))
        added, taken = (self._amounts(op, 2, (-1, 2)) for op in (first, last))
        if block is None or again is None or added is None or taken is None:
            return None
        if not len(block) == len(added) == len(taken) or len(block) not in (1, 2):
            return None
        if not np.array_equal(block, again):
            return None
        if block.min() < 1 or added.min() < 0 or taken.min() < 0:
            return None
        axis = self._length_axis(convolution, before, behind) if len(block) == 1 else None
        members = 6 - 2 * len(block)  # 1-D groups have an operator more on each side
        if (len(block) == 1) != (axis is not None) or len(before) + len(behind) != members:
            return None
        fused = _dilated(convolution, first.inputs[0], last.outputs[0], block, added, taken, axis)
        reshaped = self._target(before[0]), self._target(behind[0])
        fused = replace(fused, reshaped=reshaped)
        return fused, {op.index for op in (convolution, *before, *behind)}

    def _target(self, operator: FileOperator) -> Array | None:
        """The constant of a RESHAPE."""
        known = operator.builtin == "RESHAPE"
        return self.file.tensors[operator.inputs[1]].values if known else None

    def _chain(self, start: FileOperator, step: int, wanted: str) -> list[FileOperator] | None:
        """The operators before (step -1) or behind that one, up to the wanted one; None where
        something else reads what is between, or other parameters stand there.
        """
        chain: list[FileOperator] = []
        operator = start
        while operator.builtin != wanted:
            index = operator.inputs[0] if step < 0 else operator.outputs[0]
            readers = self.readers.get(index, [])
            neighbour = self.writers.get(index) if step < 0 else readers[0] if readers else None
            if neighbour is None or len(readers) != 1 or index in self.file.outputs:
                return None
            if neighbour.builtin not in (*_SAME_BYTES, wanted) or not neighbour.inputs:
                return None
            if len(neighbour.outputs) != 1 or not self._same_parameters(neighbour):
                return None
            chain.append(neighbour)
            operator = neighbour
            if len(chain) > 2:
                return None
        return chain

    def _same_parameters(self, operator: FileOperator) -> bool:
        if operator.inputs[0] < 0:
            return False
        source, target = (self.file.tensors[i] for i in (operator.inputs[0], operator.outputs[0]))
        return (source.scales, source.zero_points) == (target.scales, target.zero_points)

    def _amounts(self, operator: FileOperator, place: int, shape: Shape) -> Array | None:
        """A constant input of integers."""
        if len(operator.inputs) != 3 or operator.inputs[place] < 0:
            return None
        values = self.file.tensors[operator.inputs[place]].values
        if values is None or values.dtype.kind != "i" or values.size == 0:
            return None
        if values.ndim != len(shape):
            return None
        return values if shape[-1] in (-1, values.shape[-1]) else None

    def _length_axis(
        self, convolution: FileOperator, before: list[FileOperator], behind: list[FileOperator]
    ) -> int | None:
        """Which axis of the image the length of a 1-D input is, by the axis that is added."""
        if len(before) != 2 or len(behind) != 2:
            return None
        constants = [
            self.file.tensors[op.inputs[1]].values if len(op.inputs) == 2 else None
            for op in (before[0], behind[0])
        ]
        image = self.file.tensors[convolution.inputs[0]]
        ones = [place for place in (1, 2) if len(image.shape) == 4 and image.shape[place] == 1]
        added = None
        if before[0].builtin == "EXPAND_DIMS" and constants[0] is not None:
            added = _one(constants[0])
        elif before[0].builtin == "RESHAPE" and constants[0] is not None and len(ones) == 1:
            added = ones[0]
        dropped = added if behind[0].builtin == "RESHAPE" and constants[1] is not None else None
        if behind[0].builtin == "SQUEEZE" and behind[0].options is not None:
            dropped = _one(np.asarray(behind[0].options.squeezeDims))
        return 2 - added if added in (1, 2) and added == dropped else None


def _one(axes: Array) -> int | None:
    """The one axis of four that is named."""
    return int(axes.ravel()[0]) % 4 if axes.size == 1 else None


def _dilated(
    convolution: FileOperator, source: int, target: int, block: Array, added: Array, taken: Array,
    axis: int | None,
) -> Dilated:  # fmt: skip
    blocks = [int(cells) for cells in block]
    sides = [[(int(a), int(b)) for a, b in amounts] for amounts in (added, taken)]
    if axis is not None:
        blocks.insert(1 - axis, 1)
        for side in sides:
            side.insert(1 - axis, (0, 0))
    padding, crops = (
        (vertical[0], horizontal[0], vertical[1], horizontal[1]) for vertical, horizontal in sides
    )
    return Dilated(
        convolution.index, convolution.builtin, "", (source, *convolution.inputs[1:]), (target,),
        convolution.options, (), (blocks[0], blocks[1]), padding, crops, axis,
    )  # fmt: skip
