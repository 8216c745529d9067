"""The largest parts of a model's memory, as text for a refusal: the buffers at the arena's peak,
the layers with the largest constants.
"""

from __future__ import annotations

import numpy as np

from tinycomp.ir.graph import Graph
from tinycomp.plan.memory import Plan, Use
from tinycomp.plan.place import usage
from tinycomp.plan.program import Operation
from tinycomp.plan.schedule import INPUT, Copy

_NAMED = 4
"""Maximum number of buffers or layers to name."""


def peak(plan: Plan) -> str:
    """The layer that runs at the arena's peak, and the buffers in use then, the largest first, with
    their bytes.
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
    return f"The peak is {_when(plan, time)}: {named}{f', others {rest:,}' if rest else ''}."


def _when(plan: Plan, time: int) -> str:
    step = plan.steps[time]
    if isinstance(step, Copy):
        return "between layers"
    if step.operation == INPUT:
        return "while the input is taken"
    return f"in layer '{plan.program.operations[step.operation].node.name}'"


def _what(graph: Graph, use: Use) -> str:
    """A block, named by the layer that writes it; tensor names may have hundreds of letters."""
    if use.kind == "scratch":
        return f"scratch of '{use.names[0]}'"
    if use.kind == "state":
        return "counters"
    producer = graph.producer(use.names[-1])
    return "the input" if producer is None else f"output of '{producer.name}'"


def largest_layers(plan: Plan) -> str:
    """The layers with the largest constants, with their bytes."""
    sizes = [(_constants(operation), operation.node.name) for operation in plan.program.operations]
    sizes.sort(key=lambda each: -each[0])
    named = ", ".join(f"'{name}' {size:,}" for size, name in sizes[:_NAMED] if size)
    return f"Largest constants: {named}."


def _constants(operation: Operation) -> int:
    """Bytes of an operation's arrays, including those of its codec."""
    values = [*operation.fields.values()]
    values += [value for encoded in operation.encoded for value in encoded.fields.values()]
    return sum(value.nbytes for value in values if isinstance(value, np.ndarray))
