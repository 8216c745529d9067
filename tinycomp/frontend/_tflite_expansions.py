"""Whether a file has exactly the operators that a node is exported as: the graph of its expansion.

Tensors are found by the names that the export gives them; those between the links of a chain by
what reads them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np

from tinycomp.frontend._tflite_file import FileOperator, FileTensor, TfliteFile
from tinycomp.frontend._tflite_tables import Lookup
from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.operator import PREVIOUS, TfliteOperator
from tinycomp.ir.tensor import Constant, Tensor
from tinycomp.ops._unary import UnaryOperator

Wanted = Tensor | Constant | int
"""An input of an operator: a tensor, a constant, or PREVIOUS, the link before."""


def operators_of(
    file: TfliteFile,
    expansion: Graph,
    tensors: Mapping[str, int],
    writers: Mapping[int, FileOperator],
    own: Collection[str] = (),
) -> set[int] | None:
    """The numbers of the file's operators that are the expansion's; None if any differs, or if
    others read what is between.

    Args:
        file: the file.
        expansion: the graph that a node is exported as.
        tensors: indices of the file's tensors by name.
        writers: the operator that writes a tensor, by the tensor's index.
        own: nodes that are not compared.
    """
    found: set[int] = set()
    for node in expansion.nodes:
        index = tensors.get(node.outputs[0], -1)
        if index not in writers or not _same_tensor(file, expansion, node.outputs[0], index):
            return None
        chain = [writers[index]] if node.name in own else None
        chain = chain or _chain(file, expansion, node, index, writers)
        if chain is None:
            return None
        found.update(each.index for each in chain)
    last = tensors[expansion.outputs[0]]
    inside = {index for each in file.operators if each.index in found for index in each.outputs}
    others = [each for each in file.operators if each.index not in found]
    if (inside - {last}).intersection(file.outputs, *(each.inputs for each in others)):
        return None
    return found


def _same_tensor(file: TfliteFile, expansion: Graph, name: str, index: int) -> bool:
    table, wanted = file.tensors[index], expansion.tensors[name]
    known = wanted.quantization
    if known is None:
        return table.dtype == wanted.dtype and not table.scales
    return table.dtype == wanted.dtype and (table.scales, table.zero_points) == (
        known.scales, known.zero_points,
    )  # fmt: skip


def _chain(
    file: TfliteFile,
    expansion: Graph,
    node: Node,
    index: int,
    writers: Mapping[int, FileOperator],
) -> list[FileOperator] | None:
    """The operators that compute a node, the last one first; None if they differ."""
    operator = writers[index]
    if isinstance(operator, Lookup):
        return [operator] if _same_table(file, expansion, node, operator) else None
    written = node.op.to_tflite(expansion.operands(node))
    links = written if isinstance(written, tuple) else (written,)
    wide = expansion.tensors[node.outputs[0]].dtype == "int16"
    found = []
    for number, link in reversed(list(enumerate(links))):
        current = writers.get(index)
        wanted = _wanted(expansion, node, link, number)
        if current is None or wanted is None or not _same_link(file, current, link, wanted, wide):
            return None
        found.append(current)
        before = [place for place, each in enumerate(wanted) if isinstance(each, int)]
        index = current.inputs[before[0]] if before else -1
    return found


def _wanted(expansion: Graph, node: Node, link: TfliteOperator, number: int) -> list[Wanted] | None:
    """The inputs of a link; None if it has some of other kinds."""
    values = list(_inputs(expansion, node))
    if link.operands is not None:
        if not all(isinstance(each, int) for each in link.operands):
            return None
        return [PREVIOUS if each == PREVIOUS else values[each] for each in link.operands]  # type: ignore[index]
    reads = link.reads
    if reads is None:
        reads = () if number else tuple(range(len(values)))
    return [
        *(Constant("", each) for each in link.before),
        *((PREVIOUS,) if number else ()),
        *(values[place] for place in reads),
        *(Constant("", each) for each in link.extra),
    ]


def _same_table(file: TfliteFile, expansion: Graph, node: Node, operator: Lookup) -> bool:
    (source,) = (file.tensors[index] for index in operator.inputs)
    if not isinstance(node.op, UnaryOperator) or source.name != node.inputs[0]:
        return False
    return node.op.table(expansion.operands(node)).tobytes() == bytes(operator.options)


def _same_link(
    file: TfliteFile,
    operator: FileOperator,
    link: TfliteOperator,
    wanted: list[Wanted],
    wide: bool,
) -> bool:
    if operator.builtin != link.builtin or len(operator.inputs) != len(wanted):
        return False
    options = _plain(link.options)
    if wide and "potScaleInt16" in options:
        options["potScaleInt16"] = False  # sums by shifts are other sums
    return _plain(operator.options) == options and all(
        index >= 0 and (isinstance(value, int) or _same_value(file.tensors[index], value))
        for index, value in zip(operator.inputs, wanted, strict=True)
    )


def _inputs(expansion: Graph, node: Node) -> Iterator[Tensor | Constant]:
    for name in node.inputs:
        yield expansion.value(name)


def _same_value(table: FileTensor, value: Tensor | Constant) -> bool:
    """Whether a tensor of the file is this one, or a constant has these values and scales."""
    if isinstance(value, Tensor):
        return table.name == value.name
    if table.values is None or not np.array_equal(table.values, value.values):
        return False
    known = value.quantization
    return known is None or table.dtype in ("int32", "int64") or table.scales == known.scales


def _plain(options: Any) -> dict[str, Any]:
    found = {} if options is None else vars(options)
    return {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in found.items()
    }
