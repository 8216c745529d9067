"""Runs kernels of an instruction set on its core: one C program with all cases, which compares each
output with the simulator's, for whole tensors and row by row through ring buffers.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from conformance import Case

from tinycomp.codecs._codec import Encoded
from tinycomp.common import resources
from tinycomp.emit.c_syntax import c_number
from tinycomp.emit.headers import facts, firmware_headers
from tinycomp.emit.nodes import codec_read
from tinycomp.ir.tensor import Array, Operands
from tinycomp.ops._rows import byte_rows, rows
from tinycomp.plan.program import Operation, Storage, lower
from tinycomp.reference.simulate import simulate
from tinycomp.target.boards import Board
from tinycomp.target.ports import link_flags
from tinycomp.target.toolchain import SANITIZE, STRICT, Options, compile_objects, link

_MOST_INPUTS = 3
"""As in core_main.c."""
MAIN = Path(__file__).parent / "core_main.c"
SECONDS = 240
"""Time limit for a program in seconds; it takes a tenth of that."""
_ASKED = re.compile(r"^#ifndef (TC_\w+)\n#define \1 0$", re.MULTILINE)


@dataclass(frozen=True, eq=False)
class KernelCase:
    """The last node of a case, lowered for an instruction set."""

    case: Case
    operation: Operation

    @property
    def kernel(self) -> str:
        assert self.operation.call is not None
        return self.operation.call.kernel


def lowered(
    cases: Sequence[Case], kernels: str, storage: Storage | None = None
) -> list[KernelCase]:
    """The cases, lowered for the instruction set."""
    programs = [lower(case.graph, storage, kernels) for case in cases]
    return [
        KernelCase(case, program.operations[-1])
        for case, program in zip(cases, programs, strict=True)
    ]


def run(
    cases: Sequence[KernelCase],
    board: Board,
    kernels: str,
    folder: Path,
    defines: tuple[str, ...] = (),
) -> list[str]:
    """Compile and run; returns the differences found by the program, one per line."""
    include = write_program(cases, board, kernels, folder)
    sanitize = SANITIZE if board.is_host else ()
    options = Options(include, (*STRICT, *sanitize, *defines))
    sources = [MAIN, *port_sources(board)]
    objects = compile_objects(board.compiler, sources, folder / "build", options)
    flags = (*link_flags(board.port, port_folders(board)), *sanitize)
    return differences(board, link(board.compiler, objects, folder / "program", flags))


def write_program(
    cases: Sequence[KernelCase], board: Board, kernels: str, folder: Path
) -> tuple[Path, ...]:
    """Write the headers and the cases; returns the include folders."""
    library = folder / "library"
    for name, text in firmware_headers([case.operation for case in cases], kernels).items():
        (library / name).parent.mkdir(parents=True, exist_ok=True)
        (library / name).write_text(text)
    (library / "cases.h").write_text(_text(cases, known(cases, kernels)))
    harness = resources.firmware() / "harness"
    return library, library / "tinycomp", harness, *port_folders(board)


def port_sources(board: Board) -> list[Path]:
    return [path for path in resources.port_files(board.port) if path.suffix == ".c"]


def differences(board: Board, program: Path) -> list[str]:
    """Run the program on the board; returns the differences that it prints."""
    return _output(_command(board, program))


def known(cases: Sequence[KernelCase], kernels: str) -> list[str]:
    """The macros that the program defines for its kernels: facts that hold for all cases."""
    return facts([case.operation for case in cases], kernels)


def asked(cases: Sequence[KernelCase], kernels: str) -> list[str]:
    """All macros that the headers of these cases test."""
    texts = firmware_headers([case.operation for case in cases], kernels).values()
    return sorted({macro for text in texts for macro in _ASKED.findall(text)})


def port_folders(board: Board) -> list[Path]:
    return sorted({path.parent for path in resources.port_files(board.port)})


def _command(board: Board, program: Path) -> list[str]:
    if board.emulator is None:
        return [str(program)]
    cpu = ["-cpu", board.emulator.cpu] if board.emulator.cpu else []
    quiet = ["-display", "none", "-monitor", "none", "-serial", "stdio"]
    emulator = board.emulator
    machine = [emulator.program, "-machine", emulator.machine, *emulator.args, *cpu, *quiet]
    return [*machine, "-kernel", str(program)]


def _output(command: Sequence[str]) -> list[str]:
    """The program's output up to its last line; a board does not exit by itself."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    limit = threading.Timer(SECONDS, process.kill)
    limit.start()
    try:
        lines = []
        for line in process.stdout:
            if line.strip() == "end":
                return lines
            lines.append(line.strip())
    finally:
        limit.cancel()
        process.kill()
        process.wait()
        process.stdout.close()
    return [*lines, "the program did not come to its end"]


def available(board: Board) -> bool:
    """Whether the board's compiler and emulator are installed."""
    needed = [f"{board.compiler.prefix}gcc"]
    needed += [board.emulator.program] if board.emulator else []
    return all(shutil.which(program) for program in needed)


def _text(cases: Sequence[KernelCase], macros: Sequence[str]) -> str:
    kernels = sorted({case.kernel for case in cases})
    codecs = sorted({e.codec for case in cases for e in case.operation.encoded})
    lines = [f"#define {macro} 1" for macro in macros]
    lines += [f'#include "{name}.h"' for name in [*kernels, *codecs]]
    table = []
    for number, case in enumerate(cases):
        lines += _case(number, case)
        table.append(f"    &case_{number},")
    sizes = [_sizes(case) for case in cases]
    lines.append(f"#define MOST_SCRATCH {max(sum(case.operation.areas) for case in cases)}u")
    lines.append(f"#define MOST_BYTES {max(max(size) for size in sizes)}u")
    return "\n".join([*lines, "static const case_t *const cases[] = {", *table, "};", ""])


def _sizes(case: KernelCase) -> list[int]:
    operands = case.case.graph.operands(case.operation.node)
    return [tensor.nbytes for tensor in (*operands.activations, operands.output)]


def _case(number: int, case: KernelCase) -> list[str]:
    """Constants, samples, expected outputs, and a function that calls the kernel."""
    graph, operation = case.case.graph, case.operation
    operands = graph.operands(operation.node)
    tensors = simulate(graph, case.case.inputs)
    lines = _constants(f"constants_{number}", case.kernel, operation)
    inputs = operands.activations
    for index, tensor in enumerate([*inputs, operands.output]):
        values = np.ascontiguousarray(tensors[tensor.name]).view(np.int8)
        lines.append(_array(f"tensor_{number}_{index}", values))
    height = rows(operands.output.shape)[0]
    needed = [
        operation.node.op.rows_needed(operands, operands.inputs.index(tensor), y, y + 1)
        for tensor in inputs
        for y in range(height)
    ]
    lines.append(_array(f"needed_{number}", np.array(needed, np.uint16)))
    views = [
        f"{{{shape[0]}, {shape[1]}, tensor_{number}_{index}}}"
        for index, shape in enumerate(byte_rows(t) for t in (*inputs, operands.output))
    ]
    views += ["{0, 0, NULL}"] * (_MOST_INPUTS - len(inputs))
    samples, name = len(case.case.inputs), f"{case.case.name} ({case.kernel})"
    table = operation.call.table if operation.call else 0
    areas = f"scratch + {table}, scratch" if table else "scratch"  # its end is guarded
    in_place = int(operation.call.in_place and _tensors_fit(operands)) if operation.call else 0
    reduces = int(operation.call is not None and operation.call.input_rows)
    aligned = np.dtype(operands.output.dtype).itemsize
    keeps = int(operation.call is not None and operation.call.keeps_scratch)
    order = [*views[: len(inputs)], *views[len(inputs) + 1 :], views[len(inputs)]]
    return [
        *lines,
        f"static void call_{number}(const tc_input_t *in, const tc_output_t *out, uint16_t first,",
        "    uint16_t last, int8_t *scratch)",
        f"{{ tc_{case.kernel}(&constants_{number}, in, out, first, last, {areas}); }}",
        f"static const case_t case_{number} = {{",
        f'    "{name}", call_{number}, {len(inputs)}, {samples}, {sum(operation.areas)},',
        f"    {{{', '.join(order)}}}, {in_place}, {reduces}, {keeps}, {aligned}, needed_{number},",
        "};",
    ]


def _tensors_fit(operands: Operands) -> bool:
    """Whether the output has as many rows as the first input, of the same length."""
    return rows(operands.activations[0].shape) == rows(operands.output.shape)


def _constants(name: str, kernel: str, operation: Operation) -> list[str]:
    lines, members = [], []
    for field, value in operation.fields.items():
        constant = f"{name}_{field}"
        if isinstance(value, Encoded):
            lines += _codec(constant, value, codec_read(operation, field))
            members.append(f"&{constant}.weights")
        elif isinstance(value, np.ndarray):
            lines.append(_array(constant, value))
            members.append(constant)
        else:
            members.append(c_number(int(value)))
    return [*lines, f"static TC_CONST tc_{kernel}_t {name} = {{{', '.join(members)}}};"]


def _codec(name: str, encoded: Encoded, read: str) -> list[str]:
    lines, members = [], [f"{{{read}}}"]
    for field, value in encoded.fields.items():
        if isinstance(value, np.ndarray):
            lines.append(_array(f"{name}_{field}", value))
            members.append(f"{name}_{field}")
        else:
            members.append(c_number(int(value)))
    return [*lines, f"static TC_CONST tc_{encoded.codec}_t {name} = {{{', '.join(members)}}};"]


def _array(name: str, values: Array) -> str:
    numbers = ", ".join(c_number(int(value)) for value in values.ravel())
    return f"static TC_CONST {values.dtype}_t {name}[] = {{{numbers}}};"
