"""Finds labels that number the classes in another order than the model's outputs do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinycomp.ir.tensor import Array

CONVINCING = 0.8
"""The least score, and mean score of a class, that another order must reach. A model that knows one
class only does not reach the second.
"""
GAIN = 2
"""Another order must multiply the score by this."""
LEAST_SAMPLES = 10
"""For each class: with few samples, some order suits any outputs."""


def better_order(confusion: Sequence[Sequence[int]]) -> tuple[int, ...] | None:
    """For each output of a classifier, the label that it stands for, if samples say clearly that
    this is not its own number; else None.

    Args:
        confusion: how often label i (row) was classified as output j (column).
    """
    counts = np.array(confusion)
    if not counts.size or counts.sum() < LEAST_SAMPLES * len(counts):
        return None
    order = _matching(counts)
    matched = counts[order, np.arange(len(counts))]
    seen = counts.sum(axis=1)[order]
    by_class = matched[seen > 0] / seen[seen > 0]
    score, given = matched.sum() / counts.sum(), np.trace(counts) / counts.sum()
    if score < GAIN * given or min(score, by_class.mean()) < CONVINCING:
        return None
    return tuple(map(int, order))


def _matching(counts: Array) -> Array:
    """A label for each output, the most frequent pairs first. Where a clear majority of each
    label's samples goes to one output, no other choice has a better score.
    """
    order = np.full(len(counts), -1)
    free = set(range(len(counts)))
    for index in np.argsort(-counts, axis=None, kind="stable"):
        label, output = divmod(int(index), len(counts))
        if label in free and order[output] < 0:
            order[output] = label
            free.remove(label)
    return order
