"""Windows of the AVR kernels."""

from __future__ import annotations

from collections.abc import Iterator

from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Operands
from tinycomp.kernels._dsp_sums import integer

WINDOW = (
    "kernel_height", "kernel_width", "stride_height", "stride_width", "padding_top", "padding_left",
)  # fmt: skip


def is_dilated(call: KernelCall) -> bool:
    """Whether windows are dilated, which no kernel supports."""
    return (integer(call, "dilation_height"), integer(call, "dilation_width")) != (1, 1)


def hangs_over(call: KernelCall, operands: Operands) -> bool:
    """Whether a window overlaps a border."""
    return any(
        first < 0 or last + size > inputs for first, last, size, inputs in _ends(call, operands)
    )


def is_reached(call: KernelCall, operands: Operands) -> bool:
    """Whether every window has a cell inside the input."""
    return all(
        first + size > 0 and last < inputs for first, last, size, inputs in _ends(call, operands)
    )


def _ends(call: KernelCall, operands: Operands) -> Iterator[tuple[int, int, int, int]]:
    """Along each axis: start of the first and of the last window, their size, the input's size."""
    for index, (axis, before) in enumerate((("height", "padding_top"), ("width", "padding_left"))):
        first = -integer(call, before)
        steps = operands.output.shape[index] - 1
        last = first + steps * integer(call, f"stride_{axis}")
        yield first, last, integer(call, f"kernel_{axis}"), operands.activations[0].shape[index]
