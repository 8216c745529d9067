"""Addresses: every tensor and scratch area gets a place in one arena, by its lifetime over the
schedule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

from tinycomp.ops._rows import rows
from tinycomp.plan.carry import Carried, Timeline, carriable, with_copies
from tinycomp.plan.place import EFFORT, Block, Part, joined, most_used, place, usage
from tinycomp.plan.program import Operation, Program
from tinycomp.plan.rings import RowTimes, may_overwrite, ring, row_times
from tinycomp.plan.schedule import INPUT, Copy, Step, schedule

STATE = 2
"""Bytes of one counter of a pushed inference."""

_PARTS = 16
"""Rows of a whole tensor come and go in at most so many parts."""


@dataclass(frozen=True)
class Buffer:
    """Where a tensor lies: offset into the arena, bytes a row, and how many rows are kept."""

    offset: int
    stride: int
    ring: int


@dataclass(frozen=True)
class Use:
    """What a block is for: kind "tensor" (names: those that share it), "scratch" (the node that
    works there) or "state" (of a pushed inference).
    """

    kind: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Plan:
    """What emit needs: steps in order, a buffer for each tensor, offsets of each
    operation's scratch areas. Sizes in bytes.

    stretch is the operations whose steps alternate (`table`); those before and behind it run whole,
    in the graph's order. storage names, for each tensor, the tensor
    whose memory it shares (itself where it has its own). carried is where in their rings rows of
    some of those wait between uses. arena is everything: tensors (input and output among them) and
    scratch; scratch_size is what of it lies beyond all tensors. blocks: all that was placed, and
    where.
    """

    program: Program
    stretch: range
    steps: tuple[Step | Copy, ...]
    buffers: Mapping[str, Buffer]
    storage: Mapping[str, str]
    carried: Mapping[str, Buffer]
    scratch: Mapping[int, tuple[int, ...]]
    arena: int
    scratch_size: int
    blocks: tuple[tuple[Use, Block, int], ...]
    state: int | None = None
    """Where a pushed inference keeps how far it has come: STATE bytes for each streamed operation,
    and for the input, and for the schedule. None where the input is not pushed.
    """

    @property
    def pushed(self) -> bool:
        """Whether the caller may hand over the input row by row."""
        return self.state is not None

    @property
    def table(self) -> tuple[Step | Copy, ...]:
        """The steps of the stretch, and the copies among them, in order."""
        return tuple(
            step
            for step in self.steps
            if isinstance(step, Copy) or step.operation in (INPUT, *self.stretch)
        )


def _stretch(steps: Sequence[Step], count: int) -> range:
    """The operations, of so many, that run by the table of steps. Those before and behind them are
    done whole, in one step each, and in the graph's order.
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
    Reshapes alias; an operation that may run in place does so where its input dies with it.

    Args:
        program: the operations.
        stretch: the consecutive operations that are streamed by rows; see streaming.choose.
        pixels: a streamed step takes as many rows as have so many pixels, where they are needed.
        limit: bytes of arena beyond which rows are carried; None: no row is.
        push: the input comes by rows, too. Needs a stretch that begins with the first operation.
    """
    return placed(Draft(program, stretch, pixels, push).within(limit))


def placed(need: Needs, effort: int = EFFORT) -> Plan:
    """Find places for everything, in as few bytes as can be."""
    found, arena = place([block for _, block in need.blocks], effort)
    places = tuple((use, *each) for (use, _), each in zip(need.blocks, found, strict=True))
    program = need.program
    owners = {
        use.names[0]: (block, offset) for use, block, offset in places if use.kind == "tensor"
    }
    heights = {name: rows(tensor.shape) for name, tensor in program.graph.tensors.items()}
    buffers = {
        name: Buffer(owners[owner][1], heights[name][1], min(heights[name][0], need.rings[owner]))
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
    tensors = max(offset + block.aligned for block, offset in owners.values())
    state = next((offset for use, _, offset in places if use.kind == "state"), None)
    return Plan(
        program, need.stretch, need.steps, buffers, need.storage, waiting, scratch, arena,
        arena - tensors, places, state,
    )  # fmt: skip


def _waiting(carried: Carried, ring: Block, offset: int) -> Buffer:
    """The part of a ring that is in use all the time."""
    part = max(ring.parts, key=lambda part: part.steps.bit_count())
    return Buffer(offset + part.start, carried.stride, carried.rows)


@dataclass(frozen=True, eq=False)
class Needs:
    """What a schedule needs of memory, and what for."""

    program: Program
    stretch: range
    steps: tuple[Step | Copy, ...]
    storage: Mapping[str, str]
    rings: Mapping[str, int]
    carried: Sequence[Carried]
    blocks: Sequence[tuple[Use, Block]]

    @cached_property
    def least(self) -> int:
        """The arena in bytes, if places are found for everything as close as can be."""
        return most_used([block for _, block in self.blocks])


class Draft:
    """A schedule's lifetimes, from which what is carried can be chosen; see plan for the
    arguments.
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
        self.alive = {owner: self._alive(owner) for owner in self.groups}

    @cached_property
    def carriable(self) -> list[Carried]:
        """All tensors whose rows can be carried."""
        return carriable(self.program, self.steps, self.times, self.groups, self.rings)

    def within(self, limit: int | None) -> Needs:
        """With rows carried beyond a limit, or none."""
        return self.needs([] if limit is None else self.worthwhile(limit))

    def needs(self, carried: Sequence[Carried]) -> Needs:
        """With these tensors carried."""
        timeline = with_copies(self.steps, carried)
        pauses = {each.tensor: each for each in carried}
        blocks = [self._tensor(owner, timeline, pauses.get(owner)) for owner in self.groups]
        blocks += self._scratch(timeline)
        if self.push:
            size = STATE * (len(self.stretch) + 2)
            blocks.append((Use("state"), Block.of(size, [(0, len(timeline.steps) - 1)])))
        return Needs(
            self.program, self.stretch, timeline.steps, self.storage, self.rings, carried, blocks
        )

    def worthwhile(self, limit: int) -> list[Carried]:
        """As few of the tensors whose rows can be carried as keep the arena within the limit, or as
        small as can be.
        """
        possible = self.carriable
        timeline = with_copies(self.steps, possible)
        count = len(timeline.steps) + 1
        used = usage([block for _, block in self.needs(possible).blocks], count)
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
        """The memory of tensors that share it, while one of their rows is needed. Where rows wait
        they do so at either end of it, and others have the rest meanwhile.
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
        """While which steps rows are needed of tensors that share memory; an input from the start
        on. All rows of a ring are one part.
        """
        names, ring_rows = self.groups[owner], self.rings[owner]
        shapes = [rows(self.program.graph.tensors[name].shape) for name in names]
        size = max(min(height, ring_rows) * stride for height, stride in shapes)
        height = max(height for height, _ in shapes)
        apart = len({*shapes}) == 1 and ring_rows == height
        count = -(-height // _PARTS) if apart else height
        parts: list[Part] = []
        for first in range(0, height, count):
            spans = joined(
                (max(0, int(written)), int(read))
                for times in (self.times[name] for name in names)
                for written, read in zip(
                    times.written[first : first + count], times.read[first : first + count],
                    strict=True,
                )
            )  # fmt: skip
            end = min(first + count, height) * size // height
            if parts and parts[-1].spans == spans:
                parts[-1] = replace(parts[-1], end=end)
            else:
                parts.append(Part(parts[-1].end if parts else 0, end, spans))
        return tuple(parts)

    def _scratch(self, timeline: Timeline) -> Iterable[tuple[Use, Block]]:
        """An area for each operation while it runs; a reduction, which takes rows as they come,
        keeps its sums there from its first step to its last.
        """
        found: dict[int, list[int]] = {}
        for step, time in zip(self.steps, timeline.where, strict=False):
            found.setdefault(step.operation, []).append(time)
        for index, operation in enumerate(self.program.operations):
            if operation.areas and operation.call is not None:
                times = found[index]
                keeps = operation.call.input_rows
                spans = [(times[0], times[-1])] if keeps else [(time, time) for time in times]
                use = Use("scratch", (operation.node.name,))
                yield from ((use, Block.of(size, joined(spans))) for size in operation.areas)


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
