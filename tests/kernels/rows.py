"""Calls kernels from Python, rows by rows, on buffers that the test lays out."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tinycomp import resources
from tinycomp.codecs.dense import Dense
from tinycomp.emit import c_number
from tinycomp.ir import Array, Graph, KernelCall, Node, Weights
from tinycomp.ops._rows import rows


class Rows(ctypes.Structure):
    """tc_input_t and tc_output_t: where the rows of a tensor lie."""

    _fields_ = (
        ("base", ctypes.c_void_p),
        ("stride", ctypes.c_size_t),
        ("ring", ctypes.c_uint16),
    )


class Ring:
    """A tensor's rows in a ring of `slots` rows; guard rows of a marker lie around it."""

    MARKER = 0x5A

    def __init__(self, shape: tuple[int, ...], slots: int) -> None:
        self.height, self.stride = rows(shape)
        self.slots = min(slots, self.height)
        self.memory = np.full((self.slots + 2, self.stride), self.MARKER, np.int8)

    def slot(self, y: int) -> Array:
        """Row y's place, to read or to write."""
        place: Array = self.memory[1 + y % self.slots]
        return place

    def view(self) -> Rows:
        """What the kernel gets."""
        return Rows(self.memory[1:].ctypes.data, self.stride, self.slots)

    def require_guards(self) -> None:
        """Nothing was written around the ring."""
        assert (self.memory[[0, -1]] == self.MARKER).all()


class Kernel:
    """The kernel of one node in a loaded library."""

    def __init__(self, library: ctypes.CDLL, name: str, call: KernelCall) -> None:
        self.function = getattr(library, name)
        self.call = call
        blocks = [v for v in call.fields.values() if isinstance(v, Weights)]
        decoded = sum(min(w.block, len(w.values)) * w.values.shape[1] for w in blocks)
        self.scratch = np.zeros(call.scratch + decoded + 1, np.int8)

    def __call__(self, inputs: Sequence[Ring], output: Ring, first: int, last: int) -> None:
        views = (Rows * len(inputs))(*(ring.view() for ring in inputs))
        scratch = ctypes.c_void_p(self.scratch.ctypes.data)
        self.function(views, ctypes.byref(output.view()), first, last, scratch)


def compile_kernels(folder: Path, nodes: Sequence[tuple[Graph, Node]]) -> list[Kernel]:
    """The kernels of these nodes with their constants, compiled into one shared library."""
    calls = [node.op.kernel(graph.operands(node)) for graph, node in nodes]
    present = [call for call in calls if call is not None]
    headers = ["dense.h", *sorted({f"{call.kernel}.h" for call in present})]
    lines = [f'#include "{header}"' for header in headers]
    for number, call in enumerate(present):
        lines += _wrapper(f"call_{number}", call)
    source, library = folder / "kernels.c", folder / "kernels.so"
    source.write_text("\n".join(lines))
    root = resources.firmware()
    include = [f"-I{root / path}" for path in ("kernels", "kernels/generic", "codecs")]
    command = ["gcc", "-std=c99", "-O1", "-shared", "-fPIC", *include, source, "-o", library]
    subprocess.run(command, check=True)
    loaded = ctypes.CDLL(str(library))
    return [Kernel(loaded, f"call_{number}", call) for number, call in enumerate(present)]


def _wrapper(name: str, call: KernelCall) -> list[str]:
    """Constants and an exported function that calls the kernel with them."""
    lines, members = [], []
    for field, value in call.fields.items():
        constant = f"{name}_{field}"
        if isinstance(value, Weights):
            encoded = Dense().encode(value)
            assert encoded is not None
            lines.append(_array(f"{constant}_values", encoded.array("values")))
            struct = f"{{{{tc_dense_read}}, {constant}_values}}"
            lines.append(f"static TC_CONST tc_dense_t {constant} = {struct};")
            members.append(f"&{constant}.weights")
        elif isinstance(value, np.ndarray):
            lines.append(_array(constant, value))
            members.append(constant)
        else:
            members.append(c_number(int(value)))
    struct = f"tc_{call.kernel}_t"
    lines.append(f"static TC_CONST {struct} {name}_constants = {{{', '.join(members)}}};")
    arguments = "const tc_input_t *in, const tc_output_t *out, int first, int last, int8_t *scratch"
    body = (
        f"tc_{call.kernel}(&{name}_constants, in, out, (uint16_t)first, (uint16_t)last, scratch);"
    )
    return [*lines, f"void {name}({arguments});", f"void {name}({arguments}) {{ {body} }}"]


def _array(name: str, values: Array) -> str:
    numbers = ", ".join(c_number(int(value)) for value in values.ravel())
    return f"static TC_CONST {values.dtype}_t {name}[] = {{{numbers}}};"
