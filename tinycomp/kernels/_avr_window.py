"""Windows of the AVR kernels."""

from __future__ import annotations

from tinycomp.ir import KernelCall, Operands
from tinycomp.kernels._dsp_sums import integer

WINDOW = (
    "kernel_height", "kernel_width", "stride_height", "stride_width", "padding_top", "padding_left",
)  # fmt: skip


def is_dilated(call: KernelCall) -> bool:
    """Whether cells of a window lie apart; there is no kernel for that."""
    return (integer(call, "dilation_height"), integer(call, "dilation_width")) != (1, 1)


def borders_count(call: KernelCall, operands: Operands) -> bool:
    """Whether windows hang over a border where cells hold anything but -128."""
    return integer(call, "input_zero_point") != -128 and any(
        integer(call, before) > 0
        or (outputs - 1) * integer(call, f"stride_{axis}") + integer(call, f"kernel_{axis}")
        > inputs
        for axis, before, inputs, outputs in zip(
            ("height", "width"),
            ("padding_top", "padding_left"),
            operands.activations[0].shape[:2],
            operands.output.shape[:2],
            strict=True,
        )
    )
