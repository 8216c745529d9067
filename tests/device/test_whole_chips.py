"""Second emulators, of whole chips: avr8js for the UNO, rp2040js for the Pico. Both count cycles.

They are packages of npm; .ci/setup puts them beside the Python packages.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from fake_firmware import skip_without
from small_models import small_classifier

from tinycomp import folder_checks, pipeline
from tinycomp.common import resources
from tinycomp.common.progress import Silent
from tinycomp.device.emulator import Emulator, emulate
from tinycomp.device.link import SerialPort
from tinycomp.emit.project import project_paths
from tinycomp.options.build import Preparation
from tinycomp.options.data import DataOptions
from tinycomp.quantization.export import write_tflite
from tinycomp.report.record import LatencyRecord, read_report
from tinycomp.target import arduino
from tinycomp.target.boards import Board, load_board
from tinycomp.target.toolchain import Options, compile_objects, is_available, link

CHIPS = Path(__file__).with_name("whole_chips")
MODULES = Path(sys.prefix) / "npm" / "node_modules"
STARTUP_SECONDS = 60.0
SAMPLES = 2
PICO_PORTS = ("qemu", "qemu/cortex_m", "silicon")
PICO_SOURCES = (
    "ports/qemu/cortex_m/startup.c", "ports/silicon/cycles.c", "harness/main.c",
)  # fmt: skip

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("node") is None or not MODULES.is_dir(),
        reason="node, or the packages of tests/device/whole_chips/package.json, are not installed",
    ),
]


@contextmanager
def running(chip: str, program: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SerialPort]:
    """A program (ELF) on a chip."""
    monkeypatch.setenv("NODE_PATH", str(MODULES))
    firmware = program.with_suffix(".hex")
    prefix = load_board(chip).compiler.prefix
    subprocess.run([f"{prefix}objcopy", "-O", "ihex", program, firmware], check=True)
    emulator = Emulator(("node", str(CHIPS / f"{chip}.js"), "{firmware}"), ())
    with emulate(emulator, firmware) as port:
        yield SerialPort(port, None, STARTUP_SECONDS)


def built(board: str, folder: Path) -> Path:
    model = folder / "small.tflite"
    model.write_bytes(write_tflite(small_classifier()))
    options = pipeline.BuildOptions(
        Preparation(model), board, folder / "out", verify=False, bench=False
    )
    pipeline.build(options, Silent())
    return folder / "out"


def measured(out: Path, port: SerialPort) -> LatencyRecord:
    """Verify and measure a build on a port."""
    found = folder_checks.verify(out, None, None, DataOptions(), SAMPLES, port, Silent())
    assert found.equal
    assert "device" in found.executions
    latency = folder_checks.bench(out, None, port, Silent()).latency
    assert latency is not None
    assert latency.unit == "cycles"
    return latency


def test_both_emulators_of_an_uno_count_the_same_cycles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may differ by an interrupt of the clock."""
    board = load_board("uno")
    skip_without(board)
    out = built("uno", tmp_path)
    simavr = folder_checks.bench(out, None, None, Silent()).latency
    assert simavr is not None
    sketch = out / "examples" / "serial"
    program = arduino.build_sketch(board, out, sketch, tmp_path / "build")
    with running("uno", program, monkeypatch) as port:
        avr8js = measured(out, port)
    assert avr8js.value == pytest.approx(simavr.value, abs=70)
    for one, other in zip(avr8js.layers, simavr.layers, strict=True):
        assert one.value == pytest.approx(other.value, abs=70)


def pico_program(board: Board, out: Path, build: Path) -> Path:
    """The library as built for the Pico, with a small port in place of its Arduino core."""
    ports = resources.firmware() / "ports"
    prefix = read_report(out).prefix
    paths = project_paths(board, prefix)
    library, harness = out / paths.library, out / paths.harness
    sources = [*library.rglob("*.c"), *harness.rglob("*.c"), CHIPS / "pico.c"]
    sources = [path for path in sources if path.name != "cycles.c"]
    sources += [resources.firmware() / name for name in PICO_SOURCES]
    include = [library, harness, *(ports / name for name in PICO_PORTS)]
    objects = compile_objects(board.compiler, sources, build, Options(tuple(include)))
    flags = ["-nostartfiles", *(f"-L{path}" for path in (CHIPS, *include)), "-Tlink.ld"]
    return link(board.compiler, objects, build / "pico.elf", flags)


def test_a_pico_runs_its_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All tensors are right, and the cycles are within the range that the board's file gives for
    the instructions of its stand-in.
    """
    board, stand_in = load_board("pico"), load_board("cortex-m0")
    skip_without(stand_in)
    if not is_available(board.compiler):
        pytest.skip("there is no compiler for the Pico")
    out = built("pico", tmp_path)
    counted = folder_checks.bench(out, None, None, Silent()).latency
    assert counted is not None
    assert counted.unit == "instructions"
    with running("pico", pico_program(board, out, tmp_path / "build"), monkeypatch) as port:
        latency = measured(out, port)
    assert board.pace is not None
    ratio = latency.value / counted.value
    print(f"{latency.value} cycles, {counted.value} instructions, {ratio:.2f}")
    assert board.pace.least <= ratio <= board.pace.most
    assert np.all([layer.value > 0 for layer in latency.layers if layer.macs])
