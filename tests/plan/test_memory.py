"""Addresses: buffers that are alive at the same time do not overlap, and the arena has the smallest
size that can be proved.
"""

from __future__ import annotations

from itertools import combinations, product

from hypothesis import given, settings
from hypothesis import strategies as st

from tinycomp.plan.place import ALIGNMENT, Block, Part, joined, most_used, place


@st.composite
def blocks(draw: st.DrawFn) -> list[Block]:
    found = []
    for _ in range(draw(st.integers(1, 12))):
        parts, end = [], 0
        for _ in range(draw(st.integers(1, 3))):
            starts = draw(st.lists(st.integers(0, 10), min_size=1, max_size=3))
            spans = joined((first, first + draw(st.integers(0, 4))) for first in starts)
            start, end = end, end + draw(st.integers(1, 300))
            parts.append(Part(start, end, spans))
        found.append(Block(tuple(parts), turns=draw(st.booleans())))
    return found


def most_alive(pieces: list[Block]) -> int:
    def alive(step: int) -> int:
        return sum(
            part.end - part.start
            for piece in pieces
            for part in piece.parts
            if any(first <= step <= last for first, last in part.spans)
        )

    return max(alive(step) for step in range(20))


@settings(max_examples=100, deadline=None)
@given(blocks())
def test_blocks_that_live_together_never_overlap(pieces: list[Block]) -> None:
    found, size = place(pieces)
    for (a, here), (b, there) in combinations(found, 2):
        for one, other in product(a.parts, b.parts):
            if any(f <= k and g <= h for f, h in one.spans for g, k in other.spans):
                below = here + one.end <= there + other.start
                assert below or there + other.end <= here + one.start, (one, other)
    for piece, (block, _) in zip(pieces, found, strict=True):
        assert block == piece or (piece.turns and block == piece.turned())
    assert all(offset % ALIGNMENT == 0 for _, offset in found)
    assert size == max(o - (-b.size // ALIGNMENT) * ALIGNMENT for b, o in found)
    assert size >= most_used(pieces) >= most_alive(pieces)


def test_a_chain_needs_only_two_neighbours() -> None:
    sizes = [490, 8000, 8000, 8000, 64, 12]
    chain = [Block.of(size, [(max(0, i - 1), i)]) for i, size in enumerate(sizes)]
    assert place(chain)[1] == 16000


def test_a_search_over_orders_finds_what_largest_first_misses() -> None:
    lives = [(60, 0, 1), (52, 1, 2), (72, 2, 3), (40, 0, 0), (40, 3, 3)]
    pieces = [Block.of(size, [(first, last)]) for size, first, last in lives]
    assert place(pieces)[1] == most_alive(pieces)


def test_blocks_that_are_alive_in_turn_share_an_address() -> None:
    turns = [
        Block.of(100, [(0, 1), (4, 5)]),
        Block.of(90, [(2, 3), (6, 7)]),
        Block.of(8, [(1, 2)]),
    ]
    found, size = place(turns)
    assert [offset for _, offset in found[:2]] == [0, 0]
    assert size == 108


def test_spans_that_touch_become_one() -> None:
    assert joined([(4, 6), (0, 1), (2, 3), (9, 9), (5, 5)]) == ((0, 6), (9, 9))


def test_a_tensor_grows_into_one_that_dies() -> None:
    dying = Block(tuple(Part(40 * i, 40 * i + 40, ((0, i + 1),)) for i in range(4)))
    growing = Block(tuple(Part(40 * i, 40 * i + 40, ((i + 1, 9),)) for i in range(4)))
    assert place([dying, growing])[1] == most_used([dying, growing]) == 200


def test_a_mirrored_block_is_mirrored_back() -> None:
    block = Block((Part(0, 8, ((0, 1),)), Part(8, 20, ((2, 3),))), turns=True)
    assert block.turned().parts == (Part(0, 12, ((2, 3),)), Part(12, 20, ((0, 1),)))
    assert block.turned().turned() == block


def test_blocks_with_a_permanent_part_share_the_rest() -> None:
    """Each has 20 bytes all the time, and 100 more while the other does not."""
    first = Block((Part(0, 20, ((0, 9),)), Part(20, 120, ((0, 1), (4, 5)))), turns=True)
    second = Block((Part(0, 20, ((0, 9),)), Part(20, 120, ((2, 3), (6, 7)))), turns=True)
    assert place([first, second])[1] == 140
    stiff = [Block(first.parts), Block(second.parts)]
    assert place(stiff)[1] == 240
