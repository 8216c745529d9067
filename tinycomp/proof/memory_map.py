"""A plan for the report: which buffers are where in the arena, and when."""

from __future__ import annotations

from collections.abc import Iterable

from tinycomp.plan.memory import Plan, Use
from tinycomp.plan.place import Block
from tinycomp.plan.schedule import Step
from tinycomp.report.record import AreaRecord, BufferRecord, MemoryRecord, SpanRecord


def memory_record(plan: Plan) -> MemoryRecord:
    """All buffers of a plan: memory shared by tensors, scratch, and the counters of a pushed
    inference.
    """
    last = len(plan.steps) - 1
    buffers = [
        BufferRecord(
            use.kind, _layers(plan, use), offset, block.size, tuple(_areas(block, offset, last))
        )
        for use, block, offset in plan.blocks
    ]
    ordered = sorted(buffers, key=lambda buffer: (buffer.first, buffer.offset))
    return MemoryRecord(plan.arena, len(plan.steps), tuple(_spans(plan)), tuple(ordered))


def _layers(plan: Plan, use: Use) -> tuple[str, ...]:
    """The layers that write the tensors of a block, since tensors of converted models have names of
    hundreds of letters; for scratch, the layer that uses it.
    """
    if use.kind != "tensor":
        return use.names
    producers = [plan.program.graph.producer(name) for name in use.names]
    return tuple(producer.name if producer else "input" for producer in producers)


def _areas(block: Block, offset: int, last: int) -> Iterable[AreaRecord]:
    """Clips a lifetime to the steps: an output lives beyond the last one."""
    for part in block.parts:
        for first, end in part.spans:
            yield AreaRecord(offset + part.start, part.end - part.start, first, min(end, last))


def _spans(plan: Plan) -> Iterable[SpanRecord]:
    for index, operation in enumerate(plan.program.operations):
        found = [
            time
            for time, step in enumerate(plan.steps)
            if isinstance(step, Step) and step.operation == index
        ]
        yield SpanRecord(operation.node.name, found[0], found[-1])
