"""Runs samples through firmware/harness/host_runner.c."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fake_firmware import FAKE_MODEL

from tinycomp.common import resources
from tinycomp.common.errors import ToolError
from tinycomp.device import runner
from tinycomp.device.runner import run_host
from tinycomp.target import boards
from tinycomp.target.toolchain import SANITIZE, STRICT, Options, compile_objects, is_available, link

SIZES = [96, 96, 96, 96, 4]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = boards.load_board("host").compiler
    if not is_available(compiler):
        pytest.skip("gcc is not installed")
    folder = tmp_path_factory.mktemp("runner")
    harness = resources.firmware() / "harness"
    options = Options((harness,), (*STRICT, *SANITIZE))
    sources = [harness / "host_runner.c", harness / "crc32.c", FAKE_MODEL]
    return link(
        compiler, compile_objects(compiler, sources, folder, options), folder / "runner", SANITIZE
    )


@pytest.mark.parametrize("batch", [64_000_000, 1000])
def test_all_tensors(program: Path, monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    monkeypatch.setattr(runner, "BYTES_A_BATCH", batch)
    inputs = np.random.default_rng(2).integers(-128, 128, (7, 96)).astype(np.int8)
    tensors = run_host(program, inputs, SIZES)
    flipped = inputs.view(np.uint8) ^ 0x55
    backwards = (flipped + np.uint8(1))[:, ::-1]
    np.testing.assert_array_equal(tensors[0], inputs)
    np.testing.assert_array_equal(tensors[1].view(np.uint8), flipped)
    np.testing.assert_array_equal(tensors[3].view(np.uint8), backwards)
    sums = backwards.reshape(7, 4, 24).sum(axis=2).astype(np.uint8)
    np.testing.assert_array_equal(tensors[4].view(np.uint8), sums)


def test_no_samples(program: Path) -> None:
    tensors = run_host(program, np.zeros((0, 96), np.int8), SIZES)
    assert [tensor.shape for tensor in tensors] == [(0, size) for size in SIZES]


def test_a_part_beyond_its_tensor(program: Path) -> None:
    inputs = np.zeros((2, 96), np.int8)
    with pytest.raises(ToolError, match="reported bytes 72 to 96 of tensor 2"):
        run_host(program, inputs, [96, 96, 90, 96, 4])


def test_a_missing_part(program: Path) -> None:
    inputs = np.zeros((2, 96), np.int8)
    with pytest.raises(ToolError, match="reported 96 of 97 bytes of tensor 2"):
        run_host(program, inputs, [96, 96, 97, 96, 4])


def test_half_a_sample(program: Path) -> None:
    with pytest.raises(ToolError, match="failed on this computer: the input ended within a sample"):
        run_host(program, np.zeros((1, 95), np.int8), [95, *SIZES[1:]])


def test_a_sanitizer_report_is_an_error(tmp_path: Path) -> None:
    program = tmp_path / "broken"
    program.write_text("#!/bin/sh\necho 'runtime error: overflow' >&2\n")
    program.chmod(0o755)
    with pytest.raises(ToolError, match="runtime error: overflow"):
        run_host(program, np.zeros((1, 4), np.int8), [4])
