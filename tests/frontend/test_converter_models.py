"""Operators that tinycomp does not export, in files written by TensorFlow's converter."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conformance import extreme_inputs
from converter_models import MODELS
from host import run_on_host

from tinycomp.common.progress import Silent
from tinycomp.device import firmware_build
from tinycomp.frontend.tflite import read_tflite, standard_tflite
from tinycomp.ir.graph import Graph
from tinycomp.quantization.export import write_tflite
from tinycomp.reducing import reduce
from tinycomp.reference import oracle
from tinycomp.reference.compare import TensorExecution, simulator, verify

SCRIPT = Path(__file__).with_name("converter_models.py")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All files, from a separate process, because the converter warns and writes to both
    streams.
    """
    found = tmp_path_factory.mktemp("converted")
    subprocess.run([sys.executable, SCRIPT, found], check=True, capture_output=True)
    return found


@pytest.mark.skipif(not firmware_build.host_available(), reason="gcc is not installed")
@pytest.mark.parametrize("name", MODELS)
def test_every_execution_equals_litert(name: str, folder: Path) -> None:
    path = folder / f"{name}.tflite"
    graph = reduce(read_tflite(path), Silent())
    inputs = extreme_inputs(np.random.default_rng(0), graph.tensors[graph.inputs[0]].shape)
    found = verify(graph, standard_tflite(path), inputs, [simulator(graph), _in_c(graph)])
    assert not found.differences


@pytest.mark.parametrize("name", MODELS)
def test_float_files_compute_the_same(name: str, folder: Path) -> None:
    path = folder / f"{name}.float.tflite"
    graph = read_tflite(path)
    shape = graph.tensors[graph.inputs[0]].shape
    inputs = np.random.default_rng(0).normal(0, 2, (4, *shape)).astype(np.float32)
    expected = oracle.run_output(standard_tflite(path), inputs)
    (found,) = oracle.run_float(write_tflite(graph), inputs).values()
    np.testing.assert_allclose(found.reshape(expected.shape), expected, rtol=1e-5, atol=1e-5)


def _in_c(graph: Graph) -> TensorExecution:
    return TensorExecution("C", lambda inputs: run_on_host(graph, inputs))
