"""Calls kernels row by row from Python, on buffers laid out by the test."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from kernel_text import COPYING_CODEC, constants, scratch_size

from tinycomp.common import resources
from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Array
from tinycomp.ops._rows import rows


class Rows(ctypes.Structure):
    """tc_input_t and tc_output_t: the location of a tensor's rows."""

    _fields_ = (
        ("base", ctypes.c_void_p),
        ("stride", ctypes.c_size_t),
        ("ring", ctypes.c_uint16),
    )


class Ring:
    """A ring buffer of `slots` rows of a tensor, surrounded by guard rows."""

    MARKER = 0x5A

    def __init__(self, shape: tuple[int, ...], slots: int) -> None:
        self.height, self.stride = rows(shape)
        self.slots = min(slots, self.height)
        self.memory = np.full((self.slots + 2, self.stride), self.MARKER, np.int8)

    def slot(self, y: int) -> Array:
        """The slot of row y, to read or write."""
        place: Array = self.memory[1 + y % self.slots]
        return place

    def view(self) -> Rows:
        """The kernel's argument for this tensor."""
        return Rows(self.memory[1:].ctypes.data, self.stride, self.slots)

    def require_guards(self) -> None:
        """Check that nothing was written outside of the ring."""
        assert (self.memory[[0, -1]] == self.MARKER).all()


class Kernel:
    """The kernel of one node in a loaded library."""

    def __init__(self, library: ctypes.CDLL, name: str, call: KernelCall) -> None:
        self.function = getattr(library, name)
        self.scratch = np.zeros(scratch_size(call) + 1, np.int8)

    def __call__(self, inputs: Sequence[Ring], output: Ring, first: int, last: int) -> None:
        views = (Rows * len(inputs))(*(ring.view() for ring in inputs))
        scratch = ctypes.c_void_p(self.scratch.ctypes.data)
        self.function(views, ctypes.byref(output.view()), first, last, scratch)


def compile_kernels(folder: Path, nodes: Sequence[tuple[Graph, Node]]) -> list[Kernel]:
    """The kernels of these nodes and their constants, compiled into one shared library."""
    calls = [node.op.kernel(graph.operands(node)) for graph, node in nodes]
    present = [call for call in calls if call is not None]
    lines = [COPYING_CODEC]
    lines += [f'#include "{kernel}.h"' for kernel in sorted({call.kernel for call in present})]
    for number, call in enumerate(present):
        lines += constants(f"constants_{number}", call)
        lines.append(_exported(number, call.kernel))
    source, library = folder / "kernels.c", folder / "kernels.so"
    source.write_text("\n".join(lines))
    root = resources.firmware()
    include = [f"-I{root / path}" for path in ("kernels", "kernels/generic")]
    command = ["gcc", "-std=c99", "-O1", "-shared", "-fPIC", *include, source, "-o", library]
    subprocess.run(command, check=True)
    loaded = ctypes.CDLL(str(library))
    return [Kernel(loaded, f"call_{number}", call) for number, call in enumerate(present)]


def _exported(number: int, kernel: str) -> str:
    """A function that calls the kernel with its constants."""
    arguments = "const tc_input_t *in, const tc_output_t *out, int first, int last, int8_t *scratch"
    passed = "in, out, (uint16_t)first, (uint16_t)last, scratch"
    return (
        f"void call_{number}({arguments});\n"
        f"void call_{number}({arguments}) {{ tc_{kernel}(&constants_{number}, {passed}); }}"
    )
