"""Functional models of Keras 2 in the form of Keras 3: numbers of calls, tensors given by name, and
TensorFlow's functions of tensors (x / 255, tf.nn.relu(x), x[:, -1]).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

_NUMPY, _NN, _MATH = (f"keras.src.ops.{name}" for name in ("numpy", "nn", "math"))
_OPTIONS = {
    "alpha": "negative_slope", "approximate": "approximate", "axis": "axis",
    "clip_value_max": "x_max", "clip_value_min": "x_min", "epsilon": "epsilon",
    "keepdims": "keepdims", "mode": "mode", "multiples": "repeats", "num": "num",
    "paddings": "pad_width", "perm": "axes", "shape": "newshape",
}  # fmt: skip
"""Names of arguments in TensorFlow, and of options in Keras 3."""
_TENSORS = ("x", "y", "b", "values")
"""Names of arguments that are tensors or numbers."""
_OTHERS = ("dtype", "name", "num_or_size_splits", "slice_spec")
"""Names of further arguments that are read; with others a function stays as it is."""
_FUNCTIONS: Mapping[str, tuple[str, str]] = {
    "__operators__.add": (_NUMPY, "Add"),
    "__operators__.getitem": (_NUMPY, "GetItem"),
    "__operators__.sub": (_NUMPY, "Subtract"),
    "__operators__.truediv": (_NUMPY, "TrueDivide"),
    "clip_by_value": (_NUMPY, "Clip"),
    "concat": (_NUMPY, "Concatenate"),
    "expand_dims": (_NUMPY, "ExpandDims"),
    "linalg.matmul": (_NUMPY, "Matmul"),
    "math.abs": (_NUMPY, "Absolute"),
    "math.add": (_NUMPY, "Add"),
    "math.argmax": (_NUMPY, "Argmax"),
    "math.ceil": (_NUMPY, "Ceil"),
    "math.cos": (_NUMPY, "Cos"),
    "math.divide": (_NUMPY, "TrueDivide"),
    "math.equal": (_NUMPY, "Equal"),
    "math.exp": (_NUMPY, "Exp"),
    "math.floor": (_NUMPY, "Floor"),
    "math.greater": (_NUMPY, "Greater"),
    "math.greater_equal": (_NUMPY, "GreaterEqual"),
    "math.l2_normalize": (_NN, "Normalize"),
    "math.less": (_NUMPY, "Less"),
    "math.less_equal": (_NUMPY, "LessEqual"),
    "math.log": (_NUMPY, "Log"),
    "math.maximum": (_NUMPY, "Maximum"),
    "math.minimum": (_NUMPY, "Minimum"),
    "math.multiply": (_NUMPY, "Multiply"),
    "math.negative": (_NUMPY, "Negative"),
    "math.pow": (_NUMPY, "Power"),
    "math.reciprocal": (_NUMPY, "Reciprocal"),
    "math.reduce_logsumexp": (_MATH, "Logsumexp"),
    "math.reduce_max": (_NUMPY, "Max"),
    "math.reduce_mean": (_NUMPY, "Mean"),
    "math.reduce_min": (_NUMPY, "Min"),
    "math.reduce_std": (_NUMPY, "Std"),
    "math.reduce_sum": (_NUMPY, "Sum"),
    "math.reduce_variance": (_NUMPY, "Var"),
    "math.rsqrt": (_MATH, "Rsqrt"),
    "math.sigmoid": (_NN, "Sigmoid"),
    "math.sign": (_NUMPY, "Sign"),
    "math.sin": (_NUMPY, "Sin"),
    "math.softplus": (_NN, "Softplus"),
    "math.sqrt": (_NUMPY, "Sqrt"),
    "math.square": (_NUMPY, "Square"),
    "math.subtract": (_NUMPY, "Subtract"),
    "math.tanh": (_NUMPY, "Tanh"),
    "math.truediv": (_NUMPY, "TrueDivide"),
    "nn.elu": (_NN, "Elu"),
    "nn.gelu": (_NN, "Gelu"),
    "nn.leaky_relu": (_NN, "LeakyRelu"),
    "nn.relu": (_NN, "Relu"),
    "nn.relu6": (_NN, "Relu6"),
    "nn.selu": (_NN, "Selu"),
    "nn.sigmoid": (_NN, "Sigmoid"),
    "nn.silu": (_NN, "Silu"),
    "nn.softmax": ("keras.layers", "Softmax"),
    "nn.tanh": (_NUMPY, "Tanh"),
    "pad": (_NUMPY, "Pad"),
    "reshape": (_NUMPY, "Reshape"),
    "reverse": (_NUMPY, "Flip"),
    "split": (_NUMPY, "Split"),
    "squeeze": (_NUMPY, "Squeeze"),
    "stack": (_NUMPY, "Stack"),
    "tile": (_NUMPY, "Tile"),
    "transpose": (_NUMPY, "Transpose"),
    "unstack": (_NUMPY, "Unstack"),
    "where": (_NUMPY, "Where"),
}
"""TensorFlow's functions, by their names in Keras 2, as operations of Keras 3."""
_CONSTANT = "_CONSTANT_VALUE"
"""In place of a layer's name, for a number as the first argument."""


OLD_HARD_SIGMOID = "hard_sigmoid_keras_2"
"""The activation's name here."""


def with_old_activations(value: Any, version: str) -> Any:
    """A configuration whose hard sigmoids are those of Keras 2, if that wrote it: they have a slope
    of 1/5, those of Keras 3 one of 1/6.
    """
    if not version.startswith(("1.", "2.")):
        return value
    if isinstance(value, Mapping):
        return {
            key: OLD_HARD_SIGMOID
            if key in ("activation", "recurrent_activation") and each == "hard_sigmoid"
            else with_old_activations(each, version)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [with_old_activations(each, version) for each in value]
    return value


def modernized(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The configuration of a functional model with Keras 3's calls where Keras 2's differ.

    Raises:
        KeyError, TypeError, ...: the configuration is broken.
    """
    if any(
        isinstance(node, Mapping) for each in config["layers"] for node in each["inbound_nodes"]
    ):
        return {**config, "output_layers": _outputs(config)}
    shifts = _shifts(config)
    layers = [_layer(_shifted(entry, shifts)) for entry in config["layers"]]
    outputs = _renumbered(config["output_layers"], shifts)
    return {**config, "layers": layers, "output_layers": outputs}


def _outputs(config: Mapping[str, Any]) -> Any:
    """The outputs of a model of Keras 3, which counts the calls of a nested functional model from 1
    there, and from 0 everywhere else.
    """
    nested = [e["name"] for e in config["layers"] if e["class_name"] == "Functional"]
    return _renumbered(config["output_layers"], dict.fromkeys(nested, 1))


def _shifts(config: Mapping[str, Any]) -> dict[str, int]:
    """By layer, what its call numbers are too high by: Keras 2 counts a nested model's own call,
    which the file does not list.
    """
    # The file does not list the one call of an input either, but counts it from 0.
    calls = {entry["name"]: len(entry["inbound_nodes"]) or 1 for entry in config["layers"]}
    nodes = [entry["inbound_nodes"] for entry in config["layers"]]
    highest: dict[str, int] = {}
    for name, number in _references([nodes, config["output_layers"]], calls):
        highest[name] = max(number, highest.get(name, 0))
    return {
        name: number - calls[name] + 1 for name, number in highest.items() if number >= calls[name]
    }


def _references(value: Any, calls: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    """All [layer, call, tensor] in lists and tables."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if not isinstance(value, list):
        return
    if _is_reference(value, calls):
        yield value[0], value[1]
    for each in value:
        yield from _references(each, calls)


def _is_reference(value: Any, layers: Mapping[str, int]) -> bool:
    return (
        isinstance(value, list)
        and len(value) >= 3
        and isinstance(value[0], str)
        and value[0] in layers
        and isinstance(value[1], int)
    )


def _shifted(entry: Mapping[str, Any], shifts: Mapping[str, int]) -> Mapping[str, Any]:
    return {**entry, "inbound_nodes": _renumbered(entry["inbound_nodes"], shifts)}


def _renumbered(value: Any, shifts: Mapping[str, int]) -> Any:
    if not shifts:
        return value
    if isinstance(value, Mapping):
        return {key: _renumbered(each, shifts) for key, each in value.items()}
    if not isinstance(value, list):
        return value
    if _is_reference(value, shifts):
        rest = [_renumbered(each, shifts) for each in value[2:]]
        return [value[0], value[1] - shifts[value[0]], *rest]
    return [_renumbered(each, shifts) for each in value]


def _layer(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """One layer; those of Keras 3 stay as they are."""
    kind, nodes = entry["class_name"], entry["inbound_nodes"]
    if not nodes or isinstance(nodes[0], Mapping):
        return entry
    if kind == "MultiHeadAttention":
        return {**entry, "inbound_nodes": [_attention(node) for node in nodes]}
    if kind in ("TFOpLambda", "SlicingOpLambda"):
        return _function(entry)
    return entry


def _attention(node: Sequence[Any]) -> dict[str, Any]:
    """The query, and value and key by name."""
    query, options = node[0][:3], node[0][3] if len(node[0]) > 3 else {}
    tensors = [query, *(options[name] for name in ("value", "key") if options.get(name))]
    rest = {key: value for key, value in options.items() if key not in ("value", "key")}
    return {"args": [_tensor(each) for each in tensors], "kwargs": rest}


def _function(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """A function as an operation of Keras 3; unknown ones stay as they are."""
    name = str(entry["config"].get("function", "")).removeprefix("compat.v1.")
    if name in ("cast", "identity", "stop_gradient"):
        return _passed_on(entry)
    if name not in _FUNCTIONS or len(entry["inbound_nodes"]) != 1:
        return entry
    module, kind = _FUNCTIONS[name]
    (node,) = entry["inbound_nodes"]
    several = bool(node) and isinstance(node[0], list)
    firsts = node if several else [node]
    options = dict(firsts[0][3]) if len(firsts[0]) > 3 else {}
    if any(options.get(key) for key in {*options} - {*_TENSORS, *_OPTIONS, *_OTHERS}):
        return entry
    arguments = [_argument(each) for each in firsts]
    arguments += [_value(options[key]) for key in _TENSORS if options.get(key) is not None]
    if kind == "GetItem":
        arguments.append(_key(options["slice_spec"]))
    config = {new: options[old] for old, new in _OPTIONS.items() if options.get(old) is not None}
    if "mode" in config:
        config["mode"] = str(config["mode"]).lower()
    if kind == "Split":
        config["indices_or_sections"] = _sections(options["num_or_size_splits"])
    call: dict[str, Any] = {"args": [arguments] if several else arguments, "kwargs": {}}
    return {
        "module": module,
        "class_name": kind,
        "config": {"name": entry["name"], **config},
        "registered_name": None if module == "keras.layers" else kind,
        "name": entry["name"],
        "inbound_nodes": [call],
    }


def _passed_on(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """A function that returns its input; casts to whole numbers stay as they are."""
    nodes = []
    for reference in entry["inbound_nodes"]:
        target = (reference[3] if len(reference) > 3 else {}).get("dtype") or "float32"
        if not str(target).startswith(("float", "bfloat")):
            return entry
        nodes.append([reference[:3]])
    return {**entry, "class_name": "Identity", "module": "keras.layers", "inbound_nodes": nodes}


def _sections(given: Any) -> Any:
    """So many equal parts, or the places between parts of given sizes."""
    return list(accumulate(given))[:-1] if isinstance(given, list) else given


def _argument(reference: Sequence[Any]) -> Any:
    """The first argument: a tensor, or a number."""
    return reference[2] if reference[0] == _CONSTANT else _tensor(reference[:3])


def _value(value: Any) -> Any:
    """Another argument: [layer, call, tensor], or a number."""
    found = isinstance(value, list) and len(value) == 3 and isinstance(value[0], str)
    return _tensor(value) if found else value


def _tensor(reference: Sequence[Any]) -> dict[str, Any]:
    """A tensor as Keras 3 writes it; only its origin is read."""
    config = {"shape": [None], "dtype": "float32", "keras_history": list(reference)}
    return {"class_name": "__keras_tensor__", "config": config}


def _key(spec: Any) -> Any:
    """x[spec]: slices are tables in Keras 2."""
    entries = spec if isinstance(spec, list) else [spec]
    return [
        {"class_name": "__slice__", "config": each} if isinstance(each, Mapping)
        else {"class_name": "__ellipsis__", "config": {}} if each == "..." else each
        for each in entries
    ]  # fmt: skip
