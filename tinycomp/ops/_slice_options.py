"""Options of TFLite's slicing builtins, normalized; axes include the batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tinycomp.common.errors import ModelError
from tinycomp.ir.tensor import Shape

Part = tuple[int, int, int]
"""The part of an axis: first cell, number of cells, and step."""


@dataclass(frozen=True)
class Slices:
    """The parts that a slice takes, and the axes that it removes and adds."""

    parts: tuple[Part, ...]
    """The part of each axis of the input."""
    dropped: tuple[int, ...] = ()
    """Input axes that are removed."""
    new: tuple[int, ...] = ()
    """New output axes of length 1, ascending."""

    def with_new_axes(self, shape: Shape) -> Shape:
        """Insert the new axes into the output's shape."""
        sizes = list(shape)
        for axis in self.new:
            sizes.insert(axis, 1)
        return tuple(sizes)


@dataclass(frozen=True)
class Piece:
    """One output of a SPLIT, SPLIT_V or UNPACK; replaces the options of the operator."""

    builtin: str
    """Name of the builtin."""
    number: int
    """Index of the output."""
    count: int
    """Number of outputs."""
    axis: int | None
    """The axis in the options; None: it is a constant operand."""

    def parts(
        self, shape: Shape, constants: Sequence[Sequence[int]]
    ) -> tuple[tuple[Part, ...], tuple[int, ...]]:
        """The part of each axis of the input, and the removed axes.

        Raises:
            ModelError: the axis or the sizes are not constant, or don't fit the input.
        """
        sizes = constants[0] if self.builtin == "SPLIT_V" and constants else None
        axis = self.axis if self.axis is not None else (constants[-1][0] if constants else None)
        rank = len(shape)
        if axis is None or not -rank <= axis < rank:
            raise ModelError(
                f"It splits axis {axis} of a tensor of shape {shape}.",
                expected="Expected a constant axis of that tensor.",
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
                f"It splits an axis of {size} cells into {self.count} parts of {lengths}.",
                expected="Expected parts of at least one cell that add up to the axis.",
            )
        if self.builtin == "UNPACK" and size != self.count:
            raise ModelError(f"It unpacks an axis of {size} cells into {self.count} tensors.")
        return lengths


def slice_parts(constants: Sequence[Sequence[int]], shape: Shape) -> Slices | None:
    """The parts of SLICE, from its begins and sizes (-1: to the end); None if they don't fit."""
    if len(constants) != 2 or any(len(each) != len(shape) for each in constants):
        return None
    parts = []
    for first, count, size in zip(*constants, shape, strict=True):
        number = size - first if count == -1 else count
        if not (0 <= first < size and 1 <= number <= size - first):
            return None
        parts.append((int(first), int(number), 1))
    return Slices(tuple(parts))


def reversed_parts(constants: Sequence[Sequence[int]], shape: Shape) -> Slices | None:
    """The parts of REVERSE_V2, from its axes; None if they don't fit."""
    if len(constants) != 1 or any(not -len(shape) <= axis < len(shape) for axis in constants[0]):
        return None
    turned = {axis % len(shape) for axis in constants[0]}
    parts = [(s - 1, s, -1) if axis in turned else (0, s, 1) for axis, s in enumerate(shape)]
    return Slices(tuple(parts))


def strided_parts(options: Any, constants: Sequence[Sequence[int]], shape: Shape) -> Slices | None:
    """The parts of STRIDED_SLICE, from its begins, ends, steps and masks; None if they don't fit.

    As in LiteRT, an ellipsis covers all unspecified axes; new axes have length 1; with `offset`,
    ends are relative to begins.
    """
    if options is None or len(constants) != 3 or len({len(each) for each in constants}) != 1:
        return None
    parts: list[Part] = []
    dropped: list[int] = []
    new: list[int] = []
    entries = len(constants[0])
    masks = [options.beginMask, options.endMask, options.shrinkAxisMask, options.newAxisMask,
             options.ellipsisMask]  # fmt: skip
    for entry, (begin, end, step) in enumerate(zip(*constants, strict=True)):
        no_begin, no_end, shrinks, is_new, is_rest = (bool(mask >> entry & 1) for mask in masks)
        if is_rest:
            later = [e for e in range(entry + 1, entries) if not options.newAxisMask >> e & 1]
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
