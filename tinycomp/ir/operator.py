"""The contract of an operator: everything that is specific to one kind of node."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Array, Constant, Operands, QuantizationParameters, Shape, Tensor

if TYPE_CHECKING:
    from tinycomp.ir.graph import Graph, GraphBuilder


PREVIOUS = -1
"""In TfliteOperator.operands: the output of the link before."""
NUMBERS = QuantizationParameters((1.0,), (0,))
"""Of a tensor of row numbers, which is int16."""


@dataclass(frozen=True)
class Cost:
    """The work and size of a node."""

    macs: int = 0
    """Multiply-accumulates per inference."""
    parameters: int = 0
    """Weights and biases."""


@dataclass(frozen=True)
class OutputRange:
    """How post-training quantization chooses the parameters of a node's output: from calibration,
    unless they are tied or fixed.
    """

    tied: bool = False
    """Whether the inputs and the output all share one scale and zero point."""
    fixed: QuantizationParameters | None = None
    """The parameters that the specification prescribes."""
    limit: float | None = None
    """An upper bound of the calibrated range (a ReLU with max_value)."""
    least: float = 0.0
    """The minimum width of the range, as a fraction of the widest input's."""
    width: float = 0.0
    """The minimum width of the range."""
    centred: bool = False
    """Whether the zero point has to be 0."""
    covers: tuple[str, ...] = ()
    """Hidden values that have the output's parameters too."""


class Arithmetic(ABC):
    """How integers of one type compute a node: the reference, and the kernel in C."""

    @abstractmethod
    def reference(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """The integer reference: activations with a leading batch axis to the output of the same
        batch, in the tensors' types.
        """

    @abstractmethod
    def kernel(self, operands: Operands) -> KernelCall | None:
        """The call that computes it in C; None if the output is the input's bytes (reshape)."""

    def may_abort(self, operands: Operands) -> bool:
        """Whether LiteRT's reference kernel aborts the whole process on some inputs."""
        return False

    def aborts(self, operands: Operands, inputs: Sequence[Array]) -> Array:
        """For each sample of these inputs, whether it aborts; bool (samples)."""
        return np.zeros(len(inputs[0]), bool)


class Operator(Arithmetic):
    """What a node does, and its arithmetic on int8; that on int16 is in tinycomp/int16. Each
    subclass is a frozen dataclass in its own module of tinycomp/ops; fields are attributes.

    Weighted operators read (activation, weights, bias), always all three.
    """

    name: ClassVar[str]
    """The module's name, "conv_2d"."""
    weight_axis: ClassVar[int | None] = None
    """The output-channel axis of the weights, for operators that have weights."""
    float_only: ClassVar[bool] = False
    """It has no kernel: a pass must rewrite it before quantization (batch normalization)."""
    emitted_only: ClassVar[bool] = False
    """Only int8 graphs that are emitted have it: no file, no float graph (a bundle of outputs)."""
    moves: ClassVar[bool] = False
    """It only moves values: its arithmetic serves tensors of every type."""
    tflite_names: ClassVar[tuple[str, ...]] = ()
    """Names in TFLite's BuiltinOperator enumeration that are read as this operator."""
    keras_names: ClassVar[tuple[str, ...]] = ()
    """Class names of the Keras layers that are read as this operator."""
    hidden: ClassVar[tuple[str, ...]] = ()
    """What an operator over time computes at every step and does not return: calibration observes
    it over all steps, in the tensors that hidden_tensor names (the cell state of an LSTM).
    """
    row_numbers: ClassVar[tuple[int, ...]] = ()
    """Places of inputs that are numbers of rows: int16 at the scale 1 (NUMBERS), whatever the types
    and scales of the others.
    """
    untied: ClassVar[tuple[int, ...]] = ()
    """Places of inputs that a tied range leaves out: masks."""
    looked_up: ClassVar[int | None] = None
    """The place of a constant whose values the output copies: training changes it as it does
    weights, but it has no bias and one scale, the output's.
    """
    repacked: ClassVar[bool] = False
    """Whether its constants are in a .tflite in another form than in the graph."""

    @abstractmethod
    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """The output's shape from the shapes of all inputs, constants included."""

    @abstractmethod
    def output_range(self, operands: Operands) -> OutputRange:
        """How quantization chooses the output's parameters."""

    @abstractmethod
    def cost(self, operands: Operands) -> Cost:
        """Multiply-accumulates and parameters."""

    @property
    def bytes_only(self) -> bool:
        """Whether it has no form on int16 with these attributes, though others have one."""
        return False

    @property
    def wide_output(self) -> bool:
        """Whether its output is int16 on int8 activations too (a cell state)."""
        return False

    def carried_place(self, operands: Operands) -> int | None:
        """The place of an input that stands for the output's row before the first, and has the
        output's type and parameters; None if there is none.
        """
        return None

    def carrying(self, magnitude: float) -> Operator:
        """The float operator whose carried input has values up to that magnitude; of one that is
        joined of several parts, the first of them.
        """
        return self

    @property
    def view_offset(self) -> int:
        """Without a kernel: the value of the input with which the output begins."""
        return 0

    def differentiable(self, operands: Operands, inputs: Sequence[Any]) -> Any:
        """The function of real values in keras.ops, for training on any backend of Keras.

        An operator that `quantized` returned rounds its hidden values as the int8 graph does, and
        its output too if it reads that again.

        Args:
            operands: of a float graph; the output has its quantization if training rounds it.
            inputs: tensors in the node's order: activations with a leading batch axis, constants
                without.

        Returns:
            The output, with the batch axis.

        Raises:
            NotImplementedError: the operator is in int8 graphs only.
        """
        raise NotImplementedError(f"{self.name} has no differentiable form")

    def scale_groups(self, channels: int) -> int:
        """How many weight scales it takes for so many output channels: one each, or one for all of
        a group of consecutive channels.
        """
        return channels

    def weight_scales(self, own: Array) -> Array:
        """The weight scales that quantization uses, from those that the weights themselves ask for:
        the largest of each group.
        """
        if len(own) == 1:
            return own
        groups = own.reshape(self.scale_groups(len(own)), -1)
        found: Array = np.repeat(groups.max(axis=1), groups.shape[1])
        return found

    def bias_scales(self, source: float, weights: Array, count: int, dtype: str = "int8") -> Array:
        """The scale of each of `count` biases, or one for all, from the input's scale and the
        weights', with activations of that type.
        """
        return np.float32(source) * weights

    def quantized(
        self, magnitudes: Mapping[str, float], dtype: str = "int8", output: float = 1.0
    ) -> Operator:
        """The operator of the integer graph with activations of that type, from the largest
        magnitude of each hidden value, and the output's scale. Scales that it was trained with, for
        int8, stay.
        """
        return self

    def unquantized(self) -> Operator:
        """The operator of the float graph, without scales of hidden values."""
        return self

    def expansion(self, operands: Operands) -> Graph | None:
        """For a node that a .tflite has as several operators that are no chain: the graph of these,
        with the node's input and output; None for all other nodes.
        """
        return None

    def rows_needed(self, operands: Operands, index: int, first: int, last: int) -> tuple[int, int]:
        """The rows of input `index` that output rows [first, last) depend on; by default all.

        For a kernel that counts input rows (KernelCall.input_rows), first and last are input rows.
        """
        shape = operands.inputs[index].shape
        return 0, shape[0] if len(shape) > 1 else 1

    @classmethod
    def from_tflite(cls, name: str, options: Any, operands: Operands) -> Operator:
        """The operator of the builtin `name` ("RELU6") with its option table (schema object API;
        None if absent).
        """
        raise NotImplementedError(f"{cls.name} is not read from TFLite")

    def to_tflite(self, operands: Operands) -> TfliteOperator | tuple[TfliteOperator, ...]:
        """The TFLite operator that computes it, or a chain in which each feeds the next."""
        raise NotImplementedError(f"{self.name} is not written to TFLite")

    @classmethod
    def from_keras(cls, layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
        """Add the layer's nodes to the builder and return the name of the output tensor."""
        raise NotImplementedError(f"{cls.name} is not read from Keras")


@dataclass(frozen=True)
class TfliteOperator:
    """One operator of a .tflite, or one link of a chain of operators that computes a node."""

    builtin: str
    """Its name in the BuiltinOperator enumeration: "CONV_2D"."""
    options_type: str = ""
    """The class of its option table: "Conv2DOptions"."""
    options: Any = None
    """The option table, an object of the schema's object API."""
    extra: tuple[Array, ...] = ()
    """Constants that are inputs in TFLite and attributes in the IR (the shape of a reshape);
    appended to the node's inputs.
    """
    version: int = 1
    """The operator's version."""
    reads: tuple[int, ...] | None = None
    """In a chain: indices of the node's inputs that the link reads after the output of the previous
    link. None: all for the first link, none for the others.
    """
    quantization: QuantizationParameters | None = None
    """In a chain of an int8 graph: parameters of the temporary that the link writes."""
    shape: Shape | None = None
    """In a chain: shape of that temporary, where it differs from the node's output."""
    dtype: str | None = None
    """In a chain: type of that temporary, where it differs from the node's output."""
    before: tuple[Array, ...] = ()
    """Constants before the operator's other inputs in TFLite (the table of a gather)."""
    operands: tuple[int | Constant | Tensor | None, ...] | None = None
    """All inputs in TFLite, where they are not the node's: the index of an input of the node,
    PREVIOUS, a constant, a tensor that keeps its values (a state), or None for one that is absent.
    """
    intermediates: tuple[Tensor, ...] = ()
    """Tensors that only describe how the operator quantizes what it computes inside."""


def hidden_tensor(output: str, hidden: str, step: int) -> str:
    """The name in a .tflite of a hidden value of the node that writes `output`."""
    return f"{output}/{hidden}/{step}"


@dataclass(frozen=True)
class KerasLayer:
    """A Keras layer as plain data: no Keras object reaches an operator."""

    name: str
    """Unique in the model."""
    class_name: str
    """The name of the layer's class: "Conv2D"."""
    config: Mapping[str, Any]
    """As Keras serialises it."""
    weights: Mapping[str, Array]
    """By the short name of the variable: kernel, bias, gamma, beta, moving_mean, ..."""
