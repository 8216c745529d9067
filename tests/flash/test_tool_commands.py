"""Every board that can be flashed, with every tool in its file: commands agree with the tools'
documentation and with the boards' platform files.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny_images
from fake_programs import FakePrograms, fake_programs
from tiny_images import ARM, esp_application

from tinycomp.common.errors import BoardError, DeviceError, ToolError
from tinycomp.common.progress import Silent
from tinycomp.device import drives, flashing, ports
from tinycomp.device.flash_build import Project
from tinycomp.device.flashing import FlashOptions
from tinycomp.device.ports import FoundPort
from tinycomp.target import arduino
from tinycomp.target.boards import list_boards, load_board
from tinycomp.target.flash_tools._registry import flash_tools
from tinycomp.target.images import Segment, write_image

__all__ = ["fake_programs"]

STLINK = "openocd -f interface/stlink.cfg -c 'adapter serial 123' -f target/{}.cfg -c "
STLINK += "'program {{{{file}}}} verify reset exit'"
PYOCD = "pyocd load --target {} --uid 123 {{file}}"
ST_FLASH = "st-flash --serial 123 --connect-under-reset --reset write {file} 0x08000000"
ESPTOOL = "esptool --chip {} --port {{port}} --baud 460800 --before default-reset "
ESPTOOL += "--after hard-reset write-flash -z --flash-mode dio --flash-freq {} "
ESPTOOL += "--flash-size detect {} {{file}}"
COMMANDS = {
    ("uno", "avrdude"): "avrdude -p atmega328p -c arduino -P {port} -b 115200 -D "
    "-U flash:w:{file}:i",
    ("mega", "avrdude"): "avrdude -p atmega2560 -c wiring -P {port} -b 115200 -D "
    "-U flash:w:{file}:i",
    ("nano-every", "avrdude"): "avrdude -p atmega4809 -c jtag2updi -P {port} -b 115200 -D -e "
    "-U fuse2:w:0x01:m -U fuse5:w:0xc9:m -U fuse8:w:0x00:m -U flash:w:{file}:i",
    ("nano33ble", "bossac"): "bossac --port=ttyACM0 -U -i -e -w {file} -R",
    ("portenta-h7", "dfu-util"): "dfu-util --device 0x2341:0x035b -a 0 "
    "--dfuse-address=0x08040000:leave -D {file}",
    ("giga-r1", "dfu-util"): "dfu-util --device 0x2341:0x0366 -a 0 "
    "--dfuse-address=0x08040000:leave -D {file}",
    ("nucleo-l4r5zi", "openocd"): STLINK.format("stm32l4x"),
    ("nucleo-h743zi", "openocd"): STLINK.format("stm32h7x"),
    ("nucleo-u575", "openocd"): STLINK.format("stm32u5x"),
    ("stm32f746-disco", "openocd"): STLINK.format("stm32f7x"),
    ("bluepill", "openocd"): STLINK.format("stm32f1x"),
    ("nucleo-l4r5zi", "pyocd"): PYOCD.format("stm32l4r5zitx"),
    ("nucleo-h743zi", "pyocd"): PYOCD.format("stm32h743zitx"),
    ("nucleo-u575", "pyocd"): PYOCD.format("stm32u575zitxq"),
    ("stm32f746-disco", "pyocd"): PYOCD.format("stm32f746nghx"),
    ("bluepill", "pyocd"): PYOCD.format("stm32f103c8"),
    ("microbit", "pyocd"): PYOCD.format("nrf51"),
    ("nucleo-l4r5zi", "st-flash"): ST_FLASH,
    ("nucleo-h743zi", "st-flash"): ST_FLASH,
    ("stm32f746-disco", "st-flash"): ST_FLASH,
    ("bluepill", "st-flash"): ST_FLASH,
    ("pico", "picotool"): "picotool load -v -x {file}",
    ("pico2", "picotool"): "picotool load -v -x {file}",
    ("pico2-riscv", "picotool"): "picotool load -v -x {file}",
    ("teensy41", "teensy-loader-cli"): "teensy_loader_cli --mcu=TEENSY41 -w -s {file}",
    ("esp32", "esptool"): ESPTOOL.format("esp32", "40m", "0xe000 {scratch}/boot_app0.bin 0x10000"),
    ("esp32s2", "esptool"): ESPTOOL.format(
        "esp32s2", "80m", "0xe000 {scratch}/boot_app0.bin 0x10000"
    ),
    ("esp32s3", "esptool"): ESPTOOL.format(
        "esp32s3", "80m", "0xe000 {scratch}/boot_app0.bin 0x10000"
    ),
    ("esp32c3", "esptool"): ESPTOOL.format(
        "esp32c3", "80m", "0xe000 {scratch}/boot_app0.bin 0x10000"
    ),
    ("esp32c6", "esptool"): ESPTOOL.format(
        "esp32c6", "80m", "0xe000 {scratch}/boot_app0.bin 0x10000"
    ),
    ("esp8266", "esptool"): ESPTOOL.format("esp8266", "40m", "0x0"),
}
DRIVES = {
    ("pico", "RPI-RP2", "uf2"), ("pico2", "RP2350", "uf2"), ("pico2-riscv", "RP2350", "uf2"),
    ("microbit", "MICROBIT", "hex"),
}  # fmt: skip
DRIVES |= {("xiao-nrf52840", "XIAO-BOOT", "uf2")}
VERSIONS = {"esptool": "print('esptool v5.3.1\\n5.3.1') if sys.argv[1] == 'version' else None"}
CHIPS = {"esp32": 0, "esp32s2": 2, "esp32c3": 5, "esp32s3": 9, "esp32c6": 13, "esp8266": 0}
PROGRAM = bytes(range(100))


def program(name: str, form: str, folder: Path) -> Path:
    """A program for a board, in one of the formats."""
    board = load_board(name)
    assert board.flash is not None
    path = folder / f"my program.{form}"
    if name in CHIPS:
        path.write_bytes(esp_application(CHIPS[name]))
    elif form == "elf":
        path.write_bytes(tiny_images.elf(ARM, board.flash.address, PROGRAM))
    else:
        segments = (Segment(board.flash.address, PROGRAM),)
        write_image(segments, path, board.flash.address, board.flash.uf2_family)
    return path


@pytest.fixture
def touched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ports that were opened at 1200 baud."""
    opened: list[str] = []
    monkeypatch.setattr(ports, "touch", opened.append)
    return opened


Connect = Callable[..., None]


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Sets the available ports."""

    def connected(*found: FoundPort) -> None:
        monkeypatch.setattr(ports, "found_ports", lambda: found)

    return connected


def port_of(name: str) -> FoundPort:
    usb = load_board(name).usb
    assert usb is not None
    return FoundPort("/dev/ttyACM0", (usb.bootloader or usb.ids)[0], "123", "a board")


def project_of(name: str, folder: Path) -> Project:
    return Project(folder / "out", load_board(name), "tiny")


def flash(name: str, options: FlashOptions, folder: Path) -> list[str]:
    """The commands printed by a dry run."""
    shown: list[str] = []
    project = project_of(name, folder)
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    flashing.flash(project, options, scratch, Silent(), shown.append)
    return shown


def test_the_table_has_every_board_and_every_tool() -> None:
    expected = {(b.name, tool) for b in list_boards() if b.flash for tool in b.flash.tools}
    assert {*COMMANDS} | {(name, "drive") for name, _, _ in DRIVES} == expected
    assert {tool for _, tool in expected} == flash_tools().keys()


def test_every_hardware_board_can_be_flashed() -> None:
    bought = {b.name for b in list_boards() if b.stand_in or b.name in ("uno", "mega")}
    assert (
        bought
        == {b.name for b in list_boards() if b.flash}
        == {b.name for b in list_boards() if b.usb}
    )


@pytest.mark.parametrize(("name", "tool"), COMMANDS)
def test_command(
    name: str, tool: str, tmp_path: Path, fake_programs: FakePrograms, connect: Connect,
    touched: list[str],
) -> None:  # fmt: skip
    connect(port_of(name))
    form, command = flash_tools()[tool].formats[0], flash_tools()[tool].programs[0]
    fake_programs.add(command, VERSIONS.get(tool, ""))
    image = program(name, form, tmp_path)
    shown = flash(name, FlashOptions(tool=tool, image=image), tmp_path)
    wanted = COMMANDS[name, tool].replace("{scratch}", str(tmp_path / "scratch"))
    words = [
        word.replace("{file}", str(image)).replace("{port}", "/dev/ttyACM0")
        for word in shlex.split(wanted)
    ]  # fmt: skip
    assert fake_programs.calls()[-1] == words
    assert shown == [shlex.join(words)]


def test_older_esptool_uses_underscores(
    tmp_path: Path, fake_programs: FakePrograms, connect: Connect
) -> None:
    connect(port_of("esp32"))
    answer = "print('esptool.py v4.8.1\\n4.8.1') if sys.argv[1] == 'version' else None"
    fake_programs.add("esptool.py", answer)
    image = program("esp32", "bin", tmp_path)
    flash("esp32", FlashOptions(image=image), tmp_path)
    words = fake_programs.calls()[-1]
    assert words[:11] == [
        "esptool.py", "--chip", "esp32", "--port", "/dev/ttyACM0", "--baud", "460800",
        "--before", "default_reset", "--after", "hard_reset",
    ]  # fmt: skip
    assert words[11:19] == [
        "write_flash", "-z", "--flash_mode", "dio", "--flash_freq", "40m", "--flash_size", "detect",
    ]  # fmt: skip


def test_bootloader_and_partitions_are_flashed_too(
    tmp_path: Path, fake_programs: FakePrograms, connect: Connect
) -> None:
    connect(port_of("esp32"))
    fake_programs.add("esptool")
    image = program("esp32", "bin", tmp_path)
    for name in ("bootloader.bin", "partitions.bin"):
        (tmp_path / name).write_bytes(b"x")
    flash("esp32", FlashOptions(image=image), tmp_path)
    assert fake_programs.calls()[-1][-8:] == [
        "0x1000", str(tmp_path / "bootloader.bin"), "0x8000", str(tmp_path / "partitions.bin"),
        "0xe000", str(tmp_path / "scratch" / "boot_app0.bin"), "0x10000", str(image),
    ]  # fmt: skip


@pytest.mark.parametrize(("name", "label", "form"), sorted(DRIVES))
def test_uf2_is_copied_to_the_drive(
    name: str, label: str, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    fake_programs: FakePrograms, connect: Connect, touched: list[str],
) -> None:  # fmt: skip
    connect()
    monkeypatch.setattr(drives, "mount_points", lambda: iter((tmp_path / "media", tmp_path / "-")))
    image = program(name, form, tmp_path)
    with pytest.raises(DeviceError, match=f"There is no drive {label}: looked in "):
        flash(name, FlashOptions(tool="drive", image=image), tmp_path)
    (tmp_path / "media" / label).mkdir(parents=True)
    shown = flash(name, FlashOptions(tool="drive", image=image), tmp_path)
    assert (tmp_path / "media" / label / image.name).read_bytes() == image.read_bytes()
    assert shown == [shlex.join(["cp", str(image), str(tmp_path / "media" / label)])]
    (tmp_path / "media" / f"{label}1").mkdir()
    with pytest.raises(DeviceError, match="Several drives may be the board: "):
        flash(name, FlashOptions(tool="drive", image=image), tmp_path)


def test_the_first_installed_tool_is_used(
    tmp_path: Path, fake_programs: FakePrograms, connect: Connect
) -> None:
    connect()
    fake_programs.add("st-flash")
    flash("nucleo-l4r5zi", FlashOptions(image=program("nucleo-l4r5zi", "elf", tmp_path)), tmp_path)
    (call,) = fake_programs.calls()
    assert call[0] == "st-flash"
    raw = Path(call[-2])
    assert (raw.suffix, raw.read_bytes()) == (".bin", PROGRAM)


def test_missing_tools_are_named_with_how_to_install_them(
    tmp_path: Path, fake_programs: FakePrograms
) -> None:
    with pytest.raises(ToolError) as caught:
        flash("nucleo-l4r5zi", FlashOptions(), tmp_path)
    assert str(caught.value) == (
        "nucleo-l4r5zi is flashed with openocd or pyocd or st-flash, which are not installed. "
        "Install OpenOCD: apt install openocd, brew install open-ocd. Or: Install pyOCD: pip "
        "install pyocd. Or: Install st-flash: apt install stlink-tools, brew install stlink."
    )
    with pytest.raises(ToolError, match=r"uno is flashed with avrdude, which is not installed\. "):
        flash("uno", FlashOptions(), tmp_path)


def test_other_tools_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ToolError) as caught:
        flash("uno", FlashOptions(tool="esptool"), tmp_path)
    assert str(caught.value) == (
        "uno is not flashed with 'esptool'. Expected one that its board file knows: avrdude."
    )


def test_emulated_boards_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BoardError, match="cortex-m4 is emulated, and never flashed: its file has"):
        flash("cortex-m4", FlashOptions(), tmp_path)


def test_the_output_of_a_failing_tool_is_shown(
    tmp_path: Path, fake_programs: FakePrograms, connect: Connect
) -> None:
    connect(port_of("uno"))
    fake_programs.add("avrdude", "print('programmer is not responding', file=sys.stderr); exit(1)")
    with pytest.raises(ToolError) as caught:
        flash("uno", FlashOptions(image=program("uno", "hex", tmp_path)), tmp_path)
    assert "avrdude failed (exit code 1):\nprogrammer is not responding\n" in str(caught.value)
    assert "no other program uses it" in str(caught.value)


def test_a_dry_run_calls_nothing_and_needs_no_port(
    tmp_path: Path, fake_programs: FakePrograms, connect: Connect, touched: list[str]
) -> None:
    connect()
    assert flash("nano33ble", FlashOptions(dry_run=True), tmp_path) == [
        f"# bossac is not installed. {flash_tools()['bossac'].install}",
        "# pio is not installed. Install PlatformIO: pip install platformio.",
        f"pio run --project-dir {tmp_path}/out --environment serial",
        "# tinycomp opens PORT at 1200 baud to start the bootloader, and waits for the "
        "bootloader's port; on Linux: stty -F PORT 1200",
        "# PORT stands for the board's serial port: 'tinycomp ports' lists them.",
        f"bossac --port=PORT -U -i -e -w {tmp_path}/out/.pio/build/serial/firmware.bin -R",
    ]
    assert (fake_programs.calls(), touched) == ([], [])


def test_a_dry_run_names_the_drive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake_programs: FakePrograms, connect: Connect
) -> None:
    connect()
    media = tmp_path / "media"
    monkeypatch.setattr(drives, "mount_points", lambda: iter((media,)))
    fake_programs.add("pio")
    firmware = f"{tmp_path}/out/.pio/build/serial/firmware.uf2"
    shown = flash("pico", FlashOptions("COM7", dry_run=True), tmp_path)
    assert shown == [
        "# picotool is not installed: flashed by its drive.",
        f"pio run --project-dir {tmp_path}/out --environment serial",
        "# tinycomp opens COM7, if the board has one, at 1200 baud to start the bootloader; "
        "on Linux: stty -F COM7 1200",
        f"# {media}/RPI-RP2 stands for the board's drive. There is no drive RPI-RP2: looked in "
        f"{media}.",
        f"cp {firmware} {media}/RPI-RP2",
    ]
    (media / "RPI-RP2 1").mkdir(parents=True)
    assert flash("pico", FlashOptions(dry_run=True), tmp_path)[-1] == (
        f"cp {firmware} '{media}/RPI-RP2 1'"
    )


def test_a_dry_run_says_which_parts_tinycomp_makes(
    tmp_path: Path, fake_programs: FakePrograms, connect: Connect
) -> None:
    connect()
    fake_programs.add("esptool")
    fake_programs.add("pio")
    build = tmp_path / "out" / ".pio" / "build" / "serial"
    _, note, command = flash("esp32", FlashOptions("P", dry_run=True), tmp_path)
    assert note == f"# tinycomp writes {build}/boot_app0.bin."
    assert f" 0x1000 {build}/bootloader.bin 0x8000 {build}/partitions.bin 0xe000 " in command
    image = program("esp32", "bin", tmp_path)
    note, command = flash("esp32", FlashOptions("P", image=image, dry_run=True), tmp_path)
    assert note == "# tinycomp writes boot_app0.bin into a temporary folder."
    assert command.endswith(shlex.join(["0xe000", "boot_app0.bin", "0x10000", str(image)]))
    assert not build.exists()


def test_a_dry_run_names_the_converted_file(
    tmp_path: Path, fake_programs: FakePrograms, connect: Connect
) -> None:
    connect()
    fake_programs.add("st-flash")
    fake_programs.add("make")
    image = program("bluepill", "elf", tmp_path)
    skipped, converted, command = flash(
        "bluepill", FlashOptions(image=image, dry_run=True), tmp_path
    )
    assert skipped == "# openocd and pyocd are not installed: flashed by st-flash."
    assert converted == f"# tinycomp writes my program.bin from {image}, into a temporary folder."
    assert command.endswith("write 'my program.bin' 0x08000000")
    command = flash("bluepill", FlashOptions(dry_run=True), tmp_path)[-1]
    real = project_of("bluepill", tmp_path).recipe.outputs["elf"].with_suffix(".bin")
    assert command.endswith(f"write {real} 0x08000000")


@pytest.mark.parametrize(
    ("name", "file", "problem"),
    [
        ("uno", "missing.hex", "There is no file '"),
        ("pico", "README.md", "its name ends in none of .elf, .hex, .bin and .uf2"),
        ("esp32", "avr.elf", "esp32 is flashed from bin, but there is elf"),
        ("pico", "avr.elf", "a program for AVR (32 bits), and the core is cortex-m0plus"),
    ],
)
def test_a_dry_run_checks_a_given_program(
    name: str, file: str, problem: str, tmp_path: Path, fake_programs: FakePrograms,
    connect: Connect,
) -> None:  # fmt: skip
    connect()
    (tmp_path / "README.md").write_text("text")
    (tmp_path / "avr.elf").write_bytes(tiny_images.elf(tiny_images.AVR, 0, b"code"))
    options = FlashOptions("P", image=tmp_path / file, dry_run=True)
    with pytest.raises((BoardError, ToolError)) as caught:
        flash(name, options, tmp_path)
    assert problem in str(caught.value)


def test_a_dry_run_says_how_a_sketch_is_built_here(
    tmp_path: Path, fake_programs: FakePrograms, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without arduino-cli, Debian's core builds it where it has the board's pins."""
    compile_uno = (
        f"arduino-cli compile --fqbn arduino:avr:uno --library {tmp_path}/out "
        f"--build-path {tmp_path}/out/build {tmp_path}/out/examples/serial"
    )
    monkeypatch.setattr(arduino, "is_available", lambda board: False)
    shown = flash("uno", FlashOptions("P", dry_run=True), tmp_path)
    assert shown[:3] == [
        "# avrdude is not installed. Install avrdude: apt install avrdude, brew install avrdude.",
        "# arduino-cli is not installed. Install arduino-cli (arduino.github.io/arduino-cli), then "
        "`arduino-cli core install arduino:avr`.",
        compile_uno,
    ]
    fake_programs.add("avrdude")
    monkeypatch.setattr(arduino, "is_available", lambda board: True)
    line, converted, command = flash("uno", FlashOptions("P", dry_run=True), tmp_path)
    assert converted == f"# tinycomp writes {tmp_path}/out/build/serial.hex from serial.elf."
    assert line == (
        "# arduino-cli is not installed: tinycomp builds with avr-gcc and the core in "
        "/usr/share/arduino/hardware/arduino/avr."
    )
    assert command.endswith(f"-U flash:w:{tmp_path}/out/build/serial.hex:i")
    fake_programs.add("arduino-cli")
    line, command = flash("uno", FlashOptions("P", dry_run=True), tmp_path)
    assert line == compile_uno
    assert command.endswith(f"-U flash:w:{tmp_path}/out/build/serial.ino.hex:i")


@pytest.mark.parametrize(
    ("name", "body", "problem"),
    [
        ("x.elf", tiny_images.elf(tiny_images.RISCV, 0x08000000, b"code"), "a program for RISC-V"),
        ("x.elf", tiny_images.elf(tiny_images.X86_64, 0, b"code", bits=64), "for x86-64 (64 bits)"),
        ("x.elf", tiny_images.elf(ARM, 0x20000000, b"code"), "bytes at 0x20000000 to 0x20000003"),
        ("x.elf", b"\x7fELF and no more", "not a complete ELF file"),
        ("x.txt", b"code", "its name ends in none of .elf, .hex, .bin and .uf2"),
        ("x.bin", b"code", "is flashed from elf, but there is bin"),
    ],
)
def test_programs_for_other_boards(
    name: str, body: bytes, problem: str, tmp_path: Path, fake_programs: FakePrograms,
    connect: Connect,
) -> None:  # fmt: skip
    connect()
    fake_programs.add("openocd")
    (tmp_path / name).write_bytes(body)
    with pytest.raises((BoardError, ToolError)) as caught:
        flash("nucleo-l4r5zi", FlashOptions(image=tmp_path / name), tmp_path)
    assert problem in str(caught.value)
    assert fake_programs.calls() == []


@pytest.mark.parametrize(
    ("board", "body", "problem"),
    [
        ("esp32c3", esp_application(0), "it is for esp32, not for esp32c3"),
        ("esp32", esp_application(99), "it is for chip 99, not for esp32"),
        ("esp32", b"\x00code", "it begins with 0x00, not 0xe9"),
        (
            "esp32",
            esp_application(0, bytes(1_400_000)),
            "the program's flash is 0x10000 to 0x14ffff",
        ),
    ],
)
def test_applications_of_other_chips(
    board: str, body: bytes, problem: str, tmp_path: Path, fake_programs: FakePrograms,
    connect: Connect,
) -> None:  # fmt: skip
    connect(port_of(board))
    fake_programs.add("esptool")
    (tmp_path / "x.bin").write_bytes(body)
    with pytest.raises(BoardError) as caught:
        flash(board, FlashOptions(image=tmp_path / "x.bin"), tmp_path)
    assert problem in str(caught.value)


def test_an_avr_program_of_another_chip(
    tmp_path: Path, fake_programs: FakePrograms, connect: Connect
) -> None:
    connect(port_of("uno"))
    fake_programs.add("avrdude")
    (tmp_path / "x.elf").write_bytes(tiny_images.elf(tiny_images.AVR, 0, b"code", flags=0x86))
    with pytest.raises(BoardError, match="for the AVR architecture 6, and the atmega328p has 5"):
        flash("uno", FlashOptions(image=tmp_path / "x.elf"), tmp_path)


def test_a_uf2_of_another_chip(
    tmp_path: Path, fake_programs: FakePrograms, connect: Connect
) -> None:
    connect()
    fake_programs.add("picotool")
    image = program("pico2", "uf2", tmp_path)
    with pytest.raises(BoardError, match="for the UF2 family 0xe48bff59, not 0xe48bff56"):
        flash("pico", FlashOptions(image=image), tmp_path)
