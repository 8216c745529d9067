"""`--optimize flash` takes the fewest bytes: whole layers, short constants, small code."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_models import Layers

from tinycomp import pipeline
from tinycomp.common.progress import Silent
from tinycomp.device import firmware_build
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window
from tinycomp.options.build import Optimize, PlanOptions, Preparation
from tinycomp.quantization.export import write_tflite
from tinycomp.report.record import Report
from tinycomp.target.boards import load_board

M4 = load_board("cortex-m4")


def build(folder: Path, optimize: Optimize, ram_limit: int | None = None) -> Report:
    """A separable network whose channels all have their own factors."""
    layers = Layers((24, 24, 3), seed=7)
    x = layers.conv("input", 32, Window.make("same", (24, 24), (3, 3), (2, 2)), Activation.RELU6)
    for _ in range(3):
        x = layers.depthwise(x, Window.make("same", (12, 12), (3, 3)), 1, Activation.RELU)
        x = layers.conv(x, 32, Window((1, 1)), Activation.RELU)
    layers.dense(layers.reshape(x, (144 * 32,)), 2)
    (folder / "t.tflite").write_bytes(write_tflite(layers.graph()))
    options = pipeline.BuildOptions(
        Preparation(folder / "t.tflite"), M4.name, folder / "out", verify=False, bench=False,
        planning=PlanOptions(optimize, ram_limit), force=True,
    )  # fmt: skip
    return pipeline.build(options, Silent())


@pytest.mark.skipif(firmware_build.missing(M4) is not None, reason="no cortex-m4")
@pytest.mark.slow
def test_the_goal_flash_takes_the_fewest_bytes(tmp_path: Path) -> None:
    found: dict[Optimize, Report] = {}
    for optimize in ("balanced", "speed", "flash"):
        found[optimize] = build(tmp_path, optimize)
    code = (tmp_path / "out" / "library" / "t.c").read_text()
    assert "#define TC_SMALL 1" in code
    assert "#define TC_FACTORS_MERGED 1" in code
    assert "schedule" not in code
    least = min(found[each].flash.total for each in ("balanced", "speed"))
    assert found["flash"].flash.total < least - 300


@pytest.mark.skipif(firmware_build.missing(M4) is not None, reason="no cortex-m4")
@pytest.mark.slow
def test_it_keeps_the_limit_of_ram(tmp_path: Path) -> None:
    report = build(tmp_path, "flash", ram_limit=9500)
    assert report.ram.arena + report.ram.scratch <= 9500
    assert "schedule" in (tmp_path / "out" / "library" / "t.c").read_text()
