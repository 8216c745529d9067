"""Shape arithmetic that converters emit for a dynamic batch, dilation by blocks, UNPACK."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tflite_edits import case, edited
from tflite_seeds import anchors, seeds

from tinycomp.common.errors import ModelError
from tinycomp.frontend.tflite import parse_tflite
from tinycomp.reference import oracle
from tinycomp.reference.compare import simulator, verify

SEEDS = seeds()


@pytest.mark.parametrize(
    ("name", "operators"),
    [
        ("shape arithmetic", ["conv_2d", "reshape"]),
        ("anchors", ["conv_2d"]),
        ("unpacked", ["concatenation"]),
        ("dilation", ["conv_2d"]),
        ("dilation 1-D", ["reshape", "conv_2d", "reshape"]),
    ],
)
def test_equals_litert(name: str, operators: list[str]) -> None:
    graph = parse_tflite(SEEDS[name], name)
    names = [node.op.name for node in graph.nodes]
    assert [each for each in names if names.count(each) < 7] == operators
    rng = np.random.default_rng(0)
    shape = graph.tensors[graph.inputs[0]].shape
    inputs = rng.integers(-128, 128, (4, *shape)).astype(np.int8)
    assert verify(graph, SEEDS[name], inputs, [simulator(graph)]).equal
    assert len(np.unique(oracle.run_output(SEEDS[name], inputs))) > 3


def test_a_constant_output_is_left_out_with_a_note() -> None:
    graph = parse_tflite(SEEDS["anchors"], "anchors")
    assert len(graph.outputs) == 1
    (note,) = graph.notes
    assert note.startswith("The output 'joined' (1, 6, 2) is constant")


def test_a_model_of_constants_is_refused() -> None:
    def alone(model: Any, subgraph: Any) -> None:
        anchors(model, subgraph)
        subgraph.outputs = subgraph.outputs[1:]

    with pytest.raises(ModelError, match="no output depends on an input"):
        parse_tflite(edited(case("conv_2d", "1x1"), alone), "alone")
