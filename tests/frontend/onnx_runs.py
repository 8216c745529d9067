"""Small ONNX models, and the comparison of a file's graph with onnxruntime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from float_runs import assert_close
from onnx import helper, numpy_helper

from tinycomp.frontend.onnx import read_onnx
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array, Shape
from tinycomp.passes.lower_batch_normalization import lower_batch_normalization
from tinycomp.quantization.export import write_tflite
from tinycomp.reading import clean_up
from tinycomp.reference import oracle


def model(
    nodes: Sequence[Any], shape: Sequence[int | str], constants: Mapping[str, Array] | None = None,
    outputs: Sequence[str] = ("y",), opset: int = 17,
) -> Any:  # fmt: skip
    """A model of nodes from the float input x to outputs of any shape."""
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "test",
        [info("x", onnx.TensorProto.FLOAT, shape)],
        [info(name, onnx.TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(values, name) for name, values in (constants or {}).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def weights(*shape: int, seed: int = 0) -> Array:
    """Random float32 values."""
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def session_of(path: Path, optimized: bool = True) -> onnxruntime.InferenceSession:
    """A file in onnxruntime on the processor, without its warnings."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    if not optimized:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])


def executed(path: Path, x: Array) -> Array:
    """The first output for each sample of x, as the file says: nothing is fused."""
    session = session_of(path, optimized=False)
    return np.concatenate([session.run(None, {"x": each[np.newaxis]})[0] for each in x])


def assert_same(path: Path, low: float = -2.0, high: float = 2.0) -> Graph:
    """Compare the graph as read, and cleaned, with onnxruntime on two random inputs."""
    session = session_of(path)
    (source,) = session.get_inputs()
    shape = [size if isinstance(size, int) else 1 for size in source.shape]
    rng = np.random.default_rng(1)
    samples = [rng.uniform(low, high, shape).astype(np.float32) for _ in range(2)]
    expected = [session.run(None, {source.name: sample}) for sample in samples]
    graph = read_onnx(path)
    x = np.stack([inside(graph, "Input", sample) for sample in samples])
    x = x.reshape(2, *graph.tensors[graph.inputs[0]].shape)
    for found in (lower_batch_normalization(graph), clean_up(graph)):
        outputs = list(oracle.run_float(write_tflite(found), x).values())
        assert len(outputs) == len(expected[0])
        for number, output in enumerate(outputs):
            wanted = [inside(graph, "Output", each[number]) for each in expected]
            assert_close(output, np.stack(wanted).reshape(output.shape))
    return graph


def inside(graph: Graph, what: str, values: Array) -> Array:
    """An input or output as the graph has it: channels behind, where a note says so."""
    moved = any(note.startswith(what) and "has channels in front" in note for note in graph.notes)
    return np.moveaxis(values, 1, -1) if moved else values


def operators(graph: Graph) -> list[str]:
    """The operators of the cleaned graph, without reshapes."""
    return [node.op.name for node in clean_up(graph).nodes if node.op.name != "reshape"]


def input_shape(graph: Graph) -> Shape:
    """The graph's input's."""
    return graph.tensors[graph.inputs[0]].shape
