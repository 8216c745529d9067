"""Instructions, flash and RAM of small models on every emulated core do not grow unnoticed.

tests/golden/figures has the known figures, one file per board; `pytest --update-golden` rewrites
them.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from golden_files import Golden
from small_models import Layers, every_operator

from benchmarks.measure import row_of
from benchmarks.results import BoardResults, Row, as_json, growth, read_board
from tinycomp import pipeline
from tinycomp.common.progress import Silent
from tinycomp.device import firmware_build
from tinycomp.ir.graph import Graph
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window
from tinycomp.options.build import Preparation
from tinycomp.quantization.export import write_tflite
from tinycomp.target import boards
from tinycomp.target.boards import Board
from tinycomp.target.toolchain import gcc_version

SAME_CORE = ("uno",)
"""It has the same core as mega, and too little memory for every operator."""
EMULATED = [each for each in boards.list_boards() if each.emulator and each.name not in SAME_CORE]


def separable() -> Graph:
    """A separable convolution network with enough channels for the optimized kernels."""
    layers = Layers((24, 24, 3), seed=7)
    x = layers.conv("input", 8, Window.make("same", (24, 24), (3, 3), (2, 2)), Activation.RELU6)
    x = layers.depthwise(x, Window.make("same", (12, 12), (3, 3)), 1, Activation.RELU)
    x = layers.conv(x, 16, Window((1, 1)), Activation.RELU)
    x = layers.depthwise(x, Window.make("same", (12, 12), (3, 3), (2, 2)), 1, Activation.RELU)
    x = layers.conv(x, 32, Window((1, 1)))
    x = layers.add(x, layers.conv(x, 32, Window.make("same", (6, 6), (3, 3))), Activation.RELU)
    layers.softmax(layers.dense(layers.mean(x), 10))
    return layers.graph(name="separable")


GRAPHS = {"separable": separable(), "every operator": every_operator()}


QUICK = ("cortex-m4", "mega")
BOARDS = [
    pytest.param(each, id=each.name, marks=[] if each.name in QUICK else pytest.mark.slow)
    for each in EMULATED
]


@pytest.mark.parametrize("board", BOARDS)
def test_nothing_grows(board: Board, golden: Golden, tmp_path: Path) -> None:
    if reason := firmware_build.missing(board):
        pytest.skip(f"{board.name}: {reason}")
    assert board.emulator is not None
    rows = {name: measured(name, board, tmp_path) for name in GRAPHS}
    found = BoardResults(gcc_version(board.compiler), board.emulator.tick_unit, rows=rows)
    text = json.dumps(as_json(found), indent=2) + "\n"
    known = read_board(json.loads(golden.text(f"figures/{board.name}.json", text)))
    if known.compiler != found.compiler:
        pytest.skip(f"the figures are those of {known.compiler}; {found.compiler} is here")
    assert list(growth(known, found)) == []


def measured(name: str, board: Board, folder: Path) -> Row:
    """The figures of a graph that the pipeline builds."""
    model = folder / f"{name}.tflite"
    model.write_bytes(write_tflite(GRAPHS[name]))
    return row_of(
        pipeline.build(
            pipeline.BuildOptions(Preparation(model), board.name, folder / name, verify=False),
            Silent(),
        )
    )
