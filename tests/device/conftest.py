"""The fake firmware, built once per session for each board and input format."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake_firmware import EMULATED, Build, build_fake, emulator, started, talk, talk_over

from tinycomp.device.link import Link
from tinycomp.device.protocol import Device


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
