"""Reads an ONNX file into plain data: nodes in running order, constants, inputs and outputs.

Everything that is not float arithmetic on tensors of fixed shapes is refused by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tinycomp.common.errors import ModelError
from tinycomp.frontend._onnx_classic import in_own_operators, split_labels
from tinycomp.frontend._onnx_integers import in_real_numbers
from tinycomp.frontend._onnx_versions import (
    OWN_DOMAINS,
    as_of_today,
    in_running_order,
    without_functions,
)
from tinycomp.ir.tensor import Array, Shape

_FLOATS = ("float16", "bfloat16", "float64")
_READ = (*_FLOATS, "float32", "uint8", "int8", "int32", "int64")
_AGAIN = "torch.onnx.export writes a model with fixed shapes from an example input."


@dataclass(frozen=True, eq=False)
class OnnxNode:
    """One node as plain data."""

    name: str
    """The node's name, or its output's."""
    kind: str
    """The operator: "Conv"."""
    domain: str
    """The operator's set; "" is ONNX's own."""
    inputs: tuple[str, ...]
    """Names of values; "" for an input that is left out."""
    outputs: tuple[str, ...]
    """Names of values; "" for an output that nobody reads."""
    attributes: Mapping[str, Any]
    """Numbers, lists, strings and arrays."""
    proto: Any
    """The node of the onnx package, for constant folding."""

    @property
    def label(self) -> str:
        """Name and operator, for messages."""
        return f"{self.name!r} ({self.domain + '.' if self.domain else ''}{self.kind})"


@dataclass(frozen=True)
class OnnxInput:
    """An input of the model."""

    name: str
    """In the file."""
    shape: Shape
    """With the batch, which is 1."""
    dtype: str
    """As NumPy names it."""


@dataclass(frozen=True, eq=False)
class OnnxModel:
    """A model as plain data."""

    nodes: tuple[OnnxNode, ...]
    """In running order."""
    constants: Mapping[str, Array]
    """Initializers by name."""
    inputs: tuple[OnnxInput, ...]
    """What the caller provides."""
    outputs: tuple[str, ...]
    """Names of the returned values."""
    opset: int
    """The version of ONNX's own operators."""
    notes: tuple[str, ...] = ()
    """What was converted while reading."""
    class_names: tuple[str, ...] = ()
    """Names of the classes, if the file has some."""

    def readers(self, name: str) -> Iterator[OnnxNode]:
        """The nodes that read a value."""
        return (node for node in self.nodes if name in node.inputs)


def import_onnx() -> Any:
    """The onnx package.

    Raises:
        ModelError: it is not installed.
    """
    try:
        import onnx
    except ImportError as error:
        raise ModelError(
            "Reading an ONNX file takes the package 'onnx', which is not installed.",
            hint="pip install 'tinycomp[onnx]'",
        ) from error
    return onnx


def read_file(path: Path) -> OnnxModel:
    """The model in a file.

    Raises:
        ModelError: the file can't be read, is no ONNX model, lacks external data, or has inputs
            that are not supported.
    """
    onnx = import_onnx()
    model = _load(onnx, path)
    model, opset, converted = as_of_today(onnx, model, path)
    graph = without_functions(model, path).graph
    constants = {each.name: onnx.numpy_helper.to_array(each) for each in graph.initializer}
    kinds = sorted({str(values.dtype) for values in constants.values()} & {*_FLOATS})
    constants = {name: as_float32(values) for name, values in constants.items()}
    labels = split_labels(onnx, graph)
    protos = in_own_operators(onnx, in_running_order(graph.node))
    nodes = tuple(_nodes(onnx, in_real_numbers(onnx, protos)))
    inputs = tuple(_input(onnx, each, path) for each in graph.input if each.name not in constants)
    notes = [converted] if converted else []
    notes += [f"Values of {' and '.join(kinds)} were converted to float32."] if kinds else []
    notes += [
        f"The output {name!r} is left out: it is the label of the class with the largest score."
        for name in labels.left_out
    ]
    notes += [_rows_note(each) for each in inputs if _may_be_a_batch(each.shape)]
    return OnnxModel(
        nodes, constants, inputs, labels.outputs, opset, tuple(notes), labels.class_names
    )


def _may_be_a_batch(shape: Shape) -> bool:
    """Whether the first axis looks like samples; of (steps, 1, features) the second one is."""
    return len(shape) > 1 and shape[0] > 1 and shape[1] > 1


def _rows_note(given: OnnxInput) -> str:
    count = given.shape[0]
    return (
        f"Input {given.name!r} has the shape {given.shape}: the library takes all {count} rows at "
        f"once. If {count} is a batch, export the model again for one of 1."
    )


def as_float32(values: Array) -> Array:
    """Real values in float32; others as they are."""
    return values.astype(np.float32) if str(values.dtype) in _FLOATS else values


def _load(onnx: Any, path: Path) -> Any:
    """The protocol buffer, with its external data."""
    try:
        model = onnx.load_model(str(path), load_external_data=False)
    except OSError as error:
        raise ModelError(f"The model {path} can't be read: {error.strerror}.") from error
    except ModelError:
        raise
    except Exception as error:  # protobuf's decoders raise several types
        raise _no_model(path) from error
    if not model.graph.node or not model.graph.output:
        raise _no_model(path)
    if model.graph.sparse_initializer:
        names = ", ".join(repr(each.values.name) for each in model.graph.sparse_initializer)
        raise ModelError(f"{path} has sparse constants: {names}.", hint="Export dense weights.")
    _require_external(model, path)
    return model


def _no_model(path: Path) -> ModelError:
    return ModelError(
        f"{path} is no ONNX model, or damaged.", hint="Export or copy the file again."
    )


def _require_external(model: Any, path: Path) -> None:
    """Load values that lie in files of their own."""
    from onnx.external_data_helper import ExternalDataInfo, load_external_data_for_model

    stored = [each for each in model.graph.initializer if each.data_location == each.EXTERNAL]
    places = {each.name: ExternalDataInfo(each).location for each in stored}
    missing = sorted({place for place in places.values() if not (path.parent / place).is_file()})
    if missing:
        count = sum(place in missing for place in places.values())
        raise ModelError(
            f"{path} keeps {count} of its constants in {', '.join(map(repr, missing))}, which "
            f"{'is' if len(missing) == 1 else 'are'} missing.",
            expected="Expected the file beside the model.",
            hint="Copy it too, or join both: onnx.save(onnx.load('model.onnx'), 'whole.onnx').",
        )
    try:
        load_external_data_for_model(model, str(path.parent))
    except Exception as error:  # its checks raise several types
        raise ModelError(f"The external data of {path} can't be read: {error}.") from error


def _nodes(onnx: Any, protos: Iterable[Any]) -> Iterator[OnnxNode]:
    for proto in protos:
        attributes = {each.name: _attribute(onnx, each) for each in proto.attribute}
        domain = "" if proto.domain in OWN_DOMAINS else proto.domain
        first = next((name for name in proto.output if name), "")
        name = (proto.name or first).strip("/") or proto.op_type
        yield OnnxNode(
            name, proto.op_type, domain, tuple(proto.input), tuple(proto.output), attributes, proto
        )


def _attribute(onnx: Any, proto: Any) -> Any:
    value = onnx.helper.get_attribute_value(proto)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, list) and value and isinstance(value[0], bytes):
        return [each.decode("utf-8", "replace") for each in value]
    if isinstance(value, onnx.TensorProto):
        return as_float32(onnx.numpy_helper.to_array(value))
    return value


def _input(onnx: Any, proto: Any, path: Path) -> OnnxInput:
    kind = proto.type.tensor_type
    label = f"The input {proto.name!r} of {path}"
    if not proto.type.HasField("tensor_type") or not kind.HasField("shape"):
        raise ModelError(f"{label} has no shape.", expected="Expected a tensor of a known shape.")
    named = onnx.TensorProto.DataType.Name(kind.elem_type).lower()
    dtype = {"float": "float32", "double": "float64"}.get(named, named)
    if dtype not in _READ:
        raise ModelError(
            f"{label} is of type {dtype}.",
            expected="Expected real numbers, bytes that stand for them, or numbers of rows that an "
            "embedding looks up.",
            hint="Turn strings into such numbers outside the model.",
        )
    sizes = [each.dim_value if each.HasField("dim_value") else each.dim_param or "?"
             for each in kind.shape.dim]  # fmt: skip
    open_axes = [str(size) for size in sizes[1:] if isinstance(size, str) or size < 1]
    if not sizes:
        raise ModelError(
            f"{label} is a single number without axes.",
            expected="Expected an axis at least: the values, with or without a batch in front.",
            hint=_AGAIN,
        )
    if open_axes:
        raise ModelError(
            f"{label} has the shape ({', '.join(map(str, sizes))}).",
            expected="Expected fixed sizes; only the first one, the batch, may be open.",
            hint="Fix them: onnx.tools.update_model_dims.update_inputs_outputs_dims. " + _AGAIN,
        )
    batch = sizes[0] if isinstance(sizes[0], int) and sizes[0] > 0 else 1
    if batch > 1 and len(sizes) > 3:
        raise ModelError(
            f"{label} has the shape ({', '.join(map(str, sizes))}), a batch of {batch}.",
            expected="Expected a batch of 1.",
            hint=_AGAIN,
        )
    return OnnxInput(proto.name, (batch, *(int(size) for size in sizes[1:])), dtype)
