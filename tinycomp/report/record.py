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
    """The model."""

    name: str
    """As the user gave it, or the file's."""
    sha256: str
    """Of the exported .tflite."""
    macs: int
    """Multiply-accumulates of an inference."""
    parameters: int
    """Weights and biases."""


Real = float
"""The type, where a field has its name."""


@dataclass(frozen=True)
class MetricRecord:
    """One metric of three executions; None: not measured, or not defined on these samples."""

    metric: str
    """Its name."""
    float: Real | None = None
    """Of the float model."""
    dense_int8: Real | None = None
    """Of the int8 model without compression."""
    int8: Real | None = None
    """Of the emitted model, compression included."""


@dataclass(frozen=True)
class OutputRecord:
    """The metrics of one output or label."""

    name: str
    """The class's or label's, or the output's number."""
    metrics: tuple[MetricRecord, ...]
    """What was measured of it."""


@dataclass(frozen=True)
class AccuracyRecord:
    """How good the model is: its main metric, and what else was measured."""

    metric: str
    """The main metric's name."""
    samples: int
    """How many it was evaluated on."""
    float: Real | None = None
    """Of the float model."""
    dense_int8: Real | None = None
    """Of the int8 model without compression."""
    int8: Real | None = None
    """Of the emitted model, compression included."""
    task: str = "classification"
    """What the model is for (data/task.py)."""
    others: tuple[MetricRecord, ...] = ()
    """Further metrics."""
    by_output: tuple[OutputRecord, ...] = ()
    """Metrics of each output, where there are several."""
    classes: tuple[str, ...] = ()
    """The names of rows and columns of `confusion`."""
    confusion: tuple[tuple[int, ...], ...] = ()
    """How often the emitted model took class i (row) for class j (column), for classifiers."""

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
    """The steps of an inference in which a layer computes."""

    layer: str
    """Its name."""
    first: int
    """The first step."""
    last: int
    """The last step, included."""


@dataclass(frozen=True)
class AreaRecord:
    """Bytes of the arena while they are in use."""

    offset: int
    """Of the first byte."""
    size: int
    """In bytes."""
    first: int
    """The first step."""
    last: int
    """The last step, included."""


@dataclass(frozen=True)
class BufferRecord:
    """A piece of the arena."""

    kind: str
    """"tensor", "scratch" or "state"."""
    names: tuple[str, ...]
    """The layers whose outputs share it ("input" for the model's own), or the one that uses it."""
    offset: int
    """Of its first byte."""
    size: int
    """In bytes."""
    areas: tuple[AreaRecord, ...]
    """The parts of it that are in use, and when."""

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
    """The arena over the steps of one inference."""

    arena: int
    """Its bytes."""
    steps: int
    """How many steps there are."""
    spans: tuple[SpanRecord, ...]
    """When each layer computes."""
    buffers: tuple[BufferRecord, ...]
    """What lies in the arena."""

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
    """One layer's work, and how its weights are stored."""

    name: str
    """Of the node."""
    op: str
    """The operator's name."""
    macs: int
    """Multiply-accumulates of an inference."""
    codec: str | None = None
    """How its weights are stored; None without weights."""
    weight_bytes: int = 0
    """Bytes of the weights in flash, with tables."""
    distinct_values: int | None = None
    """Among the weights."""
    constant_bytes: int = 0
    """Arrays beside the weights (biases, factors, tables); what several layers share counts for the
    first.
    """


@dataclass(frozen=True)
class LayerLatency:
    """One layer's share of the latency."""

    name: str
    """Of the node."""
    op: str
    """The operator's name."""
    value: int
    """In the latency's unit."""
    macs: int
    """Multiply-accumulates of an inference."""


@dataclass(frozen=True)
class EstimateRecord:
    """Cycles that an inference would take on a real chip, from the instructions that an emulator
    counted: an estimate, not a measurement.
    """

    core: str
    """Whose published timings are taken."""
    chip: str
    """Its name."""
    clock: int
    """In Hz."""
    cycles: int
    """The estimate."""
    least: int
    """The least that the timings leave open."""
    most: int
    """The most that the timings leave open."""
    flash_waits: int
    """Of the cycles, those that wait for flash."""
    constant_waits: int
    """Of those, the ones for constants."""
    instructions: int
    """All that were executed."""
    mix: dict[str, int]
    """Instructions by kind."""
    assumptions: tuple[str, ...] = ()
    """In sentences."""


@dataclass(frozen=True)
class TimeRecord:
    """How long an inference takes on a board of a known clock, computed from what was counted."""

    board: str
    """Its name."""
    clock: int
    """In Hz."""
    least: float
    """In milliseconds."""
    most: float
    """In milliseconds; `least` where cycles were counted, which are exact."""
    why: str = ""
    """How the range comes about, in words; empty where there is none."""

    @property
    def exact(self) -> bool:
        """Whether it follows from cycles that were counted."""
        return not self.why


@dataclass(frozen=True)
class LatencyRecord:
    """One inference."""

    value: int
    """In `unit`."""
    unit: str
    """"instructions" under an emulator that counts them, else what the device's clock counts."""
    layers: tuple[LayerLatency, ...] = ()
    """By layer, in the graph's order."""
    estimate: EstimateRecord | None = None
    """Of cycles on a real chip, if it was asked for."""
    time: TimeRecord | None = None
    """In milliseconds, where the board's clock is known."""


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
    """One comparison of executions."""

    executions: tuple[str, ...]
    """Their names, LiteRT's first."""
    samples: int
    """How many inputs."""
    tensors: int
    """How many tensors of each."""
    equal: bool
    """Whether every byte agreed."""
    difference: str | None = None
    """The first one, in a sentence."""


@dataclass(frozen=True)
class Report:
    """Everything that is known of a build."""

    model: ModelRecord
    """What was built."""
    board: str
    """The board's name."""
    prefix: str
    """Of the library's names in C."""
    stand_in: str | None = None
    """The emulated board that was verified and measured in its place."""
    accuracy: AccuracyRecord | None = None
    """With evaluation data."""
    flash: FlashRecord | None = None
    """With a compiler."""
    ram: RamRecord | None = None
    """Arena and stack."""
    memory: MemoryRecord | None = None
    """What lies in the arena when."""
    latency: LatencyRecord | None = None
    """With a board that answers."""
    verify: tuple[VerifyRecord, ...] = ()
    """The comparisons."""
    layers: tuple[LayerRecord, ...] = ()
    """In the graph's order."""
    plain: PlainRecord | None = None
    """The same model without compression, if this one is compressed."""
    compression: dict[str, Any] = field(default_factory=dict)
    """The recipe, as far as it is not the default."""
    signal_to_noise: dict[str, float] = field(default_factory=dict)
    """Of int8 against float in dB, by tensor."""
    input_transform: InputTransform | None = None
    """What the library does to raw values before they are the input of the .tflite."""
    notes: tuple[str, ...] = ()
    """What the user was told."""
    generator: str = __version__
    """The version that built it."""

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
            time=TimeRecord(**latency.time) if latency.time else None,
        )
    return Report(
        model=ModelRecord(**content["model"]),
        board=content["board"],
        prefix=content["prefix"],
        stand_in=content.get("stand_in"),
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
        signal_to_noise=content.get("signal_to_noise", {}),
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
