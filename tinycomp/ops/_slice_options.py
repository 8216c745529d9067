"""What the slicing builtins of TFLite take of each axis; axes count the batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tinycomp.common.errors import ModelError
from tinycomp.ir.tensor import Shape

Part = tuple[int, int, int]
"""Of an axis: the first cell, the number of cells, and the step between them."""


@dataclass(frozen=True)
class Slices:
    """What a slice takes, and the axes that it adds."""

    parts: tuple[Part, ...]
    """Of each axis of the input."""
    dropped: tuple[int, ...] = ()
    """Axes of the input that the output lacks."""
    new: tuple[int, ...] = ()
    """Axes of length 1 of the output that the input lacks, ascending."""

    def with_new_axes(self, shape: Shape) -> Shape:
        """The output's shape, from its shape without the new axes."""
        sizes = list(shape)
        for axis in self.new:
            sizes.insert(axis, 1)
        return tuple(sizes)


@dataclass(frozen=True)
class Piece:
    """One output of a SPLIT, SPLIT_V or UNPACK: takes the place of the operator's options."""

    builtin: str
    """Which of the three."""
    number: int
    """Which output, from 0."""
    count: int
    """How many outputs there are."""
    axis: int | None
    """Of the options; None: it is a constant."""

    def parts(
        self, shape: Shape, constants: Sequence[Sequence[int]]
    ) -> tuple[tuple[Part, ...], tuple[int, ...]]:
        """What it takes of each axis of the input, and the axes that it drops.

        Raises:
            ModelError: the axis or the sizes are not constant, or don't fit the input.
        """
        sizes = constants[0] if self.builtin == "SPLIT_V" and constants else None
        axis = self.axis if self.axis is not None else (constants[-1][0] if constants else None)
        rank = len(shape)
        if axis is None or not -rank <= axis < rank:
            raise ModelError(
                f"It divides the axis {axis} of a tensor of shape {shape}.",
                expected="A constant axis of that tensor.",
            )
        axis %= rank
        lengths = self._lengths(shape[axis], sizes)
        part = (sum(lengths[: self.number]), lengths[self.number], 1)
        parts = tuple(part if each == axis else (0, size, 1) for each, size in enumerate(shape))
        return parts, (axis,) if self.builtin == "UNPACK" else ()

    def _lengths(self, size: int, sizes: Sequence[int] | None) -> list[int]:
        lengths = [size // self.count] * self.count if sizes is None else [int(n) for n in sizes]
        if lengths.count(-1) == 1:
            lengths[lengths.index(-1)] = size - sum(lengths) - 1
        if len(lengths) != self.count or sum(lengths) != size or min(lengths) < 1:
            raise ModelError(
                f"It divides an axis of {size} cells into {self.count} parts of {lengths}.",
                expected="Parts of at least one cell that add up to the axis.",
            )
        if self.builtin == "UNPACK" and size != self.count:
            raise ModelError(f"It takes an axis of {size} cells apart into {self.count}.")
        return lengths


def slice_parts(constants: Sequence[Sequence[int]], shape: Shape) -> Slices | None:
    """Of SLICE, from its begins and sizes (-1: up to the end); None if they don't fit."""
    if len(constants) != 2 or any(len(each) != len(shape) for each in constants):
        return None
    parts = []
    for first, count, size in zip(*constants, shape, strict=True):
        number = size - first if count == -1 else count
        if not (0 <= first < size and 1 <= number <= size - first):
            return None
        parts.append((int(first), int(number), 1))
    return Slices(tuple(parts))


def strided_parts(options: Any, constants: Sequence[Sequence[int]], shape: Shape) -> Slices | None:
    """Of STRIDED_SLICE, from its begins, ends, steps and masks; None if they don't fit.

    LiteRT's rules: an ellipsis stands for all axes that are not mentioned; a new axis has length 1;
    with `offset`, ends count from the begins.
    """
    if options is None or len(constants) != 3 or len({len(each) for each in constants}) != 1:
        return None
    parts: list[Part] = []
    dropped: list[int] = []
    new: list[int] = []
    places = len(constants[0])
    masks = [options.beginMask, options.endMask, options.shrinkAxisMask, options.newAxisMask,
             options.ellipsisMask]  # fmt: skip
    for place, (begin, end, step) in enumerate(zip(*constants, strict=True)):
        no_begin, no_end, shrinks, is_new, is_rest = (bool(mask >> place & 1) for mask in masks)
        if is_rest:
            later = [p for p in range(place + 1, places) if not options.newAxisMask >> p & 1]
            rest = len(shape) - len(parts) - len(later)
            parts += [(0, shape[len(parts) + each], 1) for each in range(rest)]
            continue
        if is_new:
            new.append(len(parts) - len(dropped) + len(new))
            continue
        if len(parts) >= len(shape) or step == 0:
            return None
        size = shape[len(parts)]
        if shrinks:
            cell = begin + size if begin < 0 else begin
            dropped.append(len(parts))
            parts.append((cell, 1, 1))
            if not 0 <= cell < size:
                return None
            continue
        stop = begin + end if options.offset else end
        span = range(size)[slice(None if no_begin else begin, None if no_end else stop, step)]
        if not span:
            return None
        parts.append((span.start, len(span), span.step))
    parts += [(0, size, 1) for size in shape[len(parts) :]]
    return Slices(tuple(parts), tuple(dropped), tuple(new))
