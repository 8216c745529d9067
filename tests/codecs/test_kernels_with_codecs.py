"""Kernels read weights from every codec: incomplete blocks of channels, whole tensors and row by
row.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_models import HASH, Layers

from tinycomp.codecs._policy import SMALLEST
from tinycomp.codecs._registry import general_codecs
from tinycomp.common.errors import TinycompError
from tinycomp.device.firmware_build import FirmwareBuild
from tinycomp.device.runner import run_host
from tinycomp.emit.folder import write_folder
from tinycomp.emit.library import emit_library, tensor_order
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.ops._window import Window
from tinycomp.plan.memory import plan
from tinycomp.plan.program import Program, Storage, lower
from tinycomp.reference.simulate import simulate
from tinycomp.target.boards import load_board


class _Signs(Layers):
    """All weights are -1, 0 or 1."""

    def _values(self, channels: int, length: int) -> Array:
        return self.rng.integers(-1, 2, (channels, length)).astype(np.int8)


def _graph(layers: Layers) -> Graph:
    layers.weights = "sparse"
    same = Window.make("same", (7, 6), (3, 3))
    x = layers.depthwise(layers.conv("input", 22, same), same)
    x = layers.depthwise(layers.conv(x, 2, Window((1, 1))), same, multiplier=3)
    layers.dense(layers.reshape(layers.conv(x, 2, Window((1, 1))), (84,)), 6)
    return layers.graph()


def _stored(codec: str, kernels: str) -> tuple[Graph, Program]:
    """A graph with weights that suit the codec: mostly zeros, or few values."""
    graph = _graph(Layers((7, 6, 3), seed=5))
    try:
        return graph, lower(graph, Storage({codec}, SMALLEST), kernels)
    except TinycompError:
        graph = _graph(_Signs((7, 6, 3), seed=5))
        return graph, lower(graph, Storage({codec}, SMALLEST), kernels)


@pytest.mark.parametrize("codec", general_codecs())
@pytest.mark.parametrize(("kernels", "streamed"), [("generic", 4), ("armv7e_m", 0)])
def test_all_tensors_are_equal(codec: str, kernels: str, streamed: int, tmp_path: Path) -> None:
    graph, program = _stored(codec, kernels)
    used = {encoded.codec for op in program.operations for encoded in op.encoded}
    assert codec in used
    assert kernels != "generic" or used == {codec}
    library = emit_library(plan(program, range(streamed)), prefix="t", model_hash=HASH)
    write_folder(tmp_path / "library", library)
    firmware = FirmwareBuild(load_board("host"), tmp_path / "library", "t", tmp_path / "build")
    inputs = np.random.default_rng(0).integers(-128, 128, (3, 7, 6, 3), dtype=np.int8)
    expected = simulate(graph, inputs)
    names = tensor_order(graph)
    sizes = [graph.tensors[name].size for name in names]
    found = run_host(firmware.host_runner(), inputs.reshape(3, -1), sizes)
    for name, values in zip(names, found, strict=True):
        np.testing.assert_array_equal(values, expected[name].reshape(3, -1), name)
