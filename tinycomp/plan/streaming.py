"""Which stretch of a model is streamed by rows: the one that makes the arena smallest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

from tinycomp.errors import ModelError
from tinycomp.ops._rows import rows
from tinycomp.plan.memory import least_arena
from tinycomp.plan.program import Program
from tinycomp.plan.schedule import total_rows

Optimize = Literal["ram", "speed", "balanced"]
OPTIMIZE: tuple[Optimize, ...] = get_args(Optimize)

_CANDIDATES = 24
"""Ends of a stretch that are planned in full; those behind the smallest tensors."""
_PIXELS = (1, 8, 16, 24, 32, 64)
"""Sizes of a step that are planned."""
_SAVING = 0.1
"""Balanced: so much more than the smallest arena may be spent on fewer steps."""


@dataclass(frozen=True)
class Streaming:
    """Which operations are streamed, and how many pixels a step of theirs takes at least."""

    stretch: range = range(0)
    pixels: int = 1


def choose(
    program: Program, optimize: Optimize = "balanced", limit: int | None = None
) -> Streaming:
    """The operations to stream.

    "speed" streams nothing: weights are read once. "ram" takes the smallest arena. "balanced" takes
    the fewest steps that come near it, because each costs a call, and reads weights again.

    Args:
        program: the operations.
        optimize: for what.
        limit: bytes that the arena may have: what does not fit gives way to the fewest steps that
            do, and where none does to the smallest arena.
    """
    whole = Streaming()
    found = {whole: least_arena(program, whole.stretch)}
    if optimize == "speed" and (limit is None or found[whole].bytes <= limit):
        return whole
    for end in _ends(program):
        for pixels in _PIXELS:
            found[Streaming(range(end), pixels)] = least_arena(program, range(end), pixels)
    smallest = min(bound.bytes for bound in found.values())
    most = {"speed": found[whole].bytes, "balanced": (1 + _SAVING) * smallest, "ram": smallest}
    allowed = most[optimize] if limit is None else max(smallest, min(most[optimize], limit))
    fitting = [streaming for streaming, bound in found.items() if bound.bytes <= allowed]
    return min(fitting, key=lambda streaming: found[streaming].steps)


def _ends(program: Program) -> list[int]:
    """Where a stretch that begins with the model may end: before tensors that are small, and not
    within a run of operations of a single row, which streaming does not change.
    """
    graph, found = program.graph, []
    for index, operation in enumerate(program.operations):
        if total_rows(program, index) > 1 or index == 0:
            found.append((graph.tensors[operation.node.outputs[0]].size, index + 1))
    return sorted(end for _, end in sorted(found)[:_CANDIDATES])


def require_pushable(program: Program, streaming: Streaming) -> Streaming:
    """The same, or at least the first operation streamed, for an input that comes row by row.

    Raises:
        ModelError: the input is a single row, or the output is the input.
    """
    graph = program.graph
    shape = graph.tensors[graph.inputs[0]].shape
    if not program.operations or rows(shape)[0] == 1:
        raise ModelError(
            f"The input of '{graph.name}' has the shape {shape}: it has no rows to push.",
            expected="Expected several rows (the first axis) and at least one layer.",
            hint="Leave out --push-input.",
        )
    return streaming if streaming.stretch else replace(streaming, stretch=range(1))
