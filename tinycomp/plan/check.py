"""Proof of a plan: its steps run on a symbolic memory that records the last writer of each byte of
the arena, and every step must find there what its operator reads.

This does not use the planner's lifetimes: the rows that a step needs come from
Operator.rows_needed, and the steps run in the library's order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from tinycomp.common.errors import InternalError
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Operands, Tensor
from tinycomp.ops._rows import byte_rows
from tinycomp.plan.memory import STATE, Plan, plan
from tinycomp.plan.moves import move
from tinycomp.plan.owners import COUNTERS, SCRATCH, Arena, Bytes
from tinycomp.plan.place import ALIGNMENT
from tinycomp.plan.program import Program, view_offsets
from tinycomp.plan.schedule import INPUT, Copy, Step, total_rows


def proven(planned: Plan, note: Callable[[str], None]) -> Plan:
    """The plan itself if it is correct, else the simplest one: all layers whole, except the first
    if the input is pushed.

    Args:
        planned: the plan to emit.
        note: receives a line if the plan is wrong.

    Raises:
        InternalError: the simplest plan is wrong too.
    """
    try:
        check(planned)
    except InternalError as error:
        pushed = planned.pushed
        plain = plan(planned.program, range(1 if pushed else 0), push=pushed)
        check(plain)
        note(
            f"{error} A simpler plan is used instead: its arena has {plain.arena:,} bytes, not "
            f"{planned.arena:,}."
        )
        return plain
    return planned


def check(planned: Plan) -> None:
    """Run all steps, byte by byte.

    Raises:
        InternalError: a step reads missing data or writes to forbidden memory; names the step, the
            tensor and the bytes.
    """
    replay = _Replay(planned)
    replay.begin()
    for step in _running_order(planned):
        if isinstance(step, Copy):
            replay.move(step)
        elif step.operation == INPUT:
            replay.take_input(step)
        else:
            replay.run(step)
    replay.end()


def _running_order(planned: Plan) -> Iterable[Step | Copy]:
    """All steps in the library's order: operations that run whole, the table, operations that run
    whole."""
    program, stretch = planned.program, planned.stretch
    count = len(program.operations)
    whole = [Step(index, 0, total_rows(program, index)) for index in range(count)]
    return (*whole[: stretch.start], *planned.table, *whole[stretch.stop :])


class _Replay:
    """Execution of a plan."""

    def __init__(self, planned: Plan) -> None:
        self.plan, self.program, self.graph = planned, planned.program, planned.program.graph
        self.arena = Arena(planned)
        self.done = [0] * len(self.program.operations)
        self.taken = 0
        state = STATE * (len(planned.stretch) + 2)
        self.state = None if planned.state is None else range(planned.state, planned.state + state)

    def begin(self) -> None:
        """Write the initial contents: the input, or the counters of a pushed one."""
        _require_layout(self.plan)
        if self.state is None:
            self.arena.write(self.graph.inputs[0], 0, _height(self.graph, self.graph.inputs[0]))
        else:
            self.arena.written[self.state.start : self.state.stop] = COUNTERS

    def end(self) -> None:
        """Check that every row was computed and the output is present."""
        for index, done in enumerate(self.done):
            total = total_rows(self.program, index)
            if done != total:
                raise _fault(f"{self._layer(index)} computes {done} of its {total} rows.")
        for name in self.graph.outputs:
            self._require(name, 0, _height(self.graph, name), "The end of the inference")

    def take_input(self, step: Step) -> None:
        """Take rows of the input from the caller."""
        who = f"The step that takes row {step.first} of the input"
        if self.state is None or (step.first, step.last) != (self.taken, self.taken + 1):
            raise _fault(f"{who} is not due: {self.taken} rows were taken.")
        self.taken = step.last
        self._keep_state(who)
        self.arena.write(self.graph.inputs[0], step.first, step.last)

    def move(self, copy: Copy) -> None:
        """Move rows to where they wait, or back."""
        who = f"The step that moves rows {copy.first} to {copy.last - 1} of '{copy.tensor}'"
        self._keep_state(who)
        found = move(self.plan, copy)
        if found is None:
            return
        used, waiting = (range(at, at + found.size) for at in (found.used, found.waiting))
        source, target = (waiting, used) if copy.back else (used, waiting)
        if _meet(source, target) or max(source.stop, target.stop) > self.plan.arena:
            raise _fault(f"{who} moves {_bytes(source)} to {_bytes(target)}.")
        written = self.arena.written
        written[target.start : target.stop] = written[source.start : source.stop]

    def run(self, step: Step) -> None:
        """Run a kernel call: read rows, use scratch, write rows."""
        index, (first, last) = step.operation, (step.first, step.last)
        who = f"The step of {self._layer(index)}, rows {first} to {last - 1},"
        if first != self.done[index] or last > total_rows(self.program, index):
            raise _fault(f"{who} is not due: {self.done[index]} rows were computed.")
        self.done[index] = last
        self._keep_state(who)
        call = self.program.operations[index].call
        operands = self.graph.operands(self.program.operations[index].node)
        read = _read_rows(operands, self.program, step)
        for name, low, high in read:
            self._require(name, low, high, who)
        output, (begin, end) = operands.output.name, self._written_rows(step)
        if call is not None:
            self._require_apart(who, step, read, (output, begin, end))
            self._use_scratch(who, step)
            self.arena.write(output, begin, end)
        self._require(output, begin, end, who)

    def _written_rows(self, step: Step) -> tuple[int, int]:
        """The output rows that a step writes: for a reduction all, at the last input row."""
        operation = self.program.operations[step.operation]
        if operation.call is None or not operation.call.input_rows:
            return step.first, step.last
        finished = step.last == total_rows(self.program, step.operation)
        return 0, _height(self.graph, operation.node.outputs[0]) if finished else 0

    def _require(self, name: str, first: int, last: int, who: str) -> None:
        """Check that rows of a tensor are in its buffer."""
        lost = self.arena.lost(name, first, last)
        if lost is not None:
            raise _fault(
                f"{who} needs rows {first} to {last - 1} of '{name}', but at {_bytes(lost)} of the "
                f"arena lies {self.arena.holder(lost.start)}."
            )

    def _require_apart(
        self, who: str, step: Step, read: Sequence[tuple[str, int, int]], made: tuple[str, int, int]
    ) -> None:
        """Check that scratch areas, inputs and outputs don't overlap, except output rows on input
        rows of a kernel that runs in place.
        """
        areas, lies = self._areas(step.operation), self.arena.lies
        outputs = [(made[0], place) for place, _ in lies(*made)]
        inputs = [(entry, place) for entry in read for place, _ in lies(*entry)]
        others = [*((name, place) for (name, _, _), place in inputs), *outputs]
        for number, area in enumerate(areas):
            for name, place in (*others, *(("scratch", area) for area in areas[:number])):
                if _meet(area, place):
                    raise _fault(f"{who} has '{name}' at {_bytes(place)} in its {_bytes(area)}.")
        call, buffers = self.program.operations[step.operation].call, self.plan.buffers
        assert call is not None
        source = self.program.operations[step.operation].node.inputs[0]
        for (name, low, high), place in inputs:
            same = buffers[name] == buffers[made[0]] and (low, high) == made[1:]
            if call.in_place and name == source and same:
                continue
            for _, target in outputs:
                if _meet(place, target):
                    raise _fault(
                        f"{who} writes '{made[0]}' to {_bytes(target)} while it reads '{name}' at "
                        f"{_bytes(place)}."
                    )

    def _areas(self, index: int) -> list[Bytes]:
        sizes = self.program.operations[index].areas
        offsets = self.plan.scratch.get(index, ())
        return [range(at, at + size) for at, size in zip(offsets, sizes, strict=True)]

    def _use_scratch(self, who: str, step: Step) -> None:
        """Check that a reduction's sums, or a recurrent layer's state, are still in scratch."""
        index, written = step.operation, self.arena.written
        call = self.program.operations[index].call
        keeps = call is not None and call.continues and step.first > 0
        for area in self._areas(index):
            mine = written[area.start : area.stop]
            if keeps and (mine != SCRATCH - index).any():
                raise _fault(f"{who} lost what it keeps at {_bytes(area)}.")
            mine[:] = SCRATCH - index

    def _keep_state(self, who: str) -> None:
        state = self.state
        if state is not None and (self.arena.written[state.start : state.stop] != COUNTERS).any():
            raise _fault(f"Before {who[0].lower()}{who[1:]} its counters were overwritten.")

    def _layer(self, index: int) -> str:
        return f"layer '{self.program.operations[index].node.name}'"


def _read_rows(operands: Operands, program: Program, step: Step) -> list[tuple[str, int, int]]:
    """Each computed input, and the rows [low, high) that a step reads of it."""
    op = program.operations[step.operation].node.op
    return [
        (value.name, *op.rows_needed(operands, position, step.first, step.last))
        for position, value in enumerate(operands.inputs)
        if isinstance(value, Tensor)
    ]


def _require_layout(planned: Plan) -> None:
    """Check the sizes and alignment of buffers and scratch, and that they are inside the arena."""
    graph, buffers = planned.program.graph, planned.buffers
    for name, buffer in buffers.items():
        height, stride = byte_rows(graph.tensors[name])
        fits = buffer.offset + buffer.ring * buffer.stride <= planned.extent
        if buffer.stride != stride or not 1 <= buffer.ring <= height or not fits:
            raise _fault(f"'{name}' has the buffer {buffer} in an arena of {planned.extent} bytes.")
    for index, operation in enumerate(planned.program.operations):
        offsets, who = planned.scratch.get(index, ()), operation.node.name
        ends = [at + size for at, size in zip(offsets, operation.areas, strict=False)]
        if len(offsets) != len(operation.areas) or max(ends, default=0) > planned.arena:
            raise _fault(f"The scratch of '{who}', {operation.areas} bytes, is at {offsets}.")
    scratch = [offset for offsets in planned.scratch.values() for offset in offsets]
    callers = {name for name in buffers if planned.storage[name] in planned.program.graph.inputs}
    for offset in (*scratch, *(buffers[name].offset for name in buffers.keys() - callers)):
        if offset % ALIGNMENT:
            raise _fault(f"A buffer begins at byte {offset}, which is no multiple of {ALIGNMENT}.")
    if planned.pushed and planned.stretch.start != 0:
        raise _fault("The input is pushed, but the first layer runs whole.")
    _require_the_callers(planned)


def _require_the_callers(planned: Plan) -> None:
    """Check memory that may belong to the caller (input and output): tensors in it have the same
    start and are no larger, no rows are moved, and nothing is written to the input. An output in
    the input's memory, such as a reshape of one of several inputs, is copied from there at the end.
    """
    graph, storage, buffers = planned.program.graph, planned.storage, planned.buffers
    views = view_offsets(planned.program)
    inputs = () if planned.pushed else graph.inputs
    taken = {storage[name] for name in inputs}
    written = [name for name in graph.outputs if storage[name] not in taken]
    for owner in (*written, *inputs):
        for name in [name for name in buffers if storage[name] == storage[owner]]:
            end = views.get(name, 0) + graph.tensors[name].nbytes
            if end > graph.tensors[owner].nbytes or name in planned.carried:
                raise _fault(
                    f"'{name}' is in the memory of '{owner}', which belongs to the caller."
                )
            if buffers[name].offset - views.get(name, 0) != buffers[owner].offset:
                raise _fault(f"'{name}' is not where '{owner}' has it.")
    for operation in planned.program.operations:
        if operation.call is not None and storage[operation.node.outputs[0]] in taken:
            raise _fault(f"Layer '{operation.node.name}' overwrites the caller's input.")


def _height(graph: Graph, name: str) -> int:
    return byte_rows(graph.tensors[name])[0]


def _meet(one: Bytes, other: Bytes) -> bool:
    return max(one.start, other.start) < min(one.stop, other.stop)


def _bytes(place: Bytes) -> str:
    return f"bytes {place.start} to {place.stop - 1}"


def _fault(what: str) -> InternalError:
    return InternalError(
        f"The plan of memory is wrong. {what}",
        hint="This is a bug in tinycomp: please report it with the model.",
    )
