"""Carried rows: between two uses of a streamed tensor only a few of its rows are still needed. They
can wait at one end of its ring while other tensors use the rest of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import chain, pairwise

import numpy as np

from tinycomp.ops._rows import byte_rows
from tinycomp.plan.place import Span
from tinycomp.plan.program import Program
from tinycomp.plan.rings import RowTimes
from tinycomp.plan.schedule import INPUT, Copy, Step


@dataclass(frozen=True)
class Pause:
    """The steps between two consecutive uses of a tensor, while some of its rows are kept."""

    after: int
    """The step of the use before the pause."""
    before: int
    """The step of the use after the pause."""
    first: int
    """The first kept row."""
    last: int
    """The row after the last kept one."""


@dataclass(frozen=True)
class Carried:
    """A tensor with rows that wait at one end of its ring during pauses."""

    tensor: str
    """Its name; of tensors that share memory, the first."""
    rows: int
    """Rows reserved for waiting."""
    ring: int
    """Rows of its ring."""
    stride: int
    """Bytes per row."""
    pauses: tuple[Pause, ...]
    """In the order of steps."""

    @property
    def copied(self) -> int:
        """Bytes copied per inference."""
        return 2 * self.stride * sum([self.moved(pause) for pause in self.pauses])

    def moved(self, pause: Pause) -> int:
        """Number of rows that are copied for a pause."""
        return _moved(pause.first % self.ring, pause.last - pause.first, self.ring, self.rows)

    @cached_property
    def copies(self) -> tuple[tuple[Copy, Copy], ...]:
        """For each pause, the copies at its start and at its end."""
        return tuple(
            (
                Copy(self.tensor, pause.first, pause.last, False, moved),
                Copy(self.tensor, pause.first, pause.last, True, moved),
            )
            for pause in self.pauses
            for moved in (self.moved(pause),)
        )


@cache
def _moved(first: int, count: int, ring: int, kept: int) -> int:
    return len(waiting_rows(range(first, first + count), ring, range(kept)))


def waiting_rows(rows: range, ring: int, kept: range) -> list[tuple[int, int]]:
    """Pairs (place in use, place while waiting) in a ring for the rows that must be copied to wait
    in `kept`; rows that are already there stay. Both sequences are consecutive.
    """
    places = sorted(row % ring for row in rows)
    free = [place for place in kept if place not in places]
    return [*zip([place for place in places if place not in kept], free, strict=False)]


def carriable(
    program: Program,
    steps: Sequence[Step],
    stretch: range,
    times: Mapping[str, RowTimes],
    groups: Mapping[str, Sequence[str]],
    rings: Mapping[str, int],
) -> list[Carried]:
    """All tensors that could be carried, those with the most copied bytes first.

    Args:
        program: the operations.
        steps: the schedule.
        stretch: the operations whose steps the table has; copies are among them.
        times: of every tensor.
        groups: tensors that share memory, by the first of them.
        rings: rows of their rings, by the same.
    """
    graph = program.graph
    counts = Counter([step.operation for step in steps])
    streamed = {
        graph.inputs[0] if number == INPUT else program.operations[number].node.outputs[0]
        for number, count in counts.items()
        if count > 1
    }
    found = []
    for owner, names in groups.items():
        shapes = {byte_rows(graph.tensors[name]) for name in names}
        if owner in streamed and len(shapes) == 1 and not {*names} & {*graph.outputs}:
            ((height, stride),) = shapes
            pauses = _short(
                [pause for pause in _pauses([times[name] for name in names])
                 if steps[pause.before].operation in (INPUT, *stretch)]
            )  # fmt: skip
            kept = max([pause.last - pause.first for pause in pauses], default=0)
            if 0 < kept < rings[owner] < height:
                found.append(Carried(owner, kept, rings[owner], stride, tuple(pauses)))
    return sorted(found, key=lambda each: -each.copied)


def _pauses(tensors: Sequence[RowTimes]) -> list[Pause]:
    """All pauses of tensors that share memory, given in the order in which they are written."""
    used = np.unique(np.concatenate([times.used for times in tensors]))
    paused = used[1:] > used[:-1] + 1
    after, before = used[:-1][paused], used[1:][paused]
    last = tensors[0].written.searchsorted(after, "right")
    first = last.copy()
    for times in tensors:
        alive = (times.written <= after[:, None]) & (times.read >= before[:, None])
        first = np.minimum(first, np.where(alive.any(1), alive.argmax(1), last))
    kept = first < last
    found = np.stack([after, before, first, last], axis=1)[kept].tolist()
    return [Pause(*pause) for pause in found]


def _short(pauses: Sequence[Pause]) -> list[Pause]:
    """The pauses with at most the most frequent number of rows: while the rows for a consumer are
    being computed, nearly the whole ring is in use.
    """
    counts = Counter([pause.last - pause.first for pause in pauses])
    usual = min(counts, key=lambda count: (-counts[count], count), default=0)
    return [pause for pause in pauses if pause.last - pause.first <= usual]


@dataclass(frozen=True, eq=False)
class Timeline:
    """A schedule with the copies of carried rows inserted."""

    plain: Sequence[Step]
    """The schedule without copies."""
    carried: Sequence[Carried]
    """The tensors whose rows are copied."""
    where: Sequence[int]
    """The new index of each original step, then that of the end."""
    copies: Mapping[str, Sequence[int]]
    """Per carried tensor: the indices of its copies, alternately away and back."""

    @cached_property
    def steps(self) -> tuple[Step | Copy, ...]:
        """Steps and copies in order."""
        found: dict[int, Step | Copy] = dict(zip(self.where, self.plain, strict=False))
        for each in self.carried:
            found.update(zip(self.copies[each.tensor], chain(*each.copies), strict=True))
        return tuple([found[time] for time in range(self.where[-1])])

    def moved(self, spans: Iterable[Span]) -> tuple[Span, ...]:
        """Converts spans of original steps."""
        where = self.where
        return tuple([(where[first], where[last]) for first, last in spans])

    def pauses(self, carried: Carried) -> tuple[Span, ...]:
        """Spans from each copy away to the copy back."""
        return tuple(pairwise(self.copies[carried.tensor]))[::2]


def with_copies(steps: Sequence[Step], carried: Sequence[Carried]) -> Timeline:
    """Insert copies: away directly after the last use and before other rows come back, to free the
    ring.
    """
    count = len(steps)
    before, after = np.zeros((2, count + 1), np.int64)
    ranks = []
    for each in carried:
        away, back = np.array([(pause.after, pause.before) for pause in each.pauses]).T
        ranks.append((away, after[away], back, before[back]))
        after[away] += 1
        before[back] += 1
    where = np.arange(count + 1) + before.cumsum() + after.cumsum() - after
    copies = {
        each.tensor: np.stack(
            [where[away] + 1 + sent, where[back] - before[back] + returned], axis=1
        ).ravel()
        for each, (away, sent, back, returned) in zip(carried, ranks, strict=True)
    }
    return Timeline(
        steps, carried, where.tolist(), {name: times.tolist() for name, times in copies.items()}
    )
