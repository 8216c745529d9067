"""From a float graph and calibration samples to int8: the ranges of which method, and whether a
first scale and offset stay in the graph, is decided by which outputs are closest to float.

LiteRT's fast kernels compute what is compared.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tinycomp.common.progress import Progress
from tinycomp.data.dataset import spread
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array, QuantizationParameters
from tinycomp.quantize.affine import core_inputs, dequantize_values, quantize_inputs
from tinycomp.quantize.calibration import AUTO, METHODS, Method, observe, require_method
from tinycomp.quantize.export import write_tflite
from tinycomp.quantize.post_training import quantize
from tinycomp.quantize.screening import coarse_features, coarse_note
from tinycomp.reference.oracle import run_fast, run_float

WORK = 2_000_000_000
"""Multiply-accumulates that trying one method may cost: a second or two."""
FEWEST = 50
"""Samples that are compared, however large the model (or all, where there are fewer)."""
RESOLVED = 32
"""Steps of int8 that every feature of a raw input spans where it needs no transform."""
CLOSER = 0.7
"""How much closer to float a transform of the input has to bring the outputs."""

_INT16 = 32767


@dataclass(frozen=True, eq=False)
class Trial:
    """An int8 graph and how it came about."""

    core: Graph
    """The float graph that was quantized."""
    method: Method
    """How its ranges were chosen."""
    graph: Graph
    """int8."""
    error: float
    """Root mean square distance of its outputs from the float graph's, on calibration samples."""


def quantize_calibrated(
    graph: Graph,
    lifted: Graph,
    x: Array,
    method: str,
    given: QuantizationParameters | None,
    progress: Progress,
) -> Trial:
    """The int8 graph of a float graph.

    Args:
        graph: a float graph, ready to be quantized.
        lifted: the same behind an input transform, if the model begins with one.
        x: calibration samples, (samples, *input shape), raw values.
        method: AUTO, or the name of a method.
        given: the parameters that the input must have, if any.
        progress: shows the trials, and notes what the user should know.

    Raises:
        DataError: no such method, or no samples.
        ModelError: the graph can't be quantized.
    """
    found = closest(graph, x, method, given, progress)
    if lifted.input_transform is not None and given is None and _unresolved(found, x):
        whole = bool((x == np.rint(x)).all() and np.abs(x).max() <= _INT16)
        transform = replace(lifted.input_transform, integers=whole)
        lifted = replace(lifted, input_transform=transform)
        other = closest(lifted, x, method, None, progress)
        if other.error < CLOSER * found.error:
            found = other
            progress.note(
                "The model's first scale and offset are applied to raw input values in float, "
                "before int8: call normalize_input in front of invoke (docs/data.md). The .tflite "
                "takes the normalized values."
            )
    _note_coarse(found, x, progress)
    return found


def _unresolved(found: Trial, x: Array) -> bool:
    """Whether a feature that varies takes few steps of int8."""
    features = x.reshape(-1, x.shape[-1])
    spans = features.max(axis=0) - features.min(axis=0)
    scale = _input_parameters(found.graph).scale
    return bool(((spans > 0) & (spans < RESOLVED * scale)).any())


def _note_coarse(found: Trial, x: Array, progress: Progress) -> None:
    """Say which features int8 can't resolve."""
    name, values = found.graph.inputs[0], core_inputs(found.core, x)
    parameters = _input_parameters(found.graph)
    features = coarse_features(values, parameters)
    if features:
        progress.note(coarse_note(name, features, values, parameters.scale))


def closest(
    graph: Graph,
    x: Array,
    method: str,
    given: QuantizationParameters | None,
    progress: Progress,
) -> Trial:
    """Quantize by the method, or by every one, and keep what is closest to the float model.

    As many samples are compared as WORK allows. See quantize_calibrated for arguments and errors.
    """
    fixed = {graph.inputs[0]: given} if given else {}
    methods = METHODS if method == AUTO else (require_method(method),)
    real = core_inputs(graph, x)
    with progress.stage(f"Calibrating on {len(x)} samples"):
        observed = observe(graph, real)
    rows = spread(len(x), max(FEWEST, WORK // max(1, graph.cost().macs)))
    (expected,) = run_float(write_tflite(graph), real[rows]).values()
    trials = []
    with progress.stage("Choosing ranges", len(methods)) as advance:
        for each in methods:
            quantized = quantize(graph, observed.ranges(each), fixed)
            error = distance(quantized, x[rows], expected)
            trials.append(Trial(graph, each, quantized, error))
            advance(1)
    return min(trials, key=lambda trial: trial.error)


def distance(quantized: Graph, x: Array, expected: Array) -> float:
    """Root mean square distance of an int8 graph's outputs from real ones, for raw inputs x."""
    target = quantized.tensors[quantized.outputs[0]].quantization
    assert target is not None
    outputs = run_fast(write_tflite(quantized), quantize_inputs(quantized, x))
    error = dequantize_values(outputs, target).astype(np.float64) - expected
    return float(np.sqrt(np.mean(error**2)))


def _input_parameters(graph: Graph) -> QuantizationParameters:
    parameters = graph.tensors[graph.inputs[0]].quantization
    assert parameters is not None
    return parameters
