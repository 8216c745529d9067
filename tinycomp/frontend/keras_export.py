"""Exports a float graph as a Keras model of standard layers."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tinycomp.common.errors import ModelError
from tinycomp.frontend.keras import import_keras
from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import Array, Operands
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window
from tinycomp.ops.add import Add
from tinycomp.ops.average_pool_2d import AveragePool2D
from tinycomp.ops.concatenation import Concatenation
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.ops.depthwise_conv_2d import DepthwiseConv2D
from tinycomp.ops.elu import Elu
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.ops.hard_swish import HardSwish
from tinycomp.ops.leaky_relu import LeakyRelu
from tinycomp.ops.logistic import Logistic
from tinycomp.ops.max_pool_2d import MaxPool2D
from tinycomp.ops.mean import Mean
from tinycomp.ops.mul import Mul
from tinycomp.ops.pad import Pad
from tinycomp.ops.reduce_max import ReduceMax
from tinycomp.ops.relu import Relu
from tinycomp.ops.reshape import Reshape
from tinycomp.ops.softmax import Softmax
from tinycomp.ops.tanh import Tanh

_NO_NAME = re.compile(r"[^A-Za-z0-9_.\-]")


@dataclass(frozen=True, eq=False)
class _Call:
    """A node, and the Keras tensors that it reads."""

    node: Node
    """The node."""
    operands: Operands
    """The node's inputs and output."""
    x: Sequence[Any]
    """The Keras tensors of its activations."""
    name: str
    """Name of the layer."""

    @property
    def op(self) -> Any:
        """The operator."""
        return self.node.op


class _UnsupportedError(Exception):
    """No standard layer computes a node; the text gives the reason."""


_Writer = Callable[[_Call], Any]
_WRITERS: dict[type[Operator], _Writer] = {}


def _writes(*ops: type[Operator]) -> Callable[[_Writer], _Writer]:
    def register(writer: _Writer) -> _Writer:
        _WRITERS.update(dict.fromkeys(ops, writer))
        return writer

    return register


def write_keras(graph: Graph, path: Path) -> None:
    """Save a float graph as a .keras file.

    Raises:
        ModelError: a node has no standard Keras layer; all of them are named.
        OSError: the file can't be written.
    """
    model = keras_model(graph)
    with warnings.catch_warnings():  # of Keras about NumPy 2
        warnings.simplefilter("ignore", DeprecationWarning)
        model.save(path)


def keras_model(graph: Graph) -> Any:
    """A float graph as a functional Keras model.

    Raises:
        ModelError: a node has no standard Keras layer; all of them are named.
    """
    keras = import_keras("Writing a .keras file")
    tensors: dict[str, Any] = {
        name: keras.Input(graph.tensors[name].shape, name=_NO_NAME.sub("_", name))
        for name in graph.inputs
    }
    problems = []
    for number, node in enumerate(graph.nodes):
        operands = graph.operands(node)
        given = [tensors[name] for name in node.inputs if name in graph.tensors]
        name = f"{number}_{_NO_NAME.sub('_', node.name)}"
        shape = graph.tensors[node.outputs[0]].shape
        try:
            found = _written(_Call(node, operands, given, name))
        except _UnsupportedError as error:
            problems.append(f"'{node.name}' ({node.op.name}): {error}")
            found = keras.Input(shape)  # so that later problems are found too
        tensors[node.outputs[0]] = found
    if problems:
        raise ModelError(
            f"'{graph.name}' can't be written as a Keras model: {'; '.join(problems)}.",
            hint="Write a .tflite instead.",
        )
    inputs, outputs = ([tensors[n] for n in names] for names in (graph.inputs, graph.outputs))
    return keras.Model(inputs, outputs, name=_NO_NAME.sub("_", graph.name))


def _written(call: _Call) -> Any:
    writer = _WRITERS.get(type(call.op))
    if writer is None:
        raise _UnsupportedError("no standard layer computes it")
    constants = {each.name for each in call.operands.constants}
    if call.op.weight_axis is None and constants:
        raise _UnsupportedError("it has constants, which no standard layer holds")
    return writer(call)


def _activation(call: _Call) -> str | None:
    """The Keras name of a layer's activation, or None."""
    names = {Activation.NONE: None, Activation.RELU: "relu", Activation.RELU6: "relu6"}
    if call.op.activation not in names:
        raise _UnsupportedError(f"its activation {call.op.activation.name} is no Keras activation")
    return names[call.op.activation]


def _activated(call: _Call, found: Any) -> Any:
    """Append the activation as a separate layer, for layers without the option."""
    from keras import layers

    name = _activation(call)
    return found if name is None else layers.Activation(name, name=f"{call.name}_{name}")(found)


def _window(call: _Call) -> tuple[Any, dict[str, Any]]:
    """The image, padded explicitly if Keras has no name for the padding, and options of the
    layer.
    """
    from keras import layers

    window: Window = call.op.window
    shape = call.operands.activations[0].shape
    scheme = window.scheme((shape[0], shape[1]))
    options = {"strides": window.stride, "padding": (scheme or "VALID").lower()}
    if scheme is not None:
        return call.x[0], options
    if not isinstance(call.op, Conv2D | DepthwiseConv2D):
        raise _UnsupportedError(f"its padding {window.padding} is neither same nor valid")
    top, left, bottom, right = window.padding
    pad = layers.ZeroPadding2D(((top, bottom), (left, right)), name=f"{call.name}_pad")
    return pad(call.x[0]), options


def _with_weights(layer: Any, x: Any, kernel: Array, bias: Array) -> Any:
    found = layer(x)
    layer.set_weights([np.asarray(kernel, np.float32), np.asarray(bias, np.float32)])
    return found


@_writes(Conv2D)
def _convolution(call: _Call) -> Any:
    from keras import layers

    x, options = _window(call)
    kernel, bias = (each.values for each in call.operands.constants)
    layer = layers.Conv2D(
        len(kernel), call.op.window.kernel, dilation_rate=call.op.window.dilation,
        activation=_activation(call), name=call.name, **options,
    )  # fmt: skip
    return _with_weights(layer, x, kernel.transpose(1, 2, 3, 0), bias)


@_writes(DepthwiseConv2D)
def _depthwise(call: _Call) -> Any:
    from keras import layers

    x, options = _window(call)
    window, multiplier = call.op.window, call.op.multiplier
    if window.stride[0] != window.stride[1]:
        raise _UnsupportedError(f"Keras has no depthwise convolution with strides {window.stride}")
    kernel, bias = (each.values for each in call.operands.constants)
    layer = layers.DepthwiseConv2D(
        window.kernel, depth_multiplier=multiplier, dilation_rate=window.dilation,
        activation=_activation(call), name=call.name, **options,
    )  # fmt: skip
    return _with_weights(layer, x, kernel.reshape(*window.kernel, -1, multiplier), bias)


@_writes(FullyConnected)
def _dense(call: _Call) -> Any:
    from keras import layers

    kernel, bias = (each.values for each in call.operands.constants)
    layer = layers.Dense(len(kernel), activation=_activation(call), name=call.name)
    return _with_weights(layer, call.x[0], kernel.T, bias)


@_writes(MaxPool2D, AveragePool2D)
def _pooling(call: _Call) -> Any:
    from keras import layers

    x, options = _window(call)
    largest = isinstance(call.op, MaxPool2D)
    kind = layers.MaxPooling2D if largest else layers.AveragePooling2D
    return _activated(call, kind(call.op.window.kernel, name=call.name, **options)(x))


@_writes(Mean, ReduceMax)
def _reduction(call: _Call) -> Any:
    from keras import layers

    rank = len(call.operands.activations[0].shape) - 1
    if call.op.axes is not None or rank not in (1, 2):
        raise _UnsupportedError("it reduces other axes than global pooling does")
    kind = "Average" if isinstance(call.op, Mean) else "Max"
    layer = getattr(layers, f"Global{kind}Pooling{rank}D")
    return layer(keepdims=call.op.keep_dims, name=call.name)(call.x[0])


@_writes(Add, Mul)
def _both(call: _Call) -> Any:
    from keras import layers, ops

    summed, shapes = isinstance(call.op, Add), [each.shape for each in call.operands.activations]
    if len({len(shape) for shape in shapes}) > 1:
        raise _UnsupportedError("its inputs have different numbers of axes")
    if len(set(shapes)) > 1:
        # The smaller one first: Keras takes a second one that looks like a bias for one, also where
        # its only axis is the batch.
        small, large = sorted(call.x, key=lambda x: math.prod(x.shape[1:]))
        return _activated(call, (ops.add if summed else ops.multiply)(small, large))
    kind = layers.Add if summed else layers.Multiply
    twice = list(call.x) if len(call.x) == 2 else [call.x[0], call.x[0]]
    return _activated(call, kind(name=call.name)(twice))


@_writes(Concatenation)
def _concatenation(call: _Call) -> Any:
    from keras import layers

    axis = call.op.axis % len(call.operands.output.shape) + 1  # behind the batch
    return layers.Concatenate(axis=axis, name=call.name)(list(call.x))


@_writes(Reshape)
def _reshape(call: _Call) -> Any:
    from keras import layers

    return layers.Reshape(call.operands.output.shape, name=call.name)(call.x[0])


@_writes(Pad)
def _padding(call: _Call) -> Any:
    from keras import layers

    *sides, channels = call.op.padding
    if channels != (0, 0) or len(sides) not in (1, 2):
        raise _UnsupportedError(f"Keras has no padding {call.op.padding}")
    if len(sides) == 1:
        return layers.ZeroPadding1D(sides[0], name=call.name)(call.x[0])
    return layers.ZeroPadding2D(tuple(sides), name=call.name)(call.x[0])


@_writes(Relu, LeakyRelu)
def _relu(call: _Call) -> Any:
    from keras import layers

    slope = getattr(call.op, "alpha", 0.0)
    if slope < 0:
        raise _UnsupportedError(f"Keras has no negative slope {slope:g}")
    layer = layers.ReLU(max_value=call.op.max_value, negative_slope=slope, name=call.name)
    return layer(call.x[0])


@_writes(Logistic, Tanh, HardSwish, Softmax, Elu)
def _function(call: _Call) -> Any:
    from keras import layers

    if isinstance(call.op, Softmax):
        if call.op.beta != 1:
            raise _UnsupportedError(f"its factor {call.op.beta:g} is not 1")
        return layers.Softmax(name=call.name)(call.x[0])
    if isinstance(call.op, Elu):
        return layers.ELU(call.op.alpha, name=call.name)(call.x[0])
    names = {Logistic: "sigmoid", Tanh: "tanh", HardSwish: "hard_silu"}
    return layers.Activation(names[type(call.op)], name=call.name)(call.x[0])
