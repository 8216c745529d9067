"""Names codebooks that cost accuracy and save nothing: their layers are stored as plain bytes."""

from __future__ import annotations

import numpy as np

from tinycomp.ir.graph import Graph
from tinycomp.options.build import Optimize
from tinycomp.plan.program import Operation, Program
from tinycomp.prepare import Prepared


def idle_note(prepared: Prepared, program: Program, optimize: Optimize) -> str | None:
    """The note on layers with a codebook that are stored in a byte a weight or more, with what to
    do; None if there are none.
    """
    graph = program.graph
    clustered = [each for each in program.operations if _lossy(prepared, graph, each)]
    idle = [each.node.name for each in clustered if _is_plain(graph, each)]
    if not idle:
        return None
    if len(idle) == len(clustered):
        where, remedy = "here", "Build without codebooks"
    else:
        where = f"in {', '.join(map(repr, idle))}"
        remedy = "Set codebook_bits = 8 for them in a recipe"
    smaller = "" if optimize == "flash" else ", or add --optimize flash for fewer bytes"
    return (
        f"Codebooks save nothing {where}: these weights are stored in a byte each, because "
        f"decoding would cost more than it saves. {remedy} to have the accuracy of plain "
        f"int8{smaller}."
    )


def _lossy(prepared: Prepared, graph: Graph, operation: Operation) -> bool:
    """Whether a codebook has changed the weights."""
    if not operation.encoded or prepared.dense is None:
        return False
    name = operation.node.inputs[1]
    weights, before = graph.constants[name], prepared.dense.constants.get(name)
    same = before is not None and np.array_equal(weights.values, before.values)
    return weights.codebook is not None and not same


def _is_plain(graph: Graph, operation: Operation) -> bool:
    weights = graph.constants[operation.node.inputs[1]].values
    return sum(each.size for each in operation.encoded) >= weights.size
