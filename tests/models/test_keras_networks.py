"""Typical Keras networks: complete builds from the float model, with equal executions."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.networks import NETWORKS, save
from tinycomp import pipeline
from tinycomp.common.progress import Silent
from tinycomp.device import firmware_build
from tinycomp.options.build import Preparation
from tinycomp.target.boards import load_board

BOARD = load_board("cortex-m4")
LARGE = "mobilenet_v2"


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param(each, marks=[pytest.mark.slow] * (each == LARGE)) for each in NETWORKS]
)
def test_a_network_is_built_and_equal_everywhere(name: str, tmp_path: Path) -> None:
    if reason := firmware_build.missing(BOARD):
        pytest.skip(f"{BOARD.name}: {reason}")
    wanted = Preparation(*save(name, tmp_path))
    options = pipeline.BuildOptions(wanted, BOARD.name, tmp_path / "out", samples=1)
    report = pipeline.build(options, Silent())
    (record,) = report.verify
    assert record.executions == ("litert", "simulator", "host", "device")
    assert record.equal
    assert report.latency is not None
    assert len(report.latency.layers) == len(report.layers) > 10
