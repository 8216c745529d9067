"""Operators exported to TFLite are imported again, with the same outputs in every case."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from conformance import CASES, Case, cases_of
from tables import EVERY_INPUT, RESCALED, SOURCES, table_case

from tinycomp.common.errors import ModelError
from tinycomp.common.progress import Silent
from tinycomp.frontend.tflite import parse_tflite
from tinycomp.ir.operator import TfliteOperator
from tinycomp.ir.tensor import Array, Operands
from tinycomp.ops._function import gather
from tinycomp.ops.elu import Elu
from tinycomp.ops.function import Function
from tinycomp.ops.leaky_relu import LeakyRelu
from tinycomp.ops.relu import Relu
from tinycomp.quantization.export import write_tflite
from tinycomp.reducing import reduce
from tinycomp.reference.simulate import run

OPERATORS = sorted(path.stem for path in CASES.glob("*.py"))


@pytest.mark.parametrize("operator", OPERATORS)
def test_reads_what_it_writes(operator: str) -> None:
    for case in cases_of(operator):
        _require_same(case)


def _require_same(case: Case) -> None:
    again = parse_tflite(write_tflite(case.graph), "again")
    assert np.array_equal(run(again, case.inputs), run(case.graph, case.inputs)), case.name


def test_a_chain_is_one_node_again() -> None:
    """Verification reads the exported file, which must have the library's nodes and tensors."""
    for op in (Relu(2.5), LeakyRelu(0.1, 3.0), Function("mish"), Elu(0.5)):
        graph = table_case("", SOURCES[1], {"y": (op, RESCALED["finer"])}).graph
        again = reduce(parse_tflite(write_tflite(graph), "again"), Silent())
        assert [node.outputs for node in again.nodes] == [("y",)]
        assert [*again.tensors] == [*graph.tensors]


def test_a_gather_of_something_else_is_refused() -> None:
    """With 300 entries the last can't be reached by int8; with 200 some are missing."""
    graph = table_case("", SOURCES[1], {"y": (Elu(), RESCALED["finer"])}).graph
    node = graph.nodes[0]
    table = np.arange(300, dtype=np.int64).astype(np.int8)
    for size, read in ((300, True), (200, False)):
        wrong = replace(graph, nodes=(replace(node, op=_Gather(table[:size])),))
        if read:
            again = parse_tflite(write_tflite(wrong), "again")
            found = run(again, EVERY_INPUT).ravel()
            assert np.array_equal(found, table[:256])
        else:
            with pytest.raises(ModelError, match=r"CAST.* is not supported"):
                parse_tflite(write_tflite(wrong), "again")


class _Gather(Elu):
    """Writes a table of any size."""

    def __init__(self, values: Array) -> None:
        object.__setattr__(self, "values", values)

    def to_tflite(self, operands: Operands) -> tuple[TfliteOperator, ...]:
        return gather(self.values)  # type: ignore[attr-defined]
