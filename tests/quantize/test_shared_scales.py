"""Channels that share weight scales: no scale shrinks, groups are optimal, weights still fit."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycomp.quantization.shared_scales import COARSER, MOST, share

scales = st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=9).map(np.array)


def growth(shared: np.ndarray, own: np.ndarray) -> float:
    """Average growth of the variance of rounding errors."""
    return float(((shared / own) ** 2).mean())


def best(own: np.ndarray, groups: int) -> float:
    """The smallest growth over all partitions of the sorted scales into `groups` groups."""
    ascending = np.sort(own)
    found = []
    for cuts in combinations(range(1, own.size), groups - 1):
        parts = np.split(ascending, cuts)
        shared = np.concatenate([np.full(part.size, part[-1]) for part in parts])
        found.append(growth(shared, ascending))
    return min(found)


@given(scales)
def test_no_scale_shrinks_and_errors_stay_bounded(own: np.ndarray) -> None:
    shared = share(own)
    assert (shared >= own).all()
    assert set(shared) <= set(own)
    assert growth(shared, own) <= COARSER * (1 + 1e-9)


@given(scales, st.integers(1, 9))
def test_groups_are_optimal(own: np.ndarray, most: int) -> None:
    shared = share(own, most)
    count = len(np.unique(shared))
    assert count <= most
    groups = min(most, own.size)
    least = [best(own, number) for number in range(1, groups + 1)]
    wanted = next((each for each in least if each <= COARSER), least[-1])
    assert growth(shared, own) == pytest.approx(wanted, rel=1e-9)


def test_a_single_scale_is_the_largest() -> None:
    assert share(np.array([0.5, 3.0, 0.25]), 1).tolist() == [3.0, 3.0, 3.0]


def test_many_channels_get_few_scales() -> None:
    own = np.exp(np.random.default_rng(0).normal(0, 0.5, 1000))
    shared = share(own)
    assert 4 <= len(np.unique(shared)) <= MOST
