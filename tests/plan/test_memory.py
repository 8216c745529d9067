"""Addresses: nothing that is alive at the same time overlaps, and the arena is as small as it can
be shown to be.
"""

from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from tinycomp.plan.place import ALIGNMENT, Block, joined, most_used, place


@st.composite
def blocks(draw: st.DrawFn) -> list[Block]:
    found = []
    for _ in range(draw(st.integers(1, 12))):
        starts = draw(st.lists(st.integers(0, 10), min_size=1, max_size=3))
        spans = joined((first, first + draw(st.integers(0, 4))) for first in starts)
        found.append(Block(draw(st.integers(1, 500)), spans))
    return found


def most_alive(pieces: list[Block]) -> int:
    def alive(step: int) -> int:
        used = [p for p in pieces if any(first <= step <= last for first, last in p.spans)]
        return sum(-(-piece.size // ALIGNMENT) * ALIGNMENT for piece in used)

    return max(alive(step) for step in range(20))


@settings(max_examples=100, deadline=None)
@given(blocks())
def test_blocks_that_live_together_never_overlap(pieces: list[Block]) -> None:
    offsets, size = place(pieces)
    for (i, a), (j, b) in combinations(enumerate(pieces), 2):
        if any(f <= k and g <= h for f, h in a.spans for g, k in b.spans):
            apart = offsets[i] + a.size <= offsets[j] or offsets[j] + b.size <= offsets[i]
            assert apart, (a, offsets[i], b, offsets[j])
    assert all(offset % ALIGNMENT == 0 for offset in offsets)
    assert size == max(
        o - (-b.size // ALIGNMENT) * ALIGNMENT for o, b in zip(offsets, pieces, strict=True)
    )
    assert size >= most_alive(pieces) == most_used(pieces)


def test_a_chain_needs_no_more_than_two_neighbours() -> None:
    sizes = [490, 8000, 8000, 8000, 64, 12]
    chain = [Block(size, ((max(0, i - 1), i),)) for i, size in enumerate(sizes)]
    assert place(chain)[1] == 16000


def test_a_search_over_orders_finds_what_largest_first_misses() -> None:
    lives = [(60, 0, 1), (50, 1, 2), (70, 2, 3), (40, 0, 0), (40, 3, 3)]
    pieces = [Block(size, ((first, last),)) for size, first, last in lives]
    assert place(pieces)[1] == most_alive(pieces)


def test_blocks_that_take_turns_share_a_place() -> None:
    turns = [Block(100, ((0, 1), (4, 5))), Block(90, ((2, 3), (6, 7))), Block(8, ((1, 2),))]
    offsets, size = place(turns)
    assert offsets[:2] == [0, 0]
    assert size == 108


def test_spans_that_touch_become_one() -> None:
    assert joined([(4, 6), (0, 1), (2, 3), (9, 9), (5, 5)]) == ((0, 6), (9, 9))
