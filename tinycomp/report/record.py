"""The measurements of a build: the content of report.json."""

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
    """Given by the user, or the file's."""
    sha256: str
    """Of the exported .tflite."""
    macs: int
    """Multiply-accumulates per inference."""
    parameters: int
    """Weights and biases."""


Real = float
"""Alias for annotations in classes with a field named `float`."""


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
    """Its metrics."""


@dataclass(frozen=True)
class AccuracyRecord:
    """The model's scores: the main metric and others."""

    metric: str
    """The main metric's name."""
    samples: int
    """Number of evaluation samples."""
    float: Real | None = None
    """Of the float model."""
    dense_int8: Real | None = None
    """Of the int8 model without compression."""
    int8: Real | None = None
    """Of the emitted model, compression included."""
    task: str = "classification"
    """The kind of task (data/task.py)."""
    others: tuple[MetricRecord, ...] = ()
    """Further metrics."""
    by_output: tuple[OutputRecord, ...] = ()
    """Metrics per output, if there are several."""
    classes: tuple[str, ...] = ()
    """Names of the rows and columns of `confusion`."""
    confusion: tuple[tuple[int, ...], ...] = ()
    """For classifiers: samples of class i (row) that the emitted model assigns to class j (column).
    """

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
    """Weights, tables and all other read-only data."""

    @property
    def total(self) -> int:
        """Code and constants."""
        return self.code + self.constants


@dataclass(frozen=True)
class RamRecord:
    """Bytes of RAM of one inference."""

    arena: int
    """All tensors, including input and output."""
    scratch: int
    """Additional memory of the kernels."""
    stack: int | None = None
    """Maximum depth; None if not measured."""
    state: int = 0
    """What is kept between inferences, with input and output."""

    @property
    def total(self) -> int:
        """Arena, scratch, state, and the stack if known."""
        return self.arena + self.scratch + self.state + (self.stack or 0)


@dataclass(frozen=True)
class RoomRecord:
    """Bytes that a board has for the library: what startup code, drivers and the callers' stack
    leave.
    """

    flash: int
    """Of flash."""
    ram: int
    """Of RAM."""


@dataclass(frozen=True)
class SpanRecord:
    """The steps of an inference in which a layer runs."""

    layer: str
    """Its name."""
    first: int
    """The first step."""
    last: int
    """The last step, included."""


@dataclass(frozen=True)
class AreaRecord:
    """A part of a buffer while it is in use."""

    offset: int
    """Address of the first byte."""
    size: int
    """In bytes."""
    first: int
    """The first step."""
    last: int
    """The last step, included."""


@dataclass(frozen=True)
class BufferRecord:
    """A buffer in the arena."""

    kind: str
    """"tensor", "scratch" or "state"."""
    names: tuple[str, ...]
    """The layers with outputs in it ("input" for the model's input), or the layer that uses it."""
    offset: int
    """Of its first byte."""
    size: int
    """In bytes."""
    areas: tuple[AreaRecord, ...]
    """Its parts, and when they are in use."""

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
    """Number of steps."""
    spans: tuple[SpanRecord, ...]
    """When each layer runs."""
    buffers: tuple[BufferRecord, ...]
    """All buffers."""

    @cached_property
    def usage(self) -> tuple[int, ...]:
        """Bytes in use at each step."""
        changes = [0] * (self.steps + 1)
        for area in (area for buffer in self.buffers for area in buffer.areas):
            changes[area.first] += area.size
            changes[area.last + 1] -= area.size
        return tuple(accumulate(changes[:-1]))

    def alive(self, first: int, last: int) -> int:
        """Maximum of bytes in use in the steps first to last."""
        return max(self.usage[first : last + 1])


@dataclass(frozen=True)
class LayerRecord:
    """One layer's work, and the storage of its weights."""

    name: str
    """Of the node."""
    op: str
    """The operator's name."""
    macs: int
    """Multiply-accumulates per inference."""
    codec: str | None = None
    """Name of the codec; None without weights."""
    weight_bytes: int = 0
    """Bytes of the weights in flash, including tables."""
    distinct_values: int | None = None
    """Distinct values among the weights."""
    constant_bytes: int = 0
    """Bytes of other arrays (biases, factors, tables); shared ones count for the first layer."""


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
    """Multiply-accumulates per inference."""


@dataclass(frozen=True)
class EstimateRecord:
    """Estimated cycles of an inference on a real chip, computed from the instructions that an
    emulator counted, not measured.
    """

    core: str
    """The core whose published timings are used."""
    chip: str
    """Its name."""
    clock: int
    """In Hz."""
    cycles: int
    """The estimate."""
    least: int
    """Lower end of the range of the timings."""
    most: int
    """Upper end of the range of the timings."""
    flash_waits: int
    """Cycles of these that wait for flash."""
    constant_waits: int
    """Wait cycles of these for constants."""
    instructions: int
    """Executed instructions."""
    mix: dict[str, int]
    """Instructions by kind."""
    assumptions: tuple[str, ...] = ()
    """Assumptions, as sentences."""


@dataclass(frozen=True)
class TimeRecord:
    """Duration of an inference at a board's clock, computed from counted ticks."""

    board: str
    """Its name."""
    clock: int
    """In Hz."""
    least: float
    """In milliseconds."""
    most: float
    """In milliseconds; equal to `least` if exact cycles were counted."""
    why: str = ""
    """The source of the range; empty if there is no range."""

    @property
    def exact(self) -> bool:
        """Whether it is computed from counted cycles."""
        return not self.why


@dataclass(frozen=True)
class LatencyRecord:
    """One inference."""

    value: int
    """In `unit`."""
    unit: str
    """"instructions" under an emulator that counts them, else the unit of the device's clock."""
    layers: tuple[LayerLatency, ...] = ()
    """By layer, in the graph's order."""
    estimate: EstimateRecord | None = None
    """Estimated cycles on a real chip, if requested."""
    time: TimeRecord | None = None
    """In milliseconds, if the board's clock is known."""
    interrupts: str = ""
    """What interrupts add to the value: "off", "clock" (the clock's own alone) or "counted"; empty
    if not known.
    """


@dataclass(frozen=True)
class PlainRecord:
    """The same model in plain int8, built in the same way for the same board, to compare
    compression with.
    """

    flash: FlashRecord
    """Of its library."""
    ram: RamRecord
    """Its arena and stack."""
    latency: int | None = None
    """Of one inference, in the same unit as the build's; None if not measured."""


@dataclass(frozen=True)
class VerifyRecord:
    """One comparison of executions."""

    executions: tuple[str, ...]
    """Their names, LiteRT's first."""
    samples: int
    """Number of inputs."""
    tensors: int
    """Number of tensors per input."""
    equal: bool
    """Whether all bytes are equal."""
    difference: str | None = None
    """The first difference, as a sentence."""


@dataclass(frozen=True)
class StreamRecord:
    """A model that takes its window hop by hop."""

    window: int
    """Rows of the window."""
    hop: int
    """New rows that each inference takes."""
    ready: int
    """Inferences until the first output for a whole window."""
    whole: PlainRecord | None = None
    """The same model, run on a whole window."""


@dataclass(frozen=True)
class Report:
    """All results of a build."""

    model: ModelRecord
    """The built model."""
    board: str
    """The board's name."""
    prefix: str
    """Prefix of the library's C names."""
    benchmark: str | None = None
    """Which of MLPerf Tiny's it was built as (--benchmark)."""
    stand_in: str | None = None
    """The emulated board that was verified and measured instead of it."""
    room: RoomRecord | None = None
    """What the board has; None for this computer."""
    accuracy: AccuracyRecord | None = None
    """If there are evaluation data."""
    flash: FlashRecord | None = None
    """If there is a compiler."""
    ram: RamRecord | None = None
    """Arena and stack."""
    memory: MemoryRecord | None = None
    """The buffers in the arena over time."""
    latency: LatencyRecord | None = None
    """If there is a board that answers."""
    verify: tuple[VerifyRecord, ...] = ()
    """The comparisons."""
    layers: tuple[LayerRecord, ...] = ()
    """In the graph's order."""
    plain: PlainRecord | None = None
    """The same model without compression, if this one is compressed."""
    stream: StreamRecord | None = None
    """With --stream: how it takes its window, and what a whole window costs."""
    compression: dict[str, Any] = field(default_factory=dict)
    """The options of the recipe that are not defaults."""
    signal_to_noise: dict[str, float] = field(default_factory=dict)
    """Of int8 against float, in dB, by tensor."""
    input_transform: InputTransform | None = None
    """The library's normalization of raw values before the input of the .tflite."""
    notes: tuple[str, ...] = ()
    """Messages to the user."""
    generator: str = __version__
    """Version of tinycomp that built it."""

    @property
    def weight_bytes(self) -> int:
        """Bytes of weights in flash, including codebooks and tables."""
        return sum(layer.weight_bytes for layer in self.layers)


def to_json(report: Report) -> str:
    """The report as JSON text that ends with a newline."""
    return json.dumps(asdict(report), indent=2) + "\n"


def read_report(folder: Path) -> Report:
    """The report of a build.

    Raises:
        OutputError: the folder has no report, or it can't be read.
    """
    path = folder / REPORT_NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return _from_json(content)
    except FileNotFoundError:
        raise OutputError(
            f"'{folder}' holds no {REPORT_NAME}."
            if folder.is_dir()
            else f"There is no folder '{folder}'.",
            expected="Expected a folder written by 'tinycomp build'.",
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
        benchmark=content.get("benchmark"),
        stand_in=content.get("stand_in"),
        room=part(RoomRecord, "room"),
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
        stream=_stream(content.get("stream")),
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


def _stream(content: Any) -> StreamRecord | None:
    if content is None:
        return None
    return StreamRecord(**{**content, "whole": _plain(content["whole"])})


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
