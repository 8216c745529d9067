"""The harness under libFuzzer: a short run, and a planted error that it has to find."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from harness_libfuzzer import FORMATS, HARNESS, built, compiler, fuzz

CLANG = compiler()

pytestmark = pytest.mark.skipif(CLANG is None, reason="no clang with libFuzzer is installed")


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("count", [100_000, pytest.param(10_000_000, marks=pytest.mark.slow)])
def test_bytes_chosen_by_coverage(kind: str, count: int, tmp_path: Path) -> None:
    assert CLANG is not None
    done = fuzz(built(CLANG, tmp_path, kind, count), tmp_path, seed=1)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "every command was answered once" in done.stdout
    assert int(done.stdout.split()[0]) >= count


@pytest.mark.parametrize(
    ("file", "right", "wrong", "message"),
    [
        ("protocol.c", "text[TC_COMMAND_SIZE + 1]", "text[TC_COMMAND_SIZE]", "out of bounds"),
        ("input.c", "size > tc_model.received_size", "size > 2000U", "overflow"),
        ("protocol.c", "tc_put_ready();\n", ";\n", "not one reply for each command"),
    ],
    ids=["buffer", "load", "reply"],
)
def test_a_planted_error_is_found(
    file: str, right: str, wrong: str, message: str, tmp_path: Path
) -> None:
    assert CLANG is not None
    harness = tmp_path / "harness"
    shutil.copytree(HARNESS, harness)
    text = (harness / file).read_text()
    assert right in text
    (harness / file).write_text(text.replace(right, wrong, 1))
    done = fuzz(built(CLANG, tmp_path, "INT8", 20_000_000, harness), tmp_path, seed=1)
    assert done.returncode != 0
    assert message in done.stderr
