"""What a model would need on a board, estimated without compiling anything: constants counted, code
guessed from the kernels, RAM planned, instructions predicted.

A float model is quantized with invented ranges for it: sizes and work don't depend on them.
"""

from __future__ import annotations

import numpy as np

from tinycomp.common.progress import Silent
from tinycomp.ir.graph import Graph
from tinycomp.plan.costs import Costs
from tinycomp.plan.program import Program, Storage, lower
from tinycomp.plan.streaming import QUICK, choose, sketch
from tinycomp.proof.measure import layer_records, state_size
from tinycomp.quantization.post_training import quantize
from tinycomp.quantization.ranges import Range
from tinycomp.quantization.ties import hidden_names
from tinycomp.reading import clean_up, is_float
from tinycomp.reducing import reduce
from tinycomp.report.inspection import Needs
from tinycomp.target.boards import Board

_LIBRARY, _KERNEL = 1500, 1100
"""Bytes of code of a library's own functions, and of a kernel: rough means of builds."""
_PLANNED = 24
"""The most layers for which all plans are compared; of more, a few are sketched."""
_FEW, _ZEROS = 64, 0.3
"""Distinct weights, and a share of zeros, from which a codec may store a layer in fewer bytes."""
_INVENTED = Range(-4.0, 4.0)


def needs(graph: Graph, board: Board) -> Needs:
    """Estimates for a graph as it is read, without compression.

    Raises:
        ModelError: a layer can't be quantized, or has no kernel.
    """
    int8 = reduce(_invented(graph) if is_float(graph) else graph, Silent())
    storage = Storage(codecs=_codecs(int8), copied=board.memory.harvard)
    program = lower(int8, storage, board.kernels)
    costs = Costs(program)
    fast = choose(program, "speed", effort=QUICK)
    fastest = costs.instructions(fast.steps)
    if len(program.operations) <= _PLANNED:
        small = choose(program, "ram", effort=QUICK)
        least, slowest = small.arena, costs.instructions(small.steps)
    else:
        least, slowest = min(sketch(program), fast.arena), fastest
    records, kept = layer_records(program), state_size(fast)
    constants = sum(each.weight_bytes + each.constant_bytes for each in records)
    return Needs(
        board.name, constants, _code(program), least + kept, fast.arena + kept,
        round(slowest), round(fastest),
        board.memory.usable_flash, board.memory.usable_ram,
    )  # fmt: skip


def _invented(graph: Graph) -> Graph:
    """The int8 graph of a float graph, with the same range for all tensors."""
    cleaned = clean_up(graph)
    hidden = [name for node in cleaned.nodes for name in hidden_names(node).values()]
    return quantize(cleaned, dict.fromkeys([*cleaned.tensors, *hidden], _INVENTED))


def _codecs(graph: Graph) -> tuple[str, ...] | None:
    """All codecs if some layer's weights are few or mostly zero; else plain bytes."""
    for node in graph.nodes:
        if node.op.weight_axis is not None:
            values = graph.constants[node.inputs[1]].values
            counts = np.bincount(values.ravel().astype(np.int64) - int(values.min()))
            if np.count_nonzero(counts) <= _FEW or np.mean(values == 0) >= _ZEROS:
                return None  # counted so, since np.unique imports numpy.ma, which takes longer
    return ("dense",)


def _code(program: Program) -> int:
    kernels = {each.call.kernel for each in program.operations if each.call is not None}
    return _LIBRARY + _KERNEL * len(kernels)
