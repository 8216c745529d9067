"""The outside oracle: LiteRT runs a .tflite. Nothing of tinycomp computes here.

int8 models run on the reference kernels, which define the numeric contract; float models on the
fast ones. TensorFlow is not imported.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from tinycomp.common.errors import ModelError
from tinycomp.ir.tensor import Array

BATCH_ELEMENTS = 1 << 23
"""How many activation elements a float batch may have; bounds memory at a few tens of megabytes."""
MAX_BATCH = 128

Which = Literal["all", "outputs"]


def run(model: bytes, inputs: Array) -> dict[str, Array]:
    """Every activation of an int8 model by tensor name, from the reference kernels.

    Args:
        model: a .tflite.
        inputs: (samples, *shape) in the input's dtype; each sample is one invocation.

    Returns:
        (samples, *shape) each, the input included, in the order of computation.

    Raises:
        ModelError: LiteRT can't load or run the model.
    """
    return _run_singly(model, inputs, "all")


def run_output(model: bytes, inputs: Array) -> Array:
    """The model's output, (samples, *shape), from the reference kernels; see run."""
    (output,) = _run_singly(model, inputs, "outputs").values()
    return output


def run_fast(model: bytes, inputs: Array) -> Array:
    """The model's output as LiteRT's fast kernels compute it: for estimates of how close an int8
    model is to a float one. A byte may differ by one or two from run_output's.

    Raises:
        ModelError: LiteRT can't load or run the model.
    """
    resolver = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    (output,) = _run_singly(model, inputs, "outputs", resolver).values()
    return output


def run_float(model: bytes, inputs: Array, tensors: Which = "outputs") -> dict[str, Array]:
    """Activations of a float model by tensor name, (samples, *shape).

    "all" holds every activation of every sample in memory; float_batches does not.

    Raises:
        ModelError: LiteRT can't load or run the model.
    """
    parts: dict[str, list[Array]] = {}
    for batch in float_batches(model, inputs, tensors):
        for name, values in batch.items():
            parts.setdefault(name, []).append(values)
    return {name: np.concatenate(values) for name, values in parts.items()}


def float_batches(
    model: bytes, inputs: Array, tensors: Which = "all"
) -> Iterator[dict[str, Array]]:
    """Run a float model in batches of its own choice; each item holds one batch's activations.

    Args:
        model: a float .tflite whose batch axis may be resized.
        inputs: (samples, *shape) float32.
        tensors: every activation, or only the model's output.

    Raises:
        ModelError: LiteRT can't load or run the model.
    """
    with _litert_errors():
        interpreter = _interpreter(model, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES, tensors)
        names = _indices(model, tensors)
        entry = interpreter.get_input_details()[0]
        elements = sum(int(np.prod(d["shape"])) for d in interpreter.get_tensor_details())
    batch = max(1, min(MAX_BATCH, BATCH_ELEMENTS // max(1, elements)))
    size = 0
    for start in range(0, len(inputs), batch):
        values = np.ascontiguousarray(inputs[start : start + batch], np.float32)
        with _litert_errors():
            if len(values) != size:
                size = len(values)
                interpreter.resize_tensor_input(entry["index"], values.shape)
                interpreter.allocate_tensors()
            interpreter.set_tensor(entry["index"], values)
            interpreter.invoke()
            found = {name: interpreter.get_tensor(index) for name, index in names.items()}
        yield found


def _run_singly(
    model: bytes,
    inputs: Array,
    tensors: Which,
    resolver: OpResolverType = OpResolverType.BUILTIN_REF,
) -> dict[str, Array]:
    with _litert_errors():
        interpreter = _interpreter(model, resolver, tensors)
        names = _indices(model, tensors)
        interpreter.allocate_tensors()
        entry = interpreter.get_input_details()[0]
        found: dict[str, Array] = {}
        for number, sample in enumerate(np.asarray(inputs, entry["dtype"])):
            interpreter.set_tensor(entry["index"], np.ascontiguousarray(sample[np.newaxis]))
            interpreter.invoke()
            for name, index in names.items():
                values = interpreter.get_tensor(index)
                if number == 0:
                    found[name] = np.empty((len(inputs), *values.shape[1:]), values.dtype)
                found[name][number] = values[0]
    return found


def _interpreter(model: bytes, resolver: OpResolverType, tensors: Which) -> Any:
    """No resolver used here brings in a delegate: its arithmetic would differ."""
    return Interpreter(
        model_content=model,
        num_threads=1,
        experimental_op_resolver_type=resolver,
        experimental_preserve_all_tensors=tensors == "all",
    )


def _indices(model: bytes, tensors: Which) -> dict[str, int]:
    """Tensor index by name of what is computed or handed in, in the order of computation."""
    subgraph = schema.Model.GetRootAs(model, 0).Subgraphs(0)
    indices = [int(index) for index in subgraph.OutputsAsNumpy()]
    if tensors == "all":
        indices = [int(index) for index in subgraph.InputsAsNumpy()]
        for number in range(subgraph.OperatorsLength()):
            indices += [int(index) for index in subgraph.Operators(number).OutputsAsNumpy()]
    return {subgraph.Tensors(index).Name().decode(): index for index in indices}


@contextmanager
def _litert_errors() -> Iterator[None]:
    """Turn what LiteRT raises about a model into an error that names LiteRT."""
    try:
        yield
    except (RuntimeError, ValueError) as error:
        lines = " ".join(str(error).split())
        raise ModelError(
            f"LiteRT can't run the model: {lines}",
            hint="Check the file with `tinycomp inspect`, or export it again.",
        ) from error
