"""`tinycomp compress` on the command line: output, errors, and its file in a build."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from command_line import Command, Refusal, write_trained

from tinycomp.target.boards import load_board
from tinycomp.target.toolchain import is_available

needs_arm = pytest.mark.skipif(
    not is_available(load_board("cortex-m4").compiler), reason="arm-none-eabi-gcc is missing"
)
RECIPE = "[training]\nbatch = 32\n[[steps]]\ntechnique = 'rate'\nepochs = 2\nbits = 1.5\n"


pytestmark = pytest.mark.usefixtures("elsewhere")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a trained model.keras, its data.npz, and a recipe."""
    folder = tmp_path_factory.mktemp("compress")
    write_trained(folder, features=64, distance=0.5, units=128)
    (folder / "recipe.toml").write_text(RECIPE)
    return folder


def arguments(folder: Path, output: Path) -> list[str]:
    return [
        "compress", str(folder / "model.keras"), "--data", str(folder / "data.npz"), "--recipe",
        str(folder / "recipe.toml"), "-o", str(output),
    ]  # fmt: skip


@needs_arm
def test_a_build_of_the_output_has_the_constants_of_the_last_row(
    written: Path, tmp_path: Path, run: Command
) -> None:
    small, out = tmp_path / "small.tflite", tmp_path / "out"
    done = run(*arguments(written, small))
    assert done.code == 0, done.err
    last = next(line for line in done.err.splitlines() if line.startswith("rate: "))
    (constants,) = re.findall(r"([\d,]+) bytes of constants", last)
    assert (
        f" has a byte for each weight; a build stores its constants in {constants} " in done.words
    )
    assert "in int8 alone:" not in done.err
    assert "float: top-1" in done.out
    assert "compressed: top-1" in done.out
    assert f"Build it with: tinycomp build {small} --board cortex-m4 --optimize flash" in done.words
    options = (
        "--board",
        "cortex-m4",
        "--optimize",
        "flash",
        "-o",
        out,
        "--no-bench",
        "--no-verify",
    )
    assert run("build", small, *options).code == 0
    report = json.loads((out / "report.json").read_text())
    assert f" {report['flash']['constants']:,} bytes of constants" in last
    assert report["compression"]["steps"][0]["technique"] == "rate"
    assert {layer["codec"] for layer in report["layers"]} - {None, "dense"}


def test_impossible_options_are_refused(written: Path, tmp_path: Path, refusal: Refusal) -> None:
    good = arguments(written, tmp_path / "small.tflite")
    assert "There is no recipe 'balance'" in refusal(*good, "--recipe", "balance")
    assert "is not a .tflite or .keras file" in refusal(*good, "-o", str(tmp_path / "small.bin"))
    (tmp_path / "wrong.toml").write_text("[[steps]]\ntechnique = 'prune'\nsparsity = 1.2\n")
    assert "A sparsity of 1.2 is not possible" in refusal(
        *good, "--recipe", str(tmp_path / "wrong.toml")
    )


@pytest.mark.parametrize("text", ["0", "12q", "-3", "k"])
def test_sizes_are_checked(text: str, written: Path, tmp_path: Path, run: Command) -> None:
    done = run(*arguments(written, tmp_path / "small.tflite"), f"--target-bytes={text}")
    assert done.code == 2
    assert "is not a size" in done.err


@pytest.mark.slow
def test_other_targets_are_checked(
    written: Path, tmp_path: Path, run: Command, refusal: Refusal
) -> None:
    good = arguments(written, tmp_path / "small.tflite")
    done = run(*good, "--target-macs=12q")
    assert done.code == 2
    assert "is not a number of" in done.err
    assert "can't be combined" in refusal(*good, "--target-bytes=2k", "--target-flash=8k")
    assert "--target-macs needs a recipe" in refusal(*good, "--target-macs", "5M")


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_same_bytes(written: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(RECIPE.replace("epochs = 2", "epochs = 30"))
    states = tmp_path / "states"

    def command(output: str, *more: str) -> list[str]:
        options = arguments(written, tmp_path / output)
        return [sys.executable, "-m", "tinycomp", *options, "--recipe", str(recipe), *more]

    subprocess.run(command("whole.tflite"), check=True, capture_output=True)
    killed = subprocess.Popen(
        command("again.tflite", "--checkpoint", str(states)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    end = time.monotonic() + 120
    while not (states / "step-1.npz").exists() and time.monotonic() < end:
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    assert not (tmp_path / "again.tflite").exists()
    with np.load(states / "step-1.npz") as state:
        assert 1 <= int(state["done"]) < 30
    subprocess.run(
        command("again.tflite", "--checkpoint", str(states)), check=True, capture_output=True
    )
    assert (tmp_path / "again.tflite").read_bytes() == (tmp_path / "whole.tflite").read_bytes()
