"""`tinycomp runner` and --benchmark: the files for MLPerf Tiny's runner, and how it is started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from command_line import Command, Refusal, needs_m4
from fake_serial import FakeSerial
from hypothesis import given
from hypothesis import strategies as st
from small_models import Layers

from tinycomp.common import resources
from tinycomp.emit.benchmarks import BENCHMARKS
from tinycomp.emit.runner_folder import repetition
from tinycomp.ir.tensor import QuantizationParameters
from tinycomp.quantization.export import write_tflite

QUICK = ("--no-verify", "--no-bench")
ON_M4 = ("--board", "cortex-m4")
MAIN = """
import json, pathlib, sys
from serial.tools import list_ports
import usb.core
ports = [(port.device, port.vid, port.pid) for port in list_ports.comports(True)]
seen = {"argv": sys.argv, "ports": ports, "usb": list(usb.core.find(find_all=True))}
pathlib.Path("seen.json").write_text(json.dumps(seen))
"""


class Named(FakeSerial):
    """Replies to the name command, after a greeting and some silence."""

    def __init__(self, silent: int) -> None:
        super().__init__()
        self.silent = silent

    def answer(self) -> None:
        if b"name%" in self.received:
            self.received.clear()
            self.silent -= 1
            if self.silent < 0:
                self.send(b"m-name-dut-[tinycomp]\r\nm-ready\r\n")


def write_model(path: Path, size: int, outputs: int) -> None:
    layers = Layers((size,))
    layers.dense("input", outputs)
    path.write_bytes(write_tflite(layers.graph()))


def parameters(path: Path) -> QuantizationParameters:
    from tinycomp.frontend.tflite import read_tflite

    graph = read_tflite(path)
    found = graph.tensors[graph.inputs[0]].quantization
    assert found is not None
    return found


def build(run: Command, model: str, *options: str) -> None:
    assert run("build", model, "-o", "out", *QUICK, *options).code == 0


def packages(folder: Path) -> Path:
    """A folder with modules that the real runner imports and this test does not need."""
    for name in ("matplotlib", "sklearn"):
        (folder / "packages" / name).mkdir(parents=True)
        (folder / "packages" / name / "__init__.py").touch()
    return folder / "packages"


def labels(profile: str) -> list[list[str]]:
    text = Path("mlp/datasets", profile, "y_labels.csv").read_text()
    return [line.split(",") for line in text.splitlines()]


def samples(profile: str) -> list[bytes]:
    return [Path("mlp/datasets", profile, name).read_bytes() for name, *_ in labels(profile)]


@needs_m4
def test_int8_inputs_alternate_between_classes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Command
) -> None:
    monkeypatch.chdir(tmp_path)
    write_model(tmp_path / "any.tflite", 490, 12)
    own = parameters(tmp_path / "any.tflite")
    quantized = np.random.default_rng(1).integers(-128, 128, (40, 490)).astype(np.int8)
    classes = np.arange(40) // 4 % 12
    np.savez("data.npz", x_test=quantized, y_test=classes, x_scale=np.float32(own.scale),
             x_zero_point=np.int32(own.zero_point))  # fmt: skip
    build(run, "any.tflite", "--benchmark", "kws")
    assert "kws01" in Path("out/harness/tc_model.c").read_text()
    done = run("runner", "out", *ON_M4, "--data", "data.npz", "-o", "mlp", "--samples", "11")
    assert done.code == 0, done.err
    assert done.out.splitlines()[0].startswith("Wrote mlp: kws01, 11 samples; performance: ")
    assert "No sample is of class 10, 11: the runner computes an AUC" in " ".join(done.err.split())
    rows = [int(label) for _, _, label in labels("kws01")]
    assert rows == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0]
    assert {count for _, count, _ in labels("kws01")} == {"12"}
    first = [int(np.flatnonzero(classes == each)[0]) for each in range(10)]
    assert samples("kws01") == [quantized[row].tobytes() for row in [*first, 1]]
    script = yaml.safe_load(Path("mlp/tests_performance.yaml").read_text())["kws01"]
    ((loop, steps),) = script["script"][0].items()
    assert (loop, steps[0], steps[1].split()[0]) == ("loop 5", "download", "infer")
    accuracy = yaml.safe_load(Path("mlp/tests_accuracy.yaml").read_text())["kws01"]
    assert accuracy["script"] == [{"loop": ["download", "infer 1 0"]}]
    (device,) = yaml.safe_load(Path("mlp/devices.yaml").read_text())
    assert (device["type"], device["baud"]["accuracy"]) == ("dut", 115200)
    assert device["usb"] == {0x1209: [0x0001]}


@needs_m4
def test_pixels_and_other_quantizations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Command
) -> None:
    monkeypatch.chdir(tmp_path)
    write_model(tmp_path / "any.tflite", 3072, 10)
    own = parameters(tmp_path / "any.tflite")
    quantized = np.random.default_rng(1).integers(-128, 128, (10, 3072)).astype(np.int8)
    real = own.scale * (quantized.astype(np.float64) - own.zero_point)
    np.savez("data.npz", x_test=real.astype(np.float32), y_test=np.arange(10))
    build(run, "any.tflite", "--benchmark", "ic")
    assert run("runner", "out", *ON_M4, "--data", "data.npz", "-o", "mlp").code == 0
    pixels = [np.frombuffer(data, np.uint8).astype(int) - 128 for data in samples("ic01")]
    assert (np.array(pixels) == quantized).all()
    given = f"{own.scale * 2:.9g},{own.zero_point}"
    done = run("runner", "out", *ON_M4, "--data", "data.npz", "-o", "mlp", "--force",
               "--input-quantization", given)  # fmt: skip
    assert "expect wrong results. Build it with the same" in " ".join(done.err.split())
    halved = np.frombuffer(samples("ic01")[0], np.uint8).astype(int) - 128 - own.zero_point
    assert abs(2 * halved - (quantized[0].astype(int) - own.zero_point)).max() <= 1


@needs_m4
def test_real_inputs_and_anomalies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Command, refusal: Refusal
) -> None:
    monkeypatch.chdir(tmp_path)
    write_model(tmp_path / "any.tflite", 640, 640)
    x = np.random.default_rng(2).normal(0, 1, (6, 640)).astype(np.float32)
    np.savez("data.npz", x_test=x, y_test=np.array([0, 0, 0, 1, 1, 1]))
    build(run, "any.tflite", "--benchmark", "ad")
    assert "TC_RESULTS_SQUARED_ERROR" in Path("out/harness/tc_model.c").read_text()
    assert run("runner", "out", *ON_M4, "--data", "data.npz", "-o", "mlp").code == 0
    assert [np.frombuffer(data, "<f4").tolist() for data in samples("ad01")] == [
        x[row].tolist() for row in (0, 3, 1, 4, 2, 5)
    ]
    assert labels("ad01")[1][1:] == ["2", "1", "2560", "512"]
    text = refusal("runner", "out", "-d", "data.npz", "-o", "x", "--input-quantization", "1,0")
    assert text == "--input-quantization 1,0 is for bytes; ad takes real values. Leave it out."


def test_models_that_are_not_benchmarks(built: Path, run: Command, refusal: Refusal) -> None:
    text = refusal("runner", "out", "--data", "data.npz", "-o", "mlp")
    assert text == (
        "The library is called model, which is none of MLPerf Tiny's benchmarks. Build it with "
        "--benchmark: kws, vww, ic, ad."
    )
    text = refusal("build", "model.tflite", "-o", "other", "--benchmark", "kws", *QUICK)
    assert text == (
        "The input of 'model' has 90 values; that of the benchmark kws has 490. Name the benchmark "
        "that the model is made for, or leave --benchmark out."
    )


def test_streaming_and_data_without_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Command, refusal: Refusal
) -> None:
    monkeypatch.chdir(tmp_path)
    write_model(tmp_path / "sww.tflite", 1200, 3)
    np.savez("data.npz", x_test=np.eye(2, 1200, dtype=np.float32))
    build(run, "sww.tflite")
    assert "audio that an interface board plays" in refusal(
        "runner", "out", "-d", "data.npz", "-o", "m"
    )
    write_model(tmp_path / "kws.tflite", 490, 12)
    np.savez("data.npz", x_test=np.eye(2, 490, dtype=np.float32))
    build(run, "kws.tflite", "--force")
    text = refusal("runner", "out", "-d", "data.npz", "-o", "m")
    assert text.startswith("The data has no labels that the runner can compare with.")


@given(seconds=st.floats(1e-5, 29.0), benchmark=st.sampled_from(BENCHMARKS))
def test_windows_have_the_length_that_the_runner_requires(
    seconds: float, benchmark: object
) -> None:
    found = repetition(benchmark, seconds)  # type: ignore[arg-type]
    assert found is not None
    assert 10 < found.runs * seconds < 30
    assert found.warm_up * seconds < 30


def test_no_performance_test_for_very_slow_boards() -> None:
    assert repetition(BENCHMARKS[0], 31.0) is None


class Stopping(Named):
    """Stops the client for longer than it waits, and loses what it sent before."""

    client: subprocess.Popen[str]

    def answer(self) -> None:
        if self.silent > 0:
            os.kill(self.client.pid, signal.SIGSTOP)
            time.sleep(BOOT_SECONDS + 1)
            os.kill(self.client.pid, signal.SIGCONT)
        super().answer()


BOOT_SECONDS = 3


@pytest.fixture
def started(tmp_path: Path) -> Callable[[], subprocess.Popen[str]]:
    """Starts a runner that writes what it sees to seen.json, on the port dut.tty."""
    (tmp_path / "runner").mkdir()
    (tmp_path / "runner" / "main.py").write_text(MAIN)
    script = (resources.templates() / "mlperf" / "start.py.j2").read_text()
    (tmp_path / "start.py").write_text(
        script.replace("BOOT_SECONDS = 20.0", f"BOOT_SECONDS = {BOOT_SECONDS}.0")
    )
    (tmp_path / "devices.yaml").write_text(
        "- {type: dut, baud: {accuracy: 115200}, usb: {0x2341: [0x0043, 0x0001]}}\n"
    )
    command = [sys.executable, "start.py", "runner", "--port", "dut.tty", "--mode", "p"]
    environment = {**os.environ, "PYTHONPATH": str(packages(tmp_path))}
    return lambda: subprocess.Popen(
        command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    )


def seen_by(runner: subprocess.Popen[str], folder: Path) -> dict[str, list[object]]:
    """What it wrote when it ended."""
    _, errors = runner.communicate(timeout=120)
    assert runner.returncode == 0, errors
    found: dict[str, list[object]] = yaml.safe_load((folder / "seen.json").read_text())
    return found


@pytest.mark.parametrize("silent", [0, 2])
def test_the_runner_is_started_on_the_named_port(
    silent: int, tmp_path: Path, started: Callable[[], subprocess.Popen[str]]
) -> None:
    with Named(silent) as board:
        (tmp_path / "dut.tty").symlink_to(board.port)
        seen = seen_by(started(), tmp_path)
    assert seen["ports"] == [[board.port, 0x2341, 0x0043]]
    assert seen["argv"][1:] == [
        "-d", str(tmp_path / "devices.yaml"), "-t",
        str(tmp_path / "tests_performance.yaml"), "-s", str(tmp_path / "datasets"), "-m", "p",
    ]  # fmt: skip


def test_a_runner_that_was_stopped_waits_on(
    tmp_path: Path, started: Callable[[], subprocess.Popen[str]]
) -> None:
    """The computer slept, or had no time for it."""
    with Stopping(2) as board:
        (tmp_path / "dut.tty").symlink_to(board.port)
        board.client = started()
        assert seen_by(board.client, tmp_path)["ports"] == [[board.port, 0x2341, 0x0043]]


def test_the_runner_follows_a_server_that_starts_again(
    tmp_path: Path, started: Callable[[], subprocess.Popen[str]]
) -> None:
    """The first port is a terminal that nobody answers on."""
    with Named(1000) as dead, Named(0) as board:
        (tmp_path / "dut.tty").symlink_to(dead.port)
        runner = started()
        while dead.silent == 1000:
            time.sleep(0.01)
        (tmp_path / "fresh").symlink_to(board.port)
        (tmp_path / "fresh").replace(tmp_path / "dut.tty")
        assert seen_by(runner, tmp_path)["ports"] == [[board.port, 0x2341, 0x0043]]


def test_a_port_that_no_board_answers_on(
    tmp_path: Path, started: Callable[[], subprocess.Popen[str]]
) -> None:
    with Named(1000) as board:
        (tmp_path / "dut.tty").symlink_to(board.port)
        runner = started()
        _, errors = runner.communicate(timeout=120)
    assert (runner.returncode, errors) == (1, "dut.tty did not answer 'name' within 3 s.\n")
