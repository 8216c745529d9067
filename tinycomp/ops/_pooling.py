"""What the poolings share: their padding in TFLite and the fields of their kernels."""

from __future__ import annotations

from collections.abc import Mapping

from tinycomp.common.errors import ModelError
from tinycomp.ir.tensor import Operands
from tinycomp.ops._activation import Activation
from tinycomp.ops._quantized import parameters
from tinycomp.ops._window import Window


def pooling_scheme(window: Window, operands: Operands) -> str:
    """SAME or VALID for a pooling.

    Raises:
        ModelError: the padding is neither; an explicit PAD would take part in the pooling.
    """
    scheme = window.scheme(operands.activations[0].shape)
    if scheme is None:
        raise ModelError(
            f"{operands.output.name!r} pools with the padding {window.padding} "
            "(top, left, bottom, right).",
            expected='TFLite knows "same" and "valid" only.',
            hint="Pad with a layer of its own, or pool without padding.",
        )
    return scheme


def pool_fields(window: Window, activation: Activation, operands: Operands) -> Mapping[str, int]:
    """Shapes, window and bounds, in the order of the kernels' structs."""
    height, width, channels = operands.activations[0].shape
    top, left, _, _ = window.padding
    low, high = activation.clamp(parameters(operands.output))
    return {
        "input_height": height,
        "input_width": width,
        "channels": channels,
        "output_width": operands.output.shape[1],
        "kernel_height": window.kernel[0],
        "kernel_width": window.kernel[1],
        "stride_height": window.stride[0],
        "stride_width": window.stride[1],
        "padding_top": top,
        "padding_left": left,
        "activation_min": low,
        "activation_max": high,
    }
