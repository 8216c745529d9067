"""GRUs on int16 for firmware/kernels/armv7e_m/gru_int16_dsp.h."""

from __future__ import annotations

import numpy as np

from tinycomp.codecs._codec import Encoded
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Array, Operands
from tinycomp.kernels._dsp_recurrent import Rows
from tinycomp.kernels._factor_int16 import row_words


def gru_int16(call: KernelCall, operands: Operands, stored: Encoded | None) -> KernelCall | None:
    """The DSP kernel's call; None if weights are decoded, if a sum could leave 32 bits, or if a row
    has no multiplier that rounds every sum as LiteRT does.
    """
    if stored is None or stored.buffered:
        return None
    rows, words = Rows.of(call), list[Array]()
    for name, side in rows.sides.items():
        members = [call.fields[f"{name}_{each}"] for each in ("rows", "lower", "upper")]
        found = row_words(members, side, rows.order)
        if found is None:
            return None
        words.append(found)
    curves = ("sigmoid_shift", "tanh_shift", "sigmoid_multiplier", "tanh_multiplier")
    return KernelCall(
        "gru_int16_dsp",
        {
            **rows.sizes(call),
            **{name: call.fields[name] for name in curves},
            "weights": rows.weights(),
            "rows": np.ascontiguousarray(np.concatenate(words, axis=1)).reshape(-1),
            "table": call.fields["table"],
        },
        scratch=rows.pairs(call) + 32 * rows.state_groups + 8 * rows.input_groups,
        keeps_scratch=True,
    )
