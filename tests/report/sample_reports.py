"""Sample reports, made without a build."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from small_models import every_operator

from tinycomp.plan.memory import plan
from tinycomp.plan.program import lower
from tinycomp.proof.measure import activation_records, layer_records
from tinycomp.proof.memory_map import memory_record
from tinycomp.report.record import (
    AccuracyRecord,
    ActivationRecord,
    AreaRecord,
    BufferRecord,
    EstimateRecord,
    FlashRecord,
    HistogramRecord,
    LatencyRecord,
    LayerLatency,
    LayerRecord,
    MemoryRecord,
    MetricRecord,
    ModelRecord,
    OutputRecord,
    ProvenanceRecord,
    RamRecord,
    Report,
    RoomRecord,
    SpanRecord,
    StepRecord,
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
        (MetricRecord("R2", 0.9, 0.8, None),), by_output, errors=histogram(),
    )  # fmt: skip


def histogram() -> HistogramRecord:
    """Bins of 0.25 from -1 to 1: 0 to 7 errors of the float model, 7 to 0 of the emitted one."""
    edges = tuple(number / 4 - 1 for number in range(9))
    return HistogramRecord("output less label", edges, tuple(range(8)), tuple(range(7, -1, -1)))


def steps() -> tuple[StepRecord, ...]:
    """Three steps, each with half of the bytes before and a lower score."""
    return tuple(
        StepRecord(name, "top-1", 0.93 - n / 100, 1000, 1000 >> n, 8.0 / (n + 1), 5000,
                   32_000 >> n, 500, 9000.0, None, 6000)
        for n, name in enumerate(("the model", "prune", "rate"))
    )  # fmt: skip


def deep(count: int) -> Report:
    """A model of so many layers with long names; every seventh reads an earlier one too, and one
    in forty a much earlier one.
    """
    layers, tensors = [], [ActivationRecord("input", (96, 96, 3), "int8", 1 / 255, -128)]
    for n in range(count):
        back = [n] + ([n - 4] if n % 7 == 6 else []) + ([n - 29] if n % 40 == 39 else [])
        name = f"a_rather_long_prefix/of_a_model/block_{n // 3}/layer_{n}_convolution_with_relu6"
        layers.append(
            LayerRecord(name, "depthwise_conv_2d" if n % 3 else "conv_2d", 1000 * n, "codebook",
                        100 * n, 16, 30, tuple(tensors[i].name for i in back), (f"t{n}",))
        )  # fmt: skip
        tensors.append(ActivationRecord(f"t{n}", (48, 48, 64), "int8", 0.0123 * (n % 9 + 1), -n))
    return replace(
        full("deep"),
        layers=tuple(layers), tensors=tuple(tensors), memory=_pingpong(layers),
        ram=RamRecord(100_000, 0, 512), room=RoomRecord(1_000_000, 130_000),
        latency=LatencyRecord(
            10**6, "instructions",
            tuple(LayerLatency(e.name, e.op, e.macs // 2 + 100, e.macs) for e in layers),
        ),
        signal_to_noise={layer.name: 10 + n / 5 for n, layer in enumerate(layers)},
    )  # fmt: skip


def _pingpong(layers: list[LayerRecord]) -> MemoryRecord:
    """Outputs alternate between both halves of the arena, each alive for two steps."""
    last = len(layers) - 1
    spans = tuple(SpanRecord(layer.name, n, n) for n, layer in enumerate(layers))
    buffers = []
    for n, layer in enumerate(layers):
        start, size = n % 2 * 50_000, 40_000 + 100 * (n % 90)
        area = AreaRecord(start, size, n, min(n + 1, last))
        buffers.append(BufferRecord("tensor", (layer.name,), start, size, (area,)))
    return MemoryRecord(100_000, len(layers), spans, tuple(buffers))


def bare(name: str = "everything") -> Report:
    """A report with only what is known before compilation."""
    planned = plan(lower(every_operator()), range(12))
    cost = planned.program.graph.cost()
    return Report(
        ModelRecord(name, "ab" * 32, cost.macs, cost.parameters), "cortex-m4", "everything",
        ram=RamRecord(planned.arena, 0), memory=memory_record(planned),
        layers=layer_records(planned.program),
        tensors=activation_records(planned.program.graph),
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
        signal_to_noise={layer.name: 12.0 + n for n, layer in enumerate(report.layers)},
        provenance=ProvenanceRecord(
            "tinycomp build everything.tflite --board cortex-m4",
            {"optimize": "ram"},
            "cd" * 32,
            {"Python": "3.11.7", "numpy": "2.0"},
            "arm-none-eabi-gcc 12.2.1",
        ),
    )
