"""Kernels read weights from every codec: blocks of channels that are not full, whole
tensors and row by row.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_models import HASH, Layers

from tinycomp import emit
from tinycomp.boards import load_board
from tinycomp.codecs._policy import FEWEST_BYTES
from tinycomp.codecs._registry import general_codecs
from tinycomp.device.runner import run_host
from tinycomp.folder import write_folder
from tinycomp.image import Workshop
from tinycomp.ir import Graph
from tinycomp.ops._window import Window
from tinycomp.plan.memory import plan
from tinycomp.plan.program import Storage, lower
from tinycomp.simulate import simulate


def _graph() -> Graph:
    layers = Layers((7, 6, 3), seed=5)
    layers.weights = "sparse"
    same = Window.make("same", (7, 6), (3, 3))
    x = layers.depthwise(layers.conv("input", 22, same), same)
    x = layers.depthwise(layers.conv(x, 2, Window((1, 1))), same, multiplier=3)
    layers.dense(layers.reshape(layers.conv(x, 2, Window((1, 1))), (84,)), 6)
    return layers.graph()


@pytest.mark.parametrize("codec", general_codecs())
@pytest.mark.parametrize(("kernels", "streamed"), [("generic", 4), ("armv7e_m", 0)])
def test_all_tensors_are_equal(codec: str, kernels: str, streamed: int, tmp_path: Path) -> None:
    graph = _graph()
    program = lower(graph, Storage({codec}, FEWEST_BYTES), kernels)
    used = {encoded.codec for op in program.operations for encoded in op.encoded}
    assert codec in used
    assert kernels != "generic" or used == {codec}
    library = emit.emit_library(plan(program, range(streamed)), prefix="t", model_hash=HASH)
    write_folder(tmp_path / "library", library)
    workshop = Workshop(load_board("host"), tmp_path / "library", "t", tmp_path / "build")
    inputs = np.random.default_rng(0).integers(-128, 128, (3, 7, 6, 3), dtype=np.int8)
    expected = simulate(graph, inputs)
    names = emit.tensor_order(graph)
    sizes = [graph.tensors[name].size for name in names]
    found = run_host(workshop.host_runner(), inputs.reshape(3, -1), sizes)
    for name, values in zip(names, found, strict=True):
        np.testing.assert_array_equal(values, expected[name].reshape(3, -1), name)
