"""Every case: LiteRT's reference kernels, the simulator and C on the host give the same bytes."""

from __future__ import annotations

import re
import shutil
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from conformance import CASES, Case, cases_of, first_difference
from host import run_on_host
from host_cases import HostCases

from tinycomp.common.resources import read_firmware
from tinycomp.ops._registry import by_tflite_name, operators
from tinycomp.quantization.export import write_tflite
from tinycomp.reference import oracle
from tinycomp.reference.simulate import run, simulate

INTEGER = [
    name for name, kind in operators().items() if not kind.float_only and not kind.emitted_only
]
WITH_CASES = sorted(path.stem for path in CASES.glob("*.py"))


@cache
def _cases(operator: str) -> dict[str, Case]:
    found = cases_of(operator)
    assert len({case.name for case in found}) == len(found), "two cases have one name"
    return {case.name: case for case in found}


def _parameters() -> list[object]:
    return [
        pytest.param(_cases(operator)[name], id=f"{operator}: {name}")
        for operator in WITH_CASES
        for name in _cases(operator)
    ]


@pytest.mark.parametrize("case", _parameters())
def test_simulator_equals_litert(case: Case) -> None:
    expected = oracle.run(write_tflite(case.graph), case.inputs)
    found = simulate(case.graph, case.inputs)
    assert not first_difference(found, {name: expected[name] for name in found})


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
@pytest.mark.parametrize("operator", WITH_CASES)
def test_kernel_on_the_host_equals_simulator(operator: str, tmp_path: Path) -> None:
    """With sanitizers, for all rows in one call and for one row per call."""
    cases = list(_cases(operator).values())
    program = HostCases(cases, tmp_path)
    for number, case in enumerate(cases):
        expected = simulate(case.graph, case.inputs)
        for rows_a_call in (65535, 1):
            difference = first_difference(program.run(number, rows_a_call), expected)
            assert not difference, f"{case.name}: {difference}"


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
@pytest.mark.parametrize("operator", WITH_CASES)
def test_generated_library_equals_simulator(operator: str) -> None:
    """The complete pipeline for one case; the others differ only in constants."""
    case = next(iter(_cases(operator).values()))
    expected = simulate(case.graph, case.inputs)
    assert not first_difference(run_on_host(case.graph, case.inputs), expected)


@pytest.mark.parametrize("operator", INTEGER)
def test_outputs_are_not_constant(operator: str) -> None:
    """A case that only saturates or rounds to zero would prove nothing; most must not."""
    varied = [
        len(np.unique(run(case.graph, case.inputs))) > 3 for case in _cases(operator).values()
    ]
    assert sum(varied) > len(varied) / 2


@pytest.mark.parametrize("operator", INTEGER)
def test_operator_is_complete(operator: str) -> None:
    """It has cases, and a kernel whose struct has the fields of the call in the same order."""
    assert operator in WITH_CASES, f"tests/ops/cases/{operator}.py is missing"
    nodes = [
        (case.graph.operands(node), node)
        for case in _cases(operator).values()
        for node in case.graph.nodes
        if node.op.name == operator
    ]
    assert nodes, "its cases do not use it"
    for operands, node in nodes:
        call = node.op.kernel(operands)
        if call is not None:
            assert list(call.fields) == _members(call.kernel)


def test_float_operators_have_no_kernel_and_no_cases() -> None:
    for name, kind in operators().items():
        if kind.float_only or kind.emitted_only:
            assert not kind.tflite_names
            assert name not in WITH_CASES
    assert set(by_tflite_name().values()) <= {operators()[name] for name in INTEGER}


def _members(kernel: str) -> list[str]:
    """The members of tc_<kernel>_t in firmware/kernels/<kernel>.h."""
    text = read_firmware(f"kernels/{kernel}.h")
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    (body,) = re.findall(r"typedef struct \{([^}]*)\} tc_" + kernel + "_t;", text)
    members = []
    for declaration in body.split(";"):
        names = declaration.replace("*", " ").split(",")
        members += [name.split()[-1] for name in names if name.split()]
    return members
