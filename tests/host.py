"""Runs a graph as generated C on this computer, under the sanitizers: the road that a user's model
takes.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tinycomp import emit
from tinycomp.boards import load_board
from tinycomp.device.runner import run_host
from tinycomp.image import Workshop
from tinycomp.ir import Array, Graph
from tinycomp.plan.memory import plan
from tinycomp.plan.program import lower


def run_on_host(graph: Graph, inputs: Array, folder: Path | None = None) -> dict[str, Array]:
    """Every tensor by name, (samples, *shape); `folder` keeps what was compiled."""
    if folder is None:
        with tempfile.TemporaryDirectory() as fresh:
            return run_on_host(graph, inputs, Path(fresh))
    library = folder / "library"
    for name, text in emit.emit_library(
        plan(lower(graph)), prefix="t", model_hash="0" * 64
    ).items():
        (library / name).parent.mkdir(parents=True, exist_ok=True)
        (library / name).write_text(text, encoding="utf-8")
    program = Workshop(load_board("host"), library, "t", folder / "build").host_runner()
    names = emit.tensor_order(graph)
    sizes = [graph.tensors[name].size for name in names]
    found = run_host(program, inputs.reshape(len(inputs), -1), sizes)
    return {
        name: values.reshape(len(inputs), *graph.tensors[name].shape)
        for name, values in zip(names, found, strict=True)
    }
