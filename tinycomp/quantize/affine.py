"""Real numbers to int8 and back: real = scale * (quantized - zero_point)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinycomp.ir.tensor import Array, QuantizationParameters


def quantize_values(real: Array, parameters: QuantizationParameters) -> NDArray[np.int8]:
    """The nearest int8 values, half away from zero, saturated at -128 and 127 (TFLite's QUANTIZE).

    One scale and zero point; for weights with a scale per slice see post_training.
    """
    scaled = np.asarray(real, np.float32) / np.float32(parameters.scale)
    rounded = np.trunc(scaled + np.copysign(np.float32(0.5), scaled))
    quantized: NDArray[np.int8] = np.clip(rounded + parameters.zero_point, -128, 127).astype(
        np.int8
    )
    return quantized


def dequantize_values(quantized: Array, parameters: QuantizationParameters) -> NDArray[np.float32]:
    """Real values, float32; scales per slice are broadcast along the parameters' axis."""
    scales = np.asarray(parameters.scales, np.float32)
    zeros = np.asarray(parameters.zero_points, np.int64)
    if parameters.axis is not None:
        shape = [1] * quantized.ndim
        shape[parameters.axis] = -1
        scales, zeros = scales.reshape(shape), zeros.reshape(shape)
    real: NDArray[np.float32] = (quantized - zeros).astype(np.float32) * scales
    return real
