"""Decodes the bytes of a .tflite, checking all indices and sizes."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinycomp.common.blockers import Blockers
from tinycomp.common.errors import ModelError
from tinycomp.frontend._tflite_file import FileOperator, FileTensor, Signature, TfliteFile
from tinycomp.ir.names import unique_names
from tinycomp.ir.tensor import Array

IDENTIFIER = b"TFL3"
DAMAGE = (
    struct.error, ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError,
    TypeError, ValueError,
)  # fmt: skip
"""Errors of flatbuffers' Python reader and NumPy for invalid offsets and sizes."""
MAX_ELEMENTS = 1 << 24
"""Maximum elements of a tensor: more is not for a microcontroller, or a damaged shape."""
LARGEST_OPTION = 1e9
"""Maximum magnitude of float options, such as slopes."""
_MAX_AXES = 6
_BUILTINS = {code: name for name, code in vars(schema.BuiltinOperator).items() if name.isupper()}
_TYPES = {code: name.lower() for name, code in vars(schema.TensorType).items() if name.isupper()}
_OPTIONS = {code: name for name, code in vars(schema.BuiltinOptions).items() if name[0].isalpha()}
_DTYPES = {"bool", "float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8"}
_CALLS = (
    ("CALL_ONCE", "initSubgraphIndex"),
    ("WHILE", "condSubgraphIndex", "bodySubgraphIndex"),
)
"""Operators that call subgraphs, and the options that name these."""
_AGAIN = "Copy or export the file again."


def read_file(data: bytes, name: str) -> TfliteFile:
    """The tables of a file.

    Raises:
        ModelError: it is not a .tflite, or has invalid indices or sizes; all are named.
    """
    if data[4:8] != IDENTIFIER:
        raise ModelError(
            f"The model {name!r} is not a .tflite file: it lacks the mark {IDENTIFIER.decode()!r}.",
            hint="Check the file, or export the model again.",
        )
    try:
        model = schema.ModelT.InitFromPackedBuf(data)
        return _Decoder(model, name).file()
    except DAMAGE as error:
        raise damaged(name, error) from error


def damaged(name: str, error: BaseException) -> ModelError:
    """The error for a file that makes the reader fail."""
    return ModelError(
        f"The model {name!r} is damaged or cut off: {error or type(error).__name__}.",
        expected="Expected a complete .tflite file.",
        hint=_AGAIN,
    )


def _ints(values: Any) -> tuple[int, ...]:
    return () if values is None else tuple(int(value) for value in values)


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")


@dataclass
class _Decoder:
    """Decodes one file and collects errors."""

    model: Any
    """The root table of the file."""
    name: str
    """The model's name, for messages."""
    wrong: Blockers = field(init=False)
    """Collected errors."""

    def __post_init__(self) -> None:
        self.wrong = Blockers(f"'{self.name}.tflite'")

    def file(self) -> TfliteFile:
        if not self.model.subgraphs:
            raise ModelError(f"The model {self.name!r} holds no graph.", hint=_AGAIN)
        main = self._subgraph(self.model.subgraphs[0])
        started, loops = (
            {index: self._subgraph(table) for index, table in self._called(main, *names)}
            for names in _CALLS
        )
        self.wrong.raise_any()
        return replace(
            main,
            subgraphs=tuple(_text(each.name) or "main" for each in self.model.subgraphs),
            signatures=tuple(map(_signature, self.model.signatureDefs or [])),
            started=started,
            loops=loops,
        )

    def _called(self, main: TfliteFile, builtin: str, *fields: str) -> Iterator[tuple[int, Any]]:
        """The subgraphs that operators name in fields of their options."""
        for operator in main.operators:
            if operator.builtin == builtin and operator.options is not None:
                for index in (int(getattr(operator.options, field)) for field in fields):
                    if 0 < index < len(self.model.subgraphs):
                        yield index, self.model.subgraphs[index]

    def _subgraph(self, subgraph: Any) -> TfliteFile:
        tables = subgraph.tensors or []
        names = unique_names(table.name for table in tables)
        passed = _passed(subgraph)
        tensors = tuple(
            self._tensor(*each, passed=index in passed)
            for index, each in enumerate(zip(tables, names, strict=True))
        )
        count = len(tensors)
        operators = tuple(
            self._operator(index, table, count)
            for index, table in enumerate(subgraph.operators or [])
        )
        inputs = self._indices("The model's inputs", subgraph.inputs, count)
        outputs = self._indices("The model's outputs", subgraph.outputs, count)
        return TfliteFile(self.name, tensors, operators, inputs, outputs)

    def _indices(self, what: str, values: Any, count: int, least: int = 0) -> tuple[int, ...]:
        indices = _ints(values)
        bad = [index for index in indices if not least <= index < count]
        if bad:
            self.wrong.add(
                ModelError(
                    f"{what} are tensors {list(indices)}.",
                    expected=f"Expected one of its {count} tensors, counted from 0.",
                    hint=_AGAIN,
                )
            )
        return indices

    def _operator(self, index: int, table: Any, tensors: int) -> FileOperator:
        codes = self.model.operatorCodes or []
        builtin, custom = "unknown", ""
        if 0 <= table.opcodeIndex < len(codes):
            code = codes[table.opcodeIndex]
            number = max(code.builtinCode, code.deprecatedBuiltinCode)
            builtin = _BUILTINS.get(number, f"number {number}")
            custom = _text(code.customCode) or "unnamed" if builtin == "CUSTOM" else ""
        else:
            self.wrong.add(
                ModelError(
                    f"Operator {index} has the kind {table.opcodeIndex}.",
                    expected=(
                        f"Expected one of its {len(codes)} kinds of operators, counted from 0."
                    ),
                    hint=_AGAIN,
                )
            )
        what = f"of operator {index} ({builtin})"
        return FileOperator(
            index, builtin, custom,
            self._indices(f"The inputs {what}", table.inputs, tensors, least=-1),
            self._indices(f"The outputs {what}", table.outputs, tensors),
            self._options(what, builtin, table),
            self._indices(f"The intermediates {what}", table.intermediates, tensors),
        )  # fmt: skip

    def _options(self, what: str, builtin: str, table: Any) -> Any:
        """The options, if they are of the operator's type and their numbers are finite."""
        options, kind = table.builtinOptions, _OPTIONS.get(table.builtinOptionsType, "NONE")
        if options is None:
            return None
        wanted = _options_type(builtin)
        if wanted is not None and kind != wanted:
            self.wrong.add(
                ModelError(
                    f"The options {what} are {kind}.", expected=f"Expected {wanted}.", hint=_AGAIN
                )
            )
        for key, value in vars(options).items():
            if isinstance(value, float) and not abs(value) <= LARGEST_OPTION:
                self.wrong.add(
                    ModelError(
                        f"The option {key} {what} is {value:g}.",
                        expected=f"Expected a number of at most {LARGEST_OPTION:g}.",
                        hint=_AGAIN,
                    )
                )
        return options

    def _tensor(self, table: Any, name: str, *, passed: bool) -> FileTensor:
        dtype = _TYPES.get(table.type, f"of the unknown type {table.type}")
        shape = _ints(table.shape)
        signature = _ints(table.shapeSignature) or shape
        known = table.quantization
        tensor = FileTensor(
            name, dtype, shape, signature if len(signature) == len(shape) else shape,
            scales=() if known is None or known.scale is None else tuple(map(float, known.scale)),
            zero_points=() if known is None else _ints(known.zeroPoint),
            axis=0 if known is None else int(known.quantizedDimension),
            variable=bool(table.isVariable),
        )  # fmt: skip
        with self.wrong.collected():
            if passed:
                _check_shape(tensor)
            values = self._values(table, tensor)
            return replace(tensor, values=values)
        return tensor

    def _values(self, table: Any, tensor: FileTensor) -> Array | None:
        """The constant's values; None if its buffer is empty."""
        buffers = self.model.buffers or []
        what = f"The tensor {tensor.name!r}"
        if not 0 <= table.buffer < len(buffers):
            raise ModelError(
                f"{what} has the buffer {table.buffer}.",
                expected=f"Expected one of its {len(buffers)} buffers, counted from 0.",
                hint=_AGAIN,
            )
        buffer = buffers[table.buffer]
        if buffer.offset > 1 or buffer.size > 1:
            raise ModelError(
                f"{what} lies outside of the file's tables, as in files of more than 2 GB.",
                expected="Expected constants inside the tables.",
                hint="Export a smaller model.",
            )
        # Buffer 0 is empty by convention, whatever its content, like in LiteRT.
        if table.buffer == 0 or buffer.data is None or len(buffer.data) == 0:
            return np.zeros(tensor.shape, np.int64) if 0 in tensor.shape else None
        if table.sparsity is not None:
            raise ModelError(
                f"{what} is stored as a sparse tensor.",
                expected="Expected dense constants.",
                hint="Export the model without tfmot's sparse format; tinycomp packs zeros itself.",
            )
        return _view(np.asarray(buffer.data, np.uint8), tensor, what)


def _passed(subgraph: Any) -> set[int]:
    """The tensors used by operators and callers: all except the intermediates of recurrent
    operators.
    """
    operators = subgraph.operators or []
    lists = [subgraph.inputs, subgraph.outputs]
    lists += [indices for each in operators for indices in (each.inputs, each.outputs)]
    return {index for indices in lists for index in _ints(indices)}


def _view(stored: Array, tensor: FileTensor, what: str) -> Array | None:
    """Little-endian bytes as the tensor's values; for an unsupported type the bytes themselves."""
    if tensor.dtype not in _DTYPES:
        return stored
    dtype = np.dtype(tensor.dtype)
    wanted = math.prod(tensor.shape) * dtype.itemsize
    if len(stored) != wanted:
        raise ModelError(
            f"{what} of shape {tensor.shape} has {len(stored)} bytes.",
            expected=f"Expected {wanted} bytes of {tensor.dtype}.",
            hint=_AGAIN,
        )
    if tensor.dtype == "bool":
        flags: Array = stored.reshape(tensor.shape) != 0
        return flags
    values: Array = stored.view(dtype.newbyteorder("<")).astype(dtype).reshape(tensor.shape)
    return values


def _check_shape(tensor: FileTensor) -> None:
    """Check that a tensor has at least one element, and not absurdly many."""
    shape = tensor.shape
    # An empty vector of axes is written as an empty constant (no axes to reduce).
    least = 0 if len(shape) == 1 and tensor.dtype in ("int32", "int64") else 1
    if any(size < least for size in shape) or math.prod(shape) > MAX_ELEMENTS:
        raise ModelError(
            f"The tensor {tensor.name!r} has the shape {shape}.",
            expected=f"Expected sizes from 1, and at most {MAX_ELEMENTS:,} values.",
            hint="Convert the model with a fixed input shape and a batch size of 1.",
        )
    if len(shape) > _MAX_AXES:
        raise ModelError(
            f"The tensor {tensor.name!r} has {len(shape)} axes.",
            expected=f"Expected at most {_MAX_AXES}.",
        )


def _signature(table: Any) -> Signature:
    return Signature(
        _text(table.signatureKey),
        int(table.subgraphIndex),
        tuple(int(each.tensorIndex) for each in table.inputs or []),
        tuple(int(each.tensorIndex) for each in table.outputs or []),
        {
            int(each.tensorIndex): _text(each.name)
            for each in (*(table.inputs or []), *(table.outputs or []))
            if each.name
        },
    )


_SHARED_OPTIONS = {
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "L2_POOL_2D": "Pool2DOptions",
    "MEAN": "ReducerOptions",
    "SUM": "ReducerOptions",
    "REDUCE_MAX": "ReducerOptions",
    "REDUCE_MIN": "ReducerOptions",
    "REDUCE_PROD": "ReducerOptions",
    "MAXIMUM": "MaximumMinimumOptions",
    "MINIMUM": "MaximumMinimumOptions",
}
_BY_NAME = {name.lower(): name for name in _OPTIONS.values()}


def _options_type(builtin: str) -> str | None:
    """The schema's name of an operator's options; None if it has none."""
    own = builtin.replace("_", "").lower() + "options"
    return _SHARED_OPTIONS.get(builtin) or _BY_NAME.get(own)
