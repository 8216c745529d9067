"""The model as boxes in the order of execution, one below the other.

An arrow leads from each box to the next one if that reads it; every other connection has a lane of
its own at the right. The column is cut into pieces of equal width that stand side by side where the
page is wide: a lane leaves a piece at its lower end and enters the next one at the same place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tinycomp.report.colors import INPUT
from tinycomp.report.numbers import cut_middle
from tinycomp.report.record import ActivationRecord, Report

WIDTH, PITCH, BOX = 352, 48, 38
"""Of a piece, from a box to the next, and of a box: in units of the drawing."""
_LANE, _EDGE, _INSET = 9, 6, 12
"""Distance of lanes; from the boxes to the first; of the text from the left end of a box."""
_NAME_LETTER, _NOTE_LETTER = 6.7, 5.8
"""Width of a letter of a monospaced font in the two sizes."""
_SHORTEST = 8
"""Fewest letters of a text that is cut."""
_GUTTER = 110
"""The most that all lanes may take together: many of them lie closer to each other."""
_PIECE = 4
"""Most boxes of a piece."""


@dataclass(frozen=True)
class Link:
    """A connection that is no arrow to the next box, from one box to one or several."""

    source: int
    """Number of the box that writes the tensor."""
    targets: tuple[int, ...]
    """Numbers of those that read it, without the next box."""
    lane: int
    """Its lane, the innermost is 0."""


@dataclass(frozen=True)
class Drawing:
    """Boxes and connections, by number."""

    boxes: tuple[dict[str, Any], ...]
    """What is written in each."""
    arrows: frozenset[int]
    """Boxes from which an arrow leads to the next one."""
    links: tuple[Link, ...]
    """All other connections."""

    @property
    def lanes(self) -> int:
        """Number of lanes."""
        return 1 + max((link.lane for link in self.links), default=-1)

    @property
    def pitch(self) -> float:
        """From a lane to the next."""
        return min(_LANE, _GUTTER / max(self.lanes, 1))

    @property
    def box_width(self) -> float:
        """Of every box."""
        return round(WIDTH - 1 - (self.lanes * self.pitch + _EDGE if self.lanes else 0), 1)


def drawing(report: Report, hues: Mapping[str, int]) -> Drawing | None:
    """The drawing of a report's layers; None for an old report, which lacks their connections."""
    if not report.tensors or not any(layer.inputs for layer in report.layers):
        return None
    tensors = {tensor.name: tensor for tensor in report.tensors}
    written = {name for layer in report.layers for name in layer.outputs}
    ends = [tensor for tensor in report.tensors if tensor.name not in written]
    producers = {tensor.name: number for number, tensor in enumerate(ends)}
    boxes = [_input_box(tensor) for tensor in ends]
    readers: dict[int, set[int]] = {}
    for number, layer in enumerate(report.layers, len(ends)):
        for name in layer.inputs:
            readers.setdefault(producers[name], set()).add(number)
        producers.update(dict.fromkeys(layer.outputs, number))
        output = tensors[layer.outputs[0]]
        boxes.append(
            {
                "number": number - len(ends) + 1, "name": layer.name, "op": layer.op,
                "hue": hues[layer.name], "note": _note(output),
            }
        )  # fmt: skip
    arrows = frozenset(source for source, found in readers.items() if source + 1 in found)
    found = Drawing(tuple(boxes), arrows, _links(readers))
    return Drawing(tuple(_fitted(box, found.box_width) for box in boxes), arrows, found.links)


def _input_box(tensor: ActivationRecord) -> dict[str, Any]:
    return {
        "number": "", "name": tensor.name, "op": INPUT, "hue": None, "note": _note(tensor),
    }  # fmt: skip


def _note(tensor: ActivationRecord) -> str:
    """Shape, type unless it is the usual one, and the real value of q."""
    kind = "" if tensor.dtype == "int8" else f" {tensor.dtype}"
    if tensor.scale is None:
        return tensor.dimensions + kind
    return f"{tensor.dimensions}{kind}, {tensor.scale:.3g}\u00d7{_stored(tensor)}"


def _stored(tensor: ActivationRecord) -> str:
    """The stored value q less its zero point."""
    zero = tensor.zero_point or 0
    return "q" if zero == 0 else f"(q\u2212{zero})" if zero > 0 else f"(q+{-zero})"


def _fitted(box: dict[str, Any], width: float) -> dict[str, Any]:
    """The box with texts that fit; the whole name is its title."""
    number = f"{box['number']} " if box["number"] else ""
    name_room = int((width - 2 * _INSET) / _NAME_LETTER) - len(number)
    note_room = int((width - 2 * _INSET) / _NOTE_LETTER) - len(box["op"]) - 2
    return {
        **box,
        "title": f"{box['name']}: {box['op']}, {box['note']}",
        "label": number + cut_middle(box["name"], max(name_room, _SHORTEST)),
        "note": cut_middle(box["note"], max(note_room, _SHORTEST)),
    }


def _links(readers: Mapping[int, set[int]]) -> tuple[Link, ...]:
    """Connections with their lanes: short ones first, so that they lie inside of long ones."""
    wanted = []
    for source, found in readers.items():
        targets = tuple(sorted(found - {source + 1}))
        if targets:
            wanted.append((targets[-1] - source, source, targets))
    lanes: list[list[tuple[int, int]]] = []
    links = []
    for _, source, targets in sorted(wanted):
        lane = next(
            (n for n, taken in enumerate(lanes) if _is_free(taken, source, targets[-1])), len(lanes)
        )
        if lane == len(lanes):
            lanes.append([])
        lanes[lane].append((source, targets[-1]))
        links.append(Link(source, targets, lane))
    return tuple(sorted(links, key=lambda link: link.source))


def _is_free(taken: Sequence[tuple[int, int]], first: int, last: int) -> bool:
    return all(last < start or end < first for start, end in taken)


def pieces(found: Drawing) -> list[dict[str, Any]]:
    """The drawing cut into pieces, with the places of all their parts."""
    count = len(found.boxes)
    return [_piece(found, first, min(first + _PIECE, count)) for first in range(0, count, _PIECE)]


def _piece(found: Drawing, first: int, end: int) -> dict[str, Any]:
    """The boxes [first, end)."""
    height = PITCH * (end - first)

    def top(number: int) -> float:
        return PITCH * (number - first) + (PITCH - BOX) / 2

    arrows = []
    for number in range(first - 1, end):
        if number in found.arrows:
            start = 0 if number < first else top(number) + BOX
            stop = height if number + 1 >= end else top(number + 1)
            arrows.append({"x": found.box_width / 2, "from": start, "to": stop,
                           "head": number + 1 < end})  # fmt: skip
    return {
        "width": WIDTH, "height": height, "box_width": found.box_width, "box_height": BOX,
        "inset": _INSET,
        "boxes": [{**found.boxes[n], "y": top(n)} for n in range(first, end)],
        "arrows": arrows,
        "links": [line for link in found.links if (line := _line(found, link, first, end))],
    }  # fmt: skip


def _line(found: Drawing, link: Link, first: int, end: int) -> dict[str, Any] | None:
    """The part of a connection in the piece [first, end)."""
    last = link.targets[-1]
    if last < first or link.source >= end:
        return None
    x = round(found.box_width + _EDGE + found.pitch * (link.lane + 0.5), 1)
    leaves = PITCH * (link.source - first) + PITCH / 2 + BOX / 4
    reached = [PITCH * (target - first) + PITCH / 2 - BOX / 4 for target in link.targets]
    inside = [y for target, y in zip(link.targets, reached, strict=True) if first <= target < end]
    start = max(leaves, 0.0)
    stop = PITCH * (end - first) if last >= end else reached[-1]
    path = f"M{found.box_width:g} {leaves:g}H{x:g}" if link.source >= first else f"M{x:g} 0"
    path += f"M{x:g} {start:g}V{stop:g}"
    path += "".join(f"M{x:g} {y:g}H{found.box_width:g}" for y in inside)
    return {
        "path": path,
        "heads": [{"x": found.box_width, "y": y} for y in inside],
        "hue": found.boxes[link.source]["hue"],
    }
