"""Streaming by rows: every row is computed once, from rows that are still in memory."""

from __future__ import annotations

import math
import sys
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
from host import run_on_host
from small_models import Layers, small_classifier

from tinycomp.frontend.tflite import read_tflite
from tinycomp.ir.graph import Graph
from tinycomp.ops._window import Window
from tinycomp.plan.carry import waiting_rows
from tinycomp.plan.check import check
from tinycomp.plan.memory import plan
from tinycomp.plan.program import Program, lower
from tinycomp.plan.schedule import schedule, total_rows
from tinycomp.plan.streaming import choose
from tinycomp.reference.simulate import simulate

sys.path.append(str(Path(__file__).resolve().parent.parent / "emit"))
from random_graphs import random_graph

OFFICIAL = {  # the arena in bytes: whole tensors, then the least
    "kws_ref_model_int8": (16_100, 4_600),
    "vww_96_int8": (55_400, 34_000),
    "ic_resnet8_int8": (49_400, 12_500),
    "ad01_int8": (768, 768),
    "str_ww_ref_model_int8": (6_800, 4_200),
}
PIXELS = (1, 6, 30)
"""Pixels per step: one row, a few rows, many."""


def random_inputs(graph: Graph, seed: int) -> np.ndarray:
    shape = graph.tensors[graph.inputs[0]].shape
    return np.random.default_rng(seed).integers(-128, 128, (3, *shape)).astype(np.int8)


@pytest.mark.parametrize(
    "seed", [*range(3), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, 12))]
)
def test_rows_are_read_where_they_were_written(seed: int) -> None:
    program = lower(random_graph(seed))
    count = len(program.operations)
    for begin in range(count):
        for end in range(begin, count + 1):
            for pixels, limit in product(PIXELS, (None, 0)):
                check(plan(program, range(begin, end), pixels=pixels, limit=limit))
    for end in range(1, count + 1):
        for pixels, limit in product(PIXELS, (None, 0)):
            check(plan(program, range(end), pixels=pixels, limit=limit, push=True))


@pytest.mark.parametrize("pixels", [1, 7, 24])
def test_a_step_has_the_rows_for_its_pixels(pixels: int) -> None:
    program = lower(small_classifier())
    steps = schedule(program, range(len(program.operations)), pixels)
    for index, operation in enumerate(program.operations):
        tensor = program.graph.operands(operation.node).output
        most = -(-pixels // math.prod(tensor.shape[1:-1]))
        taken = [step.last - step.first for step in steps if step.operation == index]
        assert sum(taken) == total_rows(program, index)
        if operation.call is not None and not operation.call.input_rows:
            assert max(taken) <= most
    rows_first = [step.last - step.first for step in steps if step.operation == 0]
    assert pixels == 1 or max(rows_first) > 1


@pytest.mark.parametrize("seed", range(4))
def test_streamed_c_equals_the_simulator(seed: int, tmp_path: Path) -> None:
    graph = random_graph(seed)
    rng = np.random.default_rng(seed)
    begin, end = sorted(rng.choice(len(graph.nodes) + 1, 2, replace=False))
    shape = graph.tensors[graph.inputs[0]].shape
    inputs = rng.integers(-128, 128, (3, *shape)).astype(np.int8)
    pixels = PIXELS[seed % len(PIXELS)]
    stretch = range(begin, end)
    found = run_on_host(graph, inputs, tmp_path, stretch=stretch, pixels=pixels, limit=0)
    for name, values in simulate(graph, inputs).items():
        np.testing.assert_array_equal(found[name], values, name)


def narrow(channels: int = 24, weights: str = "any") -> Graph:
    """Depthwise and pointwise layers with narrow rows, as in keyword spotting."""
    layers, same = Layers((19, 3, 1)), (1, 1, 1, 1)
    layers.weights, layers.entries = weights, 16
    x = layers.conv("input", channels, Window((3, 3), padding=same))
    for stride in (1, 1, 2, 1):
        x = layers.depthwise(x, Window((3, 3), (stride, 1), padding=same))
        x = layers.conv(x, channels, Window((1, 1)))
    layers.mean(x)
    return layers.graph()


@pytest.mark.parametrize("pixels", [1, 6])
def test_a_table_may_be_placed_separately(pixels: int) -> None:
    """A table of pairs of weights in scratch memory."""
    program = lower(narrow(40, "few"), kernels="armv7e_m")
    assert any(operation.call and operation.call.table for operation in program.operations)
    check(plan(program, range(len(program.operations)), pixels=pixels, limit=0))


def test_rows_wait_in_free_slots_of_their_ring() -> None:
    """The moved rows and their destination are each contiguous."""
    for ring in range(2, 12):
        for kept in range(1, ring):
            for begin in (0, ring - kept):
                ends = range(begin, begin + kept)
                for first, count in product(range(ring), range(1, kept + 1)):
                    places = {row % ring for row in range(first, first + count)}
                    pairs = waiting_rows(range(first, first + count), ring, ends)
                    assert [at for at, _ in pairs] == sorted(places - {*ends})
                    assert not {to for _, to in pairs} & places
                    assert all(to in ends for _, to in pairs)
                    for (at, to), (next_at, next_to) in pairwise(pairs):
                        assert (next_at, next_to) == (at + 1, to + 1)


@pytest.mark.parametrize("push", [False, True])
@pytest.mark.parametrize("pixels", [1, 6, 10])
def test_rows_that_wait(pixels: int, push: bool, tmp_path: Path) -> None:
    graph = narrow()
    stretch, inputs = range(len(graph.nodes)), random_inputs(graph, 0)
    planned = plan(lower(graph), stretch, pixels=pixels, limit=0, push=push)
    check(planned)
    assert planned.carried
    resident = plan(lower(graph), stretch, pixels=pixels, push=push)
    assert not resident.carried
    assert planned.arena < resident.arena
    found = run_on_host(graph, inputs, tmp_path, stretch=stretch, pixels=pixels, limit=0, push=push)
    for name, values in simulate(graph, inputs).items():
        np.testing.assert_array_equal(found[name], values, name)


@pytest.mark.parametrize("seed", range(4, 7))
def test_an_input_that_is_pushed(seed: int, tmp_path: Path) -> None:
    graph = random_graph(seed)
    rng = np.random.default_rng(seed)
    shape = graph.tensors[graph.inputs[0]].shape
    inputs = rng.integers(-128, 128, (3, *shape)).astype(np.int8)
    stretch = range(int(rng.integers(1, len(graph.nodes) + 1)))
    pixels = PIXELS[seed % len(PIXELS)]
    found = run_on_host(graph, inputs, tmp_path, stretch=stretch, pixels=pixels, limit=0, push=True)
    for name, values in simulate(graph, inputs).items():
        np.testing.assert_array_equal(found[name], values, name)


def official(shared: Path, name: str) -> Program:
    return lower(read_tflite(shared / "models" / f"{name}.tflite"))


@pytest.mark.shared
@pytest.mark.parametrize("name", OFFICIAL)
def test_official_models_stream(shared: Path, name: str) -> None:
    program = official(shared, name)
    whole, least = OFFICIAL[name]
    streamed = choose(program, "ram")
    check(streamed)
    assert streamed.arena <= least
    check(choose(program))
    assert choose(program, "speed").arena <= whole


@pytest.mark.shared
def test_a_limit_shortens_or_lengthens_the_stretch(shared: Path) -> None:
    program = official(shared, "kws_ref_model_int8")
    assert choose(program, "speed", 20_000).stretch == range(0)
    limited = choose(program, "speed", 12_000)
    assert len(limited.stretch) > 0
    assert limited.arena <= 12_000
    assert choose(program, "speed", 1).arena == choose(program, "ram", 1).arena
