"""Kernels on an emulated AVR, where int has 16 bits and constants are in program memory."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conformance import CASES, Case, cases_of

from tinycomp.device.emulator import emulator_of, front_end
from tinycomp.emit.library import emit_library
from tinycomp.ir.tensor import Array
from tinycomp.plan.memory import plan
from tinycomp.plan.program import Storage, lower
from tinycomp.reference.simulate import run
from tinycomp.target.boards import load_board
from tinycomp.target.toolchain import Options, compile_objects, compiles, is_available, link

sys.path.append(str(Path(__file__).resolve().parent.parent / "kernels"))

from core_cases import FAMILIES

MEGA = load_board("mega")
OPERATORS = sorted(path.stem for path in CASES.glob("*.py"))
MAIN = Path(__file__).parent / "avr_main.c"
SAMPLES = 4


def _has_simavr() -> bool:
    """Whether the simavr front end compiles."""
    assert MEGA.emulator is not None
    source = front_end(MEGA.emulator)
    assert source is not None
    return compiles(load_board("host").compiler, source)


pytestmark = [
    pytest.mark.skipif(not is_available(MEGA.compiler), reason="gcc-avr is not installed"),
    pytest.mark.skipif(not _has_simavr(), reason="libsimavr is not installed"),
    pytest.mark.timeout(120),
]


def _samples_header(inputs: Array) -> str:
    rows = ",\n".join("{" + ", ".join(map(str, row)) + "}" for row in inputs.tolist())
    count, size = inputs.shape
    return (
        "#include <avr/pgmspace.h>\n#include <stdint.h>\n"
        f"#define SAMPLE_COUNT {count}\n"
        f"static const int8_t samples[{count}][{size}] PROGMEM = {{\n{rows}\n}};\n"
    )


COPIED, SHORT = Storage(copied=True), Storage(copied=True, most_room=1)
"""Room for lists of long windows, and none."""


def _run_on_avr(
    case: Case,
    folder: Path,
    kernels: str = "generic",
    streamed: bool = False,
    storage: Storage = COPIED,
) -> Array:
    """The outputs of all samples, (samples, size); streamed: computed row by row."""
    program = lower(case.graph, storage, kernels)
    planned = plan(program, range(len(program.operations) if streamed else 0))
    files = emit_library(planned, prefix="unit", model_hash="0" * 64)
    inputs = np.ascontiguousarray(case.inputs).reshape(len(case.inputs), -1).view(np.int8)
    for name, text in {**files, "samples.h": _samples_header(inputs)}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    sources = [MAIN, *sorted(folder.glob("*.c"))]
    objects = compile_objects(MEGA.compiler, sources, folder, Options((folder,)))
    program = link(MEGA.compiler, objects, folder / "unit.elf", ("-lm",))
    digits = re.findall(r"=((?:[0-9a-f]{2})+)", _output(program, folder))
    return np.frombuffer(bytes.fromhex("".join(digits)), np.int8).reshape(len(inputs), -1)


def _output(program: Path, folder: Path) -> str:
    """The program's output until it sleeps with interrupts disabled."""
    assert MEGA.emulator is not None
    command = emulator_of(MEGA.emulator, folder / "emulator").command
    process = subprocess.Popen(
        [part.replace("{firmware}", str(program)) for part in command],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        return process.stdout.read()


def _fits(case: Case) -> bool:
    """Whether its tensors fit in 8 KB of RAM."""
    return all(tensor.size <= 2048 for tensor in case.graph.tensors.values())


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_kernels_in_assembly_equal_the_simulator(family: str, tmp_path: Path) -> None:
    """All supported cases, every other one row by row."""
    for index, case in enumerate(filter(_fits, FAMILIES[family]())):
        program = lower(case.graph, COPIED, MEGA.kernels)
        kernels = [operation.call.kernel for operation in program.operations if operation.call]
        if any(kernel.endswith("_avr") for kernel in kernels):
            folder = tmp_path / str(index)
            folder.mkdir()
            case = replace(case, inputs=case.inputs[-SAMPLES:])
            found = _run_on_avr(case, folder, MEGA.kernels, streamed=index % 2 == 1)
            expected = run(case.graph, case.inputs)
            np.testing.assert_array_equal(found, expected.reshape(found.shape), case.name)


def test_kernels_without_scratch_equal_the_simulator(tmp_path: Path) -> None:
    """For little RAM: a few cases of each, every other one row by row."""
    names = ("conv_2d_direct_avr", "conv_2d_direct_codebook_avr")
    drawn = [c for name in ("dense", "sixteen_values", "pointwise") for c in FAMILIES[name]()]
    for number, kernel in enumerate(names):
        cases = [case for case in filter(_fits, drawn) if _kernel(case, SHORT) == kernel][:6]
        assert len(cases) > 2
        for index, case in enumerate(cases):
            folder = tmp_path / f"{number}-{index}"
            folder.mkdir()
            case = replace(case, inputs=case.inputs[-SAMPLES:])
            found = _run_on_avr(case, folder, MEGA.kernels, index % 2 == 1, SHORT)
            expected = run(case.graph, case.inputs)
            np.testing.assert_array_equal(found, expected.reshape(found.shape), case.name)


def _kernel(case: Case, storage: Storage) -> str | None:
    """The kernel of the last node."""
    call = lower(case.graph, storage, MEGA.kernels).operations[-1].call
    return call.kernel if call else None


@pytest.mark.parametrize("operator", OPERATORS)
def test_first_and_last_case_equal_the_simulator(operator: str, tmp_path: Path) -> None:
    cases = [case for case in cases_of(operator) if _fits(case)]
    for index, case in enumerate((cases[0], cases[-1])):
        folder = tmp_path / str(index)
        folder.mkdir()
        case = replace(case, inputs=case.inputs[:SAMPLES])
        found = _run_on_avr(case, folder)
        expected = run(case.graph, case.inputs)
        np.testing.assert_array_equal(found, expected.reshape(found.shape), case.name)
