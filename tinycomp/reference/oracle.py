"""The external oracle: LiteRT runs a .tflite. No arithmetic here is tinycomp's own.

int8 models run on the reference kernels, which define the numeric contract; float models run on
the optimized kernels. TensorFlow is not imported.

A model file may have float32 or uint8 inputs and outputs around its int8 core. The file runs
unchanged; the functions here convert, and take and return int8. Samples of a model with several
inputs have all their values in one axis, input by input. A model with variables keeps them from
sample to sample, and begins with their initial values in each call.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from tinycomp.common.errors import ModelError
from tinycomp.ir.names import unique_names
from tinycomp.ir.tensor import Array

BATCH_ELEMENTS = 1 << 23
"""The most activation elements of a float batch; limits memory to a few tens of megabytes."""
MAX_BATCH = 128

Which = Literal["all", "outputs"] | Collection[str]
"""Of a model's tensors: all, its outputs, or those of these names."""


def run(model: bytes, inputs: Array) -> dict[str, Array]:
    """Every activation of an int8 model by tensor name, from the reference kernels.

    Args:
        model: a .tflite.
        inputs: (samples, *shape) in the dtype of the input; each sample is one invocation. For a
        file with a float32 or uint8 input: int8 values that its first QUANTIZE will produce.

    Returns:
        (samples, *shape) for each tensor, the input included, in the order of computation; uint8
        tensors as the int8 values with the same meaning.

    Raises:
        ModelError: LiteRT can't load or run the model.
    """
    return _run_singly(model, inputs, "all")


def run_output(model: bytes, inputs: Array) -> Array:
    """The model's first int8 output, (samples, *shape), from the reference kernels; see run."""
    return next(iter(_run_singly(model, inputs, "outputs").values()))


def input_shape(model: bytes) -> tuple[int, ...]:
    """The shape of the first input, without the batch."""
    subgraph = schema.Model.GetRootAs(model, 0).Subgraphs(0)
    tensor = subgraph.Tensors(subgraph.Inputs(0))
    return tuple(int(size) for size in tensor.ShapeAsNumpy()[1:])


def run_outputs(model: bytes, inputs: Array) -> dict[str, Array]:
    """The model's int8 outputs by name, in the file's order, from the reference kernels; see
    run.
    """
    return _run_singly(model, inputs, "outputs")


def run_fast(model: bytes, inputs: Array) -> Array:
    """The model's first output, (samples, *shape); see outputs_fast."""
    return next(iter(outputs_fast(model, inputs).values()))


def outputs_fast(model: bytes, inputs: Array) -> dict[str, Array]:
    """The model's outputs by name from LiteRT's optimized kernels, to estimate how close an int8
    model is to a float one. Bytes may differ by one or two from those of run_output.

    Raises:
        ModelError: LiteRT can't load or run the model.
    """
    resolver = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    return _run_singly(model, inputs, "outputs", resolver)


def run_float(model: bytes, inputs: Array, tensors: Which = "outputs") -> dict[str, Array]:
    """Activations of a float model by tensor name, (samples, *shape).

    "all" keeps every activation of every sample in memory; float_batches does not.

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
    """Run a float model in batches; each item is a dict of the activations of one batch.

    Args:
        model: a float .tflite whose batch axis can be resized.
        inputs: (samples, *shape) float32.
        tensors: every activation, only the model's outputs, or those of some names.

    Raises:
        ModelError: LiteRT can't load or run the model.
    """
    with _litert_errors():
        interpreter = _interpreter(model, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES, tensors)
        names = _indices(model, tensors)
        entries = interpreter.get_input_details()
        elements = sum(int(np.prod(d["shape"])) for d in interpreter.get_tensor_details())
    batch = max(1, min(MAX_BATCH, BATCH_ELEMENTS // max(1, elements)))
    size = 0
    for start in range(0, len(inputs), batch):
        values = np.ascontiguousarray(inputs[start : start + batch], np.float32)
        with _litert_errors():
            parts = _by_input(entries, values)
            if len(values) != size:
                size = len(values)
                for index, part in parts:
                    interpreter.resize_tensor_input(index, part.shape)
                interpreter.allocate_tensors()
            for index, part in parts:
                interpreter.set_tensor(index, part)
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
        names, scales = _indices(model, tensors), _input_scales(model)
        interpreter = _interpreter(model, resolver, "all")
        interpreter.allocate_tensors()
        entries = interpreter.get_input_details()
        dtypes = {entry["index"]: entry["dtype"] for entry in entries}
        zeros = {entry["index"]: entry["quantization"][1] for entry in entries}
        parts = [
            (index, _as_taken(part, dtypes[index], scales.get(index), zeros[index]))
            for index, part in _by_input(entries, np.asarray(inputs))
        ]
        found: dict[str, Array] = {}
        keeps = any(_operators(model, "VAR_HANDLE"))
        for number in range(len(inputs)):
            for index, part in parts:
                interpreter.set_tensor(index, np.ascontiguousarray(part[number : number + 1]))
            if not keeps:
                interpreter.reset_all_variables()  # the states of recurrent layers
            interpreter.invoke()
            for name, index in names.items():
                values = _without_batch(interpreter.get_tensor(index))
                if number == 0:
                    found[name] = np.empty((len(inputs), *values.shape), values.dtype)
                found[name][number] = values
    return {name: _signed(values) for name, values in found.items()}


def _by_input(entries: Sequence[Any], samples: Array) -> list[tuple[int, Array]]:
    """The index of each input, and its part of the samples."""
    if len(entries) == 1:
        return [(entries[0]["index"], samples)]
    flat, start, found = samples.reshape(len(samples), -1), 0, []
    for entry in entries:
        shape = tuple(int(size) for size in entry["shape"][1:])
        part = flat[:, start : start + int(np.prod(shape))]
        found.append((entry["index"], np.ascontiguousarray(part.reshape(len(samples), *shape))))
        start += part.shape[1]
    return found


def _without_batch(values: Array) -> Array:
    """A tensor without its batch axis of 1; an axis of another length in its place is kept."""
    return values[0] if values.shape[:1] == (1,) else values


def _signed(values: Array) -> Array:
    """uint8 as int8, 128 smaller: another zero point, the same real value."""
    return (values ^ 0x80).view(np.int8) if values.dtype == np.uint8 else values


def _as_taken(inputs: Array, dtype: Any, scale: tuple[float, int] | None, zero_point: int) -> Array:
    """int8 inputs converted to the file's input type; others are cast. int16 of an int8 file has
    the zero point 0.
    """
    values = np.asarray(inputs)
    if values.dtype == np.int16 and dtype == np.int8:
        return np.clip(values.astype(np.int32) + zero_point, -128, 127).astype(np.int8)
    if values.dtype == np.int16 and scale is not None:
        scale = scale[0], 0
    if values.dtype == np.int8 and dtype == np.uint8:
        return values.view(np.uint8) ^ 0x80
    if values.dtype.kind == "i" and dtype == np.float32 and scale is not None:
        return (values.astype(np.float32) - np.float32(scale[1])) * np.float32(scale[0])
    return values.astype(dtype)


def _input_scales(model: bytes) -> dict[int, tuple[float, int]]:
    """Scale and zero point of the QUANTIZE after an input, by the input's index."""
    subgraph, found = schema.Model.GetRootAs(model, 0).Subgraphs(0), {}
    inputs = {subgraph.Inputs(number) for number in range(subgraph.InputsLength())}
    for operator in _operators(model, "QUANTIZE"):
        if operator.Inputs(0) in inputs:
            known = subgraph.Tensors(operator.Outputs(0)).Quantization()
            if known is not None and known.ScaleLength():
                found[operator.Inputs(0)] = float(known.Scale(0)), int(known.ZeroPoint(0))
    return found


def _operators(model: bytes, builtin: str) -> Iterator[Any]:
    """The operators of one kind, in order."""
    file = schema.Model.GetRootAs(model, 0)
    subgraph, wanted = file.Subgraphs(0), getattr(schema.BuiltinOperator, builtin)
    for number in range(subgraph.OperatorsLength()):
        operator = subgraph.Operators(number)
        code = file.OperatorCodes(operator.OpcodeIndex())
        if max(code.BuiltinCode(), code.DeprecatedBuiltinCode()) == wanted:
            yield operator


def _interpreter(model: bytes, resolver: OpResolverType, tensors: Which) -> Any:
    """None of the resolvers used here adds a delegate, whose arithmetic would differ."""
    return Interpreter(
        model_content=model,
        num_threads=1,
        experimental_op_resolver_type=resolver,
        experimental_preserve_all_tensors=tensors != "outputs",
    )


def _indices(model: bytes, tensors: Which) -> dict[str, int]:
    """Tensor index by name of inputs and computed tensors, in the order of computation.

    For a float32 output of a DEQUANTIZE, "outputs" gives the int8 tensor before it.
    """
    subgraph = schema.Model.GetRootAs(model, 0).Subgraphs(0)
    indices = [int(index) for index in subgraph.OutputsAsNumpy()]
    if tensors != "outputs":
        indices = [int(index) for index in subgraph.InputsAsNumpy()]
        for number in range(subgraph.OperatorsLength()):
            indices += [int(index) for index in subgraph.Operators(number).OutputsAsNumpy()]
    else:
        before = {int(op.Outputs(0)): int(op.Inputs(0)) for op in _operators(model, "DEQUANTIZE")}
        indices = [before.get(index, index) for index in indices]
    names = unique_names(subgraph.Tensors(i).Name() for i in range(subgraph.TensorsLength()))
    handles = (schema.TensorType.RESOURCE, schema.TensorType.VARIANT)  # of variables: no values
    found = {
        names[index]: index for index in indices if subgraph.Tensors(index).Type() not in handles
    }
    if tensors in ("all", "outputs"):
        return found
    return {name: index for name, index in found.items() if name in tensors}


@contextmanager
def _litert_errors() -> Iterator[None]:
    """Convert LiteRT's exceptions about a model into an error that names LiteRT."""
    try:
        yield
    except (RuntimeError, ValueError, struct.error) as error:
        lines = " ".join(str(error).split())
        raise ModelError(
            f"LiteRT can't run the model: {lines}",
            hint="Check the file with `tinycomp inspect`, or export it again.",
        ) from error
