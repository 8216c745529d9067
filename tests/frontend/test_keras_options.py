"""Every option of every supported layer is used, has no effect on an inference, or is refused by
name: none is dropped in silence.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tinycomp.common.errors import ModelError
from tinycomp.frontend._keras_options import LAYERS, clean_options
from tinycomp.frontend._keras_unknown import WITHOUT_EFFECT
from tinycomp.frontend.keras import read_keras

Save = Callable[..., Path]

NEEDED: Mapping[str, Any] = {
    "activation": "relu", "axes": 1, "batch_shape": (None, 4), "dims": (1,),
    "equation": "ab,bc->ac", "filters": 2, "height": 4, "input_dim": 9, "kernel_size": 3,
    "key_dim": 2, "n": 2, "num_heads": 2, "output_dim": 3, "output_shape": 3, "pool_size": 2,
    "scale": 1.0, "target_shape": (4,), "units": 2, "width": 4,
}  # fmt: skip
NOT_PASSED = {
    "CategoryEncoding": {"sparse"},
    "InputLayer": {"input_tensor", "shape"},
    "*": {"pool_dimensions", "pool_mode", "rank", "cell", "weights"},
}
"""Arguments of constructors that are never in a file: of base classes, or tensors."""


def configuration(class_name: str, layers: Any) -> dict[str, Any]:
    """What Keras saves of a layer that has only the arguments that it needs."""
    inner = layers.Dense(2) if class_name == "TimeDistributed" else layers.LSTM(2)
    layer = getattr(layers, class_name)
    needed = {
        key: {**NEEDED, "layer": inner}[key]
        for key, parameter in inspect.signature(layer).parameters.items()
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        and parameter.default is parameter.empty
    }
    if class_name == "InputLayer":
        needed = {"batch_shape": NEEDED["batch_shape"]}
    if class_name == "CategoryEncoding":
        needed = {"num_tokens": 4}
    if class_name == "PReLU":
        needed = {"shared_axes": [1]}
    config = layer(**needed).get_config()
    for key, value in config.items():
        if key in ("layer", "backward_layer") and value is not None:
            config[key] = dict(value)
    assert isinstance(config, dict)
    return config


def arguments(class_name: str, layers: Any) -> set[str]:
    """All arguments of a layer's constructor and those of its base classes, and all saved keys."""
    found = set(configuration(class_name, layers))
    for each in getattr(layers, class_name).__mro__:
        if each.__module__.startswith("keras") and "__init__" in vars(each):
            found |= {
                key
                for key, parameter in inspect.signature(each.__init__).parameters.items()
                if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
            }
    return found - {"self"} - NOT_PASSED["*"] - NOT_PASSED.get(class_name, set())


@pytest.mark.parametrize("class_name", LAYERS)
def test_defaults_are_never_refused(class_name: str, keras: Any) -> None:
    found = clean_options(class_name, "x", configuration(class_name, keras.layers))
    assert set(found) <= set(LAYERS[class_name])


@pytest.mark.parametrize("class_name", LAYERS)
def test_every_option_is_used_or_refused(class_name: str, keras: Any) -> None:
    config = configuration(class_name, keras.layers)
    harmless = {*WITHOUT_EFFECT, *LAYERS[class_name], "quantization_config", "stateful"}
    of_tomorrow = "an_option_of_tomorrow"
    for key in {*arguments(class_name, keras.layers), of_tomorrow} - harmless:
        if key.endswith(("_initializer", "_regularizer", "_constraint")):
            continue
        with pytest.raises(ModelError, match=f"Layer 'x' .{class_name}. has {key}='on', which"):
            clean_options(class_name, "x", {**config, key: "on"})


ATTENTION = {"use_gate": True, "attention_axes": 2, "sliding_window": 3}


@pytest.mark.parametrize("key", ATTENTION)
def test_options_of_attention(key: str, keras: Any, save: Save) -> None:
    x = keras.Input((6, 4))
    layer = keras.layers.MultiHeadAttention(2, 3, name="x", **{key: ATTENTION[key]})
    path = save(keras.Model(x, layer(x, x)))
    with pytest.raises(ModelError, match=f"has {key}=.*Build the model again without {key}"):
        read_keras(path)


@pytest.mark.parametrize(("shape", "accepted"), [(5, True), ((5,), True), ((5, 2), False)])
def test_shape_of_attention(shape: Any, accepted: bool, keras: Any, save: Save) -> None:
    x = keras.Input((6, 4))
    layer = keras.layers.MultiHeadAttention(2, 3, output_shape=shape, name="x")
    path = save(keras.Model(x, layer(x, x)))
    if accepted:
        graph = read_keras(path)
        assert graph.tensors[graph.outputs[0]].shape == (6, 5)
        return
    with pytest.raises(
        ModelError, match=r"'x' .MultiHeadAttention. has output_shape=\[5, 2\]. Expected one"
    ):
        read_keras(path)


def test_option_of_keras_2() -> None:
    config = {"units": 3, "implementation": 2, "unroll": False}
    assert clean_options("LSTM", "x", {**config, "time_major": False})["units"] == 3
    with pytest.raises(ModelError, match="has time_major=True, which is not supported"):
        clean_options("LSTM", "x", {**config, "time_major": True})
