"""`tinycomp serve`: an emulated board that any client can connect to, at a fixed path."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from command_line import Command, Refusal, needs_m4

from tinycomp.common.errors import DeviceError, ToolError
from tinycomp.device import firmware_build
from tinycomp.device.emulator import Emulator, emulator_of, start
from tinycomp.device.link import Link
from tinycomp.device.protocol import Device
from tinycomp.target.boards import load_board

ROOT = Path(__file__).resolve().parents[2]
MEGA = load_board("mega")


@contextmanager
def served(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process of `tinycomp serve`, and its first line of output."""
    command = [sys.executable, "-m", "tinycomp", "serve", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    environment |= {"COLUMNS": "200"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline()
        finally:
            process.kill()


@needs_m4
def test_clients_can_connect_one_after_another(emulated: Path) -> None:
    link = emulated / "dut.tty"
    with served("out", "--link", "dut.tty") as (process, line):
        assert re.fullmatch(
            r"Serving out on cortex-m4 at \S+, also dut.tty. Ctrl-C ends it.\n", line
        )
        for _ in range(2):
            with Link(str(link)) as client:
                assert Device(client).identity.model == "model"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert not link.is_symlink()


@needs_m4
def test_a_stale_link_is_replaced(emulated: Path) -> None:
    (emulated / "dut.tty").symlink_to("/dev/pts/nowhere")
    with served("out", "--link", "dut.tty"), Link(str(emulated / "dut.tty")) as client:
        Device(client)


def test_a_path_that_exists(built: Path, refusal: Refusal) -> None:
    (built / "dut.tty").write_text("mine")
    text = refusal("serve", "out", "--link", "dut.tty")
    assert text.startswith("'dut.tty' exists. Name another link")
    assert refusal("serve", "out", "--link", "no/dut.tty").startswith("There is no folder 'no'.")


@pytest.mark.parametrize("name", ["cortex-m4", "mega"])
def test_at_true_speed_the_board_runs_in_real_time(name: str, folder: Path, run: Command) -> None:
    board = load_board(name)
    if (absent := firmware_build.missing(board)) is not None:
        pytest.skip(f"no emulated {name}: {absent}")
    assert board.emulator is not None
    quick = ("--no-verify", "--no-bench")
    assert run("build", "model.tflite", "-o", "out", "--board", name, *quick).code == 0
    with served("out", "--link", "dut.tty", "--speed", "true"), Link("dut.tty") as client:
        device = Device(client)
        device.load(np.zeros(90, np.int8))
        runs = int(1e6 / device.infer(1, 1).microseconds)
        began = time.monotonic()
        inferred = device.infer(runs, 0).microseconds * runs / 1e6
        took = time.monotonic() - began
    assert inferred == pytest.approx(1.0, rel=0.1)
    assert took > 0.9 * inferred


def test_true_speed_with_the_serial_line_on_standard_output(tmp_path: Path) -> None:
    settings = load_board("lx106").emulator
    assert settings is not None
    with pytest.raises(ToolError, match="sim runs at free speed only: its line is its standard o"):
        emulator_of(settings, tmp_path, true_speed=True)


def test_an_emulator_that_exits_is_an_error() -> None:
    with (
        pytest.raises(DeviceError, match="sh ended with exit code 3: no such machine"),
        start(Emulator(("sh", "-c", "echo no such machine >&2; exit 3"), ()), Path("x")) as running,
    ):
        running.wait()
