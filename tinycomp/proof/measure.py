"""Measurements of a compiled or running build: flash, RAM, latency, per layer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array, Tensor
from tinycomp.passes.bundle_outputs import output_parts
from tinycomp.plan.memory import Plan
from tinycomp.plan.program import Operation, Program
from tinycomp.proof.largest import largest_layers, peak
from tinycomp.report.record import (
    ActivationRecord,
    FlashRecord,
    LatencyRecord,
    LayerLatency,
    LayerRecord,
    RamRecord,
    RoomRecord,
    StreamRecord,
)
from tinycomp.target.boards import Board
from tinycomp.target.fit import Footprint
from tinycomp.target.sizes import Sizes

if TYPE_CHECKING:  # estimates need no emulators
    from tinycomp.device.firmware_build import Measured
    from tinycomp.device.protocol import Device


def layer_records(program: Program) -> tuple[LayerRecord, ...]:
    """Work, weight storage and other constants of every node."""
    known: set[tuple[str, bytes]] = set()
    return tuple(_layer(program.graph, operation, known) for operation in program.operations)


def _layer(graph: Graph, operation: Operation, known: set[tuple[str, bytes]]) -> LayerRecord:
    node = operation.node
    macs = node.op.cost(graph.operands(node)).macs
    record = LayerRecord(
        node.name, node.op.name, macs, constant_bytes=_constant_bytes(operation, known),
        inputs=tuple(name for name in node.inputs if name in graph.tensors),
        outputs=tuple(node.outputs),
    )  # fmt: skip
    if not operation.encoded:
        return record
    (encoded,) = operation.encoded
    distinct = len(np.unique(graph.constants[node.inputs[1]].values))
    return replace(record, codec=encoded.codec, weight_bytes=encoded.size, distinct_values=distinct)


def activation_records(graph: Graph) -> tuple[ActivationRecord, ...]:
    """The inputs, and what each node writes."""
    names = [*graph.inputs, *(name for node in graph.nodes for name in node.outputs)]
    return tuple(_activation(graph.tensors[name]) for name in dict.fromkeys(names))


def _activation(tensor: Tensor) -> ActivationRecord:
    known = tensor.quantization
    return ActivationRecord(
        tensor.name,
        tensor.shape,
        tensor.dtype,
        known.scale if known else None,
        known.zero_point if known else None,
    )


def _constant_bytes(operation: Operation, known: set[tuple[str, bytes]]) -> int:
    """Arrays other than weights, except those known already: equal ones are stored once."""
    size = 0
    for value in operation.fields.values():
        if isinstance(value, np.ndarray) and (str(value.dtype), value.tobytes()) not in known:
            known.add((str(value.dtype), value.tobytes()))
            size += value.nbytes
    return size


def flash_record(measured: Measured) -> FlashRecord:
    """Code and constants of the inference; initialized data would count as constants."""
    return FlashRecord(measured.sizes.code, measured.sizes.constants + measured.sizes.data)


def room_record(board: Board) -> RoomRecord | None:
    """What a board has for the library; None for this computer."""
    if board.is_host:
        return None
    return RoomRecord(board.memory.usable_flash, board.memory.usable_ram)


def ram_record(plan: Plan, stack: int | None) -> RamRecord:
    """The arena's parts, and the measured or computed stack."""
    return RamRecord(plan.arena - plan.scratch_size, plan.scratch_size, stack, state_size(plan))


def stream_record(graph: Graph) -> StreamRecord | None:
    """How a streamed graph takes its window; None for others."""
    stream = graph.stream
    return None if stream is None else StreamRecord(stream.window, stream.hop, stream.ready)


def state_size(plan: Plan) -> int:
    """Bytes of a state: what is kept between inferences, behind room for input and output."""
    graph = plan.program.graph
    if not graph.states:
        return 0
    kept = sum(state.initial.size for state in graph.states)
    ends = (graph.sources, output_parts(graph))
    return kept + max(sum(tensor.size for tensor in end) for end in ends)


def footprint(plan: Plan, measured: Measured | None) -> Footprint:
    """Required memory of the board; before compilation a lower bound."""
    encoded = [entry for operation in plan.program.operations for entry in operation.encoded]
    arrays = [
        value
        for operation in plan.program.operations
        for fields in (operation.fields, *(entry.near for entry in operation.encoded))
        for value in fields.values()
        if isinstance(value, np.ndarray)
    ]
    far = sum(entry.far_bytes for entry in encoded)
    weights = [
        plan.program.graph.constants[operation.node.inputs[1]].values.size
        for operation in plan.program.operations
        if operation.encoded
    ]
    known = {(str(array.dtype), array.tobytes()): array.nbytes for array in arrays}
    sizes = measured.sizes if measured else Sizes(0, sum(known.values()) + far, 0, 0, far)
    stack = measured.stack if measured else None
    return Footprint(
        code=sizes.code if measured else None,
        constants=sizes.constants,
        far=sizes.far,
        ram=plan.arena + state_size(plan) + sizes.data + sizes.bss + (stack or 0),
        largest_array=max(known.values(), default=0),
        weights=sum(weights),
        weight_bytes=sum(entry.size for entry in encoded),
        ram_parts=peak(plan),
        flash_parts=largest_layers(plan),
    )


def latency_record(device: Device, graph: Graph, sample: Array) -> LatencyRecord:
    """Latency of one inference after a warm-up; of layers in a watched inference.

    Args:
        device: a board that runs the build.
        graph: has the same nodes as the device, in order.
        sample: one int8 input.
    """
    device.load(sample)
    device.run()
    value, unit = device.run(), device.identity.unit
    layers = tuple(
        LayerLatency(node.name, node.op.name, ticks, node.op.cost(graph.operands(node)).macs)
        for node, ticks in zip(graph.nodes, device.node_ticks(), strict=True)
    )
    return LatencyRecord(value, unit, layers, interrupts=device.identity.interrupts)
