"""C code of a kernel call's constants, for tests that call kernels without a library."""

from __future__ import annotations

import numpy as np

from tinycomp.codecs._channels import pack
from tinycomp.emit.c_syntax import c_number
from tinycomp.ir.kernel_call import Channels, KernelCall, Weights
from tinycomp.ir.tensor import Array

COPYING_CODEC = """
#include "tinycomp.h"
typedef struct {
    tc_weights_t weights;
    const int8_t *values;
} tc_copied_t;
/* Inline: not every program has weights. */
static inline const int8_t *tc_copied_read(const tc_weights_t *weights, size_t first, size_t count,
                                           int8_t *buffer)
{
    memcpy(buffer, ((const tc_copied_t *)weights)->values + first, count);
    return buffer;
}
"""
"""Weights copied into the kernel's buffer, so that a sanitizer detects reads beyond its end."""


def constants(name: str, call: KernelCall) -> list[str]:
    """Definitions of the call's arrays and weights, and of its struct, named `name`."""
    lines, members = [], []
    for field, value in call.fields.items():
        constant = f"{name}_{field}"
        if isinstance(value, Weights):
            lines.append(_array(f"{constant}_values", value.values))
            struct = f"{{{{tc_copied_read}}, {constant}_values}}"
            lines.append(f"static TC_CONST tc_copied_t {constant} = {struct};")
            members.append(f"&{constant}.weights")
        elif isinstance(value, Channels):
            lines.append(_array(constant, value.words if value.pairs else pack(value)))
            members.append(constant)
        elif isinstance(value, np.ndarray):
            lines.append(_array(constant, value))
            members.append(constant)
        else:
            members.append(c_number(int(value)))
    struct = f"static TC_CONST tc_{call.kernel}_t {name}"
    return [*lines, f"{struct} = {{{', '.join(members)}}};"]


def scratch_size(call: KernelCall) -> int:
    """The bytes of scratch the call needs, a block of copied weights included."""
    weights = [value for value in call.fields.values() if isinstance(value, Weights)]
    blocks = (min(w.block, len(w.values)) * w.values.shape[1] for w in weights)
    return call.scratch + sum(blocks)


def _array(name: str, values: Array) -> str:
    numbers = ", ".join(c_number(int(value)) for value in values.ravel())
    return f"static TC_CONST {values.dtype}_t {name}[] = {{{numbers}}};"
