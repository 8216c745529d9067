"""Refusals name the layer and an alternative; no file can make Keras run code."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tinycomp.common.errors import ModelError
from tinycomp.frontend.keras import read_keras

Save = Callable[..., Path]

IMAGE, SIGNAL, VECTOR = (8, 8, 4), (12, 4), (6,)

# Layers behind an input, and what the message says of them.
LAYERS: dict[str, tuple[tuple[int, ...], Callable[[Any], Any], str]] = {
    "rnn": (
        SIGNAL,
        lambda k: k.RNN([k.GRUCell(3), k.GRUCell(2)], name="x"),
        "Layer 'x' is of type RNN, which is not supported. Use LSTM, GRU or SimpleRNN (several",
    ),
    "lstm_activation": (
        SIGNAL,
        lambda k: k.LSTM(3, activation="softmax", name="x"),
        "Layer 'x' (LSTM) has activation='softmax'. Expected the name of an activation of one "
        "value, such as 'tanh' or 'relu'.",
    ),
    "lstm_gates": (
        SIGNAL,
        lambda k: k.LSTM(3, recurrent_activation="relu", name="x"),
        "Layer 'x' (LSTM) has recurrent_activation='relu'. Expected one of sigmoid, "
        "hard_sigmoid, sparse_sigmoid: gates are shares from 0 to 1. "
        "Train it with recurrent_activation='sigmoid'.",
    ),
    "time_distributed": (
        (33, 4, 4, 3),
        lambda k: k.TimeDistributed(k.Conv2D(3, 2), name="x"),
        "Layer 'x' (TimeDistributed) computes Conv2D at every step of (33, 4, 4, 3). Expected at "
        "most 32 steps: each is a layer of its own in C.",
    ),
    "time_distributed_model": (
        (33, 4, 4, 3),
        lambda k: k.TimeDistributed(_model((4, 4, 3), k.Conv2D(3, 2)), name="x"),
        "Layer 'x' (TimeDistributed) computes a model at every step of (33, 4, 4, 3). Expected at "
        "most 32 steps",
    ),
    "conv_lstm": (
        (33, 4, 4, 3),
        lambda k: k.ConvLSTM2D(2, 3, name="x"),
        "Layer 'x' (ConvLSTM2D) reads 33 steps. Expected at most 32: each is several layers in C.",
    ),
    "conv_lstm_state": (
        (3, 4, 4, 3),
        lambda k: k.ConvLSTM2D(2, 3, return_state=True, name="x"),
        "Layer 'x' (ConvLSTM2D) has return_state=True. Expected False.",
    ),
    "layer_normalization": (
        VECTOR,
        lambda k: k.LayerNormalization(rms_scaling=True, name="x"),
        "Layer 'x' (LayerNormalization) normalizes axis -1, with rms_scaling. Expected one axis",
    ),
    "normalization": (
        (2, 3, 4),
        lambda k: k.Normalization(axis=1, mean=[1.0, 2.0], variance=[1.0, 2.0], name="x"),
        "Layer 'x' (Normalization) has statistics of shape (2,) along axis 1 of (2, 3, 4). "
        "Expected one for all, or one a channel: axis=-1.",
    ),
    "cropping": ((4, 4, 4, 1), lambda k: k.Cropping3D(1), "Use convolutions, Dense, poolings"),
    "transposed": (
        IMAGE,
        lambda k: k.Conv2DTranspose(4, 3, dilation_rate=2, name="x"),
        "Layer 'x' (Conv2DTranspose) has dilation_rate=(2, 2). Expected 1.",
    ),
    "channels_first": (
        (3, *IMAGE),
        lambda k: k.TimeDistributed(k.MaxPooling2D(data_format="channels_first", name="x")),
        "Layer 'x' (MaxPooling2D) has data_format='channels_first'. "
        "Expected 'channels_last'. Rebuild the model",
    ),
    "batch_norm_axis": (
        IMAGE,
        lambda k: k.BatchNormalization(axis=2, name="x"),
        "Layer 'x' (BatchNormalization) normalizes axis 2. Expected the last, the channels.",
    ),
    "center_crop": (
        IMAGE,
        lambda k: k.CenterCrop(4, 100, name="x"),
        "Layer 'x' (CenterCrop) enlarges an image of",
    ),
    "softmax_axis": (
        SIGNAL,
        lambda k: k.Softmax(axis=1, name="x"),
        "Layer 'x' (Softmax) works along axis 1 of (12, 4). Expected the last.",
    ),
    "threshold_slope": (
        VECTOR,
        lambda k: k.ReLU(threshold=0.5, negative_slope=0.1, name="x"),
        "Layer 'x' (ReLU) has threshold=0.5 and negative_slope=0.1. Expected a threshold above",
    ),
    "activation": (
        VECTOR,
        lambda k: k.Dense(2, activation="sparsemax", name="x"),
        "The activation 'sparsemax' of layer 'x' is not supported. Use one of Keras's own",
    ),
    "halves": (
        VECTOR,
        lambda k: k.Dense(5, activation="glu", name="x"),
        "'x/glu' halves an axis of 5 values. Expected an even number of them. Give the layer",
    ),
    "activation_layer": (
        VECTOR,
        lambda k: k.Dense(2, activation=k.PReLU(), name="x"),
        "The activation 'PReLU' of layer 'x' is not supported.",
    ),
    "rescaling": (
        (2, 3, 4),
        lambda k: k.Rescaling([[[1.0]], [[2.0]]], name="x"),
        "Layer 'x' (Rescaling) has scale or offset of shape (2, 1, 1) over an input (2, 3, 4).",
    ),
}


def _model(shape: tuple[int, ...], *layers: Any) -> Any:
    import keras

    return keras.Sequential([keras.Input(shape), *layers])


def refused(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        read_keras(path)
    return str(caught.value)


@pytest.mark.parametrize("name", LAYERS)
def test_layer(name: str, keras: Any, save: Save) -> None:
    shape, layer, text = LAYERS[name]
    model = keras.Sequential([keras.Input(shape), layer(keras.layers)])
    assert text in refused(save(model))


@pytest.mark.parametrize("file", ["model.keras", "model.h5"])
def test_lambda(file: str, keras: Any, save: Save) -> None:
    model = keras.Sequential([keras.Input(VECTOR), keras.layers.Lambda(lambda x: x, name="x")])
    assert refused(save(model, file)) == (
        "Layer 'x' is a Lambda, which holds Python code; tinycomp reads Keras's own layers and "
        "never runs code from a model file. Use a layer that says what it does: Rescaling, "
        "Activation, Reshape, Add, Multiply. Or export the model, code included, as TensorFlow's "
        "operators, and name the folder: model.export('folder')."
    )


@pytest.mark.parametrize("file", ["model.keras", "model.h5"])
def test_lambda_as_activation(file: str, keras: Any, save: Save) -> None:
    dense = keras.layers.Dense(2, activation=keras.layers.Lambda(lambda x: x), name="x")
    model = keras.Sequential([keras.Input(VECTOR), dense])
    assert "The activation of layer 'x' holds Python code;" in refused(save(model, file))


def test_custom_layer(keras: Any, save: Save) -> None:
    calls = []

    @keras.saving.register_keras_serializable("mine", "Twice")
    class Twice(keras.layers.Layer):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            calls.append(x)
            return 2 * x

    model = keras.Sequential([keras.Input(VECTOR), Twice(name="x")])
    for file in ("model.keras", "model.h5"):
        path = save(model, file)
        calls.clear()
        text = refused(path)
        assert "Layer 'x' is of the custom class mine>Twice; tinycomp reads" in text
        assert "Rebuild the model of keras.layers, copy the weights" in text
        assert not calls


def test_class_of_another_module_under_a_known_name(keras: Any, save: Save) -> None:
    path = save(keras.Sequential([keras.Input(VECTOR), keras.layers.ReLU(name="x")]))
    old = '"module": "keras.layers", "class_name": "ReLU"'
    edit_config(path, lambda c: c.replace(old, '"module": "os", "class_name": "ReLU"'))
    assert "Layer 'x' is of the custom class os.ReLU;" in refused(path)


def test_function_of_another_module_as_activation(keras: Any, save: Save) -> None:
    path = save(keras.Sequential([keras.Input(VECTOR), keras.layers.Dense(2, name="x")]))
    function = {"class_name": "function", "config": "system", "module": "os"}
    new = f'"activation": {json.dumps(function)}'
    edit_config(path, lambda c: c.replace('"activation": "linear"', new))
    assert "The activation 'os.system' of layer 'x' is not supported." in refused(path)


def test_object_in_an_option(keras: Any, save: Save) -> None:
    path = save(keras.Sequential([keras.Input(VECTOR), keras.layers.ReLU(name="x")]))
    new = '"max_value": {"class_name": "__lambda__", "config": {"value": "0"}}'
    edit_config(path, lambda c: c.replace('"max_value": null', new))
    assert "Layer 'x' has a value for 'max_value' that is not a plain number" in refused(path)


def test_object_among_the_arguments_of_a_call(keras: Any, save: Save) -> None:
    x = keras.Input(VECTOR)
    path = save(keras.Model(x, keras.layers.Dense(2, name="x")(x)))
    new = '"args": [{"class_name": "__lambda__", "config": {}}, '
    edit_config(path, lambda c: c.replace('"args": [', new))
    assert "Layer 'x' is called with the constant" in refused(path)


def test_constant_in_an_operation(keras: Any, save: Save) -> None:
    x = keras.Input(VECTOR)
    text = refused(save(keras.Model(x, keras.ops.maximum(x, keras.ops.ones(VECTOR)))))
    assert "(ops.Maximum) joins a tensor and constants. Expected one number." in text


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda ops, x: x / 0.0, "divides by zero. Expected another number."),
        (lambda ops, x: x**2.5, "computes a power: [None, 2.5]. Expected a tensor to the power"),
        (lambda ops, x: ops.flip(x, axis=0), "works along axis 0. Expected one but the batch."),
        (lambda ops, x: ops.pad(x, ((1, 0), (1, 1)), "reflect"), "mode='reflect'. Expected zeros"),
        (lambda ops, x: ops.argmax(x), "reduces the axes None. Expected axes without the batch"),
        (lambda ops, x: ops.norm(x, 1, axis=-1), "has ord=1. Expected 2, the length of vectors."),
        (lambda ops, x: ops.einsum("bi,bi->b", x, x), "computes 'bi,bi->b'. Expected two tensors,"),
    ],
)
def test_options_of_functions(
    function: Callable[[Any, Any], Any], text: str, keras: Any, save: Save
) -> None:
    x = keras.Input(VECTOR)
    assert text in refused(save(keras.Model(x, function(keras.ops, x))))


def test_other_operation(keras: Any, save: Save) -> None:
    x = keras.Input(VECTOR)
    text = refused(save(keras.Model(x, keras.ops.sinh(x))))
    assert "is a call of keras.ops (Sinh), which is not supported. Use the layer" in text


def test_custom_layers_can_be_exported(keras: Any, save: Save) -> None:
    class Doubled(keras.layers.Layer):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return 2 * x

    text = refused(save(keras.Sequential([keras.Input(VECTOR), Doubled(name="x")])))
    assert "Layer 'x' is of the custom class" in text
    assert "Or export the model, code included, as TensorFlow's operators" in text


def test_training_mode(keras: Any, save: Save) -> None:
    x = keras.Input(VECTOR)
    model = keras.Model(x, keras.layers.Dropout(0.5, name="x")(x, training=True))
    assert "Layer 'x' is called with training=True, which is not supported." in refused(save(model))


@pytest.mark.parametrize("file", ["model.keras", "model.h5"])
def test_open_sizes(file: str, keras: Any, save: Save) -> None:
    x = keras.Input((None, None, 1), name="x")
    model = keras.Model(x, keras.layers.Conv2D(2, 3)(x))
    text = refused(save(model, file))
    assert "The input 'x' has the open shape (None, None, None, 1)." in text
    assert "Rebuild the model with keras.Input of fixed sizes" in text


def test_open_sizes_of_a_model_that_comes_first(keras: Any, save: Save) -> None:
    """Its input is that of the whole model."""
    k = keras.layers
    body = keras.Sequential([keras.Input((None, None, 1), name="x"), k.Conv2D(2, 3)])
    model = keras.Sequential([body, k.GlobalAveragePooling2D()])
    assert "has the open shape (None, None, None, 1)." in refused(save(model))


def test_constants_that_are_no_matrix(keras: Any, save: Save) -> None:
    x = keras.Input((2, 3))
    text = refused(save(keras.Model(x, keras.ops.matmul(np.ones((2, 4, 2), np.float32), x))))
    assert "multiplies with constants of (2, 4, 2). Expected a matrix" in text


def test_input_of_five_axes(keras: Any, save: Save) -> None:
    model = keras.Sequential([keras.Input((2, 3, 4, 5, 6)), keras.layers.Dense(2)])
    assert "has shape (2, 3, 4, 5, 6). Expected one to four axes" in refused(save(model))


def test_second_input_of_five_axes(keras: Any, save: Save) -> None:
    x, y = keras.Input((2, 3, 4, 5, 6), name="x"), keras.Input((5,), name="y")
    text = refused(save(keras.Model([y, x], [keras.layers.Dense(2)(y), keras.layers.ReLU()(x)])))
    assert "The input 'x' of " in text
    assert "has shape (2, 3, 4, 5, 6). Expected one to four axes" in text


def test_sequential_model_without_input(keras: Any, save: Save) -> None:
    model = keras.Sequential([keras.layers.Dense(2)], name="x")
    text = refused(save(model, randomize=False))
    assert "The Sequential model 'x' has no input shape. Begin it with keras.Input(shape)" in text


def test_quantized_by_keras(keras: Any, save: Save) -> None:
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4, name="x")])
    model.quantize("int8")
    text = refused(save(model, randomize=False))
    assert "Layer 'x' is quantized by Keras. Expected a float model" in text


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite(value: float, keras: Any, save: Save) -> None:
    model = keras.Sequential([keras.Input(VECTOR), keras.layers.Dense(2, name="x")])
    kernel, bias = model.get_weights()
    kernel[1, 1] = value
    model.set_weights([kernel, bias])
    text = refused(save(model, randomize=False))
    assert "Layer 'x': 1 values of its weight 'kernel' are NaN or infinite. The training" in text


def test_variance_below_zero(keras: Any, save: Save) -> None:
    layer = keras.layers.BatchNormalization(name="x")
    model = keras.Sequential([keras.Input(VECTOR), layer])
    layer.moving_variance.assign(-np.ones(6))
    assert "has a moving_variance below zero" in refused(save(model, randomize=False))


def test_no_file(tmp_path: Path) -> None:
    text = refused(tmp_path / "none.keras")
    assert "none.keras can't be read: No such file or directory. Expected a Keras model" in text


def test_folder(tmp_path: Path) -> None:
    text = refused(tmp_path)
    assert "is a folder (a SavedModel?)" in text
    assert "model.save('model.keras')" in text


@pytest.mark.parametrize("name", ["a.keras", "a.h5"])
def test_empty_and_random_bytes(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(b"")
    assert "is empty. Expected a Keras model (.keras or .h5)." in refused(path)
    path.write_bytes(np.random.default_rng(0).bytes(4096))
    assert "is neither a .keras archive nor an HDF5 file." in refused(path)


def test_random_bytes_behind_a_good_start(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).bytes(4096)
    path = tmp_path / "a.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + noise)
    assert re.search("The HDF5 file .*a.h5 is damaged or cut off: ", refused(path))
    path.write_bytes(b"PK\x03\x04" + noise)
    assert re.search("The archive .*a.h5 is damaged: ", refused(path))


@pytest.mark.parametrize(("file", "text"), [("m.keras", "The archive"), ("m.h5", "The HDF5 file")])
@pytest.mark.parametrize("part", [0.3, 0.7, 0.97])
def test_cut_off(file: str, text: str, part: float, keras: Any, save: Save) -> None:
    path = save(keras.Sequential([keras.Input((64,)), keras.layers.Dense(64)]), file)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    assert refused(path).startswith(text)


def test_changed_byte_in_an_archive(keras: Any, save: Save) -> None:
    path = save(keras.Sequential([keras.Input((64,)), keras.layers.Dense(64)]))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert "fails its checksum. Copy or save the file again." in refused(path)


def test_weights_only(keras: Any, tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    path = tmp_path / "model.weights.h5"
    model.save_weights(path)
    text = refused(path)
    assert "model.weights.h5 holds weights only, or no Keras model at all" in text
    assert "Save the whole model with model.save('model.keras')." in text


def test_archive_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "a.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/saved_model.pb", b"")
    assert "is a zipped SavedModel: it has no config.json." in refused(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", b"")
    assert "is no Keras model: it has no config.json." in refused(path)


@pytest.mark.parametrize("member", ["config.json", "model.weights.h5"])
def test_archives_that_unpack_to_gigabytes(member: str, tmp_path: Path) -> None:
    """Detected from the directory; nothing is unpacked."""
    path = tmp_path / "a.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", bytes(1000))
        archive.getinfo(member).file_size = 4 << 30
    text = refused(path)
    assert "unpacks to 4,29" in text
    assert "Expected at most 4,294,967,296, and 67,108,864." in text


def test_a_configuration_that_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "a.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", b" " * (65 << 20))
    assert path.stat().st_size < 100_000
    assert "its config.json to 68,157,440" in refused(path)


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ("{", "is not JSON"),
        ("[1]", "describes no model"),
        ('{"class_name": "Sequential", "config": {}}', "configuration is broken: KeyError"),
        ('{"class_name": "Sequential", "config": 3}', "is not a table of options"),
        ('{"class_name": "Dense", "config": {"units": 1}}', "holds a single Dense, not a model"),
    ],
)
def test_broken_configuration(config: str, text: str, keras: Any, save: Save) -> None:
    path = save(keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]))
    edit_config(path, lambda _: config)
    assert text in refused(path)


FILES = pytest.mark.parametrize("file", ["model.keras", "model.h5"])


@FILES
@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (
            '"units": 2',
            '"units": 3',
            "Layer 'x' has a weight 'kernel' of shape (4, 2). Expected (4, 3), by its options and "
            "its input. Open it with the Keras that wrote it and save it again as .keras or .h5.",
        ),
        (
            '"use_bias": true',
            '"use_bias": false',
            "Layer 'x' has 2 weights in {path}. Expected 1, by its options.",
        ),
    ],
)
def test_weights_of_another_model(
    file: str, old: str, new: str, text: str, keras: Any, save: Save
) -> None:
    path = save(keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="x")]), file)
    edit_config(path, lambda c: c.replace(old, new))
    assert text.format(path=path) in refused(path)


def test_weights_that_are_missing(keras: Any, save: Save) -> None:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, use_bias=False, name="x")])
    path = save(model)
    edit_config(path, lambda c: c.replace('"use_bias": false', '"use_bias": true'))
    assert f"Layer 'x': {path} has no values of its weight 'bias'. Open it" in refused(path)
    path = save(keras.Sequential([keras.Input((4,)), keras.layers.Identity()]), "model.h5")
    edit_config(path, lambda c: c.replace('"Identity"', '"PReLU"'))
    assert f"{path} has the weights of 0 layers. Expected 1, by the model's" in refused(path)
    path = save(model)
    with zipfile.ZipFile(path) as archive:
        config = archive.read("config.json")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", config)
    assert f"The archive {path} has no model.weights.h5. Open it with" in refused(path)


@FILES
def test_an_option_that_the_file_does_not_have(file: str, keras: Any, save: Save) -> None:
    """Keras's default; without one the configuration is broken."""
    path = save(keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="x")]), file)
    edit_config(path, lambda c: c.replace('"use_bias": true, ', ""))
    assert len(read_keras(path).nodes) == 1
    edit_config(path, lambda c: c.replace('"units": 2, ', ""))
    assert "The model's configuration is broken: KeyError: 'units'." in refused(path)


def edit_config(path: Path, change: Callable[[str], str]) -> None:
    """Rewrite the configuration in a model file."""
    if path.suffix == ".h5":
        with h5py.File(path, "r+") as file:
            file.attrs["model_config"] = change(str(file.attrs["model_config"]))
        return
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    old = files["config.json"].decode()
    new = change(old)
    assert new != old
    files["config.json"] = new.encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def test_a_state_between_inferences(keras: Any, save: Save) -> None:
    layers = [keras.Input(batch_shape=(1, *SIGNAL)), keras.layers.LSTM(3, stateful=True, name="x")]
    assert (
        "Layer 'x' (LSTM) keeps its state from one inference to the next (stateful=True). "
        "Expected stateful=False: every inference starts from a state of zeros. Build the model "
        "again"
    ) in refused(save(keras.Sequential(layers)))


def test_all_layers_are_named_at_once(keras: Any, save: Save) -> None:
    k = keras.layers
    layers = [
        k.RNN([k.LSTMCell(4), k.LSTMCell(4)], return_sequences=True, name="a"),
        k.Discretization([0.0], name="b"),
        k.RNN([k.GRUCell(4), k.GRUCell(4)], name="c"),
    ]
    text = refused(save(keras.Sequential([keras.Input(SIGNAL), *layers])))
    lines = text.splitlines()
    assert lines[0] == "'model.keras' can't be built for 3 reasons:"
    assert lines[1].startswith("1. Layer 'a' is of type RNN, which is not supported. Use LSTM,")
    assert lines[2].startswith(
        "2. Layer 'b' is of type Discretization, which is not supported. Prepare"
    )
    assert lines[3].startswith("3. Layer 'c' is of type RNN")


def test_wrong_options_of_several_layers(keras: Any, save: Save) -> None:
    """Found while the graph is built: layers after a refused layer are read as well."""
    k = keras.layers
    model = keras.Sequential(
        [
            keras.Input(IMAGE),
            k.BatchNormalization(axis=2, name="a"),
            k.Conv2D(4, 3, activation="relu"),
            k.BatchNormalization(axis=2, name="b"),
        ]
    )
    text = refused(save(model))
    assert "'model.keras' can't be built for 2 reasons:\n1. Layer 'a' (Batch" in text
    assert "\n2. Layer 'b' (BatchNormalization) normalizes axis 2." in text
