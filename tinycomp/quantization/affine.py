"""Real numbers to integers and back: real = scale * (quantized - zero_point)."""

from __future__ import annotations

import numpy as np

from tinycomp.ir.fixed_point import round_steps
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array, QuantizationParameters


def quantize_values(real: Array, parameters: QuantizationParameters, dtype: str = "int8") -> Array:
    """The nearest values of a type, half away from zero, saturated (TFLite's QUANTIZE).

    One scale and zero point; for weights with a scale per slice see post_training.
    """
    with np.errstate(over="ignore"):
        scaled = np.asarray(real, np.float32) / np.float32(parameters.scale)
    return round_steps(scaled, parameters.zero_point, dtype)


def quantize_inputs(graph: Graph, raw: Array) -> Array:
    """Real samples, (count, *graph.sample_shape), as inputs, after the input transform."""
    if len(graph.sources) > 1:
        return _quantize_each(graph, raw)
    source = graph.tensors[graph.inputs[0]]
    parameters = source.quantization
    assert parameters is not None
    if graph.input_transform is None:
        return quantize_values(raw, parameters, source.dtype)
    steps = graph.input_transform.steps(raw, parameters.scale)
    return round_steps(steps, parameters.zero_point, source.dtype)


def _quantize_each(graph: Graph, raw: Array) -> Array:
    """Several inputs, each with its own scale."""
    found, parts = [], graph.split(raw)
    for tensor in graph.sources:
        assert tensor.quantization is not None
        values = quantize_values(parts[tensor.name], tensor.quantization, tensor.dtype)
        found.append(values.reshape(len(raw), -1))
    return np.concatenate(found, axis=1)


def core_inputs(graph: Graph, raw: Array) -> Array:
    """Real inputs after the input transform, before quantization, float32."""
    transform = graph.input_transform
    return np.asarray(raw, np.float32) if transform is None else transform.normalize(raw)
