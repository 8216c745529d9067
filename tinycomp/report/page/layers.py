"""Layer by layer: shares of everything, flash, latency beside work, errors of int8."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinycomp.report.numbers import INTERRUPTS
from tinycomp.report.record import EstimateRecord, LatencyRecord, LayerRecord, Report
from tinycomp.report.shares import CODE, shares

_BAR = 65.0
"""Maximum percentage of a cell for a bar beside a number."""
_GOOD = 60.0
"""Signal to noise in dB for a full bar."""
_POOR = 15.0
"""In dB; tensors below it are marked."""

View = dict[str, Any]


def stack(parts: Sequence[tuple[str, str, int]]) -> list[View]:
    """A stacked bar of parts (colour, label, value)."""
    whole = sum(value for _, _, value in parts) or 1
    return [
        {"color": color, "label": label, "value": value, "share": 100 * value / whole}
        for color, label, value in parts
    ]


def share_rows(report: Report) -> View | None:
    """Layers by number, then parts that belong to no layer; None if there is nothing to compare."""
    found = shares(report)
    unit = report.latency.unit if report.latency else ""
    columns = {"latency": unit, "flash": "flash", "ram": "RAM in use"}
    known = [key for key in columns if getattr(found, key)]
    most = {key: max(getattr(row, key) or 0 for row in found.rows) or 1 for key in known}
    rows = [
        {
            "number": number if number <= len(report.layers) else "",
            "name": row.name,
            "cells": [_cell(getattr(row, key), getattr(found, key), most[key]) for key in known],
        }
        for number, row in enumerate(found.rows, 1)
    ]
    return {"headings": [columns[key] for key in known], "rows": rows} if len(known) > 1 else None


def _cell(value: int | None, whole: int, most: int) -> View | None:
    """Length of a bar; the largest value gets the full space."""
    return {"share": 100 * value / whole, "width": _BAR * value / most} if value else None


def flash(report: Report) -> View:
    """Code, weights and other constants; then constants by layer."""
    weights = report.weight_bytes
    rows = shares(report).rows
    code = sum(row.flash or 0 for row in rows if row.name == CODE and row.latency is None)
    whole = sum(row.flash or 0 for row in rows)
    parts = [("b", "weights", weights), ("c", "other constants", whole - weights - code)]
    if report.flash:
        parts.insert(0, ("a", "code", report.flash.code))
    most = max((each.weight_bytes + each.constant_bytes for each in report.layers), default=0) or 1
    layers = [
        {
            "number": number,
            "layer": layer,
            "bytes": layer.weight_bytes + layer.constant_bytes,
            "weights": 100 * layer.weight_bytes / most,
            "constants": 100 * layer.constant_bytes / most,
            "share": 100 * (layer.weight_bytes + layer.constant_bytes) / (whole or 1),
        }
        for number, layer in enumerate(report.layers, 1)
    ]
    return {"parts": stack(parts), "whole": whole, "layers": layers}


def latency(latency: LatencyRecord, layers: Sequence[LayerRecord], stand_in: str | None) -> View:
    """Ticks of each layer beside its work, and the estimate for a real chip."""
    values = {layer.name: layer.value for layer in latency.layers}
    whole = max(latency.value, sum(values.values())) or 1
    most = max(values.values(), default=0) or 1
    most_macs = max((layer.macs for layer in layers), default=0) or 1
    rows = [
        {
            "number": number,
            "layer": layer,
            "macs": 100 * layer.macs / most_macs,
            "value": values[layer.name],
            "rate": f"{values[layer.name] / layer.macs:.2f}" if layer.macs else "",
            "width": 100 * values[layer.name] / most,
            "share": 100 * values[layer.name] / whole,
        }
        for number, layer in enumerate(layers, 1)
        if layer.name in values
    ]
    return {
        "value": latency.value,
        "unit": latency.unit,
        "between": latency.between if rows else 0,
        "between_share": 100 * latency.between / whole,
        "stand_in": stand_in,
        "time": latency.time,
        "interrupts": INTERRUPTS.get(latency.interrupts),
        "rows": rows,
        "estimate": _estimate(latency.estimate) if latency.estimate else None,
    }


def _estimate(estimate: EstimateRecord) -> View:
    counted = sorted(estimate.mix.items(), key=lambda item: -item[1])
    parts = [
        (color, kind.replace("_", " "), count)
        for color, (kind, count) in zip("abcdefg", counted, strict=True)
        if count
    ]
    return {"record": estimate, "parts": stack(parts)}


def errors(report: Report) -> list[View]:
    """Signal to noise of each tensor; bars for those that have any."""
    return [
        {
            "name": name,
            "ratio": ratio,
            "width": 100 * min(max(ratio, 0.0), _GOOD) / _GOOD,
            "poor": ratio < _POOR,
        }
        for name, ratio in report.signal_to_noise.items()
    ]
