"""Keras models with channels in front: values move only where a layer needs that order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinycomp.api import build
from tinycomp.common.errors import ModelError
from tinycomp.frontend.keras import read_keras
from tinycomp.ir.graph import Graph

IMAGE, SIGNAL = (3, 9, 8), (4, 12)
FIRST = {"data_format": "channels_first"}

CHAINS: dict[str, tuple[tuple[int, ...], int, Callable[[Any], list[Any]]]] = {
    "images": (
        IMAGE,
        0,
        lambda k: [
            k.ZeroPadding2D(((0, 1), (2, 0)), **FIRST),
            k.Conv2D(4, (3, 2), strides=(2, 1), **FIRST),
            k.BatchNormalization(axis=1),
            k.LeakyReLU(),
            k.DepthwiseConv2D(3, padding="same", activation="relu", **FIRST),
            k.Dropout(0.5),
            k.SeparableConv2D(5, 2, **FIRST),
            k.GroupNormalization(5, axis=1),
            k.MaxPooling2D(2, padding="same", **FIRST),
            k.Activation("tanh"),
            k.GlobalAveragePooling2D(**FIRST),
            k.Dense(2),
        ],
    ),
    "flattened with channels behind": (
        IMAGE,
        0,
        lambda k: [k.Conv2D(4, 3, **FIRST), k.Flatten(**FIRST), k.Dense(2)],
    ),
    "flattened as they are": (
        IMAGE,
        1,
        lambda k: [k.Conv2D(4, 3, **FIRST), k.Flatten(), k.Dense(2)],
    ),
    "softmax over columns": (
        IMAGE,
        1,
        lambda k: [k.Conv2D(4, 3, **FIRST), k.Activation("softmax"), k.Flatten()],
    ),
    "one channel, back in front": (
        (1, 6, 6),
        1,
        lambda k: [k.Conv2D(2, 3, **FIRST), k.UpSampling2D(2, **FIRST)],
    ),
    "signals": (
        SIGNAL,
        0,
        lambda k: [
            k.Conv1D(5, 3, activation="relu", **FIRST),
            k.AveragePooling1D(2, **FIRST),
            k.SeparableConv1D(3, 2, strides=2, **FIRST),
            k.GlobalMaxPooling1D(**FIRST),
        ],
    ),
    "steps of images": (
        (2, *IMAGE),
        0,
        lambda k: [k.TimeDistributed(_model(k)), k.GRU(3)],
    ),
}


def _model(k: Any) -> Any:
    import keras

    layers = [k.Conv2D(4, 3, **FIRST), k.BatchNormalization(axis=1), k.Flatten(**FIRST)]
    return keras.Sequential([keras.Input(IMAGE), *layers])


@pytest.mark.parametrize("case", CHAINS)
def test_a_chain(case: str, keras: Any, assert_same: Callable[..., Graph]) -> None:
    shape, moves, layers = CHAINS[case]
    graph = assert_same(keras.Sequential([keras.Input(shape), *layers(keras.layers)]))
    steps = shape[0] if len(shape) == 4 else 0
    assert graph.channels_first == (not steps)
    assert sum(node.op.name == "transpose" for node in graph.nodes) == moves + steps


def test_branches(keras: Any, assert_same: Callable[..., Graph]) -> None:
    """Joined along any axis, scaled by their own means, and by functions."""
    x, k = keras.Input(IMAGE), keras.layers
    first, second = (k.Conv2D(4, 3, padding="same", **FIRST)(x) for _ in range(2))
    both = k.Concatenate(axis=1)([first, second * 2.0])
    share = k.GlobalAveragePooling2D(keepdims=True, **FIRST)(both)
    joined = k.Concatenate(axis=3)([k.Multiply()([both, share]), both])
    graph = assert_same(keras.Model(x, k.Flatten(**FIRST)(k.ReLU()(joined))))
    assert graph.channels_first
    assert not any(node.op.name == "transpose" for node in graph.nodes)


def test_an_input_that_is_read_both_ways(keras: Any, assert_same: Callable[..., Graph]) -> None:
    x, k = keras.Input(IMAGE), keras.layers
    found = k.Concatenate()([k.Flatten()(k.Conv2D(2, 3, **FIRST)(x)), k.Flatten()(x)])
    assert not assert_same(keras.Model(x, found)).channels_first


def test_normalization_of_the_first_axis(keras: Any, assert_same: Callable[..., Graph]) -> None:
    layers = [keras.layers.BatchNormalization(axis=1), keras.layers.Flatten()]
    assert_same(keras.Sequential([keras.Input(IMAGE), *layers]))


def test_samples_as_the_model_takes_them(keras: Any, save: Callable[..., Path]) -> None:
    layers = [keras.layers.Conv2D(4, 3, **FIRST), keras.layers.GlobalMaxPooling2D(**FIRST)]
    model = keras.Sequential([keras.Input(IMAGE), *layers])
    x = np.random.default_rng(0).normal(0, 1, (40, *IMAGE)).astype(np.float32)
    built = build(save(model), x)
    found = built.simulate(np.moveaxis(x, 1, -1))
    expected = np.asarray(model(x))
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.99
    assert "Input 'input_layer" in (built.folder / "report.json").read_text()


def test_convolutions_over_time_have_them_behind(keras: Any, save: Callable[..., Path]) -> None:
    layer = keras.layers.ConvLSTM2D(2, 3, name="x", **FIRST)
    with pytest.raises(ModelError, match=r"'x' \(ConvLSTM2D\) has data_format='channels_first'"):
        read_keras(save(keras.Sequential([keras.Input((2, *IMAGE)), layer])))
