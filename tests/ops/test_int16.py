"""16-bit activations: LiteRT's reference kernels, the simulator and C on the host give the same
bytes for every operator.
"""

from __future__ import annotations

import re
import shutil
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from conformance import Case, first_difference
from host import run_on_host
from host_cases import HostCases, call_of
from int16_cases import cases

from tinycomp.common.resources import read_firmware
from tinycomp.int16._registry import forms, on_int16
from tinycomp.quantization.export import write_tflite
from tinycomp.reference import oracle
from tinycomp.reference.simulate import simulate


@cache
def _cases() -> dict[str, list[Case]]:
    return cases()


@pytest.mark.parametrize("operator", on_int16())
def test_simulator_equals_litert(operator: str) -> None:
    for case in _cases()[operator]:
        expected = oracle.run(write_tflite(case.graph), case.inputs)
        found = simulate(case.graph, case.inputs)
        difference = first_difference(found, {name: expected[name] for name in found})
        assert not difference, f"{case.name}: {difference}"


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
@pytest.mark.parametrize("operator", on_int16())
def test_kernel_on_the_host_equals_simulator(operator: str, tmp_path: Path) -> None:
    """With sanitizers, for all rows in one call and for one row per call."""
    found = _cases()[operator]
    program = HostCases(found, tmp_path)
    for number, case in enumerate(found):
        expected = simulate(case.graph, case.inputs)
        for rows_a_call in (65535, 1):
            difference = first_difference(program.run(number, rows_a_call), expected)
            assert not difference, f"{case.name}: {difference}"


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
@pytest.mark.parametrize("operator", ["conv_2d", "fully_connected"])
def test_products_of_armv7e_m_equal_the_portable_ones(operator: str, tmp_path: Path) -> None:
    found = _cases()[operator]
    program = HostCases(found, tmp_path, "armv7e_m")
    for number, case in enumerate(found):
        difference = first_difference(program.run(number), simulate(case.graph, case.inputs))
        assert not difference, f"{case.name}: {difference}"


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
@pytest.mark.parametrize("operator", on_int16())
def test_generated_library_equals_simulator(operator: str) -> None:
    case = _cases()[operator][0]
    expected = simulate(case.graph, case.inputs)
    assert not first_difference(run_on_host(case.graph, case.inputs), expected)


@pytest.mark.parametrize("operator", sorted(forms()))
def test_struct_has_the_fields_of_the_call(operator: str) -> None:
    for case in _cases()[operator]:
        for node in case.graph.nodes:
            call = call_of(case.graph, node)
            if call is not None:
                assert list(call.fields) == _members(call.kernel)


def test_outputs_are_not_constant() -> None:
    for operator, found in _cases().items():
        varied = [
            len(np.unique(simulate(case.graph, case.inputs)[case.graph.outputs[0]])) > 3
            for case in found
        ]
        assert sum(varied) > len(varied) / 2, operator


def _members(kernel: str) -> list[str]:
    text = re.sub(r"/\*.*?\*/", "", read_firmware(f"kernels/{kernel}.h"), flags=re.DOTALL)
    (body,) = re.findall(r"typedef struct \{([^}]*)\} tc_" + kernel + "_t;", text)
    declarations = [part.replace("*", " ").split(",") for part in body.split(";")]
    return [name.split()[-1] for names in declarations for name in names if name.split()]
