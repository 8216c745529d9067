"""Addresses: every tensor and scratch area is placed in one arena, according to its lifetime in the
schedule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

from tinycomp.ops._rows import byte_rows
from tinycomp.plan.carry import Carried, Timeline, carriable, with_copies
from tinycomp.plan.place import EFFORT, Block, Part, joined, most_used, place, usage
from tinycomp.plan.program import Operation, Program, view_offsets
from tinycomp.plan.rings import RowTimes, may_overwrite, ring, row_times
from tinycomp.plan.schedule import INPUT, Copy, Step, schedule

STATE = 2
"""Bytes per counter of a pushed inference."""

_PARTS = 16
"""A whole tensor is split into at most this many parts with their own lifetimes."""


@dataclass(frozen=True)
class Buffer:
    """The memory of a tensor."""

    offset: int
    """Bytes from the start of the arena."""
    stride: int
    """Bytes per row."""
    ring: int
    """Rows that are kept; row y is at y modulo ring."""


@dataclass(frozen=True)
class Use:
    """The purpose of a block of memory."""

    kind: str
    """"tensor", "scratch", or "state" (the counters of a pushed inference)."""
    names: tuple[str, ...] = ()
    """The tensors that share it, or the node that works in it."""


@dataclass(frozen=True, eq=False)
class Plan:
    """A complete plan for the emitter: the steps in order and the address of everything in the
    arena.
    """

    program: Program
    """The kernel calls."""
    stretch: range
    """The operations whose steps alternate (`table`). Operations before and after it run whole, in
    the graph's order.
    """
    steps: tuple[Step | Copy, ...]
    """All steps and copies in order."""
    buffers: Mapping[str, Buffer]
    """The memory of each tensor."""
    storage: Mapping[str, str]
    """For each tensor, the tensor whose memory it uses: itself, unless shared."""
    carried: Mapping[str, Buffer]
    """For each carried tensor, the part of its ring where rows wait between uses."""
    scratch: Mapping[int, tuple[int, ...]]
    """For each operation with scratch, the offsets of its areas."""
    arena: int
    """Bytes of the arena: all tensors (including input and output) and scratch."""
    scratch_size: int
    """Bytes of the arena after the end of the last tensor."""
    blocks: tuple[tuple[Use, Block, int], ...]
    """All placed blocks: purpose, block, offset."""
    state: int | None = None
    """Offset of the counters of a pushed inference, STATE bytes for each streamed operation, for
    the input and for the schedule; None if the input is not pushed.
    """
    lent: int = 0
    """Bytes of tensors that lie with the states in the caller's memory: their offsets are behind
    the arena.
    """

    @property
    def pushed(self) -> bool:
        """Whether the caller may pass the input row by row."""
        return self.state is not None

    @property
    def extent(self) -> int:
        """Bytes of the arena, and of what the caller lends."""
        return self.arena + self.lent

    @property
    def table(self) -> tuple[Step | Copy, ...]:
        """The steps of the stretch, and the copies among them, in order."""
        return tuple(
            step
            for step in self.steps
            if isinstance(step, Copy) or step.operation in (INPUT, *self.stretch)
        )


def _stretch(steps: Sequence[Step], count: int) -> range:
    """The operations that run by the table of steps, out of `count`. Those before and after them
    run whole, in one step each, in the graph's order.
    """
    numbers = [step.operation for step in steps]
    times = Counter(numbers)
    start, stop = 0, count
    while start < count and numbers[start] == start and times[start] == 1:
        start += 1
    while stop > start and numbers[stop - count - 1] == stop - 1 and times[stop - 1] == 1:
        stop -= 1
    return range(start, stop)


def plan(
    program: Program,
    stretch: range = range(0),
    *,
    pixels: int = 1,
    limit: int | None = None,
    push: bool = False,
) -> Plan:
    """Schedule the operations and place what they need.

    The model's input lives from before the first step; nothing is written over it while it is read.
    Reshapes alias; an operation that can run in place does so if it is the last use of its input.

    Args:
        program: the operations.
        stretch: the consecutive operations that are streamed by rows; see streaming.choose.
        pixels: a streamed step computes as many of the needed rows as have this many pixels.
        limit: bytes of the arena above which rows are carried; None: no rows are carried.
        push: the input arrives by rows too; requires a stretch that begins with the first
            operation.
    """
    return placed(Draft(program, stretch, pixels, push).within(limit))


def placed(need: Needs, effort: int = EFFORT) -> Plan:
    """Place everything in as few bytes as possible."""
    found, arena = place([block for _, block in need.blocks], effort)
    places = tuple((use, *each) for (use, _), each in zip(need.blocks, found, strict=True))
    program = need.program
    owners = {
        use.names[0]: (block, offset) for use, block, offset in places if use.kind == "tensor"
    }
    tensors = max((offset + block.aligned for block, offset in owners.values()), default=0)
    lent = 0
    for name, block in need.lent.items():
        owners[name] = (block, arena + lent)
        lent += block.aligned
    views = view_offsets(program)
    heights = {name: byte_rows(tensor) for name, tensor in program.graph.tensors.items()}
    buffers = {
        name: Buffer(
            owners[owner][1] + views.get(name, 0),
            heights[name][1],
            min(heights[name][0], need.rings[owner]),
        )
        for name, owner in need.storage.items()
    }
    waiting = {each.tensor: _waiting(each, *owners[each.tensor]) for each in need.carried}
    areas: dict[str, list[int]] = {}
    for use, _, offset in places:
        if use.kind == "scratch":
            areas.setdefault(use.names[0], []).append(offset)
    scratch = {
        index: tuple(areas[operation.node.name])
        for index, operation in enumerate(program.operations)
        if operation.areas
    }
    state = next((offset for use, _, offset in places if use.kind == "state"), None)
    return Plan(
        program, need.stretch, need.steps, buffers, need.storage, waiting, scratch, arena,
        arena - tensors, places, state, lent,
    )  # fmt: skip


def _waiting(carried: Carried, ring: Block, offset: int) -> Buffer:
    """The part of a ring where rows wait: the one that is always in use."""
    part = max(ring.parts, key=lambda part: part.steps.bit_count())
    return Buffer(offset + part.start, carried.stride, carried.rows)


@dataclass(frozen=True, eq=False)
class Needs:
    """The memory that a schedule needs."""

    program: Program
    """The kernel calls."""
    stretch: range
    """The operations whose steps alternate."""
    timeline: Timeline
    """All steps, and the copies among them."""
    storage: Mapping[str, str]
    """For each tensor, the tensor whose memory it uses."""
    rings: Mapping[str, int]
    """Rows of the ring, by the tensor that owns the memory."""
    carried: Sequence[Carried]
    """Tensors with rows that wait between uses."""
    blocks: Sequence[tuple[Use, Block]]
    """Blocks to place, with their purposes."""
    lent: Mapping[str, Block]
    """Blocks that lie with the states in the caller's memory, by the tensor that owns them."""

    @property
    def steps(self) -> tuple[Step | Copy, ...]:
        """All steps and copies in order."""
        return self.timeline.steps

    @cached_property
    def least(self) -> int:
        """Lower bound of the arena in bytes: the maximum in use at a step."""
        return most_used([block for _, block in self.blocks])


class Draft:
    """A schedule and its lifetimes, before choosing the carried tensors; for the arguments see
    `plan`.
    """

    def __init__(
        self, program: Program, stretch: range, pixels: int = 1, push: bool = False
    ) -> None:
        self.program, self.push = program, push
        self.steps = schedule(program, stretch, pixels, push)
        self.stretch = stretch if push else _stretch(self.steps, len(program.operations))
        self.times = row_times(program, self.steps)
        self.storage = _share(program, self.times)
        self.groups: dict[str, list[str]] = {}
        for name, owner in self.storage.items():
            shared = self.groups.setdefault(owner, [owner])
            if name != owner:
                shared.append(name)
        self.rings = {
            owner: ring(self.times[name] for name in names) for owner, names in self.groups.items()
        }
        self.lent = _lent(program, self.storage)
        self.alive = {owner: self._alive(owner) for owner in self.groups}
        self.found: dict[int | None, Needs] = {}

    @cached_property
    def carriable(self) -> list[Carried]:
        """All tensors that can be carried."""
        steps, stretch = self.steps, self.stretch
        return carriable(self.program, steps, stretch, self.times, self.groups, self.rings)

    @cached_property
    def most(self) -> Needs:
        """With all tensors carried that can be."""
        return self.needs(self.carriable)

    def within(self, limit: int | None) -> Needs:
        """With tensors carried as needed for a limit; None: none carried."""
        if limit not in self.found:
            carried = [] if limit is None else self.worthwhile(limit)
            every = carried and len(carried) == len(self.carriable)
            self.found[limit] = self.most if every else self.needs(carried)
        return self.found[limit]

    def needs(self, carried: Sequence[Carried]) -> Needs:
        """With these tensors carried."""
        timeline = with_copies(self.steps, carried)
        pauses = {each.tensor: each for each in carried}
        found = {owner: self._tensor(owner, timeline, pauses.get(owner)) for owner in self.groups}
        lent = {owner: found.pop(owner)[1] for owner in self.lent}
        blocks = list(found.values())
        blocks += self._scratch(timeline)
        if self.push:
            size = STATE * (len(self.stretch) + 2)
            blocks.append((Use("state"), Block.of(size, [(0, timeline.where[-1] - 1)])))
        return Needs(
            self.program, self.stretch, timeline, self.storage, self.rings, carried, blocks,
            lent,
        )  # fmt: skip

    def worthwhile(self, limit: int) -> list[Carried]:
        """As few carried tensors as keep the arena within the limit, or else as small as
        possible.
        """
        possible, timeline = self.carriable, self.most.timeline
        count = timeline.where[-1] + 1
        used = usage([block for _, block in self.most.blocks], count)
        most = max(limit, int(used.max()))
        kept = []
        for each in possible:
            waiting = usage([self._tensor(each.tensor, timeline, each)[1]], count)
            resident = usage([self._tensor(each.tensor, timeline, None)[1]], count)
            without = used - waiting + resident
            if without.max() > most:
                kept.append(each)
            else:
                used = without
        return kept

    def _tensor(self, owner: str, timeline: Timeline, carried: Carried | None) -> tuple[Use, Block]:
        """The block of tensors that share memory, for the steps where one of their rows is needed.
        Carried rows wait at either end of it, and the rest is free meanwhile.
        """
        use, parts = Use("tensor", tuple(self.groups[owner])), self.alive[owner]
        if carried is None:
            moved = [replace(part, spans=timeline.moved(part.spans)) for part in parts]
            return use, Block(tuple(moved))
        kept, size = carried.rows * carried.stride, parts[-1].end
        alive = timeline.moved(joined([span for part in parts for span in part.spans]))
        bounds = sorted([step for span in (*timeline.pauses(carried), *alive) for step in span])
        between = tuple(pairwise(bounds))[::2]
        always = ((bounds[0], bounds[-1]),)
        return use, Block((Part(0, kept, always), Part(kept, size, between)), turns=True)

    def _alive(self, owner: str) -> tuple[Part, ...]:
        """Parts and lifetimes of tensors that share memory; an input lives from the start on. All
        rows of a ring are one part.
        """
        names, ring_rows = self.groups[owner], self.rings[owner]
        shapes = [byte_rows(self.program.graph.tensors[name]) for name in names]
        size = max(min(height, ring_rows) * stride for height, stride in shapes)
        height = max(height for height, _ in shapes)
        apart = len({*shapes}) == 1 and ring_rows == height
        count = -(-height // _PARTS) if apart else height
        alive = [self.times[name].spans for name in names]
        parts: list[Part] = []
        for first in range(0, height, count):
            spans = joined({span for each in alive for span in each[first : first + count]})
            end = min(first + count, height) * size // height
            if parts and parts[-1].spans == spans:
                parts[-1] = replace(parts[-1], end=end)
            else:
                parts.append(Part(parts[-1].end if parts else 0, end, spans))
        return tuple(parts)

    def _scratch(self, timeline: Timeline) -> Iterable[tuple[Use, Block]]:
        """The areas of each operation while it runs; a reduction, which takes rows as they arrive,
        keeps its sums there from its first step to its last, a recurrent layer its state.
        """
        found: dict[int, list[int]] = {}
        for step, time in zip(self.steps, timeline.where, strict=False):
            found.setdefault(step.operation, []).append(time)
        for index, operation in enumerate(self.program.operations):
            if operation.areas and operation.call is not None:
                times = found[index]
                keeps = operation.call.continues
                spans = [(times[0], times[-1])] if keeps else [(time, time) for time in times]
                use = Use("scratch", (operation.node.name,))
                yield from ((use, Block.of(size, joined(spans))) for size in operation.areas)


def _share(program: Program, times: Mapping[str, RowTimes]) -> dict[str, str]:
    """For each tensor, the first tensor in its memory."""
    storage = {name: name for name in program.graph.tensors}
    for operation in program.operations:
        source, output = operation.node.inputs[0], operation.node.outputs[0]
        if source in storage and (
            operation.call is None or _runs_in_place(program, times, storage, operation)
        ):
            storage[output] = storage[source]
    return storage


def _lent(program: Program, storage: Mapping[str, str]) -> tuple[str, ...]:
    """With states, the owners of the input and the output: both are where the states are. The
    output, unless it is made of pieces of the input, over which it is written.
    """
    graph = program.graph
    if not graph.states:
        return ()
    (source,), (output,) = graph.inputs, graph.outputs
    last = graph.producer(output)
    apart = last is not None and all(storage[name] != source for name in last.inputs)
    return (source, output) if apart and storage[output] == output else (source,)


def _runs_in_place(
    program: Program,
    times: Mapping[str, RowTimes],
    storage: Mapping[str, str],
    operation: Operation,
) -> bool:
    """Whether an operation can write its output over its input: the caller owns none of the tensors
    in that memory, and each row is read for the last time when the output row replaces it.
    """
    graph, source, output = program.graph, operation.node.inputs[0], operation.node.outputs[0]
    if operation.call is None or not operation.call.in_place:
        return False
    if byte_rows(graph.tensors[source]) != byte_rows(graph.tensors[output]):
        return False
    shared = [name for name, owner in storage.items() if owner == storage[source]]
    if any(name in graph.inputs or name in graph.outputs for name in shared):
        return False
    if len({byte_rows(graph.tensors[name]) for name in shared}) > 1:
        return False
    return may_overwrite([times[name] for name in shared], times[output])
