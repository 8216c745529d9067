"""Addresses: every tensor and scratch area gets a place in one arena, by its lifetime over the
schedule.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tinycomp.ir import Graph, Node
from tinycomp.ops._rows import rows
from tinycomp.plan.program import Operation, Program
from tinycomp.plan.schedule import Step, whole_tensors

ALIGNMENT = 4
"""Bytes: kernels may load words from the start of a buffer."""

_ATTEMPTS = 400
"""Orders of placement that are tried before the best one found is taken."""


@dataclass(frozen=True)
class Buffer:
    """Where a tensor lies: offset into the arena, bytes a row, and how many rows are kept."""

    offset: int
    stride: int
    ring: int


@dataclass(frozen=True, eq=False)
class Plan:
    """What emit needs: steps in order, a buffer for each tensor, a scratch offset for each
    operation. Sizes in bytes.

    storage names, for each tensor, the tensor whose memory it shares (itself where it has its own).
    arena is everything: tensors (input and output among them) and scratch; scratch_size is what of
    it lies beyond all tensors.
    """

    program: Program
    steps: tuple[Step, ...]
    buffers: Mapping[str, Buffer]
    storage: Mapping[str, str]
    scratch: Mapping[int, int]
    arena: int
    scratch_size: int


@dataclass(frozen=True)
class Block:
    """A piece of memory of `size` bytes that must exist from step `first` to step `last`, both
    included.
    """

    size: int
    first: int
    last: int


def plan(program: Program) -> Plan:
    """Schedule whole tensors and place them.

    The model's input lives from before the first step; nothing is written over it while it is read.
    Reshapes alias; an operation that may run in place does so where its input dies with it.
    """
    steps = whole_tensors(program)
    storage = _share(program)
    lifetimes = _lifetimes(program, storage)
    owners = list(lifetimes)
    blocks = [lifetimes[owner] for owner in owners]
    busy = [(index, op) for index, op in enumerate(program.operations) if op.scratch]
    blocks += [Block(op.scratch, index, index) for index, op in busy]
    offsets, arena = place(blocks)
    placed = dict(zip(owners, offsets, strict=False))
    buffers = {}
    for name, tensor in program.graph.tensors.items():
        height, stride = rows(tensor.shape)
        buffers[name] = Buffer(placed[storage[name]], stride, height)
    scratch = dict(zip((index for index, _ in busy), offsets[len(owners) :], strict=True))
    tensors = max(placed[owner] + _aligned(lifetimes[owner].size) for owner in owners)
    return Plan(program, steps, buffers, storage, scratch, arena, arena - tensors)


def place(blocks: Sequence[Block]) -> tuple[list[int], int]:
    """Offsets for the blocks, none overlapping in both time and space, and the bytes in all.

    First fit over several orders (largest first, then seeded shuffles around it) until the lower
    bound is met: the most that is alive at any one time.
    """
    steps = range(
        min((b.first for b in blocks), default=0), max((b.last for b in blocks), default=0) + 1
    )
    bound = max(
        (sum(_aligned(b.size) for b in blocks if b.first <= s <= b.last) for s in steps), default=0
    )
    order = sorted(range(len(blocks)), key=lambda i: (-blocks[i].size, blocks[i].first, i))
    best, best_size = _first_fit(blocks, order)
    shuffle = random.Random(0)
    for _ in range(_ATTEMPTS if blocks else 0):
        if best_size <= bound:
            break
        candidate = list(order)
        i, j = shuffle.randrange(len(order)), shuffle.randrange(len(order))
        candidate.insert(j, candidate.pop(i))
        offsets, size = _first_fit(blocks, candidate)
        if size <= best_size:
            order, best, best_size = candidate, offsets, size
    return best, best_size


def _first_fit(blocks: Sequence[Block], order: Sequence[int]) -> tuple[list[int], int]:
    offsets = [-1] * len(blocks)
    for i in order:
        block = blocks[i]
        taken = sorted(
            (offsets[j], offsets[j] + _aligned(other.size))
            for j, other in enumerate(blocks)
            if offsets[j] >= 0 and other.first <= block.last and block.first <= other.last
        )
        offset = 0
        for start, end in taken:
            if offset + block.size <= start:
                break
            offset = max(offset, end)
        offsets[i] = offset
    return offsets, max(
        (o + _aligned(b.size) for o, b in zip(offsets, blocks, strict=True)), default=0
    )


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _share(program: Program) -> dict[str, str]:
    """Each tensor's storage, named by the tensor that first has it."""
    storage = {name: name for name in program.graph.tensors}
    for index, operation in enumerate(program.operations):
        source, output = _source(program.graph, operation.node), operation.node.outputs[0]
        if operation.call is None or _runs_in_place(program, storage, index, operation):
            storage[output] = storage[source]
    return storage


def _runs_in_place(
    program: Program, storage: Mapping[str, str], index: int, operation: Operation
) -> bool:
    graph, source = program.graph, _source(program.graph, operation.node)
    if operation.call is None or not operation.call.in_place:
        return False
    if graph.tensors[source].size != graph.tensors[operation.node.outputs[0]].size:
        return False
    aliases = [name for name, owner in storage.items() if owner == storage[source]]
    later = any(
        name in other.node.inputs for other in program.operations[index + 1 :] for name in aliases
    )
    return not later and not _kept(graph, aliases)


def _source(graph: Graph, node: Node) -> str:
    """The first input that is computed: an operator may read a constant before it."""
    return graph.operands(node).activations[0].name


def _kept(graph: Graph, aliases: Sequence[str]) -> bool:
    """Whether the caller owns one of these: the input is never written over, an output not before
    it is read.
    """
    return any(name in graph.inputs or name in graph.outputs for name in aliases)


def _lifetimes(program: Program, storage: Mapping[str, str]) -> dict[str, Block]:
    graph, last_step = program.graph, len(program.operations) - 1
    spans: dict[str, list[int]] = {}
    sizes: dict[str, int] = {}
    for name, tensor in graph.tensors.items():
        span = spans.setdefault(storage[name], [last_step + 1, -1])
        sizes[storage[name]] = max(sizes.get(storage[name], 0), tensor.size)
        for step, operation in enumerate(program.operations):
            if name in operation.node.inputs or name in operation.node.outputs:
                span[0], span[1] = min(span[0], step), max(span[1], step)
        if name in graph.inputs:
            span[0] = 0
        if name in graph.outputs:
            span[1] = last_step
    return {owner: Block(sizes[owner], first, last) for owner, (first, last) in spans.items()}
