"""The intermediate representation: a graph of named tensors, constants and nodes. Data, and the
operator's contract.

Shapes leave the batch dimension out. Activations are height, width, channels (or fewer axes), as in
TFLite. Weights keep TFLite's layouts: convolution (out, height, width, in), depthwise (1, height,
width, channels), fully connected (out, in).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tinycomp.errors import ModelError

Shape = tuple[int, ...]
Array = NDArray[Any]


@dataclass(frozen=True)
class QuantizationParameters:
    """real = scale * (quantized - zero_point), for a whole tensor or for each slice along an axis.

    Scales hold float32 values; `axis` is None where one pair serves the whole tensor.
    """

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int | None = None

    @property
    def scale(self) -> float:
        """The one scale of a tensor that is not quantized along an axis."""
        (scale,) = self.scales
        return scale

    @property
    def zero_point(self) -> int:
        """The one zero point of a tensor that is not quantized along an axis."""
        (zero_point,) = self.zero_points
        return zero_point


@dataclass(frozen=True)
class Tensor:
    """An activation: what a node writes or the caller hands in. dtype is NumPy's name ("float32",
    "int8").
    """

    name: str
    shape: Shape
    dtype: str = "float32"
    quantization: QuantizationParameters | None = None

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape, dtype=np.int64))


@dataclass(frozen=True, eq=False)
class Constant:
    """Values known at build time: weights and biases.

    `codebook` (groups, entries), int8, is set by clustering: group g holds the only values that
    slice g of the first axis (output channels; channels for depthwise) may take; one group serves
    the whole tensor.
    """

    name: str
    values: Array
    quantization: QuantizationParameters | None = None
    codebook: NDArray[np.int8] | None = None

    @property
    def shape(self) -> Shape:
        """The shape of the values."""
        return tuple(self.values.shape)


Value = Tensor | Constant


@dataclass(frozen=True)
class Operands:
    """A node's inputs and outputs, resolved: what an operator's rules look at."""

    inputs: tuple[Value, ...]
    outputs: tuple[Tensor, ...]

    @property
    def activations(self) -> tuple[Tensor, ...]:
        """The inputs that are computed, in order."""
        return tuple(value for value in self.inputs if isinstance(value, Tensor))

    @property
    def constants(self) -> tuple[Constant, ...]:
        """The inputs that are known at build time, in order."""
        return tuple(value for value in self.inputs if isinstance(value, Constant))

    @property
    def output(self) -> Tensor:
        """The one output."""
        (output,) = self.outputs
        return output


@dataclass(frozen=True)
class Cost:
    """What one inference of a node takes: multiply-accumulates, and weights and biases read."""

    macs: int = 0
    parameters: int = 0


@dataclass(frozen=True)
class Weights:
    """int8 weights in the order in which a kernel reads them; a codec decides how they lie in
    flash.

    values: (channels, weights a channel). block: how many channels the kernel asks for at a time,
    at most; 0: it reads what is stored itself, without the codec's function.
    codebook: (groups, entries) as in Constant, groups 1 or channels.
    codecs: names of those that the kernel can read; None for any. words: the values are the bytes
    of int16 words, each of which stands for two weights (see codecs/pair_codebook.py).
    """

    values: NDArray[np.int8]
    block: int
    codebook: NDArray[np.int8] | None = None
    codecs: tuple[str, ...] | None = None
    words: bool = False


ROOM = 2048
"""Bytes of scratch for decoded weights where memory is scarce."""


@dataclass(frozen=True)
class KernelCall:
    """How generated C runs a node: firmware/kernels/<kernel>.h, its struct tc_<kernel>_t and
    function tc_<kernel>.

    fields: the struct's members in the order of their declaration: an int, an integer array
    (emitted as a constant array, the member points to it) or Weights (the member points to the
    codec's struct). scratch: bytes the kernel needs beside decoded weights. in_place: the output
    may lie on the first input.
    input_rows: the kernel counts rows of its input, not of its output (reductions, which take rows
    as they come). room: about how many bytes of scratch decoded weights may take. tile: pixels that
    the kernel computes together, even where there are fewer. table: bytes of scratch that may lie
    elsewhere; the kernel gets their address behind the other's.
    """

    kernel: str
    fields: Mapping[str, int | Array | Weights]
    scratch: int = 0
    in_place: bool = False
    input_rows: bool = False
    room: int = ROOM
    tile: int = 1
    table: int = 0


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


@dataclass(frozen=True)
class Node:
    """One operation: inputs name tensors and constants, outputs name tensors."""

    name: str
    op: Operator
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Graph:
    """A model: nodes in an order in which they can run. Passes build new graphs; nothing changes
    one in place. `original` is what an int8 graph was before it was made smaller, if it was.
    """

    name: str
    nodes: tuple[Node, ...]
    tensors: Mapping[str, Tensor]
    constants: Mapping[str, Constant]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    class_names: tuple[str, ...] = ()
    original: Original | None = None

    def value(self, name: str) -> Value:
        """The tensor or constant of that name."""
        return self.tensors[name] if name in self.tensors else self.constants[name]

    def operands(self, node: Node) -> Operands:
        """The node's inputs and outputs, resolved."""
        return Operands(
            tuple(self.value(name) for name in node.inputs),
            tuple(self.tensors[name] for name in node.outputs),
        )

    def producer(self, tensor: str) -> Node | None:
        """The node that writes a tensor; None for an input."""
        return next((node for node in self.nodes if tensor in node.outputs), None)

    def consumers(self, value: str) -> tuple[Node, ...]:
        """The nodes that read a tensor or constant, in order."""
        return tuple(node for node in self.nodes if value in node.inputs)

    def cost(self) -> Cost:
        """The whole model's cost; a constant that several nodes share counts once."""
        macs = sum(node.op.cost(self.operands(node)).macs for node in self.nodes)
        return Cost(macs, sum(constant.values.size for constant in self.constants.values()))


CONSTANT, UNREAD = -1, -2
"""In Reduction.source: the same for every input of the model; nothing reads it, so nothing computes
it.
"""


@dataclass(frozen=True, eq=False)
class Reduction:
    """How one tensor of a graph follows from the graph that it was reduced to.

    tensor: the one there that holds what is still computed of it; None where nothing is.
    source, in this tensor's shape: which element of that one each element is (counted through all
    axes), or CONSTANT, or UNREAD. constants, in the same shape: what the CONSTANT ones are.
    """

    tensor: str | None
    source: NDArray[np.int32]
    constants: NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class Original:
    """The graph from which another was reduced, no value changed, and how its tensors follow."""

    graph: Graph
    reductions: Mapping[str, Reduction]


@dataclass
class GraphBuilder:
    """Collects nodes in running order; the frontends' and passes' way to make a Graph."""

    name: str
    nodes: list[Node] = field(default_factory=list)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    constants: dict[str, Constant] = field(default_factory=dict)
    inputs: list[str] = field(default_factory=list)

    def unique(self, name: str) -> str:
        """The name itself, or with a number behind it where it is taken."""
        taken = self.tensors.keys() | self.constants.keys() | {node.name for node in self.nodes}
        candidate, count = name, 1
        while candidate in taken:
            candidate, count = f"{name}_{count}", count + 1
        return candidate

    def input(self, name: str, shape: Shape, dtype: str = "float32") -> str:
        """Declare a model input; its name."""
        name = self.unique(name)
        self.tensors[name] = Tensor(name, shape, dtype)
        self.inputs.append(name)
        return name

    def constant(self, name: str, values: Array) -> str:
        """Add a constant; its name. The same array under the same name is added once (shared
        layers).
        """
        known = self.constants.get(name)
        if known is not None and known.values is values:
            return name
        name = self.unique(name)
        self.constants[name] = Constant(name, values)
        return name

    def add(self, op: Operator, inputs: Sequence[str], name: str) -> str:
        """Append a node; the name of its output, whose shape the operator infers."""
        name = self.unique(name)
        shapes = [
            self.tensors[i].shape if i in self.tensors else self.constants[i].shape for i in inputs
        ]
        try:
            self.tensors[name] = Tensor(name, op.infer_shape(shapes))
        except ModelError as error:
            raise ModelError(
                f"Layer '{name}': {error.what}", expected=error.expected, hint=error.hint
            ) from error
        self.nodes.append(Node(name, op, tuple(inputs), (name,)))
        return name

    def build(self, outputs: Sequence[str], class_names: Sequence[str] = ()) -> Graph:
        """The finished graph."""
        return Graph(
            self.name, tuple(self.nodes), dict(self.tensors), dict(self.constants),
            tuple(self.inputs), tuple(outputs), tuple(class_names),
        )  # fmt: skip
