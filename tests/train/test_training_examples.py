"""The programs of examples/ and the Python interface that they use."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from small_networks import SHAPE, network, task

import tinycomp.techniques
import tinycomp.train
from tinycomp.common.errors import DataError, TinycompError
from tinycomp.frontend.tflite import parse_tflite
from tinycomp.quantization.export import compression_of
from tinycomp.reference.oracle import run_fast
from tinycomp.train import Int8, Prune, Rate, export_int8, trainable
from tinycomp.train._registry import kinds

ROOT = Path(__file__).resolve().parents[2]
BACKENDS = Path(sys.prefix) / "backends"
"""Where .ci/setup puts JAX: TensorFlow would import it if it were among the other packages."""
OTHERS = [name for name in ("torch", "jax")
          if (BACKENDS / name).is_dir() or importlib.util.find_spec(name)]  # fmt: skip
needs_other = pytest.mark.skipif(not OTHERS, reason="neither torch nor jax is installed")


def python(folder: Path, *command: str, backend: str = "tensorflow") -> str:
    """What a program prints."""
    others = [str(BACKENDS)] if backend != "tensorflow" else []
    paths = [str(ROOT), os.environ.get("PYTHONPATH"), *others]
    environment = {
        **os.environ,
        "KERAS_BACKEND": backend,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
    }
    return subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, check=True, capture_output=True,
        text=True, timeout=600,
    ).stdout  # fmt: skip


def run(example: str, folder: Path, *options: str, backend: str = "tensorflow") -> dict[str, float]:
    """The percentages that an example prints, by the words before them."""
    path = str(ROOT / "examples" / example)
    said = python(folder, path, *options, "-o", "small.tflite", backend=backend)
    return {name: float(share) for name, share in re.findall(r"(\w+): ([0-9.]+)%", said)}


@pytest.mark.slow
def test_a_pipeline_of_tf_data(tmp_path: Path) -> None:
    found = run("tf_data.py", tmp_path, "--epochs", "16", "--float-epochs", "25")
    assert found["int8"] > 85
    graph = parse_tflite((tmp_path / "small.tflite").read_bytes(), "small")
    weights = [graph.constants[node.inputs[1]].values for node in graph.nodes
               if node.op.weight_axis is not None]  # fmt: skip
    zeros = sum(int((each == 0).sum()) for each in weights) / sum(each.size for each in weights)
    assert zeros > 0.6


@pytest.mark.slow
@needs_other
@pytest.mark.parametrize("backend", OTHERS)
def test_other_backends_of_keras(backend: str, tmp_path: Path) -> None:
    found = run("torch_backend.py", tmp_path, "--epochs", "12", backend=backend)
    assert found["float"] > 85
    assert found["int8"] > 85


EACH_CONSTRAINT = """
import sys
sys.path[:0] = sys.argv[1:]
import keras
from small_networks import network, task
from tinycomp.train import *
x, y = task(64)
for each in ([Prune(0.5, every=1)], [Prune(0.5, score="movement", every=1)], [Sparse(0.5, every=1)],
             [Rate(bits=2.0, every=1)], [Share()], [Int8()], [KeepZeros(), Int8()], [FineTune()]):
    model = trainable(network(), each, x[:50], logits=True)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, y, batch_size=16, epochs=1, verbose=0)
    zeros = sum((layer.fixed().kernel == 0).mean() for layer in model.tinycomp.layers)
    print(each[-1].name, len(export_int8(model, x[:50])) > 1000, zeros > 0.5)
"""


@pytest.mark.slow
@needs_other
@pytest.mark.parametrize("backend", OTHERS)
def test_each_constraint_trains_with_other_backends(backend: str, tmp_path: Path) -> None:
    paths = [str(ROOT / "tests" / folder) for folder in ("", "ops", "train")]
    said = python(tmp_path, "-c", EACH_CONSTRAINT, *paths, backend=backend).split("\n")
    assert said[:3] == ["prune True True", "prune True True", "sparse True True"]
    names = [line.split()[:2] for line in said[3:-1]]
    assert names == [[name, "True"] for name in ("rate", "share", "int8", "int8", "fine_tune")]


def test_all_techniques_of_training_and_structure_can_be_imported() -> None:
    """From the packages; those that take int8 graphs are only steps of builds."""
    public = {*tinycomp.train.__all__, *tinycomp.techniques.__all__}
    assert {kind.__name__ for kind in kinds().values()} - {"Recipe"} <= public
    for package in (tinycomp.train, tinycomp.techniques):
        assert all(hasattr(package, name) for name in package.__all__)


def test_a_model_trained_by_fit_is_exported(tmp_path: Path) -> None:
    import keras

    x, y = task()
    model = trainable(network(), [Prune(0.5, every=2), Int8(4)], x[:100], logits=True)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.02), loss)
    model.fit(x, y, batch_size=16, epochs=4, verbose=0)
    tflite = export_int8(model, x[:100])
    steps = compression_of(tflite)["steps"]
    assert [each["technique"] for each in steps] == ["prune", "int8"]
    assert steps[1]["bits"] == 4
    graph = parse_tflite(tflite, "small")
    source = graph.tensors[graph.inputs[0]].quantization
    assert source is not None
    rounded = np.clip(np.rint(x / source.scale) + source.zero_point, -128, 127).astype(np.int8)
    found = run_fast(tflite, rounded)
    own = model.predict(x, verbose=0).argmax(axis=1)
    assert (found.argmax(axis=1) == own).mean() > 0.99


def test_samples_of_another_shape_are_refused() -> None:
    model = trainable(network(), [Int8()], task(8)[0])
    with pytest.raises(DataError, match=r"the shape \(4, 3\), and the model's input \(6, 6, 2\)"):
        export_int8(model, np.zeros((4, 3)))
    with pytest.raises(DataError, match="The samples have the shape"):
        export_int8(model, np.zeros((0, *SHAPE)))


def test_a_pipeline_without_a_length_is_refused() -> None:
    import tensorflow as tf

    x, y = task(64)

    def pipeline() -> tf.data.Dataset:
        return tf.data.Dataset.from_tensor_slices((x, y)).filter(lambda *_: True).batch(16)

    model = trainable(network(), [Rate(bits=2.0)])
    model.compile("adam", "sparse_categorical_crossentropy")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of Keras about shuffling
        with pytest.raises(TinycompError, match="does not say how many batches it has"):
            model.fit(pipeline(), epochs=1, verbose=0)
        model.fit(pipeline().repeat(), steps_per_epoch=4, epochs=1, verbose=0)
