"""Input files for the public runner of MLPerf Tiny: devices, test scripts and a data set.

The formats are those of mlcommons/tiny, benchmark/runner: devices_*.yaml, tests_*.yaml and
y_labels.csv there.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from tinycomp.emit.benchmarks import Benchmark
from tinycomp.emit.render import render
from tinycomp.ir.tensor import Array
from tinycomp.target.boards import Board

WINDOW_SECONDS = 12.0
"""Target duration of a performance test window in seconds: the runner requires more than 10."""
LONGEST_SECONDS = 29.0
"""The runner gives up after 30 seconds without a line."""
_WARM_UP_SECONDS = 20.0
_LOOPS = 5
TEST_ID = "1209:0001"
"""A USB id for tests (pid.codes): an emulated board has none."""
_WINDOW_BYTES, _STRIDE_BYTES = 2560, 512
"""For ad01: bytes of an input, and the step to the next one in the same file."""


@dataclass(frozen=True)
class Repetition:
    """Number of inferences of the performance test."""

    runs: int
    """In a window."""
    warm_up: int
    """Before it."""


@dataclass(frozen=True, eq=False)
class LabelledInputs:
    """The samples of a data set, in the device's format."""

    received: tuple[bytes, ...]
    """Bytes for `db`, per sample."""
    labels: tuple[int, ...]
    """The class of each sample, from 0."""
    classes: int
    """Number of classes."""


def repetition(benchmark: Benchmark, seconds: float) -> Repetition | None:
    """Number of inferences for a window of more than 10 and less than 30 seconds; None if one
    inference takes longer.

    Args:
        benchmark: with its number of warm-up inferences.
        seconds: of an inference, by the device's own clock.
    """
    runs = max(1, ceil(WINDOW_SECONDS / seconds))
    if runs * seconds > LONGEST_SECONDS:
        return None
    return Repetition(runs, min(benchmark.warm_up, int(_WARM_UP_SECONDS / seconds)))


def received_bytes(benchmark: Benchmark, quantized: NDArray[np.int8], real: Array) -> bytes:
    """One sample for `db`: the int8 tensor, the tensor plus 128, or little-endian float32."""
    if benchmark.input_format == "FLOAT32":
        return np.ascontiguousarray(real, "<f4").tobytes()
    if benchmark.input_format == "UINT8":
        return (quantized.astype(np.int16) + 128).astype(np.uint8).tobytes()
    return quantized.tobytes()


def runner_files(
    benchmark: Benchmark, board: Board, inputs: LabelledInputs, repeated: Repetition | None
) -> dict[str, str | bytes]:
    """All files by name.

    Args:
        benchmark: the benchmark to run.
        board: with its baud rate and USB ids.
        inputs: the data set.
        repeated: of the performance test; None: omit it.
    """
    names = [f"{at:05d}_class{label}.bin" for at, label in enumerate(inputs.labels)]
    folder = f"datasets/{benchmark.profile}"
    files: dict[str, str | bytes] = {
        f"{folder}/{name}": data for name, data in zip(names, inputs.received, strict=True)
    }
    files[f"{folder}/y_labels.csv"] = _labels(benchmark, names, inputs)
    files["devices.yaml"] = _devices(board)
    files["tests_accuracy.yaml"] = _script(benchmark, "loop", "infer 1 0")
    if repeated is not None:
        infer = f"infer {repeated.runs} {repeated.warm_up}"
        files["tests_performance.yaml"] = _script(benchmark, f"loop {_LOOPS}", infer)
    files["start.py"] = render("mlperf/start.py.j2", {})
    return files


def _labels(benchmark: Benchmark, names: list[str], inputs: LabelledInputs) -> str:
    window = f",{_WINDOW_BYTES},{_STRIDE_BYTES}" if benchmark.reconstructs else ""
    return "".join(
        f"{name},{inputs.classes},{label}{window}\n"
        for name, label in zip(names, inputs.labels, strict=True)
    )


def _devices(board: Board) -> str:
    ids = board.usb.ids if board.usb is not None else (TEST_ID,)
    products: dict[str, list[str]] = {}
    for vendor, product in (each.split(":") for each in ids):
        products.setdefault(vendor, []).append(f"0x{product}")
    usb = "".join(f"    0x{vendor}: [{', '.join(own)}]\n" for vendor, own in products.items())
    rates = "".join(f"    {mode}: {board.baud}\n" for mode in ("energy", "performance", "accuracy"))
    return f"- name: tinycomp\n  type: dut\n  baud:\n{rates}  usb:\n{usb}"


def _script(benchmark: Benchmark, loop: str, infer: str) -> str:
    return (
        f"{benchmark.profile}:\n  name: {benchmark.title}\n  model: {benchmark.profile}\n"
        f"  truth_file: y_labels.csv\n  script:\n    - {loop}:\n      - download\n      - {infer}\n"
    )
