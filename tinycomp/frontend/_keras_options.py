"""The inference options of each supported Keras layer, in the terms of Keras 3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tinycomp.common.errors import ModelError
from tinycomp.frontend._keras_activations import ACTIVATIONS, GATED
from tinycomp.frontend._keras_hints import hint
from tinycomp.frontend._keras_objects import NO_CODE, Config, refuse_foreign, wrap
from tinycomp.frontend._keras_unknown import refuse_unknown

_POOLING = ("pool_size", "strides", "padding", "data_format")
_CONVOLUTION = (
    "kernel_size", "strides", "padding", "data_format", "dilation_rate", "activation", "use_bias",
    "groups",
)  # fmt: skip
_TRANSPOSED = (*(key for key in _CONVOLUTION if key != "groups"), "output_padding")
_DEPTHWISE = (*(key for key in _CONVOLUTION if key != "groups"), "depth_multiplier")
_RECURRENT = (
    "units", "activation", "use_bias", "return_sequences", "return_state", "go_backwards",
    "zero_output_for_mask",
)  # fmt: skip
_CONV_LSTM = (
    "filters", *(key for key in _CONVOLUTION if key != "groups"), "recurrent_activation",
    "return_sequences", "return_state", "go_backwards",
)  # fmt: skip
_WRAPPED = ("layer", "backward_layer")
"""Keys whose values are layers."""
_ASPECT = ("antialias", "crop_to_aspect_ratio", "pad_to_aspect_ratio")
LAYERS: Mapping[str, tuple[str, ...]] = {
    "Activation": ("activation",),
    "Add": (),
    "AdditiveAttention": ("use_scale",),
    "Attention": ("use_scale", "score_mode"),
    "Average": (),
    "AveragePooling1D": _POOLING,
    "AveragePooling2D": _POOLING,
    "BatchNormalization": ("axis", "epsilon", "center", "scale"),
    "Bidirectional": ("merge_mode", *_WRAPPED),
    "Concatenate": ("axis",),
    "Conv1D": ("filters", *_CONVOLUTION),
    "Conv2D": ("filters", *_CONVOLUTION),
    "Conv1DTranspose": ("filters", *_TRANSPOSED),
    "Conv2DTranspose": ("filters", *_TRANSPOSED),
    "ConvLSTM1D": _CONV_LSTM,
    "ConvLSTM2D": _CONV_LSTM,
    "Cropping1D": ("cropping", "data_format"),
    "Cropping2D": ("cropping", "data_format"),
    "CategoryEncoding": ("num_tokens", "output_mode"),
    "CenterCrop": ("height", "width", "data_format"),
    "Dense": ("units", "activation", "use_bias"),
    "DepthwiseConv1D": _DEPTHWISE,
    "DepthwiseConv2D": _DEPTHWISE,
    "Dot": ("axes", "normalize"),
    "ELU": ("alpha",),
    "EinsumDense": ("equation", "output_shape", "activation", "bias_axes"),
    "Flatten": ("data_format",),
    "Embedding": ("input_dim", "output_dim", "mask_zero"),
    "GRU": (*_RECURRENT, "recurrent_activation", "reset_after"),
    "GlobalAveragePooling1D": ("data_format", "keepdims"),
    "GlobalAveragePooling2D": ("data_format", "keepdims"),
    "GlobalMaxPooling1D": ("data_format", "keepdims"),
    "GlobalMaxPooling2D": ("data_format", "keepdims"),
    "GroupNormalization": ("groups", "axis", "epsilon", "center", "scale"),
    "InputLayer": ("batch_shape",),
    "LSTM": (*_RECURRENT, "recurrent_activation"),
    "LayerNormalization": ("axis", "epsilon", "center", "scale", "rms_scaling"),
    "LeakyReLU": ("negative_slope",),
    "Masking": ("mask_value",),
    "MaxPooling1D": _POOLING,
    "MaxPooling2D": _POOLING,
    "Maximum": (),
    "Minimum": (),
    "MultiHeadAttention": (
        "num_heads",
        "key_dim",
        "value_dim",
        "use_bias",
        "output_shape",
        "attention_axes",
    ),
    "Multiply": (),
    "Normalization": ("axis", "mean", "variance", "invert"),
    "PReLU": ("shared_axes",),
    "Permute": ("dims",),
    "RMSNormalization": ("axis", "epsilon"),
    "ReLU": ("max_value", "negative_slope", "threshold"),
    "RepeatVector": ("n",),
    "Rescaling": ("scale", "offset"),
    "Reshape": ("target_shape",),
    "Resizing": ("height", "width", "interpolation", "data_format", *_ASPECT),
    "SeparableConv1D": ("filters", *_DEPTHWISE),
    "SeparableConv2D": ("filters", *_DEPTHWISE),
    "SimpleRNN": _RECURRENT,
    "Softmax": ("axis",),
    "Subtract": (),
    "SpectralNormalization": ("layer",),
    "TimeDistributed": ("layer",),
    "UnitNormalization": ("axis",),
    "UpSampling1D": ("size",),
    "UpSampling2D": ("size", "interpolation", "data_format"),
    "ZeroPadding1D": ("padding", "data_format"),
    "ZeroPadding2D": ("padding", "data_format"),
}
"""Supported layers, with the keys of their configuration that affect inference."""

_DEFAULTS: Mapping[str, Any] = {
    "activation": "linear", "alpha": 1.0, "attention_axes": None, "axis": -1,
    "bias_axes": None, "backward_layer": None, "center": True,
    "cropping": 1, "data_format": None, "depth_multiplier": 1, "dilation_rate": 1, "epsilon": 1e-3,
    "go_backwards": False, "groups": 1, "interpolation": "nearest", "invert": False,
    "keepdims": False, "mask_value": 0.0, "mask_zero": False, "max_value": None, "mean": None,
    "merge_mode": "concat", "negative_slope": 0.0, "normalize": False, "offset": 0.0,
    "output_padding": None,
    "output_mode": "multi_hot", "output_shape": None, "padding": "valid", "pool_size": 2,
    "recurrent_activation": "sigmoid", "reset_after": True,
    "return_sequences": False, "return_state": False, "rms_scaling": False, "scale": True,
    "score_mode": "dot",
    "shared_axes": None, "size": 2, "strides": 1, "threshold": 0.0, "use_bias": True,
    "use_scale": False,
    "value_dim": None, "variance": None, "zero_output_for_mask": False,
}  # fmt: skip
_OWN_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "AveragePooling1D": {"strides": None},
    "AveragePooling2D": {"strides": None},
    "AdditiveAttention": {"use_scale": True},
    "ConvLSTM1D": {"activation": "tanh"},
    "ConvLSTM2D": {"activation": "tanh"},
    "Cropping1D": {"cropping": (1, 1)},
    "Cropping2D": {"cropping": ((0, 0), (0, 0))},
    "GRU": {"activation": "tanh"},
    "GroupNormalization": {"groups": 32},
    "LSTM": {"activation": "tanh"},
    "LeakyReLU": {"negative_slope": 0.3},
    "MaxPooling1D": {"strides": None},
    "MaxPooling2D": {"strides": None},
    "RMSNormalization": {"epsilon": 1e-6},
    "Resizing": {"interpolation": "bilinear", **dict.fromkeys(_ASPECT, False)},
    "SimpleRNN": {"activation": "tanh"},
    "ZeroPadding1D": {"padding": (1, 1)},
    "ZeroPadding2D": {"padding": ((1, 1), (1, 1))},
}
"""What Keras takes for an option that a file does not have, for any layer and for some."""

_CHECKED_APART = ("activation", "recurrent_activation", *_WRAPPED)

ACTIVATION_LAYERS = ("ELU", "LeakyReLU", "ReLU", "Softmax")
"""Layers that may be the `activation=` of another."""


_WAS_CALLED = {
    "InputLayer": {"batch_input_shape": "batch_shape"},
    "LeakyReLU": {"alpha": "negative_slope"},
}
"""Keys that Keras 3 renamed, by layer."""


def clean_options(class_name: str, name: str, config: Mapping[str, Any]) -> Config:
    """The layer's options for inference, in the form of Keras 3."""
    _refuse_quantized(name, config)
    _refuse_stateful(class_name, name, config)
    renamed = _WAS_CALLED.get(class_name, {})
    config = {renamed.get(key, key): value for key, value in config.items()}
    refuse_unknown(class_name, name, config, LAYERS[class_name])
    options = {key: _plain(config[key], name, key) for key in LAYERS[class_name] if key in config}
    if "axis" in options and isinstance(options["axis"], list) and len(options["axis"]) == 1:
        options["axis"] = options["axis"][0]
    for key in ("activation", "recurrent_activation"):
        if key in options:
            options[key] = _activation(config[key], name)
    for key in _WRAPPED:
        if key in options and options[key] is not None:
            options[key] = _layer(config[key], name)
    defaults = {**_DEFAULTS, **_OWN_DEFAULTS.get(class_name, {})}
    missing = {key: defaults[key] for key in LAYERS[class_name] if key in defaults}
    options = {**missing, **options}
    if "batch_shape" in options:
        options["batch_shape"] = _input_shape(options["batch_shape"], name)
    if class_name in ("ConvLSTM1D", "ConvLSTM2D"):
        _require_channels_last(class_name, name, options)
    return options


def _require_channels_last(class_name: str, name: str, options: Mapping[str, Any]) -> None:
    """Refuse channels in front where a sequence has them behind its steps."""
    if options.get("data_format") == "channels_first":
        raise ModelError(
            f"Layer {name!r} ({class_name}) has data_format='channels_first'.",
            expected="Expected 'channels_last'.",
            hint="Rebuild the model with data_format='channels_last' and copy the weights.",
        )


def _layer(entry: Any, name: str) -> Config:
    """The layer in a wrapper."""
    class_name = str(entry.get("class_name")) if isinstance(entry, Mapping) else repr(entry)
    if class_name not in LAYERS:
        raise ModelError(
            f"Layer {name!r} wraps a {class_name}, which is not supported.", hint=hint(class_name)
        )
    refuse_foreign(entry, class_name, name)
    config = entry["config"]
    inner = str(config.get("name") or class_name.lower())
    options = clean_options(class_name, inner, config)
    _require_channels_last(class_name, inner, options)
    return wrap(class_name, inner, config, options)


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
            expected="Expected a float model: tinycomp quantizes by itself.",
            hint="Save the model before model.quantize(...).",
        )


def _refuse_stateful(class_name: str, name: str, config: Mapping[str, Any]) -> None:
    """Keras itself loads such a layer only with a fixed batch."""
    if config.get("stateful"):
        raise ModelError(
            f"Layer {name!r} ({class_name}) keeps its state from one inference to the next "
            "(stateful=True).",
            expected="Expected stateful=False: every inference starts from a state of zeros.",
            hint="Build the model again with stateful=False, copy the weights "
            "(new.set_weights(old.get_weights())), and give it whole windows.",
        )


def _plain(value: Any, name: str, key: str) -> Any:
    """Check for numbers, strings, None and lists of them; activations are checked separately."""
    if value is None or isinstance(value, bool | int | float | str) or key in _CHECKED_APART:
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
    if isinstance(value, str) and (value in ACTIVATIONS or value == GATED):
        return value
    if isinstance(value, Mapping) and value.get("class_name") in ACTIVATION_LAYERS:
        class_name = str(value["class_name"])
        refuse_foreign(value, class_name, name)
        options = value["config"]
        return wrap(
            class_name, f"{name}_activation", options, clean_options(class_name, name, options)
        )
    if isinstance(value, Mapping) and value.get("class_name") in ("Lambda", "__lambda__"):
        raise ModelError(
            f"The activation of layer {name!r} holds Python code; {NO_CODE}",
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
    """The input's shape with the batch axis left open; None for other open axes."""
    if not isinstance(shape, list) or len(shape) < 2:
        raise ModelError(
            f"The input {name!r} has shape {shape}.",
            expected="Expected a batch axis and one to four more axes.",
        )
    if any(size is not None and (not isinstance(size, int) or size <= 0) for size in shape[1:]):
        raise ModelError(
            f"The input {name!r} has shape {tuple(shape)}.",
            expected="Expected sizes of at least 1.",
        )
    return [None, *shape[1:]]


def require_fixed(name: str, shape: Sequence[int | None]) -> None:
    """Refuse open axes behind the batch in an input of the whole model. Inputs of nested models may
    have them: their shapes follow from the calls.

    Raises:
        ModelError: there are.
    """
    if None in shape[1:]:
        raise ModelError(
            f"The input {name!r} has the open shape {tuple(shape)}.",
            expected="Expected fixed sizes for all axes but the batch, as on a microcontroller.",
            hint="Rebuild the model with keras.Input of fixed sizes, such as (96, 96, 1), copy the "
            "weights (new.set_weights(old.get_weights())), and save it again.",
        )
