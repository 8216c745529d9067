"""Checks a Keras model's configuration and rewrites it to the few keys that inference needs.

Nothing of a file's configuration reaches Keras that is not listed here, so nothing in a file can name code to run, and
what only training knows (initializers, regularizers, custom losses) or only Keras 2 knows can't stand in the way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tinycomp.errors import ModelError
from tinycomp.frontend._keras_hints import hint

Config = dict[str, Any]

MODELS = {"Functional": "Functional", "Model": "Functional", "Sequential": "Sequential"}
"""Classes that hold layers, with the class that Keras 3 has for them."""

_MODEL_MODULES = {"Functional": "keras.src.models.functional", "Sequential": "keras"}

IDENTITIES = frozenset(
    "ActivityRegularization AlphaDropout Dropout GaussianDropout GaussianNoise Identity RandomBrightness "
    "RandomContrast RandomFlip RandomRotation RandomTranslation RandomZoom SpatialDropout1D SpatialDropout2D".split()
)
"""Layers that pass their input on at inference."""

_POOLING = ("pool_size", "strides", "padding", "data_format")
_CONVOLUTION = (
    "kernel_size", "strides", "padding", "data_format", "dilation_rate", "activation", "use_bias", "groups",
)  # fmt: skip
_DEPTHWISE = (*(key for key in _CONVOLUTION if key != "groups"), "depth_multiplier")
_LAYERS: Mapping[str, tuple[str, ...]] = {
    "Activation": ("activation",),
    "Add": (),
    "AveragePooling1D": _POOLING,
    "AveragePooling2D": _POOLING,
    "BatchNormalization": ("axis", "epsilon", "center", "scale"),
    "Concatenate": ("axis",),
    "Conv1D": ("filters", *_CONVOLUTION),
    "Conv2D": ("filters", *_CONVOLUTION),
    "Dense": ("units", "activation", "use_bias"),
    "DepthwiseConv1D": _DEPTHWISE,
    "DepthwiseConv2D": _DEPTHWISE,
    "Flatten": ("data_format",),
    "GlobalAveragePooling1D": ("data_format", "keepdims"),
    "GlobalAveragePooling2D": ("data_format", "keepdims"),
    "GlobalMaxPooling1D": ("data_format", "keepdims"),
    "GlobalMaxPooling2D": ("data_format", "keepdims"),
    "InputLayer": ("batch_shape",),
    "LeakyReLU": ("negative_slope",),
    "MaxPooling1D": _POOLING,
    "MaxPooling2D": _POOLING,
    "Multiply": (),
    "ReLU": ("max_value", "negative_slope", "threshold"),
    "Rescaling": ("scale", "offset"),
    "Reshape": ("target_shape",),
    "SeparableConv1D": ("filters", *_DEPTHWISE),
    "SeparableConv2D": ("filters", *_DEPTHWISE),
    "Softmax": ("axis",),
    "ZeroPadding1D": ("padding", "data_format"),
    "ZeroPadding2D": ("padding", "data_format"),
}
"""Layers that are read, with the keys of their configuration that matter at inference."""

_OPERATIONS: Mapping[str, str] = {
    "keras.src.ops.numpy.Add": "Add",
    "keras.src.ops.numpy.Multiply": "Multiply",
    "keras.src.ops.nn.Relu": "relu",
    "keras.src.ops.nn.Relu6": "relu6",
    "keras.src.ops.nn.Sigmoid": "sigmoid",
    "keras.src.ops.numpy.Tanh": "tanh",
}
"""Functions called on tensors (x + y, keras.ops.relu(x)), with the layer or activation that computes the same."""

ACTIVATIONS = frozenset(
    "hard_silu hard_swish leaky_relu linear relu relu6 sigmoid silu softmax swish tanh".split()
)
ACTIVATION_LAYERS = ("LeakyReLU", "ReLU", "Softmax")
"""Layers that may be given as `activation=` of another."""

_NO_CODE = "tinycomp reads Keras's own layers and never runs code from a model file."
_WAS_CALLED = {"alpha": "negative_slope", "batch_input_shape": "batch_shape"}
"""Keys that Keras 3 renamed."""


def clean_model(entry: Mapping[str, Any]) -> Config:
    """The configuration of a whole model, checked and reduced.

    Args:
        entry: {"class_name", "config", ...} as .keras and .h5 files of Keras 2 and 3 hold it.

    Raises:
        ModelError: a layer, an activation or an argument that is not supported; the text names it.
    """
    cleaned = _entry(entry)
    if cleaned["class_name"] not in MODELS:
        raise ModelError(
            f"The file holds a single {cleaned['class_name']}, not a model.",
            hint="Save a whole keras.Sequential or keras.Model.",
        )
    return cleaned


def _entry(entry: Mapping[str, Any]) -> Config:
    """One layer or nested model."""
    class_name = str(entry.get("class_name"))
    config = entry.get("config")
    if isinstance(config, list):  # Sequential models of the first Keras 2 releases
        config = {"layers": config}
    if not isinstance(config, Mapping):
        raise ModelError(
            f"The configuration of a {class_name} in the file is not a table of options."
        )
    name = str(entry.get("name") or config.get("name") or class_name.lower())
    class_name, config = _operation(entry, class_name, name, config)
    _refuse_foreign(entry, class_name, name)
    if class_name in MODELS:
        cleaned = _model(MODELS[class_name], name, config)
    elif class_name in IDENTITIES:
        cleaned = _wrap("Identity", name, config, {})
    elif class_name in _LAYERS:
        cleaned = _wrap(class_name, name, config, _options(class_name, name, config))
    else:
        raise ModelError(
            f"Layer {name!r} is of type {class_name}, which is not supported.",
            hint=hint(class_name),
        )
    if "inbound_nodes" in entry:
        cleaned["inbound_nodes"] = [_call(call, name) for call in entry["inbound_nodes"]]
    return cleaned


def _operation(
    entry: Mapping[str, Any], class_name: str, name: str, config: Mapping[str, Any]
) -> tuple[str, Mapping[str, Any]]:
    """A function called on tensors as the layer that does the same; layers as they are."""
    module = str(entry.get("module"))
    if not module.startswith("keras.src.ops"):
        return class_name, config
    found = _OPERATIONS.get(f"{module}.{class_name}")
    if found is None:
        raise ModelError(
            f"{name!r} is a call of keras.ops ({class_name}), which is not supported.",
            hint="Use the layer of keras.layers that computes the same.",
        )
    return (found, {}) if found in _LAYERS else ("Activation", {"activation": found})


def _refuse_foreign(entry: Mapping[str, Any], class_name: str, name: str) -> None:
    """Layers that hold code, or a class from outside Keras under whatever name."""
    if class_name == "Lambda":
        raise ModelError(
            f"Layer {name!r} is a Lambda, which holds Python code; {_NO_CODE}",
            hint=hint(class_name),
        )
    module, registered = entry.get("module"), entry.get("registered_name")
    own = module is None or str(module).split(".")[0] in ("keras", "tf_keras")
    if not own or ">" in class_name or (registered is not None and ">" in str(registered)):
        shown = registered or f"{module}.{class_name}"
        raise ModelError(
            f"Layer {name!r} is of the custom class {shown}; {_NO_CODE}",
            hint="Rebuild the model of layers from keras.layers, copy the weights, and save it again.",
        )


def _wrap(class_name: str, name: str, config: Mapping[str, Any], options: Config) -> Config:
    """The form in which Keras 3 deserializes a built-in object.

    `trainable` stays: it decides in which order .h5 files hold the weights of nested models.
    """
    kept = {"name": name, "trainable": bool(config.get("trainable", True)), **options}
    if class_name == "InputLayer":
        del kept["trainable"]
    if class_name not in MODELS:
        kept["dtype"] = "float32"
    return {
        "module": _MODEL_MODULES.get(class_name, "keras.layers"),
        "class_name": class_name,
        "config": kept,
        "registered_name": class_name if class_name == "Functional" else None,
        "name": name,
    }


def _model(class_name: str, name: str, config: Mapping[str, Any]) -> Config:
    layers = [_entry(layer) for layer in config["layers"]]
    if class_name == "Sequential":
        options: Config = {"layers": _with_input(name, config, layers)}
    else:
        options = {
            "layers": layers,
            "input_layers": _references(config["input_layers"]),
            "output_layers": _references(config["output_layers"]),
        }
    return _wrap(class_name, name, config, options)


def _with_input(name: str, config: Mapping[str, Any], layers: list[Config]) -> list[Config]:
    """Layers of a Sequential model that begin with an InputLayer.

    Keras 2 gives the shape in the first layer's configuration, or of the model that it was built for.
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
    entry = _wrap(
        "InputLayer", f"{name}_input", {}, _options("InputLayer", name, {"batch_shape": shape})
    )
    return [entry, *layers]


def _options(class_name: str, name: str, config: Mapping[str, Any]) -> Config:
    """The layer's options that matter, in the dialect of Keras 3."""
    _refuse_quantized(name, config)
    config = {_WAS_CALLED.get(key, key): value for key, value in config.items()}
    options = {key: _plain(config[key], name, key) for key in _LAYERS[class_name] if key in config}
    if "axis" in options and isinstance(options["axis"], list) and len(options["axis"]) == 1:
        options["axis"] = options["axis"][0]
    if "activation" in options:
        options["activation"] = _activation(config["activation"], name)
    if "batch_shape" in options:
        options["batch_shape"] = _input_shape(options["batch_shape"], name)
    if options.get("data_format") == "channels_first":
        raise ModelError(
            f"Layer {name!r} ({class_name}) has data_format='channels_first'.",
            expected="Only 'channels_last' is supported.",
            hint="Rebuild the model with data_format='channels_last' and copy the weights.",
        )
    return options


def _refuse_quantized(name: str, config: Mapping[str, Any]) -> None:
    policy = config.get("dtype")
    if isinstance(policy, Mapping):
        quantized = "Quantized" in str(policy.get("class_name")) or "Float8" in str(
            policy.get("class_name")
        )
    else:
        quantized = "_from_" in str(policy)
    if quantized or config.get("quantization_config"):
        raise ModelError(
            f"Layer {name!r} is quantized by Keras.",
            expected="A float model is expected: tinycomp quantizes by itself.",
            hint="Save the model before model.quantize(...).",
        )


def _plain(value: Any, name: str, key: str) -> Any:
    """Numbers, strings, None and lists of them; an activation is looked at by itself."""
    if value is None or isinstance(value, bool | int | float | str) or key == "activation":
        return value
    if isinstance(value, list | tuple):
        return [_plain(item, name, key) for item in value]
    if isinstance(value, Mapping) and value.get("class_name") == "__numpy__":
        return _plain(value["config"]["value"], name, key)
    raise ModelError(
        f"Layer {name!r} has a value for {key!r} that is not a plain number or text: {value!r}."
    )


def _activation(value: Any, name: str) -> Any:
    """The activation's name, or an activation layer's entry."""
    if value is None:
        return "linear"
    if isinstance(value, Mapping) and value.get("class_name") == "function":
        own = value.get("module") in (None, "builtins", "keras.activations")
        value = value.get("config") if own else f"{value.get('module')}.{value.get('config')}"
    if isinstance(value, str) and value in ACTIVATIONS:
        return value
    if isinstance(value, Mapping) and value.get("class_name") in ACTIVATION_LAYERS:
        return _entry(value)
    if isinstance(value, Mapping) and value.get("class_name") in ("Lambda", "__lambda__"):
        raise ModelError(
            f"The activation of layer {name!r} holds Python code; {_NO_CODE}",
            hint=hint("activation"),
        )
    shown = (
        value.get("registered_name") or value.get("class_name")
        if isinstance(value, Mapping)
        else value
    )
    raise ModelError(
        f"The activation {shown!r} of layer {name!r} is not supported.", hint=hint("activation")
    )


def _input_shape(shape: Any, name: str) -> list[int | None]:
    """The input's shape with the batch axis left open."""
    if not isinstance(shape, list) or len(shape) < 2:
        raise ModelError(
            f"The input {name!r} has shape {shape}.",
            expected="A batch axis and one to three more axes are expected.",
        )
    if any(not isinstance(size, int) or size <= 0 for size in shape[1:]):
        raise ModelError(
            f"The input {name!r} has the open shape {tuple(shape)}.",
            expected="On a microcontroller every size but the batch must be fixed.",
            hint="Rebuild the model with keras.Input of fixed sizes, such as (96, 96, 1), copy the weights "
            "(new.set_weights(old.get_weights())), and save it again.",
        )
    return [None, *shape[1:]]


def _references(value: Any) -> Any:
    """[layer, call, tensor], or a list of those."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [_references(item) for item in value]
    if isinstance(value, str | int):
        return value
    raise ModelError(f"The model's list of inputs or outputs holds {value!r}.")


def _call(call: Any, name: str) -> Any:
    """How a layer is called: in Keras 3 {"args", "kwargs"}, in Keras 2 [[layer, call, tensor, kwargs], ...]."""
    if isinstance(call, Mapping):
        tensors = _tensors(call.get("args", []), name)
        _refuse_arguments(call.get("kwargs") or {}, name)
        # A layer called with several tensors takes them in one list; x + y hands them over one by one.
        return {"args": [tensors[0] if len(tensors) == 1 else tensors], "kwargs": {}}
    if call and isinstance(call[0], str):
        call = [call]
    cleaned = []
    for reference in call:
        if len(reference) > 3:
            _refuse_arguments(reference[3] or {}, name)
        cleaned.append([*_references(reference[:3]), {}])
    return cleaned


def _tensors(value: Any, name: str) -> list[Config]:
    """The tensors in a call's positional arguments, in order."""
    if isinstance(value, list | tuple):
        return [tensor for item in value for tensor in _tensors(item, name)]
    if isinstance(value, Mapping) and value.get("class_name") == "__keras_tensor__":
        config = value["config"]
        history = _references(config["keras_history"])
        shape = [None if size is None else int(size) for size in config["shape"]]
        kept = {"shape": shape, "dtype": "float32", "keras_history": history}
        return [{"class_name": "__keras_tensor__", "config": kept}]
    raise ModelError(
        f"Layer {name!r} is called with the constant {value!r}.",
        expected="Only tensors of the model are supported there.",
        hint="For scaling and shifting use keras.layers.Rescaling.",
    )


def _refuse_arguments(arguments: Mapping[str, Any], name: str) -> None:
    """Call arguments that change what inference computes."""
    for key, value in arguments.items():
        if value is None or value is False:
            continue
        raise ModelError(
            f"Layer {name!r} is called with {key}={value!r}, which is not supported.",
            hint="Call the layer with its input alone and save the model again.",
        )
