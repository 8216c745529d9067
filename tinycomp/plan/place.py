"""Placement in one arena: blocks that are in use at the same step never overlap."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from operator import or_

import numpy as np
from numpy.typing import NDArray

ALIGNMENT = 4
"""Bytes: kernels may load words from the start of a buffer."""

EFFORT = 30_000
"""Number of block placements, over all orders tried, before the best result is taken."""

_LATE = 20
"""Late acceptance: a changed order is compared with the one this many changes ago."""
_TURNED = 0.2
"""Probability of reversing a block that is moved in the order, if allowed."""

_NOWHERE = -1
"""The offset of a form that is not placed."""

Span = tuple[int, int]
"""First and last step, inclusive."""


@dataclass(frozen=True)
class Part:
    """A part of a block with its own lifetime. Its contents are lost between spans."""

    start: int
    """First byte, from the start of the block."""
    end: int
    """Byte after the last."""
    spans: tuple[Span, ...]
    """When it is in use: disjoint, in ascending order."""

    @cached_property
    def steps(self) -> int:
        """Bit t is set if it is in use at step t."""
        return sum([(1 << (last + 1)) - (1 << first) for first, last in self.spans])


@dataclass(frozen=True)
class Block:
    """A contiguous piece of memory, made of parts with their own lifetimes."""

    parts: tuple[Part, ...]
    """In the order of their addresses, without gaps."""
    turns: bool = False
    """Whether the parts may also be placed in reverse order."""

    @classmethod
    def of(cls, size: int, spans: Iterable[Span]) -> Block:
        """A block of one part."""
        return cls((Part(0, size, tuple(spans)),))

    def turned(self) -> Block:
        """The block with its parts in reverse order."""
        parts = [
            replace(part, start=self.size - part.end, end=self.size - part.start)
            for part in reversed(self.parts)
        ]
        return replace(self, parts=tuple(parts))

    @cached_property
    def size(self) -> int:
        """In bytes."""
        return self.parts[-1].end

    @cached_property
    def aligned(self) -> int:
        """Bytes of the arena that it takes."""
        return _aligned(self.size)

    @cached_property
    def ranges(self) -> Sequence[tuple[int, int, int]]:
        """For each part its first byte, the byte after its last, and its steps."""
        return [(part.start, part.end, part.steps) for part in self.parts]

    @property
    def area(self) -> int:
        """Bytes times steps in use."""
        return sum(
            (part.end - part.start) * (last - first + 1)
            for part in self.parts
            for first, last in part.spans
        )

    @property
    def spans(self) -> tuple[Span, ...]:
        """When any part is in use."""
        return joined(span for part in self.parts for span in part.spans)


def joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same steps in as few spans as possible."""
    found: list[Span] = []
    for first, last in sorted(spans):
        if found and first <= found[-1][1] + 1:
            first, before = found.pop()
            last = max(last, before)
        found.append((first, last))
    return tuple(found)


def usage(blocks: Iterable[Block], steps: int) -> NDArray[np.int64]:
    """Bytes in use at each of `steps` steps."""
    changes = np.zeros(steps + 1, np.int64)
    for block in blocks:
        for part in block.parts:
            for first, last in part.spans:
                changes[first] += part.end - part.start
                changes[last + 1] -= part.end - part.start
    used: NDArray[np.int64] = np.cumsum(changes)[:-1]
    return used


def most_used(blocks: Sequence[Block]) -> int:
    """The maximum of bytes in use at a step."""
    steps = max((part.spans[-1][1] for block in blocks for part in block.parts), default=0) + 1
    return _aligned(int(usage(blocks, steps).max(initial=0)))


def place(blocks: Sequence[Block], effort: int = EFFORT) -> tuple[list[tuple[Block, int]], int]:
    """Offsets for all blocks, without overlaps in both time and space, and the total size.

    First fit in many orders, starting with the order by bytes times steps, until the lower bound is
    reached: the maximum in use at a step. Changed orders are kept by late acceptance (Burke and
    Bykov, 2017): if they are no worse than the order some changes ago.

    Args:
        blocks: the blocks to place.
        effort: number of block placements over all orders.
    """
    bound, shuffle = most_used(blocks), random.Random(0)
    forms, twins = _forms(blocks)
    sizes, rivals = [form.aligned for form in forms], _rivals(forms, twins)
    order = sorted(_first_forms(blocks, twins), key=lambda i: (-forms[i].area, i))
    offsets = [_NOWHERE] * len(forms)
    size = _first_fit(sizes, rivals, order, offsets, sys.maxsize) or 0
    best, best_size, before = offsets, size, [size] * _LATE
    for attempt in range(effort // max(1, len(blocks))):
        if best_size <= bound:
            break
        top = [i for i in order if offsets[i] + sizes[i] == size]
        moved = shuffle.choice(order if attempt % 2 else top)
        changed = [i for i in order if i != moved]
        turned = moved in twins and shuffle.random() < _TURNED
        place_in_order = shuffle.randrange(len(order))
        changed.insert(place_in_order, twins[moved] if turned else moved)
        same = min(order.index(moved), place_in_order)
        found = offsets.copy()
        for i in order[same:]:
            found[i] = _NOWHERE
        limit = max(size, before[attempt % _LATE])
        if (taken := _first_fit(sizes, rivals, changed[same:], found, limit)) is not None:
            order, offsets = changed, found
            size = max([taken, *(found[i] + sizes[i] for i in changed[:same])])
        before[attempt % _LATE] = size
        if size < best_size:
            best, best_size = offsets, size
    chosen = [i if best[i] != _NOWHERE else twins[i] for i in range(len(blocks))]
    return [(forms[i], best[i]) for i in chosen], best_size


def _forms(blocks: Sequence[Block]) -> tuple[list[Block], dict[int, int]]:
    """All blocks, followed by the reversed forms of those that allow it; and a map between the
    numbers of the two forms of a block.
    """
    turning = [i for i, block in enumerate(blocks) if block.turns]
    twins = {i: len(blocks) + k for k, i in enumerate(turning)}
    forms = [*blocks, *(blocks[i].turned() for i in turning)]
    return forms, twins | {turned: i for i, turned in twins.items()}


def _first_forms(blocks: Sequence[Block], twins: Mapping[int, int]) -> Iterable[int]:
    """Initial forms: of the blocks that can be reversed, alternately two are not and two are. If
    each lives together with the one before it, and with the first part of all others, the first and
    the third, and the second and the fourth, can share memory for all but their first parts.
    """
    turning = 0
    for i, block in enumerate(blocks):
        yield twins[i] if block.turns and turning // 2 % 2 else i
        turning += block.turns


Gaps = list[tuple[int, int]]
Rivals = list[list[tuple[int, int, int]]]
"""For each form: the numbers of other blocks' forms, and the forbidden range of its offset relative
to each (both bounds exclusive).
"""


def _rivals(forms: Sequence[Block], twins: Mapping[int, int]) -> Rivals:
    """Conflicts between forms that are in use at the same steps."""
    found: Rivals = [[] for _ in forms]
    steps = _step_bits(forms)
    for i, form in enumerate(forms):
        later = (steps[i + 1 :] & steps[i]).any(axis=1).nonzero()[0] + i + 1
        for j in later.tolist():
            if twins.get(i) == j:
                continue
            for low, high in _gaps(form, forms[j]):
                found[i].append((j, low, high))
                found[j].append((i, -high, -low))
    return found


def _step_bits(forms: Sequence[Block]) -> NDArray[np.uint64]:
    """For each form, the steps at which any part of it is in use, one bit each."""
    steps = [reduce(or_, (part.steps for part in form.parts)) for form in forms]
    words = max((each.bit_length() for each in steps), default=0) // 64 + 1
    raw = b"".join(each.to_bytes(8 * words, "little") for each in steps)
    return np.frombuffer(raw, np.uint64).reshape(len(forms), words)


def _gaps(one: Block, other: Block) -> Gaps:
    """The forbidden ranges of two blocks' relative offset, as few as possible."""
    if len(one.parts) == len(other.parts) == 1:
        return [(-one.size, other.size)]
    pairs: Gaps = []
    for start, end, steps in one.ranges:
        for other_start, other_end, other_steps in other.ranges:
            if steps & other_steps:
                pairs.append((other_start - end, other_end - start))
    if len(pairs) == 1:
        return pairs
    found: Gaps = []
    for low, high in sorted(pairs):
        if found and low < found[-1][1]:
            before, top = found.pop()
            low, high = before, max(top, high)
        found.append((low, high))
    return found


def _first_fit(
    sizes: Sequence[int], rivals: Rivals, order: Sequence[int], offsets: list[int], limit: int
) -> int | None:
    """Place forms in order, each at the lowest free offset.

    Args:
        sizes: of all forms.
        rivals: of all forms.
        order: the forms to place.
        offsets: of all forms; _NOWHERE for those not placed; updated.
        limit: maximum size of the arena in bytes.

    Returns:
        The end of the last of them; None as soon as one exceeds the limit.
    """
    end = 0
    for i in order:
        taken = [
            (at + low, at + high) for j, low, high in rivals[i] if (at := offsets[j]) != _NOWHERE
        ]
        taken.sort()
        offset = 0
        for low, high in taken:
            if offset <= low:
                break
            if offset < high:
                offset = (high + ALIGNMENT - 1) & -ALIGNMENT
        offsets[i] = offset
        if offset + sizes[i] > end:
            end = offset + sizes[i]
            if end > limit:
                return None
    return end


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
