"""Measures a model between two steps, quantized to int8 and built: score, size and cost."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tinycomp.common.errors import TinycompError
from tinycomp.common.progress import Silent
from tinycomp.data.score import Score, score
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array, QuantizationParameters, dequantize_values
from tinycomp.options.build import PlanOptions
from tinycomp.passes.bundle_outputs import output_parts
from tinycomp.plan.costs import Costs
from tinycomp.plan.memory import Plan
from tinycomp.prepare import Prepared, prepare_trained
from tinycomp.proof.assembly import Assembler
from tinycomp.proof.measure import footprint, layer_records
from tinycomp.quantization.affine import quantize_inputs
from tinycomp.quantization.tables import table_of
from tinycomp.recipes.material import Material, targets_of
from tinycomp.reference.oracle import outputs_fast
from tinycomp.report.record import OutputScore, StepRecord
from tinycomp.target.boards import Board
from tinycomp.target.fit import Footprint
from tinycomp.target.toolchain import is_available
from tinycomp.techniques._layers import weighted_layers
from tinycomp.techniques.recipe import Recipe as PostTraining
from tinycomp.train.rate import entropy


@dataclass(frozen=True, eq=False)
class State:
    """A model between two steps."""

    graph: Graph
    """The float graph."""
    rounding: Mapping[str, QuantizationParameters] = field(default_factory=dict)
    """Quantization of activations that were rounded in training, by tensor name."""
    post: PostTraining = field(default_factory=PostTraining)
    """Options of compression after quantization."""
    compression: Mapping[str, Any] = field(default_factory=dict)
    """The recipe, for the description of the .tflite; empty before the first step."""


@dataclass(frozen=True)
class Size:
    """Flash that a state takes."""

    total: int
    """Bytes."""
    floor: int
    """Bytes of all but weights."""
    bits: float
    """Per weight, on average."""


@dataclass(frozen=True, eq=False)
class Meter:
    """Measures states of one model."""

    material: Material
    """The model and its data."""
    trained: Array
    """Training rows."""
    held: Array
    """Validation rows; may be empty."""
    board: Board
    """The board to build for."""
    planning: PlanOptions
    """Options of the plan."""

    def prepared(self, state: State) -> Prepared:
        """The state quantized to int8."""
        data = self.material.calibration(self.trained)
        return prepare_trained(
            state.graph, state.rounding, data, state.post, state.compression, Silent()
        )

    def record(self, name: str, state: State, seconds: float) -> StepRecord:
        """All figures of a state; `name` and `seconds` are those of the step."""
        prepared = self.prepared(state)
        graph, weights = prepared.graph, weights_of(prepared.graph)
        found, *others = self.scores(prepared)
        plan, need = self.built(prepared)
        return StepRecord(
            name,
            found.metric if found else "",
            found.value if found else None,
            graph.cost().parameters,
            sum(int(np.count_nonzero(each)) for each in weights),
            bits(weights),
            graph.cost().macs,
            need.constants,
            plan.arena,
            Costs(plan.program).instructions(plan.steps),
            seconds,
            need.code,
            tuple(OutputScore(e.output, e.metric, e.value) for e in others if e is not None),
        )

    def size(self, state: State, code: bool = False) -> Size:
        """The flash bytes of constants, and of code if it counts."""
        prepared = self.prepared(state)
        plan, need = self.built(prepared)
        others = need.code or 0 if code else 0
        beside = sum(layer.constant_bytes for layer in layer_records(plan.program))
        return Size(need.constants + others, beside + others, bits(weights_of(prepared.graph)))

    def require_compiler(self, option: str) -> None:
        """Check that code can be measured.

        Raises:
            TinycompError: the board's compiler is missing.
        """
        if not is_available(self.board.compiler):
            raise TinycompError(
                f"{option} counts code, and the compiler of board '{self.board.name}' "
                f"({self.board.compiler.prefix}gcc) was not found.",
                hint=f"Install {' '.join(self.board.compiler.packages)}, or use --target-bytes.",
            )

    def built(self, prepared: Prepared) -> tuple[Plan, Footprint]:
        """The plan, and the library's footprint (measured, if the compiler is available)."""
        with tempfile.TemporaryDirectory(prefix="tinycomp-") as scratch:
            assembler = Assembler(self.board, self.planning, Path(scratch), lambda _: None)
            built = assembler.cheapest(prepared, Silent())
            known = is_available(self.board.compiler)
            measured = built.measured if known else None
            return built.plan, footprint(built.plan, measured)

    def score(self, prepared: Prepared) -> Score | None:
        """The score of the output that counts, see `scores`."""
        return self.scores(prepared)[0]

    def scores(self, prepared: Prepared) -> list[Score | None]:
        """The score of each output on validation samples by LiteRT's optimized kernels, that of the
        output that counts first; None without samples or without labels.
        """
        material = self.material
        first = material.counts
        ordered = [first, *(each for each in material.outputs if each is not first)]
        if not len(self.held):
            return [None] * len(ordered)
        inputs = quantize_inputs(prepared.graph, material.dataset.x[self.held])
        outputs = list(outputs_fast(prepared.tflite, inputs).values())
        parts = output_parts(prepared.graph)
        found: list[Score | None] = []
        for each in ordered:
            place, targets = each.shape.place, targets_of(each.targets, self.held)
            parameters = parts[place].quantization
            assert parameters is not None
            real = dequantize_values(outputs[place][targets.kept], parameters)
            known = targets.task is not None and len(targets.kept)
            found.append(score(each.shape, targets, real) if known else None)
        return found


def weights_of(graph: Graph) -> list[Array]:
    """The int8 steps of all weights and tables; zeros are 0."""
    found = [layer.weights.values for layer in weighted_layers(graph)]
    for table in {t.name: t for node in graph.nodes if (t := table_of(graph, node))}.values():
        zero = table.quantization.zero_point if table.quantization else 0
        found.append(table.values.astype(np.int16) - zero)
    return found


def bits(weights: list[Array]) -> float:
    """Average bits per weight, from the entropy of each layer's values."""
    sizes = [each.size for each in weights]
    found = sum(entropy(each.astype(np.float64)) * each.size for each in weights)
    return found / max(1, sum(sizes))
