"""Which bytes of the arena move when rows are carried."""

from __future__ import annotations

from dataclasses import dataclass

from tinycomp.plan.carry import waiting_rows
from tinycomp.plan.memory import Plan
from tinycomp.plan.schedule import Copy


@dataclass(frozen=True)
class Move:
    """Bytes that lie at one offset into the arena while they are used, and wait at another one."""

    used: int
    waiting: int
    size: int


def move(plan: Plan, copy: Copy) -> Move | None:
    """What a step moves, or moves back; None where all rows wait where they lie."""
    ring, place = plan.buffers[copy.tensor], plan.carried[copy.tensor]
    first = (place.offset - ring.offset) // ring.stride
    kept = range(first, first + place.ring)
    pairs = waiting_rows(range(copy.first, copy.last), ring.ring, kept)
    if not pairs:
        return None
    used, waiting = (ring.offset + number * ring.stride for number in pairs[0])
    return Move(used, waiting, len(pairs) * ring.stride)
