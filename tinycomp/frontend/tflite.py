"""Reads a .tflite, int8 or float, into a Graph; each operator interprets its own options.

Everything unsupported is refused, all at once. The batch, which must be 1, is dropped.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tinycomp.common.blockers import Blockers
from tinycomp.common.errors import ModelError
from tinycomp.frontend import _tflite_kinds as kinds
from tinycomp.frontend._tflite_arithmetic import with_products
from tinycomp.frontend._tflite_casts import take_off_casts
from tinycomp.frontend._tflite_choices import find_activations
from tinycomp.frontend._tflite_constants import fold_constants
from tinycomp.frontend._tflite_core import Core
from tinycomp.frontend._tflite_decode import DAMAGE, damaged, read_file
from tinycomp.frontend._tflite_dilation import fuse_dilation
from tinycomp.frontend._tflite_ends import take_off_ends
from tinycomp.frontend._tflite_file import FileOperator, TfliteFile
from tinycomp.frontend._tflite_floats import as_float32, is_floating
from tinycomp.frontend._tflite_folding import SHAPE_ARITHMETIC
from tinycomp.frontend._tflite_graph import CoreReader
from tinycomp.frontend._tflite_islands import fuse_islands
from tinycomp.frontend._tflite_loops import roll_loops
from tinycomp.frontend._tflite_masked import mask_lstms, mask_means
from tinycomp.frontend._tflite_movers import divide
from tinycomp.frontend._tflite_numbers import find_lookups
from tinycomp.frontend._tflite_places import find_places
from tinycomp.frontend._tflite_repair import repaired
from tinycomp.frontend._tflite_signatures import own_signatures
from tinycomp.frontend._tflite_tables import fuse_tables
from tinycomp.frontend._tflite_unrolled import roll
from tinycomp.frontend._tflite_variables import VARIABLES, take_out_variables
from tinycomp.ir.graph import Graph, State


def read_tflite(path: Path) -> Graph:
    """The graph of a .tflite file, named after the file.

    Raises:
        ModelError: the file can't be read, is not a .tflite, or has unsupported parts.
    """
    return parse_tflite(read_bytes(path), path.stem)


def read_bytes(path: Path) -> bytes:
    """The bytes of a model file.

    Raises:
        ModelError: the file can't be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise ModelError(f"The model {str(path)!r} can't be read: {reason}.") from error


def parse_tflite(data: bytes, name: str) -> Graph:
    """The graph of the bytes of a .tflite file, with notes on what was omitted or corrected.

    Raises:
        ModelError: the bytes are not a .tflite, or have unsupported parts; names all of them, layer
            by layer.
    """
    data, notes = repaired(data)
    file, strange = own_signatures(read_file(data, name))
    file, left_out = fold_constants(file)
    try:
        graph = _floating(file) if is_floating(file) else _core(file)
    except DAMAGE as error:
        raise damaged(name, error) from error
    return replace(graph, notes=(*notes, *strange, *left_out, *graph.notes))


def standard_tflite(path: Path) -> bytes:
    """The file's bytes as LiteRT accepts them, with the corrections of parse_tflite.

    Raises:
        ModelError: the file can't be read.
    """
    return repaired(read_bytes(path))[0]


def _blockers(file: TfliteFile) -> Blockers:
    """What no file may have, whatever its numbers."""
    blockers = Blockers(f"'{file.name}.tflite'")
    for reason in (*kinds.calls(file), *kinds.operators(file)):
        blockers.add(reason)
    return blockers


def _floating(file: TfliteFile) -> Graph:
    """The float graph of a float file, which still has to be quantized.

    Raises:
        ModelError: names all blockers.
    """
    file, casts = take_off_casts(file)
    file = roll_loops(file)
    blockers = _blockers(file)
    if any(operator.builtin in VARIABLES for operator in file.operators):
        blockers.add(
            ModelError(
                "It is a float model that keeps variables from one inference to the next.",
                expected="Expected a model with variables in int8.",
                hint="Convert it with full int8 quantization, as its training code does for "
                "microcontrollers.",
            )
        )
        blockers.raise_any()
    float_file = file
    file, notes = as_float32(file)
    file, _ = find_lookups(with_products(find_activations(file)), "float32")
    file, _ = find_places(file, "float32")
    graph = CoreReader(Core(divide(fuse_dilation(file)), "float32"), blockers).graph()
    blockers.raise_any()
    return replace(graph, notes=(*casts, *notes), labels=_labels(float_file, graph))


def _core(file: TfliteFile) -> Graph:
    """The graph of the int8 core.

    Raises:
        ModelError: names all blockers.
    """
    blockers = _blockers(file)
    other_format = kinds.number_format(file)
    if other_format is not None:
        blockers.add(other_format)
    if other_format is not None or not file.inputs or not file.outputs:
        for reason in kinds.unsupported(file, _without_shape_arithmetic(file)):
            blockers.add(reason)
        blockers.raise_any()
    pure = take_out_variables(file)
    core = take_off_ends(pure.file)
    with_places, found = find_places(core.file, "int8")
    whole = fuse_islands(with_places)
    for reason in (*kinds.islands(whole), *kinds.powers_of_two(whole)):
        blockers.add(reason)
    inner, notes = find_lookups(whole, "int16")
    inner = mask_means(mask_lstms(roll(fuse_tables(fuse_dilation(inner)))))
    graph = CoreReader(Core(divide(inner)), blockers).graph()
    if not graph.nodes and not blockers.reasons:
        blockers.add(ModelError(f"'{file.name}.tflite' has no layers.", hint="Export it again."))
    blockers.raise_any()
    names = graph.inputs[len(file.inputs) :]
    states = tuple(
        State(name, values.reshape(graph.tensors[name].shape))
        for name, values in zip(names, pure.initial, strict=True)
    )
    return replace(
        graph,
        ends=core.ends,
        notes=(*core.notes, *notes, *found),
        states=states,
        labels=_labels(file, graph) | dict(zip(names, pure.names, strict=True)),
    )


def _labels(file: TfliteFile, graph: Graph) -> dict[str, str]:
    """The names that the file's signature gives to inputs and outputs, by the tensor's name."""
    known = {} if len(file.signatures) != 1 else file.signatures[0].names
    ends = (*zip(file.inputs, graph.inputs, strict=False),
            *zip(file.outputs, graph.outputs, strict=False))  # fmt: skip
    return {tensor: known[index] for index, tensor in ends if index in known}


def _without_shape_arithmetic(file: TfliteFile) -> list[FileOperator]:
    left_out = {*SHAPE_ARITHMETIC, *kinds.CONVERSIONS}
    return [operator for operator in file.operators if operator.builtin not in left_out]
