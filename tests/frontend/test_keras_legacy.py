"""Files of Keras 2: made of those of Keras 3 by giving them the older configuration and layout.

The configurations are as TensorFlow 2.12 to 2.15 write them, without the keys for training.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from float_runs import assert_close, run

from tinycomp.common.errors import ModelError
from tinycomp.frontend.keras import read_keras
from tinycomp.reading import clean_up, read_model

Save = Callable[..., Path]
Entry = dict[str, Any]


def entry(kind: str, name: str, calls: Sequence[Any], **config: Any) -> Entry:
    """A layer of a functional model of Keras 2."""
    return {
        "module": "keras.layers", "class_name": kind, "config": {"name": name, **config},
        "registered_name": None, "name": name, "inbound_nodes": list(calls),
    }  # fmt: skip


def functional(layers: Sequence[Entry], last: list[Any]) -> Entry:
    """A functional model of Keras 2 with the input x."""
    return {
        "module": "keras.src.engine.functional", "class_name": "Functional",
        "config": {
            "name": "model", "layers": list(layers),
            "input_layers": [["x", 0, 0]], "output_layers": [last],
        },
        "registered_name": "Functional",
    }  # fmt: skip


def source(*shape: int) -> Entry:
    return entry("InputLayer", "x", [], batch_input_shape=[None, *shape], dtype="float32")


def call(*names: str, number: int = 0, **options: Any) -> list[Any]:
    return [[name, number, 0, options] for name in names]


def assert_old_file_same(
    save: Save, model: Any, config: Mapping[str, Any],
    layout: Callable[[bytes], bytes] = lambda data: data,
) -> None:  # fmt: skip
    """The predictions of a model of Keras 3, and of its weights in an older file."""
    path = save(model)
    with zipfile.ZipFile(path) as archive:
        weights = layout(archive.read("model.weights.h5"))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", '{"keras_version": "2.15.0"}')
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", weights)
    x = np.random.default_rng(1).uniform(-2, 2, (3, *model.input_shape[1:])).astype(np.float32)
    assert_close(run(clean_up(read_keras(path)), x), np.asarray(model(x, training=False)))


def test_calls_of_a_nested_model_are_counted_from_one(keras: Any, save: Save) -> None:
    """Keras 2 counts the call with which the nested model itself was built."""
    k = keras.layers
    block = keras.Sequential([keras.Input((6, 6, 4)), k.Conv2D(4, 3, padding="same")], name="block")
    x = keras.Input((6, 6, 4), name="x")
    model = keras.Model(x, k.Dense(2, name="dense")(k.Flatten(name="flat")(block(block(x)))))
    inner = {
        "name": "block",
        "layers": [
            entry("InputLayer", "b", [], batch_input_shape=[None, 6, 6, 4]),
            entry("Conv2D", "conv", [], filters=4, kernel_size=[3, 3], padding="same"),
        ],
    }
    nested = {**entry("Sequential", "block", [call("x"), call("block", number=1)]), "config": inner}
    config = functional(
        [
            source(6, 6, 4),
            nested,
            entry("Flatten", "flat", [call("block", number=2)]),
            entry("Dense", "dense", [call("flat")], units=2),
        ],
        ["dense", 0, 0],
    )
    assert_old_file_same(save, model, config)


def test_attention_takes_its_value_by_name(keras: Any, save: Save) -> None:
    k = keras.layers
    x = keras.Input((5, 6), name="x")
    y = k.Dense(6, name="dense")(x)
    model = keras.Model(x, k.MultiHeadAttention(2, 4, name="attention")(y, x))
    config = functional(
        [
            source(5, 6),
            entry("Dense", "dense", [call("x")], units=6),
            entry("MultiHeadAttention", "attention", [call("dense", value=["x", 0, 0])],
                  num_heads=2, key_dim=4, use_bias=True),
        ],
        ["attention", 0, 0],
    )  # fmt: skip
    assert_old_file_same(save, model, config)


def tf_function(name: str, function: str, first: list[Any], **options: Any) -> Entry:
    """A function of TensorFlow on a tensor, as Keras 2 writes it."""
    layer = entry("TFOpLambda", name, [[*first, {**options, "name": None}]], function=function)
    return layer


def test_functions_of_tensorflow(keras: Any, save: Save) -> None:
    """concat([relu(1 - x / 2)[:, 1:], mean over time, transposed and back])."""
    x = keras.Input((4, 6), name="x")
    ops = keras.ops
    h = ops.relu(1.0 - x / 2.0)
    parts = [h[:, 1:], ops.expand_dims(ops.mean(h, axis=1), 1)]
    model = keras.Model(x, keras.layers.Dense(3, name="dense")(ops.concatenate(parts, axis=1)))
    key = [{"start": None, "stop": None, "step": None}, {"start": 1, "stop": None, "step": None}]
    getitem = entry(
        "SlicingOpLambda", "part", [["relu", 0, 0, {"slice_spec": key}]],
        function="__operators__.getitem",
    )  # fmt: skip
    joined = entry("TFOpLambda", "joined", [call("part", "again", axis=1)], function="concat")
    config = functional(
        [
            source(4, 6),
            tf_function("half", "math.truediv", ["x", 0, 0], y=2.0),
            tf_function("rest", "math.subtract", ["_CONSTANT_VALUE", -1, 1.0], y=["half", 0, 0]),
            tf_function("relu", "nn.relu", ["rest", 0, 0]),
            getitem,
            tf_function("mean", "math.reduce_mean", ["relu", 0, 0], axis=1, keepdims=False),
            tf_function("again", "expand_dims", ["mean", 0, 0], axis=1),
            joined,
            entry("Dense", "dense", [call("joined")], units=3),
        ],
        ["dense", 0, 0],
    )
    assert_old_file_same(save, model, config)


def test_parts_and_choices_of_tensorflow(keras: Any, save: Save) -> None:
    """Split, stack, where, clip, elu, pad, flip, and a cast."""
    x, ops = keras.Input((4, 6), name="x"), keras.ops
    first, second = ops.split(x, [2], axis=2)
    wide = ops.pad(first, [[0, 0], [0, 0], [1, 1]], mode="reflect")
    chosen = ops.where(ops.greater(second, 0.2), second, ops.elu(wide))
    turned = ops.flip(ops.clip(chosen, -0.5, 1.5), axis=[1])
    flat = keras.layers.Flatten(name="flat")(ops.stack([turned, chosen], axis=1))
    model = keras.Model(x, keras.layers.Dense(3, name="dense")(flat))
    paddings = [[0, 0], [0, 0], [1, 1]]
    config = functional(
        [
            source(4, 6),
            tf_function("real", "cast", ["x", 0, 0], dtype="float32"),
            tf_function("parts", "split", ["real", 0, 0], num_or_size_splits=[2, 4], axis=2),
            tf_function(
                "wide", "compat.v1.pad", ["parts", 0, 0], paddings=paddings, mode="REFLECT"
            ),
            tf_function("more", "math.greater", ["parts", 0, 1], y=0.2),
            tf_function("elu", "nn.elu", ["wide", 0, 0]),
            tf_function("where", "where", ["more", 0, 0], x=["parts", 0, 1], y=["elu", 0, 0]),
            tf_function(
                "clip", "clip_by_value", ["where", 0, 0], clip_value_min=-0.5, clip_value_max=1.5
            ),
            tf_function("turned", "reverse", ["clip", 0, 0], axis=[1]),
            entry("TFOpLambda", "stack", [call("turned", "where", axis=1)], function="stack"),
            entry("Flatten", "flat", [call("stack")]),
            entry("Dense", "dense", [call("flat")], units=3),
        ],
        ["dense", 0, 0],
    )
    assert_old_file_same(save, model, config)


@pytest.mark.parametrize(
    ("function", "options"), [("linalg.matmul", {"transpose_b": True}), ("cast", {"dtype": "int8"})]
)
def test_functions_with_further_options_are_refused(
    keras: Any, save: Save, function: str, options: dict[str, Any]
) -> None:
    layer = tf_function("f", function, ["x", 0, 0], **options)
    _assert_refused(keras, save, layer)


def test_an_unknown_function_of_tensorflow_is_refused_by_name(keras: Any, save: Save) -> None:
    _assert_refused(keras, save, tf_function("f", "math.cumsum", ["x", 0, 0]))


def _assert_refused(keras: Any, save: Save, layer: Entry) -> None:
    """A model of one function is refused."""
    x = keras.Input((4,), name="x")
    path = save(keras.Model(x, keras.layers.Dense(3, name="dense")(x)))
    config = functional([source(4), layer], ["f", 0, 0])
    with zipfile.ZipFile(path, "a") as archive:
        weights = archive.read("model.weights.h5")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", weights)
    with pytest.raises(ModelError, match="Layer 'f' is of type TFOpLambda"):
        read_keras(path)


@pytest.mark.parametrize(
    ("layers", "separator"),
    [
        ("_layer_checkpoint_dependencies", "/"),
        ("_layer_checkpoint_dependencies", "\\"),
        ("layers", "\\"),
    ],
)
def test_weights_where_keras_2_has_them(
    layers: str, separator: str, keras: Any, save: Save
) -> None:
    k = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            k.Conv2D(4, 3, name="first"),
            k.BatchNormalization(name="norm"),
            k.Conv2D(5, 3, name="second"),
            k.Flatten(name="flat"),
            k.Dense(2, name="last"),
        ]
    )

    def old(data: bytes) -> bytes:
        """Up to 2.13 conv2d and conv2d_2, as each layer with weights is counted twice."""
        target = io.BytesIO()
        names = {} if layers == "layers" else {"conv2d_1": "conv2d_2"}
        with h5py.File(io.BytesIO(data)) as new, h5py.File(target, "w") as file:
            found: dict[str, Any] = {}
            new.visititems(lambda name, item: found.update({name: item}))
            for name, item in found.items():
                if isinstance(item, h5py.Dataset):
                    _, layer, *rest = name.split("/")
                    parts = [layers, names.get(layer, layer), *rest]
                    place = separator.join(parts[:-1]) + "/" + parts[-1]
                    file[place] = item[()]
        return target.getvalue()

    entries = [
        entry("InputLayer", "x", [], batch_input_shape=[None, 8, 8, 3]),
        entry("Conv2D", "first", [], filters=4, kernel_size=[3, 3]),
        entry("BatchNormalization", "norm", [], axis=[3], epsilon=1e-3),
        entry("Conv2D", "second", [], filters=5, kernel_size=[3, 3]),
        entry("Flatten", "flat", []),
        entry("Dense", "last", [], units=2),
    ]
    config = {"module": "keras", "class_name": "Sequential",
              "config": {"name": "m", "layers": entries}}  # fmt: skip
    assert_old_file_same(save, model, config, old)


def test_names_with_slashes(keras: Any, save: Save) -> None:
    """One would become the name of another layer."""
    k = keras.layers
    x = keras.Input((6, 6, 4), name="x")
    y = k.Conv2D(4, 3, name="first")(x)
    model = keras.Model(x, k.Dense(2, name="last")(k.Flatten()(k.Conv2D(3, 3, name="second")(y))))
    config = functional(
        [
            source(6, 6, 4),
            entry("Conv2D", "block/conv", [call("x")], filters=4, kernel_size=[3, 3]),
            entry("Conv2D", "block_conv", [call("block/conv")], filters=3, kernel_size=[3, 3]),
            entry("Flatten", "block/flat", [call("block_conv")]),
            entry("Dense", "last", [call("block/flat")], units=2),
        ],
        ["last", 0, 0],
    )
    assert_old_file_same(save, model, config)


def test_a_saved_model(keras: Any, tmp_path: Path) -> None:
    k = keras.layers
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), k.Conv2D(4, 3, activation="relu"), k.Flatten(), k.Dense(2)]
    )
    folder = tmp_path / "exported"
    model.export(str(folder), verbose=False)
    x = np.random.default_rng(1).uniform(-2, 2, (3, 8, 8, 3)).astype(np.float32)
    assert_close(run(clean_up(read_model(folder)), x), np.asarray(model(x, training=False)))


def test_a_damaged_saved_model(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"text")
    with pytest.raises(ModelError, match="TensorFlow can't load"):
        read_model(tmp_path)


@pytest.mark.parametrize(("version", "slope"), [("2.15.0", 1 / 5), ("3.15.0", 1 / 6)])
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_hard_sigmoids_of_keras_2_are_steeper(
    version: str, slope: float, suffix: str, keras: Any, save: Save
) -> None:
    k = keras.layers
    model = keras.Sequential([keras.Input((4,)), k.Dense(3), k.Activation("hard_sigmoid")])
    path = save(model, f"model{suffix}")
    if suffix == ".h5":
        with h5py.File(path, "a") as file:
            file.attrs["keras_version"] = version
    else:
        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in {
                **parts,
                "metadata.json": f'{{"keras_version": "{version}"}}',
            }.items():
                archive.writestr(name, data)
    x = np.random.default_rng(1).uniform(-3, 3, (5, 4)).astype(np.float32)
    sums = np.asarray(model.layers[0](x))
    assert_close(run(clean_up(read_keras(path)), x), np.clip(slope * sums + 0.5, 0, 1))
