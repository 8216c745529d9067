"""How far each int8 tensor is from the float model's: signal to noise, and the most to blame."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tinycomp.data.dataset import spread
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.quantize.affine import core_inputs, dequantize_values, quantize_inputs
from tinycomp.quantize.export import write_tflite
from tinycomp.reference.oracle import run_float
from tinycomp.reference.simulate import simulate

SAMPLES = 32
"""Calibration samples that are compared."""
ELEMENTS = 1 << 24
"""At most so many activations, which bounds memory; fewer samples of large models."""
EXACT = 120.0
"""Decibels of a tensor without any error, and the most that is told of others."""
GOOD = 40.0
"""Decibels that a quantized input has at the least where one scale suits it."""


def signal_to_noise(core: Graph, quantized: Graph, x: Array) -> dict[str, float]:
    """10 log10 of the float values' power over the error's, in dB, by tensor.

    Args:
        core: the float graph.
        quantized: an int8 graph made of it; tensors of the same name hold the same values.
        x: samples of real values; a few of them are used.

    Returns:
        Tensors of both graphs that are not zero throughout; at most EXACT.
    """
    elements = sum(tensor.size for tensor in core.tensors.values())
    x = x[spread(len(x), max(1, min(SAMPLES, ELEMENTS // max(1, elements))))]
    expected = run_float(write_tflite(core), core_inputs(core, x), "all")
    found = simulate(quantized, quantize_inputs(quantized, x))
    result = {}
    for name in quantized.tensors:
        parameters = quantized.tensors[name].quantization
        if name in core.tensors and parameters is not None:
            ratio = _decibels(expected[name], dequantize_values(found[name], parameters))
            if ratio is not None:
                result[name] = ratio
    return result


def _decibels(expected: Array, found: Array) -> float | None:
    signal = np.sum(np.square(expected, dtype=np.float64))
    noise = np.sum(np.square(found.astype(np.float64) - expected))
    if signal == 0:
        return None
    return EXACT if noise == 0 else float(min(EXACT, 10 * np.log10(signal / noise)))


def most_to_blame(quantized: Graph, ratios: Mapping[str, float]) -> tuple[str, float] | None:
    """The tensor that loses most against what it is computed from, and how many dB that is."""
    losses = {name: GOOD - ratios[name] for name in quantized.inputs if name in ratios}
    for node in quantized.nodes:
        (output,) = node.outputs
        known = [ratios[name] for name in node.inputs if name in ratios]
        if output in ratios and known:
            losses[output] = min(GOOD, *known) - ratios[output]
    if not losses:
        return None
    name = max(losses, key=lambda tensor: losses[tensor])
    return name, losses[name]
