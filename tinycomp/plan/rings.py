"""How long each row of each tensor is needed, and thus how many rows of a tensor must be kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinycomp.ops._rows import rows
from tinycomp.plan.program import Program
from tinycomp.plan.schedule import INPUT, Step, read_rows

Steps = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class RowTimes:
    """When the rows of a tensor are written and last read."""

    written: Steps
    """Per row, the step that writes it; -1 for the model's input, written before all steps."""
    read: Steps
    """Per row, the last step that reads it: after all steps for an output; the writing step if it
    is never read.
    """
    used: Steps
    """All steps that write or read a row, in any order."""

    @property
    def spans(self) -> list[tuple[int, int]]:
        """Per row, the first step and the last one for which it is kept."""
        return [*zip(self.written.clip(0).tolist(), self.read.tolist(), strict=True)]


def row_times(program: Program, steps: Sequence[Step]) -> dict[str, RowTimes]:
    """Times of every tensor."""
    graph = program.graph
    heights = {name: rows(tensor.shape)[0] for name, tensor in graph.tensors.items()}
    written = {name: np.full(height, -1, np.int64) for name, height in heights.items()}
    read = {name: np.full(height, -1, np.int64) for name, height in heights.items()}
    used: dict[str, list[int]] = {name: [] for name in heights}
    for time, step in enumerate(steps):
        if step.operation == INPUT:
            written[graph.inputs[0]][step.first : step.last] = time
            used[graph.inputs[0]].append(time)
            continue
        operation = program.operations[step.operation]
        for name, low, high in read_rows(program, step.operation, step.first, step.last):
            read[name][low:high] = time
            used[name].append(time)
        output = operation.node.outputs[0]
        if operation.call is not None and operation.call.input_rows:
            written[output][:] = time  # overwritten until the last of its steps
        else:
            written[output][step.first : step.last] = time
        used[output].append(time)
    for name in graph.outputs:
        read[name][:] = len(steps)
    return {
        name: RowTimes(
            written[name], np.maximum(read[name], written[name]), np.array(used[name], np.int64)
        )
        for name in heights
    }


def ring(tensors: Iterable[RowTimes]) -> int:
    """The number of rows that tensors in one memory need, with row y of each at y modulo the ring.

    A row may be overwritten by the row with the same number in the step that reads it last (in
    place), and by any other row afterwards.
    """
    found = list(tensors)
    steps = np.unique(np.concatenate([times.written for times in found]))
    top = np.max([times.written.searchsorted(steps, "right") for times in found], axis=0)
    low = np.min([_first_needed(times, steps) for times in found], axis=0)
    return max(1, int((top - low).max()))


def _first_needed(times: RowTimes, steps: Steps) -> Steps:
    """For each of some steps, the first row that is still read at that step or later."""
    found: Steps = np.maximum.accumulate(times.read).searchsorted(steps)
    return found


def may_overwrite(sources: Iterable[RowTimes], output: RowTimes) -> bool:
    """Whether each row of the output may replace the same row of all sources."""
    return all((times.read <= output.written).all() for times in sources)
