"""Files with variables: the library keeps them in a state, equal to LiteRT from one inference to
the next.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from delays import delayed, some, with_variables
from host import run_on_host
from public_functions import run_library
from random_graphs import random_graph
from tflite_edits import edited

from tinycomp.common.errors import ModelError
from tinycomp.common.progress import Silent
from tinycomp.frontend.tflite import parse_tflite
from tinycomp.ir.graph import Graph, State
from tinycomp.ir.tensor import Array
from tinycomp.passes.bundle_outputs import output_parts
from tinycomp.proof.estimate import needs
from tinycomp.reducing import reduce
from tinycomp.reference import oracle
from tinycomp.reference.compare import simulator, verify
from tinycomp.reference.simulate import first_rows, sequence
from tinycomp.target.boards import load_board

STEPS = 6


def with_states(seed: int) -> Graph:
    """A random graph in which one to three tensors are those of the inference before."""
    graph = random_graph(seed)
    return delayed(graph, some(graph, 3, seed), seed)


def random_stream(graph: Graph, count: int = STEPS) -> Array:
    rng = np.random.default_rng(1)
    return rng.integers(-128, 128, (count, *graph.sample_shape)).astype(np.int8)


def expected_outputs(data: bytes, graph: Graph, inputs: Array) -> Array:
    tensors = oracle.run(data, inputs)
    parts = [tensors[part.name].reshape(len(inputs), -1) for part in output_parts(graph)]
    return np.concatenate(parts, axis=1)


@pytest.mark.parametrize("seed", range(2))
def test_library_equals_litert_over_a_stream(seed: int, tmp_path: Path) -> None:
    data = with_variables(with_states(seed))
    graph = reduce(parse_tflite(data, "m"), Silent())
    inputs = random_stream(graph)
    expected = expected_outputs(data, graph, inputs)
    assert np.array_equal(run_library(graph, inputs, tmp_path), expected)
    row = run_on_host(graph, first_rows(graph, inputs[:1]), tmp_path / "host")[graph.outputs[0]]
    assert np.array_equal(row[0, : expected.shape[1]], expected[0])


def test_all_tensors_equal_litert_on_many() -> None:
    for seed in range(16):
        data = with_variables(with_states(seed))
        graph = reduce(parse_tflite(data, "m"), Silent())
        inputs = random_stream(graph)
        found = verify(graph, data, inputs, [simulator(graph)])
        assert found.equal, f"seed {seed}: {found.differences}"
        outputs = expected_outputs(data, graph, inputs)
        ours = sequence(graph, inputs)[graph.outputs[0]][:, : outputs.shape[1]]
        assert np.array_equal(ours, outputs), f"seed {seed}"


def test_another_initial_value_is_a_difference() -> None:
    graph = with_states(2)
    data = with_variables(graph)
    other = reduce(parse_tflite(data, "m"), Silent())
    assert other.reduction is not None or other.states
    whole = other.reduction.graph if other.reduction else other
    wrong = whole.states[0].initial
    wrong ^= 1
    found = verify(other, data, random_stream(other), [simulator(other)])
    assert [each.execution for each in found.differences] == ["states"]


def test_estimates_count_the_state() -> None:
    graph = parse_tflite(with_variables(with_states(0)), "m")
    kept = sum(state.initial.size for state in graph.states)
    found = needs(graph, load_board("cortex-m4"))
    assert found.ram_min > kept
    plain = needs(replace(graph, states=()), load_board("cortex-m4"))
    assert found.ram_min <= plain.ram_min


def _edit_start(change: Any) -> Any:
    def edit(model: Any, subgraph: Any) -> None:
        change(model.subgraphs[1])

    return edit


def _no_value(start: Any) -> None:
    start.operators = start.operators[2:]


def _other_type(start: Any) -> None:
    start.tensors[1].type = 7  # int16
    start.tensors[1].shape = np.array([int(np.prod(start.tensors[1].shape)) // 2], np.int32)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (_no_value, "The variable 'state 0' is read before it has a value"),
        (_other_type, "Expected int8 values of one shape. Convert the model again with 8-bit"),
    ],
)
def test_refusals(change: Any, text: str) -> None:
    graph = with_states(1)
    with pytest.raises(ModelError, match=text):
        parse_tflite(edited(with_variables(graph), _edit_start(change)), "m")


def test_unused_output_of_a_state(tmp_path: Path) -> None:
    """A state that is the input itself: the output can't be written over it."""
    graph = random_graph(4)
    (source,) = graph.inputs
    data = with_variables(delayed_input(graph, source))
    found = reduce(parse_tflite(data, "m"), Silent())
    inputs = random_stream(found)
    expected = expected_outputs(data, found, inputs)
    assert np.array_equal(run_library(found, inputs, tmp_path), expected)


def delayed_input(graph: Graph, source: str) -> Graph:
    """The graph computing from the input of the inference before."""
    tensor = graph.tensors[source]
    new = replace(tensor, name="now")
    state = State(source, np.zeros(tensor.shape, np.int8))
    return replace(
        graph,
        tensors={"now": new, **graph.tensors},
        inputs=("now", source),
        outputs=(*graph.outputs, "now"),
        states=(state,),
    )
