"""Results and output of successful commands."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from command_line import Command, needs_gcc, needs_m4, tree
from distinct_boards import distinct_boards

from tinycomp.frontend.tflite import read_tflite
from tinycomp.quantization.affine import quantize_inputs
from tinycomp.reference.simulate import run as simulate
from tinycomp.target.boards import Board, list_boards


@needs_gcc
def test_build_for_this_computer(folder: Path, run: Command) -> None:
    done = run("build", "model.tflite", "-o", "out", "--data", "data.npz")
    assert done.code == 0
    assert "Verified equal in every byte, litert, simulator, host: 7 tensors" in done.words
    assert done.words.endswith("Wrote out")
    assert "Note: data.npz has no test half" in done.err
    written = {name.split("/")[1] for name in tree(folder) if name.startswith("out/")}
    parts = {"library", "harness", "port", "Makefile", "README.md", "model.tflite", "report.json"}
    assert written == {*parts, "report.html", ".tinycomp-manifest.json"}
    assert (folder / "out" / "model.tflite").read_bytes() == (folder / "model.tflite").read_bytes()


@needs_gcc
@needs_m4
def test_verify_on_an_emulated_board(emulated: Path, run: Command) -> None:
    before = tree(emulated)
    done = run("verify", "out", "--samples", "2", "--data", "data.npz")
    assert done.code == 0
    assert "litert = simulator = host = device: 7 tensors, 2 samples" in done.words
    assert "Equal in every byte of every tensor." in done.words
    assert tree(emulated) == before


@needs_m4
def test_bench_on_an_emulated_board(emulated: Path, run: Command) -> None:
    """About the same as in the build, which used another input."""
    before = tree(emulated)
    done = run("bench", "out")
    assert done.code == 0
    found = re.search(r"Instructions ([\d,]+),", done.words)
    assert found is not None
    expected = json.loads(before["out/report.json"])["latency"]["value"]
    assert int(found[1].replace(",", "")) == pytest.approx(expected, rel=0.05)
    assert tree(emulated) == before


@needs_gcc
@needs_m4
def test_verify_on_this_computer_a_build_for_another(emulated: Path, run: Command) -> None:
    done = run("verify", "out", "--board", "host", "--samples", "3")
    assert done.code == 0
    assert "litert = simulator = host: 7 tensors, 3 samples" in done.words


@pytest.mark.parametrize("board", distinct_boards())
def test_build_for_every_board(board: Board, folder: Path, run: Command) -> None:
    quick = ("--no-verify", "--no-bench", "--board", board.name)
    assert run("build", "model.tflite", "-o", "out", *quick).code == 0
    report = json.loads((folder / "out" / "report.json").read_text())
    assert report["board"] == board.name
    assert (folder / "out" / "README.md").is_file()


@needs_gcc
@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_the_written_project_builds(built: Path) -> None:
    done = subprocess.run(["make", "-s", "-C", built / "out"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_quantize_compresses(folder: Path, run: Command) -> None:
    done = run("quantize", "model.tflite", "-o", "small.tflite", "--codebook-bits", "2")
    size = (folder / "small.tflite").stat().st_size
    assert done.words == f"Wrote small.tflite: {size:,} bytes"
    assert "Note: Without --data" in done.err
    graph = read_tflite(folder / "small.tflite")
    weights = [
        graph.constants[n.inputs[1]].values for n in graph.nodes if n.op.weight_axis is not None
    ]
    assert all(len(np.unique(channel)) <= 4 for values in weights for channel in values[:1])


def test_simulate_scores_and_writes(folder: Path, run: Command) -> None:
    done = run("simulate", "model.tflite", "--data", "data.npz", "-o", "y.npz")
    assert done.words.startswith("top-1 on 12 samples: 0.")
    graph = read_tflite(folder / "model.tflite")
    with np.load(folder / "data.npz") as data, np.load(folder / "y.npz") as found:
        expected = simulate(graph, quantize_inputs(graph, data["x"]))
        assert np.array_equal(found["output"], expected)
        accuracy = np.mean(expected.argmax(axis=1) == data["y"])
    assert f"{accuracy:.4f}" in done.words


def test_inspect_a_model(folder: Path, run: Command) -> None:
    done = run("inspect", "model.tflite")
    assert "depthwise_conv_2d" in done.words
    assert "2,064 multiply-accumulates" in done.words


def test_inspect_a_build(built: Path, run: Command) -> None:
    done = run("inspect", "out")
    assert done.words.startswith("model: Built for host")
    assert "RAM" in done.words


def test_boards_are_listed(folder: Path, run: Command) -> None:
    done = run("boards")
    assert all(board.name in done.words for board in list_boards())
    assert "…" not in done.words


def test_a_board_is_shown(run: Command) -> None:
    done = run("boards", "nano33ble")
    assert "884,736 of 983,040 bytes; 98,304 are reserved" in done.words
    assert "-mfpu=fpv4-sp-d16" in done.words
    assert "stand-in cortex-m4" in done.words


@pytest.mark.parametrize("asked", ["esp32-s3", "ESP32S3", "esp32_s3"])
def test_a_similar_name_is_suggested(asked: str, run: Command) -> None:
    done = run("boards", asked)
    assert done.code == 2
    assert "Did you mean 'esp32s3'?" in done.err


QUICK = ("--no-verify", "--no-bench")


def test_force_keeps_edited_files(built: Path, run: Command) -> None:
    for name in ("Makefile", "harness/main.c"):
        (built / "out" / name).write_text("mine")
    done = run("build", "model.tflite", "-o", "out", *QUICK, "--force", "--optimize", "ram")
    assert done.code == 0, done.err
    for name in ("Makefile", "harness/main.c"):
        assert (built / "out" / name).read_text() == "mine"
        assert f"Note: {name} was edited and stays as it is: remove it" in done.err
    (built / "out" / "Makefile").unlink()
    done = run("build", "model.tflite", "-o", "out", *QUICK, "--force")
    assert "Note: Makefile" not in done.err
    assert "build/model.elf" in (built / "out" / "Makefile").read_text()


def test_library_only_replaces_the_library_and_nothing_else(built: Path, run: Command) -> None:
    (built / "out" / "port" / "port.c").write_text("my port")
    (built / "out" / "Makefile").write_text("mine")
    before = tree(built / "out")
    done = run("build", "model.tflite", "-o", "out", *QUICK, "--library-only", "--sparsity", "0.9")
    assert done.code == 0, done.err
    after = tree(built / "out")
    changed = {name for name in after | before if after.get(name) != before.get(name)}
    assert "library/model_weights.c" in changed
    assert {name.split("/")[0] for name in changed} == {
        "library", "model.tflite", "report.json", "report.html", ".tinycomp-manifest.json",
    }  # fmt: skip
