"""Whatever comes, the device answers each '%' once and keeps to its buffers (sanitizers)."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from fake_firmware import talk
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
    check(build("host"), separator.join(parts))


def test_long_garbage(build: Callable[..., Path]) -> None:
    rng = random.Random(1)
    check(build("host"), rng.randbytes(200_000))
    check(build("host"), b" ".join(rng.choices(WORDS, k=20_000)))


def check(program: Path, garbage: bytes) -> None:
    garbage += b"%tc sync end%"
    text = talk(program, garbage)
    assert text.endswith("m-tc-sync-[end]\r\nm-ready\r\n")
    assert text.split("\r\n").count("m-ready") == garbage.count(b"%")
