"""Branches, shared layers, nested models, file formats; the reference models."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from float_runs import assert_close, run

from tinycomp.frontend.keras import read_keras
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import dequantize_values
from tinycomp.passes.lower_batch_normalization import lower_batch_normalization
from tinycomp.quantization.affine import quantize_inputs
from tinycomp.quantization.calibration import observe
from tinycomp.quantization.export import write_tflite
from tinycomp.quantization.post_training import quantize
from tinycomp.reading import clean_up
from tinycomp.reference import oracle
from tinycomp.reference.simulate import simulate

AssertSame = Callable[..., Graph]
Save = Callable[..., Path]

REFERENCE = {
    "ad.keras": ("ad01.h5", (-40, 20)),
    "ad_folded.keras": (None, (-40, 20)),
    "ic.keras": ("ic_resnet8.h5", (0, 255)),
    "kws.keras": (None, (-80, 40)),
    "kws_tflite_weights.keras": (None, (-80, 40)),
    "sww.keras": ("str_ww_ref_model.h5", (0, 1)),
    "vww.keras": ("vww_96.h5", (0, 1)),
}
"""Keras 3 models, the Keras 2 files they were converted from, and the range of their inputs.

Keras 3 itself can't load vww_96.h5 and str_ww_ref_model.h5.
"""


def branches(keras: Any) -> Any:
    """Residual, three-way sum, concatenation, squeeze and excitation."""
    k = keras.layers
    x = keras.Input((8, 8, 4))
    a = k.Conv2D(4, 3, padding="same", use_bias=False)(x)
    a = k.ReLU()(k.BatchNormalization()(a))
    b = k.BatchNormalization()(k.Add()([a, x, k.DepthwiseConv2D(3, padding="same")(a)]))
    c = k.Concatenate()([k.Activation("relu")(b), k.Conv2D(3, 1, activation="relu")(b)])
    gate = k.Reshape((1, 1, 7))(k.GlobalAveragePooling2D()(c))
    gate = k.Dense(7, activation="sigmoid")(k.Dense(2, activation="relu")(gate))
    c = k.Multiply()([gate, c])
    return keras.Model(x, k.Dense(3, activation="softmax")(k.Flatten()(c)))


def augmented(keras: Any) -> Any:
    """Layers that change images during training only; their calls say training=True."""
    k = keras.layers
    x = keras.Input((8, 8, 3))
    y = k.RandomZoom(0.1)(k.RandomRotation(0.1)(k.RandomFlip("horizontal")(x)))
    y = k.RandomTranslation(0.1, 0.1)(k.RandomContrast(0.1)(y))
    return keras.Model(x, k.Conv2D(2, 3)(k.Resizing(6, 6)(k.RandomHue(0.1)(y))))


def shared(keras: Any) -> Any:
    """A convolution called twice with one normalization called twice, then with another."""
    k = keras.layers
    conv = k.Conv2D(3, 3, padding="same", name="conv")
    norm = k.BatchNormalization(name="norm")
    x = keras.Input((6, 6, 3))
    y = k.ReLU()(norm(conv(x)))
    y = k.ReLU()(norm(conv(y)))
    return keras.Model(x, k.BatchNormalization(name="other")(conv(y)))


def nested(keras: Any) -> Any:
    """A Sequential and a functional model inside another, the first one twice, names repeated."""
    k = keras.layers
    block = keras.Sequential(
        [
            keras.Input((6, 6, 3)),
            k.Conv2D(3, 3, padding="same", name="conv"),
            k.BatchNormalization(),
            k.ReLU(),
        ],
        name="block",
    )
    entry = keras.Input((6, 6, 3))
    tower = keras.Model(entry, k.Add()([entry, k.Conv2D(3, 1, name="conv")(entry)]), name="tower")
    x = keras.Input((6, 6, 3))
    y = k.Add()([tower(block(block(x))), x])
    return keras.Model(x, k.Dense(2, name="conv")(k.GlobalMaxPooling2D()(y)))


def open_sizes(keras: Any) -> Any:
    """Nested models of open height and width: a backbone, and heads shared by two sizes."""
    k = keras.layers
    entry = keras.Input((None, None, 3))
    deep = k.Conv2D(4, 3, 2, "same", activation="relu")(entry)
    body = keras.Model(entry, [deep, k.MaxPooling2D()(deep)], name="body")
    head = keras.Sequential([keras.Input((None, None, 4)), k.Conv2D(2, 3, padding="same")])
    x = keras.Input((8, 12, 3))
    boxes = [k.Reshape((-1, 2))(head(y)) for y in body(x)]
    return keras.Model(x, k.Concatenate(axis=1)(boxes))


def signal(keras: Any) -> Any:
    """A residual network of 1-D layers."""
    k = keras.layers
    x = keras.Input((16, 3))
    y = k.ReLU()(k.BatchNormalization()(k.Conv1D(4, 3, padding="same")(x)))
    z = k.BatchNormalization()(k.SeparableConv1D(4, 3, padding="same")(y))
    y = k.Activation("relu")(k.Add()([y, z]))
    y = k.Concatenate()([k.MaxPooling1D(2)(y), k.AveragePooling1D(2)(y)])
    y = k.Dense(3)(k.Concatenate(axis=1)([y, k.ReLU()(y)]))
    return keras.Model(x, k.Softmax()(k.GlobalAveragePooling1D()(y)))


def operations(keras: Any) -> Any:
    """Functions on tensors instead of layers."""
    x = keras.Input((4, 4, 2))
    y = keras.layers.Conv2D(2, 1)(x)
    y = keras.ops.relu(x + y) * keras.ops.sigmoid(y)
    return keras.Model(x, keras.ops.tanh(keras.ops.relu6(y)))


MODELS = (augmented, branches, shared, nested, open_sizes, signal, operations)


@pytest.mark.parametrize("model", MODELS)
def test_graph(model: Callable[[Any], Any], keras: Any, assert_same: AssertSame) -> None:
    assert_same(model(keras))


@pytest.mark.parametrize("model", MODELS[:-1])
def test_hdf5_of_keras_3(model: Callable[[Any], Any], keras: Any, assert_same: AssertSame) -> None:
    assert_same(model(keras), "model.h5")


def test_the_format_is_detected_by_content(keras: Any, save: Save, tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    for suffix, other in ((".keras", ".h5"), (".h5", ".keras")):
        path = save(model, f"a{suffix}").rename(tmp_path / f"b{other}")
        assert len(read_keras(path).nodes) == 1


def test_a_layer_called_twice_stores_its_weights_once(keras: Any, save: Save) -> None:
    graph = read_keras(save(shared(keras)))
    names = {"conv/kernel", "conv/bias", "norm/scale", "norm/offset", "other/scale", "other/offset"}
    assert set(graph.constants) == names
    # The two calls that fold the same normalization still share; the third has its own copy.
    assert len(clean_up(graph).constants) == 4


def test_layers_of_nested_models_get_unique_names(keras: Any, save: Save) -> None:
    names = [node.name for node in read_keras(save(nested(keras))).nodes]
    assert len(names) == len(set(names))
    assert {"conv", "conv_1", "conv_2"} <= set(names)


def test_one_dimensional_layers_leave_no_reshape_between_them(keras: Any, save: Save) -> None:
    graph = clean_up(read_keras(save(signal(keras))))
    assert [n.op.name for n in graph.nodes].count("reshape") == 1
    assert graph.nodes[0].op.name == "reshape"
    assert not {"relu", "batch_normalization"} & {n.op.name for n in graph.nodes[:6]}


def test_a_frozen_layer_in_a_nested_model_keeps_its_weights(
    keras: Any, assert_same: AssertSame
) -> None:
    k = keras.layers
    inner = keras.Sequential(
        [keras.Input((4,)), k.Dense(4, name="a"), k.BatchNormalization(), k.Dense(4, name="b")]
    )
    inner.get_layer("a").trainable = False
    model = keras.Sequential([keras.Input((4,)), inner, k.Dense(2)])
    assert_same(model, "model.h5")
    assert_same(model, "model.keras")


def test_a_sequential_model_that_was_built_by_a_call(keras: Any, assert_same: AssertSame) -> None:
    model = keras.Sequential([keras.layers.Dense(3), keras.layers.ReLU(name="end")])
    model.build((32, 5))
    assert assert_same(model).tensors["end"].shape == (3,)


def test_training_options_are_ignored(keras: Any, save: Save) -> None:
    @keras.saving.register_keras_serializable("mine")
    class Wave(keras.regularizers.Regularizer):  # type: ignore[misc]
        def __call__(self, x: Any) -> Any:
            return keras.ops.sum(keras.ops.sin(x))

        def get_config(self) -> dict[str, Any]:
            return {}

    dense = keras.layers.Dense(2, kernel_regularizer=Wave())
    model = keras.Sequential([keras.Input((3,)), dense])
    model.compile("adam", "mse")
    for name in ("model.keras", "model.h5"):
        assert len(read_keras(save(model, name)).nodes) == 1


@pytest.mark.shared
@pytest.mark.parametrize("name", REFERENCE)
def test_reference_models(name: str, keras: Any, shared: Path) -> None:
    of_keras_2, (low, high) = REFERENCE[name]
    model = keras.models.load_model(shared / "models" / name)
    rng = np.random.default_rng(3)
    x = rng.uniform(low, high, (3, *model.input_shape[1:])).astype(np.float32)
    expected = np.asarray(model(x, training=False))
    for file in filter(None, (name, of_keras_2)):
        graph = read_keras(shared / "models" / file)
        assert_close(run(lower_batch_normalization(graph), x), expected)
        cleaned = clean_up(graph)
        assert_close(run(cleaned, x), expected)
        assert not {"batch_normalization", "relu"} & {node.op.name for node in cleaned.nodes}


@pytest.mark.parametrize("file", ["model.keras", "model.h5"])
def test_reading_needs_no_keras(file: str, keras: Any, save: Save) -> None:
    path = save(keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]), file)
    code = (
        "import sys; sys.modules.update(keras=None, tensorflow=None); from pathlib import Path; "
        "from tinycomp.frontend.keras import read_keras; read_keras(Path(sys.argv[1]))"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_attention(keras: Any, assert_same: AssertSame) -> None:
    """A transformer's block; attention to other values, with keys and values apart."""
    k = keras.layers
    x = keras.Input((7, 6))
    attended = k.Add()([x, k.MultiHeadAttention(2, 5)(x, x)])
    normal = k.LayerNormalization()(attended)
    assert_same(keras.Model(x, k.LayerNormalization(axis=1)(x)))
    image = keras.Input((4, 5, 3))
    assert_same(keras.Model(image, k.LayerNormalization(axis=-2, epsilon=0.1)(image)))
    y = k.LayerNormalization(epsilon=0.1, center=False)(k.Add()([normal, k.Dense(6)(normal)]))
    rows, columns = k.Conv1D(4, 3)(x), k.Conv1D(4, 2)(x)
    z = k.MultiHeadAttention(3, 2, value_dim=4, use_bias=False)(y, rows, k.Conv1D(5, 3)(x))
    assert_same(keras.Model(x, z))
    products = k.Dot(axes=(1, 1))([k.Dot(axes=2)([rows, columns]), rows])
    assert_same(keras.Model(x, products))
    vector = k.GlobalAveragePooling1D()
    assert_same(keras.Model(x, k.Dot(axes=1)([vector(rows), vector(columns)])))


def test_slices(keras: Any, assert_same: AssertSame) -> None:
    k = keras.layers
    x = keras.Input((9, 6))
    for part in (
        x[:, -1], x[:, 2], x[:, 1:7:2, ::-1], x[..., 2], x[:, 3:, None, :2], x[..., None, 1:2],
        x[:, :, 0][:, 1:],
    ):  # fmt: skip
        assert_same(keras.Model(x, k.Dense(3)(part)))


def test_functions_of_tensors(keras: Any, assert_same: AssertSame) -> None:
    ops, k = keras.ops, keras.layers
    x = keras.Input((9, 6))
    positive = k.Activation("sigmoid")(x)
    for y in (
        x / 255.0, 2 * x, x * 2 - 1, 1 - x, -x, x + 0.5, x**2, ops.square(x), ops.abs(x),
        ops.sqrt(positive), ops.rsqrt(positive), ops.log(positive),
        ops.sum(x, axis=1), ops.sum(x, axis=2, keepdims=True),
        ops.mean(x, axis=1), ops.max(x, axis=-1, keepdims=True), ops.min(x, axis=2),
        ops.mean(ops.reshape(x, (-1, 3, 3, 6)), axis=(1, 3), keepdims=True),
        ops.transpose(x, (0, 2, 1)), ops.reshape(x, (-1, 18, 3)), ops.expand_dims(x, -1),
        ops.squeeze(ops.expand_dims(x, 1), 1), ops.concatenate([x, -x], axis=1),
        ops.matmul(x, ops.transpose(x, (0, 2, 1))),
        ops.divide(x, 127.5), ops.absolute(x), ops.amax(x, axis=1), ops.amin(x, axis=2),
        ops.copy(x), ops.stop_gradient(x), ops.log2(positive), ops.log10(positive),
    ):  # fmt: skip
        assert_same(keras.Model(x, k.Dense(3)(y) if y.shape[-1] else y))


def test_more_functions_of_tensors(keras: Any, assert_same: AssertSame) -> None:
    ops, k = keras.ops, keras.layers
    x = keras.Input((4, 6))
    positive = k.Activation("sigmoid")(x) + 0.5
    first, _, third = ops.split(x, 3, axis=-1)
    for y in (
        first * third, ops.split(x, [1, 3], axis=1)[1], ops.unstack(x, axis=1)[2],
        ops.pad(x, ((0, 0), (1, 2), (0, 1))), ops.flip(x, axis=1), ops.roll(x, 2, axis=-1),
        ops.take(x, [2, 0, -1], axis=1), ops.take(x, 3, axis=2), ops.swapaxes(x, 1, 2),
        ops.moveaxis(ops.reshape(x, (-1, 2, 2, 6)), 1, 3), ops.repeat(x, 2, axis=1),
        ops.tile(x, (1, 2, 1)),
        ops.var(x, axis=1), ops.std(x, axis=-1, keepdims=True), ops.norm(x, axis=-1),
        ops.logsumexp(x, axis=-1), ops.logsumexp(x, axis=1, keepdims=True),
        ops.normalize(x, axis=-1), ops.log_softmax(x), ops.leaky_relu(x, 0.3),
        x**3, x**4, positive**0.5, positive**-1, x / positive, x / positive[:, :1], 2.0 / positive,
        ops.sign(x), ops.sin(x), ops.cos(x), ops.floor(x), ops.ceil(x), ops.round(x),
        ops.expm1(x), ops.log1p(positive), ops.reciprocal(positive), ops.cast(x, "float32"),
        ops.matmul(x, np.ones((6, 3), np.float32)),
        ops.pad(x, ((0, 0), (1, 2), (0, 1)), "reflect"),
        ops.pad(x, ((0, 0), (4, 0), (2, 6)), "symmetric"),
        *(
            ops.cast(place(x, axis=axis, keepdims=keep), "float32")
            for place in (ops.argmax, ops.argmin) for axis, keep in ((1, False), (-1, True))
        ),
    ):  # fmt: skip
        assert_same(keras.Model(x, k.Dense(3)(y)))


def test_a_matrix_in_front_mixes_rows(keras: Any, assert_same: AssertSame) -> None:
    """As in a convolution over a graph."""
    matrix = np.linspace(-1, 1, 20, dtype=np.float32).reshape(5, 4)
    x, y = keras.Input((4, 6)), keras.Input((3, 4, 6))
    for product in (keras.ops.matmul(matrix, x), keras.ops.matmul(matrix[np.newaxis], x)):
        assert_same(keras.Model(x, product))
    assert_same(keras.Model(y, keras.ops.matmul(matrix, y)))


def test_blocks_of_cells_and_channels(keras: Any, assert_same: AssertSame) -> None:
    x = keras.Input((4, 6, 8))
    assert_same(keras.Model(x, keras.ops.nn.depth_to_space(x, 2)))
    assert_same(keras.Model(x, keras.ops.nn.space_to_depth(x, 2)))


def test_a_quotient_in_int8_is_near_the_float_one(keras: Any, assert_same: AssertSame) -> None:
    """Of vectors and their sums, whose largest is four times the least."""
    x = keras.Input((4, 6))
    positive = keras.ops.sigmoid(x) + 0.1
    total = keras.ops.sum(positive, axis=-1, keepdims=True)
    graph = clean_up(assert_same(keras.Model(x, positive / total)))
    data = np.random.default_rng(0).normal(0, 1, (60, 4, 6)).astype(np.float32)
    int8 = quantize(graph, observe(graph, data).ranges("min-max"))
    inputs = quantize_inputs(int8, data)
    found, expected = simulate(int8, inputs), oracle.run(write_tflite(int8), inputs)
    assert all(np.array_equal(found[name], expected[name]) for name in found)
    name = int8.outputs[0]
    known = int8.tensors[name].quantization
    assert known is not None
    error = dequantize_values(found[name], known) - run(graph, data)
    assert float(np.abs(error).max()) < 0.02


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("bij,bkj->bik", ((4, 6), (5, 6))),
        ("bij,bjk->bki", ((4, 6), (6, 3))),
        ("bihd,bjhd->bhij", ((4, 2, 3), (5, 2, 3))),
        ("bhij,bjhd->bihd", ((2, 4, 5), (5, 2, 3))),
        ("bi,bj->bij", ((4,), (3,))),
    ],
)
def test_einsum(
    equation: str, shapes: tuple[tuple[int, ...], ...], keras: Any, assert_same: AssertSame
) -> None:
    x = keras.Input((60,))
    parts = [
        keras.layers.Reshape(shape)(keras.layers.Dense(math.prod(shape))(x)) for shape in shapes
    ]
    assert_same(keras.Model(x, keras.ops.einsum(equation, *parts)))


def test_shapes_that_broadcast_to_a_third(keras: Any, assert_same: AssertSame) -> None:
    """Rows and columns: both are repeated."""
    k = keras.layers
    x = keras.Input((4, 5, 2))
    rows, columns = k.MaxPooling2D((4, 1))(x), k.MaxPooling2D((1, 5))(x)
    assert_same(keras.Model(x, k.Subtract()([rows, columns])))
    assert_same(keras.Model(x, k.Multiply()([x, k.Conv2D(1, 1)(x)])))
