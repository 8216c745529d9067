"""The fake firmware, built once per session for each board and input format."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from fake_firmware import EMULATED, build_fake, emulator, talk, talk_over

from tinycomp.device.emulator import emulate, qemu, run_native
from tinycomp.device.link import Link
from tinycomp.device.protocol import Device

Build = Callable[..., Path]


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Builds a program, once."""
    built: dict[tuple[str, ...], Path] = {}
    folder = tmp_path_factory.mktemp("fake")

    def once(board: str, *options: str) -> Path:
        if (board, *options) not in built:
            built[board, *options] = build_fake(board, folder / board, *options)
        return built[board, *options]

    return once


def started(board: str, program: Path) -> AbstractContextManager[str]:
    """The running program's port."""
    return emulate(qemu(emulator()), program) if board == EMULATED else run_native(program)


@pytest.fixture(params=["host", EMULATED])
def board(request: pytest.FixtureRequest) -> str:
    """The boards that these tests run on."""
    if request.param == EMULATED:
        emulator()
    return str(request.param)


@pytest.fixture
def talks(board: str, build: Build) -> Callable[..., str]:
    """Sends raw commands to a freshly started device; returns its replies."""

    def exchange(commands: bytes, *options: str) -> str:
        program = build(board, *options)
        if board == "host":
            return talk(program, commands)
        with started(board, program) as port, Link(port) as link:
            return talk_over(link, commands)

    return exchange


@pytest.fixture
def port(board: str, build: Build) -> Iterator[str]:
    """The port of a freshly started device."""
    with started(board, build(board)) as name:
        yield name


@pytest.fixture
def device(port: str) -> Iterator[Device]:
    """A connected device."""
    with Link(port) as link:
        yield Device(link)
