"""The graph of a model as Keras itself has it in memory: the oracle of the reader of files.

Options, calls and arrays come from live Keras objects instead of a file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from tinycomp.common.blockers import Blockers
from tinycomp.frontend._keras_config import clean_model, model_inputs
from tinycomp.frontend._keras_graph import KerasWalk
from tinycomp.frontend._keras_layouts import without_front_input
from tinycomp.frontend._keras_weights import Place
from tinycomp.ir.graph import Graph, GraphBuilder
from tinycomp.ir.tensor import Array


def through_keras(model: Any, name: str) -> Graph:
    """The graph of a Keras model in memory."""
    config = clean_model(json.loads(model.to_json()), Blockers("the model"))
    builder = GraphBuilder(name)
    inputs = [builder.input(each, shape) for each, shape in model_inputs(config)]
    walk = KerasWalk(builder, Blockers("the model"), dict(arrays_of(model)))
    return without_front_input(builder.build(walk.outputs(config, inputs)))


def arrays_of(model: Any, place: Place = ()) -> Iterator[tuple[Place, list[Array]]]:
    """The arrays of all layers, those of nested models included."""
    for layer in model.layers:
        here = (*place, layer.name)
        inner = getattr(layer, "layer", layer)
        if hasattr(inner, "layers"):
            yield from arrays_of(inner, here)
        else:
            plain = inner if type(layer).__name__ == "SpectralNormalization" else layer
            yield here, [np.asarray(each) for each in plain.weights]


def assert_equal(found: Graph, expected: Graph) -> None:
    """Two graphs are equal to the last bit of their constants."""
    assert found.nodes == expected.nodes
    assert (found.inputs, found.outputs) == (expected.inputs, expected.outputs)
    assert found.tensors == expected.tensors
    assert list(found.constants) == list(expected.constants)
    for name, constant in found.constants.items():
        other = expected.constants[name]
        assert (constant.values.dtype, constant.values.shape) == (
            other.values.dtype,
            other.values.shape,
        )
        assert constant.values.tobytes() == other.values.tobytes()
