"""Tables of embeddings that training may change, and the parameters of those it put on a grid."""

from __future__ import annotations

import numpy as np

from tinycomp.common.errors import ModelError
from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.tensor import Constant, QuantizationParameters
from tinycomp.quantization.ties import output_range, tied_groups

_LAST = 127
"""The largest int8 step."""
_OFF_GRID = 0.01
"""How far from its step a value may lie, by float32 rounding."""


def table_of(graph: Graph, node: Node) -> Constant | None:
    """The constant that a node looks up; None if it looks up none."""
    place = node.op.looked_up
    return None if place is None else graph.constants.get(node.inputs[place])


def trained_tables(graph: Graph) -> dict[str, list[str]]:
    """The tables whose scale is theirs to choose, and the tensors that share it, by the table's
    name: nothing else reads the table, and what is tied to it comes from it alone.

    Args:
        graph: float.
    """
    tables = [table_of(graph, node) for node in graph.nodes]
    names = {each.name for each in tables if each is not None}
    for node, own in zip(graph.nodes, tables, strict=True):
        names -= {name for name in node.inputs if own is None or name != own.name}
    computed = {
        name for node in graph.nodes if not output_range(graph, node).tied for name in node.outputs
    }
    found = {}
    for group in tied_groups(graph) if names else ():
        sources = [n for n in group if n in computed or n in graph.constants or n in graph.inputs]
        if len(sources) == 1 and sources[0] in names:
            found[sources[0]] = [name for name in group if name in graph.tensors]
    return found


def shared_tables(graph: Graph) -> list[str]:
    """The tables that training leaves as they are, since other values share their scale."""
    tables = [table_of(graph, node) for node in graph.nodes]
    names = dict.fromkeys(each.name for each in tables if each is not None)
    known = trained_tables(graph) if names else {}
    return [name for name in names if name not in known]


def table_parameters(graph: Graph) -> dict[str, QuantizationParameters]:
    """The parameters of tables that were trained on a grid, and of the tensors that share them.

    Means of rows lie between the steps of the grid, so each of these is as many int8 steps as int8
    has room for.

    Raises:
        ModelError: a table was changed after it was trained, or shares its scale with others.
    """
    gridded = {
        table.name: table
        for node in graph.nodes
        if (table := table_of(graph, node)) is not None and table.grid is not None
    }
    if not gridded:
        return {}
    groups = trained_tables(graph)
    found: dict[str, QuantizationParameters] = {}
    for name, table in gridded.items():
        if name not in groups:
            raise ModelError(
                f"The table {name!r} was trained on int8 steps, and other values share its scale.",
                hint="Train the model as it is built.",
            )
        found |= dict.fromkeys([name, *groups[name]], _parameters(table))
    return found


def _parameters(table: Constant) -> QuantizationParameters:
    assert table.grid is not None
    steps = table.values.astype(np.float64) / table.grid.scale
    last = float(np.abs(steps).max())
    if np.abs(steps - np.rint(steps)).max() > _OFF_GRID or last > _LAST + _OFF_GRID:
        raise ModelError(
            f"The table {table.name!r} was changed after it was trained on int8 steps.",
            hint="Change the model first, then train it.",
        )
    finer = max(1, _LAST // max(1, round(last)))
    return QuantizationParameters((float(np.float32(table.grid.scale / finer)),), (0,))
