"""The error of each int8 tensor against the float model, in dB, and which tensor loses most."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tinycomp.data.values import spread
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array, dequantize_values
from tinycomp.quantization.affine import core_inputs, quantize_inputs
from tinycomp.quantization.export import write_tflite
from tinycomp.quantization.masks import bounded_scores, masked_sums
from tinycomp.reference.oracle import run_float
from tinycomp.reference.simulate import simulate

SAMPLES = 32
"""Calibration samples to compare."""
ELEMENTS = 1 << 24
"""The most activations, to limit memory: fewer samples for large models."""
EXACT = 120.0
"""dB of a tensor without any error; others are limited to it."""
GOOD = 40.0
"""The least dB of a quantized input that one scale suits."""


def signal_to_noise(core: Graph, quantized: Graph, x: Array) -> dict[str, float]:
    """10 log10 of the power of the float values over that of the error, in dB, by tensor.

    Args:
        core: the float graph.
        quantized: an int8 graph made from it; tensors of the same name have the same meaning.
        x: samples of real values; only some are used.

    Returns:
        For tensors of both graphs that are not zero throughout, and hold no masked scores, which
        are other numbers in each; at most EXACT.
    """
    elements = sum(tensor.size for tensor in core.tensors.values())
    x = x[spread(len(x), max(1, min(SAMPLES, ELEMENTS // max(1, elements))))]
    compared = core.tensors.keys() & quantized.tensors.keys()
    expected = run_float(write_tflite(core), core_inputs(core, x), compared)
    found = simulate(quantized, quantize_inputs(quantized, x))
    result = {}
    masked = {node.outputs[0] for node in masked_sums(core)}
    for each in bounded_scores(core):
        masked.update(*(node.outputs for node in (each.node, each.spread, each.bound)))
    for name in quantized.tensors:
        parameters = quantized.tensors[name].quantization
        if name in compared and name not in masked and parameters is not None:
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
    """The tensor that loses most against its inputs, and how many dB."""
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
