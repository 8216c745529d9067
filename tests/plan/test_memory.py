"""Addresses: nothing that is alive at the same time overlaps, and the arena is as small as it can
be shown to be.
"""

from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from tinycomp.plan.memory import ALIGNMENT, Block, place


@st.composite
def blocks(draw: st.DrawFn) -> list[Block]:
    found = []
    for _ in range(draw(st.integers(1, 12))):
        first = draw(st.integers(0, 10))
        found.append(Block(draw(st.integers(1, 500)), first, first + draw(st.integers(0, 4))))
    return found


def most_alive(pieces: list[Block]) -> int:
    def alive(step: int) -> int:
        sizes = [-(-p.size // ALIGNMENT) * ALIGNMENT for p in pieces if p.first <= step <= p.last]
        return sum(sizes)

    return max(alive(step) for step in range(20))


@settings(max_examples=100, deadline=None)
@given(blocks())
def test_blocks_that_live_together_never_overlap(pieces: list[Block]) -> None:
    offsets, size = place(pieces)
    for (i, a), (j, b) in combinations(enumerate(pieces), 2):
        if a.first <= b.last and b.first <= a.last:
            apart = offsets[i] + a.size <= offsets[j] or offsets[j] + b.size <= offsets[i]
            assert apart, (a, offsets[i], b, offsets[j])
    assert all(offset % ALIGNMENT == 0 for offset in offsets)
    assert size == max(
        o - (-b.size // ALIGNMENT) * ALIGNMENT for o, b in zip(offsets, pieces, strict=True)
    )
    assert size >= most_alive(pieces)


def test_a_chain_needs_no_more_than_two_neighbours() -> None:
    sizes = [490, 8000, 8000, 8000, 64, 12]
    chain = [Block(size, max(0, i - 1), i) for i, size in enumerate(sizes)]
    assert place(chain)[1] == 16000


def test_a_search_over_orders_finds_what_largest_first_misses() -> None:
    pieces = [Block(60, 0, 1), Block(50, 1, 2), Block(70, 2, 3), Block(40, 0, 0), Block(40, 3, 3)]
    assert place(pieces)[1] == most_alive(pieces)
