"""The sliding window of convolutions and poolings: kernel, stride, dilation, explicit padding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

from tinycomp.ir.tensor import Shape

Pair = tuple[int, int]


@dataclass(frozen=True)
class Window:
    """A sliding window; height before width."""

    kernel: Pair
    """Number of cells."""
    stride: Pair = (1, 1)
    """Input cells from one output's window to the next."""
    dilation: Pair = (1, 1)
    """Input cells from one window cell to the next."""
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Cells of padding: (top, left, bottom, right)."""

    @classmethod
    def make(
        cls,
        padding: Literal["same", "valid"],
        size: Pair,
        kernel: Pair,
        stride: Pair = (1, 1),
        dilation: Pair = (1, 1),
    ) -> Self:
        """The window of TFLite's and Keras's "same" or "valid" over an input of the given height
        and width.
        """
        if padding == "valid":
            return cls(kernel, stride, dilation)
        before, after = zip(
            *(_same(n, k, s, d) for n, k, s, d in zip(size, kernel, stride, dilation, strict=True)),
            strict=True,
        )
        return cls(kernel, stride, dilation, (*before, *after))

    @property
    def span(self) -> Pair:
        """Extent of a window in input cells, including dilation."""
        (kh, kw), (dh, dw) = self.kernel, self.dilation
        return (kh - 1) * dh + 1, (kw - 1) * dw + 1

    def output(self, size: Pair) -> Pair:
        """Output height and width."""
        top, left, bottom, right = self.padding
        height = (size[0] + top + bottom - self.span[0]) // self.stride[0] + 1
        width = (size[1] + left + right - self.span[1]) // self.stride[1] + 1
        return height, width

    def rows(self, first: int, last: int, height: int) -> Pair:
        """The input rows, of `height`, that output rows [first, last) need."""
        top = self.padding[0]
        begin = first * self.stride[0] - top
        end = (last - 1) * self.stride[0] - top + self.span[0]
        return max(0, min(begin, height - 1)), max(1, min(end, height))

    def scheme(self, shape: Shape) -> Literal["SAME", "VALID"] | None:
        """TFLite's name of this padding for an input (height, width, ...); None if it has
        none.
        """
        size = (shape[0], shape[1])
        if self == Window.make("valid", size, self.kernel, self.stride, self.dilation):
            return "VALID"
        if self == Window.make("same", size, self.kernel, self.stride, self.dilation):
            return "SAME"
        return None


def _same(size: int, kernel: int, stride: int, dilation: int) -> Pair:
    """Padding before and after one axis; an odd cell goes after (TensorFlow's SAME)."""
    output = -(-size // stride)
    total = max(0, (output - 1) * stride + (kernel - 1) * dilation + 1 - size)
    return total // 2, total - total // 2
