"""Latency, flash and RAM per layer, for the charts of a report."""

from __future__ import annotations

from dataclasses import dataclass

from tinycomp.report.record import Report

CODE, OTHER_CONSTANTS, STACK = "code", "other constants", "stack"
BETWEEN = "between layers"
"""Rows that belong to no layer. Code can't be split by layer, because layers share it."""


@dataclass(frozen=True)
class Share:
    """One row of the chart; None: not measured, or not applicable."""

    name: str
    """Name of the layer, or of a part that belongs to no layer."""
    latency: int | None = None
    """In the latency's unit."""
    flash: int | None = None
    """In bytes."""
    ram: int | None = None
    """Maximum bytes of RAM in use while it runs."""


@dataclass(frozen=True)
class Shares:
    """All rows, and the total of each column. RAM does not add up: layers share it."""

    rows: tuple[Share, ...]
    """Layers, then the parts that belong to no layer."""
    latency: int
    """Of the inference: the rows' sum."""
    flash: int
    """Code and constants in bytes."""
    ram: int
    """In bytes."""


def shares(report: Report) -> Shares:
    """One row per layer, then code, constants of no layer, and the stack."""
    rows = [*_layers(report), *_others(report)]
    ram = report.ram
    return Shares(
        tuple(rows),
        latency=sum(row.latency or 0 for row in rows),
        flash=sum(row.flash or 0 for row in rows),
        ram=ram.total if ram else 0,
    )


def _layers(report: Report) -> list[Share]:
    latency = report.latency.layers if report.latency else ()
    ticks = {layer.name: layer.value for layer in latency}
    memory = report.memory
    alive = {s.layer: memory.alive(s.first, s.last) for s in memory.spans} if memory else {}
    return [
        Share(
            layer.name,
            ticks.get(layer.name),
            layer.weight_bytes + layer.constant_bytes,
            alive.get(layer.name),
        )
        for layer in report.layers
    ]


def _others(report: Report) -> list[Share]:
    found = []
    if report.latency and report.latency.layers and report.latency.between > 0:
        found.append(Share(BETWEEN, latency=report.latency.between))
    if report.flash:
        known = sum(layer.weight_bytes + layer.constant_bytes for layer in report.layers)
        found.append(Share(CODE, flash=report.flash.code))
        found.append(Share(OTHER_CONSTANTS, flash=max(0, report.flash.constants - known)))
    if report.ram and report.ram.stack is not None:
        found.append(Share(STACK, ram=report.ram.stack))
    return found
