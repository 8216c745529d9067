"""Runs the unmodified public runner of MLPerf Tiny with emulated boards.

Needs TINYCOMP_MLPERF_RUNNER, the path of benchmark/runner in mlcommons/tiny, and optionally
TINYCOMP_MLPERF_PYTHON, a Python with its packages (numpy, scikit-learn, matplotlib, pyyaml,
pyserial).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tinycomp.frontend.tflite import read_tflite
from tinycomp.ir.tensor import Array, dequantize_values
from tinycomp.quantization.affine import quantize_values
from tinycomp.reference.simulate import run as simulated

ROOT = Path(__file__).resolve().parents[2]
RUNNER = os.environ.get("TINYCOMP_MLPERF_RUNNER")
PYTHON = os.environ.get("TINYCOMP_MLPERF_PYTHON", sys.executable)

pytestmark = [
    pytest.mark.shared,
    pytest.mark.slow,
    pytest.mark.skipif(RUNNER is None, reason="TINYCOMP_MLPERF_RUNNER does not name the runner"),
]


@dataclass(frozen=True)
class Case:
    """A model, its data, and the options for them."""

    model: str
    profile: str
    samples: int
    write_data: Callable[[Path, Path], None]
    options: tuple[str, ...] = ()


def kws(shared: Path, path: Path) -> None:
    path.write_bytes((shared / "data" / "kws01.npz").read_bytes())


def ic(shared: Path, path: Path) -> None:
    with np.load(shared / "data" / "cifar10.npz") as data:
        np.savez(path, x_test=data["x_test"][:200], y_test=data["y_test"][:200])


def vww(shared: Path, path: Path) -> None:
    with np.load(shared / "data" / "person_crops.npz") as data:
        x, y = data["x_test"], data["y_test"]
    np.savez(path, x_test=np.concatenate([x, x], axis=2), y_test=y)


def ad(shared: Path, path: Path) -> None:
    with np.load(shared / "data" / "toycar_2clips.npz") as data:
        windows = data["x"][:, ::20]
    count = windows.shape[1]
    np.savez(path, x_test=windows.reshape(-1, 640), y_test=np.repeat([0, 1], count))


PIXELS = ("--input-scale", str(1 / 255))
CASES = {
    "kws": Case("kws_ref_model_int8", "kws01", 24, kws),
    "ic": Case("ic_resnet8_int8", "ic01", 20, ic),
    "vww": Case("vww_96_int8", "vww01", 6, vww, PIXELS),
    "ad": Case("ad01_int8", "ad01", 12, ad),
}
RUNS = [("kws", "cortex-m4"), ("ic", "cortex-m4"), ("vww", "cortex-m4"), ("ad", "cortex-m4"),
        ("kws", "mega")]  # fmt: skip


def tinycomp(folder: Path, *arguments: object) -> list[str]:
    return [sys.executable, "-m", "tinycomp", *map(str, arguments)]


def checked(folder: Path, *arguments: object) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(tinycomp(folder, *arguments), cwd=folder, env=environment, check=True)


@contextmanager
def served(folder: Path, speed: str) -> Iterator[None]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = tinycomp(folder, "serve", "out", "--link", "dut.tty", "--speed", speed)
    with subprocess.Popen(command, cwd=folder, env=environment) as process:
        end = time.monotonic() + 120
        while not (folder / "dut.tty").exists():
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.1)
        yield
        process.send_signal(signal.SIGTERM)


def ran(folder: Path, mode: str) -> list[dict[str, object]]:
    """The results that the runner writes: one entry per file or window."""
    assert RUNNER is not None
    start = [PYTHON, "mlp/start.py", str(Path(RUNNER).resolve()), "-p", "dut.tty", "-m", mode]
    done = subprocess.run(start, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    (results,) = (folder / "sessions").glob("*/results.json")
    found: list[dict[str, object]] = json.loads(results.read_text())
    print(*done.stdout.splitlines()[-6:], sep="\n")
    results.unlink()
    return found


@pytest.fixture(params=RUNS, ids="-".join)
def prepared(
    request: pytest.FixtureRequest, shared: Path, tmp_path: Path
) -> tuple[Case, Path, Path]:
    """A case, its model, and a folder with its build in out/ and the runner's files in mlp/."""
    name, board = request.param
    case = CASES[name]
    model = shared / "models" / f"{case.model}.tflite"
    case.write_data(shared, tmp_path / "data.npz")
    checked(tmp_path, "build", model, "-o", "out", "--board", board, "--no-verify", "--no-bench")
    options = ("--data", "data.npz", "-o", "mlp", "--samples", case.samples, *case.options)
    checked(tmp_path, "runner", "out", *options)
    return case, model, tmp_path


def expected(case: Case, model: Path, data: bytes) -> Array:
    """The simulator's real outputs for the bytes of one file."""
    graph = read_tflite(model)
    source, target = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    assert source.quantization is not None
    assert target.quantization is not None
    real = np.frombuffer(data, "<f4") if case.profile == "ad01" else None
    if real is not None:
        quantized = quantize_values(real, source.quantization)
    elif case.profile == "kws01":
        quantized = np.frombuffer(data, np.int8)
    else:
        quantized = (np.frombuffer(data, np.uint8).astype(int) - 128).astype(np.int8)
    output = simulated(graph, quantized.reshape(1, *source.shape))
    values = dequantize_values(output, target.quantization).ravel()
    return values if real is None else np.array([np.mean((values - real) ** 2)])


@pytest.mark.timeout(900)
def test_accuracy_equals_the_simulator(prepared: tuple[Case, Path, Path]) -> None:
    case, model, folder = prepared
    with served(folder, "free"):
        results = ran(folder, "a")
    assert len(results) == case.samples
    for result in results:
        data = (folder / "mlp" / "datasets" / case.profile / str(result["file"])).read_bytes()
        wanted = expected(case, model, data)
        infer = result["infer"]
        assert isinstance(infer, dict)
        assert np.abs(np.array(infer["results"]) - wanted).max() < 0.0006
        assert np.argmax(infer["results"]) == np.argmax(wanted)


@pytest.mark.timeout(900)
def test_performance_meets_the_runner_s_requirements(prepared: tuple[Case, Path, Path]) -> None:
    _, _, folder = prepared
    with served(folder, "true"):
        results = ran(folder, "p")
    assert [result.get("error") for result in results] == [None] * 5
    for result in results:
        infer = result["infer"]
        assert isinstance(infer, dict)
        assert 10e6 < infer["elapsed_time"] < 30e6
