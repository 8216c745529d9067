"""Layers over time that were exported step by step are one node again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from conformance import Case, cases_of
from tflite_edits import Edit, edited

from tinycomp.common.errors import ModelError
from tinycomp.frontend.tflite import parse_tflite
from tinycomp.reference.simulate import simulate


@pytest.mark.parametrize("operator", ["gru", "lstm_steps", "simple_rnn"])
def test_one_node(operator: str) -> None:
    for case in cases_of(operator):
        graph = parse_tflite(edited(case), "again")
        names = [[node.op.name for node in each.nodes] for each in (graph, case.graph)]
        assert names[0] == names[1]
        assert [*graph.tensors] == [*case.graph.tensors]
        found = simulate(graph, case.inputs)
        expected = simulate(case.graph, case.inputs)
        assert all(np.array_equal(found[name], expected[name]) for name in expected)


def _constant(name: str) -> Edit:
    """One value of a constant is another."""

    def edit(model: Any, subgraph: Any) -> None:
        tensor = next(each for each in subgraph.tensors if each.name.decode() == name)
        data = np.array(model.buffers[tensor.buffer].data)
        data[0] ^= 1
        model.buffers[tensor.buffer].data = data

    return edit


def _scale(name: str) -> Edit:
    """A tensor has another scale."""

    def edit(model: Any, subgraph: Any) -> None:
        tensor = next(each for each in subgraph.tensors if each.name.decode() == name)
        tensor.quantization.scale = np.array(tensor.quantization.scale) * np.float32(1.25)

    return edit


def _returned(name: str) -> Edit:
    """The model returns a tensor that is inside the layer."""

    def edit(model: Any, subgraph: Any) -> None:
        names = [each.name.decode() for each in subgraph.tensors]
        subgraph.outputs = np.array([names.index(name), *subgraph.outputs], np.int32)

    return edit


@pytest.mark.parametrize(
    ("case", "edit"),
    [
        (cases_of("gru")[1], _constant("gru/zeros")),
        (cases_of("gru")[1], _constant("gru/ones")),
        (cases_of("gru")[1], _scale("gru/gates/3")),
        (cases_of("simple_rnn")[1], _scale("simple_rnn/share/2")),
        (cases_of("simple_rnn")[1], _returned("simple_rnn/sums/1")),
    ],
    ids=["state", "ones", "gates", "one step", "output"],
)
def test_anything_else_is_not_read_as_the_layer(case: Case, edit: Edit) -> None:
    """The first state, a constant, is then the input of a dense layer."""
    with pytest.raises(ModelError, match="constant input"):
        parse_tflite(edited(case, edit), "other")
