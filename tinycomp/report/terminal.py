"""A report as tables for the terminal, with the numbers of report.json."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.box import SIMPLE, SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.table import Table

from tinycomp.reference.compare import Verification
from tinycomp.report.numbers import INTERRUPTS, show_metric, show_share, show_time
from tinycomp.report.record import (
    AccuracyRecord,
    EstimateRecord,
    LatencyRecord,
    LayerRecord,
    PlainRecord,
    Report,
    StreamRecord,
    TimeRecord,
)  # fmt: skip
from tinycomp.report.shares import shares

_SHORTEST_NAME, _LONGEST_NAME = 9, 28
_OTHER_COLUMNS, _CODEC = 68, 9
"""Width of a layer's numbers in characters, and of its codec; the name gets the rest."""
_BARS, _BAR = 54, 8
"""Width of the columns of shares in characters, and of a full bar."""


def summary(report: Report) -> RenderableType:
    """Accuracy, flash, RAM, latency and verification in one table."""
    table = Table(
        title=f"{report.model.name} on {report.board}",
        title_justify="left",
        show_header=False,
        box=SIMPLE,
    )
    table.add_column("what", style="bold", no_wrap=True)
    table.add_column("value")
    for what, value in summary_rows(report):
        table.add_row(what, value)
    return table


def summary_rows(report: Report) -> Iterable[tuple[str, str]]:
    """What is shown, and its value, line by line."""
    model = report.model
    yield "model", f"{model.macs:,} multiply-accumulates, {model.parameters:,} parameters"
    if report.accuracy:
        yield from _accuracy(report.accuracy)
    if report.weight_bytes:
        yield "weights", f"{report.weight_bytes:,} bytes, tables included"
    if report.flash:
        flash = report.flash
        yield (
            "flash",
            f"{_bytes(flash.total, report.room.flash if report.room else None)}: "
            f"code {flash.code:,}, constants {flash.constants:,}",
        )
    if report.ram:
        ram = report.ram
        stack = "not measured" if ram.stack is None else f"{ram.stack:,}"
        scratch = f", scratch {ram.scratch:,}" if ram.scratch else ""  # else it lies in the arena
        parts = f"arena {ram.arena:,}{scratch}, stack {stack}"
        parts += f", state {ram.state:,}" if ram.state else ""
        yield "RAM", f"{_bytes(ram.total, report.room.ram if report.room else None)}: {parts}"
    if report.stream:
        yield from _stream(report.stream, report)
    if report.latency:
        value, macs = report.latency.value, model.macs
        rate = f" ({value / macs:.2f} per multiply-accumulate)" if macs else ""
        yield "latency", f"{value:,} {report.latency.unit}{rate}"
        if report.stand_in:
            yield "counted on", f"{report.stand_in}, which stands in for {report.board}"
        if report.latency.interrupts in INTERRUPTS:
            yield "interrupts", INTERRUPTS[report.latency.interrupts]
        if report.latency.time:
            yield "time", _time(report.latency.time)
        if report.latency.estimate:
            yield from _estimate(report.latency.estimate)
    if report.plain:
        yield "as plain int8", _plain(report.plain, report.latency)
    for record in report.verify:
        state = "equal in every byte" if record.equal else f"DIFFERENT: {record.difference}"
        yield (
            "verified",
            f"{' = '.join(record.executions)}: {record.tensors} tensors, "
            f"{record.samples} samples, {state}",
        )


def _bytes(used: int, room: int | None) -> str:
    """Bytes, and how much of the board's they are."""
    return f"{used:,} bytes" + (f", {show_share(used, room)}" if room else "")


def _stream(stream: StreamRecord, report: Report) -> Iterator[tuple[str, str]]:
    """What a hop is, and how much less it costs than a whole window."""
    yield (
        "stream",
        f"{stream.hop} new row{'' if stream.hop == 1 else 's'} an inference, of a window of "
        f"{stream.window}; the output is that of a whole window from inference {stream.ready} on",
    )
    latency, whole = report.latency, stream.whole
    if whole is not None and whole.latency and latency:
        times = whole.latency / latency.value
        yield (
            "whole window",
            f"{whole.latency:,} {latency.unit}, {times:.1f} times those of a hop; "
            f"{whole.ram.total:,} bytes of RAM",
        )


def _plain(plain: PlainRecord, latency: LatencyRecord | None) -> str:
    parts = [f"{plain.flash.total:,} bytes of flash", f"{plain.ram.total:,} of RAM"]
    if plain.latency is not None and latency is not None:
        parts.append(f"{plain.latency:,} {latency.unit}")
    return ", ".join(parts)


def _time(time: TimeRecord) -> str:
    if time.exact:
        return f"{show_time(time)}, computed from the cycles"
    return f"{show_time(time)}, an estimate ({time.why})"


def _estimate(estimate: EstimateRecord) -> Iterable[tuple[str, str]]:
    milliseconds = 1000 * estimate.cycles / estimate.clock
    yield (
        "estimate",
        f"{estimate.cycles:,} cycles, {milliseconds:.1f} ms on {estimate.chip} at "
        f"{estimate.clock / 1e6:g} MHz ({estimate.least:,} to {estimate.most:,}); "
        f"{estimate.flash_waits:,} of them are flash wait states ({estimate.constant_waits:,} for "
        "constants). Computed, not measured on a chip",
    )
    counted = sorted(estimate.mix.items(), key=lambda item: -item[1])
    parts = (
        f"{kind.replace('_', ' ')} {100 * count / estimate.instructions:.0f} %"
        for kind, count in counted
        if count
    )
    yield "executed", ", ".join(parts)


def _accuracy(accuracy: AccuracyRecord) -> Iterable[tuple[str, str]]:
    metric = accuracy.metric
    label = f"{metric} ({accuracy.samples} samples)"
    yield f"{label}, float", show_metric(metric, accuracy.float)
    yield f"{label}, int8", show_metric(metric, accuracy.dense_int8)
    yield f"{label}, as emitted", show_metric(metric, accuracy.int8)
    others = [
        f"{other.metric} {show_metric(other.metric, other.int8)}"
        for other in accuracy.others
        if other.int8 is not None
    ]
    if others:
        yield "also, as emitted", ", ".join(others)


def layers(
    records: Iterable[LayerRecord], latency: LatencyRecord | None = None, width: int = 80
) -> Table:
    """One line per layer: work, share of the latency, and the storage of its weights.

    width: of the terminal, in characters; long names are shortened.
    """
    title = f"Layers (latency in {latency.unit})" if latency else "Layers"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("layer", no_wrap=True)
    table.add_column("operator", no_wrap=True)
    for heading in ("MACs", "latency", "per MAC", "codec", "weights"):
        table.add_column(heading, justify="right", no_wrap=True)
    name_width = max(_SHORTEST_NAME, min(_LONGEST_NAME, width - _OTHER_COLUMNS))
    values = {layer.name: layer.value for layer in latency.layers} if latency else {}
    for layer in records:
        value = values.get(layer.name)
        rate = f"{value / layer.macs:.2f}" if value is not None and layer.macs else ""
        table.add_row(
            _cut(layer.name, name_width), layer.op, _count(layer.macs),
            "" if value is None else f"{value:,}", rate,
            _cut(layer.codec or "", _CODEC), _count(layer.weight_bytes),
        )  # fmt: skip
    return table


def share_chart(report: Report, width: int = 80) -> Table:
    """One line per layer with bars: its share of the latency and of the flash, and the RAM in use
    while it runs. Then the parts that belong to no layer.
    """
    found = shares(report)
    table = Table(title="Shares", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("layer", no_wrap=True)
    wholes = {"latency": found.latency, "flash": found.flash, "ram": found.ram}
    columns = {key: whole for key, whole in wholes.items() if whole}
    for key in columns:
        table.add_column("RAM in use" if key == "ram" else key, no_wrap=True)
    name_width = max(_SHORTEST_NAME, min(_LONGEST_NAME, width - _BARS))
    for row in found.rows:
        cells = (_share(getattr(row, key), whole) for key, whole in columns.items())
        table.add_row(_cut(row.name, name_width), *cells)
    return table


def _share(value: int | None, whole: int) -> str:
    """A bar with a resolution of 1/8 character, and the percentage."""
    if not value:
        return ""
    eighths = round(8 * _BAR * value / whole)
    bar = "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()
    return f"{bar:<{_BAR}} {100 * value / whole:3.0f} %"


def _cut(name: str, width: int) -> str:
    return name if len(name) <= width else f"{name[: width - 1]}…"


def _count(number: int) -> str:
    return f"{number:,}" if number else ""


def show(console: Console, report: Report) -> None:
    """Print the whole report."""
    console.print(
        Group(
            layers(report.layers, report.latency, console.width),
            share_chart(report, console.width),
            summary(report),
        )
    )


def show_verification(console: Console, found: Verification) -> None:
    """Print which executions were compared, on which inputs, and their first difference."""
    names = " = ".join(found.executions) if found.equal else ", ".join(found.executions)
    console.print(f"{names}: {found.tensors} tensors, {found.samples} samples")
    for difference in found.differences:
        console.print("[red]Different:[/red]", str(difference), soft_wrap=True)
    if found.equal:
        console.print("Equal in every byte of every tensor.")
