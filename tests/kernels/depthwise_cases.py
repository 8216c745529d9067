"""Depthwise layers for an instruction set's kernels whose last rows of a window are taken column by
column, and rows that are computed in parts.
"""

from __future__ import annotations

from conformance import Case

from tinycomp.ops._activation import Activation
from tinycomp.ops.depthwise_conv_2d import DepthwiseConv2D

KERNELS = ((1, 5), (1, 3), (5, 5), (1, 9), (5, 3), (2, 5), (6, 7), (9, 1), (3, 17))
"""Windows with one to three rows beside whole fours, and without."""


def depthwise_across(count: int = 36) -> list[Case]:
    """Signals and images; rows that are longer than what is read at a time; one channel, vectors of
    them, and rests; steps, dilations, and windows that are larger than the input.
    """
    from core_cases import draws

    found = []
    for i, draw in draws(count, 28):
        kernel = KERNELS[i % len(KERNELS)]
        height = 1 if kernel[0] == 1 else draw.number(1, 7)
        size = (height, draw.of((3, 9, 70, 140)) if i % 4 else 150)
        stride = (draw.number(1, 2), draw.number(1, 3))
        dilation = (1, draw.number(1, 2)) if stride[1] == 1 and i % 3 == 0 else (1, 1)
        channels = draw.of((1, 4, 7, 16, 19, 33))
        window = draw.window(size, kernel, stride, dilation)
        op, weights = DepthwiseConv2D(window, 1, draw.of(tuple(Activation))), (1, *kernel, channels)
        found.append(draw.weighted(f"across {i}", op, (*size, channels), weights))
    return found
