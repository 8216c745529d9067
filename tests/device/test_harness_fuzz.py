"""For any input, the device replies to each '%' once and stays within its buffers (sanitizers)."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from harness_fuzz import FORMATS, fuzz, minimized, problem, script, stream
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

WORDS = (
    *(b"db", b"tc", b"load", b"print", b"infer", b"results", b"name", b"info", b"run", b"tensor"),
    *(b"checksums", b"nodes", b"stack", b"output", b"sync", b"96", b"97", b"0", b"1", b"2", b"-1"),
    *(b"4294967296", b"00", b"ff" * 38, b"a" * 79, b"00" * 48, b"deadbeef", b" ", b"%", b"% ", b""),
)  # fmt: skip
COMMANDS = st.lists(st.one_of(st.sampled_from(WORDS), st.binary(max_size=100)), max_size=60)


@settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(parts=COMMANDS, separator=st.sampled_from([b" ", b"", b"%"]))
def test_any_bytes(build: Callable[..., Path], parts: list[bytes], separator: bytes) -> None:
    assert problem(build("host"), separator.join(parts)) is None


def test_long_garbage(build: Callable[..., Path]) -> None:
    rng = random.Random(1)
    assert problem(build("host"), rng.randbytes(200_000)) is None
    assert problem(build("host"), b" ".join(rng.choices(WORDS, k=20_000))) is None


@pytest.mark.parametrize("count", [3, pytest.param(200, marks=pytest.mark.slow)])
@pytest.mark.parametrize("input_format", FORMATS)
def test_streams_of_commands(build: Callable[..., Path], input_format: str, count: int) -> None:
    assert fuzz([build("host", input_format)], count, seed=1) == []


def test_streams_contain_valid_commands() -> None:
    """Most commands are valid, and complete loads are among them."""
    data = stream(random.Random(1))
    assert data == stream(random.Random(1))
    assert data.count(b"%") > 1500
    assert all(word in data for word in (b"tc load 96 ", b"db load 96%", b"infer 2 1%", b"tc run%"))


def test_a_failure_is_found_minimized_and_printed(
    build: Callable[..., Path], tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    broken.write_text(
        f"#!/bin/sh\ncat >{tmp_path}/all\ngrep -qa 'tc stack' {tmp_path}/all && exit 3\n"
        f"exec {build('host')} <{tmp_path}/all\n"
    )
    broken.chmod(0o755)
    (failure,) = fuzz([broken], 5, seed=1)
    assert failure.startswith("# seed 1: exit code 3")
    assert "data = b'tc stack'\n" in failure


def test_failures_are_minimized() -> None:
    data = b"name%" * 300 + b"tc load 96 0%x%" + b"tc info%" * 200
    assert minimized(data, lambda part: b"load 96" in part) == b"load 96"
    assert "input=data" in script("x", b"load 96", "why\nbecause")
