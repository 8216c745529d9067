"""The example of a model that keeps a state: each inference goes on where the last one ended."""

from __future__ import annotations

import re
import shutil
import subprocess
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from small_models import HASH, Layers

from tinycomp.emit.example import Example
from tinycomp.emit.folder import write_folder
from tinycomp.emit.library import emit_library, harness_model
from tinycomp.emit.project import Content, lay_out
from tinycomp.ir.graph import Graph
from tinycomp.ops._window import Window
from tinycomp.ops.mean import Mean
from tinycomp.plan.memory import plan
from tinycomp.plan.program import Storage, lower
from tinycomp.reducing import by_hops
from tinycomp.reference.simulate import sequence
from tinycomp.target import arduino
from tinycomp.target.boards import load_board

UNO = load_board("uno")
SAMPLE = np.arange(-6, 6, dtype=np.int8).reshape(2, 2, 3) * np.int8(9)

pytestmark = pytest.mark.skipif(
    not arduino.is_available(UNO), reason="gcc-avr or arduino-core-avr is not installed"
)


def streamed() -> Graph:
    layers = Layers((12, 2, 3), seed=4)
    x = layers.conv("input", 4, Window((3, 2)))
    x = layers.apply(Mean(), x, layers.quantization(x))
    return by_hops(layers.graph(layers.dense(x, 3)), 2)


@pytest.mark.slow
def test_the_sketch_goes_on(tmp_path: Path) -> None:
    graph = streamed()
    program = lower(graph, Storage(copied=True), UNO.kernels)
    library = emit_library(plan(program), prefix="m", model_hash=HASH)
    content = Content(
        "m", "m", HASH, library, harness_model("m"), SAMPLE, (), Example("values"), keeps=True
    )
    write_folder(tmp_path / "m", lay_out(UNO, content))
    sketch = tmp_path / "m" / "examples" / "once"
    built = arduino.build_sketch(UNO, tmp_path / "m", sketch, tmp_path / "build")
    if not (simulator := shutil.which("simavr")):
        pytest.skip("simavr is not installed")
    command = [simulator, "-m", "atmega328p", "-f", "16000000", str(built)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    try:
        lines = list(islice((line for line in process.stdout if " us" in line), 3))
    finally:
        process.kill()
        process.communicate()
    found = [[float(each) for each in re.findall(r"-?\d+\.\d+", line)] for line in lines]
    rows = sequence(graph, np.stack([SAMPLE] * 3))[graph.outputs[0]][:, :3].astype(float)
    parameters = graph.tensors[graph.outputs[0]].quantization
    assert parameters is not None
    assert np.allclose(found, (rows - parameters.zero_point) * parameters.scale, atol=1e-3)
    assert len({tuple(row) for row in rows}) > 1
