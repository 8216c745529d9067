"""Functions and operators on tensors in functional Keras models: x / 255, ops.mean(x, axis=1),
x[:, -1].
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tinycomp.common.errors import ModelError
from tinycomp.frontend._clipping import clipped
from tinycomp.frontend._keras_calls import clean_call, is_tensor
from tinycomp.frontend._keras_choices import CHOICES, chosen
from tinycomp.frontend._keras_joins import JOINS
from tinycomp.frontend._keras_math import INVERSE, MATH, PARTS, quotient, statistics
from tinycomp.frontend._keras_products import product
from tinycomp.frontend._keras_slices import clean_key, sliced
from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.operator import KerasLayer
from tinycomp.ops._keras import refusal, repeated
from tinycomp.ops._reduction import AxesOperator, first_axes
from tinycomp.ops.absolute import Absolute
from tinycomp.ops.add_constant import AddConstant
from tinycomp.ops.arg_max import ArgMax
from tinycomp.ops.arg_min import ArgMin
from tinycomp.ops.batch_normalization import scaled
from tinycomp.ops.concatenation import Concatenation
from tinycomp.ops.gelu import Gelu
from tinycomp.ops.logarithm import Logarithm
from tinycomp.ops.mean import Mean
from tinycomp.ops.mul import Mul
from tinycomp.ops.reduce_max import ReduceMax
from tinycomp.ops.reduce_min import ReduceMin
from tinycomp.ops.reshape import Reshape
from tinycomp.ops.root import Root
from tinycomp.ops.transpose import Transpose

PREFIX = "ops."
"""Of the class names of functions: some have that of a layer."""
_MODULES = tuple(f"keras.src.ops.{name}" for name in ("core", "linalg", "math", "nn", "numpy"))
_OPTIONS = (
    "alpha", "approximate", "axes", "axis", "axis1", "axis2", "block_size", "data_format",
    "default_value", "destination", "dtype", "epsilon", "indices_or_sections", "keepdims", "mode",
    "negative_slope", "newshape",
    "num", "ord", "order", "pad_width", "repeats", "shape", "shift", "source", "subscripts",
    "threshold", "x_max", "x_min",
)  # fmt: skip
_ALSO_CALLED = {
    "Abs": "Absolute", "Amax": "Max", "Amin": "Min", "Copy": "Cast", "Divide": "TrueDivide",
    "StopGradient": "Cast",
}  # fmt: skip
"""Functions that compute the same as another one."""
_ALSO_LAYERS = ("Add", "Maximum", "Minimum", "Multiply", "Subtract")
"""Of two tensors they are layers."""

_MASKS = -1e4
"""Numbers up to here take all values from what is added to them."""

Lowering = Callable[[KerasLayer, Sequence[str], GraphBuilder], str]


def operation(entry: Mapping[str, Any], class_name: str) -> str | None:
    """The function in OPERATIONS or PARTS that an entry of a configuration calls; None for layers,
    and for functions that are not read here.
    """
    class_name = _ALSO_CALLED.get(class_name, class_name)
    known = class_name in OPERATIONS or class_name in PARTS
    if entry.get("module") not in _MODULES or not known:
        return None
    if class_name not in _ALSO_LAYERS:
        return class_name
    calls = entry["inbound_nodes"]
    return class_name if any(not is_tensor(arg) for call in calls for arg in call["args"]) else None


def clean_operation(entry: Mapping[str, Any], class_name: str, name: str) -> dict[str, Any]:
    """The function as Keras reads it back: plain options, and calls with tensors and numbers.

    Raises:
        ModelError: it has other arguments.
    """
    config = {key: entry["config"][key] for key in _OPTIONS if key in entry["config"]}
    for key, value in config.items():
        _require_plain(value, name, key)
    calls = []
    for call in entry["inbound_nodes"]:
        if any(value is not None for value in (call.get("kwargs") or {}).values()):
            raise ModelError(
                f"{name!r} is called with {call['kwargs']}.",
                expected="Expected tensors and numbers, without names.",
            )
        args = list(call["args"])
        if class_name == "GetItem":
            args[1:] = [clean_key(args[1], name)]
        calls.append({"args": [_argument(arg, name) for arg in args], "kwargs": {}})
    return {
        "module": entry["module"],
        "class_name": class_name,
        "config": {"name": name, **config},
        "registered_name": class_name,
        "name": name,
        "inbound_nodes": calls,
    }


def as_layer(entry: Mapping[str, Any], name: str) -> KerasLayer:
    """A function as a layer without weights; the numbers that it is called with are options."""
    (call,) = entry["inbound_nodes"]
    args = [None if is_tensor(arg) else arg for arg in call["args"]]
    config = {**entry["config"], "args": args}
    if entry["class_name"] == "GetItem":
        config["key"] = clean_key(args[1], name)
    return KerasLayer(name, PREFIX + entry["class_name"], config, {})


def _argument(value: Any, name: str) -> Any:
    """A tensor, or several, reduced to their references; numbers and keys are plain."""
    if is_tensor(value):
        return clean_call({"args": [value]}, name)["args"][0]
    if isinstance(value, list | tuple):
        return [_argument(each, name) for each in value]
    if isinstance(value, Mapping) and value.get("class_name") in ("__slice__", "__ellipsis__"):
        return value
    if _is_array(value):
        return value
    _require_plain(value, name, "an argument")
    return value


def _is_array(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get("class_name") in ("__numpy__", "__tensor__")


def _entries(value: Any) -> list[Any]:
    if isinstance(value, list | tuple):
        return [entry for each in value for entry in _entries(each)]
    return [value]


def _require_plain(value: Any, name: str, what: str) -> None:
    entries = _entries(value)
    if any(not (each is None or isinstance(each, bool | int | float | str)) for each in entries):
        raise ModelError(
            f"{name!r} has {what} {value!r}.",
            expected="Expected numbers.",
            hint="For one factor or offset a channel use keras.layers.Rescaling or Normalization.",
        )


def _scaled(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """A tensor times a number, plus a number."""
    name = layer.class_name.removeprefix(PREFIX)
    first, second = [*layer.config["args"], None][:2]
    if _is_array(first) or _is_array(second):
        return _with_array(layer, inputs[0], builder)
    given = first if second is None else second
    if name == "TrueDivide" and len(inputs) > 1:
        return quotient(layer, inputs, builder)
    number = -1.0 if name == "Negative" or len(inputs) > 1 else float(given)
    backwards = second is None and name != "Negative"
    if name == "TrueDivide" and backwards:
        inverse = builder.add(INVERSE, inputs, f"{layer.name}/inverse")
        return scaled(layer.name, inverse, number, 0.0, builder)
    if name == "TrueDivide" and number == 0:
        raise refusal(layer, "divides by zero", expected="Expected another number.")
    scale, offset = {
        "Add": (1.0, number),
        "Multiply": (number, 0.0),
        "Negative": (-1.0, 0.0),
        "Subtract": (-1.0, number) if backwards else (1.0, -number),
        "TrueDivide": (1 / number if number else 0.0, 0.0),
    }[name]
    return scaled(layer.name, inputs[0], scale, offset, builder)


def _with_array(layer: KerasLayer, x: str, builder: GraphBuilder) -> str:
    """A tensor and an array of constants: positions of words, factors."""
    name = layer.class_name.removeprefix(PREFIX)
    args, shape = layer.config["args"], builder.tensors[x].shape
    place = next(at for at, each in enumerate(args) if _is_array(each))
    values = np.asarray(args[place]["config"]["value"], np.float32)
    while values.ndim > len(shape) and values.shape[0] == 1:
        values = values[0]
    known = name in ("Add", "Multiply") or (name in ("Subtract", "TrueDivide") and place == 1)
    if not known or values.ndim > len(shape) or (name == "TrueDivide" and not values.all()):
        what = f"joins a tensor of shape {shape} and constants of {values.shape} by {name}"
        hint = "Subtract or divide by the constants, with values other than zero."
        raise refusal(layer, what, expected="Expected constants of the tensor's axes.", hint=hint)
    if name == "Subtract":
        values = -values
    if name == "TrueDivide":
        values = np.float32(1) / values
    values = np.ascontiguousarray(np.broadcast_to(values, np.broadcast_shapes(values.shape, shape)))
    if values.shape != shape:
        x = repeated(builder, x, values.shape, layer.name)
    op = AddConstant() if name in ("Add", "Subtract") else Mul()
    return builder.add(op, [x, builder.constant(f"{layer.name}/constants", values)], layer.name)


def _selected(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """A tensor where constants are true, else a number; -1e9 and the like mask scores. Or a choice
    by another tensor.
    """
    condition, value, number = layer.config["args"]
    shape = builder.tensors[inputs[0]].shape
    if condition is None:
        return chosen(layer, inputs, builder)
    if not _is_array(condition) or value is not None or not isinstance(number, int | float):
        what = "chooses by constants between tensors, or arrays"
        raise refusal(layer, what, expected="Expected constants, a tensor and a number.")
    kept = np.asarray(condition["config"]["value"]).astype(bool)
    while kept.ndim > len(shape) and kept.shape[0] == 1:
        kept = kept[0]
    kept = np.broadcast_to(kept, shape)
    found, name = inputs[0], layer.name
    if number > _MASKS:
        mask = builder.constant(f"{name}/kept", kept.astype(np.float32))
        found = builder.add(Mul(), [found, mask], f"{name}/product")
    rest = np.where(kept, 0, number).astype(np.float32)
    return builder.add(AddConstant(), [found, builder.constant(f"{name}/rest", rest)], name)


def _clip(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """Between two numbers, or above or below one."""
    name, config = layer.class_name.removeprefix(PREFIX), layer.config
    low, high = config.get("x_min"), config.get("x_max")
    if name != "Clip":
        numbers = [each for each in config["args"] if isinstance(each, int | float)]
        if len(numbers) != 1:
            raise refusal(layer, "joins a tensor and constants", expected="Expected one number.")
        low, high = (numbers[0], None) if name == "Maximum" else (None, numbers[0])
    bounds = -math.inf if low is None else float(low), math.inf if high is None else float(high)
    if bounds[0] >= bounds[1]:
        raise refusal(layer, f"clips to {low} and {high}", expected="Expected the lower one first.")
    return clipped(layer.name, inputs[0], *bounds, builder)


def _stacked(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """Along a new axis."""
    shape = builder.tensors[inputs[0]].shape
    axis = layer.config.get("axis", 0) % (len(shape) + 2) - 1
    if axis < 0:
        raise refusal(layer, "stacks before the batch", expected="Expected another axis.")
    wide = (*shape[:axis], 1, *shape[axis:])
    parts = [
        builder.add(Reshape(wide), [name], f"{layer.name}/{number}")
        for number, name in enumerate(inputs)
    ]
    return builder.add(Concatenation(axis=axis), parts, layer.name)


def _gelu(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    return builder.add(Gelu(bool(layer.config.get("approximate", True))), inputs, layer.name)


def _reduced(kind: type[AxesOperator]) -> Lowering:
    def lower(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
        """Over any axes but the batch; axes that are apart come to the front first."""
        rank = len(builder.tensors[inputs[0]].shape)
        axis, keep = layer.config.get("axis"), bool(layer.config.get("keepdims"))
        given = axis if isinstance(axis, list | tuple) else [axis]
        axes = sorted({each % (rank + 1) - 1 for each in given if each is not None})
        if None in given or not axes or axes[0] < 0:
            raise refusal(
                layer, f"reduces the axes {axis}", expected="Expected axes without the batch."
            )
        order = first_axes(axes, rank)
        if order is None:
            return builder.add(kind.over(axes, rank, keep), inputs, layer.name)
        turned = builder.add(Transpose(order), inputs, f"{layer.name}/turned")
        if not keep:
            return builder.add(kind.over(range(len(axes)), rank), [turned], layer.name)
        shape = builder.tensors[inputs[0]].shape
        found = builder.add(kind.over(range(len(axes)), rank), [turned], f"{layer.name}/reduced")
        kept = tuple(1 if place in axes else size for place, size in enumerate(shape))
        return builder.add(Reshape(kept), [found], layer.name)

    return lower


def _summed(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """The mean times the number of values."""
    shape = builder.tensors[inputs[0]].shape
    part = replace(layer, name=f"{layer.name}/mean")
    mean = _reduced(Mean)(part, inputs, builder)
    count = math.prod(shape) // math.prod(builder.tensors[mean].shape)
    return scaled(layer.name, mean, float(count), 0.0, builder)


def _transposed(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """Keras counts the batch as axis 0."""
    rank = len(builder.tensors[inputs[0]].shape)
    axes = layer.config.get("axes") or list(range(rank, -1, -1))
    if axes[0] != 0:
        raise refusal(
            layer, f"moves the batch: {axes}", expected="Expected axis 0 at the first place."
        )
    return builder.add(
        Transpose(tuple(axis % (rank + 1) - 1 for axis in axes[1:])), inputs, layer.name
    )


def _reshaped(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """To a shape whose first size is the batch's; an axis more or less."""
    shape = builder.tensors[inputs[0]].shape
    name = layer.class_name.removeprefix(PREFIX)
    if name == "Reshape":
        first, *sizes = layer.config["newshape"]
        known = math.prod(size for size in sizes if size != -1)
        total = math.prod(shape)
        if first not in (-1, None) or known == 0 or (-1 in sizes and first == -1):
            what = f"makes a tensor of shape {layer.config['newshape']}"
            raise refusal(layer, what, expected="Expected -1 for the batch alone, in front.")
        target = tuple(total // known if size == -1 else size for size in sizes)
    elif name == "ExpandDims":
        axis = layer.config["axis"] % (len(shape) + 2) - 1
        target = (*shape[: max(axis, 0)], 1, *shape[max(axis, 0) :])
        if axis < 0:
            raise refusal(layer, "adds an axis before the batch", expected="Expected another axis.")
    else:
        given = layer.config.get("axis")
        axes = given if isinstance(given, list | tuple) else [given]
        gone = {axis % (len(shape) + 1) - 1 for axis in axes if axis is not None}
        if given is None or any(axis < 0 or shape[axis] != 1 for axis in gone):
            raise refusal(
                layer, f"removes the axes {given} of {shape}", expected="Expected axes of length 1."
            )
        target = tuple(size for axis, size in enumerate(shape) if axis not in gone) or (1,)
    return builder.add(Reshape(target), inputs, layer.name)


def _squared(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """The product with itself."""
    return builder.add(Mul(), [inputs[0], inputs[0]], layer.name)


def _unary(op: Absolute | Logarithm | Root) -> Lowering:
    return lambda layer, inputs, builder: builder.add(op, inputs, layer.name)


OPERATIONS: Mapping[str, Lowering] = {
    "Absolute": _unary(Absolute()),
    "Add": _scaled,
    "Argmax": _reduced(ArgMax),
    "Argmin": _reduced(ArgMin),
    "Clip": _clip,
    "Concatenate": Concatenation.from_keras,
    "ExpandDims": _reshaped,
    "Gelu": _gelu,
    "GetItem": sliced,
    "Log": _unary(Logarithm()),
    "Matmul": product,
    "Max": _reduced(ReduceMax),
    "Maximum": _clip,
    "Mean": _reduced(Mean),
    "Min": _reduced(ReduceMin),
    "Minimum": _clip,
    "Multiply": _scaled,
    "Negative": _scaled,
    "Reshape": _reshaped,
    "Rsqrt": _unary(Root(True)),
    "Softmax": JOINS["Softmax"],
    "Sqrt": _unary(Root()),
    "Square": _squared,
    "Squeeze": _reshaped,
    "Stack": _stacked,
    "Subtract": _scaled,
    "Sum": _summed,
    "Transpose": _transposed,
    "TrueDivide": _scaled,
    "Where": _selected,
    **CHOICES,
    **MATH,
    **statistics(_reduced, _summed),
}
"""By class name in Keras."""
