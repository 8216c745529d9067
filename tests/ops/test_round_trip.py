"""What operators write to TFLite they read again: the same outputs, from every conformance case."""

from __future__ import annotations

import numpy as np
import pytest
from conformance import CASES, Case, cases_of

from tinycomp.common.errors import ModelError
from tinycomp.frontend.tflite import parse_tflite
from tinycomp.ir.graph import Graph
from tinycomp.quantize.export import write_tflite
from tinycomp.reference.simulate import run

OPERATORS = sorted(path.stem for path in CASES.glob("*.py"))


@pytest.mark.parametrize("operator", OPERATORS)
def test_reads_what_it_writes(operator: str) -> None:
    for case in cases_of(operator):
        if not _last_builtins(case.graph) & {"MINIMUM", "GATHER"}:
            _require_same(case)


def _require_same(case: Case) -> None:
    again = parse_tflite(write_tflite(case.graph), "again")
    assert np.array_equal(run(again, case.inputs), run(case.graph, case.inputs)), case.name


def test_a_bound_of_its_own_is_not_read() -> None:
    """TFLite has no operator for it; written as a MINIMUM, which is not one of the IR's."""
    (case, *_) = (case for case in cases_of("relu") if "MINIMUM" in _last_builtins(case.graph))
    with pytest.raises(ModelError, match="MINIMUM"):
        parse_tflite(write_tflite(case.graph), "again")


def _last_builtins(graph: Graph) -> set[str]:
    """Of the chains that nodes become."""
    chains = [node.op.to_tflite(graph.operands(node)) for node in graph.nodes]
    return {chain[-1].builtin for chain in chains if isinstance(chain, tuple)}
