"""Emulators end with their context, and errors give the reason."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fake_firmware import EMULATED, emulator, skip_without

from tinycomp.common.errors import DeviceError, ToolError
from tinycomp.device import firmware_build
from tinycomp.device.emulator import Emulator, emulate, emulator_of, qemu
from tinycomp.device.link import Link
from tinycomp.device.protocol import Device
from tinycomp.target import arduino
from tinycomp.target.boards import Emulator as Emulated
from tinycomp.target.boards import load_board


def test_missing() -> None:
    missing = Emulator(("no-such-emulator", "{firmware}"), ("some-package",))
    with (
        pytest.raises(
            ToolError, match=r"no-such-emulator is not installed\. .*apt install some-package"
        ),
        emulate(missing, Path("x.elf")),
    ):
        pass


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is not installed")
def test_the_emulator_ends_with_a_process_that_is_killed() -> None:
    script = """
import sys
from pathlib import Path
from tinycomp.device.emulator import Emulator, emulate
program = "import os, time; os.write(2, b'x'); print(os.getpid(), flush=True); time.sleep(600)"
with emulate(Emulator((sys.executable, "-c", program), ()), Path("x")) as port:
    print(Path(port).open().readline(), flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        emulated = int(parent.stdout.readline())
        assert _runs(emulated)
        parent.kill()
    end = time.monotonic() + 30
    while _runs(emulated) and time.monotonic() < end:
        time.sleep(0.05)
    assert not _runs(emulated)


def _runs(process: int) -> bool:
    state = Path(f"/proc/{process}/stat")
    try:
        return state.read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_reason_of_an_early_end() -> None:
    script = "import sys; sys.stderr.write('no such machine'); sys.exit(3)"
    broken = Emulator((sys.executable, "-c", script), ())
    with (
        pytest.raises(DeviceError, match=r"ended with exit code 3: no such machine\."),
        emulate(broken, Path("x.elf")) as port,
        Link(port) as link,
    ):
        Device(link, startup_seconds=3)


def test_a_crash_is_named() -> None:
    script = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
    broken = Emulator((sys.executable, "-c", script), ())
    with (
        pytest.raises(DeviceError, match=r"exit code -11 \(Segmentation fault\): it said nothing"),
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
def test_it_is_stopped_when_the_context_fails(tmp_path: Path, stubborn: bool) -> None:
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


def test_the_instruction_count_does_not_depend_on_speed(build: Callable[[str], Path]) -> None:
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


def with_arguments(settings: Emulated, *arguments: str) -> Emulated:
    """The emulator with other settings of -icount: none, if no arguments are given."""
    kept = settings.args[: settings.args.index("-icount")]
    return settings.model_copy(update={"args": (*kept, *arguments)})


@pytest.mark.parametrize("name", ["cortex-m0", "cortex-m55", "rv32imc", "lx106", "lx6"])
def test_exact_if_an_instruction_takes_more_than_two_ticks(
    build: Callable[[str], Path], name: str
) -> None:
    board = load_board(name)
    skip_without(board)
    assert board.emulator is not None
    counted = []
    for shift in (8, 9, 10):
        settings = with_arguments(board.emulator, "-icount", f"shift={shift}")
        with emulate(qemu(settings), build(name)) as port, Link(port) as link:
            device = Device(link)
            device.load(np.full(96, 100, np.int8))
            counted.append(device.run())
    assert counted[0] > 20_000
    assert len(set(counted)) == 1


@pytest.mark.parametrize("name", [EMULATED, "cortex-m55", "rv32imc", "lx106", "lx6"])
def test_no_instructions_without_a_counting_emulator(
    build: Callable[[str], Path], name: str
) -> None:
    board = load_board(name)
    skip_without(board)
    assert board.emulator is not None
    with emulate(qemu(with_arguments(board.emulator)), build(name)) as port, Link(port) as link:
        device = Device(link)
        assert device.identity.unit == "microseconds"
        device.load(np.zeros(96, np.int8))
        assert 0 < device.infer(100).microseconds < 1_000_000


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firmware_build, "compiles", lambda compiler, source: False)
    monkeypatch.setattr(arduino, "is_available", lambda board: True)
    monkeypatch.setattr(firmware_build, "is_available", lambda compiler: True)
    assert (
        firmware_build.missing(load_board("uno"))
        == "simavr is missing (apt install libsimavr-dev gcc)."
    )


def test_a_chip_that_the_emulator_does_not_know(tmp_path: Path) -> None:
    board = load_board("uno")
    skip_without(board)
    assert board.emulator is not None
    settings = board.emulator.model_copy(update={"machine": "no-chip"})
    with (
        pytest.raises(DeviceError, match=r"simavr knows no chip no-chip"),
        emulate(emulator_of(settings, tmp_path), tmp_path / "x.elf") as port,
        Link(port) as link,
    ):
        Device(link, startup_seconds=3)
