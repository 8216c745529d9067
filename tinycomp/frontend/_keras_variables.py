"""The variables of each Keras layer, in the order in which Keras creates and saves them.

A layer without an entry has none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tinycomp.ir.tensor import Shape

Config = Mapping[str, Any]
Sizes = tuple[int | None, ...]
"""A shape; None where it depends on an unknown input."""

NORMALIZED = "SpectralNormalization"
"""A wrapper that does nothing at inference."""


@dataclass(frozen=True)
class Variable:
    """An array of a layer."""

    name: str
    """Unique in the layer: "kernel", "query/kernel"."""
    shape: Sizes | None
    """Expected, as far as it is known."""
    trainable: bool = True
    """Whether training changes it, which decides its place in .h5 files."""
    places: tuple[str, ...] = ("",)
    """Possible groups inside the layer's in .keras files, by version: "cell"."""


def variables(class_name: str, config: Config, inputs: Sequence[Shape] = ()) -> list[Variable]:
    """The variables of a layer, in order.

    Args:
        class_name: of the layer.
        config: its options, complete.
        inputs: shapes of the tensors that it reads, without the batch; none if they are unknown.
    """
    find = _VARIABLES.get(class_name)
    return [] if find is None else find(config, inputs)


def _channels(inputs: Sequence[Shape], which: int = 0) -> int | None:
    return inputs[which][-1] if len(inputs) > which and inputs[which] else None


def _times(size: int | None, factor: int) -> int | None:
    return None if size is None else size * factor


def _kernel_size(config: Config, axes: int) -> tuple[int, ...]:
    size = config["kernel_size"]
    return (size,) * axes if isinstance(size, int) else tuple(size)


def _with_bias(found: list[Variable], config: Config, *shape: int | None) -> list[Variable]:
    return [*found, Variable("bias", shape)] if config["use_bias"] else found


def _dense(config: Config, inputs: Sequence[Shape]) -> list[Variable]:
    units = config["units"]
    return _with_bias([Variable("kernel", (_channels(inputs), units))], config, units)


def _convolution(axes: int, transposed: bool = False) -> Callable[..., list[Variable]]:
    def find(config: Config, inputs: Sequence[Shape]) -> list[Variable]:
        channels, filters = _channels(inputs), config["filters"]
        source = None if channels is None else channels // config.get("groups", 1)
        ends = (filters, source) if transposed else (source, filters)
        kernel = Variable("kernel", (*_kernel_size(config, axes), *ends))
        return _with_bias([kernel], config, filters)

    return find


def _depthwise(axes: int) -> Callable[..., list[Variable]]:
    def find(config: Config, inputs: Sequence[Shape]) -> list[Variable]:
        channels, factor = _channels(inputs), config["depth_multiplier"]
        kernel = Variable("kernel", (*_kernel_size(config, axes), channels, factor))
        return _with_bias([kernel], config, _times(channels, factor))

    return find


def _separable(axes: int) -> Callable[..., list[Variable]]:
    def find(config: Config, inputs: Sequence[Shape]) -> list[Variable]:
        channels, factor = _channels(inputs), config["depth_multiplier"]
        filters = config["filters"]
        between = (*(1,) * axes, _times(channels, factor), filters)
        kernels = [
            Variable("depthwise_kernel", (*_kernel_size(config, axes), channels, factor)),
            Variable("pointwise_kernel", between),
        ]
        return _with_bias(kernels, config, filters)

    return find


def _along(axis: Any, inputs: Sequence[Shape]) -> Sizes | None:
    """The sizes of an input along axes that count the batch."""
    axes = [] if axis is None else axis if isinstance(axis, list | tuple) else [axis]
    if not inputs:
        return (None,) * len(axes)
    shape = (None, *inputs[0])
    return tuple(shape[each] if -len(shape) <= each < len(shape) else None for each in axes)


def _batch_normalization(config: Config, inputs: Sequence[Shape]) -> list[Variable]:
    shape = _along(config["axis"], inputs)
    trained = [name for name, key in (("gamma", "scale"), ("beta", "center")) if config[key]]
    return [Variable(name, shape) for name in trained] + [
        Variable(name, shape, trainable=False) for name in ("moving_mean", "moving_variance")
    ]


def _layer_normalization(config: Config, inputs: Sequence[Shape]) -> list[Variable]:
    shape, scaling = _along(config["axis"], inputs), config["rms_scaling"]
    found = ["gamma"] if config["scale"] or scaling else []
    found += ["beta"] if config["center"] and not scaling else []
    return [Variable(name, shape) for name in found]


def _group_normalization(config: Config, inputs: Sequence[Shape]) -> list[Variable]:
    shape = _along(config["axis"], inputs)
    trained = [name for name, key in (("gamma", "scale"), ("beta", "center")) if config[key]]
    return [Variable(name, shape) for name in trained]


def _rms_normalization(config: Config, inputs: Sequence[Shape]) -> list[Variable]:
    return [Variable("scale", _along(config["axis"], inputs))]


def _normalization(config: Config, inputs: Sequence[Shape]) -> list[Variable]:
    """None if the statistics are options."""
    if config["mean"] is not None:
        return []
    shape = _along(config["axis"], inputs)
    return [
        Variable(name, shape if name != "count" else (), trainable=False)
        for name in ("mean", "variance", "count")
    ]


def _plain_attention(config: Config, inputs: Sequence[Shape]) -> list[Variable]:
    found = [Variable("scale", ())] if config["use_scale"] else []
    mode = config["score_mode"] == "concat"
    return found + [Variable("concat_score_weight", ())] * mode


def _additive_attention(config: Config, inputs: Sequence[Shape]) -> list[Variable]:
    return [Variable("scale", (_channels(inputs),))] if config["use_scale"] else []


def _einsum_dense(config: Config, inputs: Sequence[Shape]) -> list[Variable]:
    kernel, result = config["equation"].replace(" ", "").partition(",")[2].split("->")
    axes = config["bias_axes"]
    sizes = (None,) * len(kernel)
    bias = [Variable("bias", (None,) * (len(result) - result.index(axes[0])))] if axes else []
    return [Variable("kernel", sizes), *bias]


def _embedding(config: Config, inputs: Sequence[Shape]) -> list[Variable]:
    return [Variable("embeddings", (config["input_dim"], config["output_dim"]))]


def _prelu(config: Config, inputs: Sequence[Shape]) -> list[Variable]:
    shared = config["shared_axes"] or ()
    shape = (
        tuple(1 if axis in shared else size for axis, size in enumerate(inputs[0], start=1))
        if inputs
        else None
    )
    return [Variable("alpha", shape)]


def _recurrent(gates: int, biases: Callable[[Config], int] = lambda config: 1) -> Any:
    def find(config: Config, inputs: Sequence[Shape]) -> list[Variable]:
        units = config["units"]
        found = [
            Variable("kernel", (_channels(inputs), gates * units)),
            Variable("recurrent_kernel", (units, gates * units)),
        ]
        rows = (2,) if biases(config) == 2 else ()
        found = _with_bias(found, config, *rows, gates * units)
        return [replace(each, places=("cell",)) for each in found]

    return find


def _conv_lstm(axes: int) -> Callable[..., list[Variable]]:
    def find(config: Config, inputs: Sequence[Shape]) -> list[Variable]:
        filters, size = config["filters"], _kernel_size(config, axes)
        found = [
            Variable("kernel", (*size, _channels(inputs), 4 * filters)),
            Variable("recurrent_kernel", (*size, filters, 4 * filters)),
        ]
        found = _with_bias(found, config, 4 * filters)
        return [replace(each, places=("cell",)) for each in found]

    return find


def _within(found: Sequence[Variable], group: str, prefix: str = "") -> list[Variable]:
    """The variables of a layer inside another."""
    return [
        replace(
            each,
            name=prefix + each.name,
            places=tuple(f"{group}/{place}".rstrip("/") for place in each.places),
        )
        for each in found
    ]


def _bidirectional(config: Config, inputs: Sequence[Shape]) -> list[Variable]:
    forward = config["layer"]
    backward = config["backward_layer"] or forward
    return [
        variable
        for way, entry in (("forward", forward), ("backward", backward))
        for variable in _within(
            variables(entry["class_name"], entry["config"], inputs), f"{way}_layer", f"{way}/"
        )
    ]


def _time_distributed(config: Config, inputs: Sequence[Shape]) -> list[Variable]:
    entry = config["layer"]
    rows = [shape[1:] for shape in inputs]
    return _within(variables(entry["class_name"], entry["config"], rows), "layer")


def _normalized(config: Config, inputs: Sequence[Shape]) -> list[Variable]:
    """The kernel is stored as training left it; inference changes nothing."""
    entry = config["layer"]
    return _within(variables(entry["class_name"], entry["config"], inputs), "layer")


def _attention(config: Config, inputs: Sequence[Shape]) -> list[Variable]:
    """Inputs are the query, the value and perhaps the key."""
    heads, key = config["num_heads"], config["key_dim"]
    value = config["value_dim"] or key
    query, values = _channels(inputs), _channels(inputs, 1)
    keys = _channels(inputs, 2) if len(inputs) > 2 else values
    wanted = config["output_shape"] or query
    outputs = tuple(wanted) if isinstance(wanted, list) else (wanted,)
    parts: list[tuple[str, str, Sizes, Sizes]] = [
        ("query", "query", (query, heads, key), (heads, key)),
        ("key", "key", (keys, heads, key), (heads, key)),
        ("value", "value", (values, heads, value), (heads, value)),
        ("attention_output", "output", (heads, value, *outputs), outputs),
    ]
    found = []
    for name, group, kernel, bias in parts:
        places = (f"{group}_dense", f"_{group}_dense")
        found.append(Variable(f"{name}/kernel", kernel, places=places))
        if config["use_bias"]:
            found.append(Variable(f"{name}/bias", bias, places=places))
    return found


_VARIABLES: Mapping[str, Callable[[Config, Sequence[Shape]], list[Variable]]] = {
    "AdditiveAttention": _additive_attention,
    "Attention": _plain_attention,
    "BatchNormalization": _batch_normalization,
    "Bidirectional": _bidirectional,
    "Conv1D": _convolution(1),
    "Conv1DTranspose": _convolution(1, transposed=True),
    "Conv2D": _convolution(2),
    "Conv2DTranspose": _convolution(2, transposed=True),
    "ConvLSTM1D": _conv_lstm(1),
    "ConvLSTM2D": _conv_lstm(2),
    "Dense": _dense,
    "DepthwiseConv1D": _depthwise(1),
    "DepthwiseConv2D": _depthwise(2),
    "EinsumDense": _einsum_dense,
    "Embedding": _embedding,
    "GRU": _recurrent(3, lambda config: 2 if config["reset_after"] else 1),
    "GroupNormalization": _group_normalization,
    "LSTM": _recurrent(4),
    "LayerNormalization": _layer_normalization,
    "MultiHeadAttention": _attention,
    "Normalization": _normalization,
    "PReLU": _prelu,
    "RMSNormalization": _rms_normalization,
    "SeparableConv1D": _separable(1),
    "SeparableConv2D": _separable(2),
    "SimpleRNN": _recurrent(1),
    NORMALIZED: _normalized,
    "TimeDistributed": _time_distributed,
}
"""By class name."""
