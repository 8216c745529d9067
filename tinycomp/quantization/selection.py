"""Quantizes a float graph with the calibration method whose int8 outputs are closest to float, and
decides likewise whether a leading scale and offset stay in the graph.

The compared outputs come from LiteRT's optimized kernels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from tinycomp.common.progress import Progress
from tinycomp.data.values import spread
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array, QuantizationParameters, dequantize_values
from tinycomp.options.build import AUTO
from tinycomp.quantization.affine import core_inputs, quantize_inputs
from tinycomp.quantization.calibration import METHODS, Method, observe, require_method
from tinycomp.quantization.export import write_tflite
from tinycomp.quantization.post_training import quantize
from tinycomp.quantization.screening import coarse_features, coarse_note
from tinycomp.quantization.types import BYTES, Precision, on_bytes
from tinycomp.quantization.wide_states import wide_note, widened
from tinycomp.reference.oracle import outputs_fast, run_float

WORK = 2_000_000_000
"""The most multiply-accumulates to try one method: a second or two."""
FEWEST = 50
"""The fewest samples to compare, however large the model (all if there are fewer)."""
RESOLVED = 32
"""The int8 steps that every feature of a raw input must span to need no transform."""
_FEW = 20
"""Fewer calibration samples than these are noted."""
CLOSER = 0.7
"""How much closer to float an input transform has to bring the outputs."""

_INT16 = 32767


@dataclass(frozen=True, eq=False)
class Trial:
    """An int8 graph and how it was made."""

    core: Graph
    """The float graph that was quantized."""
    method: Method
    """How the ranges were chosen."""
    graph: Graph
    """The int8 graph."""
    error: float
    """Root mean square difference of int8 and float outputs on calibration samples."""
    note: str = ""
    """What was chosen beside the method; empty for nothing."""


def quantize_calibrated(
    graph: Graph,
    lifted: Graph,
    x: Array,
    method: str,
    given: QuantizationParameters | None,
    progress: Progress,
    scales: int | None = None,
    precision: Precision = BYTES,
) -> Trial:
    """The integer graph of a float graph.

    Args:
        graph: a float graph, ready to be quantized.
        lifted: the same graph after an input transform, if the model begins with one.
        x: calibration samples, (samples, *input shape), raw values.
        method: AUTO, or the name of a method.
        given: fixed parameters of the input, if any.
        progress: shows the trials, and takes notes for the user.
        scales: how many weight scales a layer may have; None for one a channel.
        precision: bits of activations.

    Raises:
        DataError: no such method, or no samples.
        ModelError: the graph can't be quantized.
    """
    found = closest(graph, x, method, given, progress, scales, precision)
    if lifted.input_transform is not None and given is None and _unresolved(found, x):
        whole = bool((x == np.rint(x)).all() and np.abs(x).max() <= _INT16)
        transform = replace(lifted.input_transform, integers=whole)
        lifted = replace(lifted, input_transform=transform)
        other = closest(lifted, x, method, None, progress, scales, precision)
        if other.error < CLOSER * found.error:
            found = other
            progress.note(
                "The model's first scale and offset are applied to raw input values in float, "
                "before quantization: call normalize_input before invoke (docs/data.md). The "
                ".tflite takes the normalized values."
            )
    for note in (found.note, _few_note(len(x)), _narrow_note(found.graph)):
        if note:
            progress.note(note)
    _note_coarse(found, x, progress)
    return found


def _few_note(count: int) -> str:
    """That ranges come from few samples; empty if there are enough."""
    if count >= _FEW:
        return ""
    samples = "one sample" if count == 1 else f"{count} samples"
    return f"Calibrated on {samples} only: values beyond theirs are clipped. A hundred are better."


def _narrow_note(graph: Graph) -> str:
    """Names the layers that stay on 8 bits amid 16-bit ones; empty if there are none."""
    layers = ", ".join(f"{node.name!r} ({node.op.name})" for node in on_bytes(graph))
    if not layers:
        return ""
    return (
        f"Computed on int8, with conversions around, for want of a form on 16-bit activations: "
        f"{layers}."
    )


def _unresolved(found: Trial, x: Array) -> bool:
    """Whether a varying feature spans only few int8 steps. An int16 input always counts: its steps
    are fine, but an offset folded into int8 weights multiplies their rounding.
    """
    if found.graph.tensors[found.graph.inputs[0]].dtype == "int16":
        return True
    features = x.reshape(-1, x.shape[-1])
    spans = features.max(axis=0) - features.min(axis=0)
    scale = _input_parameters(found.graph).scale
    return bool(((spans > 0) & (spans < RESOLVED * scale)).any())


def _note_coarse(found: Trial, x: Array, progress: Progress) -> None:
    """Add a note on features that the input's steps can't resolve."""
    if len(found.graph.inputs) > 1:
        return
    name, values = found.graph.inputs[0], core_inputs(found.core, x)
    parameters = _input_parameters(found.graph)
    features = coarse_features(values, parameters)
    if features:
        dtype = found.graph.tensors[name].dtype
        progress.note(coarse_note(name, features, values, parameters.scale, dtype))


def closest(
    graph: Graph,
    x: Array,
    method: str,
    given: QuantizationParameters | None,
    progress: Progress,
    scales: int | None = None,
    precision: Precision = BYTES,
) -> Trial:
    """Quantize with the method, or with all, and keep the graph closest to the float model.

    WORK limits the number of compared samples. See quantize_calibrated for arguments and errors.
    """
    fixed = {graph.inputs[0]: given} if given else {}
    methods = METHODS if method == AUTO else (require_method(method),)
    real = core_inputs(graph, x)
    with progress.stage(f"Calibrating on {len(x)} samples"):
        observed = observe(graph, real)
    rows = spread(len(x), max(FEWEST, WORK // max(1, graph.cost().macs)))
    expected = run_float(write_tflite(graph), real[rows])
    trials, ranges = [], {}
    with progress.stage("Choosing ranges", len(methods)) as advance:
        for each in methods:
            ranges[each] = observed.ranges(each)
            quantized = quantize(graph, ranges[each], fixed, scales, precision)
            error = distance(quantized, x[rows], expected)
            trials.append(Trial(graph, each, quantized, error))
            advance(1)
    best = min(trials, key=lambda trial: trial.error)

    def error_with(wide: Precision) -> float:
        made = quantize(graph, ranges[best.method], fixed, scales, wide)
        return distance(made, x[rows], expected) / size

    size = _size(expected)
    found = widened(graph, precision, best.error / size, error_with)
    if found is None:
        return best
    wide, error = found
    made = quantize(graph, ranges[best.method], fixed, scales, wide)
    note = wide_note(graph, precision, wide, best.error / size / error)
    return replace(best, graph=made, error=error * size, note=note)


def distance(quantized: Graph, x: Array, expected: Mapping[str, Array]) -> float:
    """Root mean square difference of an int8 graph's outputs from real ones, for raw inputs x.

    Of several outputs, the mean of their differences, each relative to the output's own size.
    """
    outputs = outputs_fast(write_tflite(quantized), quantize_inputs(quantized, x))
    found = []
    for name, values in outputs.items():
        target = quantized.tensors[name].quantization
        assert target is not None
        error = _root_mean_square(
            dequantize_values(values, target).astype(np.float64) - expected[name]
        )
        found.append(error / _root_mean_square(expected[name]) if len(outputs) > 1 else error)
    return float(np.mean(found))


def _size(expected: Mapping[str, Array]) -> float:
    """What `distance` is relative to: 1 where it is a fraction already."""
    if len(expected) > 1:
        return 1.0
    (values,) = expected.values()
    return _root_mean_square(values)


def _root_mean_square(values: Array) -> float:
    """At least the smallest positive number."""
    found = float(np.sqrt(np.mean(values.astype(np.float64) ** 2)))
    return max(found, float(np.finfo(np.float64).tiny))


def _input_parameters(graph: Graph) -> QuantizationParameters:
    parameters = graph.tensors[graph.inputs[0]].quantization
    assert parameters is not None
    return parameters
