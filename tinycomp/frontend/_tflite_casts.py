"""Takes casts off the inputs of a float file: the library quantizes real numbers of any type."""

from __future__ import annotations

from dataclasses import replace

from tinycomp.frontend._tflite_file import FileOperator, Signature, TfliteFile

_CASTS = ("CAST", "FlexCast")
"""A built-in operator, and the one of TensorFlow that converters write for float64."""


def take_off_casts(file: TfliteFile) -> tuple[TfliteFile, tuple[str, ...]]:
    """A float file that takes what its casts return, and a note on each."""
    notes = []
    for place, index in enumerate(file.inputs):
        readers = [each for each in file.operators if index in each.inputs]
        if index in file.outputs or len(readers) != 1 or not _is_cast(file, readers[0]):
            continue
        (cast,) = readers
        (real,) = cast.outputs
        before, behind = file.tensors[index], file.tensors[real]
        # The converter leaves the open batch to the input alone.
        tensors = list(file.tensors)
        tensors[real] = replace(behind, signature=before.signature)
        file = replace(
            file,
            tensors=tuple(tensors),
            operators=tuple(each for each in file.operators if each is not cast),
            inputs=(*file.inputs[:place], real, *file.inputs[place + 1 :]),
            signatures=tuple(_reading(each, index, real) for each in file.signatures),
        )
        notes.append(
            f"The file takes {before.dtype} (input {before.name!r}) and casts it to float32; the "
            "cast was taken off, and the library quantizes the same numbers."
        )
    return file, tuple(notes)


def _reading(signature: Signature, before: int, behind: int) -> Signature:
    """The signature with another tensor as an input."""
    return replace(
        signature,
        inputs=tuple(behind if each == before else each for each in signature.inputs),
        names={behind if at == before else at: name for at, name in signature.names.items()},
    )


def _is_cast(file: TfliteFile, operator: FileOperator) -> bool:
    if (operator.custom or operator.builtin) not in _CASTS or len(operator.outputs) != 1:
        return False
    before, behind = (file.tensors[i] for i in (operator.inputs[0], operator.outputs[0]))
    return behind.dtype == "float32" and before.shape == behind.shape
