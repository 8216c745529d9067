"""Keras, imported once; small models saved, read back and compared."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from float_runs import assert_close, run
from through_keras import assert_equal, through_keras

from tinycomp.frontend.keras import import_keras, read_keras
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.passes.lower_batch_normalization import lower_batch_normalization
from tinycomp.reading import clean_up


@pytest.fixture(scope="session")
def keras() -> Any:
    return import_keras()


@pytest.fixture(autouse=True)
def _quiet_keras() -> Iterator[None]:
    """Ignore warnings of Keras and TensorFlow while a test builds a model."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    """Save a model with random weights, including batch statistics."""

    def save_model(model: Any, name: str = "model.keras", randomize: bool = True) -> Path:
        if randomize:
            rng = np.random.default_rng(7)
            for layer in _all_layers(model):
                layer.set_weights([_random(rng, v) for v in layer.weights])
        model.save(tmp_path / name)
        return tmp_path / name

    return save_model


@pytest.fixture
def assert_same(save: Callable[..., Path]) -> Callable[..., Graph]:
    """Compare the graph of a saved model with Keras's own options and weights, its results with
    Keras's predictions, and so those of the cleaned graph.
    """

    def compare(model: Any, name: str = "model.keras") -> Graph:
        path = save(model, name)
        graph = read_keras(path)
        assert_equal(graph, through_keras(model, graph.name))
        rng = np.random.default_rng(1)
        x = rng.uniform(-2, 2, (3, *graph.tensors[graph.inputs[0]].shape)).astype(np.float32)
        given = np.moveaxis(x, -1, 1) if graph.channels_first else x
        expected = np.asarray(model(given, training=False))
        for found in (lower_batch_normalization(graph), clean_up(graph)):
            assert_close(run(found, x), expected)
        return graph

    return compare


def _random(rng: np.random.Generator, variable: Any) -> Array:
    low = 0.5 if variable.name == "moving_variance" else -1.0
    return rng.uniform(low, 1.0, tuple(variable.shape)).astype(np.float32)


def _all_layers(model: Any) -> Iterator[Any]:
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from _all_layers(layer)
        else:
            yield layer
