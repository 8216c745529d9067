"""What is measured of a build, as data: the content of report.json."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any

from tinycomp import __version__
from tinycomp.common.errors import OutputError
from tinycomp.ir.input_transform import InputTransform

REPORT_NAME = "report.json"


@dataclass(frozen=True)
class ModelRecord:
    """The model: sha256 is that of the exported .tflite; parameters counts weights and biases."""

    name: str
    sha256: str
    macs: int
    parameters: int


Real = float
"""The type, where a field has its name."""


@dataclass(frozen=True)
class MetricRecord:
    """One metric of three executions; None: not measured, or not defined on these samples.

    float: of the float model. dense_int8: of the int8 model without compression. int8: of the
    emitted model, compression included.
    """

    metric: str
    float: Real | None = None
    dense_int8: Real | None = None
    int8: Real | None = None


@dataclass(frozen=True)
class OutputRecord:
    """The metrics of one output or label."""

    name: str
    metrics: tuple[MetricRecord, ...]


@dataclass(frozen=True)
class AccuracyRecord:
    """How good the model is on `samples` evaluation samples: the main metric as in MetricRecord.

    task: what the model is for (data/task.py). others: further metrics. by_output: metrics of each
    output, where there are several. classes: what rows and columns of confusion are called.
    confusion: how often the emitted model took class i (row) for class j (column), for classifiers.
    """

    metric: str
    samples: int
    float: Real | None = None
    dense_int8: Real | None = None
    int8: Real | None = None
    task: str = "classification"
    others: tuple[MetricRecord, ...] = ()
    by_output: tuple[OutputRecord, ...] = ()
    classes: tuple[str, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()

    @property
    def metrics(self) -> tuple[MetricRecord, ...]:
        """All of them, the main one first."""
        return (MetricRecord(self.metric, self.float, self.dense_int8, self.int8), *self.others)


@dataclass(frozen=True)
class FlashRecord:
    """Bytes of the inference library alone, measured in its linked image."""

    code: int
    """Instructions."""
    constants: int
    """Weights, tables, and what else is read only."""

    @property
    def total(self) -> int:
        """Code and constants."""
        return self.code + self.constants


@dataclass(frozen=True)
class RamRecord:
    """Bytes of RAM of one inference."""

    arena: int
    """All tensors, input and output included."""
    scratch: int
    """What kernels need beside them."""
    stack: int | None = None
    """The deepest; None where it was not measured."""

    @property
    def total(self) -> int:
        """Arena, scratch, and the stack as far as it is known."""
        return self.arena + self.scratch + (self.stack or 0)


@dataclass(frozen=True)
class SpanRecord:
    """A layer, and the first and last step of an inference in which it computes."""

    layer: str
    first: int
    last: int


@dataclass(frozen=True)
class AreaRecord:
    """`size` bytes at `offset` that are in use from step `first` to `last`."""

    offset: int
    size: int
    first: int
    last: int


@dataclass(frozen=True)
class BufferRecord:
    """A piece of the arena: `size` bytes at `offset`, of which areas are in use.

    kind: "tensor", "scratch" or "state". names: the layers whose outputs share it ("input" for the
    model's own), or which uses it.
    """

    kind: str
    names: tuple[str, ...]
    offset: int
    size: int
    areas: tuple[AreaRecord, ...]

    @property
    def first(self) -> int:
        """The first step in which it is in use."""
        return min(area.first for area in self.areas)

    @property
    def last(self) -> int:
        """The last one."""
        return max(area.last for area in self.areas)


@dataclass(frozen=True)
class MemoryRecord:
    """The arena over the steps of one inference. Sizes in bytes."""

    arena: int
    steps: int
    spans: tuple[SpanRecord, ...]
    buffers: tuple[BufferRecord, ...]

    @cached_property
    def usage(self) -> tuple[int, ...]:
        """The bytes that are in use at each step."""
        changes = [0] * (self.steps + 1)
        for area in (area for buffer in self.buffers for area in buffer.areas):
            changes[area.first] += area.size
            changes[area.last + 1] -= area.size
        return tuple(accumulate(changes[:-1]))

    def alive(self, first: int, last: int) -> int:
        """The most bytes that are in use at one of the steps first to last."""
        return max(self.usage[first : last + 1])


@dataclass(frozen=True)
class LayerRecord:
    """One layer's work, and how its weights are stored: bytes in flash with tables, distinct values
    among them. constant_bytes: arrays beside the weights (biases, factors, tables); what several
    layers share counts for the first.
    """

    name: str
    op: str
    macs: int
    codec: str | None = None
    weight_bytes: int = 0
    distinct_values: int | None = None
    constant_bytes: int = 0


@dataclass(frozen=True)
class LayerLatency:
    """One layer's share of the latency, in the latency's unit."""

    name: str
    op: str
    value: int
    macs: int


@dataclass(frozen=True)
class EstimateRecord:
    """Cycles that an inference would take on a real chip, from the instructions that an emulator
    counted: an estimate, not a measurement.

    least and most: what the core's published timings leave open. flash_waits: cycles that wait for
    flash, constant_waits those of them for constants. clock: in Hz. mix: instructions by kind,
    `instructions` in all.
    """

    core: str
    chip: str
    clock: int
    cycles: int
    least: int
    most: int
    flash_waits: int
    constant_waits: int
    instructions: int
    mix: dict[str, int]
    assumptions: tuple[str, ...] = ()


@dataclass(frozen=True)
class LatencyRecord:
    """One inference: "instructions" under an emulator that counts them, else the device's true
    unit.
    """

    value: int
    unit: str
    layers: tuple[LayerLatency, ...] = ()
    estimate: EstimateRecord | None = None


@dataclass(frozen=True)
class PlainRecord:
    """The same model in plain int8, built alike for the same board: what compression is held
    against.
    """

    flash: FlashRecord
    """Of its library."""
    ram: RamRecord
    """Its arena and stack."""
    latency: int | None = None
    """Of one inference, in the unit of the build's own; None where it was not measured."""


@dataclass(frozen=True)
class VerifyRecord:
    """One comparison: which executions, on how many samples, over how many tensors, and whether all
    were equal.
    """

    executions: tuple[str, ...]
    samples: int
    tensors: int
    equal: bool
    difference: str | None = None


@dataclass(frozen=True)
class Report:
    """Everything that is known of a build.

    signal_to_noise: of int8 against float, in dB, by tensor. input_transform: what the library does
    to raw values before they are the input of the .tflite.
    """

    model: ModelRecord
    board: str
    prefix: str
    accuracy: AccuracyRecord | None = None
    flash: FlashRecord | None = None
    ram: RamRecord | None = None
    memory: MemoryRecord | None = None
    latency: LatencyRecord | None = None
    verify: tuple[VerifyRecord, ...] = ()
    layers: tuple[LayerRecord, ...] = ()
    plain: PlainRecord | None = None
    compression: dict[str, Any] = field(default_factory=dict)
    signal_to_noise: dict[str, float] = field(default_factory=dict)
    input_transform: InputTransform | None = None
    notes: tuple[str, ...] = ()
    generator: str = __version__

    @property
    def weight_bytes(self) -> int:
        """Stored weights in flash, codebooks and tables included."""
        return sum(layer.weight_bytes for layer in self.layers)


def to_json(report: Report) -> str:
    """The report as JSON text with a line end."""
    return json.dumps(asdict(report), indent=2) + "\n"


def read_report(folder: Path) -> Report:
    """The report of a build.

    Raises:
        OutputError: the folder has none, or it can't be read.
    """
    path = folder / REPORT_NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return _from_json(content)
    except FileNotFoundError:
        raise OutputError(
            f"'{folder}' holds no {REPORT_NAME}.",
            expected="Expected a folder that 'tinycomp build' wrote.",
            hint="Run 'tinycomp build MODEL -o FOLDER' first.",
        ) from None
    except (ValueError, TypeError, KeyError, AttributeError, OSError) as error:
        raise OutputError(
            f"'{path}' can't be read: {error}.", hint="Build the model again."
        ) from error


def _from_json(content: dict[str, Any]) -> Report:
    def part(kind: type[Any], key: str) -> Any:
        return kind(**content[key]) if content.get(key) else None

    latency = part(LatencyRecord, "latency")
    if latency is not None:
        latency = replace(
            latency,
            layers=tuple(LayerLatency(**layer) for layer in latency.layers),
            estimate=_estimate(latency.estimate),
        )
    return Report(
        model=ModelRecord(**content["model"]),
        board=content["board"],
        prefix=content["prefix"],
        accuracy=_accuracy(content.get("accuracy")),
        flash=part(FlashRecord, "flash"),
        ram=part(RamRecord, "ram"),
        memory=_memory(content.get("memory")),
        latency=latency,
        verify=tuple(
            VerifyRecord(**{**entry, "executions": tuple(entry["executions"])})
            for entry in content["verify"]
        ),
        layers=tuple(LayerRecord(**layer) for layer in content["layers"]),
        plain=_plain(content.get("plain")),
        compression=content["compression"],
        signal_to_noise=content["signal_to_noise"],
        input_transform=_transform(content.get("input_transform")),
        notes=tuple(content["notes"]),
        generator=content["generator"],
    )


def _accuracy(content: Any) -> AccuracyRecord | None:
    if content is None:
        return None
    by_output = tuple(OutputRecord(e["name"], _metrics(e["metrics"])) for e in content["by_output"])
    confusion = tuple(map(tuple, content["confusion"]))
    return AccuracyRecord(
        **{
            **content,
            "others": _metrics(content["others"]),
            "by_output": by_output,
            "classes": tuple(content["classes"]),
            "confusion": confusion,
        }
    )


def _metrics(content: Any) -> tuple[MetricRecord, ...]:
    return tuple(MetricRecord(**metric) for metric in content)


def _plain(content: Any) -> PlainRecord | None:
    if content is None:
        return None
    flash, ram = FlashRecord(**content["flash"]), RamRecord(**content["ram"])
    return PlainRecord(flash, ram, content["latency"])


def _estimate(content: Any) -> EstimateRecord | None:
    if content is None:
        return None
    return EstimateRecord(**{**content, "assumptions": tuple(content["assumptions"])})


def _transform(content: Any) -> InputTransform | None:
    if content is None:
        return None
    lists = {key: tuple(content[key]) for key in ("centers", "factors")}
    return InputTransform(**{**content, **lists})


def _memory(content: Any) -> MemoryRecord | None:
    if content is None:
        return None
    spans = tuple(SpanRecord(**span) for span in content["spans"])
    buffers = tuple(_buffer(buffer) for buffer in content["buffers"])
    return MemoryRecord(content["arena"], content["steps"], spans, buffers)


def _buffer(content: Any) -> BufferRecord:
    areas = tuple(AreaRecord(**area) for area in content["areas"])
    return BufferRecord(**{**content, "names": tuple(content["names"]), "areas": areas})
