"""Comparisons, choices, poolings and categories in Keras models, as Keras computes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from float_runs import assert_close, run

from tinycomp.common.errors import ModelError
from tinycomp.frontend.keras import read_keras
from tinycomp.ir.graph import Graph
from tinycomp.passes.lower_batch_normalization import lower_batch_normalization
from tinycomp.reading import clean_up

Make = Callable[[Any, Any, Any], Any]

CHOICES: dict[str, Make] = {
    "greater": lambda ops, x, y: [x > y, x > 0.25, x < 0.25],
    "less": lambda ops, x, y: [x < y, x < 0.25, ops.less(0.25, x)],
    "at least": lambda ops, x, y: [x >= y, x >= 0, ops.floor(x) >= -1.0],
    "at most": lambda ops, x, y: [x <= y, x <= 0, ops.floor(x) <= -1.0],
    "equal": lambda ops, x, y: [
        ops.equal(ops.floor(x), ops.floor(y)), ops.not_equal(ops.floor(x), 1.0),
    ],
    "logic": lambda ops, x, y: [
        ops.logical_and(x > 0, y > 0), ops.logical_or(x > 0, y > 0), ops.logical_not(x > 0),
    ],
    "choices": lambda ops, x, y: [
        ops.where(x > 0, x, y), ops.where(x > y, 0.1 * x, 2.0), ops.where(y > 0, -1.0, x),
        ops.where(x > y, 3.0, -1.0), ops.where(x > y, 0.0, y), ops.where(x > y, x, 0.0),
    ],
    "thresholds": lambda ops, x, y: [ops.threshold(x, 0.5, 0.0), ops.threshold(y, -0.5, 3.0)],
    "gates": lambda ops, x, y: [ops.glu(x), ops.glu(y, axis=1)],
    "constants with more rows": lambda ops, x, y: [
        ops.expand_dims(x, 1) - np.arange(3, dtype=np.float32).reshape(1, 3, 1, 1),
    ],
}  # fmt: skip


@pytest.mark.parametrize("case", CHOICES)
def test_choices(case: str, keras: Any, assert_same: Callable[..., Graph]) -> None:
    x, ops = keras.Input((4, 6)), keras.ops
    y = ops.flip(x, axis=1)
    found = [ops.cast(each, "float32") for each in CHOICES[case](ops, x, y)]
    flat = [keras.layers.Flatten()(each) for each in found]
    assert_same(keras.Model(x, keras.layers.Concatenate()(flat) if len(flat) > 1 else flat[0]))


def test_poolings_as_functions(keras: Any, assert_same: Callable[..., Graph]) -> None:
    x, ops = keras.Input((9, 8, 2)), keras.ops
    y = ops.average_pool(ops.max_pool(x, 2, strides=1, padding="same"), (2, 3), padding="same")
    rows = ops.max_pool(ops.reshape(y, (-1, 15, 2)), 3, strides=2)
    assert_same(keras.Model(x, ops.average_pool(rows, 2)))


def test_constants_in_a_comparison(keras: Any, save: Callable[..., Path]) -> None:
    x = keras.Input((3,))
    model = keras.Model(x, keras.ops.greater(x, np.ones(3, np.float32)))
    with pytest.raises(ModelError, match=r"takes constants\. Expected tensors and numbers"):
        read_keras(save(model))


CATEGORIES: dict[str, tuple[int, str, int]] = {
    "one": (1, "one_hot", 6),
    "one of several": (1, "multi_hot", 6),
    "several": (5, "multi_hot", 6),
    "places": (5, "one_hot", 7),
    "counts": (4, "count", 3),
}


@pytest.mark.parametrize("case", CATEGORIES)
def test_categories(case: str, keras: Any, save: Callable[..., Path]) -> None:
    count, mode, depth = CATEGORIES[case]
    layer = keras.layers.CategoryEncoding(depth, output_mode=mode)
    model = keras.Sequential([keras.Input((count,)), layer, keras.layers.Flatten()])
    graph = read_keras(save(model))
    numbers = np.random.default_rng(0).integers(0, depth, (5, count)).astype(np.float32)
    for found in (lower_batch_normalization(graph), clean_up(graph)):
        assert_close(run(found, numbers), np.asarray(model(numbers)))


def test_categories_of_several_axes(keras: Any, save: Callable[..., Path]) -> None:
    layer = keras.layers.CategoryEncoding(4, output_mode="one_hot", name="x")
    with pytest.raises(ModelError, match=r"'x' \(CategoryEncoding\) reads numbers of shape"):
        read_keras(save(keras.Sequential([keras.Input((2, 3)), layer])))
