"""Evaluates shape arithmetic: operators whose inputs are known once the batch is 1.

Converters leave it behind where a model's batch is open. Shapes are TFLite's, the batch included.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tinycomp.common.errors import ModelError
from tinycomp.frontend._tflite_decode import DAMAGE
from tinycomp.ir.tensor import Array, Shape

LARGEST = 1 << 16
"""Values that a folded operator may make: shapes and axes have a few."""

_INTEGERS = (np.int32, np.int64, np.bool_)
_CASTS = {"bool": np.bool_, "int32": np.int32, "int64": np.int64}

Evaluator = Callable[[Sequence[Array], Any], Array]


def fold(builtin: str, inputs: Sequence[Array], options: Any, dtype: str) -> Array | None:
    """The operator's output from known inputs; None where it can't be evaluated here.

    Args:
        builtin: the schema's name.
        inputs: their values; all integers, or this is no shape arithmetic.
        options: the schema's option object.
        dtype: of the output, as the file says.

    Raises:
        ModelError: the values do not fit the operator.
    """
    evaluate = EVALUATORS.get(builtin)
    if evaluate is None or dtype not in _CASTS:
        return None
    try:
        result = np.asarray(evaluate([values.astype(np.int64) for values in inputs], options))
    except DAMAGE as error:
        raise ModelError(
            f"Its constant inputs do not fit it: {error or type(error).__name__}.",
            hint="Export the model again with a fixed batch size of 1.",
        ) from error
    if result.size > LARGEST:
        raise ModelError(f"It makes {result.size:,} constant values.", expected="Expected a shape.")
    return result.astype(_CASTS[dtype])


def moved(builtin: str, inputs: Sequence[Array], options: Any) -> Array:
    """What an operator of MOVERS makes of constant values; their type stays."""
    return np.asarray(MOVERS[builtin](inputs, options))


def shape_values(shape: Shape) -> Array:
    """What SHAPE gives for a tensor."""
    return np.array(shape, np.int64)


def is_integer(values: Array) -> bool:
    """Whether shape arithmetic may read it."""
    return values.dtype in _INTEGERS


def target_shape(source: Shape, wanted: Array) -> Shape:
    """What RESHAPE makes of a shape: one size may be -1.

    Raises:
        ModelError: the number of values differs.
    """
    sizes = [int(size) for size in wanted.ravel()]
    total = int(np.prod(source, dtype=np.int64))
    rest = int(np.prod([size for size in sizes if size != -1], dtype=np.int64))
    if sizes.count(-1) == 1 and rest > 0 and total % rest == 0:
        sizes[sizes.index(-1)] = total // rest
    if min(sizes, default=1) < 1 or int(np.prod(sizes, dtype=np.int64)) != total:
        raise ModelError(
            f"It reshapes {source} to {tuple(int(size) for size in wanted.ravel())}.",
            expected=f"Expected {total} values on both sides.",
            hint="Export the model again with a fixed batch size of 1.",
        )
    return tuple(sizes)


def expanded(source: Shape, axis: Array) -> Shape:
    """What EXPAND_DIMS makes of a shape.

    Raises:
        ModelError: there is no such axis.
    """
    (place,) = (int(value) for value in axis.ravel())
    rank = len(source) + 1
    if not -rank <= place < rank:
        raise ModelError(f"It adds the axis {place} to a tensor of shape {source}.")
    place %= rank
    return (*source[:place], 1, *source[place:])


def squeezed(source: Shape, axes: Sequence[int]) -> Shape:
    """What SQUEEZE makes of a shape; no axes: all of size 1.

    Raises:
        ModelError: an axis has another size, or is none.
    """
    rank = len(source)
    if any(not -rank <= axis < rank or source[axis] != 1 for axis in axes):
        raise ModelError(f"It takes the axes {list(axes)} off a tensor of shape {source}.")
    gone = {axis % rank for axis in axes} or {i for i, size in enumerate(source) if size == 1}
    return tuple(size for i, size in enumerate(source) if i not in gone)


def _strided_slice(inputs: Sequence[Array], options: Any) -> Array:
    values, begin, end, stride = inputs
    if options.ellipsisMask or options.newAxisMask or options.offset:
        raise ValueError("its masks are not supported")
    picks: list[int | slice] = []
    for axis, (first, last, step) in enumerate(
        zip(begin.ravel(), end.ravel(), stride.ravel(), strict=True)
    ):
        bit = 1 << axis
        if options.shrinkAxisMask & bit:
            picks.append(int(first))
            continue
        picks.append(
            slice(
                None if options.beginMask & bit else int(first),
                None if options.endMask & bit else int(last),
                int(step),
            )
        )
    picked: Array = values[tuple(picks)]
    return picked


def _slice(inputs: Sequence[Array], options: Any) -> Array:
    values, begin, size = inputs
    picks = tuple(
        slice(int(first), None if count == -1 else int(first) + int(count))
        for first, count in zip(begin.ravel(), size.ravel(), strict=True)
    )
    picked: Array = values[picks]
    return picked


def _gather(inputs: Sequence[Array], options: Any) -> Array:
    values, indices = inputs
    if options is not None and options.batchDims:
        raise ValueError("batch_dims is not supported")
    if indices.min(initial=0) < 0:
        raise ValueError("an index is negative")
    return np.take(values, indices, axis=0 if options is None else options.axis)


def _concatenate(inputs: Sequence[Array], options: Any) -> Array:
    if options.fusedActivationFunction:
        raise ValueError("it has an activation")
    return np.concatenate(inputs, axis=options.axis)


def _reduce(function: Callable[..., Any]) -> Evaluator:
    def evaluate(inputs: Sequence[Array], options: Any) -> Array:
        values, axes = inputs
        kept = bool(options is not None and options.keepDims)
        return np.asarray(function(values, axis=tuple(map(int, axes.ravel())), keepdims=kept))

    return evaluate


def _binary(function: Callable[[Array, Array], Array]) -> Evaluator:
    def evaluate(inputs: Sequence[Array], options: Any) -> Array:
        first, second = inputs
        if getattr(options, "fusedActivationFunction", 0):
            raise ValueError("it has an activation")
        return function(first, second)

    return evaluate


def _reshaped(inputs: Sequence[Array], options: Any) -> Array:
    values, wanted = inputs
    shape = target_shape(values.shape, wanted) if values.size else tuple(map(int, wanted.ravel()))
    return values.reshape(shape)


def _selected(inputs: Sequence[Array], options: Any) -> Array:
    condition, first, second = inputs
    return np.where(condition != 0, first, second)


def _filled(inputs: Sequence[Array], options: Any) -> Array:
    shape, value = inputs
    sizes = tuple(int(size) for size in shape.ravel())
    if np.prod(sizes, dtype=float) > LARGEST:
        raise ValueError(f"it makes a tensor of shape {sizes}")
    return np.full(sizes, value.ravel()[0])


def _counted(inputs: Sequence[Array], options: Any) -> Array:
    first, last, step = (int(each.ravel()[0]) for each in inputs)
    if len(range(first, last, step)) > LARGEST:
        raise ValueError(f"it counts from {first} to {last}")
    return np.arange(first, last, step)


def _dense(inputs: Sequence[Array], options: Any) -> Array:
    """One value, or one each, at some places of a tensor; another value at all others."""
    places, shape, values, rest = inputs
    dense = _filled([shape, rest], options)
    rows = places.reshape(-1, dense.ndim)
    for place, value in zip(rows, np.broadcast_to(values, (len(rows),)), strict=True):
        dense[tuple(place)] = value
    return dense


def _divided(first: Array, second: Array) -> Array:
    if not second.all():
        raise ValueError("it divides by zero")
    return first // second


def _pack(inputs: Sequence[Array], options: Any) -> Array:
    return np.stack(inputs, axis=options.axis)


EVALUATORS: Mapping[str, Evaluator] = {
    "ADD": _binary(np.add),
    "CAST": lambda inputs, options: inputs[0],
    "CONCATENATION": _concatenate,
    "EQUAL": _binary(np.equal),
    "EXPAND_DIMS": lambda inputs, options: inputs[0].reshape(expanded(inputs[0].shape, inputs[1])),
    "FILL": _filled,
    "FLOOR_DIV": _binary(_divided),
    "GATHER": _gather,
    "GREATER": _binary(np.greater),
    "GREATER_EQUAL": _binary(np.greater_equal),
    "LESS": _binary(np.less),
    "LESS_EQUAL": _binary(np.less_equal),
    "LOGICAL_AND": _binary(np.logical_and),
    "LOGICAL_NOT": lambda inputs, options: inputs[0] == 0,
    "LOGICAL_OR": _binary(np.logical_or),
    "MAXIMUM": _binary(np.maximum),
    "MINIMUM": _binary(np.minimum),
    "MUL": _binary(np.multiply),
    "NOT_EQUAL": _binary(np.not_equal),
    "PACK": _pack,
    "RANGE": _counted,
    "REDUCE_MAX": _reduce(np.max),
    "REDUCE_MIN": _reduce(np.min),
    "REDUCE_PROD": _reduce(np.prod),
    "RESHAPE": _reshaped,
    "SELECT": _selected,
    "SELECT_V2": _selected,
    "SLICE": _slice,
    "SPARSE_TO_DENSE": _dense,
    "SQUEEZE": lambda inputs, options: inputs[0].reshape(
        squeezed(inputs[0].shape, list(options.squeezeDims))
    ),
    "STRIDED_SLICE": _strided_slice,
    "SUB": _binary(np.subtract),
    "SUM": _reduce(np.sum),
    "WHERE": lambda inputs, options: np.argwhere(inputs[0] != 0),
}
MOVERS: Mapping[str, Evaluator] = {
    **{
        name: EVALUATORS[name]
        for name in (
            "CONCATENATION", "EXPAND_DIMS", "GATHER", "PACK", "RESHAPE", "SLICE", "SQUEEZE",
            "STRIDED_SLICE",
        )
    },
    "TILE": lambda inputs, options: np.tile(inputs[0], tuple(inputs[1].ravel())),
    "TRANSPOSE": lambda inputs, options: np.transpose(inputs[0], tuple(inputs[1].ravel())),
}  # fmt: skip
"""Operators that only move values."""
SHAPE_ARITHMETIC = frozenset({*EVALUATORS, "SHAPE"})
"""Operators that are evaluated where their inputs are known."""
