"""Batch normalization at inference: a scale and an offset per channel; passes rewrite it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn

import numpy as np

from tinycomp.common.errors import ModelError
from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.operator import Cost, KerasLayer, Operator, OutputRange
from tinycomp.ir.tensor import Array, Operands, Shape
from tinycomp.ops._keras import last_axis, refusal, weight

_SMALLEST_DEVIATION = 1e-7
"""keras.backend.epsilon(), the lower bound of the deviation in Normalization."""


@dataclass(frozen=True)
class BatchNormalization(Operator):
    """x * scale + offset along the last axis: inputs (x, scale, offset).

    The constants are (channels,) in float64: scale = gamma / sqrt(variance + epsilon), offset =
    beta - mean * scale (Ioffe and Szegedy, 2015).
    """

    name: ClassVar[str] = "batch_normalization"
    keras_names: ClassVar[tuple[str, ...]] = ("BatchNormalization", "Normalization", "Rescaling")
    float_only: ClassVar[bool] = True

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """The input's."""
        x, scale, offset = inputs
        if not scale == offset == x[-1:]:
            raise ModelError(
                f"Batch normalization of {x} got factors {scale} and summands {offset}.",
                expected=f"Expected {x[-1:]} for both.",
            )
        return x

    def output_range(self, operands: Operands) -> OutputRange:
        """Free."""
        return OutputRange()

    def cost(self, operands: Operands) -> Cost:
        """One multiply-accumulate per element."""
        return Cost(operands.output.size, sum(c.values.size for c in operands.constants))

    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """There is none: see float_only."""
        self._refuse_integers()

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """As defined."""
        x, scale, offset = inputs
        return x * scale + offset

    def kernel(self, operands: Operands) -> NoReturn:
        """There is none: see float_only."""
        self._refuse_integers()

    @classmethod
    def from_keras(cls, layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
        """The layer's statistics as scale and offset, computed in float64."""
        shape = builder.tensors[inputs[0]].shape
        scale, offset = _READ[layer.class_name](layer, shape)
        constants = [
            weight(builder, layer, name, np.broadcast_to(values, shape[-1:]))
            for name, values in (("scale", scale), ("offset", offset))
        ]
        return builder.add(cls(), [inputs[0], *constants], layer.name)

    @staticmethod
    def _refuse_integers() -> NoReturn:
        raise NotImplementedError("batch normalization is float only; a pass rewrites it")


def scaled(
    name: str, x: str, scale: float | Array, offset: float | Array, builder: GraphBuilder
) -> str:
    """Add x * scale + offset, with one number each, or one a channel; the output's name."""
    shape = builder.tensors[x].shape[-1:]
    constants = [
        builder.constant(f"{name}/{key}", np.ascontiguousarray(np.broadcast_to(values, shape)))
        for key, values in (("scale", np.float64(scale)), ("offset", np.float64(offset)))
    ]
    return builder.add(BatchNormalization(), [x, *constants], name)


def _statistics(layer: KerasLayer, shape: Shape) -> tuple[Array, Array]:
    axis = layer.config.get("axis", -1)
    if not last_axis(layer, axis, len(shape)):
        raise refusal(layer, f"normalizes axis {axis}", expected="Expected the last, the channels.")
    weights = {name: np.asarray(values, np.float64) for name, values in layer.weights.items()}
    variance = weights["moving_variance"] + float(layer.config["epsilon"])
    if np.any(variance <= 0):
        raise refusal(layer, "has a moving_variance below zero", hint="Train the model again.")
    scale = weights.get("gamma", np.ones(1)) / np.sqrt(variance)
    return scale, weights.get("beta", np.zeros(1)) - weights["moving_mean"] * scale


def _rescaling(layer: KerasLayer, shape: Shape) -> tuple[Array, Array]:
    scale, offset = (
        np.asarray(layer.config.get(name, default), np.float64)
        for name, default in (("scale", 1.0), ("offset", 0.0))
    )
    for values in (scale, offset):
        if values.ndim > 1 or values.size not in (1, shape[-1]):
            what = f"has scale or offset of shape {values.shape} over an input {shape}"
            raise refusal(layer, what, expected="Expected one number, or one a channel.")
    return scale, offset


def _normalization(layer: KerasLayer, shape: Shape) -> tuple[Array, Array]:
    """Statistics of the data, by Normalization.adapt or as given; one for all or one a channel."""
    mean, variance = (
        np.asarray(layer.weights[name] if given is None else given, np.float64)
        for name, given in ((name, layer.config.get(name)) for name in ("mean", "variance"))
    )
    axis = layer.config.get("axis", -1)
    along = axis[0] if isinstance(axis, list | tuple) and len(axis) == 1 else axis
    for values in (mean, variance):
        if values.size != 1 and not last_axis(layer, along, len(shape)):
            what = f"has statistics of shape {values.shape} along axis {along} of {shape}"
            raise refusal(layer, what, expected="Expected one for all, or one a channel: axis=-1.")
    deviation = np.maximum(np.sqrt(variance.ravel()), _SMALLEST_DEVIATION)
    if layer.config.get("invert"):
        return deviation, mean.ravel()
    return 1 / deviation, -mean.ravel() / deviation


_READ = {
    "BatchNormalization": _statistics,
    "Normalization": _normalization,
    "Rescaling": _rescaling,
}
