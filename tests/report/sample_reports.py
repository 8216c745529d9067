"""Sample reports, made without a build."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from small_models import every_operator

from tinycomp.plan.memory import plan
from tinycomp.plan.program import lower
from tinycomp.proof.measure import layer_records
from tinycomp.proof.memory_map import memory_record
from tinycomp.report.record import (
    AccuracyRecord,
    EstimateRecord,
    FlashRecord,
    LatencyRecord,
    LayerLatency,
    MetricRecord,
    ModelRecord,
    OutputRecord,
    RamRecord,
    Report,
    RoomRecord,
    TimeRecord,
    VerifyRecord,
)  # fmt: skip

MIX = {
    "loads": 500, "stores": 100, "multiplies": 250, "divides": 0,
    "taken_branches": 50, "other_branches": 0, "others": 100,
}  # fmt: skip


def classification(classes: int) -> AccuracyRecord:
    """Each class has ten samples, as many as its number of which are predicted as the next
    class.
    """
    matrix = np.diag(10 - np.arange(classes) % 10) + np.roll(np.diag(np.arange(classes)), 1, axis=1)
    return AccuracyRecord(
        "top-1", 200, 0.935, 0.93, 0.92, "classification",
        (MetricRecord("ROC AUC", 0.99, 0.98, 0.97),),
        classes=tuple(f"class {i}" for i in range(classes)),
        confusion=tuple(tuple(map(int, row)) for row in matrix),
    )  # fmt: skip


def regression(outputs: int) -> AccuracyRecord:
    """Output n has an R2 of 0.9 - n / 1000 in float, and of 0.8 - n / 1000 in int8."""
    by_output = tuple(
        OutputRecord(f"output {n}", (MetricRecord("R2", 0.9 - n / 1000, None, 0.8 - n / 1000),))
        for n in range(outputs)
    )
    return AccuracyRecord(
        "mean squared error", 200, 0.01234, 0.0125, 0.0126, "regression",
        (MetricRecord("R2", 0.9, 0.8, None),), by_output,
    )  # fmt: skip


def bare(name: str = "everything") -> Report:
    """A report with only what is known before compilation."""
    planned = plan(lower(every_operator()), range(12))
    cost = planned.program.graph.cost()
    return Report(
        ModelRecord(name, "ab" * 32, cost.macs, cost.parameters), "cortex-m4", "everything",
        ram=RamRecord(planned.arena, 0), memory=memory_record(planned),
        layers=layer_records(planned.program),
    )  # fmt: skip


def full(name: str = "everything") -> Report:
    """A report in which everything is known; the latency of layer n is n."""
    report = bare(name)
    assert report.ram is not None
    constants = sum(layer.weight_bytes + layer.constant_bytes for layer in report.layers)
    layers = tuple(
        LayerLatency(layer.name, layer.op, number, layer.macs)
        for number, layer in enumerate(report.layers, 1)
    )
    estimate = EstimateRecord(
        "cortex-m4", "CHIP", 120_000_000, 1600, 1500, 1700, 75, 50, 1000, MIX, ("An assumption.",)
    )
    return replace(
        report,
        accuracy=classification(3),
        flash=FlashRecord(4000, constants + 333),
        ram=replace(report.ram, stack=444),
        room=RoomRecord(1_000_000, 200_000),
        stand_in="cortex-m4",
        latency=LatencyRecord(
            1000,
            "instructions",
            layers,
            estimate,
            TimeRecord("mine", 64_000_000, 0.02, 0.03, "two numbers"),
        ),
        verify=(VerifyRecord(("litert", "device"), 8, len(layers) + 1, True),),
        notes=("Left out: nothing.",),
    )
