"""MEAN, and AVERAGE_POOL_2D over the whole input, for firmware/kernels/armv7e_m/mean_dsp.h and
average_pool_global_dsp.h.
"""

from __future__ import annotations

from dataclasses import replace

from tinycomp.codecs._codec import Encoded
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Operands
from tinycomp.kernels._dsp_sums import integer

GROUP = 4
"""Channels summed together."""
LEAST = 1024
"""Number of values whose sums are worth the kernel's code of about 200 bytes."""
MOST_CELLS = 256
"""Maximum number of values with a 16-bit sum."""


def average_pool_global(
    call: KernelCall, operands: Operands, stored: Encoded | None
) -> KernelCall | None:
    """The DSP kernel's call; None if the channels are no multiple of four, if there are too many
    cells, or where few bytes are wanted.
    """
    channels = integer(call, "channels")
    if call.compact:
        return None
    if channels % GROUP or integer(call, "height") * integer(call, "width") > MOST_CELLS:
        return None
    return replace(call, kernel="average_pool_global_dsp", scratch=2 * channels)


def mean(call: KernelCall, operands: Operands, stored: Encoded | None) -> KernelCall | None:
    """The DSP kernel's call, with the same arguments as the portable one; None if there is too
    little to sum.
    """
    if integer(call, "channels") < GROUP or operands.activations[0].size < LEAST:
        return None
    return replace(call, kernel="mean_dsp")
