"""From an int8 graph to kernel calls: each node's call, its weights stored by the smallest codec,
its scratch.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from tinycomp.codecs._channels import UNPACKING_COST, pack
from tinycomp.codecs._codec import Encoded
from tinycomp.codecs._costs import DecodingCosts, decoding_costs
from tinycomp.codecs._policy import PLAIN, Policy, Use
from tinycomp.codecs._registry import choose, far_codecs
from tinycomp.common.errors import ModelError
from tinycomp.int16._registry import arithmetic
from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.kernel_call import ROOM, Channels, KernelCall, Weights
from tinycomp.ir.tensor import Array, Operands, Tensor
from tinycomp.kernels._instruction_set import InstructionSet
from tinycomp.kernels._registry import instruction_set

Field = int | Array | Encoded
Reading = tuple[str, int, int]
"""A tensor, and the first of its rows that a step reads, and the row after the last."""


@dataclass(frozen=True, eq=False)
class Operation:
    """A node as a kernel call."""

    node: Node
    """The node of the graph."""
    call: KernelCall | None
    """The kernel call; None if the output has the same bytes as the input."""
    fields: Mapping[str, Field]
    """The call's fields, with weights encoded."""
    scratch: int = 0
    """Bytes of scratch without the call's table, including a buffer for decoded weights."""

    @property
    def encoded(self) -> tuple[Encoded, ...]:
        """The stored weights of this operation: none or one."""
        return tuple(value for value in self.fields.values() if isinstance(value, Encoded))

    @property
    def areas(self) -> tuple[int, ...]:
        """Sizes in bytes of its scratch areas, in the order of the kernel's arguments."""
        table = self.call.table if self.call is not None else 0
        return (self.scratch, table) if table else (self.scratch,) if self.scratch else ()


@dataclass(frozen=True, eq=False)
class Program:
    """All operations of a graph, in order."""

    graph: Graph
    """The int8 graph."""
    operations: tuple[Operation, ...]
    """One per node, in the graph's order."""
    kernels: str = "generic"
    """Name of the instruction set."""
    reads: dict[tuple[int, int, int], list[Reading]] = field(
        default_factory=dict, init=False, repr=False
    )
    """The rows that steps read, as far as they were asked for: see schedule.read_rows."""

    @cached_property
    def counted(self) -> Sequence[Tensor]:
        """For each operation the tensor whose rows its steps count: the output, or the input of a
        reduction.
        """
        every = [self.graph.operands(operation.node) for operation in self.operations]
        return [
            operands.activations[0] if operation.call and operation.call.input_rows
            else operands.output
            for operation, operands in zip(self.operations, every, strict=True)
        ]  # fmt: skip


@dataclass(frozen=True)
class Storage:
    """How weights may be stored in flash."""

    codecs: Collection[str] | None = None
    """Names of the codecs that may be used; None: all."""
    policy: Policy = PLAIN
    """How size and decoding time are weighed: see codecs.choose."""
    readings: Mapping[str, int] = field(default_factory=dict)
    """How often an inference reads a layer's weights, by the name of its output; missing: once."""
    copied: bool = False
    """Whether weights can't be read in place (program memory of a Harvard core), so that each read
    needs a buffer.
    """
    spacious: bool = False
    """Whether whole tensors are kept in memory, so that layers with small ones have room for
    decoded weights.
    """
    most_room: int | None = None
    """Approximate limit of a layer's scratch in bytes, on boards with little RAM; None: no limit.
    """
    far: Collection[str] = frozenset()
    """Outputs of the layers whose weights may be anywhere in an AVR's memory."""

    def allowed(self, output: Tensor) -> Collection[str] | None:
        """Names of the codecs for the layer that computes `output`; None: all."""
        return far_codecs() if output.name in self.far else self.codecs

    def use(self, weights: Weights, output: Tensor) -> Use:
        """How an inference uses the weights of the layer that computes `output`."""
        return Use(self.readings.get(output.name, 1), output.size / len(weights.values))

    def packs(self, channels: Channels, packed: Array, macs: int, output: Tensor) -> bool:
        """Whether the layer that computes `output` unpacks its constants before it uses them."""
        cost = UNPACKING_COST * len(channels.start) * self.readings.get(output.name, 1)
        return self.policy.packs(packed.nbytes, channels.words.nbytes, cost, macs)


def view_offsets(program: Program) -> dict[str, int]:
    """For each tensor that is only a view, the byte of the memory it shares where it begins."""
    found: dict[str, int] = {}
    for operation in program.operations:
        if operation.call is None:
            source, output = operation.node.inputs[0], operation.node.outputs[0]
            start = operation.node.op.view_offset * program.graph.tensors[output].itemsize
            found[output] = found.get(source, 0) + start
    return found


def lower(graph: Graph, storage: Storage | None = None, kernels: str = "generic") -> Program:
    """Convert every node of an int8 graph to a kernel call with encoded weights.

    Args:
        graph: the int8 graph.
        storage: how weights may be stored in flash.
        kernels: the instruction set; see tinycomp.kernels.

    Raises:
        ModelError: a node has no integer kernel.
        BoardError: there is no such instruction set.
    """
    wanted, chosen = storage or Storage(), instruction_set(kernels)
    rooms = _rooms(graph) if wanted.spacious else {}
    most = wanted.most_room or sys.maxsize
    operations = tuple(
        _lower_node(graph, node, wanted, chosen, min(rooms.get(node.name, ROOM), most))
        for node in graph.nodes
    )
    return Program(graph, operations, kernels)


def _rooms(graph: Graph) -> dict[str, int]:
    """For each node, the bytes by which its tensors are smaller than those of the largest node."""
    taken = {}
    for node in graph.nodes:
        operands = graph.operands(node)
        taken[node.name] = sum(tensor.nbytes for tensor in (*operands.activations, operands.output))
    most = max(taken.values(), default=0)
    return {name: max(4 * ROOM, most - size) for name, size in taken.items()}


def _lower_node(
    graph: Graph, node: Node, storage: Storage, instructions: InstructionSet, room: int
) -> Operation:
    if node.op.float_only:
        raise ModelError(
            f"Layer '{node.name}' ({node.op.name}) can't run in integers.",
            expected="Expected an adjacent convolution or dense layer to fold it into.",
            hint="Place it directly after one.",
        )
    operands = graph.operands(node)
    call = arithmetic(node.op, operands).kernel(operands)
    if call is None:
        return Operation(node, None, {})
    call = replace(call, room=room, compact=storage.policy.compact)
    call, stored = _adapted(call, operands, storage, instructions)
    call = _with_constants(call, node, operands, storage)
    fields: dict[str, Field] = {}
    scratch = call.scratch
    for name, value in call.fields.items():
        if isinstance(value, Weights):
            encoded = stored[name]
            fields[name] = encoded
            if encoded.buffered or storage.copied:
                scratch += min(value.block, value.values.shape[0]) * value.values.shape[1]
                scratch += encoded.workspace
        else:
            assert not isinstance(value, Channels)
            fields[name] = np.ascontiguousarray(value) if isinstance(value, np.ndarray) else value
    return Operation(node, call, fields, scratch)


def _adapted(
    call: KernelCall, operands: Operands, storage: Storage, instructions: InstructionSet
) -> tuple[KernelCall, dict[str, Encoded]]:
    """The instruction set's call for a node, and its encoded weights.

    The codec is chosen first, from the weights in the portable kernel's order, so that on cores of
    the same decoding costs the required flash is the same too.
    """
    costs = decoding_costs(instructions.name)
    stored = _stored(call, operands, storage, costs)
    adapted = instructions.adapt(call, operands, next(iter(stored.values()), None))
    return adapted, stored if adapted is call else _stored(adapted, operands, storage, costs)


def _with_constants(
    call: KernelCall, node: Node, operands: Operands, storage: Storage
) -> KernelCall:
    """The call with its channels' constants as they lie in flash."""
    fields, scratch = dict(call.fields), call.scratch
    for name, value in call.fields.items():
        if not isinstance(value, Channels):
            continue
        fields[name] = packed = pack(value)
        if value.pairs:
            macs = node.op.cost(operands).macs
            chosen = storage.packs(value, packed, macs, operands.output)
            fields["packed"] = int(chosen)
            fields[name] = packed if chosen else value.words
            scratch += value.words.itemsize * 2 * min(value.block, len(value.start)) * chosen
    return replace(call, fields=fields, scratch=scratch)


def _stored(
    call: KernelCall, operands: Operands, storage: Storage, costs: DecodingCosts
) -> dict[str, Encoded]:
    return {
        name: choose(
            value,
            value.codecs or storage.allowed(operands.output),
            storage.policy,
            storage.use(value, operands.output),
            costs,
        )
        for name, value in call.fields.items()
        if isinstance(value, Weights)
    }
