"""What takes most of a model's memory, in words for a refusal: the buffers at the arena's peak, the
layers whose constants are largest.
"""

from __future__ import annotations

import numpy as np

from tinycomp.ir.graph import Graph
from tinycomp.plan.memory import Plan, Use
from tinycomp.plan.place import usage
from tinycomp.plan.program import Operation
from tinycomp.plan.schedule import INPUT, Copy

_NAMED = 4
"""Buffers or layers that are named, at most."""


def peak(plan: Plan) -> str:
    """The layer that runs when most of the arena is in use, and what is in use then, the largest
    first; with bytes.
    """
    steps = plan.steps
    used = usage([block for _, block, _ in plan.blocks], len(steps) + 1)
    time = int(used[: len(steps)].argmax())
    held = []
    for use, block, _ in plan.blocks:
        parts = [part.end - part.start for part in block.parts if part.steps >> time & 1]
        if parts:
            held.append((sum(parts), _what(plan.program.graph, use)))
    held.sort(key=lambda each: -each[0])
    named = ", ".join(f"{what} {size:,}" for size, what in held[:_NAMED])
    rest = sum(size for size, _ in held[_NAMED:])
    return f"Most is needed {_when(plan, time)}: {named}{f', others {rest:,}' if rest else ''}."


def _when(plan: Plan, time: int) -> str:
    step = plan.steps[time]
    if isinstance(step, Copy):
        return "between layers"
    if step.operation == INPUT:
        return "while the input is taken"
    return f"by layer '{plan.program.operations[step.operation].node.name}'"


def _what(graph: Graph, use: Use) -> str:
    """A block by the layer whose output it is; names of tensors may have hundreds of letters."""
    if use.kind == "scratch":
        return f"scratch of '{use.names[0]}'"
    if use.kind == "state":
        return "counters"
    producer = graph.producer(use.names[-1])
    return "the input" if producer is None else f"output of '{producer.name}'"


def largest_layers(plan: Plan) -> str:
    """The layers whose constants take most of flash, with bytes."""
    sizes = [(_constants(operation), operation.node.name) for operation in plan.program.operations]
    sizes.sort(key=lambda each: -each[0])
    named = ", ".join(f"'{name}' {size:,}" for size, name in sizes[:_NAMED] if size)
    return f"Most constants belong to: {named}."


def _constants(operation: Operation) -> int:
    """Bytes of an operation's arrays, those of its codec included."""
    values = [*operation.fields.values()]
    values += [value for encoded in operation.encoded for value in encoded.fields.values()]
    return sum(value.nbytes for value in values if isinstance(value, np.ndarray))
