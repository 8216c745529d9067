"""A model between two steps, in int8 as it would be emitted: its score, and what it takes."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tinycomp.common.progress import Silent
from tinycomp.compress._layers import weighted_layers
from tinycomp.compress.recipe import Recipe as PostTraining
from tinycomp.data.score import Score, score
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array, QuantizationParameters
from tinycomp.plan.costs import Costs
from tinycomp.plan.memory import Plan
from tinycomp.prepare import Prepared, prepare_trained
from tinycomp.proof.assembly import Assembler, PlanOptions
from tinycomp.proof.measure import footprint, layer_records
from tinycomp.quantize.affine import dequantize_values, quantize_inputs
from tinycomp.recipes.material import Material, chosen
from tinycomp.reference.oracle import run_fast
from tinycomp.report.steps import StepRecord
from tinycomp.target.boards import Board
from tinycomp.target.fit import Footprint
from tinycomp.target.toolchain import is_available
from tinycomp.train.rate import entropy


@dataclass(frozen=True, eq=False)
class State:
    """A model between two steps."""

    graph: Graph
    """Float."""
    rounding: Mapping[str, QuantizationParameters] = field(default_factory=dict)
    """Of activations, where they were rounded in training."""
    post: PostTraining = field(default_factory=PostTraining)
    """Compression after quantization."""
    compression: Mapping[str, Any] = field(default_factory=dict)
    """The recipe that was begun; empty before its first step."""


@dataclass(frozen=True, eq=False)
class Meter:
    """Measures states of one model."""

    material: Material
    """The model and its data."""
    trained: Array
    """Rows that are trained on."""
    held: Array
    """Rows that validate; may be none."""
    board: Board
    """What it is built for."""
    planning: PlanOptions
    """How it is planned."""

    def prepared(self, state: State) -> Prepared:
        """In int8."""
        data = self.material.calibration(self.trained)
        return prepare_trained(
            state.graph, state.rounding, data, state.post, state.compression, Silent()
        )

    def record(self, name: str, state: State, seconds: float) -> StepRecord:
        """All figures; name and seconds are those of the step."""
        prepared = self.prepared(state)
        found, graph, weights = self.score(prepared), prepared.graph, _weights(prepared.graph)
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
        )

    def constants(self, state: State) -> tuple[int, float]:
        """Bytes of flash, and bits of a weight on average."""
        prepared = self.prepared(state)
        return self.built(prepared)[1].constants, bits(_weights(prepared.graph))

    def floor(self, state: State) -> int:
        """Bytes of constants beside the weights."""
        layers = layer_records(self.built(self.prepared(state))[0].program)
        return sum(layer.constant_bytes for layer in layers)

    def built(self, prepared: Prepared) -> tuple[Plan, Footprint]:
        """The plan, and what the library takes as the board's compiler lays it out."""
        with tempfile.TemporaryDirectory(prefix="tinycomp-") as scratch:
            assembler = Assembler(self.board, self.planning, Path(scratch), lambda _: None)
            built = assembler.cheapest(prepared, Silent())
            known = is_available(self.board.compiler)
            measured = built.measured if known else None
            return built.plan, footprint(built.plan, measured)

    def score(self, prepared: Prepared) -> Score | None:
        """On the validation samples, by LiteRT's optimized kernels; None without any."""
        if not len(self.held):
            return None
        inputs = quantize_inputs(prepared.graph, self.material.dataset.x[self.held])
        outputs = run_fast(prepared.tflite, inputs)
        target = prepared.graph.tensors[prepared.graph.outputs[0]].quantization
        assert target is not None
        real = dequantize_values(outputs, target)
        return score(prepared.shape, chosen(self.material.targets, self.held), real)


def _weights(graph: Graph) -> list[Array]:
    return [layer.weights.values for layer in weighted_layers(graph)]


def bits(weights: list[Array]) -> float:
    """Bits of a weight on average, by the entropy of each layer's values."""
    sizes = [each.size for each in weights]
    found = sum(entropy(each.astype(np.float64)) * each.size for each in weights)
    return found / max(1, sum(sizes))
