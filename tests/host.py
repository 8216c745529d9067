"""Runs a graph as generated C on this computer, with sanitizers, through the same pipeline as a
user's model.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from small_models import write_library

from tinycomp.device.firmware_build import FirmwareBuild
from tinycomp.device.runner import run_host
from tinycomp.emit.nodes import tensor_order
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.target.boards import load_board


def run_on_host(
    graph: Graph,
    inputs: Array,
    folder: Path | None = None,
    prefix: str = "t",
    stretch: range = range(0),
    pixels: int = 1,
    limit: int | None = None,
    push: bool = False,
    small: bool = False,
) -> dict[str, Array]:
    """Every tensor by name, (samples, *shape). Compiles in `folder`; `stretch` is streamed by rows
    as in plan(), with `push` starting at the input.
    """
    if folder is None:
        with tempfile.TemporaryDirectory() as fresh:
            return run_on_host(
                graph, inputs, Path(fresh), prefix, stretch, pixels, limit, push, small
            )
    library = write_library(
        graph, folder / "library", prefix, stretch=stretch, pixels=pixels, limit=limit, push=push,
        small=small,
    )  # fmt: skip
    program = FirmwareBuild(load_board("host"), library, prefix, folder / "build").host_runner()
    names = tensor_order(graph)
    sizes = [graph.tensors[name].nbytes for name in names]
    found = run_host(program, inputs.reshape(len(inputs), -1), sizes)
    return {
        name: values.view(graph.tensors[name].dtype).reshape(-1, *graph.tensors[name].shape)
        for name, values in zip(names, found, strict=True)
    }
