"""Sums of residual blocks: other outputs of a model in training, and closer to the float model's
after it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from float_graphs import float_graph
from small_models import Layers
from small_networks import SHAPE, network, task
from test_recipe_run import Files, save

from tinycomp.common.errors import ModelError, TinycompError
from tinycomp.common.progress import Silent
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window
from tinycomp.quantization.export import write_tflite
from tinycomp.reference import oracle
from tinycomp.train.hidden import averaged, sums_of
from tinycomp.train.loop import train
from tinycomp.train.losses import Supervision
from tinycomp.train.model import finish, trainable
from tinycomp.train.rate import Rate
from tinycomp.train.schedule import Schedule
from tinycomp.train.teacher import teacher_outputs, teacher_sums


def residual() -> Graph:
    """A float classifier with two residual blocks."""
    layers = Layers(SHAPE, 3)
    same = Window.make("same", SHAPE[:2], (3, 3))
    x = layers.conv("input", 8, same, Activation.RELU)
    for _ in range(2):
        x = layers.add(x, layers.conv(x, 8, same, Activation.RELU))
    layers.softmax(layers.dense(layers.mean(x), 3))
    return float_graph(layers.graph())


@pytest.mark.parametrize(("shape", "areas"), [
    ((6, 6), (6, 6)), ((9, 8), (4, 4)), ((32, 32), (4, 4)), ((10,), (5,)), ((3,), (3,)), ((), ()),
])  # fmt: skip
def test_means_over_areas(shape: tuple[int, ...], areas: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).normal(size=(2, *shape, 3)).astype(np.float32)
    found = averaged(x, np.reshape, np.mean).reshape(2, *areas, 3)
    assert found.size == 2 * np.prod(areas, dtype=int) * 3
    first = tuple(slice(0, size // count) for size, count in zip(shape, areas, strict=True))
    wanted = x[(slice(None), *first)].reshape(2, -1, 3).mean(axis=1)
    np.testing.assert_allclose(found[(slice(None), *(0,) * len(areas))], wanted, atol=1e-6)


def test_sums_are_other_outputs() -> None:
    graph, (x, _) = residual(), task(20)
    model = trainable(graph, logits=True, features=0, sums=0)
    _, _, *sums = model.predict(x, verbose=0)
    values = oracle.run_float(write_tflite(graph), x, "all")
    for found, teacher, name in zip(sums, teacher_sums(graph, x), sums_of(graph), strict=True):
        np.testing.assert_allclose(found, values[name].reshape(20, -1), atol=1e-4)
        np.testing.assert_allclose(found, teacher, atol=1e-4)


def test_training_brings_sums_closer() -> None:
    teacher, (x, y) = residual(), task()
    wanted = teacher_sums(teacher, x)
    (said,) = teacher_outputs(teacher, x, logits=True)
    found = []
    for weight in (0.0, 30.0):
        model = trainable(teacher, [Rate(1.5, every=2)], logits=True, sums=0)
        targets = [Supervision.features(each, weight) for each in wanted]
        train(model, x, [Supervision.classes(said, y), *targets],
              Schedule(epochs=6, batch=32), Silent())  # fmt: skip
        found.append(distance(teacher_sums(finish(model), x), wanted))
    assert found[1] < 0.7 * found[0]


def distance(found: Any, wanted: list[Array]) -> float:
    return sum(float(np.mean((a - b) ** 2)) for a, b in zip(found, wanted, strict=True))


def test_models_without_sums_are_refused() -> None:
    with pytest.raises(ModelError, match="has no sums of residual blocks"):
        sums_of(network())
    with pytest.raises(TinycompError, match="sums -1"):
        Schedule(sums=-1)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    import keras

    folder = tmp_path_factory.mktemp("residual")
    keras.utils.set_random_seed(0)
    layers, entry = keras.layers, keras.Input(SHAPE)
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(entry)
    inner = layers.Conv2D(12, 3, padding="same", activation="relu", name="inner")(x)
    x = layers.Add()([x, layers.Conv2D(8, 3, padding="same")(inner)])
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(x))
    save(
        keras.Model(entry, layers.Dense(3, activation="softmax")(x)),
        folder / "model.keras",
    )
    x_train, y_train = task(120)
    np.savez(folder / "data.npz", x_train=x_train, y_train=y_train,
             x_test=x_train[:20], y_test=y_train[:20])  # fmt: skip
    return Files(folder)


IMITATE = """
[training]
batch = 60
epochs = 1
sums = 10
[training.augment]
noise = 0.1
[[steps]]
technique = "channels"
"""


def test_channels_inside_blocks_are_removed_and_sums_imitated(files: Files) -> None:
    found = files.run(IMITATE + "fraction = 0.0\nby_layer = { inner = 0.5 }\n")
    assert found.steps[1].parameters < 0.7 * found.steps[0].parameters


def test_sums_with_other_channels_are_refused(files: Files) -> None:
    with pytest.raises(ModelError, match="8 channels in its sums of residual blocks, the model 4"):
        files.run(IMITATE + "fraction = 0.5\n")
