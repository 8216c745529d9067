"""Shares of attention get 16 bits where 8 bits cost accuracy, and nowhere else."""

from __future__ import annotations

import numpy as np

from tinycomp.common.progress import Silent
from tinycomp.frontend.tflite import parse_tflite
from tinycomp.ir.graph import Graph, GraphBuilder
from tinycomp.ops.batch_matmul import BatchMatmul
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.ops.softmax import Softmax
from tinycomp.quantization.affine import quantize_inputs
from tinycomp.quantization.export import write_tflite
from tinycomp.quantization.selection import Trial, quantize_calibrated
from tinycomp.quantization.types import BYTES, Precision
from tinycomp.quantization.wide_states import widened
from tinycomp.reference import oracle
from tinycomp.reference.simulate import run, simulate
from tinycomp.techniques.recipe import LayerRecipe, Recipe

CHANNELS = 4


def network(keys: int) -> Graph:
    """A softmax of products of all rows, which weighs the rows, and a dense layer."""
    rng, builder = np.random.default_rng(1), GraphBuilder("net")

    def weight(name: str, *shape: int) -> str:
        return builder.constant(name, rng.normal(0, 0.3, shape).astype(np.float32))

    x = builder.input("x", (keys, CHANNELS))
    queries = builder.add(
        FullyConnected(), [x, weight("q", CHANNELS, CHANNELS), weight("qb", CHANNELS)], "queries"
    )
    scores = builder.add(BatchMatmul(False, True), [queries, x], "scores")
    shares = builder.add(Softmax(), [scores], "shares")
    mixed = builder.add(BatchMatmul(), [shares, x], "mixed")
    dense = [weight("d", 3, CHANNELS), weight("db", 3)]
    return builder.build([builder.add(FullyConnected(), [mixed, *dense], "dense")])


def samples(keys: int) -> np.ndarray:
    found = np.random.default_rng(0).normal(0.5, 0.5, (30, keys, CHANNELS))
    return found.astype(np.float32)


def made(keys: int, precision: Precision = BYTES) -> tuple[Trial, list[str]]:
    graph, progress = network(keys), Silent()
    trial = quantize_calibrated(
        graph, graph, samples(keys), "min-max", None, progress, precision=precision
    )
    return trial, [note for note in progress.notes if "16 bits" in note]


def test_shares_of_many_keys_get_16_bits_and_are_named() -> None:
    """A hundredth is 2.56 steps of 8 bits, which are rounded to 3: the shares add up to 1.17."""
    narrow, _ = made(100, Precision(8, {"shares": 8}))
    trial, (note,) = made(100)
    graph = trial.graph
    types = {name: graph.tensors[name].dtype for name in ("x", "shares", "mixed", "dense")}
    assert types == {"x": "int8", "shares": "int16", "mixed": "int16", "dense": "int8"}
    assert "'shares' has shares of 16 bits" in note
    assert '`layers."shares".activations = 8`' in note
    assert trial.error < 0.25 * narrow.error
    data = write_tflite(graph)
    inputs = quantize_inputs(graph, samples(100)[:4])
    expected = oracle.run(data, inputs)
    for name, values in simulate(graph, inputs).items():
        assert np.array_equal(expected[name], values)
    assert np.array_equal(run(parse_tflite(data, "again"), inputs), expected["dense"])


def test_what_a_recipe_says_is_not_changed() -> None:
    trial, notes = made(100, Precision(8, {"shares": 8}))
    assert notes == []
    assert trial.graph.tensors["shares"].dtype == "int8"


def test_a_recipe_names_them() -> None:
    recipe = Recipe(layers={"shares": LayerRecipe(activations=8)})
    assert recipe.activations_by_layer(network(100)) == {"shares": 8}


def test_few_keys_and_small_errors_are_not_looked_into() -> None:
    def fails(_: Precision) -> float:
        raise AssertionError

    assert widened(network(16), BYTES, 0.5, fails) is None
    assert widened(network(100), BYTES, 0.001, fails) is None
