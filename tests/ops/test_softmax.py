"""Softmax of many values: when LiteRT's reference aborts, and what tinycomp computes then."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conformance import parameters, unary_case
from host import run_on_host

from tinycomp.common.errors import DifferenceError
from tinycomp.common.progress import Silent
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.ops.softmax import OUTPUT, Softmax
from tinycomp.proof.checks import compare_all
from tinycomp.proof.session import Session
from tinycomp.quantization.export import write_tflite
from tinycomp.reference import oracle
from tinycomp.reference.compare import TensorExecution, aborting, simulator, verify
from tinycomp.reference.simulate import simulate

_RUN = """
import sys, numpy as np
from pathlib import Path
from tinycomp.reference import oracle
oracle.run(Path(sys.argv[1]).read_bytes(), np.load(sys.argv[2]))
"""


def _softmax(size: int) -> Graph:
    return unary_case("", Softmax(), (size,), parameters(0.1), OUTPUT).graph


def _equal_values(size: int, count: int) -> np.ndarray:
    """`count` values at the maximum, the others far below."""
    return np.where(np.arange(size) < count, 127, -128).astype(np.int8)[np.newaxis]


@pytest.mark.parametrize(("count", "aborts"), [(511, False), (512, True)])
def test_where_litert_aborts(count: int, aborts: bool, tmp_path: Path) -> None:
    graph, inputs = _softmax(600), _equal_values(600, count)
    assert aborting(graph, inputs).tolist() == [aborts]
    (tmp_path / "m.tflite").write_bytes(write_tflite(graph))
    np.save(tmp_path / "x.npy", inputs)
    arguments = [sys.executable, "-c", _RUN, tmp_path / "m.tflite", tmp_path / "x.npy"]
    assert (subprocess.run(arguments, capture_output=True).returncode < 0) == aborts


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
def test_probabilities_of_512_equal_values_are_zero() -> None:
    """Each probability is less than half a step; 9,000 values would overflow a 32-bit sum."""
    graph = _softmax(9500)
    inputs = np.concatenate([_equal_values(9500, n) for n in (511, 512, 4096, 8192, 8292, 9500)])
    expected = simulate(graph, inputs)
    assert [row.max() for row in expected["softmax"]] == [-127, *[-128] * 5]
    found = run_on_host(graph, inputs)
    assert np.array_equal(found["softmax"], expected["softmax"])
    assert np.array_equal(
        oracle.run_output(write_tflite(graph), inputs[:1]), expected["softmax"][:1]
    )


def test_verification_skips_those_samples() -> None:
    graph = _softmax(600)
    inputs = np.concatenate([_equal_values(600, n) for n in (600, 3, 512)])
    found = verify(graph, write_tflite(graph), inputs, [simulator(graph)])
    assert found.equal
    assert found.samples == 1


def test_a_difference_after_skipped_samples_has_the_right_number() -> None:
    graph = _softmax(600)
    inputs = np.concatenate([_equal_values(600, n) for n in (512, 2, 600, 3)])

    def wrong(chunk: Array) -> dict[str, Array]:
        found = simulate(graph, chunk)
        found["softmax"][1, ..., 5] += 1
        return found

    found = verify(graph, write_tflite(graph), inputs, [TensorExecution("wrong", wrong)])
    assert found.samples == 2
    assert [difference.sample for difference in found.differences] == [3]


def test_a_verification_that_compares_nothing_fails() -> None:
    graph = _softmax(600)
    running = Session((simulator(graph),), None)
    with pytest.raises(DifferenceError, match="None of 1 samples could be compared"):
        compare_all(graph, write_tflite(graph), _equal_values(600, 600), running, Silent())
