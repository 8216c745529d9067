"""Emulators end with their context, and say why they could not do their work."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fake_firmware import EMULATED, emulator

from tinycomp.device.emulator import Emulator, emulate, qemu
from tinycomp.device.link import Link
from tinycomp.device.protocol import Device
from tinycomp.errors import DeviceError, ToolError


def test_missing() -> None:
    missing = Emulator(("no-such-emulator", "{firmware}"), ("some-package",))
    with (
        pytest.raises(
            ToolError, match=r"no-such-emulator is not installed\. .*apt install some-package"
        ),
        emulate(missing, Path("x.elf")),
    ):
        pass


def test_the_reason_of_an_early_end() -> None:
    script = "import sys; sys.stderr.write('no such machine'); sys.exit(3)"
    broken = Emulator((sys.executable, "-c", script), ())
    with (
        pytest.raises(DeviceError, match=r"ended with exit code 3: no such machine\."),
        emulate(broken, Path("x.elf")) as port,
        Link(port) as link,
    ):
        Device(link, startup_seconds=3)


def fail_once_exists(path: Path) -> None:
    deadline = time.monotonic() + 10
    while not path.exists() and time.monotonic() < deadline:
        os.sched_yield()
    raise ZeroDivisionError


@pytest.mark.parametrize("stubborn", [False, True])
def test_it_is_ended_when_the_context_fails(tmp_path: Path, stubborn: bool) -> None:
    script = (
        "import os, signal, sys, time, pathlib\n"
        f"signal.signal(signal.SIGTERM, signal.SIG_IGN if {stubborn} else signal.SIG_DFL)\n"
        "part = pathlib.Path(sys.argv[1] + '.part')\n"
        "part.write_text(str(os.getpid()))\n"
        "part.rename(sys.argv[1])\n"
        "time.sleep(60)\n"
    )
    told = tmp_path / "pid"
    sleeper = Emulator((sys.executable, "-c", script, "{firmware}"), ())
    with pytest.raises(ZeroDivisionError), emulate(sleeper, told):
        fail_once_exists(told)
    with pytest.raises(ProcessLookupError):
        os.kill(int(told.read_text()), 0)


def test_the_same_instructions_whatever_the_speed(build: Callable[[str], Path]) -> None:
    counted = []
    for shift in (0, 3, 7, 10):
        board = emulator().model_copy(update={"args": ("-icount", f"shift={shift}")})
        with emulate(qemu(board), build(EMULATED)) as port, Link(port) as link:
            device = Device(link)
            assert device.identity.unit == "instructions"
            assert device.identity.ticks_per_second == 1_000_000_000 >> shift
            device.load(np.zeros(96, np.int8))
            us = device.infer(1000, 0).microseconds
            counted.append(us * device.identity.ticks_per_second / 1e6)
    assert max(counted) < 1.001 * min(counted)


def test_no_instructions_without_a_counting_emulator(build: Callable[[str], Path]) -> None:
    board = emulator().model_copy(update={"args": ()})
    with emulate(qemu(board), build(EMULATED)) as port, Link(port) as link:
        assert Device(link).identity.unit == "microseconds"
