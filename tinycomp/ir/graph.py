"""A graph of named tensors, constants and nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tinycomp.common.errors import ModelError
from tinycomp.ir.input_transform import InputTransform
from tinycomp.ir.operator import Cost, Operator
from tinycomp.ir.tensor import (
    Array,
    Constant,
    Operands,
    QuantizationParameters,
    Shape,
    Tensor,
    Value,
)

if TYPE_CHECKING:
    from tinycomp.ir.reduction import Reduction


@dataclass(frozen=True)
class Node:
    """One operation: inputs name tensors and constants, outputs name tensors."""

    name: str
    """Unique in its graph."""
    op: Operator
    """What it computes."""
    inputs: tuple[str, ...]
    """Names of tensors and constants, in the operator's order."""
    outputs: tuple[str, ...]
    """Names of the tensors that the node writes."""


@dataclass(frozen=True)
class Ends:
    """The input and output types of a model file, as NumPy names them.

    Where they are not "int8", the conversions at the ends of the file were removed: the graph is
    the integer core (int8, or int16), and the caller converts.
    """

    input: str = "int8"
    """The type of the input."""
    output: str = "int8"
    """The type of the output."""


@dataclass(frozen=True, eq=False)
class State:
    """A tensor that an inference leaves to the next one."""

    name: str
    """The tensor that holds it at the start of an inference, one of the graph's inputs."""
    initial: Array
    """Its int8 values before the first inference, in the tensor's shape."""


@dataclass(frozen=True)
class Stream:
    """How a graph takes a window over time: some new rows at a time."""

    window: int
    """Rows of the window."""
    hop: int
    """New rows that each inference takes."""

    @property
    def ready(self) -> int:
        """Inferences until the output is that of a whole window: the number of the first such."""
        return -(-self.window // self.hop)


@dataclass(frozen=True, eq=False)
class Graph:
    """A model. Graphs are immutable: a pass builds a new one."""

    name: str
    """The model's."""
    nodes: tuple[Node, ...]
    """In an order in which they can run."""
    tensors: Mapping[str, Tensor]
    """Activations by name."""
    constants: Mapping[str, Constant]
    """Weights and biases by name."""
    inputs: tuple[str, ...]
    """Names of the tensors that the caller provides."""
    outputs: tuple[str, ...]
    """Names of the tensors that are returned to the caller."""
    class_names: tuple[str, ...] = ()
    """One per output of a classifier; empty if not known."""
    reduction: Reduction | None = None
    """The graph that this int8 graph was reduced from, if anything was removed."""
    input_transform: InputTransform | None = None
    """The scale and offset that raw values get before they are the input, if any."""
    ends: Ends = Ends()
    """The input and output types of the model file."""
    channels_first: bool = False
    """Whether the input of the model file has its channels in front, which lie behind here."""
    states: tuple[State, ...] = ()
    """What is kept between inferences: the last of the inputs, in order. The last outputs, as many,
    are their values for the next inference.
    """
    stream: Stream | None = None
    """If it was made of a graph that takes a whole window: with states, hop by hop."""
    parts: tuple[Tensor, ...] = ()
    """Of a graph whose several inputs are one row of bytes: these inputs, in order."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """How the model's author calls inputs and outputs, where that is not the tensor's name."""
    rounding: Mapping[str, QuantizationParameters] = field(default_factory=dict)
    """Of a float graph, the int8 parameters of tensors that the model file prescribes."""
    notes: tuple[str, ...] = ()
    """What the frontend left out or corrected, one sentence each."""

    @property
    def sources(self) -> tuple[Tensor, ...]:
        """What the caller provides for each inference: the inputs without the states."""
        parts = self.parts or tuple(self.tensors[name] for name in self.inputs)
        return parts[: len(parts) - len(self.states)]

    @property
    def sample_shape(self) -> Shape:
        """The shape of one sample: the input's, or one axis with the values of all inputs."""
        sources = self.sources
        return sources[0].shape if len(sources) == 1 else (sum(each.size for each in sources),)

    @property
    def named_inputs(self) -> dict[str, Shape]:
        """The shapes of several inputs by the names that their author gave them; empty for one."""
        found = {self.label(each.name): each.shape for each in self.sources}
        return found if len(found) > 1 else {}

    @property
    def named_outputs(self) -> tuple[str, ...]:
        """The names that their author gave to several outputs; empty for one."""
        outputs = self.outputs[: len(self.outputs) - len(self.states)]
        return tuple(map(self.label, outputs)) if len(outputs) > 1 else ()

    def label(self, tensor: str) -> str:
        """How the model's author calls an input or output."""
        return self.labels.get(tensor, tensor)

    def split(self, samples: Array) -> dict[str, Array]:
        """Samples (count, *sample_shape) input by input: (count, *shape) by the tensor's name."""
        flat, start, found = samples.reshape(len(samples), -1), 0, {}
        for tensor in self.sources:
            part = flat[:, start : start + tensor.size]
            found[tensor.name] = part.reshape(len(samples), *tensor.shape)
            start += tensor.size
        return found

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


def named_ends(graph: Graph, outputs: Sequence[str]) -> Graph:
    """The graph with its author's names of several outputs, without those that are the tensor's."""
    if len(graph.outputs) == 1 or len(outputs) != len(graph.outputs):
        return graph
    named = {
        tensor: name for tensor, name in zip(graph.outputs, outputs, strict=True) if name != tensor
    }
    return replace(graph, labels={**graph.labels, **named})


@dataclass
class GraphBuilder:
    """Collects nodes in running order; frontends and passes build graphs with it."""

    name: str
    """Of the graph."""
    nodes: list[Node] = field(default_factory=list)
    """Added so far, in running order."""
    tensors: dict[str, Tensor] = field(default_factory=dict)
    """Inputs and node outputs by name."""
    constants: dict[str, Constant] = field(default_factory=dict)
    """Weights and biases by name."""
    inputs: list[str] = field(default_factory=list)
    """Names of the model's inputs."""
    notes: list[str] = field(default_factory=list)
    """What was left out, corrected, or is larger than one would think, one sentence each."""

    def unique(self, name: str) -> str:
        """The name itself, or with a number appended if it is taken."""
        taken = self.tensors.keys() | self.constants.keys() | {node.name for node in self.nodes}
        candidate, count = name, 1
        while candidate in taken:
            candidate, count = f"{name}_{count}", count + 1
        return candidate

    def input(self, name: str, shape: Shape, dtype: str = "float32") -> str:
        """Declare a model input and return its name."""
        name = self.unique(name)
        self.tensors[name] = Tensor(name, shape, dtype)
        self.inputs.append(name)
        return name

    def assume(self, name: str, shape: Shape) -> str:
        """Declare a float tensor that no node writes, in a graph that will not be built; its
        name.
        """
        name = self.unique(name)
        self.tensors[name] = Tensor(name, shape)
        return name

    def constant(self, name: str, values: Array) -> str:
        """Add a constant and return its name. The same array under the same name is added once
        (shared layers).
        """
        known = self.constants.get(name)
        if known is not None and known.values is values:
            return name
        name = self.unique(name)
        self.constants[name] = Constant(name, values)
        return name

    def add(self, op: Operator, inputs: Sequence[str], name: str) -> str:
        """Append a node and return the name of its output; the operator infers the shape."""
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
            tuple(self.inputs), tuple(outputs), tuple(class_names), notes=tuple(self.notes),
        )  # fmt: skip
