"""RAM over time: the arena by address and step, with the board's limit and the peak."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tinycomp.report.memory_chart import Rectangle, Segment, memory_chart
from tinycomp.report.numbers import cut_middle
from tinycomp.report.record import BufferRecord, MemoryRecord, Report

_KINDS = {
    "input": "the model's input",
    "scratch": "scratch of a kernel",
    "state": "counters of a pushed input",
}
_HIGH, _THIN = 5.0, 1.0
"""Minimum height in percent of a rectangle with a label; and the width up to which it has no side
borders.
"""
_LETTER, _LETTERS = {"wide": 0.9, "narrow": 2.3}, 40
"""Width of a letter in percent of the chart, on wide and on narrow pages; most letters of a label.
"""
_SPACED, _EACH = 6.0, (1, 2, 5, 10, 20, 50, 100)
"""Minimum distance in percent of two numbers on the axis; every so many layers have one."""
_BUFFERS, _LEGEND = 12, 24
"""Number of the largest buffers listed before the rest is folded; and of layers in the legend."""

View = dict[str, Any]


def memory(report: Report, hues: Mapping[str, int]) -> View | None:
    """The section; None without steps."""
    record = report.memory
    if record is None or not record.spans:
        return None
    limit = _limit(report)
    chart = memory_chart(record, limit)
    numbers = {span.layer: str(number) for number, span in enumerate(record.spans, 1)}
    buffers = sorted(record.buffers, key=lambda buffer: -buffer.size)
    rows = [_row(each, hues, buffers[0].size) for each in buffers]
    legend = _legend(record, hues, numbers)
    return {
        "rectangles": [_rectangle(each, hues, numbers) for each in chart.rectangles],
        "segments": _segments(chart.segments),
        "ticks": [(tick, 100 * tick / chart.top) for tick in chart.ticks],
        "legend": legend[:_LEGEND],
        "more": legend[_LEGEND:],
        "kinds": [(kind, text) for kind, text in _KINDS.items()
                  if any(_kind(buffer) == kind for buffer in record.buffers)],
        "buffers": rows[:_BUFFERS],
        "smaller": rows[_BUFFERS:],
        "arena": record.arena,
        "steps": record.steps,
        "limit": limit,
        "drawn_limit": None if chart.limit is None else 100 * chart.limit / chart.top,
        "times": None if limit is None else _times(limit / record.arena),
        "peak": _peak(record, chart.peak),
    }  # fmt: skip


def _limit(report: Report) -> int | None:
    """What the board has for the arena: its RAM less the stack and the state."""
    if report.room is None or report.ram is None:
        return None
    return report.room.ram - report.ram.state - (report.ram.stack or 0)


def _peak(record: MemoryRecord, place: tuple[float, float]) -> View:
    step = record.peak
    return {
        "left": place[0],
        "width": place[1],
        "bytes": record.usage[step],
        "layer": record.layer_at(step),
        "held": [(each.described, each.size) for each in record.at(step)],
    }


def _kind(buffer: BufferRecord) -> str:
    return "input" if buffer.kind == "tensor" and buffer.names[-1] == "input" else buffer.kind


def _row(buffer: BufferRecord, hues: Mapping[str, int], most: int) -> View:
    return {
        "name": buffer.described,
        "buffer": buffer,
        **_look(buffer, hues),
        "width": 100 * buffer.size / (most or 1),
    }


def _look(buffer: BufferRecord, hues: Mapping[str, int], thin: bool = False) -> View:
    """The class and the colour: a tensor has that of the layer that writes it."""
    hue = hues.get(buffer.names[-1]) if buffer.kind == "tensor" else None
    css = _kind(buffer) if hue is None else "h"
    return {
        "css": css + (" thin" if thin else ""),
        "color": "" if hue is None else f"--h:{hue};",
    }


def _rectangle(each: Rectangle, hues: Mapping[str, int], numbers: Mapping[str, str]) -> View:
    buffer = each.buffer
    return {
        **_look(buffer, hues, thin=each.width < _THIN),
        "left": each.left, "width": each.width, "bottom": each.bottom, "height": each.height,
        "labels": _labels(each, numbers),
        "title": f"{buffer.described}: {buffer.size:,} bytes at {buffer.offset:,}",
    }  # fmt: skip


def _labels(rectangle: Rectangle, numbers: Mapping[str, str]) -> dict[str, str]:
    """What fits into a rectangle on wide and on narrow pages: a name, or the layer's number in the
    tables.
    """
    if rectangle.height < _HIGH:
        return {}
    buffer, name = rectangle.buffer, cut_middle(rectangle.buffer.described, _LETTERS)
    number = numbers.get(buffer.names[-1], "") if buffer.kind == "tensor" else ""

    def fitting(letter: float) -> str:
        fits = [text for text in (name, number) if letter * (len(text) + 1) <= rectangle.width]
        return fits[0] if fits else ""

    return {page: text for page, letter in _LETTER.items() if (text := fitting(letter))}


def _segments(found: Sequence[tuple[Segment, float]]) -> list[View]:
    """The axis; a number that would reach beyond the right end is left out."""
    views: list[View] = []
    left = 0.0
    for segment, width in found:
        label = _axis_label(segment, width) if 100 - left >= _SPACED else ""
        views.append({"width": width, "label": label, "streamed": segment.width > 1})
        left += width
    return views


def _axis_label(segment: Segment, width: float) -> str:
    """Layers, numbered as in the tables."""
    first, last = segment.first_layer + 1, segment.last_layer + 1
    if first != last:
        return f"{first}\u2013{last}"
    each = next((count for count in _EACH if count * width >= _SPACED), _EACH[-1])
    return str(first) if first % each == 0 else ""


def _legend(
    record: MemoryRecord, hues: Mapping[str, int], numbers: Mapping[str, str]
) -> Sequence[View]:
    """The layers that write tensors, in order."""
    writers = {buffer.names[-1] for buffer in record.buffers if buffer.kind == "tensor"}
    return [
        {"number": number, "name": name, "hue": hues[name]}
        for name, number in numbers.items()
        if name in writers and name in hues
    ]


def _times(factor: float) -> str:
    return f"{factor:,.0f}" if factor >= 100 else f"{factor:.3g}"
