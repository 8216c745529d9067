"""Recognizes what was exported as several operators around a mask: an LSTM over the rows that
count, and the mean of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tinycomp.frontend._tflite_expansions import operators_of
from tinycomp.frontend._tflite_file import FileOperator, TfliteFile
from tinycomp.frontend._tflite_recurrent import LSTM
from tinycomp.frontend._tflite_unrolled import mask_of
from tinycomp.frontend._tflite_values import quantization
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Constant, Operands, Tensor
from tinycomp.ops._masking import AT_STEPS, masked_by_rows, mean_graph
from tinycomp.ops.lstm import Lstm

_STATES = "/states"
_SUMMED = 4
"""Operators from the rows to their sums."""


@dataclass(frozen=True, eq=False)
class MaskedLstm(FileOperator):
    """An LSTM that leaves its states as they are where a mask is zero."""

    mask: int = -1
    """Index of the mask."""


def mask_lstms(file: TfliteFile) -> TfliteFile:
    """The file with one operator for each LSTM that was exported with a mask."""
    tensors = {tensor.name: index for index, tensor in enumerate(file.tensors)}
    writers = {index: each for each in file.operators for index in each.outputs}
    for lstm in file.operators:
        if lstm.builtin != LSTM or not lstm.outputs:
            continue
        found = _masked(file, lstm, tensors, writers)
        if found is not None:
            whole, parts = found
            kept = [each for each in file.operators if each.index not in parts or each is lstm]
            operators = tuple(whole if each is lstm else each for each in kept)
            file = replace(file, operators=operators)
    return file


class MaskedMean(FileOperator):
    """The mean of the rows that count: reads the rows and the mask."""


def mask_means(file: TfliteFile) -> TfliteFile:
    """The file with one operator for each such mean."""
    tensors = {tensor.name: index for index, tensor in enumerate(file.tensors)}
    writers = {index: each for each in file.operators for index in each.outputs}
    for last in file.operators:
        if last.builtin != "CAST" or file.tensors[last.outputs[0]].dtype != "int8":
            continue
        name = file.tensors[last.outputs[0]].name
        mask = mask_of(f"{name}/counts", tensors, writers)
        index = tensors.get(f"{name}/sums", -1)
        for _ in range(_SUMMED):
            index = writers[index].inputs[0] if index in writers else -1
        read = (index, *mask)
        if index < 0 or not mask:
            continue
        tables = [file.tensors[each] for each in (*read, last.outputs[0])]
        source, of_mask, after = (
            Tensor(each.name, each.shape[1:], each.dtype, quantization(each)) for each in tables
        )
        expansion = mean_graph(Operands((source, of_mask), (after,)))
        parts = operators_of(file, expansion, tensors, writers)
        if parts is None:
            continue
        whole = MaskedMean(last.index, "MEAN", "", read, last.outputs)
        kept = [each for each in file.operators if each.index not in parts or each is last]
        file = replace(file, operators=tuple(whole if each is last else each for each in kept))
    return file


def _masked(
    file: TfliteFile,
    lstm: FileOperator,
    tensors: Mapping[str, int],
    writers: Mapping[int, FileOperator],
) -> tuple[MaskedLstm, set[int]] | None:
    """The whole layer, and the numbers of the operators that it was exported as."""
    output = tensors.get(file.tensors[lstm.outputs[0]].name.removesuffix(_STATES), -1)
    first = writers.get(lstm.inputs[0])
    if output == lstm.outputs[0] or output not in writers or first is None:
        return None
    mask = _origin(writers[output], writers)
    expansion = None if mask is None else _expansion(file, (first.inputs[0], mask), output)
    if mask is None or expansion is None:
        return None
    own = [f"{file.tensors[output].name}{_STATES}"]
    parts = operators_of(file, expansion, tensors, writers, own)
    if parts is None:
        return None
    inputs = (first.inputs[0], *lstm.inputs[1:])
    fields = {**vars(lstm), "inputs": inputs, "outputs": (output,), "mask": mask}
    return MaskedLstm(**fields), parts


def _origin(last: FileOperator, writers: Mapping[int, FileOperator]) -> int | None:
    """The mask, from the last operator backwards."""
    index, place = last.outputs[0], 1
    for builtin in AT_STEPS:
        operator = writers.get(index)
        if operator is None or operator.builtin != builtin or len(operator.inputs) <= place:
            return None
        index, place = operator.inputs[place], 0
    return index


def _expansion(file: TfliteFile, read: tuple[int, int], output: int) -> Graph | None:
    """The graph that an LSTM with this input, mask and output is exported as; its constants are
    compared elsewhere.
    """
    tables = [file.tensors[index] for index in (*read, output)]
    if any(len(each.shape) != 3 or len(each.scales) != 1 for each in tables):
        return None
    source, mask, after = (
        Tensor(each.name, each.shape[1:], each.dtype, quantization(each)) for each in tables
    )
    weights, bias = (Constant(name, None) for name in ("weights", "bias"))  # type: ignore[arg-type]
    return masked_by_rows(Lstm(), Operands((source, weights, bias, mask), (after,)))
