"""The input quantization given by the user instead of calibration."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from tinycomp.common.errors import DataError
from tinycomp.frontend.tflite import read_tflite
from tinycomp.ir.tensor import QuantizationParameters

_SUFFIX = ".tflite"


def input_quantization(text: str | None) -> QuantizationParameters | None:
    """The parameters from "SCALE,ZERO_POINT" or from the path of an int8 .tflite.

    Raises:
        DataError: it is neither, or the numbers are not a valid int8 quantization.
        ModelError: the .tflite can't be read.
    """
    if text is None:
        return None
    if text.endswith(_SUFFIX):
        graph = read_tflite(Path(text))
        return graph.tensors[graph.inputs[0]].quantization
    scale, _, zero_point = text.partition(",")
    try:
        parameters = QuantizationParameters((float(np.float32(scale)),), (int(zero_point),))
    except (ValueError, OverflowError):
        raise _refusal(text) from None
    if not (math.isfinite(parameters.scale) and parameters.scale > 0):
        raise _refusal(text)
    if not -128 <= parameters.zero_point <= 127:
        raise _refusal(text)
    return parameters


def _refusal(text: str) -> DataError:
    return DataError(
        f"--input-quantization '{text}' is not an int8 quantization.",
        expected="Expected SCALE,ZERO_POINT (as 0.5847029,83): a scale above 0 and a zero point "
        "from -128 to 127, or the path of an int8 .tflite.",
    )
