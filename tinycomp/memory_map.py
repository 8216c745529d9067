"""What lies where in the arena, and from which step to which: a plan, for a report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tinycomp.plan.memory import STATE, Plan
from tinycomp.plan.rings import RowTimes, row_times
from tinycomp.report.record import BufferRecord, MemoryRecord, SpanRecord


def memory_record(plan: Plan) -> MemoryRecord:
    """All buffers of a plan: tensors by the memory that they share, scratch, and the counters of a
    pushed inference.
    """
    buffers = [*_tensors(plan), *_scratch(plan), *_state(plan)]
    ordered = sorted(buffers, key=lambda buffer: (buffer.first, buffer.offset))
    return MemoryRecord(plan.arena, len(plan.steps), tuple(_spans(plan)), tuple(ordered))


def _tensors(plan: Plan) -> Iterable[BufferRecord]:
    times = row_times(plan.program, plan.steps)
    groups: dict[str, list[str]] = {}
    for name, owner in plan.storage.items():
        groups.setdefault(owner, []).append(name)
    for names in groups.values():
        buffers = [plan.buffers[name] for name in names]
        size = max(buffer.ring * buffer.stride for buffer in buffers)
        first, last = _life([times[name] for name in names], len(plan.steps))
        writers = tuple(_writer(plan, name) for name in names)
        yield BufferRecord("tensor", writers, buffers[0].offset, size, first, last)


def _writer(plan: Plan, tensor: str) -> str:
    """The layer whose output it is: tensors of converted models have names of hundreds of
    letters.
    """
    producer = plan.program.graph.producer(tensor)
    return producer.name if producer else "input"


def _life(times: Sequence[RowTimes], steps: int) -> tuple[int, int]:
    """First and last step; the input lives before the first, an output behind the last."""
    first = min(int(each.written.min()) for each in times)
    last = max(int(each.read.max()) for each in times)
    return max(0, first), min(last, steps - 1)


def _spans(plan: Plan) -> Iterable[SpanRecord]:
    for index, operation in enumerate(plan.program.operations):
        first, last = _span(plan, index)
        yield SpanRecord(operation.node.name, first, last)


def _span(plan: Plan, operation: int) -> tuple[int, int]:
    found = [time for time, step in enumerate(plan.steps) if step.operation == operation]
    return found[0], found[-1]


def _scratch(plan: Plan) -> list[BufferRecord]:
    """Operations that use the same place at alternating steps share one area."""
    areas: list[BufferRecord] = []
    found = sorted((offset, *_span(plan, index), index) for index, offset in plan.scratch.items())
    for offset, first, last, index in found:
        operation = plan.program.operations[index]
        names = (operation.node.name,)
        area = BufferRecord("scratch", names, offset, operation.scratch, first, last)
        if areas and areas[-1].offset == offset and areas[-1].last >= first:
            area = _joined(areas.pop(), area)
        areas.append(area)
    return areas


def _joined(one: BufferRecord, other: BufferRecord) -> BufferRecord:
    return BufferRecord(
        one.kind,
        one.names + other.names,
        one.offset,
        max(one.size, other.size),
        min(one.first, other.first),
        max(one.last, other.last),
    )


def _state(plan: Plan) -> Iterable[BufferRecord]:
    if plan.state is not None:
        size = STATE * (len(plan.stretch) + 2)
        yield BufferRecord("state", (), plan.state, size, 0, len(plan.steps) - 1)
