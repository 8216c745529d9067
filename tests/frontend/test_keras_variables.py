"""What is known about Keras's layers without Keras: variables, default options, places in files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from through_keras import assert_equal, through_keras

from tinycomp.common.errors import ModelError
from tinycomp.frontend._keras_options import LAYERS, clean_options
from tinycomp.frontend._keras_variables import variables
from tinycomp.frontend.keras import read_keras

Save = Callable[..., Path]

IMAGE, SIGNAL, VECTOR = (8, 6, 4), (7, 4), (6,)
IMAGES, SIGNALS = (3, *IMAGE), (3, *SIGNAL)

NEEDED: dict[str, dict[str, Any]] = {
    "Activation": {"activation": "relu"},
    "AveragePooling1D": {"pool_size": 2},
    "AveragePooling2D": {"pool_size": 2},
    "CategoryEncoding": {"num_tokens": 4},
    "CenterCrop": {"height": 4, "width": 4},
    "Conv1D": {"filters": 3, "kernel_size": 2},
    "Conv1DTranspose": {"filters": 3, "kernel_size": 2},
    "Conv2D": {"filters": 3, "kernel_size": 2},
    "Conv2DTranspose": {"filters": 3, "kernel_size": 2},
    "ConvLSTM1D": {"filters": 3, "kernel_size": 2},
    "ConvLSTM2D": {"filters": 3, "kernel_size": 2},
    "Dense": {"units": 3},
    "DepthwiseConv1D": {"kernel_size": 2},
    "DepthwiseConv2D": {"kernel_size": 2},
    "Dot": {"axes": 1},
    "EinsumDense": {"equation": "abc,cd->abd", "output_shape": (None, 3)},
    "Embedding": {"input_dim": 5, "output_dim": 3},
    "GRU": {"units": 3},
    "InputLayer": {"batch_shape": (None, 3)},
    "LSTM": {"units": 3},
    "MultiHeadAttention": {"num_heads": 2, "key_dim": 3},
    "Permute": {"dims": (2, 1)},
    "RepeatVector": {"n": 3},
    "Rescaling": {"scale": 2.0},
    "Resizing": {"height": 4, "width": 4},
    "Reshape": {"target_shape": (2, 3)},
    "SeparableConv1D": {"filters": 3, "kernel_size": 2},
    "SeparableConv2D": {"filters": 3, "kernel_size": 2},
    "SimpleRNN": {"units": 3},
}
"""Options without a default."""


def layer_of(keras: Any, kind: str) -> Any:
    """A layer with default options."""
    if kind in ("Bidirectional", "SpectralNormalization", "TimeDistributed"):
        inner = "LSTM" if kind == "Bidirectional" else "Dense"
        return getattr(keras.layers, kind)(getattr(keras.layers, inner)(3))
    return getattr(keras.layers, kind)(**NEEDED.get(kind, {}))


def plain(value: Any) -> Any:
    """Sizes in the one form that has no defaults: 1 for (1, 1); lists as tuples."""
    if isinstance(value, list | tuple):
        entries = tuple(plain(each) for each in value)
        return entries[0] if len(set(entries)) == 1 else entries
    return value


@pytest.mark.parametrize("kind", sorted(LAYERS))
def test_default_options_are_those_of_keras(kind: str, keras: Any) -> None:
    config = json.loads(json.dumps(layer_of(keras, kind).get_config()))
    whole = clean_options(kind, "x", config)
    needed = {key for key in NEEDED.get(kind, {"layer": 0}) if key in config}
    least = clean_options(kind, "x", {key: config[key] for key in needed})
    assert set(least) == set(LAYERS[kind])
    for key, value in least.items():
        same = key not in whole or plain(whole[key]) == plain(value)
        assert same or (value is None and key in OF_OTHERS), key


OF_OTHERS = ("backward_layer", "data_format", "strides", "value_dim")
"""Options for which Keras takes another option's value, or its own setting."""

CASES: dict[str, tuple[tuple[int, ...], Callable[[Any], Any]]] = {
    "additive_attention": (SIGNAL, lambda k: k.AdditiveAttention()),
    "additive_attention_without_scale": (SIGNAL, lambda k: k.AdditiveAttention(use_scale=False)),
    "scaled_attention": (SIGNAL, lambda k: k.Attention(use_scale=True)),
    "attention": (SIGNAL, lambda k: k.MultiHeadAttention(2, 3, value_dim=5)),
    "attention_without_bias": (SIGNAL, lambda k: k.MultiHeadAttention(2, 3, use_bias=False)),
    "batch_normalization": (IMAGE, lambda k: k.BatchNormalization()),
    "batch_normalization_plain": (SIGNAL, lambda k: k.BatchNormalization(center=False)),
    "batch_normalization_axis": (IMAGE, lambda k: k.BatchNormalization(axis=1, scale=False)),
    "bidirectional": (SIGNAL, lambda k: k.Bidirectional(k.GRU(3, use_bias=False))),
    "bidirectional_pair": (
        SIGNAL,
        lambda k: k.Bidirectional(k.LSTM(3), backward_layer=k.LSTM(2, go_backwards=True)),
    ),
    "conv_1d": (SIGNAL, lambda k: k.Conv1D(6, 2, groups=2)),
    "conv_lstm_1d": (SIGNALS, lambda k: k.ConvLSTM1D(3, 2, use_bias=False)),
    "conv_lstm_2d": (IMAGES, lambda k: k.ConvLSTM2D(3, (2, 1))),
    "conv_1d_transpose": (SIGNAL, lambda k: k.Conv1DTranspose(5, 2, use_bias=False)),
    "conv_2d": (IMAGE, lambda k: k.Conv2D(5, (2, 3))),
    "conv_2d_transpose": (IMAGE, lambda k: k.Conv2DTranspose(5, (3, 2))),
    "dense": (SIGNAL, lambda k: k.Dense(5)),
    "depthwise_1d": (SIGNAL, lambda k: k.DepthwiseConv1D(3, depth_multiplier=2)),
    "depthwise_2d": (IMAGE, lambda k: k.DepthwiseConv2D((2, 3), depth_multiplier=2)),
    "einsum_dense": (SIGNAL, lambda k: k.EinsumDense("abc,cd->abd", (None, 3), bias_axes="d")),
    "embedding": (VECTOR, lambda k: k.Embedding(5, 3)),
    "group_normalization": (IMAGE, lambda k: k.GroupNormalization(2)),
    "gru": (SIGNAL, lambda k: k.GRU(3)),
    "gru_of_keras_1": (SIGNAL, lambda k: k.GRU(3, reset_after=False)),
    "layer_normalization": (SIGNAL, lambda k: k.LayerNormalization()),
    "layer_normalization_axes": (SIGNAL, lambda k: k.LayerNormalization(axis=[1, 2], center=False)),
    "layer_normalization_rms": (SIGNAL, lambda k: k.LayerNormalization(rms_scaling=True)),
    "lstm": (SIGNAL, lambda k: k.LSTM(3, dropout=0.5)),
    "normalization": (IMAGE, lambda k: k.Normalization()),
    "normalization_whole": (IMAGE, lambda k: k.Normalization(axis=None)),
    "normalization_given": (VECTOR, lambda k: k.Normalization(mean=1.0, variance=2.0)),
    "prelu": (IMAGE, lambda k: k.PReLU()),
    "prelu_shared": (IMAGE, lambda k: k.PReLU(shared_axes=(1, 2))),
    "relu": (IMAGE, lambda k: k.ReLU()),
    "rms_normalization": (SIGNAL, lambda k: k.RMSNormalization()),
    "separable_1d": (SIGNAL, lambda k: k.SeparableConv1D(5, 3, depth_multiplier=2)),
    "separable_2d": (IMAGE, lambda k: k.SeparableConv2D(5, (2, 3), use_bias=False)),
    "simple_rnn": (SIGNAL, lambda k: k.SimpleRNN(3)),
    "spectral_normalization": (VECTOR, lambda k: k.SpectralNormalization(k.Dense(3))),
    "time_distributed": (SIGNAL, lambda k: k.TimeDistributed(k.Dense(3))),
}
"""Layers with every kind of variables."""


TRAINING_ONLY = ("vector_u",)
"""Variables that inference does not need."""


@pytest.mark.parametrize("name", CASES)
def test_variables_are_those_of_keras(name: str, keras: Any) -> None:
    shape, make = CASES[name]
    layer = make(keras.layers)
    x = keras.Input(shape)
    kind = type(layer).__name__
    if kind == "MultiHeadAttention":
        layer(x, x)
    else:
        layer([x, x] if kind.endswith("Attention") else x)
    entry = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    config = clean_options(kind, "x", entry["config"])
    own = [each for each in layer.weights if each.name not in TRAINING_ONLY]
    found = variables(kind, config, [shape, shape] if kind.endswith("Attention") else [shape])
    assert [each.name.split("/")[-1] for each in found] == [v.name for v in own]
    if kind == "EinsumDense":  # its equation alone has its shapes; the file's are taken
        assert [len(each.shape) for each in found] == [len(v.shape) for v in own]
    else:
        assert [each.shape for each in found] == [tuple(v.shape) for v in own]
    assert [each.trainable for each in found] == [v.trainable for v in own]
    assert len(variables(kind, config)) == len(found)
    for file_dependent in found:
        assert all("//" not in place for place in file_dependent.places)


def test_all_layers_with_variables_are_known(keras: Any) -> None:
    """The entries of the table, and no other layer of those that are read."""
    seen = {type(make(keras.layers)).__name__ for _, make in CASES.values()}
    for kind in sorted(set(LAYERS) - seen):
        layer = layer_of(keras, kind)
        if kind in ("Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply"):
            layer.build([(None, 4, 4), (None, 4, 4)])
        assert layer.weights == []
        assert variables(kind, clean_options(kind, "x", layer.get_config())) == []


def test_bfloat16_weights(keras: Any, save: Save) -> None:
    """HDF5 has no such type: the file has the bytes."""
    dense = keras.layers.Dense(3, dtype="bfloat16")
    path = save(keras.Sequential([keras.Input((4,)), dense]))
    kernel = read_keras(path).constants[f"{dense.name}/kernel"].values
    assert kernel.tobytes() == np.asarray(dense.kernel).astype(np.float32).T.tobytes()


def test_a_layer_that_two_models_share(keras: Any, save: Save) -> None:
    """Keras stores it once, and can't load the archive itself; an .h5 file has it twice."""
    k = keras.layers
    dense = k.Dense(4, name="shared")
    entry = keras.Input((4,))
    inner = keras.Model(entry, k.ReLU()(dense(entry)), name="inner")
    x = keras.Input((4,))
    model = keras.Model(x, k.Dense(2, name="end")(dense(inner(x))))
    with pytest.raises(ModelError, match=r"'shared': .* has no values of its weight 'kernel'"):
        read_keras(save(model))
    graph = read_keras(save(model, "model.h5"))
    assert_equal(graph, through_keras(model, graph.name))


@pytest.mark.parametrize("file", ["model.keras", "model.h5"])
@pytest.mark.parametrize("frozen", ["layer", "model"])
def test_frozen_layers_in_a_functional_model(
    file: str, frozen: str, keras: Any, save: Save
) -> None:
    """Their weights are stored last in an .h5 file, unless the whole nested model is frozen."""
    k = keras.layers
    entry = keras.Input((4,))
    y = k.Dense(4, name="b")(k.BatchNormalization(name="n")(k.Dense(4, name="a")(entry)))
    inner = keras.Model(entry, y, name="inner")
    (inner if frozen == "model" else inner.get_layer("a")).trainable = False
    x = keras.Input((4,))
    model = keras.Model(x, inner(inner(x)))
    graph = read_keras(save(model, file))
    assert_equal(graph, through_keras(model, graph.name))
