"""Layers as tables: the ones that matter, or all of them with the shares of each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tinycomp.report.numbers import cut_middle
from tinycomp.report.record import LatencyRecord, LayerRecord, Report
from tinycomp.report.shares import BETWEEN, shares
from tinycomp.report.tables import Figures

SHOWN = 6
"""Layers that the short table shows; one more if it would be the only one left out."""

_NAMES = ("layer", "operator")
"""Headings of the columns of names."""
_CODEC, _BAR = 9, 8
"""Characters of a codec's name, and of a full bar."""


@dataclass(frozen=True)
class _Row:
    """A layer's figures."""

    name: str
    """Of the layer, or how many there are."""
    op: str
    """Its operator."""
    macs: int
    """Multiply-accumulates."""
    value: int | None
    """Latency."""
    flash: int
    """Bytes of weights and other constants."""
    ram: int | None
    """Bytes of RAM in use."""


def most_important(report: Report) -> Figures:
    """One line for each of the layers with the largest shares of time, flash or RAM, in the order
    of the model; the others in one line.
    """
    rows, latency = _rows(report), report.latency
    total = latency.value if latency else 0
    cells = [
        [
            row.name, row.op, _count(row.macs),
            *([_number(row.value), _percent(row.value, total)] if latency else []),
            _count(row.flash), _number(row.ram),
        ]
        for row in _folded(rows)
    ]  # fmt: skip
    if latency and latency.layers and latency.between > 0:
        between = [_number(latency.between), _percent(latency.between, total)]
        cells.append([BETWEEN, "", "", *between, "", ""])
    headings = ["MACs", *(["latency", "%"] if latency else []), "flash", "RAM in use"]
    return Figures(_title(latency), _NAMES, headings, cells, optional=("operator", "MACs"))


def _title(latency: LatencyRecord | None) -> str:
    return f"Layers (latency in {latency.unit})" if latency else "Layers"


def _rows(report: Report) -> list[_Row]:
    found = {row.name: row for row in shares(report).rows}
    return [
        _Row(
            layer.name, layer.op, layer.macs, found[layer.name].latency,
            found[layer.name].flash or 0, found[layer.name].ram,
        )
        for layer in report.layers
    ]  # fmt: skip


def _folded(rows: Sequence[_Row]) -> list[_Row]:
    """The most important rows in their order, then one for all others."""
    if len(rows) <= SHOWN + 1:
        return list(rows)
    importance = _importance(rows)
    kept = sorted(sorted(range(len(rows)), key=lambda n: -importance[n])[:SHOWN])
    others = [row for n, row in enumerate(rows) if n not in kept]
    timed = [row.value for row in others if row.value is not None]
    rest = _Row(
        f"{len(others)} others", "(all: -v)", sum(row.macs for row in others),
        sum(timed) if timed else None, sum(row.flash for row in others),
        max((row.ram for row in others if row.ram is not None), default=None),
    )  # fmt: skip
    return [*(rows[n] for n in kept), rest]


def _importance(rows: Sequence[_Row]) -> list[float]:
    """For each layer the largest of its shares of the time (of the work, if nothing was timed) and
    of the flash, and half its share of the largest RAM, which many layers have in common.
    """
    timed = any(row.value is not None for row in rows)
    times = [(row.value or 0) if timed else row.macs for row in rows]
    flash, ram = [row.flash for row in rows], [row.ram or 0 for row in rows]
    wholes = (sum(times), sum(flash), 2 * max(ram, default=0))
    return [
        max((part / whole if whole else 0.0) for part, whole in zip(parts, wholes, strict=True))
        for parts in zip(times, flash, ram, strict=True)
    ]


def layers(records: Iterable[LayerRecord], latency: LatencyRecord | None = None) -> Figures:
    """One line per layer: work, share of the latency, and the storage of its weights."""
    values = {layer.name: layer.value for layer in latency.layers} if latency else {}
    headings = ("MACs", "latency", "per MAC", "codec", "weights")
    rows = [_stored(layer, values.get(layer.name)) for layer in records]
    if latency and latency.layers and latency.between > 0:
        rows.append((BETWEEN, "", "", _number(latency.between), "", "", ""))
    optional = ("operator", "per MAC", "codec")
    return Figures(_title(latency), _NAMES, headings, rows, optional=optional)


def _stored(layer: LayerRecord, value: int | None) -> tuple[str, ...]:
    """The cells of a layer's line."""
    rate = f"{value / layer.macs:.2f}" if value is not None and layer.macs else ""
    codec = cut_middle(layer.codec or "", _CODEC)
    return (
        layer.name, layer.op, _count(layer.macs), _number(value), rate, codec,
        _count(layer.weight_bytes),
    )  # fmt: skip


def share_chart(report: Report) -> Figures:
    """One line per layer with bars: its share of the latency and of the flash, and the RAM in use
    while it runs. Then the parts that belong to no layer.
    """
    found = shares(report)
    wholes = {"latency": found.latency, "flash": found.flash, "ram": found.ram}
    columns = {key: whole for key, whole in wholes.items() if whole}
    headings = ["RAM in use" if key == "ram" else key for key in columns]
    rows = [
        [row.name, *(_share(getattr(row, key), whole) for key, whole in columns.items())]
        for row in found.rows
    ]
    return Figures("Shares", _NAMES[:1], headings, rows, justify="left")


def _share(value: int | None, whole: int) -> str:
    """A bar with a resolution of 1/8 character, and the percentage."""
    if not value:
        return ""
    eighths = round(8 * _BAR * value / whole)
    bar = "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()
    return f"{bar:<{_BAR}} {100 * value / whole:3.0f} %"


def _percent(value: int | None, whole: int) -> str:
    return f"{100 * value / whole:.0f}" if value is not None and whole else ""


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _count(number: int) -> str:
    return f"{number:,}" if number else ""
