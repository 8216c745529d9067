"""Another order of classes is found if labels clearly follow it, and not otherwise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from tinycomp.data.class_order import LEAST_SAMPLES, better_order
from tinycomp.data.metrics import confusion_matrix
from tinycomp.ir.tensor import Array


def counts(labels: Array, outputs: Array, classes: int) -> list[list[int]]:
    return [list(map(int, row)) for row in confusion_matrix(labels, outputs, classes)]


def permuted(
    classes: int, correct: float, samples: int, seed: int = 0
) -> tuple[Array, Array, Array]:
    """The label that each output stands for, labels, and outputs."""
    rng = np.random.default_rng(seed)
    order = np.roll(np.arange(classes), 1)
    outputs = rng.integers(0, classes, samples)
    missed = rng.random(samples) > correct
    outputs_of = np.where(missed, rng.integers(0, classes, samples), outputs)
    return order, order[outputs], outputs_of


@pytest.mark.parametrize("classes", [2, 3, 10, 35])
def test_the_order_is_found(classes: int) -> None:
    order, labels, outputs = permuted(classes, 0.93, 40 * classes)
    matrix = counts(labels, outputs, classes)
    found = better_order(matrix)
    assert found == tuple(order)
    _, best = linear_sum_assignment(-np.array(matrix).T)
    assert found == tuple(best)


def test_labels_in_order_stay_so() -> None:
    _, labels, outputs = permuted(10, 0.95, 500)
    assert better_order(counts(np.roll(np.arange(10), -1)[labels], outputs, 10)) is None


def test_a_weak_model_says_nothing_about_the_order() -> None:
    _, labels, outputs = permuted(10, 0.7, 500)
    assert better_order(counts(labels, outputs, 10)) is None


def test_two_swapped_classes_of_many_are_not_enough() -> None:
    swapped = np.arange(10)
    swapped[:2] = 1, 0
    outputs = np.arange(500) % 10
    assert better_order(counts(swapped[outputs], outputs, 10)) is None


def test_a_model_that_knows_one_class_only() -> None:
    labels = np.array([0] * 95 + [1] * 5)
    assert better_order(counts(labels, np.ones(100, np.int64), 2)) is None


def test_too_few_samples() -> None:
    outputs = np.arange(10)
    matrix = counts((outputs + 1) % 10, outputs, 10)
    assert better_order(matrix) is None
    enough = [[LEAST_SAMPLES * n for n in row] for row in matrix]
    assert better_order(enough) is not None
    assert better_order(()) is None
