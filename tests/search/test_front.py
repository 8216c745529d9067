"""Fronts and volumes, compared with brute force."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycomp.recipe_search.front import Points, distances, dominates, front, ranks, volume

SIDE = 4


def clouds(values: int) -> st.SearchStrategy[Points]:
    rows = st.lists(st.integers(0, SIDE), min_size=values, max_size=values)
    return st.lists(rows, min_size=1, max_size=8).map(lambda found: np.array(found, np.float64))


@given(st.integers(1, 4).flatmap(clouds))
def test_volume_is_the_number_of_dominated_cells(points: Points) -> None:
    cells = product(range(SIDE), repeat=points.shape[1])
    covered = sum(any((point <= np.array(cell)).all() for point in points) for cell in cells)
    assert volume(points, [SIDE] * points.shape[1]) == pytest.approx(covered)


@given(clouds(3))
def test_the_front_is_nondominated(points: Points) -> None:
    found = front(points)
    expected = {
        tuple(mine)
        for mine in points
        if not any((other <= mine).all() and (other < mine).any() for other in points)
    }
    assert {tuple(points[each]) for each in found} == expected
    assert len(found) == len(expected)
    first = [points[each][0] for each in found]
    assert first == sorted(first)


@given(clouds(2))
def test_ranks_equal_those_of_fronts_removed_one_by_one(points: Points) -> None:
    left, rank, found = list(range(len(points))), 0, ranks(points)
    while left:
        beaten = dominates(points[left])
        here = [each for place, each in enumerate(left) if not beaten[:, place].any()]
        assert all(found[each] == rank for each in here)
        left, rank = [each for each in left if each not in here], rank + 1


def test_crowding_distances() -> None:
    points = np.array([[0.0, 4.0], [1.0, 3.0], [3.0, 1.0], [4.0, 0.0]])
    assert distances(points) == [np.inf, 0.75 + 0.75, 0.75 + 0.75, np.inf]


def test_no_points() -> None:
    assert front(np.zeros((0, 2))) == []
    assert volume(np.zeros((0, 2)), [1.0, 1.0]) == 0.0
