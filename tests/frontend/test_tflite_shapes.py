"""Shape arithmetic that converters emit for a dynamic batch, dilation by blocks, UNPACK."""

from __future__ import annotations

import numpy as np
import pytest
from tflite_seeds import seeds

from tinycomp.frontend.tflite import parse_tflite
from tinycomp.reference import oracle
from tinycomp.reference.compare import simulator, verify

SEEDS = seeds()


@pytest.mark.parametrize(
    ("name", "operators"),
    [
        ("shape arithmetic", ["conv_2d", "reshape"]),
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
