"""How to install a program that is missing, on this system, and a package of an extra."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from tinycomp.common.errors import ToolError

_HOMEBREW: Mapping[str, str] = {
    "avr-libc": "osx-cross/avr/avr-gcc",
    "avrdude": "avrdude",
    "cmake": "cmake",
    "dfu-util": "dfu-util",
    "g++": "gcc",
    "gcc": "gcc",
    "gcc-arm-none-eabi": "--cask gcc-arm-embedded",
    "gcc-avr": "osx-cross/avr/avr-gcc",
    "gcc-riscv64-unknown-elf": "riscv64-elf-gcc",
    "libnewlib-arm-none-eabi": "--cask gcc-arm-embedded",
    "make": "make",
    "openocd": "open-ocd",
    "qemu-system-arm": "qemu",
    "qemu-system-misc": "qemu",
    "stlink-tools": "stlink",
    "teensy-loader-cli": "teensy_loader_cli",
}
_WINGET: Mapping[str, str] = {
    "avr-libc": "ZakKemble.avr-gcc",
    "avrdude": "AVRDudes.AVRDUDE",
    "cmake": "Kitware.CMake",
    "g++": "BrechtSanders.WinLibs.POSIX.UCRT",
    "gcc": "BrechtSanders.WinLibs.POSIX.UCRT",
    "gcc-arm-none-eabi": "Arm.GnuArmEmbeddedToolchain",
    "gcc-avr": "ZakKemble.avr-gcc",
    "libnewlib-arm-none-eabi": "Arm.GnuArmEmbeddedToolchain",
    "make": "ezwinports.make",
    "qemu-system-arm": "SoftwareFreedomConservancy.QEMU",
    "qemu-system-misc": "SoftwareFreedomConservancy.QEMU",
}
_MANAGERS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "darwin": ("brew install", _HOMEBREW),
    "win32": ("winget install", _WINGET),
}
"""By sys.platform: the command of the package manager, and its packages by Debian's names."""


def install_command(packages: Sequence[str], platform: str = sys.platform) -> str:
    """The command that installs Debian packages, or those with the same programs elsewhere.

    On macOS and Windows not all have one; then it is Debian's, which a container or WSL takes.
    """
    command, names = _MANAGERS.get(platform, ("", {}))
    if not command or not all(package in names for package in packages):
        debian = f"apt install {' '.join(packages)}"
        return f"in WSL or a container, {debian}" if command else debian
    found = dict.fromkeys(names[package] for package in packages)
    if command.startswith("winget"):
        return " && ".join(f"{command} {package}" for package in found)
    casks = [name for name in found if name.startswith("--cask ")]
    plain = " ".join(name for name in found if name not in casks)
    return " && ".join(f"{command} {names}" for names in [*casks, plain] if names)


def install_hint(packages: Sequence[str], platform: str = sys.platform) -> str:
    """A sentence with the command."""
    systems = {"darwin": "On macOS", "win32": "On Windows"}
    system = systems.get(platform, "On Debian or Ubuntu")
    return f"{system}: {install_command(packages, platform)}."


@contextmanager
def extra(name: str, purpose: str, package: str) -> Iterator[None]:
    """Say which extra of tinycomp to install where an import in the block fails.

    Args:
        name: the extra, as in `pip install 'tinycomp[keras]'`.
        purpose: what takes the package, as the subject of a sentence: "Training".
        package: as people know it: "Keras".

    Raises:
        ToolError: an import failed.
    """
    try:
        yield
    except ImportError as error:
        missing = (error.name or "").split(".")[0]
        raise ToolError(
            f"{purpose} takes {package}, which is not installed ({missing or error}).",
            hint=f"pip install 'tinycomp[{name}]'",
        ) from error
