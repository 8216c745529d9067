"""Two official models on emulated cores other than the Cortex-M4: every tensor equals LiteRT's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinycomp import pipeline
from tinycomp.common.progress import Silent
from tinycomp.device import firmware_build
from tinycomp.options.build import Preparation
from tinycomp.target.boards import load_board

pytestmark = pytest.mark.shared

PRODUCTS = {"cortex-m55": 16}
"""The most multiply-accumulates per instruction; 1 on other cores."""


@pytest.mark.parametrize("model", ["kws_ref_model", "ad01"])
@pytest.mark.parametrize("name", ["cortex-m0", "cortex-m55", "rv32imc"])
def test_every_tensor(name: str, model: str, shared: Path, tmp_path: Path) -> None:
    if reason := firmware_build.missing(load_board(name)):
        pytest.skip(f"{name}: {reason}")
    wanted = Preparation(shared / "models" / f"{model}_int8.tflite")
    report = pipeline.build(
        pipeline.BuildOptions(wanted, name, tmp_path / "out", samples=1), Silent()
    )
    (found,) = report.verify
    assert found.executions == ("litert", "simulator", "host", "device")
    assert found.equal
    assert report.latency is not None
    assert report.latency.unit == "instructions"
    assert report.latency.value > report.model.macs / PRODUCTS.get(name, 1)
