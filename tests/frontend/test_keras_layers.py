"""Each layer and option: LiteRT computes the same as Keras."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from through_keras import assert_equal

from tinycomp.frontend.keras import read_keras
from tinycomp.ir.graph import Graph

IMAGE, SIGNAL, VECTOR = (9, 8, 4), (13, 4), (12,)

LAYERS: dict[str, tuple[tuple[int, ...], Callable[[Any], list[Any]]]] = {
    "conv2d": (IMAGE, lambda k: [k.Conv2D(5, (3, 2))]),
    "conv2d_same_stride": (IMAGE, lambda k: [k.Conv2D(5, 3, strides=2, padding="same")]),
    "conv2d_strides": (IMAGE, lambda k: [k.Conv2D(5, (2, 3), strides=(2, 1), padding="same")]),
    "conv2d_dilation": (IMAGE, lambda k: [k.Conv2D(3, 3, dilation_rate=(2, 1), padding="same")]),
    "conv2d_no_bias": (IMAGE, lambda k: [k.Conv2D(3, 1, use_bias=False)]),
    "conv2d_sigmoid": (IMAGE, lambda k: [k.Conv2D(3, 1, activation="sigmoid")]),
    "conv2d_relu6": (IMAGE, lambda k: [k.Conv2D(3, 1, activation="relu6")]),
    "conv2d_layer": (IMAGE, lambda k: [k.Conv2D(3, 1, activation=k.LeakyReLU(0.1))]),
    "depthwise2d": (IMAGE, lambda k: [k.DepthwiseConv2D(3, padding="same")]),
    "depthwise2d_multiplier": (IMAGE, lambda k: [k.DepthwiseConv2D((2, 3), depth_multiplier=3)]),
    "depthwise2d_stride": (IMAGE, lambda k: [k.DepthwiseConv2D(3, strides=2, padding="same")]),
    "depthwise2d_dilation": (IMAGE, lambda k: [k.DepthwiseConv2D(3, dilation_rate=2)]),
    "separable2d": (IMAGE, lambda k: [k.SeparableConv2D(6, 3, strides=2, activation="relu")]),
    "separable2d_multiplier": (
        IMAGE,
        lambda k: [k.SeparableConv2D(6, (2, 3), depth_multiplier=2, padding="same")],
    ),
    "separable2d_no_bias": (IMAGE, lambda k: [k.SeparableConv2D(6, 3, use_bias=False)]),
    "conv2d_groups": (IMAGE, lambda k: [k.Conv2D(6, (3, 2), groups=2, padding="same")]),
    "conv2d_groups_of_one": (IMAGE, lambda k: [k.Conv2D(8, 3, groups=4, strides=2)]),
    "conv1d_groups": (SIGNAL, lambda k: [k.Conv1D(4, 3, groups=2, activation="relu")]),
    **{
        f"transposed{kernel}{strides}{padding}": (
            IMAGE,
            lambda k, n=kernel, s=strides, p=padding: [
                k.Conv2DTranspose(3, n, strides=s, padding=p, activation="relu")
            ],
        )
        for kernel, strides in (
            (3, 2),
            (2, 2),
            (4, 2),
            (5, 2),
            (1, 2),
            (3, 1),
            ((4, 3), (3, 2)),
            (2, 3),
            ((3, 5), (1, 4)),
        )
        for padding in ("same", "valid")
    },
    "transposed_output_padding": (
        IMAGE,
        lambda k: [k.Conv2DTranspose(3, 3, strides=2, padding="same", output_padding=0)],
    ),
    "transposed_no_bias": (IMAGE, lambda k: [k.Conv2DTranspose(3, 3, strides=2, use_bias=False)]),
    "transposed1d": (SIGNAL, lambda k: [k.Conv1DTranspose(5, 4, strides=2, padding="same")]),
    "conv1d": (SIGNAL, lambda k: [k.Conv1D(5, 3)]),
    "conv1d_same_stride": (SIGNAL, lambda k: [k.Conv1D(5, 4, strides=3, padding="same")]),
    "conv1d_causal": (SIGNAL, lambda k: [k.Conv1D(5, 3, padding="causal", dilation_rate=2)]),
    "conv1d_softmax": (SIGNAL, lambda k: [k.Conv1D(5, 3, activation="softmax")]),
    "depthwise1d": (SIGNAL, lambda k: [k.DepthwiseConv1D(3, depth_multiplier=2)]),
    "depthwise1d_stride": (SIGNAL, lambda k: [k.DepthwiseConv1D(3, strides=2, padding="same")]),
    "separable1d": (SIGNAL, lambda k: [k.SeparableConv1D(6, 3, strides=2, padding="same")]),
    "dense": (VECTOR, lambda k: [k.Dense(5)]),
    "dense_tanh_no_bias": (VECTOR, lambda k: [k.Dense(5, activation="tanh", use_bias=False)]),
    "dense_on_signal": (SIGNAL, lambda k: [k.Dense(5, activation="relu")]),
    "dense_on_image": (IMAGE, lambda k: [k.Dense(5)]),
    "batch_norm_alone": (IMAGE, lambda k: [k.BatchNormalization(epsilon=0.01)]),
    "batch_norm_bare": (
        SIGNAL,
        lambda k: [k.BatchNormalization(center=False, scale=False), k.Conv1D(3, 3)],
    ),
    "batch_norm_vector": (VECTOR, lambda k: [k.BatchNormalization(axis=1), k.ReLU()]),
    "rescaling": (IMAGE, lambda k: [k.Rescaling(1 / 127.5, offset=-1.0), k.Conv2D(3, 2)]),
    "rescaling_channels": (SIGNAL, lambda k: [k.Rescaling([1.0, 2.0, 3.0, 4.0], offset=0.5)]),
    "relu": (IMAGE, lambda k: [k.ReLU()]),
    "relu_max": (IMAGE, lambda k: [k.ReLU(max_value=1.5)]),
    "relu_6": (IMAGE, lambda k: [k.Rescaling(9.0), k.ReLU(6.0)]),
    "relu_slope": (IMAGE, lambda k: [k.ReLU(negative_slope=0.25)]),
    "relu_slope_max": (VECTOR, lambda k: [k.ReLU(max_value=1.0, negative_slope=0.25)]),
    "leaky_relu": (VECTOR, lambda k: [k.LeakyReLU(negative_slope=0.2)]),
    "softmax": (SIGNAL, lambda k: [k.Softmax()]),
    "softmax_axis": (SIGNAL, lambda k: [k.Softmax(axis=2)]),
    "max_pool2d": (IMAGE, lambda k: [k.MaxPooling2D()]),
    "max_pool2d_same": (IMAGE, lambda k: [k.MaxPooling2D((3, 2), strides=2, padding="same")]),
    "average_pool2d": (IMAGE, lambda k: [k.AveragePooling2D((2, 4))]),
    "average_pool2d_same": (
        IMAGE,
        lambda k: [k.AveragePooling2D(3, strides=(2, 1), padding="same")],
    ),
    "max_pool1d": (SIGNAL, lambda k: [k.MaxPooling1D(3, strides=2)]),
    "average_pool1d_same": (SIGNAL, lambda k: [k.AveragePooling1D(2, padding="same")]),
    "global_average2d": (IMAGE, lambda k: [k.GlobalAveragePooling2D()]),
    "global_average2d_keep": (IMAGE, lambda k: [k.GlobalAveragePooling2D(keepdims=True)]),
    "global_max2d": (IMAGE, lambda k: [k.GlobalMaxPooling2D()]),
    "global_max2d_keep": (IMAGE, lambda k: [k.GlobalMaxPooling2D(keepdims=True)]),
    "global_average1d": (SIGNAL, lambda k: [k.GlobalAveragePooling1D()]),
    "global_average1d_keep": (SIGNAL, lambda k: [k.GlobalAveragePooling1D(keepdims=True)]),
    "global_max1d": (SIGNAL, lambda k: [k.GlobalMaxPooling1D()]),
    "zero_padding2d": (IMAGE, lambda k: [k.ZeroPadding2D(((1, 2), (0, 3)))]),
    "zero_padding2d_conv": (IMAGE, lambda k: [k.ZeroPadding2D(((0, 1), (0, 1))), k.Conv2D(3, 3)]),
    "zero_padding2d_pool": (IMAGE, lambda k: [k.ZeroPadding2D(1), k.AveragePooling2D(2)]),
    "zero_padding1d": (SIGNAL, lambda k: [k.ZeroPadding1D((2, 1))]),
    "zero_padding1d_conv": (SIGNAL, lambda k: [k.ZeroPadding1D(2), k.Conv1D(3, 3)]),
    "flatten": (IMAGE, lambda k: [k.Flatten()]),
    "flatten_dense": (IMAGE, lambda k: [k.Conv2D(2, 3), k.Flatten(), k.Dense(3)]),
    "reshape": (IMAGE, lambda k: [k.Reshape((12, -1))]),
    "permute_time": ((1, 13, 4), lambda k: [k.Permute((2, 1, 3)), k.Conv2D(3, (2, 1))]),
    "permute_channels": ((5, 1), lambda k: [k.Permute((2, 1)), k.Dense(3)]),
    "reshape_4": (IMAGE, lambda k: [k.Reshape((3, 3, 8, 4)), k.Reshape((-1, 6)), k.Dense(3)]),
    "permute": (IMAGE, lambda k: [k.Permute((3, 1, 2))]),
    "permute_signal": (SIGNAL, lambda k: [k.Permute((2, 1)), k.Conv1D(3, 3)]),
    "repeat_vector": (VECTOR, lambda k: [k.RepeatVector(5), k.Conv1D(3, 3)]),
    "up_sampling2d": (IMAGE, lambda k: [k.UpSampling2D((3, 2))]),
    "up_sampling2d_bilinear": (
        IMAGE,
        lambda k: [k.UpSampling2D((3, 2), interpolation="bilinear")],
    ),
    "center_crop": (IMAGE, lambda k: [k.CenterCrop(3, 6)]),
    "resizing": (IMAGE, lambda k: [k.Resizing(5, 12)]),
    "resizing_nearest": (IMAGE, lambda k: [k.Resizing(18, 4, interpolation="nearest")]),
    "up_sampling1d": (SIGNAL, lambda k: [k.UpSampling1D(3), k.Conv1D(3, 3)]),
    "unit_normalization": (SIGNAL, lambda k: [k.UnitNormalization()]),
    "cropping2d": (IMAGE, lambda k: [k.Cropping2D(((1, 2), (0, 3))), k.Conv2D(3, 2)]),
    "cropping2d_alone": (IMAGE, lambda k: [k.Cropping2D(2)]),
    "cropping1d": (SIGNAL, lambda k: [k.Cropping1D((2, 1)), k.Conv1D(3, 3)]),
    "cropping1d_one_number": (SIGNAL, lambda k: [k.Cropping1D(3)]),
    "elu": (VECTOR, lambda k: [k.Rescaling(3.0), k.ELU()]),
    "elu_alpha": (IMAGE, lambda k: [k.Conv2D(3, 2, activation=k.ELU(alpha=0.3))]),
    "prelu_one_slope": (IMAGE, lambda k: [k.PReLU("he_normal", shared_axes=[1, 2, 3])]),
    "prelu_channels": (IMAGE, lambda k: [k.PReLU("he_normal", shared_axes=[1, 2]), k.Conv2D(2, 2)]),
    "prelu_vector": (VECTOR, lambda k: [k.PReLU("he_normal")]),
    "normalization": (
        IMAGE,
        lambda k: [k.Normalization(mean=[1.0, 2.0, 3.0, 4.0], variance=[4.0, 0.0, 1.0, 9.0])],
    ),
    "normalization_one": (SIGNAL, lambda k: [k.Normalization(axis=None, mean=1.0, variance=4.0)]),
    "normalization_inverted": (
        VECTOR,
        lambda k: [k.Normalization(mean=[1.0] * 12, variance=[4.0] * 12, invert=True), k.Dense(2)],
    ),
    "softmax_before_ones": ((3, 5, 1), lambda k: [k.Softmax(axis=2)]),
    "softmax_two_axes": (IMAGE, lambda k: [k.Softmax(axis=(2, 3))]),
    "reshape_conv": (VECTOR, lambda k: [k.Reshape((4, 3, 1)), k.Conv2D(3, 2)]),
    "identities": (
        IMAGE,
        lambda k: [
            k.Dropout(0.4),
            k.SpatialDropout2D(0.5),
            k.GaussianNoise(0.2),
            k.RandomFlip(),
            k.Identity(),
            k.Conv2D(2, 1),
        ],
    ),
    "threshold": (VECTOR, lambda k: [k.Dense(6), k.ReLU(threshold=0.25)]),
    "threshold_and_limit": (VECTOR, lambda k: [k.Dense(6), k.ReLU(0.75, threshold=0.25)]),
    "identities_of_steps": (SIGNAL, lambda k: [k.TimeDistributed(k.Dropout(0.5)), k.Conv1D(2, 3)]),
}

ACTIVATIONS = (
    "celu", "elu", "exponential", "gelu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish",
    "hard_tanh", "leaky_relu", "linear", "log_sigmoid", "mish", "relu", "relu6", "selu", "sigmoid",
    "silu", "soft_shrink", "softmax", "softplus", "softsign", "sparse_plus", "sparse_sigmoid",
    "squareplus", "swish", "tanh", "tanh_shrink",
)  # fmt: skip
OTHERS = {"glu", "log_softmax", "sparsemax", "threshold"}
"""Functions of more than one value, and one that needs arguments."""

AssertSame = Callable[..., Graph]


@pytest.mark.parametrize("name", LAYERS)
def test_layer(name: str, keras: Any, assert_same: AssertSame) -> None:
    shape, layers = LAYERS[name]
    assert_same(keras.Sequential([keras.Input(shape), *layers(keras.layers)]))


@pytest.mark.parametrize("name", ["dense", "signal", "image"])
def test_gated_linear_units(name: str, keras: Any, assert_same: AssertSame) -> None:
    k = keras.layers
    shape, layers = {
        "dense": (VECTOR, [k.Dense(6), k.Dense(4, activation="glu")]),
        "signal": (SIGNAL, [k.Conv1D(6, 3, activation="glu")]),
        "image": (IMAGE, [k.Conv2D(6, 3, activation="glu")]),
    }[name]
    assert_same(keras.Sequential([keras.Input(shape), *layers]))


def test_spectral_normalization_in_an_h5_file(keras: Any, save: Callable[..., Path]) -> None:
    k = keras.layers
    model = keras.Sequential([keras.Input(VECTOR), k.SpectralNormalization(k.Dense(3))])
    found, other = (read_keras(save(model, f"model.{kind}")) for kind in ("h5", "keras"))
    assert_equal(found, other)


def test_spectral_normalization_is_the_layer_inside(keras: Any, assert_same: AssertSame) -> None:
    k = keras.layers
    layers = [
        k.SpectralNormalization(k.Conv2D(6, 3, activation="relu")),
        k.Flatten(),
        k.SpectralNormalization(k.Dense(3), power_iterations=2),
    ]
    assert_same(keras.Sequential([keras.Input(IMAGE), *layers]))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activation(activation: str, keras: Any, assert_same: AssertSame) -> None:
    k = keras.layers
    model = keras.Sequential(
        [
            keras.Input(VECTOR),
            k.Rescaling(3.0),
            k.Activation(activation),
            k.Dense(6, activation=activation),
        ]
    )
    assert_same(model)


def test_all_activations_of_keras_are_read(keras: Any) -> None:
    """Includes functions that a later Keras adds: they must be supported or listed above."""
    names = {name for name in dir(keras.activations) if not name.startswith("_")}
    functions = {name for name in names - {"deserialize", "get", "serialize"} if name.islower()}
    assert functions <= {*ACTIVATIONS, *OTHERS}


def test_names_follow_the_layers(keras: Any, assert_same: AssertSame) -> None:
    k = keras.layers
    graph = assert_same(
        keras.Sequential(
            [keras.Input(SIGNAL, name="x"), k.Conv1D(2, 3, name="c", activation="tanh")]
        )
    )
    assert [node.name for node in graph.nodes] == ["c/expand", "c", "c/squeeze", "c/tanh"]
    assert list(graph.constants) == ["c/kernel", "c/bias"]
    assert graph.inputs == ("x",)


def test_layouts_of_weights(keras: Any, assert_same: AssertSame) -> None:
    k = keras.layers
    graph = assert_same(
        keras.Sequential(
            [
                keras.Input(IMAGE),
                k.Conv2D(5, (3, 2), name="c"),
                k.DepthwiseConv2D((2, 3), depth_multiplier=2, name="d"),
                k.Flatten(),
                k.Dense(3, name="f"),
            ]
        )
    )
    shapes = {name: constant.shape for name, constant in graph.constants.items()}
    assert shapes["c/kernel"] == (5, 3, 2, 4)
    assert shapes["d/kernel"] == (1, 2, 3, 10)
    assert shapes["f/kernel"] == (3, 6 * 5 * 10)
    assert all(constant.values.flags.c_contiguous for constant in graph.constants.values())
