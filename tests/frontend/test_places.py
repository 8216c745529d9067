"""Models that end in the number of a class (ARG_MAX), as TensorFlow converts them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tinycomp.data.score import TOP_1, score
from tinycomp.data.targets import find_targets
from tinycomp.data.task import model_shape
from tinycomp.frontend.tflite import read_tflite
from tinycomp.ops.arg_max import ArgMax
from tinycomp.quantization.calibration import calibrate
from tinycomp.quantization.post_training import quantize
from tinycomp.reading import clean_up, is_float
from tinycomp.reference.simulate import simulate

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.filterwarnings("ignore:Statistics for quantized inputs")
X = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)


@pytest.fixture(scope="module", params=["int32", "int64"])
def files(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The same model in float and in int8."""
    kernel = np.random.default_rng(1).normal(size=(6, 5)).astype(np.float32)

    @tf.function(input_signature=[tf.TensorSpec((1, 6))])  # type: ignore[untyped-decorator]
    def classify(x: object) -> object:
        return tf.argmax(tf.matmul(x, kernel), axis=-1, output_type=request.param)

    folder, found = tmp_path_factory.mktemp("places"), []
    for name in ("float", "int8"):
        converter = tf.lite.TFLiteConverter.from_concrete_functions(
            [classify.get_concrete_function()], tf.Module()
        )
        if name == "int8":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = _samples
            converter.inference_input_type = tf.int8
        path = folder / f"{name}.tflite"
        path.write_bytes(converter.convert())
        found.append(path)
    return found


def _samples() -> Iterator[list[np.ndarray]]:  # type: ignore[type-arg]
    yield from ([x[None]] for x in X)


def test_the_number_of_a_class_is_scored_as_a_class(files: list[Path]) -> None:
    for path in files:
        graph = read_tflite(path)
        if is_float(graph):
            cleaned = clean_up(graph)
            graph = quantize(cleaned, calibrate(cleaned, X, "min-max"))
        assert isinstance(graph.nodes[-1].op, ArgMax) or graph.nodes[-1].op.name == "reshape"
        shape = model_shape(graph)
        assert shape.places == 5
        scale = graph.tensors[graph.inputs[0]].quantization
        assert scale is not None
        stored = np.clip(np.round(X / scale.scale) + scale.zero_point, -128, 127).astype(np.int8)
        places = simulate(graph, stored)[graph.outputs[0]]
        wanted = places.ravel().astype(np.int64)
        targets = find_targets(shape, X, wanted)
        assert targets.task == "classification"
        found = score(shape, targets, places.astype(np.float32))
        assert found is not None
        assert (found.metric, found.value) == (TOP_1, 1.0)
        wrong = score(shape, targets, ((places + 1) % 5).astype(np.float32))
        assert wrong is not None
        assert wrong.value == 0.0
