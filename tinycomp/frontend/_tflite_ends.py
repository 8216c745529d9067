"""Takes conversions off both ends of a file, so that what is left is the int8 core.

A float32 input goes through QUANTIZE, a float32 output through DEQUANTIZE. A uint8 tensor is the
int8 tensor whose zero point and values are 128 smaller.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tinycomp.frontend._tflite_file import FileOperator, FileTensor, TfliteFile
from tinycomp.ir.graph import Ends


@dataclass(frozen=True, eq=False)
class Core:
    """The int8 core of a file, without conversions at its ends."""

    file: TfliteFile
    """The file without these conversions."""
    ends: Ends
    """The types of the original input and output."""
    notes: tuple[str, ...]
    """Messages for the user."""


def take_off_ends(file: TfliteFile) -> Core:
    """The int8 core of a file."""
    before = file
    file = _signed(file)
    for place in range(len(file.inputs)):
        file = _without_input_conversion(file, place)
    for place in range(len(file.outputs)):
        file = _without_output_conversion(file, place)
    inputs = [_end(before, *pair, file) for pair in zip(before.inputs, file.inputs, strict=True)]
    ends = Ends(
        next((each for each in inputs if each != "int8"), "int8"),
        _end(before, before.outputs[0], file.outputs[0], file),
    )
    notes = []
    for place, dtype in enumerate(inputs):
        if dtype != "int8":
            number = f"_{place}" if len(inputs) > 1 else ""
            helper = f"quantize_input{number}" if dtype == "float32" else "input_from_uint8"
            own = file.tensors[file.inputs[place]].dtype
            name = before.tensors[before.inputs[place]].name
            notes.append(_note("input", name, dtype, own, helper))
    for old, new in zip(before.outputs, file.outputs, strict=True):
        dtype = _end(before, old, new, file)
        if dtype != "int8":
            helper = "dequantize_output" if dtype == "float32" else "output_to_uint8"
            own = file.tensors[new].dtype
            notes.append(_note("output", before.tensors[old].name, dtype, own, helper))
    return Core(file, ends, tuple(notes))


def _end(before: TfliteFile, old: int, new: int, core: TfliteFile) -> str:
    """The type of an end of the file; "int8" if it is the core's own."""
    dtype = before.tensors[old].dtype
    return "int8" if dtype == core.tensors[new].dtype else dtype


def _note(end: str, name: str, dtype: str, own: str, helper: str) -> str:
    side = "takes" if end == "input" else "returns"
    return (
        f"The file {side} {dtype} ({end} {name!r}); the library {side} {own}: the conversion was "
        f"taken off, and <name>_{helper}() in the header does it."
    )


def _signed(file: TfliteFile) -> TfliteFile:
    """uint8 at the model's own input and output, where QUANTIZE stands beside it, as int8."""
    found: dict[int, FileTensor] = {}
    for operator in file.operators:
        if operator.builtin != "QUANTIZE" or len(operator.inputs) != 1 != len(operator.outputs):
            continue
        for index in {*operator.inputs, *operator.outputs} & {*file.inputs, *file.outputs}:
            tensor = file.tensors[index]
            if tensor.dtype == "uint8":
                zeros = tuple(zero - 128 for zero in tensor.zero_points)
                found[index] = replace(tensor, dtype="int8", zero_points=zeros)
    users = [op for op in file.operators for index in found if index in (*op.inputs, *op.outputs)]
    if any(operator.builtin != "QUANTIZE" for operator in users):
        return file
    return _with(file, found)


def _with(file: TfliteFile, tensors: Mapping[int, FileTensor]) -> TfliteFile:
    return replace(
        file, tensors=tuple(tensors.get(i, tensor) for i, tensor in enumerate(file.tensors))
    )


def _without_input_conversion(file: TfliteFile, place: int) -> TfliteFile:
    index = file.inputs[place]
    readers = [op for op in file.operators if index in op.inputs]
    if len(readers) != 1 or index in file.outputs:
        return file
    (reader,) = readers
    if not _converts(file, reader, "QUANTIZE"):
        return file
    core = file.tensors[reader.outputs[0]]
    # The converter leaves the open batch to the input alone.
    known = {reader.outputs[0]: replace(core, signature=file.tensors[index].signature)}
    if len(core.shape) != len(file.tensors[index].shape):
        return file
    inputs = tuple(reader.outputs[0] if each == index else each for each in file.inputs)
    return _without(_with(file, known), reader, inputs=inputs)


def _without_output_conversion(file: TfliteFile, place: int) -> TfliteFile:
    index = file.outputs[place]
    writers = [op for op in file.operators if index in op.outputs]
    readers = [op for op in file.operators if index in op.inputs]
    if len(writers) != 1 or readers:
        return file
    (writer,) = writers
    if not (_converts(file, writer, "DEQUANTIZE") or _converts(file, writer, "QUANTIZE")):
        return file
    (core,) = writer.inputs
    if core in file.outputs:
        return file
    outputs = tuple(core if each == index else each for each in file.outputs)
    return _without(file, writer, outputs=outputs)


def _converts(file: TfliteFile, operator: FileOperator, builtin: str) -> bool:
    """Whether an operator only changes the type: float32 from or to int8, or uint8's sign."""
    if operator.builtin != builtin or (len(operator.inputs), len(operator.outputs)) != (1, 1):
        return False
    if operator.inputs[0] < 0:
        return False
    source, target = (file.tensors[i] for i in (operator.inputs[0], operator.outputs[0]))
    if builtin == "QUANTIZE" and source.dtype == "int8":
        same = (source.scales, source.zero_points) == (target.scales, target.zero_points)
        return same and target.dtype == "int8"
    real, stored = (source, target) if builtin == "QUANTIZE" else (target, source)
    return real.dtype == "float32" and stored.dtype in ("int8", "int16")


def _without(file: TfliteFile, operator: FileOperator, **ends: tuple[int, ...]) -> TfliteFile:
    rest = tuple(each for each in file.operators if each is not operator)
    return replace(file, operators=rest, **ends)  # type: ignore[arg-type]
