"""Places in one arena: blocks that are in use at the same step never overlap."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

ALIGNMENT = 4
"""Bytes: kernels may load words from the start of a buffer."""

_ATTEMPTS = 60_000
"""Blocks that are placed, in all orders that are tried, before the best one found is taken."""

Span = tuple[int, int]
"""First and last step, both included."""


@dataclass(frozen=True)
class Block:
    """A piece of memory of `size` bytes that is in use during `spans`, in order and apart. What it
    holds is lost between them.
    """

    size: int
    spans: tuple[Span, ...]

    @property
    def aligned(self) -> int:
        """What it takes of the arena, in bytes."""
        return -(-self.size // ALIGNMENT) * ALIGNMENT

    @cached_property
    def steps(self) -> int:
        """Bit t is set where it is in use at step t."""
        return sum((1 << (last + 1)) - (1 << first) for first, last in self.spans)


def joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same steps in as few spans as there can be."""
    found: list[Span] = []
    for first, last in sorted(spans):
        if found and first <= found[-1][1] + 1:
            first, before = found.pop()
            last = max(last, before)
        found.append((first, last))
    return tuple(found)


def usage(blocks: Iterable[Block], steps: int) -> NDArray[np.int64]:
    """The bytes that are in use at each of so many steps."""
    changes = np.zeros(steps + 1, np.int64)
    for block in blocks:
        for first, last in block.spans:
            changes[first] += block.aligned
            changes[last + 1] -= block.aligned
    used: NDArray[np.int64] = np.cumsum(changes)[:-1]
    return used


def most_used(blocks: Sequence[Block]) -> int:
    """The most bytes that are in use at any one step."""
    steps = max((block.spans[-1][1] for block in blocks), default=0) + 1
    return int(usage(blocks, steps).max(initial=0))


def place(blocks: Sequence[Block], enough: int = 0) -> tuple[list[int], int]:
    """Offsets for the blocks, none overlapping in both time and space, and the bytes in all.

    First fit over several orders (largest first, then seeded shuffles around it) until the lower
    bound is met, which is the most that is in use at any one step, or `enough`.
    """
    bound, rivals = max(enough, most_used(blocks)), _rivals(blocks)
    order = sorted(range(len(blocks)), key=lambda i: (-blocks[i].size, blocks[i].spans, i))
    best, best_size = _first_fit(blocks, rivals, order)
    shuffle = random.Random(0)
    for _ in range(_ATTEMPTS // max(1, len(blocks)) if blocks else 0):
        if best_size <= bound:
            break
        candidate = list(order)
        i, j = shuffle.randrange(len(order)), shuffle.randrange(len(order))
        candidate.insert(j, candidate.pop(i))
        offsets, size = _first_fit(blocks, rivals, candidate)
        if size <= best_size:
            order, best, best_size = candidate, offsets, size
    return best, best_size


def _rivals(blocks: Sequence[Block]) -> list[list[int]]:
    """For each block, those that are in use while it is."""
    return [
        [j for j, other in enumerate(blocks) if j != i and block.steps & other.steps]
        for i, block in enumerate(blocks)
    ]


def _first_fit(
    blocks: Sequence[Block], rivals: Sequence[Sequence[int]], order: Sequence[int]
) -> tuple[list[int], int]:
    offsets, ends = [-1] * len(blocks), [0] * len(blocks)
    for i in order:
        offset, size = 0, blocks[i].size
        for start, end in sorted([(offsets[j], ends[j]) for j in rivals[i] if offsets[j] >= 0]):
            if offset + size <= start:
                break
            offset = max(offset, end)
        offsets[i], ends[i] = offset, offset + blocks[i].aligned
    return offsets, max(ends, default=0)
