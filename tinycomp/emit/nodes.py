"""The template variables of each node: its structs, its views of tensors, its call."""

from __future__ import annotations

from dataclasses import dataclass

from tinycomp.codecs._codec import Encoded
from tinycomp.emit.arrays import ConstantArrays
from tinycomp.emit.c_syntax import c_comment, c_identifiers
from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.kernel_call import Weights
from tinycomp.ir.tensor import Tensor
from tinycomp.plan.memory import Plan
from tinycomp.plan.program import Operation
from tinycomp.plan.schedule import total_rows


@dataclass(frozen=True)
class MemberText:
    """A struct member's initializer."""

    name: str
    """Name of the member, for the comment."""
    value: str
    """A number, or the address of an array or struct."""


@dataclass(frozen=True)
class CodecText:
    """The codec's struct of a node with weights."""

    name: str
    """Name of the codec: its struct is tc_<name>_t."""
    struct: str
    """The C name of the struct."""
    read: str
    """The function that reads the weights, or NULL."""
    members: tuple[MemberText, ...]
    """Members after the reader, in the order of declaration."""


@dataclass(frozen=True)
class ViewText:
    """The addresses of a tensor's rows."""

    pointer: str
    """The C expression of row 0."""
    stride: int
    """Bytes from one row to the next."""
    ring: int
    """Number of rows that are kept: row y is at y modulo ring."""
    whole: bool
    """Whether all rows are kept, one behind the other."""


@dataclass(frozen=True)
class NodeText:
    """A node that calls a kernel or renames a tensor."""

    index: int
    """Position in the graph; the argument of TC_STEP_BEGIN."""
    title: str
    """For comments: name, operator, shapes, work."""
    struct: str
    """The C name of its constants."""
    kernel: str | None
    """Its function is tc_<kernel>; None if the output has the same bytes as the input."""
    members: tuple[MemberText, ...]
    """Members of its struct, in the order of declaration."""
    codec: CodecText | None
    """The struct of its weights' codec, if it has weights."""
    inputs: tuple[ViewText, ...]
    """The tensors that it reads."""
    output: ViewText
    """The tensor that it writes."""
    tensor: int
    """The output's number on the device."""
    size: int
    """The output's bytes."""
    rows: int
    """Number of rows that the kernel counts: of the output, or of the input."""
    counts_input: bool
    """Whether these are rows of the input."""
    scratch: str
    """The kernel's last arguments."""

    @property
    def uses_arena(self) -> bool:
        """Whether any of its pointers points into the arena."""
        views = (*self.inputs, self.output)
        return any("arena" in text for text in (self.scratch, *(view.pointer for view in views)))


def node_texts(plan: Plan, prefix: str, arrays: ConstantArrays) -> list[NodeText]:
    """All nodes in order; adds their constant arrays to `arrays`."""
    operations = plan.program.operations
    names = c_identifiers(
        [op.node.name for op in operations],
        [op.node.op.name for op in operations],
        [_parts(op) for op in operations],
    )
    numbers = {name: number for number, name in enumerate(tensor_order(plan.program.graph))}
    return [
        _node(plan, index, f"{prefix}_{name}", name, numbers, arrays)
        for index, name in enumerate(names)
    ]


def tensor_order(graph: Graph) -> tuple[str, ...]:
    """The tensors in the order of their numbers on the device: the input, then node outputs."""
    return (graph.inputs[0], *(name for node in graph.nodes for name in node.outputs))


def _node(
    plan: Plan, index: int, struct: str, name: str, numbers: dict[str, int], arrays: ConstantArrays
) -> NodeText:
    operation, graph = plan.program.operations[index], plan.program.graph
    operands, call = graph.operands(operation.node), operation.call
    return NodeText(
        index=index,
        title=c_comment(_title(graph, operation.node)),
        struct=struct,
        kernel=call.kernel if call else None,
        members=_members(operation, name, struct, arrays),
        codec=_codec(operation, name, struct, arrays),
        inputs=tuple(view(plan, value.name) for value in operands.activations),
        output=view(plan, operands.output.name),
        tensor=numbers[operands.output.name],
        size=operands.output.nbytes,
        rows=total_rows(plan.program, index),
        counts_input=call is not None and call.input_rows,
        scratch=", ".join(map(_address, plan.scratch.get(index, ()))) or "NULL",
    )


def _title(graph: Graph, node: Node) -> str:
    operands = graph.operands(node)
    shapes = " + ".join("x".join(map(str, value.shape)) for value in operands.activations)
    macs = node.op.cost(operands).macs
    work = f", {macs} multiply-accumulates" if macs else ""
    output = "x".join(map(str, operands.output.shape))
    return f"{node.name}: {node.op.name}, {shapes} -> {output}{work}"


def _parts(operation: Operation) -> list[str]:
    """Suffixes of an operation's C names: its arrays, its codec's struct and arrays."""
    encoded = [(name, e) for name, e in operation.fields.items() if isinstance(e, Encoded)]
    return [*operation.fields, *(f"{name}_{key}" for name, e in encoded for key in e.fields)]


def _members(
    operation: Operation, name: str, struct: str, arrays: ConstantArrays
) -> tuple[MemberText, ...]:
    return tuple(
        MemberText(member, f"&{struct}_{member}.weights")
        if isinstance(value, Encoded)
        else MemberText(member, arrays.value(f"{name}_{member}", value))
        for member, value in operation.fields.items()
    )


def _codec(
    operation: Operation, name: str, struct: str, arrays: ConstantArrays
) -> CodecText | None:
    for member, value in operation.fields.items():
        if isinstance(value, Encoded):
            members = tuple(
                MemberText(key, arrays.value(f"{name}_{member}_{key}", entry, key in value.far))
                for key, entry in value.fields.items()
            )
            read = codec_read(operation, member)
            return CodecText(value.codec, f"{struct}_{member}", read, members)
    return None


def codec_read(operation: Operation, member: str) -> str:
    """The function that reads an operation's weights; NULL if the kernel does not call it."""
    assert operation.call is not None
    weights, encoded = operation.call.fields[member], operation.fields[member]
    assert isinstance(weights, Weights)
    assert isinstance(encoded, Encoded)
    return f"tc_{encoded.codec}_read" if weights.block else "NULL"


def view(plan: Plan, tensor: str) -> ViewText:
    """A tensor's rows: in the caller's input or output, or in the arena."""
    buffer, graph = plan.buffers[tensor], plan.program.graph
    (source,) = graph.inputs
    if not plan.pushed and shares_storage(plan, tensor, source):
        start = buffer.offset - plan.buffers[source].offset
        own = _callers("input", "const int8_t *", graph.tensors[source])
        pointer = f"{own} + {start}" if start else own
    elif shares_storage(plan, tensor, graph.outputs[0]):
        pointer = _callers("output", "int8_t *", graph.tensors[graph.outputs[0]])
    else:
        pointer = _address(buffer.offset)
    whole = buffer.ring * buffer.stride == graph.tensors[tensor].nbytes
    return ViewText(pointer, buffer.stride, buffer.ring, whole)


def _callers(name: str, pointer: str, tensor: Tensor) -> str:
    """An argument of the inference, as bytes."""
    return name if tensor.itemsize == 1 else f"({pointer}){name}"


def shares_storage(plan: Plan, tensor: str, other: str) -> bool:
    """Whether two tensors share their memory."""
    return plan.storage[tensor] == plan.storage[other]


def _address(offset: int) -> str:
    return f"arena->bytes + {offset}"
