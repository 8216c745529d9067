"""Commands that install what is missing, by system; the container has every toolchain."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tinycomp.common.errors import ToolError
from tinycomp.common.installing import extra, install_command, install_hint
from tinycomp.target.boards import list_boards

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / ".devcontainer" / "Dockerfile").read_text()
SETUP = (ROOT / ".ci" / "setup").read_text()
FOR_TESTS = {"clang-14", "clang-19", "clang-format", "libclang-rt-19-dev", "postgresql"}
"""Debian packages that only tests of the checkout take."""
ONLY_THERE = {"dfu-util", "openocd", "python3", "python3-venv", "stlink-tools"}
"""Debian packages of the container that the checkout's tests do without."""


def in_container() -> list[str]:
    block = re.search(r"--no-install-recommends \\\n((?:        .* \\\n)+)", DOCKERFILE)
    assert block
    return block[1].replace("\\", " ").split()


def in_setup() -> set[str]:
    table = SETUP.split("tools=(")[1].split("\n)")[0]
    return {
        package
        for line in re.findall(r'^ +"(.*)"$', table, re.MULTILINE)
        for package in line.split(":")[1].split()
    }


def test_the_container_has_the_packages_of_the_setup() -> None:
    assert set(in_container()) == (in_setup() - FOR_TESTS) | ONLY_THERE


def test_the_container_has_the_toolchain_of_every_board() -> None:
    for board in list_boards():
        emulators = [] if board.emulator is None else board.emulator.packages
        assert {*board.compiler.packages, *emulators} <= set(in_container()), board.name


def test_the_container_is_written_as_it_should_be() -> None:
    """Sorted packages, lists removed in the same layer, each instruction known, paths exist."""
    packages = in_container()
    assert packages == sorted(set(packages))
    lines = re.sub(r"\\\n", " ", DOCKERFILE).splitlines()
    instructions = [line.split()[0] for line in lines if line.strip() and not line.startswith("#")]
    assert instructions[0] == "FROM"
    assert set(instructions) <= {"FROM", "RUN", "COPY", "ENV", "WORKDIR", "ENTRYPOINT", "CMD"}
    for line in lines:
        if "apt-get install" in line:
            assert line.startswith("RUN apt-get update")
            assert line.endswith("rm -rf /var/lib/apt/lists/*")
    kept = (ROOT / ".devcontainer" / "Dockerfile.dockerignore").read_text().split()
    for path in (line[1:] for line in kept if line.startswith("!")):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize(
    ("platform", "packages", "command"),
    [
        ("linux", ["gcc-avr", "avr-libc"], "apt install gcc-avr avr-libc"),
        ("darwin", ["gcc-avr", "avr-libc"], "brew install osx-cross/avr/avr-gcc"),
        ("darwin", ["gcc-arm-none-eabi"], "brew install --cask gcc-arm-embedded"),
        ("darwin", ["libsimavr-dev"], "in WSL or a container, apt install libsimavr-dev"),
        ("win32", ["gcc-arm-none-eabi"], "winget install Arm.GnuArmEmbeddedToolchain"),
        (
            "win32",
            ["qemu-system-arm", "make"],
            "winget install SoftwareFreedomConservancy.QEMU && winget install ezwinports.make",
        ),
        ("win32", ["gcc-xtensa-lx106"], "in WSL or a container, apt install gcc-xtensa-lx106"),
    ],
)
def test_the_command_of_each_system(platform: str, packages: list[str], command: str) -> None:
    assert install_command(packages, platform) == command
    assert install_hint(packages, platform).endswith(f": {command}.")


def test_a_missing_package_of_an_extra() -> None:
    with (
        pytest.raises(ToolError, match=r"^It takes Pack, which is not installed \(no_such\)\. pip"),
        extra("keras", "It", "Pack"),
    ):
        import no_such  # noqa: F401
