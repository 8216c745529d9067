"""The operator's contract: all that is particular to one kind of node."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Array, Operands, QuantizationParameters, Shape

if TYPE_CHECKING:
    from tinycomp.ir.graph import GraphBuilder


@dataclass(frozen=True)
class Cost:
    """What one inference of a node takes: multiply-accumulates, and weights and biases read."""

    macs: int = 0
    parameters: int = 0


@dataclass(frozen=True)
class OutputRange:
    """How post-training quantization chooses a node's output parameters.

    free: from calibration. tied: those of the inputs, which all share one. fixed: given by the
    specification. `limit` bounds a free range from above (a ReLU with max_value).
    """

    tied: bool = False
    fixed: QuantizationParameters | None = None
    limit: float | None = None


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

    def rows_needed(self, operands: Operands, index: int, first: int, last: int) -> tuple[int, int]:
        """The rows of input `index` that output rows [first, last) are made of; all of them where
        an operator does not know better.

        A kernel that counts input rows (KernelCall.input_rows) is asked for those.
        """
        shape = operands.inputs[index].shape
        return 0, shape[0] if len(shape) > 1 else 1

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
    """One operator of a .tflite: builtin name ("CONV_2D"), option table, its class name, and
    constant extra inputs.

    extra: constants that TFLite wants as inputs and the IR keeps as attributes (a reshape's shape),
    appended to the node's inputs. Links of a chain also say `reads`: which of the node's inputs (by
    index) the link reads, behind the output of the link before it (None: all for the first, none
    for the others), and of the temporary that the link writes, `quantization` in an int8 graph and
    `shape` where it is not the node's output's.
    """

    builtin: str
    options_type: str = ""
    options: Any = None
    extra: tuple[Array, ...] = ()
    version: int = 1
    reads: tuple[int, ...] | None = None
    quantization: QuantizationParameters | None = None
    shape: Shape | None = None


@dataclass(frozen=True)
class KerasLayer:
    """A Keras layer as plain data: no Keras object reaches an operator."""

    name: str
    class_name: str
    config: Mapping[str, Any]
    weights: Mapping[str, Array]
    """By the variable's short name: kernel, bias, gamma, beta, moving_mean, moving_variance, ..."""
