"""A model is looked at, without data and compilers. What only builds need is not imported, since
it takes longer than the rest.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tinycomp.common.blockers import reasons_of
from tinycomp.common.errors import ModelError
from tinycomp.common.progress import Progress
from tinycomp.frontend.formats import format_of
from tinycomp.frontend.survey import survey
from tinycomp.ir.graph import Graph
from tinycomp.proof.estimate import needs
from tinycomp.reading import clean_up, is_float, read_model
from tinycomp.report.inspection import Inspection, TensorRecord
from tinycomp.report.record import LayerRecord
from tinycomp.target.boards import load_board


def inspect(path: Path, board: str, progress: Progress) -> Inspection:
    """Read a model, count its work and estimate its needs. Nothing is compiled, and no data is
    needed. A model that can't be built is no error: the reasons are in the result.

    Raises:
        ModelError: there is no such file, or it is damaged or no model.
        BoardError: there is no such board.
    """
    target = load_board(board)
    format_of(path)
    with progress.stage(f"Reading {path.name}"):
        file = survey(path)
        found = Inspection(path.name, file)
        try:
            graph = read_model(path)
        except ModelError as error:
            if not file.operators:
                raise
            return replace(found, reasons=reasons_of(error))
    found = replace(_contents(found, graph), notes=graph.notes)
    with progress.stage(f"Estimating for {target.name}"):
        try:
            return replace(found, needs=needs(graph, target))
        except ModelError as error:
            return replace(found, reasons=reasons_of(error))


def _contents(found: Inspection, graph: Graph) -> Inspection:
    """Layer by layer; weights of an int8 model as they are stored without compression."""
    ends = [
        tuple(TensorRecord(name, graph.tensors[name].shape, graph.tensors[name].dtype)
              for name in names)
        for names in (graph.inputs, graph.outputs)
    ]  # fmt: skip
    graph = clean_up(graph) if is_float(graph) else graph
    layers = tuple(
        LayerRecord(node.name, node.op.name, node.op.cost(graph.operands(node)).macs)
        for node in graph.nodes
    )
    shapes = tuple(graph.tensors[node.outputs[0]].shape for node in graph.nodes)
    cost = graph.cost()
    return replace(
        found, inputs=ends[0], outputs=ends[1], layers=layers, shapes=shapes, macs=cost.macs,
        parameters=cost.parameters,
    )  # fmt: skip
