"""FULLY_CONNECTED for firmware/kernels/armv8_1m_mve/dense_layer_mve.h."""

from __future__ import annotations

import numpy as np

from tinycomp.codecs._codec import Encoded
from tinycomp.ir.kernel_call import KernelCall, Weights
from tinycomp.ir.tensor import Operands
from tinycomp.kernels._dsp_sums import channels_of, distinct, integer
from tinycomp.kernels._mve_gemm import GROUP, gemm_fields


def fully_connected(
    call: KernelCall, operands: Operands, stored: Encoded | None
) -> KernelCall | None:
    """The MVE kernel's call; None if there are fewer outputs than a group, or products are shifted
    by less than 33 bits.
    """
    weights = call.fields["weights"]
    assert isinstance(weights, Weights)
    # The high word is shifted; 31 less the portable kernel's shift are all places.
    channels = channels_of(call)
    shift = channels.low.astype(np.int64) + 1
    if integer(call, "extended") or not -32 < shift.min() <= shift.max() < 0:
        return None
    if stored is None or len(weights.values) < GROUP:
        return None
    reading, values, arranged = gemm_fields(call, weights.values, stored)
    each = int(distinct(channels) > 1)
    factors, repeated = (len(shift), 1) if each else (1, GROUP)
    fields = {
        **{name: call.fields[name] for name in ("width", "input_size", "output_size")},
        "block": reading["block"],
        "channel_step": each,
        "plain": reading["plain"],
        "output_zero_point": call.fields["output_zero_point"],
        "activation_min": call.fields["activation_min"],
        "activation_max": call.fields["activation_max"],
        "weights": values,
        "bias": channels.start,
        "multiplier": np.tile(channels.multiplier[:factors], repeated),
        "shift": np.tile(shift[:factors].astype(np.int8), repeated),
    }
    kernel = "fully_connected_mve" if each else "fully_connected_factor_mve"
    return KernelCall(kernel, fields, scratch=arranged)
