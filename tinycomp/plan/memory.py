"""Addresses: every tensor and scratch area gets a place in one arena, by its lifetime over the
schedule.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tinycomp.ops._rows import rows
from tinycomp.plan.program import Operation, Program
from tinycomp.plan.rings import RowTimes, may_overwrite, ring, row_times
from tinycomp.plan.schedule import INPUT, Step, schedule

ALIGNMENT = 4
"""Bytes: kernels may load words from the start of a buffer."""

STATE = 2
"""Bytes of one counter of a pushed inference."""

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

    stretch is the operations whose steps alternate. storage names, for each tensor, the tensor
    whose memory it shares (itself where it has its own). arena is everything: tensors (input and
    output among them) and scratch; scratch_size is what of it lies beyond all tensors.
    """

    program: Program
    stretch: range
    steps: tuple[Step, ...]
    buffers: Mapping[str, Buffer]
    storage: Mapping[str, str]
    scratch: Mapping[int, int]
    arena: int
    scratch_size: int
    state: int | None = None
    """Where a pushed inference keeps how far it has come: STATE bytes for each streamed operation,
    and for the input, and for the schedule. None where the input is not pushed.
    """

    @property
    def pushed(self) -> bool:
        """Whether the caller may hand over the input row by row."""
        return self.state is not None


@dataclass(frozen=True)
class Block:
    """A piece of memory of `size` bytes that must exist from step `first` to step `last`, both
    included.
    """

    size: int
    first: int
    last: int


def _stretch(steps: Sequence[Step]) -> range:
    """From the first operation to the last that has several steps."""
    counts = Counter(step.operation for step in steps if step.operation != INPUT)
    streamed = [operation for operation, count in counts.items() if count > 1]
    return range(min(streamed), max(streamed) + 1) if streamed else range(0)


def plan(
    program: Program, stretch: range = range(0), *, pixels: int = 1, push: bool = False
) -> Plan:
    """Schedule the operations and place what they need.

    The model's input lives from before the first step; nothing is written over it while it is read.
    Reshapes alias; an operation that may run in place does so where its input dies with it.

    Args:
        program: the operations.
        stretch: the consecutive operations that are streamed by rows; see streaming.choose.
        pixels: a streamed step takes as many rows as have so many pixels, where they are needed.
        push: the input comes by rows, too. Needs a stretch that begins with the first operation.
    """
    need = _needs(program, stretch, pixels, push)
    offsets, arena = place(need.blocks)
    areas = offsets[len(need.rings) :]
    owners = dict(zip(need.rings, offsets, strict=False))
    buffers = {}
    for name, tensor in program.graph.tensors.items():
        height, stride = rows(tensor.shape)
        owner = need.storage[name]
        buffers[name] = Buffer(owners[owner], stride, min(height, need.rings[owner]))
    scratch = {
        operation: offset
        for area, offset in zip(need.areas, areas, strict=True)
        for operation in area.operations
    }
    tensors = max(
        offset + _aligned(block.size) for offset, block in zip(offsets, need.tensors, strict=False)
    )
    return Plan(
        program, need.stretch, need.steps, buffers, need.storage, scratch, arena, arena - tensors,
        scratch.pop(INPUT, None),
    )  # fmt: skip


@dataclass(frozen=True)
class Bound:
    """What a plan has at least: bytes of arena (the most that is alive at any one step); steps."""

    bytes: int
    steps: int


def least_arena(program: Program, stretch: range, pixels: int = 1) -> Bound:
    """What a plan would have, without a search for places."""
    need = _needs(program, stretch, pixels)
    return Bound(most_alive(need.blocks), len(need.steps))


@dataclass(frozen=True)
class _Area:
    """Scratch memory that some operations use, one after the other."""

    operations: tuple[int, ...]
    block: Block


@dataclass(frozen=True, eq=False)
class _Needs:
    """What a schedule needs of memory: tensors by the owner of their memory, then scratch areas."""

    stretch: range
    steps: tuple[Step, ...]
    storage: Mapping[str, str]
    rings: Mapping[str, int]
    tensors: Sequence[Block]
    areas: Sequence[_Area]

    @property
    def blocks(self) -> list[Block]:
        """Everything that has to be placed."""
        return [*self.tensors, *(area.block for area in self.areas)]


def _needs(program: Program, stretch: range, pixels: int, push: bool = False) -> _Needs:
    steps = schedule(program, stretch, pixels, push)
    alternating = stretch if push else _stretch(steps)
    times = row_times(program, steps)
    storage = _share(program, times)
    groups: dict[str, list[str]] = {}
    for name, owner in storage.items():
        groups.setdefault(owner, []).append(name)
    rings = {owner: ring(times[name] for name in names) for owner, names in groups.items()}
    tensors = [
        _tensor_block(program, times, names, rings[owner]) for owner, names in groups.items()
    ]
    areas = _scratch_areas(program, steps, alternating)
    return _Needs(alternating, steps, storage, rings, tensors, areas)


def _scratch_areas(program: Program, steps: Sequence[Step], stretch: range) -> list[_Area]:
    """One area for each operation; but streamed operations, whose steps alternate, share one.

    A reduction keeps its sums in scratch from its first step to its last, so it shares nothing.
    """
    spans: dict[int, list[int]] = {}
    for time, step in enumerate(steps):
        if step.operation != INPUT and program.operations[step.operation].scratch:
            spans.setdefault(step.operation, []).append(time)
    areas, shared = [], []
    for index, found in spans.items():
        operation = program.operations[index]
        keeps = operation.call is not None and operation.call.input_rows
        if len(found) > 1 and not keeps:
            shared.append(index)
        else:
            areas.append(_Area((index,), Block(operation.scratch, found[0], found[-1])))
    if any(step.operation == INPUT for step in steps):
        size = STATE * (len(stretch) + 2)
        areas.append(_Area((INPUT,), Block(size, 0, len(steps) - 1)))
    if shared:
        size = max(program.operations[index].scratch for index in shared)
        first = min(spans[index][0] for index in shared)
        areas.append(
            _Area(tuple(shared), Block(size, first, max(spans[index][-1] for index in shared)))
        )
    return areas


def _tensor_block(
    program: Program, times: Mapping[str, RowTimes], names: Sequence[str], ring_rows: int
) -> Block:
    """The memory of tensors that share it, from the first write to the last read."""
    heights = [rows(program.graph.tensors[name].shape) for name in names]
    size = max(min(height, ring_rows) * stride for height, stride in heights)
    first = min(int(times[name].written.min()) for name in names)
    last = max(int(times[name].read.max()) for name in names)
    return Block(size, max(0, first), last)


def most_alive(blocks: Sequence[Block]) -> int:
    """The most bytes that are alive at any one step."""
    changes: dict[int, int] = {}
    for block in blocks:
        changes[block.first] = changes.get(block.first, 0) + _aligned(block.size)
        changes[block.last + 1] = changes.get(block.last + 1, 0) - _aligned(block.size)
    most = alive = 0
    for step in sorted(changes):
        alive += changes[step]
        most = max(most, alive)
    return most


def place(blocks: Sequence[Block]) -> tuple[list[int], int]:
    """Offsets for the blocks, none overlapping in both time and space, and the bytes in all.

    First fit over several orders (largest first, then seeded shuffles around it) until the lower
    bound is met: the most that is alive at any one time.
    """
    bound = most_alive(blocks)
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


def _share(program: Program, times: Mapping[str, RowTimes]) -> dict[str, str]:
    """Each tensor's memory, named by the tensor that first has it."""
    storage = {name: name for name in program.graph.tensors}
    for operation in program.operations:
        source, output = operation.node.inputs[0], operation.node.outputs[0]
        if source in storage and (
            operation.call is None or _runs_in_place(program, times, storage, operation)
        ):
            storage[output] = storage[source]
    return storage


def _runs_in_place(
    program: Program,
    times: Mapping[str, RowTimes],
    storage: Mapping[str, str],
    operation: Operation,
) -> bool:
    """Whether the caller owns none of the tensors in the input's memory, and each of their rows is
    read for the last time when the output's row takes its place.
    """
    graph, source, output = program.graph, operation.node.inputs[0], operation.node.outputs[0]
    if operation.call is None or not operation.call.in_place:
        return False
    if rows(graph.tensors[source].shape) != rows(graph.tensors[output].shape):
        return False
    shared = [name for name, owner in storage.items() if owner == storage[source]]
    if any(name in graph.inputs or name in graph.outputs for name in shared):
        return False
    if len({rows(graph.tensors[name].shape) for name in shared}) > 1:
        return False
    return may_overwrite([times[name] for name in shared], times[output])
