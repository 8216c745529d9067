"""Compares post-training quantization with TensorFlow's converter, on the same calibration samples.

    python benchmarks/quantization.py ../shared [kws ic vww sww ad] [--test-samples N] [--json]

For each model: the metric of the float model, of TensorFlow's int8 model and of tinycomp's for each
calibration method, all on LiteRT's reference kernels or an equal implementation, and the RMS
distance of the int8 outputs from the float ones.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from tinycomp.common.progress import Silent
from tinycomp.data.dataset import Dataset, load_data
from tinycomp.data.score import score
from tinycomp.data.targets import find_targets
from tinycomp.data.task import ModelShape, model_shape
from tinycomp.frontend.keras import read_keras
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array, QuantizationParameters, dequantize_values
from tinycomp.options.build import AUTO
from tinycomp.options.data import DataOptions
from tinycomp.quantization.affine import quantize_values
from tinycomp.quantization.calibration import METHODS
from tinycomp.quantization.export import write_tflite
from tinycomp.quantization.selection import closest
from tinycomp.reading import clean_up
from tinycomp.reference import oracle, simulate

CASES = {
    "kws": ("kws01", (49, 10, 1), DataOptions()),
    "ic": ("cifar10", (32, 32, 3), DataOptions()),
    "vww": ("person_crops", (96, 48, 3), DataOptions(scale=1 / 255)),
    "sww": ("sww_stream", (30, 1, 40), DataOptions()),
    "ad": ("toycar_2clips", (640,), DataOptions()),
}
"""Data set, its sample shape, and how to read it. Crops for vww are widened to 96 columns."""


@dataclass(frozen=True)
class Row:
    """The score of one variant of a model."""

    model: str
    """The name of the model."""
    variant: str
    """"float", "TensorFlow int8", or "tinycomp" with a calibration method."""
    metric: str
    """The metric of `value`."""
    samples: int
    """Number of test samples."""
    value: float
    """The score, in percent or as a mean squared error."""
    rms: float
    """Root mean square distance of the outputs from the float model's."""


def load_case(shared: Path, model: str, test_samples: int) -> Dataset:
    """The data of a model, in its input format."""
    name, shape, options = CASES[model]
    options = replace(options, test_samples=test_samples)
    dataset = load_data(shared / "data" / f"{name}.npz", shape, options)
    if model != "vww":
        return dataset
    x, x_test = (
        np.pad(x, ((0, 0), (0, 0), (24, 24), (0, 0)), mode="edge")
        for x in (dataset.x, dataset.x_test)
    )
    return replace(dataset, x=x, x_test=x_test)


def compare(shared: Path, model: str, test_samples: int) -> Iterator[Row]:
    """All rows of one model, the float model first."""
    dataset = load_case(shared, model, test_samples)
    path = shared / "models" / f"{model}.keras"
    graph = clean_up(read_keras(path))
    shape = model_shape(graph)
    (expected,) = oracle.run_float(write_tflite(graph), dataset.x_test).values()
    yield _row(model, shape, "float", expected, dataset, expected)
    with _quiet():
        converted = convert_with_tensorflow(path, dataset.x)
    outputs = _run_tflite(converted, dataset.x_test)
    yield _row(model, shape, "TensorFlow int8", outputs, dataset, expected)
    for method in (AUTO, *METHODS):
        found = closest(graph, dataset.x, method, None, Silent())
        outputs = _run(found.graph, dataset.x_test)
        yield _row(model, shape, f"tinycomp {method}", outputs, dataset, expected)


def convert_with_tensorflow(path: Path, samples: Array) -> bytes:
    """The int8 .tflite from TensorFlow's own converter."""
    import keras
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(
        keras.models.load_model(path, compile=False)
    )
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([sample[np.newaxis]] for sample in samples)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    content: bytes = converter.convert()
    return content


def _run_tflite(model: bytes, x: Array) -> Array:
    """Real outputs of an int8 .tflite on LiteRT's reference kernels, from real inputs."""
    interpreter = Interpreter(model_content=model)
    source, target = (
        QuantizationParameters((float(scale),), (zero_point,))
        for (details,) in (interpreter.get_input_details(), interpreter.get_output_details())
        for scale, zero_point in (details["quantization"],)
    )
    return dequantize_values(oracle.run_output(model, quantize_values(x, source)), target)


def _run(graph: Graph, x: Array) -> Array:
    """Real outputs of an int8 graph, from real inputs."""
    source = graph.tensors[graph.inputs[0]].quantization
    target = graph.tensors[graph.outputs[0]].quantization
    assert source is not None
    assert target is not None
    return dequantize_values(simulate.run(graph, quantize_values(x, source)), target)


def _row(
    model: str, shape: ModelShape, variant: str, outputs: Array, dataset: Dataset, expected: Array
) -> Row:
    found = score(shape, find_targets(shape, dataset.x_test, dataset.y_test), outputs)
    assert found is not None
    percent = 100.0 if found.metric == "top-1" else 1.0
    rms = float(np.sqrt(np.mean((outputs.astype(np.float64) - expected) ** 2)))
    return Row(model, variant, found.metric, found.samples, percent * found.value, rms)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Discard the output of TensorFlow's converter, also from C++."""
    sys.stdout.flush()
    saved = os.dup(1), os.dup(2)
    with Path(os.devnull).open("w") as sink:
        os.dup2(sink.fileno(), 1)
        os.dup2(sink.fileno(), 2)
        try:
            yield
        finally:
            sys.stdout.flush()
            os.dup2(saved[0], 1)
            os.dup2(saved[1], 2)
            os.close(saved[0])
            os.close(saved[1])


def main() -> None:
    """Print a table, or JSON for tests."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("shared", type=Path, help="folder with models/ and data/")
    parser.add_argument("models", nargs="*", default=list(CASES), help="default: all five")
    parser.add_argument("--test-samples", type=int, default=2000, help="default: 2000")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    rows = []
    for model in options.models:
        for row in compare(options.shared, model, options.test_samples):
            rows.append(row)
            if not options.json:
                print(
                    f"{row.model:4} {row.variant:20} {row.value:9.3f} "
                    f"({row.metric}, {row.samples} samples)  RMS from float {row.rms:.5f}",
                    flush=True,
                )
    if options.json:
        print(json.dumps([asdict(row) for row in rows]))


if __name__ == "__main__":
    main()
