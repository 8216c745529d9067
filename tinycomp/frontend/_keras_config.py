"""Checks a Keras model's configuration and reduces it to the few keys that inference needs.

Settings for training (initializers, regularizers, custom losses) are ignored; files of Keras 2 get
the form of Keras 3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from tinycomp.common.blockers import Blockers
from tinycomp.common.errors import ModelError
from tinycomp.frontend._keras_calls import (
    calls,
    clean_call,
    clean_references,
    masks_of,
    with_states,
    without_mode,
    without_names,
)
from tinycomp.frontend._keras_hints import hint
from tinycomp.frontend._keras_legacy import modernized
from tinycomp.frontend._keras_mask_calls import with_senders
from tinycomp.frontend._keras_names import without_slashes
from tinycomp.frontend._keras_objects import MODELS, Config, refuse_foreign, wrap
from tinycomp.frontend._keras_operations import clean_operation, operation
from tinycomp.frontend._keras_options import LAYERS, clean_options, require_fixed
from tinycomp.frontend._keras_steps import wraps_model
from tinycomp.frontend._keras_wrapped_cells import as_one_layer
from tinycomp.ir.tensor import Shape

AUGMENTATIONS = frozenset(
    {
        "AugMix", "CutMix", "MixUp", "RandAugment", "RandomBrightness", "RandomColorDegeneration",
        "RandomColorJitter", "RandomContrast", "RandomElasticTransform", "RandomErasing",
        "RandomFlip", "RandomGaussianBlur", "RandomGrayscale", "RandomHue", "RandomInvert",
        "RandomPerspective", "RandomPosterization", "RandomRotation", "RandomSaturation",
        "RandomSharpness", "RandomShear", "RandomTranslation", "RandomZoom", "Solarization",
    }
)  # fmt: skip
"""Layers that change images during training only. Keras saves their calls with training=True, which
is their default, and predicts with training=False.
"""
IDENTITIES = AUGMENTATIONS | {
    "ActivityRegularization", "AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise",
    "Identity", "SpatialDropout1D", "SpatialDropout2D",
}  # fmt: skip
"""Layers that have no effect at inference."""
_IN_ANY_MODE = AUGMENTATIONS | {"CenterCrop", "Resizing"}
"""Layers whose calls may say training=True."""
_WITH_STATES = ("Bidirectional", "GRU", "LSTM", "SimpleRNN")
"""Layers that can be called with initial_state=..."""
_ATTENTION = ("AdditiveAttention", "Attention", "MultiHeadAttention")
"""Layers that can be called with use_causal_mask=True."""

_OPERATIONS: Mapping[str, str] = {
    "keras.src.ops.numpy.Add": "Add",
    "keras.src.ops.numpy.Exp": "exponential",
    "keras.src.ops.numpy.Maximum": "Maximum",
    "keras.src.ops.numpy.Minimum": "Minimum",
    "keras.src.ops.numpy.Multiply": "Multiply",
    "keras.src.ops.numpy.Subtract": "Subtract",
    "keras.src.ops.numpy.Tanh": "tanh",
    "keras.src.ops.nn.HardSigmoid": "hard_sigmoid",
    "keras.src.ops.nn.HardSilu": "hard_silu",
    "keras.src.ops.nn.HardTanh": "hard_tanh",
    "keras.src.ops.nn.LogSigmoid": "log_sigmoid",
    "keras.src.ops.nn.Mish": "mish",
    "keras.src.ops.nn.Relu": "relu",
    "keras.src.ops.nn.Relu6": "relu6",
    "keras.src.ops.nn.Selu": "selu",
    "keras.src.ops.nn.Sigmoid": "sigmoid",
    "keras.src.ops.nn.Silu": "silu",
    "keras.src.ops.nn.Softplus": "softplus",
    "keras.src.ops.nn.Softsign": "softsign",
    "keras.src.ops.nn.SparsePlus": "sparse_plus",
    "keras.src.ops.nn.SparseSigmoid": "sparse_sigmoid",
    "keras.src.ops.nn.TanhShrink": "tanh_shrink",
}
"""Functions called on tensors (x + y, keras.ops.relu(x)), with the equivalent layer or activation.
"""

_POOLINGS = {"AveragePool": "AveragePooling", "MaxPool": "MaxPooling"}
"""Functions with the names of the layers of one or two axes."""
_POOLING = ("pool_size", "strides", "padding", "data_format")


def clean_model(entry: Mapping[str, Any], blockers: Blockers) -> Config:
    """The configuration of a whole model, checked and reduced.

    Args:
        entry: {"class_name", "config", ...} as .keras and .h5 files of Keras 2 and 3 hold it.
        blockers: receives what can't be built, layer by layer.

    Raises:
        ModelError: layers, activations or arguments that are not supported; the text names all.
    """
    with broken_configurations():
        cleaned = _entry(without_slashes(entry), blockers, whole=True)
    blockers.raise_any()
    if cleaned["class_name"] not in MODELS:
        raise ModelError(
            f"The file holds a single {cleaned['class_name']}, not a model.",
            hint="Save a whole keras.Sequential or keras.Model.",
        )
    return cleaned


@contextmanager
def broken_configurations() -> Iterator[None]:
    """Turn the errors that a broken configuration causes into one that says so.

    Raises:
        ModelError: there was one.
    """
    try:
        yield
    except (AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise ModelError(
            f"The model's configuration is broken: {type(error).__name__}: {error}.",
            hint="Save the model again.",
        ) from error


def _entry(entry: Mapping[str, Any], blockers: Blockers, whole: bool = False) -> Config:
    """One layer or nested model; notes what can't be built in it. `whole`: its inputs are those of
    the whole model.
    """
    class_name = str(entry.get("class_name"))
    config = entry.get("config")
    if isinstance(config, list):  # Sequential models of early Keras 2 releases
        config = {"layers": config}
    if not isinstance(config, Mapping):
        raise ModelError(
            f"The configuration of a {class_name} in the file is not a table of options."
        )
    name = str(entry.get("name") or config.get("name") or class_name.lower())
    if (function := operation(entry, class_name)) is not None:
        return clean_operation(entry, function, name)
    class_name, config = _operation(entry, class_name, name, config)
    refuse_foreign(entry, class_name, name)
    saved_as = class_name
    class_name, config = as_one_layer(class_name, config, name)
    if class_name in MODELS:
        cleaned = _model(MODELS[class_name], name, config, blockers, whole)
    elif class_name in IDENTITIES or _wraps_identity(class_name, config):
        cleaned = wrap("Identity", name, config, {})
    elif wraps_model({"class_name": class_name, "config": config}):
        cleaned = wrap(class_name, name, config, {"layer": _entry(config["layer"], blockers)})
    elif class_name in LAYERS:
        cleaned = wrap(class_name, name, config, clean_options(class_name, name, config))
        if whole and class_name == "InputLayer":
            require_fixed(name, cleaned["config"]["batch_shape"])
    else:
        raise ModelError(
            f"Layer {name!r} is of type {class_name}, which is not supported.",
            hint=hint(class_name),
        )
    if saved_as != class_name:
        cleaned["saved_as"] = saved_as
    if "inbound_nodes" in entry:
        separate = class_name == "MultiHeadAttention"
        nodes = entry["inbound_nodes"]
        if class_name in _ATTENTION:
            found = [without_names(call, separate) for call in nodes]
            cleaned["config"]["causal"] = any(causal for _, causal, _ in found)
            cleaned["config"]["visible"] = _one_of(name, [visible for *_, visible in found])
            nodes = [call for call, *_ in found]
        if class_name in _WITH_STATES:
            nodes = [with_states(call) for call in nodes]
        if class_name in _IN_ANY_MODE:
            nodes = [without_mode(call) for call in nodes]
        cleaned["inbound_nodes"] = [
            {**clean_call(call, name, separate), "masks": masks_of(call)} for call in nodes
        ]
    return cleaned


def _one_of(name: str, masks: Sequence[Any]) -> Any:
    """The attention_mask of all calls of a layer."""
    if any(each != masks[0] for each in masks):
        raise ModelError(
            f"Layer {name!r} is called with several masks.",
            expected="Expected the same attention_mask in each call.",
        )
    return masks[0] if masks else None


def _wraps_identity(class_name: str, config: Mapping[str, Any]) -> bool:
    """Whether it computes something without effect at every step."""
    inner = config.get("layer") if class_name == "TimeDistributed" else None
    return isinstance(inner, Mapping) and inner.get("class_name") in IDENTITIES


def _operation(
    entry: Mapping[str, Any], class_name: str, name: str, config: Mapping[str, Any]
) -> tuple[str, Mapping[str, Any]]:
    """A function called on tensors as the equivalent layer; layers unchanged."""
    module = str(entry.get("module"))
    if not module.startswith("keras.src.ops"):
        return class_name, config
    if class_name in _POOLINGS and module == "keras.src.ops.nn":
        options = {key: config[key] for key in _POOLING if key in config}
        return f"{_POOLINGS[class_name]}{_axes_of(entry)}D", options
    found = _OPERATIONS.get(f"{module}.{class_name}")
    if found is None:
        raise ModelError(
            f"{name!r} is a call of keras.ops ({class_name}), which is not supported.",
            hint="Use the layer of keras.layers that computes the same.",
        )
    return (found, {}) if found in LAYERS else ("Activation", {"activation": found})


def _axes_of(entry: Mapping[str, Any]) -> int:
    """The axes of a function's first tensor, without the batch and the channels."""
    return len(entry["inbound_nodes"][0]["args"][0]["config"]["shape"]) - 2


def _model(
    class_name: str, name: str, config: Mapping[str, Any], blockers: Blockers, whole: bool
) -> Config:
    layers = []
    if class_name == "Functional":
        config = with_senders(modernized(config))
    for number, layer in enumerate(config["layers"]):
        starts = number == 0 if class_name == "Sequential" else layer["class_name"] == "InputLayer"
        with blockers.collected():
            layers.append(_entry(layer, blockers, whole and starts))
    if class_name == "Sequential":
        options: Config = {"layers": _with_input(name, config, layers, whole)}
    else:
        options = {
            "layers": layers,
            "input_layers": clean_references(config["input_layers"]),
            "output_layers": clean_references(config["output_layers"]),
        }
    return wrap(class_name, name, config, options)


def model_inputs(model: Config) -> list[tuple[str, Shape]]:
    """The names of the inputs of a clean model, and their shapes without the batch."""
    layers = model["config"]["layers"]
    if "input_layers" in model["config"]:
        shapes = {
            entry["name"]: entry["config"]["batch_shape"]
            for entry in layers
            if entry["class_name"] == "InputLayer"
        }
        names = [name for name, _, _ in calls(model["config"]["input_layers"])]
        return [(name, tuple(shapes[name][1:])) for name in names]
    first = layers[0]
    if first["class_name"] in MODELS:
        # Keras gives the input another name than the nested model's.
        return [("input_layer", shape) for _, shape in model_inputs(first)]
    return [(first["name"], tuple(first["config"]["batch_shape"][1:]))]


def _with_input(
    name: str, config: Mapping[str, Any], layers: list[Config], whole: bool
) -> list[Config]:
    """Layers of a Sequential model, starting with an InputLayer.

    In Keras 2 the shape is in the first layer's configuration, or in the model's.
    """
    if layers and layers[0]["class_name"] in ("InputLayer", *MODELS):
        return layers
    first = config["layers"][0]["config"] if layers else {}
    shape = first.get("batch_input_shape") or config.get("build_input_shape")
    if shape is None:
        raise ModelError(
            f"The Sequential model {name!r} has no input shape.",
            hint="Begin it with keras.Input(shape) and save it again.",
        )
    entry = wrap(
        "InputLayer", f"{name}_input", {}, clean_options("InputLayer", name, {"batch_shape": shape})
    )
    if whole:
        require_fixed(name, entry["config"]["batch_shape"])
    return [entry, *layers]
