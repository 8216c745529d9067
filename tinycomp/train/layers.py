"""The Keras layers of a model in training: one for nodes with weights, one for all others.

Keras takes seconds to import, so the classes are created on first use.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from tinycomp.ir.graph import Node
from tinycomp.ir.tensor import Array, Constant, Operands, QuantizationParameters, Shape
from tinycomp.ops._differentiable import fake_quantize, rounded
from tinycomp.train.constraint import Constraint, Fixed, Kernel, Layer, other_axes


@dataclass(frozen=True, eq=False)
class Computation:
    """The computation of a layer: a node of the graph."""

    node: Node
    """The node."""
    operands: Operands
    """Its inputs and output in the float graph."""
    rounding: QuantizationParameters | None = None
    """Quantization of the output, if activations are rounded to int8 in training."""

    def __call__(self, inputs: Sequence[Any]) -> Any:
        """The output for these inputs, which are in the node's order."""
        output = replace(self.operands.output, quantization=self.rounding)
        operands = replace(self.operands, outputs=(output,))
        return rounded(self.node.op.differentiable(operands, inputs), self.rounding)

    def arguments(self, computed: Sequence[Any], constants: Mapping[str, Any]) -> list[Any]:
        """All inputs in the node's order: computed tensors, and constants by name."""
        rest = iter(computed)
        return [constants[n] if n in constants else next(rest) for n in self.node.inputs]


def scale_of(kernel: Array, axis: int, per_channel: bool) -> Array:
    """Root mean square of the layer's or of each channel's weights, broadcast against the kernel.

    A channel of zeros gets the layer's value, a layer of zeros 1.
    """
    axes = other_axes(kernel.ndim, axis) if per_channel else None
    wide = kernel.astype(np.float64)
    found = np.sqrt(np.mean(wide**2, axis=axes, keepdims=True))
    whole = np.sqrt(np.mean(wide**2)) or 1.0
    return np.where(found > 0, found, whole).astype(np.float32)


def grid_shape(node: Node, shape: Shape) -> Shape:
    """The shape in which constraints of the stage "grid" take a kernel: its own, unless several
    channels share a scale.
    """
    axis = node.op.weight_axis or 0
    channels = shape[axis]
    groups = node.op.scale_groups(channels)
    if groups == channels:
        return shape
    return (*shape[:axis], groups, channels // groups, *shape[axis + 1 :])


class Weights(Layer):
    """The weights of one or more nodes: raw kernel, constraint state and bias, stored as variables
    of the first node's Keras layer.
    """

    def __init__(
        self, owner: Any, node: Node, kernel: Constant, bias: Constant | None,
        constraints: Sequence[Constraint],
    ) -> None:  # fmt: skip
        self.name, self.constant, self.bias_constant = node.name, kernel, bias
        self.axis = axis = node.op.weight_axis or 0
        self.shape = kernel.values.shape
        self.grid_shape = grid_shape(node, self.shape)
        per_channel = any(each.per_channel for each in constraints)
        of_groups = scale_of(kernel.values.reshape(self.grid_shape), axis, per_channel)
        self.scale = self._spread(of_groups)
        units = np.asarray(kernel.values / self.scale, np.float64)
        self.raw = _variable(owner, "kernel", units, True)
        self.raw_bias, self.bias_scale = None, 1.0
        if bias is not None:
            self.bias_scale = scale_of(bias.values, 0, False).item()
            self.raw_bias = _variable(owner, "bias", bias.values / self.bias_scale, True)
        self.constraints = tuple(constraints)
        self.normalization: Any = None  # the Keras layer after this one, if there is one
        self.states: list[dict[str, Any]] = []
        for number, constraint in enumerate(constraints):
            self.states.append({
                name: _variable(
                    owner, f"{constraint.name}_{number}_{name}", each.values, each.trained
                )
                for name, each in constraint.variables(
                    units.reshape(self._shape_for(constraint)), axis
                ).items()
            })  # fmt: skip

    def projected(self) -> tuple[list[Any], list[Any]]:
        """The constrained kernel, and the bias if there is one, as real Keras tensors; and the
        penalties.
        """
        from keras import ops

        kernel, penalties = self.raw + 0.0, []
        for constraint, state in zip(self.constraints, self.states, strict=True):
            kernel = ops.reshape(kernel, self._shape_for(constraint))
            penalty = constraint.penalty(kernel, state)
            if penalty is not None:
                penalties.append(penalty)
            kernel = constraint.project(kernel, state, self.axis)
        scale = ops.convert_to_tensor(self.scale)  # PyTorch refuses arrays
        found = [ops.reshape(kernel, self.shape) * scale]
        if self.raw_bias is not None:
            found.append(self.raw_bias * self.bias_scale)
        return found, penalties

    def kernel(self, constraint: Constraint) -> Kernel:
        """The kernel with all constraints before this one applied."""
        return self.fixed(constraint).kernel.reshape(self._shape_for(constraint))

    def fixed(self, before: Constraint | None = None) -> Fixed:
        """The kernel with all constraints applied, or with those before a given one."""
        found = Fixed(np.asarray(numbers(self.raw), np.float64))
        for constraint in self.constraints:
            if constraint is before:
                break
            kernel = found.kernel.reshape(self._shape_for(constraint))
            found = constraint.finish(
                replace(found, kernel=kernel), self.state(constraint), self.axis
            )
        step = None if found.step is None else self._spread(found.step)
        return Fixed(found.kernel.reshape(self.shape), step)

    def _shape_for(self, constraint: Constraint) -> tuple[int, ...]:
        """The shape in which a constraint takes the kernel (Constraint.stage)."""
        return self.grid_shape if constraint.stage == "grid" else self.shape

    def _spread(self, values: Array) -> Array:
        """Values of each group of channels, broadcast against the kernel in the shape for grids,
        as values of each channel; a single value stays one.
        """
        if self.grid_shape == self.shape:
            return values
        if values.size == 1:
            return values.reshape((1,) * min(values.ndim, len(self.shape)))
        times = self.shape[self.axis] // values.shape[self.axis]
        return np.repeat(values.squeeze(self.axis + 1), times, axis=self.axis)

    def bias(self) -> Constant | None:
        """The trained bias in real units, float32; None for a table."""
        if self.bias_constant is None:
            return None
        values = np.asarray(numbers(self.raw_bias) * np.float32(self.bias_scale), np.float32)
        return replace(self.bias_constant, values=values)

    def state(self, constraint: Constraint) -> Mapping[str, Array]:
        """The constraint's variables, by name."""
        return {name: numbers(each) for name, each in self._state(constraint).items()}

    def assign(self, constraint: Constraint, values: Mapping[str, Array]) -> None:
        """Set some of the constraint's variables, by name."""
        for name, value in values.items():
            self._state(constraint)[name].assign(value)

    def _state(self, constraint: Constraint) -> dict[str, Any]:
        return next(
            state
            for each, state in zip(self.constraints, self.states, strict=True)
            if each is constraint
        )


def _variable(owner: Any, name: str, values: Array, trained: bool) -> Any:
    import keras

    start = np.asarray(values, np.float32)
    # Some Keras initializers reject 0-d arrays, so the value is assigned afterwards.
    made = owner.add_weight(
        shape=start.shape, initializer="zeros", dtype="float32", trainable=trained, name=name
    )
    made.assign(keras.ops.convert_to_tensor(start))
    return made


def numbers(variable: Any) -> Array:
    """The values of a Keras variable as a NumPy array."""
    from keras import ops

    with warnings.catch_warnings():  # TensorFlow uses a conversion that NumPy 2 deprecates
        warnings.simplefilter("ignore", DeprecationWarning)
        return np.array(ops.convert_to_numpy(variable))


@cache
def classes() -> tuple[Any, Any, Any]:
    """The layer classes: for nodes with weights, for other nodes, and for a rounded input."""
    import keras

    class WeightedLayer(keras.layers.Layer):  # type: ignore[misc]
        """A node with weights."""

        def __init__(self, name: str, computation: Computation, *weights: Any) -> None:
            """Takes the arguments of Weights, or the layer that already owns shared weights."""
            super().__init__(name=name)
            self.computation = computation
            self.owner = weights[0] if len(weights) == 1 else None
            if self.owner is None:
                self.weights_held = Weights(self, computation.node, *weights)

        def call(self, *inputs: Any) -> Any:
            held = (self.owner or self).weights_held
            found, penalties = held.projected()
            for penalty in penalties if self.owner is None else ():
                self.add_loss(penalty)
            names = self.computation.node.inputs[1 : 1 + len(found)]  # a mask may follow
            constants = dict(zip(names, found, strict=True))
            return self.computation(self.computation.arguments(inputs, constants))

    class NodeLayer(keras.layers.Layer):  # type: ignore[misc]
        """A node without trainable weights; its constants stay unchanged."""

        def __init__(self, name: str, computation: Computation) -> None:
            super().__init__(name=name)
            self.computation = computation
            self.constants = {
                each.name: np.asarray(each.values, np.float32)
                for each in computation.operands.constants
            }

        def call(self, *inputs: Any) -> Any:
            constants = {
                name: keras.ops.convert_to_tensor(each) for name, each in self.constants.items()
            }
            return self.computation(self.computation.arguments(inputs, constants))

    class InputLayer(keras.layers.Layer):  # type: ignore[misc]
        """An input of the model, rounded to int8."""

        def __init__(self, name: str, rounding: QuantizationParameters) -> None:
            super().__init__(name=name)
            self.rounding = rounding

        def call(self, x: Any) -> Any:
            return fake_quantize(x, self.rounding)

    return WeightedLayer, NodeLayer, InputLayer
