"""The anomaly detection model in the accuracy mode of MLPerf Tiny's runner: float windows are sent
by `db`, and the mean squared error of each is returned.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tinycomp import pipeline
from tinycomp.common.progress import Silent
from tinycomp.device import firmware_build
from tinycomp.device.firmware_build import FirmwareBuild
from tinycomp.frontend.tflite import read_tflite
from tinycomp.ir.tensor import Array, dequantize_values
from tinycomp.options.build import Preparation
from tinycomp.quantization.affine import quantize_values
from tinycomp.reference import oracle
from tinycomp.target.boards import load_board

WINDOWS = 30

pytestmark = [
    pytest.mark.shared,
    pytest.mark.slow,
    pytest.mark.skipif(not firmware_build.host_available(), reason="gcc is not installed"),
]


def commands(windows: Array) -> bytes:
    """The commands by which the runner sends each window: 31 bytes per command."""
    parts = []
    for window in windows.astype("<f4"):
        data = window.tobytes()
        parts.append(f"db load {len(data)}%")
        parts += [f"db {data[at : at + 31].hex()}%" for at in range(0, len(data), 31)]
        parts.append("infer 1 0%")
    return "".join(parts).encode()


def squared_errors(path: Path, windows: Array) -> list[str]:
    """The output of the reference firmware for LiteRT's outputs, summed in float32."""
    graph = read_tflite(path)
    source, target = (graph.tensors[n].quantization for n in (graph.inputs[0], graph.outputs[0]))
    assert source is not None
    assert target is not None
    outputs = oracle.run_output(path.read_bytes(), quantize_values(windows, source))
    squares = (dequantize_values(outputs, target) - windows) ** np.float32(2)
    totals = np.cumsum(squares, axis=1, dtype=np.float32)[:, -1]
    return [f"{total / np.float32(windows.shape[1]):.3f}" for total in totals]


def test_errors_are_those_of_the_reference_firmware(shared: Path, tmp_path: Path) -> None:
    path = shared / "models" / "ad01_int8.tflite"
    with np.load(shared / "data" / "toycar_2clips.npz") as data:
        windows = data["x"][:, :WINDOWS].reshape(2 * WINDOWS, 640).astype(np.float32)
    host = load_board("host")
    options = pipeline.BuildOptions(
        Preparation(path), host.name, tmp_path / "out", verify=False, bench=False
    )
    pipeline.build(options, Silent())
    firmware = FirmwareBuild(host, tmp_path / "out" / "library", "ad01_int8", tmp_path / "build")
    done = subprocess.run(
        [firmware.board_program()], input=commands(windows), capture_output=True, check=True,
        timeout=120,
    )  # fmt: skip
    assert b"e-[" not in done.stdout
    found = re.findall(r"^m-results-\[([^]]+)\]\r$", done.stdout.decode(), re.MULTILINE)
    assert found == squared_errors(path, windows)
