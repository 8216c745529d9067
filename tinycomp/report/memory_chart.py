"""The arena over time as rectangles: x is the step, y the address, both in percent.

A layer that runs whole is one unit wide; n streamed layers are n units wide together, shared evenly
by their steps. So a thousand steps of single rows don't hide the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tinycomp.report.record import AreaRecord, BufferRecord, MemoryRecord

_TICKS, _APART = 6, 0.06
"""Maximum number of marked addresses; and the minimum distance of a mark from the top, as a
fraction.
"""


_NEAR = 1.6
"""A limit is drawn if it is at most so many times the arena: else the arena would look flat."""


@dataclass(frozen=True)
class Segment:
    """Consecutive steps of the layers [first_layer, last_layer], on an axis of layers."""

    first_layer: int
    """Counted from 0."""
    last_layer: int
    """Included."""
    first_step: int
    """Counted from 0."""
    last_step: int
    """Included."""
    start: int
    """Start on the axis, in layers."""

    @property
    def width(self) -> int:
        """In layers."""
        return self.last_layer - self.first_layer + 1

    def place(self, step: int) -> float:
        """Position of a step on the axis."""
        steps = self.last_step - self.first_step + 1
        return self.start + self.width * (step - self.first_step) / steps


@dataclass(frozen=True)
class Rectangle:
    """An area of a buffer, in percent of the chart."""

    buffer: BufferRecord
    """The buffer."""
    left: float
    """From the left edge."""
    width: float
    """Of the rectangle."""
    bottom: float
    """From the bottom edge."""
    height: float
    """Of the rectangle."""


@dataclass(frozen=True)
class MemoryChart:
    """The contents of the chart."""

    rectangles: tuple[Rectangle, ...]
    """Areas of buffers."""
    segments: tuple[tuple[Segment, float], ...]
    """With their widths in percent."""
    ticks: tuple[int, ...]
    """Addresses to mark."""
    top: int
    """The address at the upper edge."""
    limit: int | None
    """Bytes that the board has for the arena, if they are not far above its end."""
    peak: tuple[float, float]
    """Left edge and width of the step with the most bytes in use, in percent."""


def memory_chart(memory: MemoryRecord, limit: int | None = None) -> MemoryChart:
    """Lay out a memory record that has steps.

    Args:
        memory: the record.
        limit: bytes that the board has for the arena; None: not limited.
    """
    shown = limit if limit is not None and limit <= _NEAR * memory.arena else None
    top = max(memory.arena, shown or 0)
    segments = _segments(memory)
    total = segments[-1].start + segments[-1].width
    widths = tuple((segment, 100 * segment.width / total) for segment in segments)
    rectangles = (
        _rectangle(buffer, area, top, segments, total)
        for buffer in memory.buffers
        for area in buffer.areas
    )
    left = 100 * _place(memory.peak, segments) / total
    right = 100 * _place(memory.peak + 1, segments) / total
    peak = (left, right - left)
    return MemoryChart(tuple(rectangles), widths, _ticks(memory.arena), top, shown, peak)


def _ticks(arena: int) -> tuple[int, ...]:
    """Round addresses and the end of the arena."""
    steps = (factor * 10**power for power in range(10) for factor in (1, 2, 5))
    step = next(step for step in steps if arena / step <= _TICKS)
    return (*(tick for tick in range(0, arena, step) if tick < (1 - _APART) * arena), arena)


def _segments(memory: MemoryRecord) -> list[Segment]:
    """Groups of layers with alternating steps, each with all steps up to the next group."""
    runs: list[tuple[int, int, int]] = []  # first layer, last layer, last step
    for number, span in enumerate(memory.spans):
        if runs and span.first <= runs[-1][2]:
            first, _, last = runs.pop()
            runs.append((first, number, max(last, span.last)))
        else:
            runs.append((number, number, span.last))
    segments: list[Segment] = []
    for first, last, last_step in runs:
        before = segments[-1] if segments else None
        first_step = before.last_step + 1 if before else 0
        start = before.start + before.width if before else 0
        segments.append(Segment(first, last, first_step, last_step, start))
    return segments


def _rectangle(
    buffer: BufferRecord, area: AreaRecord, top: int,
    segments: Sequence[Segment], total: int,
) -> Rectangle:  # fmt: skip
    left = 100 * _place(area.first, segments) / total
    right = 100 * _place(area.last + 1, segments) / total
    return Rectangle(
        buffer,
        left,
        right - left,
        100 * area.offset / top,
        100 * area.size / top,
    )


def _place(step: int, segments: Sequence[Segment]) -> float:
    for segment in segments:
        if step <= segment.last_step:
            return segment.place(step)
    return segments[-1].start + segments[-1].width
