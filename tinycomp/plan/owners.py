"""The last writer of each byte of the arena, as a number: one per byte of each tensor, one per
operation's scratch.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinycomp.ops._rows import byte_rows
from tinycomp.plan.memory import Plan
from tinycomp.plan.program import Program, view_offsets

NOTHING, COUNTERS, SCRATCH = -1, -2, -3
"""Numbers: never written; the counters of a pushed inference; operation n's scratch is SCRATCH - n.
A tensor's bytes are numbered from `Arena.bases` on.
"""

Bytes = range
"""Bytes [start, stop) of the arena."""


class Arena:
    """The arena, with the last writer of each byte."""

    def __init__(self, planned: Plan) -> None:
        self.plan, graph = planned, planned.program.graph
        self.bases = _bases(planned.program)
        total = sum(tensor.nbytes for tensor in graph.tensors.values())
        self.numbers = np.arange(total, dtype=np.int32)
        self.written = np.full(planned.extent, NOTHING, np.int32)

    def lies(self, name: str, first: int, last: int) -> list[tuple[Bytes, NDArray[np.int32]]]:
        """Addresses of rows [first, last) of a tensor, and the numbers of their bytes: one run of
        bytes, or two if the rows wrap around the ring.
        """
        buffer, base = self.plan.buffers[name], self.bases[name]
        found = []
        while first < last:
            slot = first % buffer.ring
            count = min(last - first, buffer.ring - slot)
            start = buffer.offset + slot * buffer.stride
            number = base + first * buffer.stride
            size = count * buffer.stride
            found.append((range(start, start + size), self.numbers[number : number + size]))
            first += count
        return found

    def write(self, name: str, first: int, last: int) -> None:
        """Record that rows of a tensor were written."""
        for place, numbers in self.lies(name, first, last):
            self.written[place.start : place.stop] = numbers

    def lost(self, name: str, first: int, last: int) -> Bytes | None:
        """The first run of bytes that lacks rows of a tensor; None if all are present."""
        for place, numbers in self.lies(name, first, last):
            wrong = self.written[place.start : place.stop] != numbers
            if wrong.any():
                start = int(wrong.argmax())
                there = wrong[start:].argmin()
                stop = start + int(there) if there else len(wrong)
                return range(place.start + start, place.start + stop)
        return None

    def holder(self, byte: int) -> str:
        """Description of the contents of a byte."""
        number, program = int(self.written[byte]), self.plan.program
        if number <= SCRATCH:
            return f"the scratch of '{program.operations[SCRATCH - number].node.name}'"
        if number < 0:
            return "nothing" if number == NOTHING else "the counters of the pushed input"
        name = max(
            (name for name, base in self.bases.items() if base <= number),
            key=lambda name: self.bases[name],
        )
        stride = byte_rows(program.graph.tensors[name])[1]
        return f"row {(number - self.bases[name]) // stride} of '{name}'"


def _bases(program: Program) -> dict[str, int]:
    """The number of each tensor's first byte. A tensor that only renames another one, or a piece of
    it, has the same bytes, thus the same numbers.
    """
    found: dict[str, int] = {}
    renamed = {
        operation.node.outputs[0]: operation.node.inputs[0]
        for operation in program.operations
        if operation.call is None
    }
    views = view_offsets(program)
    count = 0
    for name, tensor in program.graph.tensors.items():
        if name not in renamed:
            found[name] = count
            count += tensor.nbytes
    for name in renamed:
        source = name
        while source in renamed:
            source = renamed[source]
        found[name] = found[source] + views[name]
    return found
