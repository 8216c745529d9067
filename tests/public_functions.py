"""Runs a stream by the public functions of a library with states, compiled for this computer."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import numpy as np
from small_models import write_library

from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array


def run_library(graph: Graph, inputs: Array, folder: Path) -> Array:
    """The outputs of reset and then one invoke a sample, by the compiled public functions."""
    library = write_library(graph, folder / "library", "m")
    shared = folder / "m.so"
    sources = [str(path) for path in sorted(library.glob("*.c"))]
    command = ["gcc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    subprocess.run([*command, f"-I{library}", "-o", str(shared), *sources], check=True)
    header = (library / "m.h").read_text()
    size = {
        line.split()[1]: int(line.split()[2])
        for line in header.splitlines()
        if line.startswith("#define M_") and line.split()[1].endswith("_SIZE")
    }
    loaded = ctypes.CDLL(str(shared))
    arena = ctypes.create_string_buffer(size["M_ARENA_SIZE"] + 8)
    state = ctypes.create_string_buffer(b"\x55" * size["M_STATE_SIZE"], size["M_STATE_SIZE"])
    loaded.m_reset(state)
    found = []
    for sample in inputs.reshape(len(inputs), -1):
        output = ctypes.create_string_buffer(size["M_OUTPUT_SIZE"])
        loaded.m_invoke(arena, state, sample.tobytes(), output)
        found.append(np.frombuffer(output.raw, np.int8))
    return np.array(found)
