"""Models at the limit of an Arduino Uno: what fits is built; refusals name the layer."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from small_models import Layers

from tinycomp.common.errors import BoardError
from tinycomp.common.progress import Silent
from tinycomp.device import firmware_build
from tinycomp.ir.graph import Graph
from tinycomp.ops._window import Window
from tinycomp.options.build import BuildOptions, Preparation
from tinycomp.pipeline import build
from tinycomp.plan.memory import plan
from tinycomp.plan.program import lower
from tinycomp.proof.largest import largest_layers, peak
from tinycomp.quantization.export import write_tflite
from tinycomp.report.record import Report
from tinycomp.target.boards import load_board


def dense(inputs: int) -> Graph:
    layers = Layers((inputs,))
    layers.dense(layers.dense("input", 8), 4)
    return layers.graph()


def pooled(inputs: int) -> Graph:
    """Much input, and little else."""
    layers = Layers((inputs // 20, 20, 1))
    layers.dense(layers.average_pool("input", Window((4, 4), (4, 4))), 4)
    return layers.graph()


def built(graph: Graph, folder: Path, progress: Silent) -> Report:
    model = folder / "small.tflite"
    model.write_bytes(write_tflite(graph))
    return build(BuildOptions(Preparation(model), "uno", folder / "out", samples=2), progress)


@pytest.mark.skipif(
    firmware_build.missing(load_board("uno")) is not None, reason="gcc-avr or simavr is missing"
)
@pytest.mark.parametrize(("inputs", "on_board"), [(500, True), (900, True), (1400, False)])
def test_a_model_that_fits_is_verified_where_that_is_possible(
    inputs: int, on_board: bool, tmp_path: Path
) -> None:
    """With 1,400 inputs the harness leaves too little stack."""
    progress = Silent()
    report = built(pooled(inputs), tmp_path, progress)
    assert report.verify[0].equal
    assert ("device" in report.verify[0].executions) == on_board
    assert "host" in report.verify[0].executions
    left_out = [note for note in progress.notes if "not together with the test harness" in note]
    assert len(left_out) == (0 if on_board else 1)
    assert report.ram is not None
    assert report.ram.arena < 1.1 * inputs


def test_a_refusal_names_the_layer_and_the_buffers_at_the_peak(tmp_path: Path) -> None:
    layers = Layers((20, 20, 4))
    layers.mean(layers.conv("input", 40, Window((3, 3))))
    with pytest.raises(BoardError, match="RAM: needs") as caught:
        built(layers.graph(), tmp_path, Silent())
    assert re.search(
        r"in layer 'conv_2d': the input 1,600, output of 'conv_2d' ", str(caught.value)
    )


def test_the_buffers_at_the_peak() -> None:
    graph = dense(100)
    planned = plan(lower(graph))
    assert peak(planned) == (
        "The peak is in layer 'fully_connected': the input 100, output of 'fully_connected' 8."
    )
    assert re.fullmatch(
        r"Largest constants: 'fully_connected' (8|9)\d\d, 'fully_connected_1' \d+\.",
        largest_layers(planned),
    )
