"""The operator's contract: all that is particular to one kind of node."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Array, Operands, QuantizationParameters, Shape

if TYPE_CHECKING:
    from tinycomp.ir.graph import GraphBuilder


@dataclass(frozen=True)
class Cost:
    """What one inference of a node takes."""

    macs: int = 0
    """Multiply-accumulates."""
    parameters: int = 0
    """Weights and biases."""


@dataclass(frozen=True)
class OutputRange:
    """How post-training quantization chooses a node's output parameters: from calibration, unless
    they are tied or fixed.
    """

    tied: bool = False
    """Whether the output has the parameters of the inputs, which all share them."""
    fixed: QuantizationParameters | None = None
    """Those that the specification dictates."""
    limit: float | None = None
    """An upper bound of the calibrated range (a ReLU with max_value)."""
    least: float = 0.0
    """How wide the range is at the least, as a share of the widest input's."""


class Operator(ABC):
    """What a node does. Each subclass is a frozen dataclass in its own module of tinycomp/ops;
    fields are attributes.

    Weighted operators read (activation, weights, bias), always all three.
    """

    name: ClassVar[str]
    """The module's name, "conv_2d"."""
    weight_axis: ClassVar[int | None] = None
    """The output-channel axis of the weights, for operators that have weights."""
    float_only: ClassVar[bool] = False
    """A pass must have rewritten it before quantization (batch normalization); it has no kernel."""
    tflite_names: ClassVar[tuple[str, ...]] = ()
    """Names in TFLite's BuiltinOperator enumeration that this operator reads."""
    keras_names: ClassVar[tuple[str, ...]] = ()
    """Class names of the Keras layers that this operator reads."""

    @abstractmethod
    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """The output's shape from the shapes of all inputs, constants included."""

    @abstractmethod
    def output_range(self, operands: Operands) -> OutputRange:
        """How quantization chooses the output's parameters."""

    @abstractmethod
    def cost(self, operands: Operands) -> Cost:
        """Multiply-accumulates and parameters."""

    @abstractmethod
    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """The integer reference: int8 activations with a leading batch axis in, int8 output of the
        same batch out.
        """

    @abstractmethod
    def kernel(self, operands: Operands) -> KernelCall | None:
        """The call that computes it in C; None where the output is the input's bytes (reshape)."""

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """The function of real values in keras.ops, for training on any backend of Keras.

        Args:
            operands: of a float graph.
            inputs: tensors in the node's order: activations with a leading batch axis, constants
                without.

        Returns:
            The output, with the batch axis.

        Raises:
            NotImplementedError: the operator is in int8 graphs only.
        """
        raise NotImplementedError(f"{self.name} has no differentiable form")

    def rows_needed(self, operands: Operands, index: int, first: int, last: int) -> tuple[int, int]:
        """The rows of input `index` that output rows [first, last) are made of; all of them where
        an operator does not know better.

        A kernel that counts input rows (KernelCall.input_rows) is asked for those.
        """
        shape = operands.inputs[index].shape
        return 0, shape[0] if len(shape) > 1 else 1

    def may_abort(self, operands: Operands) -> bool:
        """Whether there are inputs on which LiteRT's reference kernel aborts the whole process."""
        return False

    def aborts(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """On which samples of these inputs it does; bool."""
        return np.zeros(len(inputs[0]), bool)

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> Operator:
        """Read the builtin `name` ("RELU6") with its option table (schema object API; None if
        absent).
        """
        raise NotImplementedError(f"{cls.name} is not read from TFLite")

    def to_tflite(self, operands: Operands) -> TfliteOperator | tuple[TfliteOperator, ...]:
        """The TFLite operator that computes it, or a chain of them, each feeding the next."""
        raise NotImplementedError(f"{self.name} is not written to TFLite")

    @classmethod
    def from_keras(cls, layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
        """Add the layer's nodes to the builder; the name of the output tensor."""
        raise NotImplementedError(f"{cls.name} is not read from Keras")


@dataclass(frozen=True)
class TfliteOperator:
    """One operator of a .tflite, or one link of a chain of them that computes a node."""

    builtin: str
    """Its name in the BuiltinOperator enumeration: "CONV_2D"."""
    options_type: str = ""
    """The class of its option table: "Conv2DOptions"."""
    options: Any = None
    """The option table, an object of the schema's object API."""
    extra: tuple[Array, ...] = ()
    """Constants that TFLite wants as inputs and the IR keeps as attributes (a reshape's shape);
    appended to the node's inputs.
    """
    version: int = 1
    """The operator's version."""
    reads: tuple[int, ...] | None = None
    """In a chain: indices of the node's inputs that the link reads behind the output of the link
    before it. None: all for the first link, none for the others.
    """
    quantization: QuantizationParameters | None = None
    """In a chain of an int8 graph: of the temporary that the link writes."""
    shape: Shape | None = None
    """In a chain: of that temporary, where it is not the shape of the node's output."""
    dtype: str | None = None
    """In a chain: of that temporary, where it is not the type of the node's output."""
    before: tuple[Array, ...] = ()
    """Constants that TFLite wants in front of the operator's other inputs (a gather's table)."""


@dataclass(frozen=True)
class KerasLayer:
    """A Keras layer as plain data: no Keras object reaches an operator."""

    name: str
    """The layer's, unique in its model."""
    class_name: str
    """"Conv2D"."""
    config: Mapping[str, Any]
    """As Keras serialises it."""
    weights: Mapping[str, Array]
    """By the variable's short name: kernel, bias, gamma, beta, moving_mean, moving_variance, ..."""
