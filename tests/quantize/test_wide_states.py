"""Recurrent layers get 16-bit states where 8 bits cost accuracy, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from tinycomp.common.progress import Silent
from tinycomp.ir.graph import Graph, GraphBuilder
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.ops.gru import Gru
from tinycomp.ops.strided_slice import StridedSlice
from tinycomp.plan.program import lower
from tinycomp.quantization.affine import quantize_inputs
from tinycomp.quantization.export import write_tflite
from tinycomp.quantization.selection import Trial, quantize_calibrated
from tinycomp.quantization.types import BYTES, Precision
from tinycomp.quantization.wide_states import widened
from tinycomp.reference import oracle
from tinycomp.reference.simulate import simulate

STEPS, FEATURES, UNITS = 24, 3, 4
X = np.random.default_rng(0).normal(size=(30, STEPS, FEATURES)).astype(np.float32)


def network(memory: float, deviation: float = 0.3) -> Graph:
    """A GRU whose update gate has this bias: the larger it is, the smaller its steps."""
    rng, builder = np.random.default_rng(1), GraphBuilder("net")
    weights = rng.normal(0, deviation, (3 * UNITS, FEATURES + UNITS)).astype(np.float32)
    bias = np.zeros(4 * UNITS, np.float32)
    bias[:UNITS] = memory
    dense = rng.normal(size=(2, UNITS)).astype(np.float32)
    constants = [
        builder.constant(name, values)
        for name, values in (("w", weights), ("b", bias), ("d", dense), ("e", np.zeros(2, "f4")))
    ]
    states = builder.add(Gru(), [builder.input("x", X.shape[1:]), *constants[:2]], "gru")
    last = builder.add(StridedSlice(((STEPS - 1, 1, 1), (0, UNITS, 1)), (0,)), [states], "last")
    return builder.build([builder.add(FullyConnected(), [last, *constants[2:]], "dense")])


def made(graph: Graph, precision: Precision = BYTES) -> tuple[Trial, list[str]]:
    progress = Silent()
    trial = quantize_calibrated(graph, graph, X, "min-max", None, progress, precision=precision)
    return trial, [note for note in progress.notes if "state of 16 bits" in note]


def test_a_long_memory_gets_16_bits_and_is_named() -> None:
    trial, (note,) = made(network(5.0))
    graph = trial.graph
    types = {name: graph.tensors[name].dtype for name in ("x", "gru", "dense")}
    assert types == {"x": "int8", "gru": "int16", "dense": "int8"}
    assert "'gru' has a state of 16 bits" in note
    assert '`layers."gru".activations = 8`' in note
    inputs = quantize_inputs(graph, X[:4])
    expected = oracle.run(write_tflite(graph), inputs)
    for name, values in simulate(graph, inputs).items():
        assert np.array_equal(expected[name], values)


@pytest.mark.parametrize("deviation", [1e-9, 0.0])
def test_states_that_stay_almost_zero_are_read(deviation: float) -> None:
    """Their 16-bit scale is fixed, however small they are: no reader may be finer than the kernels
    allow.
    """
    graph = made(network(0.0, deviation), Precision(8, {"gru": 16}))[0].graph
    assert graph.tensors["gru"].dtype == "int16"
    assert lower(graph).operations


def test_what_a_recipe_says_is_not_changed() -> None:
    trial, notes = made(network(5.0), Precision(8, {"gru": 8}))
    assert notes == []
    assert trial.graph.tensors["gru"].dtype == "int8"


@pytest.mark.parametrize(("error", "wide", "chosen"), [(0.1, 0.01, True), (0.1, 0.08, False)])
def test_16_bits_have_to_be_twice_as_close(error: float, wide: float, chosen: bool) -> None:
    found = widened(network(0.0), BYTES, error, lambda _: wide)
    assert (found is not None) == chosen


def test_small_errors_are_not_looked_into() -> None:
    def fails(_: Precision) -> float:
        raise AssertionError

    assert widened(network(0.0), BYTES, 0.001, fails) is None
