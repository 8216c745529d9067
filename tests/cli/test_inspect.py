"""`tinycomp inspect`: what a model contains and would need, whether it can be built or not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from command_line import Command, needs_gcc
from onnx import helper, numpy_helper

from tinycomp.plan.program import lower
from tinycomp.plan.streaming import choose, sketch
from tinycomp.reading import read_model


@needs_gcc
@pytest.mark.parametrize("goal", ["ram", "speed"])
def test_estimates_are_those_of_a_build(goal: str, folder: Path, run: Command) -> None:
    run("build", "model.tflite", "-o", "out", "--optimize", goal, "--no-verify", "--no-bench",
        "--board", "host")  # fmt: skip
    report = json.loads((folder / "out" / "report.json").read_text())
    needs = json.loads(run("inspect", "model.tflite", "--board", "host", "--json").out)["needs"]
    arena = report["ram"]["arena"] + report["ram"]["scratch"]
    assert needs["ram_min" if goal == "ram" else "ram_fast"] == arena
    constants = report["flash"]["constants"]
    assert 0.5 * constants < needs["constants"] <= constants
    assert needs["board"] == "host"
    assert needs["instructions_fast"] <= needs["instructions_min"]


def test_a_tflite_as_json(folder: Path, run: Command) -> None:
    done = run("inspect", "model.tflite", "--json")
    found = json.loads(done.out)
    assert done.err == ""
    assert found["buildable"]
    assert found["reasons"] == []
    assert found["file"]["kind"] == "tflite"
    assert found["file"]["operators"]["DEPTHWISE_CONV_2D"] == 1
    assert found["inputs"] == [{"name": "input", "shape": [6, 5, 3], "dtype": "int8"}]
    assert found["macs"] == 2064
    assert sum(layer["macs"] for layer in found["layers"]) == 2064
    assert found["layers"][-1]["shape"] == found["outputs"][0]["shape"]


def test_a_build_as_json(built: Path, run: Command) -> None:
    assert json.loads(run("inspect", "out", "--json").out)["board"] == "host"


def write_onnx(path: Path, nodes: Sequence[Any]) -> None:
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "test",
        [info("x", onnx.TensorProto.FLOAT, (1, 3, 8, 8))],
        [info("y", onnx.TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.ones((4, 3, 3, 3), np.float32), "k")],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)


def test_a_float_model_needs_no_data(folder: Path, run: Command) -> None:
    write_onnx(folder / "float.onnx", [helper.make_node("Conv", ["x", "k"], ["y"], name="conv")])
    done = run("inspect", "float.onnx")
    assert "in the file Conv 1" in done.words
    assert "input x: 8 x 8 x 3, float32" in done.words
    assert "note Input 'x' has channels in front" in done.words
    assert "bytes on cortex-m4: constants" in done.words
    assert "fastest, estimated arena of" in done.words


def test_what_can_not_be_built_is_told_with_the_rest(folder: Path, run: Command) -> None:
    write_onnx(
        folder / "other.onnx",
        [
            helper.make_node("Conv", ["x", "k"], ["h"], name="conv"),
            helper.make_node("Det", ["h"], ["d"], name="first"),
            helper.make_node("NonZero", ["d"], ["y"], name="second"),
        ],
    )
    done = run("inspect", "other.onnx")
    assert done.code == 0
    assert "in the file Conv 1, Det 1, NonZero 1" in done.words
    assert "It can't be built, for 2 reasons: 1. 'first' (Det) is not supported." in done.words
    assert "2. 'second' (NonZero) is not supported." in done.words
    found = json.loads(run("inspect", "other.onnx", "--json").out)
    assert not found["buildable"]
    assert len(found["reasons"]) == 2
    assert found["needs"] is None


def test_a_sketch_is_near_the_smallest_arena(folder: Path) -> None:
    program = lower(read_model(folder / "model.tflite"))
    smallest = choose(program, "ram").arena
    assert smallest <= sketch(program) <= 1.25 * smallest


def test_brackets_are_shown(folder: Path, run: Command) -> None:
    write_onnx(folder / "m.onnx", [helper.make_node("Fancy", ["x"], ["y"], name="layer[bold]")])
    assert "layer[bold]" in run("inspect", "m.onnx").out
    done = run("inspect", "model[red].keras")
    assert "model[red].keras" in done.err
