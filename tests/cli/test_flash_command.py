"""`tinycomp flash` and `run`: with fake programs that only record how they were called,
and with the real esptool and avrdude talking to bootloaders behind a pseudo-terminal.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from command_line import Command, Refusal
from fake_esp_rom import FakeEspRom
from fake_programs import FakePrograms, fake_programs
from fake_stk500 import FakeStk500
from tiny_images import esp_application

from tinycomp.cli.terminal_progress import PLAIN_END
from tinycomp.device import firmware_build, ports
from tinycomp.device.emulator import emulate, emulator_of
from tinycomp.device.ports import FoundPort
from tinycomp.target import arduino
from tinycomp.target.boards import load_board
from tinycomp.target.flash_tools.esptool import first_application
from tinycomp.target.programs import find_program

__all__ = ["fake_programs"]

UNO = load_board("uno")
ESPTOOL = shutil.which(find_program(["esptool"]) or "esptool")
QUICK = ("--no-verify", "--no-bench")
needs_core = pytest.mark.skipif(
    not arduino.is_available(UNO), reason="gcc-avr or arduino-core-avr is not installed"
)
needs_uno = pytest.mark.skipif(
    firmware_build.missing(UNO) is not None, reason="there is no emulated uno"
)
needs_avrdude = pytest.mark.skipif(
    find_program(["avrdude"]) is None, reason="avrdude is not installed (apt install avrdude)"
)
needs_esptool = pytest.mark.skipif(
    ESPTOOL is None, reason="esptool is not installed (pip install esptool)"
)
PIO = """
build = pathlib.Path(sys.argv[sys.argv.index("--project-dir") + 1]) / ".pio/build/serial"
build.mkdir(parents=True)
(build / "firmware.bin").write_bytes(bytes.fromhex({application!r}))
(build / "bootloader.bin").write_bytes(b"boot" * 1000)
(build / "partitions.bin").write_bytes(b"part" * 700)
"""
APPLICATION = esp_application(0, bytes(range(256)) * 400)


@pytest.fixture
def uno(folder: Path, run: Command) -> Path:
    """The current folder with a build for the UNO in out/."""
    assert run("build", "model.tflite", "-o", "out", "--board", "uno", *QUICK).code == 0
    return folder


@pytest.fixture
def esp32(folder: Path, run: Command) -> Path:
    """The current folder with a build for the ESP32 in out/."""
    assert run("build", "model.tflite", "-o", "out", "--board", "esp32", *QUICK).code == 0
    return folder


@needs_core
@needs_avrdude
def test_avrdude_programs_the_build(uno: Path, run: Command) -> None:
    with FakeStk500() as chip:
        done = run("flash", "out", "--port", chip.port)
    assert done.code == 0, done.err
    assert done.out == f"Flashed out\nNext: tinycomp verify out --port {chip.port}\n"
    assert f"$ avrdude -p atmega328p -c arduino -P {chip.port} " in done.err
    (program,) = (uno / "out" / "build").glob("*.elf")
    raw = uno / "raw.bin"
    subprocess.run(["avr-objcopy", "-O", "binary", program, raw], check=True)
    wanted = raw.read_bytes()
    assert len(wanted) > 5000
    assert chip.flash[: len(wanted)] == wanted
    assert {*chip.flash[len(wanted) :]} == {0xFF}
    assert chip.left


@needs_esptool
def test_esptool_writes_the_build(esp32: Path, run: Command, fake_programs: FakePrograms) -> None:
    assert ESPTOOL is not None
    fake_programs.keep(ESPTOOL)
    fake_programs.add("pio", PIO.format(application=APPLICATION.hex()))
    with FakeEspRom() as chip:
        done = run("flash", "out", "--port", chip.port)
    assert done.code == 0, done.err
    assert fake_programs.calls() == [
        ["pio", "run", "--project-dir", "out", "--environment", "serial"]
    ]
    wanted = bytearray(b"\xff" * len(chip.flash))
    for address, data in (
        (0x1000, b"boot" * 1000), (0x8000, b"part" * 700), (0xE000, first_application()),
        (0x10000, APPLICATION),
    ):  # fmt: skip
        wanted[address : address + len(data)] = data
    assert chip.flash == wanted


@needs_esptool
def test_a_board_that_does_not_answer(esp32: Path, run: Command) -> None:
    (esp32 / "app.bin").write_bytes(APPLICATION)
    done = run("flash", "out", "--port", "/dev/null", "--image", "app.bin")
    assert done.code == 4
    assert "esptool failed (exit code" in done.err
    assert "If it does not answer, hold BOOT while it connects." in done.err


def test_mistakes_are_found_before_anything_is_built(
    uno: Path, refusal: Refusal, fake_programs: FakePrograms
) -> None:
    fake_programs.add("avrdude")
    fake_programs.add("esptool")
    for port in ("COM3", "/dev/cu.usbmodem1101", ""):
        text = refusal("flash", "out", "--port", port)
        assert f"{port} can't be opened (No such file or directory)." in text.replace("''", "")
    text = refusal("flash", "out", "--port", "COM3", "--image", "gone.hex", code=4)
    assert text == "There is no file 'gone.hex'. Check --image."
    text = refusal("flash", "out", "--port", "/dev/null", "--board", "esp32")
    assert text == (
        "'out' is a project of the kind arduino for uno; esp32 takes platformio. Build the model "
        "with --board esp32."
    )
    assert fake_programs.calls() == []


def test_arduino_cli_builds_the_sketch(
    uno: Path, run: Command, fake_programs: FakePrograms
) -> None:
    body = """
build = pathlib.Path(sys.argv[sys.argv.index("--build-path") + 1])
build.mkdir()
(build / "serial.ino.hex").write_text(":0100000055AA\\n:00000001FF\\n")
"""
    fake_programs.add("arduino-cli", body)
    fake_programs.add("avrdude")
    assert run("flash", "out", "-p", "/dev/null").code == 0
    compiled, flashed = fake_programs.calls()
    assert compiled == [
        "arduino-cli", "compile", "--fqbn", "arduino:avr:uno", "--library", "out",
        "--build-path", "out/build", "out/examples/serial",
    ]  # fmt: skip
    assert flashed[-1] == "flash:w:out/build/serial.ino.hex:i"


def test_a_missing_build_tool_is_named(
    esp32: Path, run: Command, fake_programs: FakePrograms
) -> None:
    fake_programs.add("esptool")
    done = run("flash", "out", "--port", "/dev/null")
    assert done.code == 4
    assert " ".join(done.err.split()).partition(PLAIN_END.strip() + " ")[2] == (
        "Error: out can't be built: pio or platformio is not installed. Install PlatformIO: pip "
        "install platformio. Or build it elsewhere and name the program with --image."
    )
    assert fake_programs.calls() == []


def test_a_dry_run_prints_only_commands(uno: Path, refusal: Refusal, run: Command) -> None:
    done = run("flash", "out", "--dry-run", "--port", "COM7")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[-1].startswith("avrdude -p atmega328p -c arduino -P COM7 -b 11520")
    assert not (uno / "out" / "build").exists()


@pytest.mark.slow
@needs_uno
def test_run_flashes_verifies_and_benches(
    uno: Path, run: Command, fake_programs: FakePrograms, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The board is an emulated UNO that already runs what the fake avrdude is given."""
    fake_programs.add("avrdude")
    monkeypatch.setenv("PATH", f"{fake_programs.folder}:/usr/bin:/bin")
    assert run("flash", "out", "--port", "/dev/null").code == 0
    (program,) = (uno / "out" / "build").glob("*.elf")
    assert UNO.emulator is not None
    with emulate(emulator_of(UNO.emulator, uno), program) as port:
        done = run("run", "out", "--port", port, "--samples", "2")
    assert done.code == 0, done.err
    assert [call[0] for call in fake_programs.calls()] == ["avrdude", "avrdude"]
    assert "litert = simulator = host = device: 7 tensors, 2 samples" in done.words
    assert "ms, uno at 16 MHz" in done.words


def test_ports_are_listed_with_their_boards(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    found = (
        FoundPort("/dev/ttyACM0", "2341:0043", "A1", "Arduino Uno"),
        FoundPort("/dev/ttyS0", None, "", "n/a"),
    )
    monkeypatch.setattr(ports, "found_ports", lambda: found)
    words = run("ports").words
    assert "/dev/ttyACM0 2341:0043 Arduino Uno uno" in words
    assert "/dev/ttyS0 none n/a no known board" in words
    monkeypatch.setattr(ports, "found_ports", lambda: ())
    assert run("ports").out == "No serial ports: connect a board.\n"


def test_a_folder_without_a_build(folder: Path, refusal: Refusal) -> None:
    (folder / "out").mkdir()
    assert "report.json" in refusal("flash", "out")
