"""The bytes of the arena that are copied when rows are carried."""

from __future__ import annotations

from dataclasses import dataclass

from tinycomp.plan.carry import waiting_rows
from tinycomp.plan.memory import Plan
from tinycomp.plan.schedule import Copy


@dataclass(frozen=True)
class Move:
    """Rows to copy between their place in the ring and the place where they wait."""

    used: int
    """Offset into the arena while the rows are in use."""
    waiting: int
    """Offset into the arena while they wait."""
    size: int
    """Bytes."""


def move(plan: Plan, copy: Copy) -> Move | None:
    """The bytes that a copy moves; None if all rows wait in place."""
    ring, place = plan.buffers[copy.tensor], plan.carried[copy.tensor]
    first = (place.offset - ring.offset) // ring.stride
    kept = range(first, first + place.ring)
    pairs = waiting_rows(range(copy.first, copy.last), ring.ring, kept)
    if not pairs:
        return None
    used, waiting = (ring.offset + number * ring.stride for number in pairs[0])
    return Move(used, waiting, len(pairs) * ring.stride)
